//! What stands around a pod: network policies that name its ports, meshes that intercept connections, and the autoscaler that
//! will not move a pod with local volumes.

use std::collections::BTreeSet;

use segue_yaml::{Pointer, Position};
use serde_json::json;

use super::agent::{STATE_VOLUME, VOLUME};
use super::draft::Draft;
use super::ports::Ports;
use crate::objects::{NetworkPolicy, Object, PolicyRule};

const ISTIO_EXCLUDE: &str = "traffic.sidecar.istio.io/excludeInboundPorts";
const ISTIO_INCLUDE: &str = "traffic.sidecar.istio.io/includeInboundPorts";
const EVICTABLE: &str = "cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes";
const LINKERD_OPAQUE: &str = "config.linkerd.io/opaque-ports";
const LINKERD_SKIP: &str = "config.linkerd.io/skip-inbound-ports";

/// Lets traffic to the guard's ports through wherever a policy lets it through to the application's.
pub(super) fn policies(draft: &mut Draft, ports: &Ports, asks_the_agent: bool) {
    if asks_the_agent {
        health_checks(draft, ports.control);
    }
    let guarded: Vec<_> = ports.guarded().collect();
    if guarded.is_empty() {
        return;
    }
    let workload = draft.workload;
    for (object, policy) in &workload.policies {
        let mut added = BTreeSet::new();
        for (way, index, rule) in rules(draft, object, policy) {
            let allowed = ports.allowed(&rule.ports);
            for (application, guard) in guarded.iter().filter(|(application, _)| allowed.before(*application))
            {
                let passed_by = ports.passed_by.contains(application) && !allowed.after(*application);
                let wanted = [(!allowed.after(*guard)).then_some(*guard), passed_by.then_some(*application)];
                for number in wanted.into_iter().flatten() {
                    let at = Pointer::keys(["spec", way]).then(index).then("ports");
                    draft.add_in(object, &at, json!({"port": number, "protocol": "TCP"}), Position::Last);
                    added.insert((*application, *guard, number));
                }
            }
        }
        for (application, guard, number) in added {
            let text = if number == guard {
                format!("allows port {guard} beside {application}: the guard's in front of it")
            } else {
                format!(
                    "names the port of which the number is the guard's {guard} now, and allows {application} beside it, for some still \
                     come to that number: a Service with a numeric targetPort, clients of the pods' own addresses, scrapers"
                )
            };
            draft.decisions.note(object, text);
        }
    }
    let numbers: Vec<_> =
        guarded.iter().map(|(application, guard)| format!("{guard} beside {application}")).collect();
    for object in &workload.other_policies {
        draft.decisions.note(
            object,
            format!(
                "is not read: if it names ports of {} by number, let it name {} too; a name that a Service sends to means the guard's port \
                 once the pods are injected",
                workload.object,
                numbers.join(", ")
            ),
        );
    }
}

/// A policy that names ports lets a load balancer's checks through to the application alone, and no pod would be healthy.
fn health_checks(draft: &mut Draft, control: u16) {
    let workload = draft.workload;
    for (object, policy) in &workload.policies {
        let rules = rules(draft, object, policy);
        let mut ingress =
            rules.iter().filter(|(way, ..)| *way == "ingress").map(|(.., rule)| rule).peekable();
        let names_others = ingress.peek().is_some();
        if names_others && !ingress.any(|rule| rule.ports.iter().any(|port| port.allows(control))) {
            draft.decisions.note(
                object,
                format!(
                    "does not let the load balancer's health checks through to the agent's port {control}: allow it for where they come from, \
                     or every pod of {} is unhealthy",
                    workload.object
                ),
            );
        }
    }
}

/// The rules of a policy that concern traffic to the pods.
fn rules<'p>(
    draft: &Draft,
    object: &Object,
    policy: &'p NetworkPolicy,
) -> Vec<(&'static str, usize, &'p PolicyRule)> {
    let labels = &draft.template().labels;
    let beside = object.shares_namespace(draft.workload.object);
    let mut rules = Vec::new();
    if beside && labels.picked_by(&policy.pod_selector) {
        rules.extend(policy.ingress.iter().enumerate().map(|(index, rule)| ("ingress", index, rule)));
    }
    let egress = policy.egress.iter().enumerate().filter(|(_, rule)| rule.reaches(beside, labels));
    rules.extend(egress.map(|(index, rule)| ("egress", index, rule)));
    // A rule that names no port allows all.
    rules.retain(|(_, _, rule)| !rule.ports.is_empty());
    rules
}

/// Keeps a mesh from intercepting connections to the agent itself. The guard's ports are the application's traffic: the mesh
/// goes on to treat it as it did.
pub(super) fn mesh(draft: &mut Draft, ports: &Ports) {
    let meta = draft.template().meta.clone();
    let namespace = draft.workload.namespace.map(|object| object.meta.clone()).unwrap_or_default();
    let container = |name: &str| {
        let spec = &draft.template().spec;
        spec.containers.iter().chain(&spec.init_containers).any(|container| container.name == name)
    };
    let mentions = |prefixes: &[&str]| {
        let keys = meta.annotations.keys().chain(meta.labels.keys());
        keys.into_iter().any(|key| prefixes.iter().any(|prefix| key.starts_with(prefix)))
    };
    let off = |key: &str, value: &str| {
        meta.annotation(key) == Some(value) || meta.labels.get(key).is_some_and(|one| one == value)
    };
    let istio = container("istio-proxy")
        || mentions(&["sidecar.istio.io/", "traffic.sidecar.istio.io/", "proxy.istio.io/"])
        || namespace.labels.contains_key("istio.io/rev")
        || namespace.labels.get("istio-injection").is_some_and(|value| value == "enabled");
    let linkerd = container("linkerd-proxy")
        || mentions(&["linkerd.io/inject", "config.linkerd.io/"])
        || namespace.annotation("linkerd.io/inject").is_some_and(|value| value != "disabled");
    if istio && !off("sidecar.istio.io/inject", "false") {
        list(draft, ISTIO_EXCLUDE, ports, true);
        list(draft, ISTIO_INCLUDE, ports, false);
        tell_mesh(draft, "Istio", ports);
        draft.note(
            "Istio's proxy must outlive the drain: let it be a native sidecar (an ordinary container ends 5 s after the pod's deletion \
             began, and what it carries is cut), and raise its drainDuration where a drain may take more than 45 s",
        );
    }
    if linkerd && !off("linkerd.io/inject", "disabled") {
        list(draft, LINKERD_SKIP, ports, true);
        list(draft, LINKERD_OPAQUE, ports, false);
        tell_mesh(draft, "Linkerd", ports);
        draft.note("Linkerd's proxy must outlive the drain: let it be a native sidecar");
    }
}

/// Without a word the cluster autoscaler keeps a node for ever on which a pod has local volumes, as the agent's are.
pub(super) fn evictable(draft: &mut Draft) {
    let template = draft.template();
    let today = template.meta.annotation(EVICTABLE).unwrap_or_default();
    let mut names: Vec<&str> = today.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    names.extend(
        [VOLUME, STATE_VOLUME].iter().filter(|name| !today.split(',').any(|one| one.trim() == **name)),
    );
    let (at, value) = (template.annotation_at(EVICTABLE), names.join(","));
    if value != today {
        draft.put(&at, value.into());
    }
}

/// An annotation that lists ports gets the guard's beside the application's that it lists, and the agent's own if `control`.
fn list(draft: &mut Draft, key: &str, ports: &Ports, control: bool) {
    let template = draft.template();
    let today = template.meta.annotation(key).unwrap_or_default();
    let mut words: Vec<String> = today.split(',').map(|word| word.trim().to_owned()).collect();
    words.retain(|word| !word.is_empty());
    let listed = |number: u16| words.iter().any(|word| lists(word, number));
    let guards = ports.guarded().filter(|(application, _)| listed(*application)).map(|(_, guard)| guard);
    let wanted: Vec<u16> =
        guards.chain(control.then_some(ports.control)).filter(|number| !listed(*number)).collect();
    if wanted.is_empty() || words.iter().any(|word| word == "*") {
        return;
    }
    words.extend(wanted.iter().map(u16::to_string));
    let at = template.annotation_at(key);
    draft.put(&at, words.join(",").into());
}

/// Whether a word of such a list, a number or a range of them, has this number.
fn lists(word: &str, number: u16) -> bool {
    let (first, last) = word.split_once('-').unwrap_or((word, word));
    let bound = |text: &str| text.trim().parse::<u16>().ok();
    bound(first).zip(bound(last)).is_some_and(|(first, last)| (first..=last).contains(&number))
}

fn tell_mesh(draft: &mut Draft, mesh: &str, ports: &Ports) {
    let guard = if ports.guarded().next().is_some() {
        "; it treats the guard's ports as the application's behind them"
    } else {
        ""
    };
    draft.note(format!("{mesh} does not intercept the agent's port {}{guard}", ports.control));
}
