//! The ledger's promise: every request has exactly one fate.

use std::time::Duration;

use proptest::prelude::*;
use segue_probe::{End, Fate, Kind, Ledger, Report, Ticket, Unsent};

#[derive(Debug, Clone)]
enum Step {
    Open,
    Begin(prop::sample::Index),
    Close(prop::sample::Index, Fate),
    CloseLasting(prop::sample::Index, Fate),
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        4 => Just(Fate::Ok),
        1 => Just(Fate::Dropped(Kind::Refused)),
        1 => (500_u16..600).prop_map(|status| Fate::Dropped(Kind::Status(status))),
        1 => Just(Fate::Dropped(Kind::WebSocketNoClose)),
        1 => Just(Fate::Unsent(Unsent::TooManyInFlight)),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => Just(Step::Open),
        1 => any::<prop::sample::Index>().prop_map(Step::Begin),
        3 => (any::<prop::sample::Index>(), fate()).prop_map(|(index, fate)| Step::Close(index, fate)),
        1 => (any::<prop::sample::Index>(), fate()).prop_map(|(index, fate)| Step::CloseLasting(index, fate)),
    ]
}

/// What a ledger should say, kept in the simplest way.
#[derive(Debug, Default)]
struct Expected {
    opened: u64,
    fates: Vec<Fate>,
}

fn end(at: Duration, fate: Fate) -> End {
    let version = (fate == Fate::Ok).then(|| format!("v{}", at.as_millis() % 3).into());
    End { at, fate, status: None, version, connection: None, cause: None }
}

fn play(steps: &[Step], expected: &mut Expected) -> Ledger {
    let mut ledger = Ledger::new(2, true);
    let mut open: Vec<Ticket> = Vec::new();
    let mut now = Duration::ZERO;
    for step in steps {
        now += Duration::from_millis(7);
        match step {
            Step::Open => {
                open.push(ledger.open((expected.opened % 2) as usize, expected.opened, now));
                expected.opened += 1;
            }
            _ if open.is_empty() => {}
            Step::Begin(index) => {
                let length = open.len();
                open[index.index(length)].begin(now);
            }
            Step::Close(index, fate) | Step::CloseLasting(index, fate) => {
                let ticket = open.swap_remove(index.index(open.len()));
                expected.fates.push(*fate);
                if matches!(step, Step::Close(..)) {
                    ledger.close(ticket, end(now, *fate));
                } else {
                    ledger.close_lasting(ticket, end(now, *fate));
                }
            }
        }
    }
    ledger
}

fn check(ledger: &Ledger, expected: &Expected) -> Result<(), TestCaseError> {
    let count = |wanted: fn(&Fate) -> bool| expected.fates.iter().filter(|fate| wanted(fate)).count() as u64;
    let ok = count(|fate| *fate == Fate::Ok);
    let dropped = count(|fate| matches!(fate, Fate::Dropped(_)));
    let unsent = count(|fate| matches!(fate, Fate::Unsent(_)));
    prop_assert_eq!((ledger.ok(), ledger.dropped(), ledger.requests()), (ok, dropped, ok + dropped));
    prop_assert_eq!(ledger.unsent().values().sum::<u64>(), unsent);
    prop_assert_eq!(ledger.open_tickets(), expected.opened - expected.fates.len() as u64);
    prop_assert_eq!(ledger.versions().iter().map(|(_, count)| count).sum::<u64>(), ok);
    prop_assert_eq!(ledger.drops().values().sum::<u64>(), ledger.losses().len() as u64);
    let shapes = ledger.shapes();
    prop_assert_eq!(shapes.iter().map(|shape| shape.requests).sum::<u64>(), ok + dropped);
    prop_assert_eq!(shapes.iter().map(|shape| shape.ok + shape.dropped).sum::<u64>(), ok + dropped);
    let slots = &ledger.timeline().slots;
    prop_assert_eq!(slots.iter().map(|slot| slot.drops.values().sum::<u64>()).sum::<u64>(), dropped);
    prop_assert_eq!(ledger.records().unwrap().len(), expected.fates.len());
    Ok(())
}

proptest! {
    #[test]
    fn every_request_has_exactly_one_fate(steps in prop::collection::vec(step(), 0..120)) {
        let mut expected = Expected::default();
        let ledger = play(&steps, &mut expected);
        check(&ledger, &expected)?;
    }

    #[test]
    fn the_ledgers_of_two_threads_add_up_to_one(
        first in prop::collection::vec(step(), 0..80), second in prop::collection::vec(step(), 0..80),
    ) {
        let (mut one, mut two) = (Expected::default(), Expected::default());
        let mut ledger = play(&first, &mut one);
        ledger.absorb(play(&second, &mut two));
        one.opened += two.opened;
        one.fates.extend(two.fates);
        check(&ledger, &one)?;
    }
}

/// A hundred requests that were all answered; so many of them left 20 ms late.
fn late(count: u64) -> Report {
    let mut ledger = Ledger::new(1, false);
    for number in 0..100 {
        let planned = Duration::from_millis(number);
        let mut ticket = ledger.open(0, number, planned);
        ticket.begin(planned + Duration::from_millis(if number < count { 20 } else { 0 }));
        ledger.close(ticket, end(planned + Duration::from_millis(30), Fate::Ok));
    }
    Report {
        started: "2026-01-01T00:00:00Z".parse().unwrap(),
        elapsed: Duration::from_secs(1),
        shapes: vec!["GET".into()],
        ledger,
        marks: Vec::new(),
    }
}

#[test]
fn a_run_whose_own_schedule_was_late_is_invalid_and_not_passed() {
    assert!(late(1).passed());
    let report = late(3);
    assert_eq!(report.ledger.dropped(), 0);
    assert!(!report.passed());
    assert!(report.invalid().unwrap().contains("20.0 ms after their time"), "{:?}", report.invalid());
}

#[test]
fn nothing_dropped_still_leaves_a_bound() {
    assert_eq!(late(0).bound(), Some(0.03));
    let mut report = late(0);
    let ticket = report.ledger.open(0, 100, Duration::ZERO);
    report.ledger.close(ticket, end(Duration::ZERO, Fate::Dropped(Kind::Refused)));
    assert_eq!(report.bound(), None);
    assert!(!report.passed() && report.invalid().is_none());
}
