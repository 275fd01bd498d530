//! What stands around a pod: network policies that name its ports, meshes that intercept connections, and the autoscaler that
//! will not move a pod with local volumes.

use std::collections::BTreeSet;

use segue_yaml::{Pointer, Position};
use serde_json::json;

use super::finding::{Change, Finding, Severity};
use super::mesh::{self, Mesh};
use crate::names::{STATE_VOLUME, VOLUME};
use crate::notes::{Rule, Words};
use crate::objects::{NetworkPolicy, Object, PolicyRule};
use crate::ports::Ports;
use crate::workload::Workload;

const ISTIO_EXCLUDE: &str = "traffic.sidecar.istio.io/excludeInboundPorts";
const ISTIO_INCLUDE: &str = "traffic.sidecar.istio.io/includeInboundPorts";
const EVICTABLE: &str = "cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes";
const LINKERD_OPAQUE: &str = "config.linkerd.io/opaque-ports";
const LINKERD_SKIP: &str = "config.linkerd.io/skip-inbound-ports";

const ISTIO_END: &str = "Istio's proxy must outlive the drain: let it be a native sidecar (an ordinary container ends 5 s after the pod's deletion \
                         began, and what it carries is cut), and raise its drainDuration where a drain may take more than 45 s";
const LINKERD_END: &str = "Linkerd's proxy must outlive the drain: let it be a native sidecar";

/// Finds each policy that lets traffic through to the application's ports and not to the guard's, and, if a load balancer's health
/// check asks the agent, each that does not let that through.
pub(crate) fn policies(workload: &Workload, ports: &Ports, asks_the_agent: bool) -> Vec<Finding> {
    let mut findings = if asks_the_agent { health_checks(workload, ports.control) } else { Vec::new() };
    let guarded: Vec<_> = ports.moved().collect();
    if guarded.is_empty() {
        return findings;
    }
    for (object, policy) in &workload.policies {
        findings.extend(policy_without(workload, ports, &guarded, (object, policy)));
    }
    let numbers: Vec<_> =
        guarded.iter().map(|(application, guard)| format!("{guard} beside {application}")).collect();
    for object in &workload.other_policies {
        let what = (
            format!("{}, {}", workload.object, numbers.join(", ")),
            "it is not read: if it names ports of these pods by number, let it name the guard's too; a name that a Service sends to means the \
             guard's port once the pods are injected",
        );
        findings.push(Finding::told(Rule::UnreadPolicy, Severity::Info, (object, &Pointer::root()), what));
    }
    findings
}

/// A policy that does not let through to the guard who is let through to the application behind it.
fn policy_without(
    workload: &Workload,
    ports: &Ports,
    guarded: &[(u16, u16)],
    (object, policy): (&Object, &NetworkPolicy),
) -> Option<Finding> {
    let (mut edits, mut added) = (Vec::new(), BTreeSet::new());
    for (way, index, rule) in rules(workload, object, policy) {
        let allowed = ports.allowed(&rule.ports);
        for (application, guard) in guarded.iter().filter(|(application, _)| allowed.before(*application)) {
            let passed_by = ports.passed_by.contains(application) && !allowed.after(*application);
            let wanted = [(!allowed.after(*guard)).then_some(*guard), passed_by.then_some(*application)];
            for number in wanted.into_iter().flatten() {
                let at = Pointer::keys(["spec", way]).then(index).then("ports");
                let port = json!({"port": number, "protocol": "TCP"});
                edits.push(Change::add(object, &at, port, Position::Last));
                added.insert((*application, *guard, number));
            }
        }
    }
    let numbers: BTreeSet<_> = added.iter().map(|(.., number)| number.to_string()).collect();
    let numbers = numbers.into_iter().collect::<Vec<_>>().join(", ");
    let what = format!(
        "does not let requests through to port {numbers} of {}, once that has the guard",
        workload.object
    );
    let place = (object, &Pointer::keys(["spec"]));
    let finding = Finding { edits, ..Finding::of(Rule::NetworkPolicy, Severity::Warning, place, what) };
    let note = |finding: Finding, (application, guard, number)| {
        let words: Words = if number == guard {
            (
                format!("port {guard} beside {application}"),
                "it allows the guard's port in front of the application's",
            )
                .into()
        } else {
            (
                format!("port {application} beside {guard}"),
                "it names a port of which the number is the guard's now, and allows the old number beside it, for some still come to \
                 that: a Service with a numeric targetPort, clients of the pods' own addresses, scrapers",
            )
                .into()
        };
        finding.note(words)
    };
    (!added.is_empty()).then(|| added.into_iter().fold(finding, note))
}

/// A policy that names ports lets a load balancer's checks through to the application alone, and no pod would be healthy.
fn health_checks(workload: &Workload, control: u16) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (object, policy) in &workload.policies {
        let rules = rules(workload, object, policy);
        let mut ingress =
            rules.iter().filter(|(way, ..)| *way == "ingress").map(|(.., rule)| rule).peekable();
        let names_others = ingress.peek().is_some();
        if names_others && !ingress.any(|rule| rule.ports.iter().any(|port| port.allows(control))) {
            let what = (
                format!("port {control} of {}", workload.object),
                "it does not let the load balancer's health checks through to the agent's port: allow it for where they come from, or every \
                 pod is unhealthy",
            );
            let place = (*object, &Pointer::keys(["spec", "ingress"]));
            findings.push(Finding::told(Rule::HealthCheckPolicy, Severity::Warning, place, what));
        }
    }
    findings
}

/// The rules of a policy that concern traffic to the pods.
fn rules<'p>(
    workload: &Workload,
    object: &Object,
    policy: &'p NetworkPolicy,
) -> Vec<(&'static str, usize, &'p PolicyRule)> {
    let labels = &workload.template.labels;
    let beside = object.shares_namespace(workload.object);
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

/// Finds each mesh that would intercept connections to the agent itself. The guard's ports are the application's traffic: the mesh
/// goes on to treat it as it did.
pub(crate) fn mesh(workload: &Workload, ports: &Ports) -> Vec<Finding> {
    let mut findings = Vec::new();
    for seen in mesh::seen(workload) {
        let (lists, what) = match seen.mesh {
            Mesh::Istio => ([ISTIO_EXCLUDE, ISTIO_INCLUDE], ISTIO_END),
            Mesh::Linkerd => ([LINKERD_SKIP, LINKERD_OPAQUE], LINKERD_END),
            _ => continue,
        };
        findings.push(intercepted(workload, seen.mesh.name(), lists, ports));
        let place = (workload.object, &workload.template.spec_at());
        findings.push(Finding::told(Rule::MeshProxyEnd, Severity::Warning, place, what));
    }
    findings
}

/// A mesh, and its annotations of ports: those that it leaves alone, and those that it treats as they say.
fn intercepted(workload: &Workload, mesh: &str, [skipped, treated]: [&str; 2], ports: &Ports) -> Finding {
    let control = ports.control;
    let guard = if ports.moved().next().is_some() {
        "; it treats the guard's ports as the application's behind them"
    } else {
        ""
    };
    let place = (workload.object, &workload.template.annotation_at(skipped));
    let what = format!("{mesh} would intercept connections to the agent's port {control}");
    let mut finding = Finding::of(Rule::MeshPorts, Severity::Info, place, what)
        .note(format!("{mesh} does not intercept the agent's port {control}{guard}"));
    finding.edits.extend(list(workload, skipped, ports, true));
    finding.edits.extend(list(workload, treated, ports, false));
    finding
}

/// Finds pods that would keep a node from being emptied: without a word the cluster autoscaler keeps one for ever on which a pod has
/// local volumes, as the agent's are.
pub(crate) fn evictable(workload: &Workload) -> Option<Finding> {
    let template = &workload.template;
    let today = template.meta.annotation(EVICTABLE).unwrap_or_default();
    let mut names: Vec<&str> = today.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    names.extend(
        [VOLUME, STATE_VOLUME].iter().filter(|name| !today.split(',').any(|one| one.trim() == **name)),
    );
    let (at, value) = (template.annotation_at(EVICTABLE), names.join(","));
    let what = format!(
        "the cluster autoscaler would not empty a node of a pod with the agent's volumes: {EVICTABLE} has to name them"
    );
    (value != today).then(|| {
        Finding::of(Rule::SafeToEvict, Severity::Info, (workload.object, &at), what).mended_by(Change::put(
            workload.object,
            &at,
            value.into(),
        ))
    })
}

/// An annotation that lists ports gets the guard's beside the application's that it lists, and the agent's own if `control`.
fn list(workload: &Workload, key: &str, ports: &Ports, control: bool) -> Option<Change> {
    let template = &workload.template;
    let today = template.meta.annotation(key).unwrap_or_default();
    let mut words: Vec<String> = today.split(',').map(|word| word.trim().to_owned()).collect();
    words.retain(|word| !word.is_empty());
    let listed = |number: u16| words.iter().any(|word| lists(word, number));
    let guards = ports.moved().filter(|(application, _)| listed(*application)).map(|(_, guard)| guard);
    let wanted: Vec<u16> =
        guards.chain(control.then_some(ports.control)).filter(|number| !listed(*number)).collect();
    if wanted.is_empty() || words.iter().any(|word| word == "*") {
        return None;
    }
    words.extend(wanted.iter().map(u16::to_string));
    let at = template.annotation_at(key);
    Some(Change::put(workload.object, &at, words.join(",").into()))
}

/// Whether a word of such a list, a number or a range of them, has this number.
fn lists(word: &str, number: u16) -> bool {
    let (first, last) = word.split_once('-').unwrap_or((word, word));
    let bound = |text: &str| text.trim().parse::<u16>().ok();
    bound(first).zip(bound(last)).is_some_and(|(first, last)| (first..=last).contains(&number))
}
