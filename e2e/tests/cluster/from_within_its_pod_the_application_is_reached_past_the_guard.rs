//! What comes to a redirected port from outside the pod comes to the guard, and the application sees the guard; what comes over
//! loopback, as `kubectl port-forward` does, comes to the application itself. An application is reached wherever it listens: on
//! loopback alone, on the pod's own address, on IPv6.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use segue_e2e::client;
use serde_json::json;

use crate::TestBed;
use crate::injected::{APPLICATION, Injected, SHORT_REDIRECTED, sample};

pub(crate) fn holds(bed: &TestBed) {
    let web = Injected::up(bed, "within", &sample(1), SHORT_REDIRECTED);
    let pod = web.pod();
    let carried = || web.status(&pod)["guard"]["connections"].as_u64().unwrap();
    // Probes come by the same way, so it may be more.
    let before = carried();
    for _ in 0..10 {
        assert_eq!(web.get(&pod, APPLICATION, "/").status, 200);
    }
    assert!(carried() >= before + 10);
    // From now on nobody comes from outside.
    let words = ["port-forward", &pod.name, &format!(":{APPLICATION}")];
    let mut forward = web.api.kubectl(words);
    let forward = Forward(forward.stdout(Stdio::piped()).spawn().unwrap());
    let (forward, port) = forward.until_it_listens();
    let before = carried();
    for _ in 0..50 {
        assert_eq!(client::get(([127, 0, 0, 1], port).into(), "/").status, 200);
    }
    let probes = 40;
    assert!(carried() < before + probes, "they came by the guard");
    drop(forward);
    web.remove();

    for (namespace, host) in [("loopback", "127.0.0.1"), ("own-address", "$(POD_IP)"), ("ipv6", "::1")] {
        let mut sample = sample(1);
        let container = sample.container();
        container["args"] = json!(["--port", "8080", "--host", host, "--rude"]);
        container["env"] =
            json!([{"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}]);
        let web = Injected::up(bed, &format!("within-{namespace}"), &sample, SHORT_REDIRECTED);
        assert_eq!(web.get(&web.pod(), APPLICATION, "/").status, 200, "{host}");
        web.remove();
    }
}

/// `kubectl port-forward`, until this is dropped.
struct Forward(Child);

impl Forward {
    fn until_it_listens(mut self) -> (Self, u16) {
        let output = self.0.stdout.take().unwrap();
        let mut line = String::new();
        let mut output = BufReader::new(output);
        output.read_line(&mut line).unwrap();
        let port = line.split_whitespace().find_map(|word| word.strip_prefix("127.0.0.1:")?.parse().ok());
        // Nobody reads the rest, and it is short.
        std::thread::spawn(move || output.lines().count());
        (self, port.unwrap_or_else(|| panic!("{line}")))
    }
}

impl Drop for Forward {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
