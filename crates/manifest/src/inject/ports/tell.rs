//! What a reader must know of a workload's ports.

use std::collections::BTreeSet;

use super::super::draft::Draft;
use super::found::{Found, Way, number_of, service_ports};

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
    for backing in &draft.workload.backings {
        for port in backing.service.ports.iter().filter(|port| !port.is_tcp()) {
            said.push(format!(
                "{} port {} is {}: no promise holds for it (QUIC and HTTP/3 included), for nothing can tell its clients to leave",
                backing.object,
                port.port,
                port.protocol.as_deref().unwrap_or_default()
            ));
        }
        if backing.service.publish_not_ready_addresses {
            said.push(format!(
                "{} has publishNotReadyAddresses: no promise holds for it, for it sends to pods that are not ready and to pods that leave",
                backing.object
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
        if !port.is_tcp() {
            said.push(format!(
                "port {} is {}: no promise holds for it (QUIC and HTTP/3 included), for nothing can tell its clients to leave",
                port.container_port,
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
    let sidecars = draft.template().spec.init_containers.iter().filter(|container| container.is_sidecar());
    let names: BTreeSet<_> =
        sidecars.flat_map(|container| &container.ports).filter_map(|port| port.name.clone()).collect();
    let lost: Vec<_> = service_ports(draft)
        .filter(|(_, port)| number_of(draft, &port.target()).is_none())
        .map(|(backing, port)| (backing.object.to_string(), port.target().to_string()))
        .collect();
    for (service, name) in lost {
        let whose = if names.contains(&name) { "of a native sidecar" } else { "that no container declares" };
        draft.note(format!("{service} sends to the port {name} {whose}: it is not guarded"));
    }
}
