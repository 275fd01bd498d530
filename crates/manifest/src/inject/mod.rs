//! Inject: a manifest gets what a drain needs, and nothing else of it changes.
//!
//! Everything is decided before anything is edited: each rule (one module) looks at a workload joined with what
//! concerns it and yields edits, notes, or a refusal. What is refused of one workload is that workload's (`left`). What was
//! injected before is taken back first, so that injecting twice is injecting once, and other flags plan anew.
//!
//! ```text
//!  taken back ─▶ refuse ─▶ ports ─▶ hooks ─▶ paths ─▶ join ─▶ around ─▶ grace ─▶ agent ─▶ strategy ─▶ edited, recorded
//! ```

mod agent;
mod around;
mod back;
mod draft;
mod foreign;
mod grace;
mod hooks;
mod join;
mod left;
mod options;
mod outcome;
mod ports;
mod record;
mod refuse;
mod refused;
mod room;
mod second;
mod sizes;
mod sleeps;
mod strategy;
mod undo;
mod vertical;

use std::collections::{BTreeMap, BTreeSet};

use segue_core::pod::PodPlan;
use segue_yaml::Stream;

use crate::duration::words;
use crate::objects::{Address, Kind, Object, Template, objects};
use crate::paths::{AgentHealth, paths};
use crate::workload::World;

pub use draft::Note;
pub use options::Options;
pub use outcome::{Fate, Outcome, Told};
pub use record::ANNOTATION as RECORD_ANNOTATION;
pub use refuse::{NATIVE_SIDECARS, version_of};
pub use refused::Refused;
pub use undo::undo;

use draft::{Decisions, Draft};
use left::{Left, Share, Stuck, without_those};
use record::Record;

/// The annotation that tells a reader why the grace period is what it is.
pub const PLAN_ANNOTATION: &str = "segue.dev/plan";
/// The annotation that names the ports which the agent binds.
pub const PORTS_ANNOTATION: &str = "segue.dev/ports";

/// Injects all workloads in these files that can be; it is refused if none can.
pub fn inject(streams: &[Stream], options: &Options) -> Result<Outcome, Refused> {
    let options = &Options { guard: options.guard || options.second_step, ..options.clone() };
    let before = guards_before(streams)?;
    let (mut attempt, mut left) = without_those(|left| inject_without(streams, options, &before, left))?;
    let services = if options.second_step { second::step(&mut attempt, streams)? } else { Left::new() };
    let services_refused = !services.is_empty();
    left.extend(services);
    let Attempt { objects, decisions, after, changed, injected } = attempt;
    let fate = |object: &Object| {
        let injected = injected.contains(&object.address).then_some(Fate::Injected);
        injected.or_else(|| object.kind.is_workload().then_some(Fate::LeftAlone))
    };
    let texts = after.iter().map(|stream| stream.text().to_owned()).collect();
    let workloads = outcome::told(&objects, &left, fate);
    // What an earlier step did is done; but where all that was left to do is refused, nothing is.
    let done = changed > 0
        || !injected.is_empty() && !services_refused
        || options.second_step && objects.iter().any(record::in_second_step);
    Outcome { texts, notes: decisions.notes, workloads, objects: objects.len(), changed }
        .unless_all_is_refused(done)
}

/// A try to inject all but what is left.
struct Attempt {
    /// As they were once the earlier injection was taken back.
    objects: Vec<Object>,
    decisions: Decisions,
    after: Vec<Stream>,
    changed: usize,
    /// The workloads that have the agent now.
    injected: BTreeSet<Address>,
}

fn inject_without(
    streams: &[Stream],
    options: &Options,
    before: &Guards,
    left: &Left,
) -> Result<Attempt, Stuck> {
    let mut decisions = Decisions::default();
    // In a second step what has the guard stays as it is: only the Services are new.
    let again = |_: &Object, record: &Record| !record.is_second_step() && !options.second_step;
    let clean = back::take_back(streams, left, &mut decisions.notes, again)?;
    let objects = read(&clean)?;
    // What is refused is told by its place in the text as it was given.
    refuse::old_cluster(&mut decisions, streams, &objects);
    if !decisions.refusals.is_empty() {
        return Err(Refused(decisions.refusals).into());
    }
    let wrong = objects.iter().filter_map(|object| {
        let error = object.check_numbers().err()?;
        Some(Refused::misshapen(streams, &object.address, &error).0)
    });
    let wrong: Vec<_> = wrong.flatten().collect();
    if !wrong.is_empty() {
        return Err(Refused(wrong).into());
    }
    let (shares, injected) = decide(&mut decisions, streams, &objects, options, before, left)?;
    let after = left::apply(&clean, &shares)?;
    let mut changed = Decisions::default();
    for share in &shares {
        changed.take_edits(&share.decisions);
    }
    Ok(Attempt { objects, decisions, after, changed: changed.edits.len(), injected })
}

fn read(streams: &[Stream]) -> Result<Vec<Object>, Refused> {
    objects(streams).map_err(|(address, error)| Refused::misshapen(streams, &address, &error))
}

/// The guard's port in front of each of a workload's, from an earlier injection. By the object's place: several files may have
/// variants of one object.
type Guards = BTreeMap<Address, BTreeMap<u16, u16>>;

fn guards_before(streams: &[Stream]) -> Result<Guards, Refused> {
    let mut guards = Guards::new();
    for object in read(streams)? {
        if let Some(plan) = injected_plan(streams, &object)? {
            let pairs = plan.ports.iter().filter_map(|port| Some((port.application, port.guard?)));
            guards.insert(object.address, pairs.collect());
        }
    }
    Ok(guards)
}

/// The plan that an injected object carries. One that can't be read is refused: taken for none, the guard's ports that
/// pods have would be given to others.
fn injected_plan(streams: &[Stream], object: &Object) -> Result<Option<PodPlan>, Refused> {
    let template =
        Template::of(object).map_err(|error| Refused::misshapen(streams, &object.address, &error))?;
    // An agent without a record is refused where workloads are: it is not of an injection.
    let recorded = template.filter(|_| object.meta.annotations.contains_key(RECORD_ANNOTATION));
    let Some(template) = recorded else { return Ok(None) };
    let mut init = template.spec.init_containers.iter().enumerate();
    let Some((index, container)) = init.find(|(_, one)| one.name == agent::NAME) else { return Ok(None) };
    agent::plan_of(container).map(Some).map_err(|why| {
        let mut decisions = Decisions::default();
        let at = template.spec_at().then("initContainers").then(index).then("env");
        decisions.refuse(streams, object, &at, why);
        Refused(decisions.refusals)
    })
}

/// Decides every workload; answers what each needs, and which have the agent then.
fn decide(
    decisions: &mut Decisions,
    streams: &[Stream],
    objects: &[Object],
    options: &Options,
    before: &Guards,
    left: &Left,
) -> Result<(Vec<Share>, BTreeSet<Address>), Stuck> {
    let world = World::of(objects, record::service_before).map_err(|one| Refused::of(streams, &one))?;
    let (mut stages, mut shares, mut injected) = (Vec::new(), Vec::new(), BTreeSet::new());
    let mut refused = Left::new();
    for object in objects {
        if left.contains_key(&object.address) {
            shares.extend(left::around_one(&world, object, streams, options)?);
            continue;
        }
        if object.meta.annotations.contains_key(RECORD_ANNOTATION) && object.maker().is_none() {
            injected.extend(object.kind.template().is_some().then(|| object.address.clone()));
            continue;
        }
        if let Some(why) = refuse::left_alone(object) {
            decisions.note(object, why);
            continue;
        }
        let workload = world.workload(object).map_err(|one| Refused::of(streams, &one))?;
        let Some(workload) = workload else { continue };
        let mut own = Decisions::default();
        let mut draft = Draft { workload: &workload, options, streams, decisions: &mut own };
        let guards = before.get(&object.address).cloned().unwrap_or_default();
        stages.extend(decide_one(&mut draft, objects, &guards));
        if own.refusals.is_empty() {
            decisions.take_notes(&mut own);
            injected.insert(object.address.clone());
            shares.push(Share { address: object.address.clone(), decisions: own, targets: BTreeMap::new() });
        } else {
            refused.insert(object.address.clone(), own.refusals);
        }
    }
    if !refused.is_empty() {
        return Err(Stuck::At(refused));
    }
    foreign::tell(decisions, objects, !injected.is_empty());
    tell(decisions, options, !injected.is_empty(), &stages);
    Ok((shares, injected))
}

/// Decides one workload; answers the names of its paths' stages.
fn decide_one(draft: &mut Draft, objects: &[Object], before: &BTreeMap<u16, u16>) -> Vec<String> {
    refuse::workload(draft);
    let ports = ports::decide(draft, before);
    let slept = hooks::decide(draft);
    let mut found = paths(draft.workload, &draft.options.bounds, AgentHealth { port: ports.control });
    for note in found.notes {
        draft.note(note);
    }
    let others = objects.iter().any(|object| {
        let replaces = object.shares_namespace(draft.workload.object) && object.steers(draft.workload.object);
        object.kind == Kind::OtherRoute || replaces
    });
    join::decide(draft, &mut found.paths, others);
    around::policies(draft, &ports, found.asks_the_agent);
    around::mesh(draft, &ports);
    foreign::beside(draft, objects, &ports);
    around::evictable(draft);
    let bound: Vec<_> = ports.bound().iter().map(u16::to_string).collect();
    let granted = grace::decide(draft, ports, found.paths, slept);
    if let Err(error) = granted.plan.check() {
        let help = "every port is from 1 to 65535, every duration more than 0";
        draft.refuse(&draft.template().spec_at(), error.to_string(), help);
    }
    grace::tell_monitors(draft, &granted.plan);
    let resources = agent::decide(draft, &granted.plan);
    strategy::decide(draft, granted.min_ready);
    room::tell(draft, &resources);
    vertical::tell(draft, objects);
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
fn tell(decisions: &mut Decisions, options: &Options, injected: bool, stages: &[String]) {
    for stage in options.bounds.stages().filter(|stage| !stages.iter().any(|one| one == stage)) {
        decisions.note(
            "--bound",
            format!("no path in the input has the stage {stage}: its bound changes nothing"),
        );
    }
    if !injected {
        decisions.note("inject", "no workload in the input: nothing is changed");
    } else if options.kubernetes.is_none() {
        decisions.note("inject", "needs Kubernetes 1.29 or later (native sidecars)");
    }
}

#[cfg(test)]
mod tests;
