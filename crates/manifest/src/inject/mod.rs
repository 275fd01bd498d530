//! Inject: a manifest gets what a drain needs, and nothing else of it changes.
//!
//! Everything is decided before anything is edited: each rule (one module) looks at a workload joined with what
//! concerns it and yields edits, notes, or a refusal. If anything is refused nothing is changed. What was injected
//! before is taken back first, so that injecting twice is injecting once, and other flags plan anew.
//!
//! ```text
//!  taken back ─▶ refuse ─▶ ports ─▶ hooks ─▶ paths ─▶ join ─▶ around ─▶ grace ─▶ agent ─▶ strategy ─▶ edited, recorded
//! ```

mod agent;
mod around;
mod back;
mod draft;
mod grace;
mod hooks;
mod join;
mod options;
mod ports;
mod record;
mod refuse;
mod refused;
mod second;
mod sleeps;
mod strategy;

use std::collections::BTreeMap;

use segue_core::pod::PodPlan;

use crate::duration::words;
use crate::objects::{Kind, Object, Template, objects};
use crate::paths::{AgentHealth, paths};
use crate::text::{Pointer, Stream};
use crate::workload::{Misshapen, World};

pub use draft::Note;
pub use options::Options;
pub use record::ANNOTATION as RECORD_ANNOTATION;
pub use refuse::{NATIVE_SIDECARS, version_of};
pub use refused::Refused;

use draft::{Decisions, Draft};
use record::Record;

/// The annotation that tells a reader why the grace period is what it is.
pub const PLAN_ANNOTATION: &str = "segue.dev/plan";
/// The annotation that names the ports which the agent binds.
pub const PORTS_ANNOTATION: &str = "segue.dev/ports";

/// What came of it.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The files' new texts, in their order; a file with nothing to change is as it was.
    pub texts: Vec<String>,
    /// What a reader must know.
    pub notes: Vec<Note>,
    /// How many objects there were in all.
    pub objects: usize,
    /// How many of them were changed.
    pub changed: usize,
}

/// Injects all workloads in these files.
pub fn inject(streams: &[Stream], options: &Options) -> Result<Outcome, Refused> {
    let mut decisions = Decisions::default();
    let options = &Options { guard: options.guard || options.second_step, ..options.clone() };
    let before = guards_before(streams)?;
    // In a second step what has the guard stays as it is: only the Services are new.
    let again = |_: &Object, record: &Record| !record.is_second_step() && !options.second_step;
    let clean = back::take_back(streams, &mut decisions.notes, again)?;
    let objects = read(&clean)?;
    // What is refused is told by its place in the text as it was given.
    decide(&mut decisions, streams, &objects, options, &before)?;
    if !decisions.refusals.is_empty() {
        return Err(Refused(decisions.refusals));
    }
    let mut after = record::apply(&clean, &decisions, &BTreeMap::new())?;
    let mut changed = decisions.edits.len();
    if options.second_step {
        let (services, more) = second::step(&after, &mut decisions)?;
        after = services;
        changed += more;
    }
    let texts = after.iter().map(|stream| stream.text().to_owned()).collect();
    Ok(Outcome { texts, notes: decisions.notes, objects: objects.len(), changed })
}

/// Takes back what was injected: of Services in their second step if `second_step`, else of everything else, which is
/// refused while such a Service is in the input: it would send to a guard that is gone.
pub fn undo(streams: &[Stream], second_step: bool) -> Result<Outcome, Refused> {
    let objects = read(streams)?;
    let mut decisions = Decisions::default();
    let mut changed = 0;
    for object in &objects {
        let Ok(Some(record)) = Record::of(object) else { continue };
        changed += usize::from(record.is_second_step() == second_step);
        if record.is_second_step() && !second_step {
            let message = "it sends to the guard by number, which would be gone".to_owned();
            let help =
                "take the Services back first, with `segue inject --undo --second-step`, and apply them";
            decisions.refuse(streams, object, &Pointer::root(), (message, help.to_owned()));
        }
    }
    if !decisions.refusals.is_empty() {
        return Err(Refused(decisions.refusals));
    }
    let which = |_: &Object, record: &Record| record.is_second_step() == second_step;
    let clean = back::take_back(streams, &mut decisions.notes, which)?;
    if changed == 0 {
        let what = if second_step { "no Service was sent to the guard" } else { "nothing was injected" };
        decisions.note("undo", format!("{what}: the input is as it was"));
    }
    if second_step && changed > 0 {
        decisions.note(
            "undo",
            "apply the Services first; once they are, `segue inject --undo` takes out the rest",
        );
    }
    let texts = clean.iter().map(|stream| stream.text().to_owned()).collect();
    Ok(Outcome { texts, notes: decisions.notes, objects: objects.len(), changed })
}

fn read(streams: &[Stream]) -> Result<Vec<Object>, Refused> {
    objects(streams).map_err(|(address, error)| Refused::misshapen(streams, &address, &error))
}

/// The guard's port in front of each of a workload's, by the object's name, from an earlier injection.
type Guards = BTreeMap<String, BTreeMap<u16, u16>>;

fn guards_before(streams: &[Stream]) -> Result<Guards, Refused> {
    let mut guards = Guards::new();
    for object in read(streams)? {
        if let Some(plan) = injected_plan(streams, &object)? {
            let pairs = plan.ports.iter().filter_map(|port| Some((port.application, port.guard?)));
            guards.insert(object.to_string(), pairs.collect());
        }
    }
    Ok(guards)
}

/// The plan that an injected object carries.
fn injected_plan(streams: &[Stream], object: &Object) -> Result<Option<PodPlan>, Refused> {
    let template =
        Template::of(object).map_err(|error| Refused::misshapen(streams, &object.address, &error))?;
    let init = template.into_iter().flat_map(|template| template.spec.init_containers);
    Ok(init
        .filter(|container| container.name == agent::NAME)
        .find_map(|container| agent::plan_of(&container)))
}

fn decide(
    decisions: &mut Decisions,
    streams: &[Stream],
    objects: &[Object],
    options: &Options,
    before: &Guards,
) -> Result<(), Refused> {
    let misshapen = |Misshapen { address, error }| Refused::misshapen(streams, &address, &error);
    let world = World::of(objects, record::service_before).map_err(misshapen)?;
    refuse::old_cluster(decisions, streams, objects);
    let mut stages = Vec::new();
    let mut injected = 0;
    let others = objects.iter().any(|object| object.kind == Kind::OtherRoute);
    for object in objects {
        if object.meta.annotations.contains_key(RECORD_ANNOTATION) {
            injected += usize::from(object.kind.template().is_some());
            continue;
        }
        let Some(workload) = world.workload(object).map_err(misshapen)? else {
            if let Some(why) = refuse::left_alone(object) {
                decisions.note(object, why);
            }
            continue;
        };
        injected += 1;
        let mut draft = Draft { workload: &workload, options, streams, decisions: &mut *decisions };
        let own = before.get(&object.to_string()).cloned().unwrap_or_default();
        stages.extend(decide_one(&mut draft, &own, others));
    }
    for object in objects.iter().filter(|object| injected > 0 && object.kind == Kind::OtherRoute) {
        decisions.note(
            object,
            "is not read: how late its router hears of a pod that leaves is not counted. If it leads to these pods and is later than the \
             paths that are known, let a longer --bound kube-proxy=D stand for it",
        );
    }
    tell(decisions, options, injected, &stages);
    Ok(())
}

/// Decides one workload; answers the names of its paths' stages. `others`: the input has routes that are not read.
fn decide_one(draft: &mut Draft, before: &BTreeMap<u16, u16>, others: bool) -> Vec<String> {
    refuse::workload(draft);
    let ports = ports::decide(draft, before);
    let slept = hooks::decide(draft);
    let mut found = paths(draft.workload, &draft.options.bounds, AgentHealth { port: ports.control });
    for note in found.notes {
        draft.note(note);
    }
    join::decide(draft, &mut found.paths, others);
    around::policies(draft, &ports, found.asks_the_agent);
    around::mesh(draft, &ports);
    around::evictable(draft);
    let bound: Vec<_> = ports.bound().iter().map(u16::to_string).collect();
    let granted = grace::decide(draft, ports, found.paths, slept);
    if let Err(error) = granted.plan.check() {
        let help = "every port is from 1 to 65535, every duration more than 0";
        draft.refuse(&draft.template().spec_at(), error.to_string(), help);
    }
    grace::tell_monitors(draft, &granted.plan);
    agent::decide(draft, &granted.plan);
    strategy::decide(draft, granted.min_ready);
    let template = draft.template().clone();
    draft.put(&template.annotation_at(PLAN_ANNOTATION), granted.words.into());
    draft.put(&template.annotation_at(PORTS_ANNOTATION), bound.join(",").into());
    if template.spec.host_network {
        draft.note(format!(
            "these pods have the node's network (hostNetwork): port {} of the agent is the node's, so two such pods on one node clash",
            granted.plan.control_port
        ));
    }
    draft.note(format!(
        "the first rollout after this still removes pods without the agent: bridge it by rolling out a temporary preStop.sleep of {} \
         before (Kubernetes 1.30 and later), or accept it",
        words(granted.leave)
    ));
    let stages = granted.plan.drain.paths.into_iter().flat_map(|path| path.stages);
    stages.map(|stage| stage.name).collect()
}

/// What is to be said of the input as a whole.
fn tell(decisions: &mut Decisions, options: &Options, injected: usize, stages: &[String]) {
    for stage in options.bounds.stages().filter(|stage| !stages.iter().any(|one| one == stage)) {
        decisions.note(
            "--bound",
            format!("no path in the input has the stage {stage}: its bound changes nothing"),
        );
    }
    if injected == 0 {
        decisions.note("inject", "no workload in the input: nothing is changed");
    } else if options.kubernetes.is_none() {
        decisions.note("inject", "needs Kubernetes 1.29 or later (native sidecars)");
    }
}

#[cfg(test)]
mod tests;
