//! What a reader must know of a workload's ports.

use std::collections::{BTreeMap, BTreeSet};

use super::super::draft::Draft;
use super::found::{Found, Way, declared, number_of, service_ports};

/// No Service is known: every port that has a name is guarded.
pub(super) fn alone(draft: &mut Draft, found: &[Found]) {
    let names: Vec<_> = found.iter().filter_map(|one| one.name.as_deref()).collect();
    draft.note(match names.as_slice() {
        [] => "no Service in the input selects these pods and no TCP port has a name: nothing is guarded"
            .to_owned(),
        names => format!(
            "no Service in the input selects these pods: every named TCP port is guarded ({})",
            names.join(", ")
        ),
    });
}

/// Ports and Services for which no promise holds.
pub(super) fn not_covered(draft: &mut Draft, found: &[Found]) {
    let mut said = Vec::new();
    for binding in &draft.workload.bindings {
        for port in binding.service.ports.iter().filter(|port| !port.is_tcp()) {
            said.push(format!(
                "{} port {} is {}: no promise holds for it (QUIC and HTTP/3 included), for nothing can tell its clients to leave",
                binding.object,
                port.port,
                port.protocol.as_deref().unwrap_or_default()
            ));
        }
        if binding.service.publish_not_ready_addresses {
            said.push(format!(
                "{} has publishNotReadyAddresses: no promise holds for it, for it sends to pods that are not ready and to pods that leave",
                binding.object
            ));
        }
    }
    if found.is_empty() {
        said.push(
            "no TCP port is known, by a containerPort, a Service or a probe: the agent can't tell whether anything is served; declare \
             the containerPort"
                .to_owned(),
        );
    }
    for port in draft.template().spec.containers.iter().flat_map(|container| &container.ports) {
        if port.container_port.is_none() {
            said.push(format!(
                "a containerPort {} has no number: the API server refuses such a pod",
                port.name.as_deref().unwrap_or("(without a name)")
            ));
        }
        if let Some(number) = port.container_port.filter(|_| !port.is_tcp()) {
            said.push(format!(
                "port {number} is {}: no promise holds for it (QUIC and HTTP/3 included), for nothing can tell its clients to leave",
                port.protocol.as_deref().unwrap_or_default()
            ));
        }
        if let Some(host_port) = port.host_port {
            said.push(format!(
                "hostPort {host_port}: whoever chose the node is not told that the pod leaves; no promise holds for it"
            ));
        }
    }
    for text in said {
        draft.note(text);
    }
}

/// What a reader must know of how each port is reached.
pub(super) fn ways(draft: &mut Draft, found: &[Found]) {
    for one in found {
        if one.ways.contains(&Way::Direct) {
            let what = if one.by_service() { "clients of the headless Service go" } else { "its clients go" };
            draft.note(format!(
                "port {}: {what} to the application itself, past the guard: watched by sockets, kept-alive connections are not covered",
                one.number
            ));
        }
        if one.ways.contains(&Way::Numeric) && !draft.options.second_step {
            draft.note(format!(
                "port {}: a Service has its number as targetPort and is left alone in this first step; once every pod has the guard, \
                 apply what `segue inject --second-step` prints",
                one.number
            ));
        }
    }
}

/// Names of ports that lead nowhere, or not where they seem to.
pub(super) fn names(draft: &mut Draft) {
    let mut said = Vec::new();
    let every = draft.template().spec.init_containers.iter().filter(|container| container.is_sidecar());
    let known: BTreeSet<_> =
        every.flat_map(|container| &container.ports).filter_map(|port| port.name.as_deref()).collect();
    for (service, name) in lost(draft) {
        if name.chars().all(|digit| digit.is_ascii_digit()) {
            said.push(format!(
                "{service} has targetPort \"{name}\" in quotes: that is a name, and the API server refuses a name of digits alone; write the \
                 number without quotes"
            ));
        } else if known.contains(name.as_str()) {
            said.push(format!(
                "{service} sends to the port {name} of a native sidecar: it is neither guarded nor watched, so no promise holds for it; if it \
                 serves requests, let an ordinary container have it"
            ));
        } else {
            said.push(format!(
                "{service} sends to the port {name} that no container declares: it is not guarded, and no request comes to these pods by it"
            ));
        }
    }
    let named = declared(draft).filter_map(|port| Some((port.name.as_deref()?, port.container_port?)));
    let mut numbers: BTreeMap<&str, Vec<u16>> = BTreeMap::new();
    for (name, number) in named {
        let all = numbers.entry(name).or_default();
        if !all.contains(&number) {
            all.push(number);
        }
    }
    for (name, numbers) in numbers.into_iter().filter(|(_, numbers)| numbers.len() > 1) {
        let list: Vec<_> = numbers.iter().map(u16::to_string).collect();
        said.push(format!(
            "several ports are named {name} ({}): a Service that names it finds the first",
            list.join(", ")
        ));
    }
    for text in said {
        draft.note(text);
    }
}

/// Services that send to a name which no ordinary container declares.
fn lost(draft: &Draft) -> Vec<(String, String)> {
    service_ports(draft)
        .filter(|(_, port)| number_of(draft, &port.target()).is_none())
        .map(|(binding, port)| (binding.object.to_string(), port.target().to_string()))
        .collect()
}
