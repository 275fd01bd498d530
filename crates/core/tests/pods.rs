//! A drain inside a pod, case by case: what is only estimated has an end, kept connections are closed last; and what an
//! agent may be told.

use crate::cases::{Seen, WayOut, at, drain_in_a_pod, path, seconds, wait};
use proptest::prelude::*;
use segue_core::drain::{self, InFlight, Kept, Plan};
use segue_core::path::{Millis, PathSeen};
use segue_core::pod::{Discount, FIRST_SCHEMA, PlanError, PodPlan, Port, Protocol, RouterPlan};
use segue_core::rollout::leaving::Action;
use segue_core::stop::Signal;
use segue_core::{Next, Time, Why};
use std::collections::BTreeMap;
use std::time::Duration;

const STOP: Action = Action::Stop(Signal::Stop);

fn seen(in_flight: InFlight, last: Option<u64>, kept: u64, closing: bool) -> Seen {
    let drain = drain::Seen {
        told: std::collections::BTreeMap::new(),
        alive: true,
        paths: [("service".to_owned(), PathSeen::default())].into(),
        in_flight,
        kept: Kept { connections: kept, closing },
        last_request: last.map(at),
    };
    Seen { drain, signalled: None }
}

fn acts(drain: &mut WayOut, seen: &Seen, now: Time) -> Vec<Action> {
    crate::cases::acts(drain.step(seen, now))
}

#[test]
fn an_idle_pod_leaves_when_its_paths_are_left() {
    let mut drain = WayOut::begin(drain_in_a_pod(), at(0));
    let idle = seen(InFlight::Counted(0), None, 0, false);
    assert_eq!(wait(drain.step(&idle, at(0))).until, Some(at(3)));
    assert_eq!(acts(&mut drain, &idle, at(3)), [STOP]);
}

#[test]
fn an_estimate_is_waited_for_no_longer_than_a_request_takes_after_the_last_path_was_left_and_all_was_quiet() {
    for (last, left) in [(None, 3), (Some(1), 3), (Some(3), 5)] {
        for in_flight in [InFlight::Estimated(2), InFlight::Unknown] {
            let mut drain = WayOut::begin(drain_in_a_pod(), at(0));
            let picture = seen(in_flight, last, 0, true);
            let _ = drain.step(&picture, at(0));
            let waits = wait(drain.step(&picture, at(left)));
            assert!(matches!(waits.why, Why::InFlight { estimated: true, .. }), "{waits:?}");
            assert_eq!((waits.since, waits.until), (at(3), Some(at(left + 10))));
            assert_eq!(wait(drain.step(&picture, at(left + 9))).until, Some(at(left + 10)));
            assert_eq!(
                acts(&mut drain, &picture, at(left + 10)),
                [STOP],
                "not by force: the deadline is later"
            );
        }
    }
}

#[test]
fn what_an_estimate_left_behind_is_told() {
    let mut drain = WayOut::begin(drain_in_a_pod(), at(0));
    let mut picture = seen(InFlight::Estimated(2), None, 0, true);
    let _ = drain.step(&picture, at(0));
    let _ = wait(drain.step(&picture, at(3)));
    assert_eq!(acts(&mut drain, &picture, at(13)), [STOP]);
    picture.signalled = Some(Signal::Stop);
    let _ = drain.step(&picture, at(13));
    picture.alive = false;
    let Next::Done(outcome) = drain.step(&picture, at(14)) else { panic!("not done") };
    assert_eq!(outcome.cut, 2);
}

#[test]
fn what_is_counted_is_finished_up_to_the_deadline() {
    let mut drain = WayOut::begin(drain_in_a_pod(), at(0));
    let picture = seen(InFlight::Counted(1), None, 0, true);
    let _ = drain.step(&picture, at(0));
    assert_eq!(wait(drain.step(&picture, at(59))).until, Some(at(60)));
    assert_eq!(acts(&mut drain, &picture, at(60)), [Action::Drain(drain::Action::Cut), STOP]);
}

#[test]
fn what_is_counted_while_new_requests_come_is_waited_for_no_longer_than_a_request_takes() {
    let mut drain = WayOut::begin(drain_in_a_pod(), at(0));
    let busy = |last| seen(InFlight::Counted(1), Some(last), 0, true);
    for second in 0..16 {
        let waits = wait(drain.step(&busy(second), at(second)));
        // Left at 3 s, not quiet for as long again.
        if second >= 6 {
            assert_eq!(waits.until, Some(at(16)), "at {second} s: {waits:?}");
        }
    }
    let mut quiet = drain.clone();
    assert_eq!(acts(&mut drain, &busy(16), at(16)), [STOP]);
    let waits = wait(quiet.step(&busy(14), at(16)));
    assert_eq!(waits.until, Some(at(60)), "it is quiet: the last one is finished");
}

#[test]
fn kept_connections_are_left_alone_while_a_path_still_leads_here() {
    let mut drain = WayOut::begin(drain_in_a_pod(), at(0));
    let picture = seen(InFlight::Counted(0), None, 4, false);
    assert!(matches!(wait(drain.step(&picture, at(0))).why, Why::Propagation { .. }));
    assert!(matches!(wait(drain.step(&picture, at(2))).why, Why::Propagation { .. }));
    assert_eq!(acts(&mut drain, &picture, at(3)), [Action::Drain(drain::Action::CloseIdle)]);
}

#[test]
fn kept_connections_are_closed_while_requests_are_still_in_flight() {
    let mut drain = WayOut::begin(drain_in_a_pod(), at(0));
    let _ = drain.step(&seen(InFlight::Counted(1), None, 4, false), at(0));
    assert_eq!(
        acts(&mut drain, &seen(InFlight::Counted(1), None, 4, false), at(3)),
        [Action::Drain(drain::Action::CloseIdle)]
    );
    let waits = wait(drain.step(&seen(InFlight::Counted(1), None, 4, true), at(3)));
    assert!(matches!(waits.why, Why::InFlight { .. }), "{waits:?}");
}

#[test]
fn kept_connections_hold_it_up_until_they_are_closed_at_most_for_the_linger() {
    let mut drain = WayOut::begin(drain_in_a_pod(), at(0));
    let kept = |kept| seen(InFlight::Counted(0), None, kept, true);
    let _ = drain.step(&kept(4), at(0));
    let waits = wait(drain.step(&kept(4), at(3)));
    assert_eq!((waits.why, waits.since, waits.until), (Why::Kept { connections: 4 }, at(3), Some(at(8))));
    let mut closed = drain.clone();
    assert_eq!(acts(&mut closed, &kept(0), at(4)), [STOP]);
    assert!(matches!(wait(drain.step(&kept(1), at(7))).why, Why::Kept { connections: 1 }));
    assert_eq!(acts(&mut drain, &kept(1), at(8)), [STOP]);
}

#[test]
fn without_a_linger_kept_connections_are_nobody_s_business() {
    let mut drain = WayOut::begin(Plan { linger: None, ..drain_in_a_pod() }, at(0));
    let picture = seen(InFlight::Counted(0), None, 4, false);
    let _ = drain.step(&picture, at(0));
    assert_eq!(acts(&mut drain, &picture, at(3)), [STOP]);
}

#[test]
fn a_path_that_is_picked_again_stops_the_closing_until_it_is_left_again() {
    let mut drain = WayOut::begin(drain_in_a_pod(), at(0));
    let mut picture = seen(InFlight::Counted(1), None, 4, false);
    let _ = drain.step(&picture, at(0));
    assert_eq!(acts(&mut drain, &picture, at(3)), [Action::Drain(drain::Action::CloseIdle)]);
    picture.paths.insert("service".to_owned(), PathSeen::without_evidence(true));
    assert_eq!(
        acts(&mut drain, &picture, at(4)),
        [Action::Drain(drain::Action::Withdraw { path: "service".to_owned() })]
    );
}

fn pod_plan() -> PodPlan {
    PodPlan {
        schema: FIRST_SCHEMA,
        routers: BTreeMap::new(),
        drain: drain_in_a_pod(),
        ports: vec![
            Port {
                name: None,
                application: 8080,
                guard: Some(15080),
                redirect: None,
                protocol: Protocol::Auto,
            },
            Port {
                name: Some("admin".to_owned()),
                application: 9090,
                guard: None,
                redirect: None,
                protocol: Protocol::Tcp,
            },
        ],
        control_port: 15079,
        idle_after: Millis(seconds(5)),
        websocket_grace: Millis(seconds(2)),
        max_connections: 2_000,
        discount: Discount::default(),
    }
}

/// A plan as the first schema has it, as it was written by the first version. Never to be changed: pods run with it.
const OF_SCHEMA_1: &str = r#"{
    "schema": 1,
    "drain": {
        "paths": [{"name": "service", "stages": [{
            "name": "kube-proxy", "join": {"min": 0, "max": 15000}, "leave": {"min": 0, "max": 15000},
            "source": "a default", "setting": "--bound kube-proxy"
        }]}],
        "quiet": 2000, "longest_request": 30000, "linger": 5000, "deadline": 60000, "stop_grace": 10000
    },
    "ports": [{"name": "http", "application": 8080, "guard": 15080, "protocol": "auto"}],
    "control_port": 15079, "idle_after": 5000, "websocket_grace": 15000, "max_connections": 2000,
    "discount": {"paths": ["/healthz"], "user_agents": ["kube-probe/"]}
}"#;

#[test]
fn a_plan_is_read_as_it_was_written() {
    let json = serde_json::to_string(&pod_plan()).unwrap();
    assert_eq!(PodPlan::read(&json), Ok(pod_plan()));
    assert_eq!(serde_json::from_str::<PodPlan>(&json).unwrap(), pod_plan());
}

#[test]
fn plans_of_all_earlier_schemas_are_read() {
    let plan = PodPlan::read(OF_SCHEMA_1).unwrap();
    assert_eq!(plan.drain.paths[0].stages[0].setting, "--bound kube-proxy");
    assert_eq!((plan.ports[0].guard, plan.drain.deadline), (Some(15080), seconds(60)));
}

#[test]
fn a_plan_that_names_routers_says_so_by_its_schema_and_one_that_names_none_is_as_it_was() {
    let routers = BTreeMap::from([("service".to_owned(), RouterPlan::None)]);
    let plan = PodPlan { schema: 2, routers, ..pod_plan() };
    let json = serde_json::to_string(&plan).unwrap();
    assert!(json.contains(r#""routers":{"service":{"kind":"none"}}"#), "{json}");
    assert_eq!(PodPlan::read(&json), Ok(plan));
    assert!(!serde_json::to_string(&pod_plan()).unwrap().contains("routers"));
    let unknown = json.replace(r#""kind":"none""#, r#""kind":"oracle""#);
    assert!(matches!(PodPlan::read(&unknown), Err(PlanError::Unreadable(why)) if why.contains("oracle")));
}

#[test]
fn a_plan_that_redirects_says_so_by_its_schema_and_one_that_does_not_is_as_it_was() {
    let mut plan = pod_plan();
    assert_eq!(plan.first_schema(), 1);
    assert!(!serde_json::to_string(&plan).unwrap().contains("redirect"));
    plan.ports[1].redirect = Some(15180);
    assert_eq!(plan.first_schema(), 3);
    plan.routers = BTreeMap::from([("service".to_owned(), RouterPlan::None)]);
    plan.schema = plan.first_schema();
    assert_eq!(plan.schema, 3, "the first that has both");
    assert_eq!(PodPlan::read(&serde_json::to_string(&plan).unwrap()), Ok(plan.clone()));
    plan.ports.clear();
    assert_eq!(plan.first_schema(), 2);
}

#[test]
fn a_port_is_guarded_for_those_who_are_sent_to_the_guard_and_for_those_who_are_led_there() {
    let port = |guard, redirect| Port { guard, redirect, ..pod_plan().ports[0].clone() };
    for (guard, redirect, numbers) in [
        (None, None, vec![]),
        (Some(15080), None, vec![15080]),
        (None, Some(15180), vec![15180]),
        (Some(15080), Some(15180), vec![15080, 15180]),
    ] {
        let port = port(guard, redirect);
        assert_eq!((port.is_guarded(), port.guards().collect()), (!numbers.is_empty(), numbers));
        let plan = PodPlan { ports: vec![port.clone()], ..pod_plan() };
        assert_eq!(plan.guarded(), port.is_guarded());
    }
}

#[test]
fn a_plan_of_a_later_schema_is_refused_as_such_whatever_it_holds() {
    let json = OF_SCHEMA_1.replacen("\"schema\": 1", "\"schema\": 4, \"more\": {}", 1);
    for json in [json.as_str(), r#"{"schema": 4}"#, r#"{"drain": 7, "schema": 4}"#] {
        assert_eq!(PodPlan::read(json), Err(PlanError::Later(4)));
        let error = serde_json::from_str::<PodPlan>(json).unwrap_err().to_string();
        assert!(
            error.contains("schema 4"),
            "whoever reads it as a part of something is told the same: {error}"
        );
    }
}

#[test]
fn what_is_no_plan_is_told_as_such() {
    for (json, why) in [
        ("", "EOF"),
        ("[]", "no schema"),
        ("{}", "no schema"),
        (r#"{"schema": "1"}"#, "no whole number"),
        (r#"{"schema": 0}"#, "no whole number"),
        (r#"{"schema": 1}"#, "missing field"),
    ] {
        match PodPlan::read(json) {
            Err(PlanError::Unreadable(said)) => assert!(said.contains(why), "{json}: {said}"),
            other => panic!("{json}: {other:?}"),
        }
    }
}

#[test]
fn a_plan_that_no_agent_could_hold_to_is_refused() {
    let refused = |change: &dyn Fn(&mut PodPlan)| {
        let mut plan = pod_plan();
        change(&mut plan);
        let json = serde_json::to_string(&plan).unwrap();
        assert!(serde_json::from_str::<PodPlan>(&json).is_err());
        PodPlan::read(&json).unwrap_err()
    };
    assert_eq!(refused(&|plan| plan.schema = 4), PlanError::Later(4));
    assert_eq!(refused(&|plan| plan.control_port = 8080), PlanError::PortTwice(8080));
    assert_eq!(refused(&|plan| plan.ports[1].guard = Some(15080)), PlanError::PortTwice(15080));
    assert_eq!(refused(&|plan| plan.ports[1].application = 8080), PlanError::PortTwice(8080));
    assert_eq!(refused(&|plan| plan.ports[0].guard = Some(0)), PlanError::PortZero);
    let twice = PlanError::StageTwice { path: "service".to_owned(), stage: "s0".to_owned() };
    let again = |plan: &mut PodPlan| {
        let stages = &mut plan.drain.paths[0].stages;
        stages.push(stages[0].clone());
    };
    assert_eq!(refused(&again), twice);
    let routers = |path: &str| BTreeMap::from([(path.to_owned(), RouterPlan::None)]);
    let not_in_schema = |key, schema, first| PlanError::NotInSchema { key, schema, first };
    assert_eq!(refused(&|plan| plan.routers = routers("service")), not_in_schema("routers", 1, 2));
    let redirected =
        |schema| move |plan: &mut PodPlan| (plan.schema, plan.ports[0].redirect) = (schema, Some(15180));
    assert_eq!(refused(&redirected(1)), not_in_schema("redirects", 1, 3));
    assert_eq!(refused(&redirected(2)), not_in_schema("redirects", 2, 3));
    let redirect =
        |number| move |plan: &mut PodPlan| (plan.schema, plan.ports[1].redirect) = (3, Some(number));
    for taken in [8080, 9090, 15080, 15079] {
        assert_eq!(refused(&redirect(taken)), PlanError::PortTwice(taken));
    }
    assert_eq!(refused(&redirect(0)), PlanError::PortZero);
    let elsewhere = |plan: &mut PodPlan| (plan.schema, plan.routers) = (2, routers("else"));
    assert_eq!(refused(&elsewhere), PlanError::RouterOfNoPath("else".to_owned()));
    let twice = PlanError::PathTwice("service".to_owned());
    assert_eq!(refused(&|plan| plan.drain.paths.push(path("service", &[]))), twice);
    assert_eq!(refused(&|plan| plan.drain.deadline = Duration::ZERO), PlanError::Zero("deadline"));
    assert_eq!(refused(&|plan| plan.idle_after = Millis(Duration::ZERO)), PlanError::Zero("idle_after"));
    let unknown = serde_json::to_string(&pod_plan()).unwrap().replacen('{', r#"{"more":1,"#, 1);
    assert!(matches!(PodPlan::read(&unknown), Err(PlanError::Unreadable(why)) if why.contains("more")));
}

proptest! {
    /// Whatever is seen, a drain with bounds ends, and never before its paths are left.
    #[test]
    fn a_drain_with_bounds_ends_by_its_deadline_and_not_before_its_paths_are_left(
        pictures in prop::collection::vec((0u64..4, 0u8..3, prop::option::of(0u64..70), 0u64..3, any::<bool>()), 70)
    ) {
        let mut drain = WayOut::begin(drain_in_a_pod(), at(0));
        let mut ended = None;
        for (second, (in_flight, kind, last, kept, closing)) in (0u64..).zip(pictures) {
            let in_flight = [InFlight::Counted(in_flight), InFlight::Estimated(in_flight), InFlight::Unknown]
                [usize::from(kind)];
            let last = last.map(|last| last.min(second));
            if let Next::Do(actions) = drain.step(&seen(in_flight, last, kept, closing), at(second))
                && actions.contains(&STOP)
            {
                ended = Some(second);
                break;
            }
        }
        prop_assert!(ended.is_some_and(|second| (3..=60).contains(&second)), "{ended:?}");
    }
}
