//! The sample program as a Deployment behind a Service.

use std::net::IpAddr;

use segue_cluster::{Api, Pod, images};
use serde_json::{Value, json};

/// What its pods and its Service are found by.
pub(crate) const SELECTOR: &str = "app=web";

/// A Deployment `web` of the sample program, and a Service `web` in front of it. Whoever wants something else changes it.
pub(crate) struct Sample {
    pub(crate) deployment: Value,
    pub(crate) service: Value,
}

impl Sample {
    /// So many replicas; `flags` are those of `segue sample`.
    pub(crate) fn new(replicas: u32, flags: &[&str]) -> Self {
        let arguments = [&["--port", "8080", "--host", "0.0.0.0"], flags].concat();
        let deployment = json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
            "spec": {
                "replicas": replicas,
                "selector": {"matchLabels": {"app": "web"}},
                "template": {"metadata": {"labels": {"app": "web"}}, "spec": {
                    "containers": [{
                        "name": "app", "image": images::SAMPLE, "imagePullPolicy": "Never", "args": arguments,
                        "ports": [{"name": "http", "containerPort": 8080}],
                        "readinessProbe": {"httpGet": {"path": "/health", "port": "http"}, "periodSeconds": 1},
                    }],
                }},
            },
        });
        let service = json!({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
            "spec": {"selector": {"app": "web"}, "ports": [{"name": "http", "port": 80, "targetPort": "http"}]},
        });
        Self { deployment, service }
    }

    /// It listens in both families.
    pub(crate) fn in_both_families(mut self) -> Self {
        for argument in self.container()["args"].as_array_mut().unwrap() {
            if *argument == "0.0.0.0" {
                *argument = "::".into();
            }
        }
        self
    }

    /// Its container in the template.
    pub(crate) fn container(&mut self) -> &mut Value {
        &mut self.deployment["spec"]["template"]["spec"]["containers"][0]
    }

    /// Applies both and waits until the pods are ready.
    #[track_caller]
    pub(crate) fn run(&self, api: &Api) -> Vec<Pod> {
        let list = json!({"apiVersion": "v1", "kind": "List", "items": [self.deployment, self.service]});
        api.apply(&list.to_string()).unwrap();
        let replicas = self.deployment["spec"]["replicas"].as_u64().unwrap();
        api.until_ready(SELECTOR, usize::try_from(replicas).unwrap()).unwrap()
    }
}

/// The addresses of a Service, in their order.
#[track_caller]
pub(crate) fn addresses(api: &Api, service: &str) -> Vec<IpAddr> {
    let service = api.get(["service", service]).unwrap();
    let addresses = service["spec"]["clusterIPs"].as_array().unwrap().iter();
    addresses.map(|address| address.as_str().unwrap().parse().unwrap()).collect()
}

/// The Service's own address, with a path behind it.
#[track_caller]
pub(crate) fn url(api: &Api, path: &str) -> String {
    let service = api.get(["service", "web"]).unwrap();
    format!("http://{}{path}", service["spec"]["clusterIP"].as_str().unwrap())
}
