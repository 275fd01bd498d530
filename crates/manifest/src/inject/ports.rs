//! Which ports the application has, which of them the guard stands in front of, and how requests come to it there.
//!
//! A Service that names its targetPort finds the *name* on a container: the guard leaves the name where it is and
//! changes its number. A Service with a numeric targetPort is left alone in the first step.

use std::collections::{BTreeMap, BTreeSet};

use segue_core::pod::{CONTROL_PORT, FIRST_GUARD_PORT, Port, Protocol};

use super::draft::Draft;
use crate::objects::{Container, ContainerPort, PortRef, ServicePort};
use crate::workload::Backing;

/// Envoy sidecars have it: no mesh could run beside a guard that takes it.
const ENVOY_STATS: u16 = 15090;

/// Containers that meshes inject: their ports are none of the application's.
const MESH_CONTAINERS: [&str; 2] = ["istio-proxy", "linkerd-proxy"];

/// The ports of a workload's pods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ports {
    /// The application's, in the template's order.
    pub(super) list: Vec<Port>,
    /// The agent's own.
    pub(super) control: u16,
}

/// How clients come to one of the application's ports.
#[derive(Debug, Clone, Copy, Default)]
struct Ways {
    /// By its name on a container.
    named: bool,
    /// By its number.
    numeric: bool,
    /// By the pod's own address.
    direct: bool,
}

struct Found {
    name: Option<String>,
    number: u16,
    ways: Ways,
    /// What its Services say is spoken there.
    protocols: Vec<Protocol>,
}

impl Ports {
    /// For messages and annotations: every port that the agent binds.
    pub(super) fn bound(&self) -> Vec<u16> {
        std::iter::once(self.control).chain(self.list.iter().filter_map(|port| port.guard)).collect()
    }

    /// The guard's port in front of one of the application's.
    pub(super) fn guard_of(&self, number: u16) -> Option<u16> {
        self.list.iter().find(|port| port.application == number)?.guard
    }

    /// Every pair of the application's port and the guard's in front of it.
    pub(super) fn guarded(&self) -> impl Iterator<Item = (u16, u16)> {
        self.list.iter().filter_map(|port| Some((port.application, port.guard?)))
    }
}

/// Decides the ports and, where the guard takes over a name, changes its number. `before` has the guard's numbers of an
/// earlier injection: a Service may hold on to them.
pub(super) fn decide(draft: &mut Draft, before: &BTreeMap<u16, u16>) -> Ports {
    let mut found = found(draft);
    tell_what_is_not_covered(draft);
    let guard = draft.options.guard && can_guard(draft);
    let alone = draft.workload.backings.is_empty();
    if guard && alone {
        for one in found.iter_mut().filter(|one| one.name.is_some()) {
            one.ways.named = true;
        }
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
    let mut taken = taken(draft);
    let control = first_free(&mut taken, (1..=CONTROL_PORT).rev());
    if control != CONTROL_PORT {
        draft
            .note(format!("port {CONTROL_PORT} is taken by the application: the agent answers on {control}"));
    }
    let is_guarded = |one: &Found| guard && (one.ways.named || one.ways.numeric);
    let kept: BTreeMap<u16, u16> = found
        .iter()
        .filter(|one| is_guarded(one))
        .filter_map(|one| Some((one.number, *before.get(&one.number)?)))
        .filter(|(_, guard)| taken.insert(*guard))
        .collect();
    let list = found.iter().map(|one| Port {
        name: one.name.clone(),
        application: one.number,
        guard: is_guarded(one).then(|| match kept.get(&one.number) {
            Some(guard) => *guard,
            None => first_free(&mut taken, FIRST_GUARD_PORT..=u16::MAX),
        }),
        protocol: one.protocol(),
    });
    let ports = Ports { list: list.collect(), control };
    if guard {
        renumber(draft, &ports, alone);
        tell_ways(draft, &found);
    }
    ports
}

impl Found {
    fn new(name: Option<String>, number: u16) -> Self {
        Self { name, number, ways: Ways::default(), protocols: Vec::new() }
    }

    /// What its Services say is spoken there, if they agree; else the first bytes decide.
    fn protocol(&self) -> Protocol {
        match self.protocols.split_first() {
            Some((first, rest)) if rest.iter().all(|other| other == first) => *first,
            _ => Protocol::Auto,
        }
    }
}

/// Every TCP port: those that containers declare, then those that only Services know by number.
fn found(draft: &Draft) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    for (_, port) in declared(draft) {
        match found.iter_mut().find(|one| one.number == port.container_port) {
            Some(one) => one.name = one.name.take().or_else(|| port.name.clone()),
            None => found.push(Found::new(port.name.clone(), port.container_port)),
        }
    }
    for (backing, port) in service_ports(draft) {
        let Some(number) = number_of(draft, &port.target()) else { continue };
        let index = found.iter().position(|one| one.number == number).unwrap_or_else(|| {
            found.push(Found::new(None, number));
            found.len() - 1
        });
        let one = &mut found[index];
        if backing.service.is_headless() {
            one.ways.direct = true;
        } else {
            match port.target() {
                PortRef::Name(_) => one.ways.named = true,
                PortRef::Number(_) => one.ways.numeric = true,
            }
        }
        one.protocols.push(match port.app_protocol.as_deref() {
            None => Protocol::Auto,
            Some("http" | "http2" | "grpc" | "h2c" | "ws" | "kubernetes.io/h2c" | "kubernetes.io/ws") => {
                Protocol::Http
            }
            Some(_) => Protocol::Tcp,
        });
    }
    found
}

/// TCP ports that ordinary containers of the application declare, each with its container's index.
fn declared<'d>(draft: &'d Draft) -> impl Iterator<Item = (usize, &'d ContainerPort)> {
    let containers = draft.template().spec.containers.iter().enumerate();
    let own = containers.filter(|(_, container)| !MESH_CONTAINERS.contains(&container.name.as_str()));
    own.flat_map(|(index, container)| container.ports.iter().map(move |port| (index, port)))
        .filter(|(_, port)| port.is_tcp())
}

/// TCP ports of Services that select the pods.
fn service_ports<'d>(draft: &'d Draft) -> impl Iterator<Item = (&'d Backing<'d>, &'d ServicePort)> {
    let ports =
        draft.workload.backings.iter().flat_map(|one| one.service.ports.iter().map(move |port| (one, port)));
    ports.filter(|(_, port)| port.is_tcp())
}

/// The number of a Service's target on these pods; the first container that has the name counts.
fn number_of(draft: &Draft, target: &PortRef) -> Option<u16> {
    match target {
        PortRef::Number(number) => Some(*number),
        PortRef::Name(name) => {
            let named = |(_, port): &(usize, &ContainerPort)| port.name.as_ref() == Some(name);
            declared(draft).find(named).map(|(_, port)| port.container_port)
        }
    }
}

/// Every number that something in the pod uses, as far as the template and the Services tell.
fn taken(draft: &Draft) -> BTreeSet<u16> {
    let spec = &draft.template().spec;
    let mut taken = BTreeSet::from([ENVOY_STATS]);
    for container in spec.containers.iter().chain(&spec.init_containers) {
        taken.extend(
            container.ports.iter().flat_map(|port| [Some(port.container_port), port.host_port]).flatten(),
        );
        taken.extend(probe_ports(container).filter_map(|port| match port {
            PortRef::Number(number) => Some(*number),
            PortRef::Name(_) => None,
        }));
    }
    taken.extend(service_ports(draft).filter_map(|(_, port)| number_of(draft, &port.target())));
    taken
}

fn probe_ports(container: &Container) -> impl Iterator<Item = &PortRef> {
    container.probes().flat_map(|(_, probe)| {
        let http = probe.http_get.as_ref().map(|get| &get.port);
        [http, probe.tcp_socket.as_ref().map(|tcp| &tcp.port)].into_iter().flatten()
    })
}

fn first_free(taken: &mut BTreeSet<u16>, numbers: impl IntoIterator<Item = u16>) -> u16 {
    // No template declares 50,000 ports: one is free.
    let free = numbers.into_iter().find(|number| !taken.contains(number)).unwrap_or_default();
    taken.insert(free);
    free
}

/// Names that the guard takes over get its numbers; what named them within their container gets the old ones.
fn renumber(draft: &mut Draft, ports: &Ports, all: bool) {
    let targets: BTreeSet<String> = service_ports(draft)
        .filter(|(backing, _)| !backing.service.is_headless())
        .filter_map(|(_, port)| match port.target() {
            PortRef::Name(name) => Some(name),
            PortRef::Number(_) => None,
        })
        .collect();
    let template = draft.template().clone();
    for (index, container) in template.spec.containers.iter().enumerate() {
        if MESH_CONTAINERS.contains(&container.name.as_str()) {
            continue;
        }
        let at = template.container_at(index);
        for (place, port) in container.ports.iter().enumerate().filter(|(_, port)| port.is_tcp()) {
            let Some(name) = port.name.as_ref().filter(|name| all || targets.contains(*name)) else {
                continue;
            };
            let Some(guard) = ports.guard_of(port.container_port) else { continue };
            draft.put(&at.then("ports").then(place).then("containerPort"), guard.into());
            if let Some(host_port) = port.host_port {
                draft.note(format!(
                    "hostPort {host_port} leads to the guard too, for it leads to the port named {name}"
                ));
            }
            for (steps, reference) in named_places(container) {
                if reference == &PortRef::Name(name.clone()) {
                    let place = steps.iter().fold(at.clone(), |at, step| at.then(*step));
                    draft.put(&place, port.container_port.into());
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

/// With the node's own network, a guard's port would be every pod's of the node.
fn can_guard(draft: &mut Draft) -> bool {
    let host_network = draft.template().spec.host_network;
    if host_network {
        draft.note(
            "these pods have the node's network (hostNetwork): the guard is left out, for its ports would clash with those of other \
             pods on the node, and a containerPort can't be changed there",
        );
    }
    !host_network
}

/// Ports and Services for which no promise holds.
fn tell_what_is_not_covered(draft: &mut Draft) {
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
    for port in draft.template().spec.containers.iter().flat_map(|container| &container.ports) {
        if let Some(host_port) = port.host_port {
            said.push(format!(
                "hostPort {host_port}: whoever chose the node is not told that the pod leaves; no promise holds for it"
            ));
        }
    }
    said.into_iter().for_each(|text| draft.note(text));
}

/// What a reader must know of how each port is reached.
fn tell_ways(draft: &mut Draft, found: &[Found]) {
    for one in found {
        if one.ways.direct {
            let what = if one.ways.named || one.ways.numeric {
                "clients of the headless Service go"
            } else {
                "its clients go"
            };
            draft.note(format!(
                "port {}: {what} to the application itself, past the guard: watched by sockets, kept-alive connections are not covered",
                one.number
            ));
        }
        if one.ways.numeric && !draft.options.second_step {
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
    let targets: Vec<_> = service_ports(draft)
        .filter_map(|(backing, port)| match port.target() {
            PortRef::Name(name) if names.contains(&name) => Some((backing.object.to_string(), name)),
            _ => None,
        })
        .collect();
    for (service, name) in targets {
        draft.note(format!("{service} sends to port {name} of a native sidecar: it is not guarded"));
    }
}
