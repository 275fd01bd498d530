//! The preStop hooks that containers had before, a command and a GET, run once each, after the pod's drain.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};

use segue_cluster::wait::{self, LONG};
use segue_e2e::plain::namespace::Network;
use serde_json::json;

use crate::TestBed;
use crate::injected::{Injected, sample};

/// Those hooks run out of the time to stop.
const FLAGS: &[&str] = &["--guard", "--bound", "kube-proxy=3s", "--stop-time", "1m"];

pub(crate) fn holds(bed: &TestBed) {
    // Both hooks call here.
    let node = bed.cluster().node(1);
    let network = Network::of(node.command("cat")).unwrap();
    let listener = network.run("listener", || TcpListener::bind(("0.0.0.0", 0))).unwrap();
    let listener = listener.join().unwrap().unwrap().unwrap();
    listener.set_nonblocking(true).unwrap();
    let (host, port) = (node.address().to_string(), listener.local_addr().unwrap().port());

    let mut sample = sample(1);
    let mut beside = sample.container().clone();
    beside["name"] = "beside".into();
    beside["args"] = json!(["--host", "0.0.0.0", "--port", "8081", "--rude"]);
    beside["ports"] = json!([]);
    beside.as_object_mut().unwrap().remove("readinessProbe");
    let get =
        json!({"host": host, "port": port, "path": "/get", "httpHeaders": [{"name": "own", "value": "yes"}]});
    beside["lifecycle"] = json!({"preStop": {"httpGet": get}});
    let command =
        ["/bin/segue", "probe", &format!("http://{host}:{port}/exec"), "--rate", "1", "--duration", "1s"];
    sample.container()["lifecycle"] = json!({"preStop": {"exec": {"command": command}}});
    let containers = &mut sample.deployment["spec"]["template"]["spec"]["containers"];
    containers.as_array_mut().unwrap().push(beside);

    let web = Injected::up(bed, "own-hooks", &sample, FLAGS);
    let pod = web.pod();
    let mut client = web.in_flight(&pod, 5_000);
    web.delete(&pod, &[]);
    assert_eq!(client.answer().status, 200);
    let mut calls: Vec<_> = (0..2)
        .map(|_| {
            let (stream, _) =
                wait::until("a hook of the container's own calls", LONG, || Ok(listener.accept()?)).unwrap();
            let call = Call::read(stream);
            // While it waits for its answer the hook runs, and the drain is over.
            assert_eq!(web.status(&pod)["state"], "released", "{:?}", call.head);
            call
        })
        .collect();
    calls.sort_by(|one, other| one.head.cmp(&other.head));
    assert!(calls[0].head[0].starts_with("GET /exec "), "{:?}", calls[0].head);
    assert!(calls[1].head[0].starts_with("GET /get "), "{:?}", calls[1].head);
    assert!(calls[1].head.iter().any(|line| line.eq_ignore_ascii_case("own: yes")), "{:?}", calls[1].head);
    calls.into_iter().for_each(Call::answer);
    web.until_gone(&pod);
    assert!(listener.accept().is_err(), "a hook ran twice");
    web.remove();
}

/// A request that waits for its answer.
struct Call {
    stream: TcpStream,
    head: Vec<String>,
}

impl Call {
    #[track_caller]
    fn read(stream: TcpStream) -> Self {
        stream.set_nonblocking(false).unwrap();
        let lines = BufReader::new(stream.try_clone().unwrap()).lines().map(Result::unwrap);
        let head = lines.take_while(|line| !line.is_empty()).collect();
        Self { stream, head }
    }

    fn answer(mut self) {
        self.stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
    }
}
