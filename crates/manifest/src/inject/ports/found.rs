//! Which TCP ports the application has, and how clients come to each.

use std::collections::BTreeSet;

use segue_core::pod::Protocol;

use super::super::draft::Draft;
use super::super::record;
use crate::objects::{Container, ContainerPort, PortRef, ServicePort};
use crate::workload::ServiceBinding;

/// Containers that meshes inject: their ports are none of the application's.
const MESH_CONTAINERS: [&str; 2] = ["istio-proxy", "linkerd-proxy"];

/// How clients come to one of the application's ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Way {
    /// A Service sends to its name on a container.
    Named,
    /// A Service sends to its number.
    Numeric,
    /// A Service sent to its number, and to the guard's since its second step.
    Stepped,
    /// Clients find the pod's own address.
    Direct,
}

/// One TCP port of the application.
pub(super) struct Found {
    pub(super) name: Option<String>,
    pub(super) number: u16,
    pub(super) ways: BTreeSet<Way>,
    /// What its Services say is spoken there.
    protocols: Vec<Protocol>,
}

impl Found {
    fn new(name: Option<String>, number: u16) -> Self {
        Self { name, number, ways: BTreeSet::new(), protocols: Vec::new() }
    }

    /// Whether the guard can take it over.
    pub(super) fn by_service(&self) -> bool {
        self.ways.iter().any(|way| *way != Way::Direct)
    }

    /// What its Services say is spoken there, if they agree; else the first bytes decide.
    pub(super) fn protocol(&self) -> Protocol {
        match self.protocols.split_first() {
            Some((first, rest)) if rest.iter().all(|other| other == first) => *first,
            _ => Protocol::Auto,
        }
    }
}

/// Every TCP port: those that containers declare, then those that only Services know by number. Where there is none of either,
/// those that probes ask.
pub(super) fn found(draft: &Draft) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    for port in declared(draft) {
        let Some(number) = port.container_port else { continue };
        let one = find(&mut found, number);
        one.name = one.name.take().or_else(|| port.name.clone());
    }
    for (binding, port) in service_ports(draft) {
        let Some(number) = number_of(draft, &port.target()) else { continue };
        let one = find(&mut found, number);
        one.ways.insert(match port.target() {
            _ if binding.service.is_headless() => Way::Direct,
            PortRef::Name(_) => Way::Named,
            PortRef::Number(_) if record::in_second_step(binding.object) => Way::Stepped,
            PortRef::Number(_) => Way::Numeric,
        });
        one.protocols.push(spoken(port.app_protocol.as_deref()));
    }
    if found.is_empty() {
        let containers = draft.template().spec.containers.iter().filter(|container| !is_of_a_mesh(container));
        for port in containers.flat_map(probe_ports).filter_map(PortRef::number) {
            find(&mut found, port);
        }
    }
    found
}

fn find(found: &mut Vec<Found>, number: u16) -> &mut Found {
    let index = found.iter().position(|one| one.number == number).unwrap_or_else(|| {
        found.push(Found::new(None, number));
        found.len() - 1
    });
    &mut found[index]
}

fn spoken(app_protocol: Option<&str>) -> Protocol {
    match app_protocol {
        None => Protocol::Auto,
        Some("http" | "http2" | "grpc" | "h2c" | "ws" | "kubernetes.io/h2c" | "kubernetes.io/ws") => {
            Protocol::Http
        }
        Some(_) => Protocol::Tcp,
    }
}

/// Whether a mesh has injected this container.
pub(super) fn is_of_a_mesh(container: &Container) -> bool {
    MESH_CONTAINERS.contains(&container.name.as_str())
}

/// Ports that a container's probes ask.
pub(super) fn probe_ports(container: &Container) -> impl Iterator<Item = &PortRef> {
    container.probes().flat_map(|(_, probe)| {
        let http = probe.http_get.as_ref().map(|get| &get.port);
        [http, probe.tcp_socket.as_ref().map(|tcp| &tcp.port)].into_iter().flatten()
    })
}

/// TCP ports that ordinary containers of the application declare.
pub(super) fn declared<'d>(draft: &'d Draft) -> impl Iterator<Item = &'d ContainerPort> {
    let own = draft.template().spec.containers.iter().filter(|container| !is_of_a_mesh(container));
    own.flat_map(|container| &container.ports).filter(|port| port.is_tcp())
}

/// TCP ports of Services that select the pods.
pub(super) fn service_ports<'d>(
    draft: &'d Draft,
) -> impl Iterator<Item = (&'d ServiceBinding<'d>, &'d ServicePort)> {
    let ports =
        draft.workload.bindings.iter().flat_map(|one| one.service.ports.iter().map(move |port| (one, port)));
    ports.filter(|(_, port)| port.is_tcp())
}

/// The number of a Service's target on these pods; the first container that has the name counts.
pub(super) fn number_of(draft: &Draft, target: &PortRef) -> Option<u16> {
    match target {
        PortRef::Number(_) => target.number(),
        PortRef::Name(name) => {
            declared(draft).find(|port| port.name.as_ref() == Some(name)).and_then(|port| port.container_port)
        }
    }
}
