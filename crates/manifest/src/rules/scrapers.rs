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
            let Some(one) = ports.list.iter().find(of_ours) else { continue };
            let detail = format!("{object}, port {port}");
            let what: Words = match (port, one.redirect, one.guard) {
                (_, Some(_), _) => {
                    (detail, "it is scraped, and led to the guard; that holds no drain up").into()
                }
                (PortRef::Name(_), None, Some(guard)) => {
                    let text =
                        format!("it is scraped through the guard on {guard}, and that holds no drain up");
                    (detail, text).into()
                }
                (PortRef::Number(_), None, Some(_)) => {
                    (detail, "it is scraped past the guard, as before").into()
                }
                (_, None, None) => continue,
            };
            let place = (workload.object, &Pointer::keys(["spec"]));
            findings.push(Finding::told(Rule::ScrapedPort, Severity::Info, place, what));
        }
    }
    findings
}
