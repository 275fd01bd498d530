//! What a deploy would do, step by step: the same rules, against instances that do as they are told.

use std::time::Duration;

use segue_core::judge::{Goal, Readiness};
use segue_core::path::PathSeen;
use segue_core::rollout::{self, Action, InstanceSeen, Rollout, Seen};
use segue_core::{InstanceId, Next, Time, Version, drain};
use serde::Serialize;

use crate::driver::Refusal;
use crate::spec::Spec;
use crate::state::{PROXY, Revision, State};

/// More steps than any rollout has; the rules always end.
const MOST_STEPS: usize = 100_000;

/// What would be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DryRun {
    /// The service.
    pub name: String,
    /// The label of what runs.
    pub from: String,
    /// The label of what would run.
    pub to: String,
    /// How many instances would serve.
    pub replicas: u32,
    /// How many serve at any moment, at the least.
    pub floor: u32,
    /// How many there are at any moment, at the most.
    pub most: u32,
    /// How often a group of instances is started and another one ended.
    pub waves: u32,
    /// What one drain takes at most if no request takes longer than `longestRequest`.
    pub drain_ms: Option<u64>,
    /// What all of it takes at most, deadlines and all, before it would have gone back.
    pub bound_ms: Option<u64>,
    /// In this order.
    pub steps: Vec<Step>,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub enum Step {
    /// Start one, and wait until it is ready.
    Start {
        /// Its name.
        instance: String,
        /// Its version's label.
        version: String,
    },
    /// Let it take requests.
    Admit {
        /// Its name.
        instance: String,
    },
    /// Give it no more requests, and wait until it has none.
    Withdraw {
        /// Its name.
        instance: String,
    },
    /// Stop it.
    Stop {
        /// Its name.
        instance: String,
    },
}

/// What a deploy of this spec would do, or why it would be refused.
pub fn dry_run(mut state: State, spec: Spec) -> Result<DryRun, Refusal> {
    let current = state.work.as_ref().ok_or(Refusal::NothingRuns)?.current.clone();
    let before = state.revision(&current).ok_or(Refusal::UnknownSpec)?.clone();
    Refusal::of_change(&before.spec.name, &before.spec, &spec)?;
    let after = state.admit(spec).clone();
    let goal = after.goal();
    let steps = steps(&state, &before, &after);
    let spec = &after.spec;
    let needs = segue_core::budget::Needs {
        paths: goal.drain.paths.clone(),
        quiet: goal.drain.quiet,
        linger: goal.drain.linger,
        longest_request: spec.longest_request,
        stop_time: spec.stop.grace,
    };
    let (Goal { surge, unavailable, .. }, drain) = (&goal, spec.drain_deadline + spec.stop.grace);
    let wave = (*surge).max(*unavailable).max(1);
    let starts = steps.iter().filter(|step| matches!(step, Step::Start { .. })).count();
    Ok(DryRun {
        name: spec.name.clone(),
        from: before.spec.version.clone(),
        to: spec.version.clone(),
        replicas: goal.replicas,
        floor: goal.floor(),
        most: goal.most(),
        waves: u32::try_from(starts).unwrap_or(u32::MAX).div_ceil(wave),
        drain_ms: needs.budget().grace.map(|grace| millis(grace.0)),
        bound_ms: rollout::bound(&goal, goal.progress_deadline, drain).map(|bound| millis(bound.0)),
        steps,
    })
}

fn steps(state: &State, before: &Revision, after: &Revision) -> Vec<Step> {
    let mut world = World { next: state.next_instance, ..World::default() };
    let mut now = Time::from_millis(0);
    // What runs now serves; how well is not what a dry run is about. Those that are missing are started before.
    let mut running = state.instances.iter().filter(|(_, version)| **version == before.id);
    for _ in 0..before.spec.replicas.get() {
        match running.next() {
            Some((id, version)) => world.put(id.clone(), version),
            None => drop(world.start(&before.spec.name, &before.id)),
        }
    }
    let mut rollout = Rollout::begin(before.goal(), None, now);
    world.play(&mut rollout, before, &mut now);
    world.steps.clear();
    let mut rollout = rollout.turn(after.goal(), Some(before.goal()), now);
    world.play(&mut rollout, after, &mut now);
    world.steps
}

/// Instances that do as they are told, at once.
#[derive(Debug, Default)]
struct World {
    seen: Seen,
    next: u64,
    steps: Vec<Step>,
}

impl World {
    fn play(&mut self, rollout: &mut Rollout, runs: &Revision, now: &mut Time) {
        for _ in 0..MOST_STEPS {
            match rollout.step(&self.seen, *now) {
                Next::Done(_) => return,
                Next::Wait(_) => {
                    *now = *now + Duration::from_millis(1);
                    self.become_ready();
                }
                Next::Do(actions) => {
                    for action in actions {
                        self.act(action, &runs.spec);
                    }
                }
            }
        }
    }

    fn act(&mut self, action: Action, spec: &Spec) {
        match action {
            Action::Start { version } => {
                let instance = self.start(&spec.name, &version).to_string();
                self.steps.push(Step::Start { instance, version: spec.version.clone() });
            }
            Action::Admit { instance, .. } => {
                self.admit(&instance, true);
                self.steps.push(Step::Admit { instance: instance.to_string() });
            }
            Action::Suspend { instance } => self.admit(&instance, false),
            Action::Drain { instance, action: drain::Action::Withdraw { .. } } => {
                self.admit(&instance, false);
                self.steps.push(Step::Withdraw { instance: instance.to_string() });
            }
            Action::Drain { action: drain::Action::Cut | drain::Action::CloseIdle, .. } => {}
            Action::Stop { instance, .. } => {
                if let Some(seen) = self.seen.instances.get_mut(&instance) {
                    seen.drain.alive = false;
                }
                self.steps.push(Step::Stop { instance: instance.to_string() });
            }
            Action::Forget { instance } => {
                self.seen.instances.remove(&instance);
            }
        }
    }

    fn start(&mut self, name: &str, version: &Version) -> InstanceId {
        let id = InstanceId::from(format!("{name}-{}", self.next));
        self.next += 1;
        self.put(id.clone(), version);
        id
    }

    fn put(&mut self, id: InstanceId, version: &Version) {
        let in_flight = drain::InFlight::Counted(0);
        let drain = drain::Seen { alive: true, in_flight, ..drain::Seen::default() };
        let readiness = Readiness::NotReady(None);
        let seen = InstanceSeen { version: version.clone(), readiness, drain, signalled: None };
        self.seen.instances.insert(id, seen);
    }

    fn admit(&mut self, id: &InstanceId, admitted: bool) {
        if let Some(seen) = self.seen.instances.get_mut(id) {
            seen.drain.paths.insert(PROXY.to_owned(), PathSeen::without_evidence(admitted));
        }
    }

    fn become_ready(&mut self) {
        for instance in self.seen.instances.values_mut() {
            instance.readiness = Readiness::Ready;
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{Work, spec_for_tests as spec};

    fn running(replicas: u64) -> State {
        let mut state = State::empty("boot");
        let mut v1 = spec("v1", "/bin/v1");
        v1.replicas = u32::try_from(replicas).unwrap().try_into().unwrap();
        let revision = state.admit(v1).clone();
        for number in 1..=replicas {
            state.instances.insert(format!("web-{number}").as_str().into(), revision.id.clone());
        }
        state.next_instance = replicas + 1;
        let rollout = Rollout::begin(revision.goal(), None, Time::from_millis(0));
        state.work = Some(Work { current: revision.id, rollout, deploy: None, ending: false });
        state
    }

    fn said(dry_run: &DryRun) -> Vec<String> {
        let said = |step: &Step| match step {
            Step::Start { instance, version } => format!("start {instance} of {version}"),
            Step::Admit { instance } => format!("admit {instance}"),
            Step::Withdraw { instance } => format!("withdraw {instance}"),
            Step::Stop { instance } => format!("stop {instance}"),
        };
        dry_run.steps.iter().map(said).collect()
    }

    #[test]
    fn each_old_instance_is_withdrawn_after_a_new_one_was_admitted() {
        let dry_run = dry_run(running(2), spec("v2", "/bin/v2")).unwrap();
        let expected = [
            "start web-3 of v2",
            "admit web-3",
            "withdraw web-1",
            "stop web-1", //
            "start web-4 of v2",
            "admit web-4",
            "withdraw web-2",
            "stop web-2",
        ];
        assert_eq!(said(&dry_run), expected);
        assert_eq!((dry_run.waves, dry_run.floor, dry_run.most), (2, 2, 3));
        assert_eq!(dry_run.drain_ms, Some(60_000));
        assert_eq!(dry_run.bound_ms, Some(420_000));
    }

    #[test]
    fn one_that_is_missing_is_started_before_and_takes_no_new_ones_name() {
        let mut state = running(2);
        state.instances.remove(&"web-2".into());
        let steps = said(&dry_run(state, spec("v2", "/bin/v2")).unwrap());
        let expected = [
            "start web-4 of v2",
            "admit web-4",
            "withdraw web-1",
            "stop web-1",
            "start web-5 of v2",
            "admit web-5",
            "withdraw web-3",
            "stop web-3",
        ];
        assert_eq!(steps, expected);
    }

    #[test]
    fn the_same_spec_needs_no_step_and_fewer_replicas_only_stops() {
        assert!(dry_run(running(2), spec("v1", "/bin/v1")).unwrap().steps.is_empty());
        let dry_run = dry_run(running(3), spec("v1", "/bin/v1")).unwrap();
        let kinds: Vec<_> = dry_run.steps.iter().map(std::mem::discriminant).collect();
        let (withdraw, stop) =
            (Step::Withdraw { instance: String::new() }, Step::Stop { instance: String::new() });
        assert_eq!(kinds, [std::mem::discriminant(&withdraw), std::mem::discriminant(&stop)]);
    }

    #[test]
    fn with_nothing_running_there_is_nothing_to_dry_run() {
        assert_eq!(dry_run(State::empty("boot"), spec("v1", "/bin/v1")), Err(Refusal::NothingRuns));
    }

    #[test]
    fn what_a_deploy_would_refuse_is_refused() {
        let mut other = spec("v2", "/bin/v2");
        other.listen = "127.0.0.1:1".parse().unwrap();
        let refused = dry_run(running(2), other).unwrap_err().to_string();
        assert!(
            refused.starts_with("a deploy cannot change listen (127.0.0.1:0 to 127.0.0.1:1)"),
            "{refused}"
        );
    }
}
