//! The ports of a workload's pods: the application's, the guard's in front of them, and what their names mean before and after.

use std::collections::BTreeSet;

use segue_core::pod::{PodPlan, Port};

use crate::objects::{PodSpec, PolicyPort};

/// The ports of a workload's pods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ports {
    /// The application's, in the template's order.
    pub(crate) list: Vec<Port>,
    /// The agent's own.
    pub(crate) control: u16,
    /// What each name of a TCP port means.
    pub(crate) names: Vec<Named>,
    /// The application's ports to which somebody goes by their own number.
    pub(crate) passed_by: BTreeSet<u16>,
}

/// What a name means before and after injecting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) before: u16,
    pub(crate) after: u16,
}

/// What a policy's rule allows.
pub(crate) struct Allowed<'r> {
    rule: &'r [PolicyPort],
    names: &'r [Named],
}

impl Allowed<'_> {
    /// Whether it lets this port through as the pods are today.
    pub(crate) fn before(&self, number: u16) -> bool {
        self.by(number, |named| named.before)
    }

    /// Whether it lets this port through once they are injected.
    pub(crate) fn after(&self, number: u16) -> bool {
        self.by(number, |named| named.after)
    }

    fn by(&self, number: u16, means: impl Fn(&Named) -> u16) -> bool {
        let named = || self.names.iter().filter(|named| means(named) == number);
        self.rule.iter().any(|port| port.allows(number) || named().any(|named| port.allows_name(&named.name)))
    }
}

impl Ports {
    /// Those of a workload that stays injected by this plan.
    pub(crate) fn of_injected(plan: PodPlan, spec: &PodSpec) -> Self {
        let meaning = |port: &Port| {
            let name = port.name.clone()?;
            let after = spec.containers.iter().find_map(|one| one.port_named(&name)?.container_port)?;
            Some(Named { name, before: port.application, after })
        };
        let names = plan.ports.iter().filter_map(meaning).collect();
        // Who comes to the old numbers is not known any more: whoever was let through still is.
        let passed_by = plan.ports.iter().map(|port| port.application).collect();
        Self { list: plan.ports, control: plan.control_port, names, passed_by }
    }

    /// For messages and annotations: every port that the agent binds.
    pub(crate) fn bound(&self) -> Vec<u16> {
        std::iter::once(self.control).chain(self.list.iter().flat_map(Port::guards)).collect()
    }

    /// One of the application's ports, by its number.
    pub(crate) fn port(&self, number: u16) -> Option<&Port> {
        self.list.iter().find(|port| port.application == number)
    }

    /// The guard's port in front of one of the application's, for clients that are sent there.
    pub(crate) fn guard_of(&self, number: u16) -> Option<u16> {
        self.port(number)?.guard
    }

    /// Whether the pod's own network leads to the guard what comes for one of the application's.
    pub(crate) fn is_redirected(&self, number: u16) -> bool {
        self.port(number).is_some_and(|port| port.redirect.is_some())
    }

    /// Whether a guard stands in front of any port.
    pub(crate) fn has_guard(&self) -> bool {
        self.list.iter().any(Port::is_guarded)
    }

    /// What a policy's rule allows.
    pub(crate) fn allowed<'r>(&'r self, rule: &'r [PolicyPort]) -> Allowed<'r> {
        Allowed { rule, names: &self.names }
    }

    /// Every pair of the application's port and the guard's in front of it, where clients are sent to the guard: it has another
    /// number then, which whoever names the application's must name too.
    pub(crate) fn moved(&self) -> impl Iterator<Item = (u16, u16)> {
        self.list.iter().filter_map(|port| Some((port.application, port.guard?)))
    }
}
