//! The Kubernetes objects of an application, as somebody might have written them before any recipe.

use serde_json::{Value, json};

use segue_cluster::images::SAMPLE;

use super::setup::{Entry, Kind, Recipe, Setup};

/// What the workload, its container and its Service are called.
pub const NAME: &str = "web";

/// The label by which its pods are found.
pub const SELECTOR: &str = "app=web";

/// Where the application listens.
pub const PORT: u16 = 8080;

/// Where its guard is: the first port that `segue inject` gives.
pub const GUARD_PORT: u16 = 15080;

/// A StatefulSet's first pod.
pub const FIRST: &str = "web-0";

/// The Service's own port.
pub const SERVICE_PORT: u16 = 80;

impl Setup {
    /// Whether a rollout leaves this pod as it is.
    pub fn stays(&self, pod: &str) -> bool {
        self.entry == Entry::Peers && pod == FIRST
    }

    /// The workload as kubectl names it.
    pub fn workload(&self) -> String {
        format!("{}/{}", self.kind.name(), NAME)
    }

    /// The workload and its Services, with what the recipes without Segue put into them.
    pub fn objects(&self) -> Vec<Value> {
        let mut objects = vec![self.workload_object(), self.service()];
        if matches!(self.entry, Entry::LoadBalancer | Entry::FullAlb) {
            // Nothing on the cluster reads it; `segue inject` does.
            objects.push(json!({
                "apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
                "metadata": {"name": NAME, "annotations": {"alb.ingress.kubernetes.io/target-type": "ip"}},
                "spec": {"ingressClassName": "alb",
                    "defaultBackend": {"service": {"name": NAME, "port": {"name": "http"}}}},
            }));
        }
        objects
    }

    fn service(&self) -> Value {
        let target = if self.entry.is_numeric() { json!(PORT) } else { json!("http") };
        let mut spec = json!({
            "selector": {"app": NAME},
            "ports": [{"name": "http", "port": SERVICE_PORT, "targetPort": target}],
        });
        if self.entry == Entry::Ipv6 {
            spec["ipFamilyPolicy"] = json!("SingleStack");
            spec["ipFamilies"] = json!(["IPv6"]);
        }
        if matches!(self.entry, Entry::Headless | Entry::Peers) {
            // The port of its clients is the pods' own: no kube-proxy stands between them.
            spec["clusterIP"] = json!("None");
            spec["ports"][0]["port"] = json!(PORT);
        }
        if self.entry == Entry::NodePortLocal {
            // Only a Service of this type has a healthCheckNodePort; nobody here gives it an address.
            spec["type"] = json!("LoadBalancer");
            spec["externalTrafficPolicy"] = json!("Local");
        }
        let mut metadata = json!({"name": NAME});
        if self.entry == Entry::FullNlb {
            // As above: `segue inject` alone reads it.
            spec["type"] = json!("LoadBalancer");
            metadata["annotations"] =
                json!({"service.beta.kubernetes.io/aws-load-balancer-nlb-target-type": "ip"});
        }
        json!({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec})
    }

    fn workload_object(&self) -> Value {
        let mut spec = json!({
            "replicas": self.replicas,
            "selector": {"matchLabels": {"app": NAME}},
            "template": {"metadata": {"labels": {"app": NAME}}, "spec": self.pod()},
        });
        let kind = match self.kind {
            Kind::Deployment => "Deployment",
            Kind::StatefulSet => {
                // Its own Service may be any; a headless one would be a path of its own, which nobody here takes.
                spec["serviceName"] = json!(NAME);
                spec["podManagementPolicy"] = json!("Parallel");
                if self.entry == Entry::Peers {
                    // The first pod stays: clients are in it.
                    spec["updateStrategy"] = json!({"rollingUpdate": {"partition": 1}});
                }
                "StatefulSet"
            }
        };
        json!({"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": NAME}, "spec": spec})
    }

    fn pod(&self) -> Value {
        let mut arguments = vec![
            "--host".to_owned(),
            if self.entry == Entry::Ipv6 { "::" } else { "0.0.0.0" }.to_owned(),
            "--port".to_owned(),
            PORT.to_string(),
            format!("--{}", self.shutdown.name()),
        ];
        arguments.extend(self.sample.iter().cloned());
        let mut container = json!({
            "name": NAME, "image": SAMPLE, "imagePullPolicy": "Never", "args": arguments,
            // A ledger then says which pod answered.
            "env": [{"name": "SEGUE_VERSION", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
            "ports": [{"name": "http", "containerPort": PORT}],
            "readinessProbe": {"httpGet": {"path": "/health", "port": "http"}, "periodSeconds": 1},
            "resources": {"requests": {"cpu": "100m", "memory": "32Mi"}},
        });
        let mut pod = json!({
            "topologySpreadConstraints": [{
                "maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": {"app": NAME}},
            }],
        });
        if let Recipe::Sleep { seconds } = self.recipe {
            container["lifecycle"] = json!({"preStop": {"sleep": {"seconds": seconds}}});
            pod["terminationGracePeriodSeconds"] = json!(seconds + 30);
        }
        pod["containers"] = json!([container]);
        pod
    }
}

#[cfg(test)]
mod tests {
    use super::super::setup::ShutdownBehaviour;
    use super::*;

    #[test]
    fn the_ipv6_service_has_that_family_alone_and_its_application_listens_there() {
        let setup = Setup { entry: Entry::Ipv6, ..Setup::new(Recipe::Nothing, ShutdownBehaviour::Rude) };
        let objects = setup.objects();
        let service = &objects[1]["spec"];
        assert_eq!(
            (&service["ipFamilyPolicy"], &service["ipFamilies"]),
            (&json!("SingleStack"), &json!(["IPv6"]))
        );
        assert_eq!(service["ports"][0]["targetPort"], PORT);
        let arguments = &objects[0]["spec"]["template"]["spec"]["containers"][0]["args"];
        assert_eq!(arguments[1], "::", "{arguments}");
    }

    #[test]
    fn the_sleeping_recipe_alone_has_a_hook_and_a_longer_grace() {
        let pod = |recipe| {
            Setup::new(recipe, ShutdownBehaviour::Rude).objects()[0]["spec"]["template"]["spec"].clone()
        };
        let sleeping = pod(Recipe::Sleep { seconds: 10 });
        assert_eq!(sleeping["terminationGracePeriodSeconds"], 40);
        assert_eq!(sleeping["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"], 10);
        for recipe in [Recipe::Nothing, Recipe::Guard] {
            assert_eq!(pod(recipe)["containers"][0].get("lifecycle"), None, "{recipe}");
        }
    }
}
