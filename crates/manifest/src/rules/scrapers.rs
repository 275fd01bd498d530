//! Monitors whose ports the guard takes over.

use segue_yaml::Pointer;

use super::finding::{Finding, Severity};
use crate::notes::{Rule, Words};
use crate::objects::PortRef;
use crate::ports::Ports;
use crate::workload::Workload;

/// Finds each port that a monitor scrapes and that has the guard in front of it.
pub(crate) fn find(workload: &Workload, ports: &Ports) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (object, monitor) in &workload.monitors {
        for port in &monitor.ports {
            let of_ours = |one: &&segue_core::pod::Port| match port {
                PortRef::Name(name) => one.name.as_ref() == Some(name),
                PortRef::Number(number) => one.application == *number,
            };
            let Some(guard) = ports.list.iter().find(of_ours).and_then(|one| one.guard) else { continue };
            let what: Words = match port {
                PortRef::Name(name) => (
                    format!("{object}, port {name}"),
                    format!("it is scraped through the guard on {guard}, and that holds no drain up"),
                )
                    .into(),
                PortRef::Number(number) => {
                    (format!("{object}, port {number}"), "it is scraped past the guard, as before").into()
                }
            };
            let place = (workload.object, &Pointer::keys(["spec"]));
            findings.push(Finding::told(Rule::ScrapedPort, Severity::Info, place, what));
        }
    }
    findings
}
