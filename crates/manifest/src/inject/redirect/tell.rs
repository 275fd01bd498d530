//! What a reader must know where the pods' own network leads to the guard, and where it could.

use super::super::draft::{Decisions, Draft};
use crate::notes::Rule;
use crate::ports::Ports;

/// What is other than before for a workload.
pub(in crate::inject) fn tell(draft: &mut Draft, ports: &Ports) {
    let redirected: Vec<_> = ports.list.iter().filter(|port| port.redirect.is_some()).collect();
    if redirected.is_empty() {
        return;
    }
    let numbers: Vec<_> = redirected.iter().map(|port| port.application.to_string()).collect();
    let detail = format!("port{} {}", if numbers.len() > 1 { "s" } else { "" }, numbers.join(" and "));
    let text = "what comes for it is led to the guard, and nothing else: another port that the application opens is reached past it";
    draft.note(Rule::RedirectedPort, (detail, text));
    draft.note(
        Rule::ClientAddress,
        "the application sees the pod's own address in place of the client's: one that needs the client's must read it from a header or the PROXY protocol",
    );
    for port in draft.workload.template.spec.containers.iter().flat_map(|container| &container.ports) {
        let leads = port.is_tcp() && port.container_port.is_some_and(|number| ports.is_redirected(number));
        if let Some(host_port) = port.host_port.filter(|_| leads) {
            draft.note(Rule::HostPortGuarded, (format!("hostPort {host_port}"), "it leads to the guard too"));
        }
    }
    for port in redirected.iter().filter(|port| port.guard.is_some()) {
        let text = "a Service in its second step sends to the guard by number, so these pods take both for now: roll this out; then take \
                    the Services back with `segue inject --undo --second-step` and apply them; then inject once more";
        draft.note(Rule::RedirectAfterSteps, (format!("port {}", port.application), text));
    }
}

/// Said once for the whole input: there is a way that needs no second step.
pub(in crate::inject) fn would_spare(decisions: &mut Decisions) {
    decisions.note_of_all(
        Rule::RedirectWouldSpare,
        "--redirect would bring the guard into every way to these pods in one step: it needs the capability NET_ADMIN in one init container",
    );
}
