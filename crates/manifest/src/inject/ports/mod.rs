//! Which ports the application has, which of them the guard stands in front of, and how requests come to it there.
//!
//! A Service that names its targetPort finds the *name* on a container: the guard leaves the name where it is and
//! changes its number. A Service with a numeric targetPort is left alone in the first step. Where the pods' own network leads
//! to the guard, every number stays.

mod found;
mod renumber;
mod tell;

use std::collections::{BTreeMap, BTreeSet};

use segue_core::pod::{CONTROL_PORT, FIRST_GUARD_PORT, FIRST_REDIRECT_PORT, Port};
use segue_yaml::Pointer;

use super::draft::Draft;
use super::{record, redirect};
use crate::notes::Rule;
use crate::objects::PortRef;
use crate::ports::{Named, Ports};
use found::{Found, Way, declared, found, number_of, probe_ports, service_ports};

/// Envoy sidecars have it: no mesh could run beside a guard that takes it.
const ENVOY_STATS: u16 = 15090;

/// Decides the ports and, where the guard takes over a name, changes its number. `before` has the ports of an earlier injection: a
/// Service may hold on to a guard's number. Answers too whether clients go past the guard, or would without a second step.
pub(super) fn decide(draft: &mut Draft, before: Option<&Ports>) -> (Ports, bool) {
    let mut found = found(draft);
    tell::not_covered(draft, &found);
    tell::names(draft);
    let guard = draft.options.guard && can_guard(draft);
    let redirect = guard && draft.options.redirect;
    // A headless Service may have no port at all: its clients know the pods' own.
    let is_sent_to = service_ports(draft).next().is_some();
    let alone = draft.workload.bindings.is_empty() || redirect && !is_sent_to;
    if guard && !alone && !is_sent_to {
        tell::not_sent_to(draft);
    }
    if guard && alone {
        for one in found.iter_mut().filter(|one| redirect || one.name.is_some()) {
            one.ways.insert(Way::Named);
        }
        tell::alone(draft, &found);
    }
    let mut taken = taken(draft);
    let control = first_free(&mut taken, (1..=CONTROL_PORT).rev());
    if control != CONTROL_PORT {
        let text = format!("port {CONTROL_PORT} is taken by the application: the agent answers on {control}");
        draft.note(Rule::ControlPort, text);
    }
    let list = Numbers { guard, redirect, taken, before }.of(&found);
    let mut ports = Ports { list, control, names: named(draft), passed_by: passed_by(draft, &found, alone) };
    hold_on(draft, &ports);
    let mut past = false;
    if redirect {
        redirect::probes(draft, &ports);
        redirect::tell(draft, &ports);
    } else if guard {
        renumber::decide(draft, &mut ports, alone);
        past = tell::ways(draft, &found);
    }
    (ports, past)
}

/// Which numbers the guard gets. Those of an earlier injection are kept where they are free.
struct Numbers<'b> {
    guard: bool,
    redirect: bool,
    taken: BTreeSet<u16>,
    before: Option<&'b Ports>,
}

impl Numbers<'_> {
    /// The ports as the agent is told of them.
    fn of(mut self, found: &[Found]) -> Vec<Port> {
        let mut guards = self.kept(found, Self::is_sent_to, |port| port.guard);
        let mut redirects = self.kept(found, Self::is_redirected, |port| port.redirect);
        for one in found {
            if self.is_sent_to(one) && !guards.contains_key(&one.number) {
                guards.insert(one.number, first_free(&mut self.taken, FIRST_GUARD_PORT..=u16::MAX));
            }
            if self.is_redirected(one) && !redirects.contains_key(&one.number) {
                redirects.insert(one.number, first_free(&mut self.taken, FIRST_REDIRECT_PORT..=u16::MAX));
            }
        }
        let port = |one: &Found| Port {
            name: one.name.clone(),
            application: one.number,
            guard: guards.get(&one.number).copied(),
            redirect: redirects.get(&one.number).copied(),
            protocol: one.protocol(),
        };
        found.iter().map(port).collect()
    }

    fn kept(
        &mut self,
        found: &[Found],
        wanted: impl Fn(&Self, &Found) -> bool,
        number: impl Fn(&Port) -> Option<u16>,
    ) -> BTreeMap<u16, u16> {
        let wanted = found.iter().filter(|one| wanted(self, one));
        let known = wanted.filter_map(|one| Some((one.number, number(self.before?.port(one.number)?)?)));
        let known: Vec<_> = known.collect();
        known.into_iter().filter(|(_, number)| self.taken.insert(*number)).collect()
    }

    /// Whether clients are sent to the guard by its own number. Where they are led there only who has been sent there already.
    fn is_sent_to(&self, one: &Found) -> bool {
        self.guard && if self.redirect { one.ways.contains(&Way::Stepped) } else { one.by_service() }
    }

    /// Whether what comes for it is led to the guard.
    fn is_redirected(&self, one: &Found) -> bool {
        self.redirect && !one.ways.is_empty()
    }
}

fn named(draft: &Draft) -> Vec<Named> {
    let all = declared(draft).filter_map(|port| Some((port.name.clone()?, port.container_port?)));
    all.map(|(name, number)| Named { name, before: number, after: number }).collect()
}

/// Ports to which somebody goes by number: Services before their second step, clients of the pods' own addresses, scrapers. Where
/// no Service is known anybody may.
fn passed_by(draft: &Draft, found: &[Found], alone: bool) -> BTreeSet<u16> {
    let ways = |one: &&Found| alone || one.ways.contains(&Way::Numeric) || one.ways.contains(&Way::Direct);
    let mut numbers: BTreeSet<u16> = found.iter().filter(ways).map(|one| one.number).collect();
    let monitors = draft.workload.monitors.iter().flat_map(|(_, monitor)| &monitor.ports);
    numbers.extend(monitors.filter_map(PortRef::number));
    let scraped = draft.template().meta.annotation("prometheus.io/port");
    numbers.extend(scraped.and_then(|port| port.parse::<u16>().ok()));
    numbers
}

/// A Service in its second step sends to the guard by number: the guard must go on listening there.
fn hold_on(draft: &mut Draft, ports: &Ports) {
    let workload = draft.workload;
    for binding in &workload.bindings {
        let pairs = record::held(binding.object);
        let gone = pairs.iter().find(|(application, guard)| ports.guard_of(*application) != Some(*guard));
        let Some((application, guard)) = gone else { continue };
        let message = format!(
            "it sends to the guard on {guard}, which would not stand before port {application} of {} any more",
            workload.object
        );
        let help =
            "inject with --guard, or take the Services back first, with `segue inject --undo --second-step`";
        draft.decisions.refuse(
            Rule::GuardNeeded,
            draft.streams,
            (binding.object, &Pointer::keys(["spec"])),
            (message, help.to_owned()),
        );
    }
}

/// Every number that something in the pod uses, as far as the template and the Services tell.
fn taken(draft: &Draft) -> BTreeSet<u16> {
    let spec = &draft.template().spec;
    let mut taken = BTreeSet::from([ENVOY_STATS]);
    for container in spec.containers.iter().chain(&spec.init_containers) {
        let declared = container.ports.iter().flat_map(|port| [port.container_port, port.host_port]);
        taken.extend(declared.flatten());
        taken.extend(probe_ports(container).filter_map(PortRef::number));
    }
    taken.extend(service_ports(draft).filter_map(|(_, port)| number_of(draft, &port.target())));
    taken
}

fn first_free(taken: &mut BTreeSet<u16>, numbers: impl IntoIterator<Item = u16>) -> u16 {
    // No template declares 50,000 ports: one is free.
    let free = numbers.into_iter().find(|number| !taken.contains(number)).unwrap_or_default();
    taken.insert(free);
    free
}

/// With the node's own network, a guard's port would be every pod's of the node.
fn can_guard(draft: &mut Draft) -> bool {
    let host_network = draft.template().spec.host_network;
    if host_network {
        let at = draft.template().spec_at().then("hostNetwork");
        draft.note_at(
            Rule::HostNetwork,
            &at,
            "these pods have the node's network (hostNetwork): the guard is left out, for its ports would clash with those of other \
             pods on the node, and a containerPort can't be changed there",
        );
    }
    !host_network
}
