//! The second step: Services with a numeric targetPort send to the guard, once every pod has it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::draft::Decisions;
use super::{Refused, injected_plan, read, record};
use crate::objects::{Kind, Object, PortRef, Service, Template};
use crate::text::{Edit, Pointer, Position, Stream};

/// Changes the Services of the guarded workloads in these files; answers how many.
pub(super) fn step(streams: &[Stream], decisions: &mut Decisions) -> Result<(Vec<Stream>, usize), Refused> {
    let objects = read(streams)?;
    let mut services = Decisions::default();
    let mut targets = BTreeMap::new();
    for object in objects.iter().filter(|object| object.kind == Kind::Service) {
        let service =
            Service::of(object).map_err(|error| Refused::misshapen(streams, &object.address, &error))?;
        if service.is_headless() {
            continue;
        }
        let guards = guards(streams, &objects, object, &service, &mut services)?;
        let mut own = BTreeMap::new();
        for (index, port) in service.ports.iter().enumerate().filter(|(_, port)| port.is_tcp()) {
            let PortRef::Number(number) = port.target() else { continue };
            let Some(guard) = guards.get(&number) else { continue };
            let below = Pointer::keys(["spec", "ports"]).then(index).then("targetPort");
            let (at, value) = (object.pointer(&below), Value::from(*guard));
            let edit = match object.value(&below) {
                Some(_) => Edit::Set { at, value },
                None => Edit::Insert { at, value, position: Position::Last },
            };
            services.edit(object, edit);
            own.insert(port.port, number);
            services.note(
                object,
                format!("port {} sends to the guard on {guard} instead of {number}", port.port),
            );
        }
        if !own.is_empty() {
            targets.insert(object.address.clone(), own);
        }
    }
    if !services.refusals.is_empty() {
        return Err(Refused(services.refusals));
    }
    let after = record::apply(streams, &services, &targets)?;
    let changed = services.edits.len();
    decisions.notes.append(&mut services.notes);
    decisions.note(
        "second step",
        match changed {
            0 if !guarded(streams, &objects)? => {
                "no workload with a guard is in the input, so no Service can be sent to one: give the workloads with their Services"
            }
            0 => "no Service in the input has the number of a guarded port as targetPort: nothing is left to do",
            _ => "apply the Services only once every pod has the guard (`kubectl rollout status` says so); to undo, take them back first",
        },
    );
    Ok((after, changed))
}

/// Whether a workload in these files has a guard.
fn guarded(streams: &[Stream], objects: &[Object]) -> Result<bool, Refused> {
    for object in objects {
        if injected_plan(streams, object)?.is_some_and(|plan| plan.guarded()) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The guard's port for each of the application's, where all workloads behind a Service agree on it.
fn guards(
    streams: &[Stream],
    objects: &[Object],
    object: &Object,
    service: &Service,
    decisions: &mut Decisions,
) -> Result<BTreeMap<u16, u16>, Refused> {
    let mut agreed: Option<BTreeMap<u16, u16>> = None;
    for workload in objects.iter().filter(|workload| workload.shares_namespace(object)) {
        let misshapen = |error| Refused::misshapen(streams, &workload.address, &error);
        let template = Template::of(workload).map_err(misshapen)?;
        // Pods of a kind that is not known have no guard.
        let labels = template.map(|template| template.labels).or_else(|| workload.foreign_pods());
        if !labels.is_some_and(|labels| service.picks(&labels)) {
            continue;
        }
        let plan = injected_plan(streams, workload)?;
        let pairs = plan.iter().flat_map(|plan| &plan.ports);
        let pairs: BTreeMap<_, _> = pairs.filter_map(|port| Some((port.application, port.guard?))).collect();
        match &mut agreed {
            None => agreed = Some(pairs),
            Some(agreed) if *agreed == pairs => {}
            Some(_) => {
                let message =
                    format!("the workloads behind it have different guards ({workload} and others)");
                let help = "inject them all with --guard first; where their guards' numbers differ for good, let the Service name its targetPort";
                decisions.refuse(streams, object, &Pointer::keys(["spec"]), (message, help.to_owned()));
                return Ok(BTreeMap::new());
            }
        }
    }
    Ok(agreed.unwrap_or_default())
}
