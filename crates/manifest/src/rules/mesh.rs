//! Which meshes the pods are in: a mesh's proxy takes what comes into a pod before anything else does.
//!
//! A mesh is seen by a proxy's container, by labels and annotations of the pod, and by those of its Namespace if that is in the
//! input. A word that leaves the pod out wins over all of them.

use segue_yaml::Pointer;

use crate::objects::{Container, Meta, Object};
use crate::workload::Workload;

/// A mesh that has something of its own in the pods' network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mesh {
    Istio,
    IstioAmbient,
    Linkerd,
    Aws,
    Kuma,
    Consul,
}

/// How a mesh is known.
struct Signs {
    mesh: Mesh,
    /// A container with this name, and a variable that begins so where others use the name too.
    proxy: Option<(&'static str, &'static str)>,
    /// Beginnings of the pods' own labels and annotations.
    of_pods: &'static [&'static str],
    /// Labels and annotations of Namespaces.
    of_namespaces: &'static [&'static str],
    /// The pods' own label or annotation that leaves them out.
    switch: &'static str,
}

const ALL: [Signs; 6] = [
    Signs {
        mesh: Mesh::Istio,
        proxy: Some(("istio-proxy", "")),
        of_pods: &["sidecar.istio.io/", "traffic.sidecar.istio.io/", "proxy.istio.io/"],
        of_namespaces: &["istio.io/rev", "istio-injection"],
        switch: "sidecar.istio.io/inject",
    },
    Signs {
        mesh: Mesh::IstioAmbient,
        proxy: None,
        of_pods: &["istio.io/dataplane-mode"],
        of_namespaces: &["istio.io/dataplane-mode"],
        switch: "istio.io/dataplane-mode",
    },
    Signs {
        mesh: Mesh::Linkerd,
        proxy: Some(("linkerd-proxy", "")),
        of_pods: &["linkerd.io/inject", "config.linkerd.io/"],
        of_namespaces: &["linkerd.io/inject"],
        switch: "linkerd.io/inject",
    },
    Signs {
        mesh: Mesh::Aws,
        proxy: Some(("envoy", "APPMESH_")),
        of_pods: &["appmesh.k8s.aws/sidecarInjectorWebhook"],
        of_namespaces: &["appmesh.k8s.aws/sidecarInjectorWebhook"],
        switch: "appmesh.k8s.aws/sidecarInjectorWebhook",
    },
    Signs {
        mesh: Mesh::Kuma,
        proxy: Some(("kuma-sidecar", "")),
        of_pods: &["kuma.io/sidecar-injection"],
        of_namespaces: &["kuma.io/sidecar-injection"],
        switch: "kuma.io/sidecar-injection",
    },
    Signs {
        mesh: Mesh::Consul,
        proxy: Some(("consul-dataplane", "")),
        of_pods: &["consul.hashicorp.com/connect-inject"],
        of_namespaces: &["consul.hashicorp.com/connect-inject"],
        switch: "consul.hashicorp.com/connect-inject",
    },
];

/// Values of a switch that leave pods out.
const OFF: [&str; 3] = ["disabled", "false", "none"];

/// A mesh, and what tells of it.
pub(crate) struct Seen<'w> {
    pub(crate) mesh: Mesh,
    pub(crate) object: &'w Object,
    pub(crate) at: Pointer,
    /// Such as `the label istio-injection`.
    pub(crate) what: String,
}

impl Mesh {
    /// What its people call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Istio => "Istio",
            Self::IstioAmbient => "Istio's ambient mode",
            Self::Linkerd => "Linkerd",
            Self::Aws => "AWS App Mesh",
            Self::Kuma => "Kuma",
            Self::Consul => "Consul",
        }
    }
}

/// Every mesh that the pods are in, as far as the input tells.
pub(crate) fn seen<'w>(workload: &'w Workload) -> Vec<Seen<'w>> {
    ALL.iter().filter_map(|signs| signs.seen(workload)).collect()
}

impl Signs {
    fn seen<'w>(&self, workload: &'w Workload) -> Option<Seen<'w>> {
        let meta = &workload.template.meta;
        if words(meta).any(|(_, key, value)| key == self.switch && OFF.contains(&value)) {
            return None;
        }
        let (object, at, what) = self
            .proxy(workload)
            .or_else(|| {
                let own = words(meta).find(|(_, key, _)| self.of_pods.iter().any(|one| key.starts_with(one)));
                let (map, key, _) = own?;
                Some((
                    workload.object,
                    workload.template.at.then("metadata").then(map).then(key),
                    word(map, key),
                ))
            })
            .or_else(|| {
                let namespace = workload.namespace?;
                let (map, key, _) = words(&namespace.meta)
                    .find(|(_, key, value)| self.of_namespaces.contains(key) && !OFF.contains(value))?;
                Some((namespace, Pointer::keys(["metadata", map, key]), word(map, key)))
            })?;
        Some(Seen { mesh: self.mesh, object, at, what })
    }

    fn proxy<'w>(&self, workload: &'w Workload) -> Option<(&'w Object, Pointer, String)> {
        let (name, variable) = self.proxy?;
        let is_it = |one: &Container| one.name == name && (variable.is_empty() || one.has_variable(variable));
        let (at, _) = workload.template.all_containers().find(|(_, one)| is_it(one))?;
        Some((workload.object, at, format!("the container {name}")))
    }
}

/// Labels and annotations, each with where it stands.
fn words(meta: &Meta) -> impl Iterator<Item = (&'static str, &str, &str)> {
    let all = [("annotations", &meta.annotations), ("labels", &meta.labels)];
    all.into_iter()
        .flat_map(|(map, words)| words.iter().map(move |(key, value)| (map, key.as_str(), value.as_str())))
}

fn word(map: &str, key: &str) -> String {
    format!("the {} {key}", map.trim_end_matches('s'))
}
