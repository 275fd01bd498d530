//! A `tcpSocket` probe of a redirected port would find the guard, which listens whatever the application does. It asks the agent
//! instead, which connects to the application itself. The other kinds need no change: the guard hands on what the application
//! answers, and that it does not listen.

use segue_yaml::{Edit, Pointer};
use serde_json::json;

use super::super::draft::Draft;
use crate::names::TCP_PROBE;
use crate::objects::{Container, PortRef, Probe};
use crate::ports::Ports;
use crate::rules::Change;

/// Has those probes ask the agent. An init container that is no native sidecar has none.
pub(in crate::inject) fn decide(draft: &mut Draft, ports: &Ports) {
    let template = draft.template().clone();
    for (at, container) in template.all_containers() {
        for (key, probe) in container.probes() {
            if let Some(port) = asked(container, probe).filter(|port| ports.is_redirected(*port)) {
                ask_the_agent(draft, &at.then(key), port, ports.control);
            }
        }
    }
}

/// The port of the pod to which a probe connects. A name is one of its own container's.
fn asked(container: &Container, probe: &Probe) -> Option<u16> {
    let socket = probe.tcp_socket.as_ref().filter(|socket| socket.host.is_empty())?;
    match &socket.port {
        PortRef::Number(_) => socket.port.number(),
        PortRef::Name(name) => container.port_named(name)?.container_port,
    }
}

/// How often and how long it asks stays as it is.
fn ask_the_agent(draft: &mut Draft, probe: &Pointer, port: u16, control: u16) {
    draft.put(&probe.then("httpGet"), json!({"path": format!("{TCP_PROBE}{port}"), "port": control}));
    let object = draft.workload.object;
    let edit = Edit::Remove { at: object.pointer(&probe.then("tcpSocket")) };
    draft.decisions.edit(Change { address: object.address.clone(), edit });
}
