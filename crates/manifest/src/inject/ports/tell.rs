//! What a reader must know of a workload's ports.

use std::collections::{BTreeMap, BTreeSet};

use segue_yaml::Pointer;

use super::super::draft::Draft;
use super::found::{Found, Way, declared, number_of};
use crate::notes::{Note, Rule};
use crate::objects::Object;

/// No Service is known: every port that can be guarded is, which is one with a name where the name is what leads to the guard.
pub(super) fn alone(draft: &mut Draft, found: &[Found]) {
    let guarded = found.iter().filter(|one| one.by_service());
    let shown = guarded.map(|one| one.name.clone().unwrap_or_else(|| one.number.to_string()));
    let list = shown.collect::<Vec<_>>().join(", ");
    let (none, every) = if draft.options.redirect {
        (
            "no Service in the input sends to a TCP port of these pods, and none is known: nothing is guarded",
            "no Service in the input sends to a TCP port of these pods: every one that is known is guarded",
        )
    } else {
        (
            "no Service in the input selects these pods and no TCP port has a name: nothing is guarded",
            "no Service in the input selects these pods: every named TCP port is guarded",
        )
    };
    if list.is_empty() {
        draft.note(Rule::NothingGuarded, none);
    } else {
        draft.note(Rule::GuardedWithoutService, (list, every));
    }
}

/// Services select the pods, and send to none of their TCP ports.
pub(super) fn not_sent_to(draft: &mut Draft) {
    let text = "no Service in the input sends to a TCP port of these pods: nothing is guarded";
    draft.note(Rule::NothingGuarded, text);
}

/// What nothing can tell to leave.
const NOT_TCP: &str =
    "no promise holds for it (QUIC and HTTP/3 included), for nothing can tell its clients to leave";

/// Ports and Services for which no promise holds.
pub(super) fn not_covered(draft: &mut Draft, found: &[Found]) {
    let workload = draft.workload;
    for binding in &workload.bindings {
        let spec = Pointer::keys(["spec"]);
        let ports = binding.service.ports.iter().enumerate();
        for (index, port) in ports.filter(|(_, port)| !port.is_tcp()) {
            let protocol = port.protocol.as_deref().unwrap_or_default();
            let at = spec.then("ports").then(index);
            let words = (format!("port {} is {protocol}", port.port), NOT_TCP);
            draft.decisions.say(Note::of(Rule::NotTcp, (binding.object, &at), words));
        }
        if binding.service.publish_not_ready_addresses {
            let at = spec.then("publishNotReadyAddresses");
            let words = "it has publishNotReadyAddresses: no promise holds for it, for it sends to pods that are not ready and to pods that leave";
            draft.decisions.say(Note::of(Rule::NotReadyAddresses, (binding.object, &at), words));
        }
    }
    if found.is_empty() {
        let text = "no TCP port is known, by a containerPort, a Service or a probe: the agent can't tell whether anything is served; declare \
                    the containerPort";
        draft.note_at(Rule::NoPort, &draft.template().spec_at(), text);
    }
    let template = &workload.template;
    for (index, container) in template.spec.containers.iter().enumerate() {
        let at = template.container_at(index).then("ports");
        for (index, port) in container.ports.iter().enumerate() {
            let at = at.then(index);
            if port.container_port.is_none() {
                let name = port.name.as_deref().unwrap_or("(without a name)");
                let words = (
                    format!("port {name}"),
                    "its containerPort has no number: the API server refuses such a pod",
                );
                draft.note_at(Rule::PortWithoutNumber, &at, words);
            }
            if let Some(number) = port.container_port.filter(|_| !port.is_tcp()) {
                let protocol = port.protocol.as_deref().unwrap_or_default();
                draft.note_at(Rule::NotTcp, &at, (format!("port {number} is {protocol}"), NOT_TCP));
            }
            if let Some(host_port) = port.host_port {
                let text = "whoever chose the node is not told that the pod leaves; no promise holds for it";
                draft.note_at(Rule::HostPort, &at.then("hostPort"), (format!("hostPort {host_port}"), text));
            }
        }
    }
}

/// What a reader must know of how each port is reached. Answers whether any is so past the guard, or would be without a second step.
pub(super) fn ways(draft: &mut Draft, found: &[Found]) -> bool {
    let mut past = false;
    for one in found {
        let port = format!("port {}", one.number);
        if one.ways.contains(&Way::Direct) {
            past = true;
            let what = if one.by_service() { "clients of the headless Service go" } else { "its clients go" };
            let text = format!(
                "{what} to the application itself, past the guard: watched by sockets, kept-alive connections are not covered"
            );
            draft.note(Rule::PastTheGuard, (port.as_str(), text));
        }
        if one.ways.contains(&Way::Numeric) && !draft.options.second_step {
            past = true;
            let text = "a Service has its number as targetPort and is left alone in this first step; once every pod has the guard, apply what \
                        `segue inject --second-step` prints";
            draft.note(Rule::NumericTargetPort, (port, text));
        }
    }
    past
}

/// Names of ports that lead nowhere, or not where they seem to.
pub(super) fn names(draft: &mut Draft) {
    let workload = draft.workload;
    let every = workload.template.spec.init_containers.iter().filter(|container| container.is_sidecar());
    let known: BTreeSet<_> =
        every.flat_map(|container| &container.ports).filter_map(|port| port.name.as_deref()).collect();
    for (service, name) in lost(draft) {
        let (rule, text) = if name.chars().all(|digit| digit.is_ascii_digit()) {
            (
                Rule::TargetPortQuoted,
                "the targetPort is in quotes: that is a name, and the API server refuses a name of digits alone; write the number without \
                 quotes",
            )
        } else if known.contains(name.as_str()) {
            (
                Rule::SidecarPort,
                "it sends to the port of a native sidecar, which is neither guarded nor watched, so no promise holds for it; if it serves \
                 requests, let an ordinary container have it",
            )
        } else {
            (
                Rule::TargetPortUndeclared,
                "it sends to a port that no container declares: it is not guarded, and no request comes to these pods by it",
            )
        };
        let words = (format!("port {name} of {}", workload.object), text);
        draft.decisions.say(Note::of(rule, (service, &Pointer::keys(["spec", "ports"])), words));
    }
    let named = declared(draft).filter_map(|port| Some((port.name.as_deref()?, port.container_port?)));
    let mut numbers: BTreeMap<String, Vec<u16>> = BTreeMap::new();
    for (name, number) in named {
        let all = numbers.entry(name.to_owned()).or_default();
        if !all.contains(&number) {
            all.push(number);
        }
    }
    for (name, numbers) in numbers.into_iter().filter(|(_, numbers)| numbers.len() > 1) {
        let list: Vec<_> = numbers.iter().map(u16::to_string).collect();
        let text = "several ports have one name: a Service that names it finds the first";
        draft.note(Rule::PortNamedTwice, (format!("{name}: {}", list.join(", ")), text));
    }
}

/// Services that send to a name which no ordinary container declares.
fn lost<'d>(draft: &Draft<'d>) -> Vec<(&'d Object, String)> {
    draft
        .workload
        .bindings
        .iter()
        .flat_map(|one| one.service.ports.iter().map(move |port| (one, port)))
        .filter(|(_, port)| port.is_tcp() && number_of(draft, &port.target()).is_none())
        .map(|(binding, port)| (binding.object, port.target().to_string()))
        .collect()
}
