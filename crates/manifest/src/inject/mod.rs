//! Inject: a manifest gets what a drain needs, and nothing else of it changes.
//!
//! Everything is decided before anything is edited: the rules (`crate::rules`) find what is wrong of a workload joined with what
//! concerns it, and the steps here decide what is to be added to it. Both come to edits, notes, or a refusal. What is refused
//! of one workload is that workload's (`left`). What was injected before is taken back first, so that injecting twice is
//! injecting once, and other flags plan anew.
//!
//! ```text
//!  here     revert ─▶ refuse ─▶ ports ──────────────▶ paths, join ───────────────▶ plan, agent ───────────▶ edited, recorded
//!  rules                              └▶ stop_hook ──┘             └▶ environment, grace ──┘   └▶ strategy ──┘
//! ```

mod agent;
mod attempt;
mod draft;
mod foreign;
mod former;
mod join;
mod left;
mod options;
mod outcome;
mod plan;
mod ports;
mod read;
mod record;
mod redirect;
mod refuse;
mod refused;
mod revert;
mod room;
mod service_step;
mod sizes;
mod undo;
mod vertical;

use std::collections::{BTreeMap, BTreeSet};

use segue_yaml::Stream;

use crate::duration::words;
use crate::notes::Rule;
use crate::objects::{Address, Kind, Object, Template};
use crate::paths::{AgentHealth, paths};
use crate::ports::Ports;
use crate::rules::grace::{self, Grace, Times};
use crate::rules::{Finding, environment, scrapers, stop_hook, strategy};
use crate::workload::World;

pub use crate::names::{PLAN_ANNOTATION, PORTS_ANNOTATION, RECORD_ANNOTATION};
pub use options::Options;
pub use outcome::{Fate, Outcome, Told};
pub use refuse::{NATIVE_SIDECARS, version_of};
pub use refused::Refused;
pub use undo::undo;

use attempt::Attempt;
use draft::{Decisions, Draft};
use left::{Left, Share, Stuck, without_those};
use read::{injected_plan, read};
use record::Record;

/// Injects all workloads in these files that can be; it is refused if none can.
pub fn inject(streams: &[Stream], options: &Options) -> Result<Outcome, Refused> {
    let guard = options.guard || options.second_step || options.redirect;
    let options = &Options { guard, ..options.clone() };
    let before = ports_before(streams)?;
    let (mut attempt, mut left) = without_those(|left| inject_without(streams, options, &before, left))?;
    let services = if options.second_step { service_step::step(&mut attempt, streams)? } else { Left::new() };
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
    Outcome::of(texts, decisions.notes, workloads, (objects.len(), changed)).unless_all_is_refused(done)
}

fn inject_without(
    streams: &[Stream],
    options: &Options,
    before: &Before,
    left: &Left,
) -> Result<Attempt, Stuck> {
    let mut decisions = Decisions::default();
    // In a second step what has the guard stays as it is: only the Services are new.
    let again = |_: &Object, record: &Record| !record.is_second_step() && !options.second_step;
    let clean = revert::revert(streams, left, &mut decisions.notes, again)?;
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

/// Each workload's ports as an earlier injection had them. By the object's place: several files may have variants of one object.
type Before = BTreeMap<Address, Ports>;

fn ports_before(streams: &[Stream]) -> Result<Before, Refused> {
    let mut before = Before::new();
    for object in read(streams)? {
        let Some(plan) = injected_plan(streams, &object)? else { continue };
        let template = Template::of(&object);
        let template = template.map_err(|error| Refused::misshapen(streams, &object.address, &error))?;
        let ports = template.map(|template| Ports::of_injected(plan, &template.spec));
        before.extend(ports.map(|ports| (object.address, ports)));
    }
    Ok(before)
}

/// Decides every workload; answers what each needs, and which have the agent then.
fn decide(
    decisions: &mut Decisions,
    streams: &[Stream],
    objects: &[Object],
    options: &Options,
    before: &Before,
    left: &Left,
) -> Result<(Vec<Share>, BTreeSet<Address>), Stuck> {
    let world = World::of(objects, record::service_before).map_err(|one| Refused::of(streams, &one))?;
    let (mut stages, mut shares, mut injected) = (Vec::new(), Vec::new(), BTreeSet::new());
    let (mut spared, mut former) = (false, Vec::new());
    let mut refused = Left::new();
    for object in objects {
        if left.contains_key(&object.address) {
            shares.extend(left::environment_of(&world, object, streams)?);
            continue;
        }
        if object.meta.annotations.contains_key(RECORD_ANNOTATION) && object.maker().is_none() {
            injected.extend(object.kind.template().is_some().then(|| object.address.clone()));
            continue;
        }
        if let Some((rule, why)) = refuse::left_alone(object) {
            decisions.note(rule, object, why);
            continue;
        }
        let workload = world.workload(object).map_err(|one| Refused::of(streams, &one))?;
        let Some(workload) = workload else { continue };
        let mut own = Decisions::default();
        let mut draft = Draft { workload: &workload, options, streams, decisions: &mut own };
        let decided = decide_one(&mut draft, objects, before.get(&object.address));
        stages.extend(decided.stages);
        if own.refusals.is_empty() {
            spared |= decided.redirect_would_spare;
            former.extend(decided.former);
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
    former::tell(decisions, &shares, former);
    foreign::tell(decisions, objects, !injected.is_empty());
    if spared {
        redirect::would_spare(decisions);
    }
    tell(decisions, options, !injected.is_empty(), &stages);
    Ok((shares, injected))
}

/// What is to be known of one workload for what is said of the whole input.
struct Decided {
    /// The names of its paths' stages.
    stages: Vec<String>,
    /// Whether clients come past its guard, or would without a second step, and need not.
    redirect_would_spare: bool,
    /// What let policies through to the guard of its pods from before.
    former: Vec<Finding>,
}

fn decide_one(draft: &mut Draft, objects: &[Object], before: Option<&Ports>) -> Decided {
    refuse::workload(draft);
    if draft.options.redirect {
        redirect::refuse(draft);
    }
    let (ports, past) = ports::decide(draft, before);
    let former = before.map_or_else(Vec::new, |before| former::of_policies(draft.workload, before, &ports));
    let Options { keep_sleep, stop_time, .. } = *draft.options;
    let hooks = stop_hook::find(draft.workload, stop_hook::Settings { keep_sleep, stop_time });
    draft.take(hooks.findings);
    let mut found = paths(draft.workload, &draft.options.bounds, AgentHealth { port: ports.control });
    for note in found.notes.drain(..) {
        draft.decisions.say(note);
    }
    let others = objects.iter().any(|object| {
        let replaces = object.shares_namespace(draft.workload.object) && object.steers(draft.workload.object);
        object.kind == Kind::OtherRoute || replaces
    });
    join::decide(draft, &mut found.paths, others);
    draft.take(environment::policies(draft.workload, &ports, found.asks_the_agent));
    draft.take(environment::mesh(draft.workload, &ports));
    foreign::beside(draft, objects, &ports);
    draft.take(environment::evictable(draft.workload));
    let bound: Vec<_> = ports.bound().iter().map(u16::to_string).collect();
    let Options { longest_request, idle_after, keep_strategy, .. } = *draft.options;
    let times = Times { longest_request, idle_after, stop_time: stop_time + hooks.slept };
    let grace = Grace::of(draft.workload, &times, ports.has_guard(), found.paths);
    draft.take(grace::find(draft.workload, &grace));
    let scraped = scrapers::find(draft.workload, &ports);
    let plan = plan::plan(draft.workload, draft.options, &times, ports, &grace);
    if let Err(error) = plan.check() {
        let help = "every port is from 1 to 65535, every duration more than 0";
        draft.refuse(Rule::NotInjectable, &draft.template().spec_at(), error.to_string(), help);
    }
    draft.take(scraped);
    let resources = agent::decide(draft, &plan);
    draft.take(strategy::find(draft.workload, keep_strategy, &grace.ready));
    room::tell(draft, &resources);
    vertical::tell(draft, objects);
    let template = draft.template().clone();
    draft.put(&template.annotation_at(PLAN_ANNOTATION), grace.words.into());
    draft.put(&template.annotation_at(PORTS_ANNOTATION), bound.join(",").into());
    if template.spec.host_network {
        let words = (
            format!("port {}", plan.control_port),
            "these pods have the node's network (hostNetwork): the agent's port is the node's, so two such pods on one node clash",
        );
        draft.note_at(Rule::HostNetwork, &template.spec_at().then("hostNetwork"), words);
    }
    let words = (
        format!("preStop.sleep {}", words(grace.leave)),
        "the first rollout after this still removes pods without the agent: bridge it by rolling out such a temporary sleep before \
         (Kubernetes 1.30 and later), or accept it",
    );
    draft.note(Rule::FirstRollout, words);
    let stages = plan.drain.paths.into_iter().flat_map(|path| path.stages);
    Decided {
        stages: stages.map(|stage| stage.name).collect(),
        redirect_would_spare: past && redirect::is_possible(draft.workload),
        former,
    }
}

/// What is to be said of the input as a whole.
fn tell(decisions: &mut Decisions, options: &Options, injected: bool, stages: &[String]) {
    for stage in options.bounds.stages().filter(|stage| !stages.iter().any(|one| one == stage)) {
        let words = (format!("--bound {stage}=D"), "no path in the input has this stage: it changes nothing");
        decisions.note_of_all(Rule::UnusedBound, words);
    }
    if !injected {
        decisions.note_of_all(Rule::NothingToDo, "no workload in the input: nothing is changed");
    } else if options.kubernetes.is_none() {
        let words = "the agent needs Kubernetes 1.29 or later (native sidecars)";
        decisions.note_of_all(Rule::KubernetesVersion, words);
    }
}

#[cfg(test)]
mod tests;
