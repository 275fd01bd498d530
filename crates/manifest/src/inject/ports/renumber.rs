//! A name that the guard takes over keeps its place and gets the guard's number.

use std::collections::BTreeSet;

use super::super::draft::Draft;
use super::found::{is_of_a_mesh, service_ports};
use crate::notes::Rule;
use crate::objects::{Container, PortRef};
use crate::ports::Ports;

/// Names that the guard takes over get its numbers; what named them within their container gets the old ones.
pub(super) fn decide(draft: &mut Draft, ports: &mut Ports, all: bool) {
    let targets: BTreeSet<String> = service_ports(draft)
        .filter(|(binding, _)| !binding.service.is_headless())
        .filter_map(|(_, port)| match port.target() {
            PortRef::Name(name) => Some(name),
            PortRef::Number(_) => None,
        })
        .collect();
    let template = draft.template().clone();
    for (index, container) in template.spec.containers.iter().enumerate() {
        if is_of_a_mesh(container) {
            continue;
        }
        let at = template.container_at(index);
        for (place, port) in container.ports.iter().enumerate().filter(|(_, port)| port.is_tcp()) {
            let Some(name) = port.name.as_ref().filter(|name| all || targets.contains(*name)) else {
                continue;
            };
            let Some(number) = port.container_port else { continue };
            let Some(guard) = ports.guard_of(number) else { continue };
            draft.put(&at.then("ports").then(place).then("containerPort"), guard.into());
            for named in ports.names.iter_mut().filter(|named| named.name == *name && named.before == number)
            {
                named.after = guard;
            }
            if let Some(host_port) = port.host_port {
                let words = (
                    format!("hostPort {host_port}, port {name}"),
                    "it leads to the guard too, for it leads to the port of that name",
                );
                draft.note_at(Rule::HostPortGuarded, &at.then("ports").then(place).then("hostPort"), words);
            }
            for (steps, reference) in named_places(container) {
                if reference == &PortRef::Name(name.clone()) {
                    let place = steps.iter().fold(at.clone(), |at, step| at.then(*step));
                    draft.put(&place, number.into());
                }
            }
        }
    }
}

/// Where a container's own probes and hooks name ports. (A former preStop hook is replaced as a whole.)
fn named_places(container: &Container) -> Vec<(Vec<&'static str>, &PortRef)> {
    let mut places = Vec::new();
    for (key, probe) in container.probes() {
        places.extend(probe.http_get.as_ref().map(|get| (vec![key, "httpGet", "port"], &get.port)));
        places.extend(probe.tcp_socket.as_ref().map(|tcp| (vec![key, "tcpSocket", "port"], &tcp.port)));
    }
    if let Some(hook) = &container.lifecycle.post_start {
        let above = ["lifecycle", "postStart"];
        let http = hook.http_get.as_ref().map(|get| ([&above[..], &["httpGet", "port"]].concat(), &get.port));
        let tcp =
            hook.tcp_socket.as_ref().map(|tcp| ([&above[..], &["tcpSocket", "port"]].concat(), &tcp.port));
        places.extend(http.into_iter().chain(tcp));
    }
    places
}
