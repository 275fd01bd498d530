//! Undo: what was injected is taken out again, but for what Services in their second step still need.

use segue_yaml::Stream;

use super::Refused;
use super::draft::Decisions;
use super::left::{self, Left, Stuck, without_those};
use super::outcome::{Fate, Outcome, told};
use super::read::read;
use super::record::{self, Record};
use super::revert;
use super::service_step;
use crate::names::{CONTAINERS, RECORD_ANNOTATION};
use crate::notes::{Note, Rule};
use crate::objects::{Object, Template};
use crate::workload::World;

/// Takes back what was injected: of Services in their second step if `second_step`, else of everything else but the workloads
/// behind such Services, which would send to a guard that is gone.
pub fn undo(streams: &[Stream], second_step: bool) -> Result<Outcome, Refused> {
    let objects = read(streams)?;
    let held = if second_step {
        Left::new()
    } else {
        service_step::held(streams, &objects)?.into_iter().chain(without_record(streams, &objects)?).collect()
    };
    let which = |_: &Object, record: &Record| record.is_second_step() == second_step;
    let ((clean, mut notes), mut left) = without_those(|left| {
        let left: Left = held.clone().into_iter().chain(left.clone()).collect();
        let mut notes = Vec::new();
        let clean = revert::revert(streams, &left, &mut notes, which)?;
        Ok((keep_environment(&clean, &left)?, notes))
    })?;
    left.extend(held);
    let gone = |object: &Object| {
        let record = Record::of(object).ok().flatten();
        record.is_some_and(|record| which(object, &record)) && !left.contains_key(&object.address)
    };
    let changed = objects.iter().filter(|object| gone(object)).count();
    if changed == 0 {
        let what = if second_step { "no Service was sent to the guard" } else { "nothing was injected" };
        notes.push(Note::of_all(Rule::NothingToDo, format!("{what}: the input is as it was")));
    } else if second_step {
        let words = "apply the Services first; once they are, `segue inject --undo` takes out the rest";
        notes.push(Note::of_all(Rule::SecondStep, words));
    }
    let fate = |object: &Object| {
        let taken = (gone(object) && object.kind.template().is_some()).then_some(Fate::TakenOut);
        taken.or_else(|| object.kind.is_workload().then_some(Fate::LeftAlone))
    };
    let workloads = told(&objects, &left, fate);
    let texts = clean.iter().map(|stream| stream.text().to_owned()).collect();
    Outcome::of(texts, notes, workloads, (objects.len(), changed)).unless_all_is_refused(changed > 0)
}

/// The workloads that have the agent, and whose record of what was injected is gone: what they were is not known any more.
fn without_record(streams: &[Stream], objects: &[Object]) -> Result<Left, Refused> {
    let mut left = Left::new();
    let recorded = |object: &&Object| object.meta.annotation(RECORD_ANNOTATION).is_some();
    for object in objects.iter().filter(|object| !recorded(object) && object.maker().is_none()) {
        let misshapen = |error| Refused::misshapen(streams, &object.address, &error);
        let Some(template) = Template::of(object).map_err(misshapen)? else { continue };
        let mut init = template.spec.init_containers.iter();
        let Some(index) = init.position(|one| CONTAINERS.contains(&one.name.as_str())) else { continue };
        let mut decisions = Decisions::default();
        let message =
            format!("the agent is in it, but no record of what it replaced (annotation {RECORD_ANNOTATION})");
        let help = "restore the annotation, or apply the manifest from before it was injected".to_owned();
        let at = template.spec_at().then("initContainers").then(index);
        decisions.refuse(Rule::RecordUnreadable, streams, (object, &at), (message, help));
        left.insert(object.address.clone(), decisions.refusals);
    }
    Ok(left)
}

/// Policies were taken back too: what stays injected needs its part of them again.
fn keep_environment(clean: &[Stream], left: &Left) -> Result<Vec<Stream>, Stuck> {
    let objects = read(clean)?;
    let world = World::of(&objects, record::service_before).map_err(|one| Refused::of(clean, &one))?;
    let mut shares = Vec::new();
    for object in objects.iter().filter(|object| left.contains_key(&object.address)) {
        shares.extend(left::environment_of(&world, object, clean)?);
    }
    left::apply(clean, &shares)
}
