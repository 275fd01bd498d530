//! Objects read from texts, and what those carry that were injected before. What can't be read is a refusal.

use segue_core::pod::PodPlan;
use segue_yaml::Stream;

use super::agent;
use super::draft::Decisions;
use super::refused::Refused;
use crate::names::{AGENT, RECORD_ANNOTATION};
use crate::notes::Rule;
use crate::objects::{Object, Template, objects};

pub(super) fn read(streams: &[Stream]) -> Result<Vec<Object>, Refused> {
    objects(streams).map_err(|(address, error)| Refused::misshapen(streams, &address, &error))
}

/// The plan that an injected object carries. One that can't be read is refused: taken for none, the guard's ports that
/// pods have would be given to others.
pub(super) fn injected_plan(streams: &[Stream], object: &Object) -> Result<Option<PodPlan>, Refused> {
    let template =
        Template::of(object).map_err(|error| Refused::misshapen(streams, &object.address, &error))?;
    // An agent without a record is refused where workloads are: it is not of an injection.
    let recorded = template.filter(|_| object.meta.annotations.contains_key(RECORD_ANNOTATION));
    let Some(template) = recorded else { return Ok(None) };
    let mut init = template.spec.init_containers.iter().enumerate();
    let Some((index, container)) = init.find(|(_, one)| one.name == AGENT) else { return Ok(None) };
    agent::plan_of(container).map(Some).map_err(|why| {
        let mut decisions = Decisions::default();
        let at = template.spec_at().then("initContainers").then(index).then("env");
        decisions.refuse(Rule::RecordUnreadable, streams, (object, &at), why);
        Refused(decisions.refusals)
    })
}
