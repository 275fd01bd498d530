//! What a new driver is to do, given what an earlier one left.
//!
//! | what is found | what is done |
//! | --- | --- |
//! | nothing runs | what the spec says |
//! | instances of this very spec | they are adopted and kept up |
//! | a deploy from or to this spec was under way | it goes on |
//! | instances of another spec | refused; with `replace`, adopted and then rolled to the spec |
//! | the state was lost | what each instance was started with tells which spec it is of: those of this spec are kept, the others rolled to it; refused if there are only others |

use std::time::Duration;

use segue_core::judge::Goal;
use segue_core::rollout::Rollout;
use segue_core::{Time, Version, drain};

use super::error::OpenError;
use crate::spec::Spec;
use crate::state::{Revision, State, Work};

/// What is asked of the new driver.
#[derive(Debug)]
pub(super) struct Wish<'a> {
    /// The service.
    pub(super) name: &'a str,
    /// What shall run; none to end what runs.
    pub(super) spec: Option<Spec>,
    /// Whether instances of another spec may be rolled to this one.
    pub(super) replace: bool,
}

/// What it is to do.
#[derive(Debug)]
pub(super) enum Plan {
    /// Keep up what this says.
    Keep(Box<Work>),
    /// Go on with the work under way.
    GoOn(Box<Work>),
    /// Take the work up that there is, then deploy this in its place.
    Replace(Box<Work>, Box<Spec>),
}

/// Decides; `runs` are the instances that were found, with their revisions.
pub(super) fn plan(
    wish: Wish<'_>,
    state: &mut State,
    runs: &[(&str, &Version)],
    now: Time,
) -> Result<Plan, OpenError> {
    let work = state.work.take();
    let Some(spec) = wish.spec else { return Ok(until_told_to_end(state, work, runs, now)) };
    if runs.is_empty() {
        // With nothing running there is nothing to go on with.
        return Ok(begin(state, spec, now));
    }
    let this = state.find(&spec).map(|known| known.id.clone());
    let refused = |state: &State, runs_version: &Version| OpenError::OtherSpec {
        name: wish.name.to_owned(),
        runs: state.label(runs_version),
        instances: runs.iter().map(|(id, _)| *id).collect::<Vec<_>>().join(", "),
        asked: spec.version.clone(),
    };
    let Some(work) = work.filter(|work| !work.ending) else {
        // A `down` that was killed, or a state that was lost: only what runs counts.
        let of_this = runs.iter().any(|(_, revision)| Some(*revision) == this.as_ref());
        return match runs.first() {
            Some((_, revision)) if !of_this && !wish.replace => Err(refused(state, revision)),
            _ => Ok(begin(state, spec, now)),
        };
    };
    let meant = match &work.deploy {
        Some(deploy) => [&deploy.to, &deploy.from].map(Some).contains(&this.as_ref()),
        None => this.as_ref() == Some(&work.current),
    };
    match (meant, &work.deploy) {
        (true, Some(_)) => Ok(Plan::GoOn(Box::new(work))),
        (true, None) => Ok(keep(state, spec, work, now)),
        (false, _) if wish.replace => Ok(Plan::Replace(Box::new(work), Box::new(spec))),
        (false, _) => {
            let error = refused(state, &work.rollout.goal().version);
            Err(error)
        }
    }
}

/// From nothing, or over instances of which nothing else is known.
fn begin(state: &mut State, spec: Spec, now: Time) -> Plan {
    let revision = state.admit(spec);
    let rollout = Rollout::begin(revision.goal(), None, now);
    Plan::Keep(Box::new(Work { current: revision.id.clone(), rollout, deploy: None, ending: false }))
}

/// The same program: what else the file says holds from now on.
fn keep(state: &mut State, spec: Spec, work: Work, now: Time) -> Plan {
    let revision = state.admit(spec);
    let mut rollout = work.rollout.turn(revision.goal(), None, now);
    rollout.resume(now);
    Plan::Keep(Box::new(Work { current: revision.id.clone(), rollout, deploy: None, ending: false }))
}

/// Without a spec the work goes on until it is told to end.
fn until_told_to_end(state: &State, work: Option<Work>, runs: &[(&str, &Version)], now: Time) -> Plan {
    if let Some(work) = work {
        return Plan::GoOn(Box::new(Work { ending: false, ..work }));
    }
    let version = runs.first().map(|(_, revision)| (*revision).clone());
    let known = version.as_ref().and_then(|version| state.revision(version)).or(state.revisions.last());
    let version = version.unwrap_or_else(|| "unknown".into());
    let goal = known.map_or_else(|| goal_of_unknown(version), Revision::goal);
    let (current, rollout) = (goal.version.clone(), Rollout::begin(goal, None, now));
    Plan::Keep(Box::new(Work { current, rollout, deploy: None, ending: false }))
}

/// How instances are ended whose spec was lost.
fn goal_of_unknown(version: Version) -> Goal {
    let stop_grace = Duration::from_secs(30);
    let drain = drain::Plan {
        paths: Vec::new(),
        quiet: None,
        longest_request: None,
        linger: None,
        deadline: Duration::ZERO,
        stop_grace,
    };
    let (replicas, surge, unavailable) = (0, 0, 0);
    let progress_deadline = Duration::from_hours(1);
    Goal { version, replicas, surge, unavailable, progress_deadline, crash_limit: u32::MAX, drain }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{Deploy, spec_for_tests as spec};

    const NOW: Time = Time::from_millis(1000);

    /// A state in which v1 ran; with `to`, a deploy to that is under way.
    fn state(to: Option<&str>) -> State {
        let mut state = State::empty("boot");
        let v1 = state.admit(spec("v1", "/bin/v1")).clone();
        let rollout = Rollout::begin(v1.goal(), None, NOW);
        let deploy = to.map(|to| Deploy {
            number: 1,
            what: crate::history::What::Deploy,
            by: crate::history::Who::own(),
            at: jiff::Timestamp::UNIX_EPOCH,
            began: NOW,
            from: v1.id.clone(),
            before: Box::new(v1.spec.clone()),
            to: state.admit(spec(to, &format!("/bin/{to}"))).id.clone(),
            abort: false,
        });
        state.work = Some(Work { current: v1.id, rollout, deploy, ending: false });
        state
    }

    fn decide(
        state: &mut State,
        label: &str,
        replace: bool,
        runs: &[(&str, &Version)],
    ) -> Result<Plan, OpenError> {
        let wish = Wish { name: "web", spec: Some(spec(label, &format!("/bin/{label}"))), replace };
        plan(wish, state, runs, NOW)
    }

    #[test]
    fn with_nothing_running_the_spec_is_what_counts() {
        let plan = decide(&mut state(Some("v2")), "v3", false, &[]).unwrap();
        assert!(matches!(plan, Plan::Keep(work) if work.current.as_str() == "v3" && work.deploy.is_none()));
    }

    #[test]
    fn instances_of_the_same_spec_are_kept_with_its_new_settings() {
        let mut known = state(None);
        let mut more = spec("v1", "/bin/v1");
        more.replicas = 7.try_into().unwrap();
        let wish = Wish { name: "web", spec: Some(more), replace: false };
        let plan = plan(wish, &mut known, &[("web-1", &"v1".into())], NOW).unwrap();
        assert!(matches!(plan, Plan::Keep(work) if work.rollout.goal().replicas == 7));
    }

    #[test]
    fn a_deploy_under_way_goes_on_from_either_of_its_specs() {
        for label in ["v1", "v2"] {
            let plan = decide(&mut state(Some("v2")), label, false, &[("web-1", &"v1".into())]).unwrap();
            assert!(matches!(plan, Plan::GoOn(work) if work.deploy.is_some()), "{label}");
        }
    }

    #[test]
    fn another_spec_is_refused_with_what_runs_unless_it_shall_replace() {
        let runs: [(&str, &Version); 1] = [("web-1", &"v1".into())];
        let error = decide(&mut state(None), "v9", false, &runs).unwrap_err().to_string();
        assert!(error.contains("web runs v1 (web-1), and the file says v9"), "{error}");
        assert!(error.contains("--replace"), "{error}");
        assert!(matches!(decide(&mut state(None), "v9", true, &runs).unwrap(), Plan::Replace(..)));
        assert!(decide(&mut state(Some("v2")), "v9", false, &runs).is_err());
    }

    #[test]
    fn after_a_lost_state_instances_of_this_spec_are_kept_and_others_alone_refused() {
        let lost = || {
            let mut state = State::empty("boot");
            state.admit(spec("v1", "/bin/v1"));
            state
        };
        let (this, other) = ("v1".into(), "v1 (of an unknown spec)".into());
        let kept = |plan| matches!(plan, Plan::Keep(work) if work.current == this && work.deploy.is_none());
        assert!(kept(decide(&mut lost(), "v1", false, &[("web-1", &this)]).unwrap()));
        assert!(kept(decide(&mut lost(), "v1", false, &[("web-1", &other), ("web-2", &this)]).unwrap()));
        let error = decide(&mut lost(), "v1", false, &[("web-1", &other)]).unwrap_err().to_string();
        assert!(error.contains("web runs v1 (of an unknown spec) (web-1)"), "{error}");
        assert!(kept(decide(&mut lost(), "v1", true, &[("web-1", &other)]).unwrap()));
    }

    #[test]
    fn without_a_spec_what_runs_is_kept_until_it_is_told_to_end() {
        let wish = || Wish { name: "web", spec: None, replace: false };
        let plan_of = |state: &mut State| plan(wish(), state, &[("web-1", &"v1".into())], NOW).unwrap();
        let mut told_before = state(Some("v2"));
        told_before.work.as_mut().unwrap().ending = true;
        let Plan::GoOn(work) = plan_of(&mut told_before) else { panic!("there is work") };
        assert!(!work.ending, "it was an earlier `up` that was told to end");
        let Plan::Keep(work) = plan_of(&mut State::empty("boot")) else { panic!("nothing to go on with") };
        assert_eq!(work.rollout.goal().replicas, 0);
    }
}
