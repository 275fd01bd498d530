//! What comes to a redirected port from outside the pod comes to the guard, and the application sees the guard; what comes over
//! loopback, as `kubectl port-forward` does, comes to the application itself. An application is reached wherever it listens: on
//! loopback alone, on the pod's own address, on IPv6. None of Segue's containers gets a token for the API server.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use segue_e2e::client;
use serde_json::json;

use crate::TestBed;
use crate::injected::{APPLICATION, Injected, SHORT_REDIRECTED, sample};

pub(crate) fn holds(bed: &TestBed) {
    let web = Injected::up(bed, "within", &sample(1), SHORT_REDIRECTED);
    let pod = web.pod();
    // Probes come by the same way, and are not counted among the requests.
    for _ in 0..10 {
        assert_eq!(web.get(&pod, APPLICATION, "/").status, 200);
    }
    web.until_status(&pod, "the guard has carried them", |status| status["guard"]["requests"] == 10);
    let words = ["port-forward", &pod.name, &format!(":{APPLICATION}")];
    let mut forward = web.api.kubectl(words);
    let forward = Forward(forward.stdout(Stdio::piped()).spawn().unwrap());
    let (forward, port) = forward.until_it_listens();
    for _ in 0..50 {
        assert_eq!(client::get(([127, 0, 0, 1], port).into(), "/").status, 200);
    }
    drop(forward);
    assert_eq!(web.get(&pod, APPLICATION, "/").status, 200);
    let eleventh = |status: &serde_json::Value| status["guard"]["requests"].as_u64() >= Some(11);
    let carried = web.until_status(&pod, "the guard has carried the next one", eleventh);
    assert_eq!(carried["guard"]["requests"], 11, "what came over loopback came by the guard");
    let spec = web.api.get(["pod", &pod.name]).unwrap()["spec"].clone();
    let [ours, others] = ["initContainers", "containers"].map(|list| spec[list].as_array().unwrap().clone());
    let tokens = |containers: Vec<serde_json::Value>| {
        let mounts = containers.iter().flat_map(|one| one["volumeMounts"].as_array().unwrap());
        mounts.filter(|mount| mount["name"].as_str().unwrap().starts_with("kube-api-access")).count()
    };
    assert_eq!((ours.len(), tokens(ours), tokens(others)), (2, 0, 1), "{spec:#}");
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
