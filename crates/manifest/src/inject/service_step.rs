//! The second step: Services with a numeric targetPort send to the guard, once every pod has it.

use std::collections::{BTreeMap, BTreeSet};

use segue_core::pod::Port;
use segue_yaml::{Pointer, Stream};

use super::attempt::Attempt;
use super::draft::Decisions;
use super::left::{self, Left, Share, Stuck, without_those};
use super::read::{injected_plan, read};
use super::record;
use super::refused::Refused;
use crate::names::RECORD_ANNOTATION;
use crate::notes::{Note, Rule};
use crate::objects::{Kind, Object, PortRef, Service, Template, aside};
use crate::rules::Change;

/// Changes the Services of the guarded workloads; answers those that can't be changed. `given` is the input as it was: what is
/// refused is told by its place there.
pub(super) fn step(attempt: &mut Attempt, given: &[Stream]) -> Result<Left, Refused> {
    let streams = &attempt.after;
    let objects = read(streams)?;
    let ((after, mut shares), left) = without_those(|left| {
        let (mut shares, mut refused) = (Vec::new(), Left::new());
        for object in objects.iter().filter(|object| object.kind == Kind::Service) {
            if left.contains_key(&object.address) {
                continue;
            }
            let share = decide(given, &objects, object)?;
            if share.decisions.refusals.is_empty() {
                shares.push(share);
            } else {
                refused.insert(share.address, share.decisions.refusals);
            }
        }
        if !refused.is_empty() {
            return Err(Stuck::At(refused));
        }
        Ok((left::apply(streams, &shares)?, shares))
    })?;
    let decisions = &mut attempt.decisions;
    for share in &mut shares {
        decisions.take_notes(&mut share.decisions);
    }
    let changed = shares.iter().filter(|share| !share.targets.is_empty()).count();
    let nothing_is_left = left.is_empty();
    let (rule, text) = match changed {
        0 if !any_port(streams, &objects, Port::is_guarded)? => (
            Rule::SecondStep,
            "no workload with a guard is in the input, so no Service can be sent to one: give the workloads with their Services",
        ),
        0 if nothing_is_left && any_port(streams, &objects, |port| port.redirect.is_some())? => (
            Rule::NothingToDo,
            "no Service is to be sent to a guard: what comes for the number of a redirected port is led there by the pods themselves, so there \
             is nothing to do",
        ),
        0 if nothing_is_left => (
            Rule::NothingToDo,
            "no Service in the input has the number of a guarded port as targetPort: nothing is left to do",
        ),
        0 => (
            Rule::SecondStep,
            "no Service was sent to a guard: those that have the number of a guarded port as targetPort are refused",
        ),
        _ => (
            Rule::SecondStep,
            "apply the Services only once every pod has the guard (`kubectl rollout status` says so); to undo, take them back first",
        ),
    };
    decisions.note_of_all(rule, text);
    attempt.changed += changed;
    attempt.after = after;
    Ok(left)
}

/// What is to be changed in one Service.
fn decide(streams: &[Stream], objects: &[Object], object: &Object) -> Result<Share, Refused> {
    let mut share =
        Share { address: object.address.clone(), decisions: Decisions::default(), targets: BTreeMap::new() };
    let service =
        Service::of(object).map_err(|error| Refused::misshapen(streams, &object.address, &error))?;
    if service.is_headless() {
        return Ok(share);
    }
    let guards = guards(streams, objects, object, &service, &mut share.decisions)?;
    for (index, port) in service.ports.iter().enumerate().filter(|(_, port)| port.is_tcp()) {
        let PortRef::Number(number) = port.target() else { continue };
        let Some(guard) = guards.get(&number) else { continue };
        let below = Pointer::keys(["spec", "ports"]).then(index).then("targetPort");
        share.decisions.edit(Change::put(object, &below, (*guard).into()));
        share.targets.insert(port.port, number);
        let words =
            (format!("port {}", port.port), format!("it sends to the guard on {guard} instead of {number}"));
        share.decisions.say(Note::of(Rule::GuardedTargetPort, (object, &below), words));
    }
    Ok(share)
}

/// The workloads that Services in their second step send to: without their guards these would send to nobody. A Service whose
/// workloads are not in the input is named itself.
pub(super) fn held(streams: &[Stream], objects: &[Object]) -> Result<Left, Refused> {
    let mut left = Left::new();
    for object in objects.iter().filter(|object| record::in_second_step(object)) {
        let service =
            Service::of(object).map_err(|error| Refused::misshapen(streams, &object.address, &error))?;
        let mut decisions = Decisions::default();
        let message = "it sends to the guard by number, which would be gone".to_owned();
        let help = "take the Services back first, with `segue inject --undo --second-step`, and apply them"
            .to_owned();
        decisions.refuse(Rule::GuardNeeded, streams, (object, &Pointer::root()), (message, help));
        let mut behind = Vec::new();
        for workload in objects.iter().filter(|workload| workload.shares_namespace(object)) {
            let misshapen = |error| Refused::misshapen(streams, &workload.address, &error);
            let Some(template) = Template::of(workload).map_err(misshapen)? else { continue };
            if service.picks(&template.labels) && workload.meta.annotation(RECORD_ANNOTATION).is_some() {
                behind.push(workload.address.clone());
            }
        }
        if behind.is_empty() {
            behind.push(object.address.clone());
        }
        for address in behind {
            left.entry(address).or_default().extend(decisions.refusals.clone());
        }
    }
    Ok(left)
}

/// Whether a workload in these files has a port of this sort.
fn any_port(streams: &[Stream], objects: &[Object], is: impl Fn(&Port) -> bool) -> Result<bool, Refused> {
    for object in objects {
        if injected_plan(streams, object)?.is_some_and(|plan| plan.ports.iter().any(&is)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether a workload can be taken to be in the Service's namespace, where it names none itself. What is taken so is told.
fn is_beside(
    streams: &[Stream],
    objects: &[Object],
    service: &Object,
    workload: &Object,
    decisions: &mut Decisions,
) -> Result<bool, Refused> {
    let (Some(_), None) = (&service.meta.namespace, &workload.meta.namespace) else { return Ok(true) };
    let misshapen = |error| Refused::misshapen(streams, &workload.address, &error);
    let Some(template) = Template::of(workload).map_err(misshapen)? else { return Ok(true) };
    let mut namespaces = Vec::new();
    for other in objects.iter().filter(|object| object.kind == Kind::Service) {
        let misshapen = |error| Refused::misshapen(streams, &other.address, &error);
        let picks = Service::of(other).map_err(misshapen)?.picks(&template.labels);
        if let Some(namespace) = other.meta.namespace.as_deref().filter(|_| picks)
            && !namespaces.contains(&namespace)
        {
            namespaces.push(namespace);
        }
    }
    let all = namespaces.join(" and ");
    if namespaces.len() > 1 {
        let message = format!("which of {all} {workload} is in is not known");
        let help = "let the workload name its namespace: elsewhere this Service would send to nobody";
        decisions.refuse(
            Rule::NamespaceUnknown,
            streams,
            (service, &Pointer::keys(["metadata", "namespace"])),
            (message, help.to_owned()),
        );
        return Ok(false);
    }
    let words = (
        service.to_string(),
        format!("it names no namespace and is taken to be in {all}, as its Service is: apply both there"),
    );
    decisions.note(Rule::NamespaceTaken, workload, words);
    Ok(true)
}

/// The guard's port for each of the application's that a Service has by number, where all workloads behind it agree on them. Of
/// a name each pod's own number is found.
fn guards(
    streams: &[Stream],
    objects: &[Object],
    object: &Object,
    service: &Service,
    decisions: &mut Decisions,
) -> Result<BTreeMap<u16, u16>, Refused> {
    let numbers = service.ports.iter().filter(|port| port.is_tcp()).filter_map(|port| match port.target() {
        PortRef::Number(number) => Some(number),
        PortRef::Name(_) => None,
    });
    let numbers: BTreeSet<u16> = numbers.collect();
    if numbers.is_empty() {
        return Ok(BTreeMap::new());
    }
    let mut agreed: Option<BTreeMap<u16, u16>> = None;
    for workload in objects.iter().filter(|workload| workload.shares_namespace(object)) {
        let misshapen = |error| Refused::misshapen(streams, &workload.address, &error);
        let template = Template::of(workload).map_err(misshapen)?;
        if template.as_ref().is_some_and(|template| aside(workload, template).is_some()) {
            continue;
        }
        // Pods of a kind that is not known have no guard.
        let labels = template.map(|template| template.labels).or_else(|| workload.foreign_pods());
        if !labels.is_some_and(|labels| service.picks(&labels)) {
            continue;
        }
        let plan = injected_plan(streams, workload)?;
        if plan.is_some() && !is_beside(streams, objects, object, workload, decisions)? {
            return Ok(BTreeMap::new());
        }
        let ports = plan.iter().flat_map(|plan| &plan.ports);
        // Where the pods lead to the guard themselves it may have a number only until the Services that still know it are taken back.
        let sent_to = ports.filter(|port| numbers.contains(&port.application) && port.redirect.is_none());
        let pairs: BTreeMap<_, _> =
            sent_to.filter_map(|port| Some((port.application, port.guard?))).collect();
        match &mut agreed {
            None => agreed = Some(pairs),
            Some(agreed) if *agreed == pairs => {}
            Some(_) => {
                let message =
                    format!("the workloads behind it have different guards ({workload} and others)");
                let help = "inject them all with --guard first; where their guards' numbers differ for good, let the Service name its targetPort";
                let at = (object, &Pointer::keys(["spec"]));
                decisions.refuse(Rule::GuardsDiffer, streams, at, (message, help.to_owned()));
                return Ok(BTreeMap::new());
            }
        }
    }
    Ok(agreed.unwrap_or_default())
}
