use super::*;
use proptest::prelude::*;
use std::net::{IpAddr, Ipv4Addr};

fn node() -> Origin {
    Origin::Remote(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)), 80)
}

fn arrival_from(origin: Origin, at: u64, give: u64) -> Arrival {
    Arrival { origin, ends: None, at: Time::from_millis(at), give: Duration::from_millis(give) }
}

/// Has the periods hear arrivals of one origin and answers how many were excused.
fn excused(periods: &mut ProbePeriods, arrivals: &[u64], learning: bool) -> usize {
    let excuses = |at: &&u64| periods.excuses(&arrival_from(node(), **at, 0), learning);
    arrivals.iter().filter(excuses).count()
}

fn every(period: u64, phase: u64, until: u64) -> Vec<u64> {
    (phase..until).step_by(usize::try_from(period).unwrap()).collect()
}

fn merged(trains: &[Vec<u64>]) -> Vec<u64> {
    let mut all = trains.concat();
    all.sort_unstable();
    all
}

fn lengths(periods: &ProbePeriods) -> Vec<u64> {
    let mut periods: Vec<_> = periods.periods().map(|(_, period)| period.as_secs()).collect();
    periods.sort_unstable();
    periods
}

#[test]
fn a_probe_every_second_is_learnt_and_excused() {
    let mut periods = ProbePeriods::default();
    assert!(excused(&mut periods, &every(1000, 10_000, 30_000), true) >= 10);
    assert_eq!(excused(&mut periods, &every(1000, 30_000, 60_000), false), 30);
    assert!(periods.origins[&node()].loose.is_empty());
}

#[test]
fn a_clock_that_drifts_is_followed() {
    let mut periods = ProbePeriods::default();
    let ticks = every(1002, 10_000, 310_000);
    assert!(excused(&mut periods, &ticks, true) + 10 >= ticks.len());
}

#[test]
fn an_origin_has_three_periods_at_most() {
    let mut periods = ProbePeriods::default();
    let seconds = [(7, 100_100), (10, 100_300), (13, 100_600), (17, 100_800)];
    let pollers = seconds.map(|(seconds, phase)| every(seconds * 1000, phase, 400_000));
    excused(&mut periods, &merged(&pollers), true);
    assert_eq!(lengths(&periods), [7, 10, 13]);
}

#[test]
fn fewer_than_three_repetitions_are_no_period() {
    let mut periods = ProbePeriods::default();
    assert_eq!(excused(&mut periods, &every(15_000, 100_000, 145_000), true), 0);
    assert_eq!(lengths(&periods), [0_u64; 0]);
}

#[test]
fn readiness_liveness_and_a_scraper_behind_one_address_are_three_periods() {
    let mut periods = ProbePeriods::default();
    let probes =
        [every(1000, 100_300, 220_000), every(10_000, 100_700, 220_000), every(15_000, 101_050, 220_000)];
    excused(&mut periods, &merged(&probes), true);
    assert_eq!(lengths(&periods), [1, 10, 15]);
    let later = merged(&[every(1000, 220_300, 280_000), every(10_000, 220_700, 280_000)]);
    assert_eq!(excused(&mut periods, &later, false), later.len());
}

#[test]
fn what_comes_beside_the_period_is_a_request() {
    let mut periods = ProbePeriods::default();
    excused(&mut periods, &every(1000, 10_000, 30_000), true);
    assert_eq!(excused(&mut periods, &[30_000, 30_010, 30_500, 31_000, 31_000], false), 2);
}

#[test]
fn a_probe_that_is_late_or_missed_keeps_its_period() {
    let mut periods = ProbePeriods::default();
    excused(&mut periods, &every(1000, 10_000, 30_000), true);
    assert_eq!(excused(&mut periods, &[30_060, 31_000, 34_020, 35_000], false), 4);
}

#[test]
fn a_period_that_stopped_excuses_nothing_later() {
    let mut periods = ProbePeriods::default();
    excused(&mut periods, &every(1000, 10_000, 30_000), true);
    assert_eq!(excused(&mut periods, &[40_000, 41_000], false), 0);
    assert_eq!(lengths(&periods), [0_u64; 0]);
}

#[test]
fn nothing_is_learnt_in_a_drain() {
    let mut periods = ProbePeriods::default();
    assert_eq!(excused(&mut periods, &every(1000, 10_000, 60_000), false), 0);
}

#[test]
fn a_client_faster_than_a_probe_is_not_taken_for_several_probes() {
    for period in [2, 10, 100, 250, 333, 500, 600, 667, 750, 800, 1200, 1500] {
        let mut periods = ProbePeriods::default();
        assert_eq!(excused(&mut periods, &every(period, 10_000, 130_000), true), 0, "every {period} ms");
    }
}

#[test]
fn a_client_that_pauses_between_requests_is_no_probe() {
    let mut periods = ProbePeriods::default();
    assert_eq!(excused(&mut periods, &every(1025, 10_000, 200_000), true), 0);
}

#[test]
fn a_crowd_of_pollers_is_no_monitoring() {
    let mut periods = ProbePeriods::default();
    for tick in 0..60_u64 {
        for client in 0..100_u8 {
            let origin = Origin::Remote(IpAddr::V4(Ipv4Addr::new(10, 0, 1, client)), 80);
            periods.excuses(&arrival_from(origin, 10_000 + tick * 5000 + u64::from(client) * 37, 0), true);
        }
    }
    assert_eq!(periods.periods().count(), MAX_PERIODS);
}

#[test]
fn connections_that_are_only_counted_have_a_period_too() {
    let mut periods = ProbePeriods::default();
    // A probe each second, seen in snapshots every 200 ms: somewhere in the interval.
    let look = |at: &u64| arrival_from(Origin::Unseen, at / 200 * 200 + 100, 100);
    let learnt = every(1050, 10_130, 40_000).iter().filter(|at| periods.excuses(&look(at), true)).count();
    assert_eq!(learnt, 0, "a poller that drifts");
    let mut periods = ProbePeriods::default();
    for at in every(1000, 10_130, 40_000) {
        periods.excuses(&look(&at), true);
    }
    assert_eq!(lengths(&periods), [1]);
    let two_in_one = [40_130, 40_130].map(|at| periods.excuses(&look(&at), false));
    assert_eq!(two_in_one, [true, false]);
    // A snapshot that was late can't tell: its arrival may have come at any time.
    assert!(!periods.excuses(&arrival_from(Origin::Unseen, 41_600, 1000), false));
}

#[test]
fn origins_that_are_silent_longest_are_forgotten_but_not_periods() {
    let mut periods = ProbePeriods::default();
    excused(&mut periods, &every(15_000, 100_000, 200_000), true);
    for client in 0..3000_u32 {
        let origin = Origin::Remote(IpAddr::V4(Ipv4Addr::from_bits(client)), 80);
        periods.excuses(&arrival_from(origin, 200_000 + u64::from(client), 0), true);
    }
    periods.forget(Time::from_millis(203_000));
    assert_eq!(periods.origins.len(), ORIGINS);
    assert_eq!(lengths(&periods), [15]);
    periods.forget(Time::from_millis(10_000_000));
    assert_eq!(periods.origins.len(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Behind the address of a probe, whatever else comes: at most one arrival per period is excused.
    #[test]
    fn no_more_is_excused_than_the_rate_that_was_learnt(
        gaps in prop::collection::vec(0_u64..3000, 1..200),
        jitter in prop::collection::vec(0_u64..80, 20),
    ) {
        let mut periods = ProbePeriods::default();
        let probe: Vec<_> = jitter.iter().enumerate().map(|(tick, late)| 10_000 + tick as u64 * 1000 + late).collect();
        excused(&mut periods, &probe, true);
        let mut at = 30_000;
        let arrivals: Vec<_> = gaps.iter().map(|gap| { at += gap; at }).collect();
        let most = usize::try_from((at - 30_000) / 1000 + 2).unwrap();
        prop_assert!(excused(&mut periods, &arrivals, false) <= most);
    }

    /// Traffic that comes as it likes is seen, however dense.
    #[test]
    fn traffic_without_a_period_is_hardly_ever_excused(
        mean in 20_u32..4000,
        shares in prop::collection::vec(0.0_f64..1.0, 400),
    ) {
        let mut periods = ProbePeriods::default();
        let mut at = Duration::from_secs(10);
        let arrivals: Vec<_> = shares.iter().map(|share| {
            at += Duration::from_secs_f64(-(1.0 - share).ln() * f64::from(mean) / 1000.0);
            u64::try_from(at.as_millis()).unwrap()
        }).collect();
        prop_assert!(excused(&mut periods, &arrivals, true) <= 12);
    }

    /// A probe that jitters as busy nodes do is learnt, whatever its phase, and does not hold a drain up.
    #[test]
    fn a_probe_that_jitters_is_excused(
        seconds in 1_u64..=30,
        phase in 0_u64..1000,
        jitter in prop::collection::vec(0_u64..45, 60),
    ) {
        let mut periods = ProbePeriods::default();
        let late = jitter.iter().enumerate();
        let ticks: Vec<_> = late.map(|(tick, late)| 100_000 + phase + tick as u64 * seconds * 1000 + late).collect();
        let (before, drain) = ticks.split_at(30);
        excused(&mut periods, before, true);
        prop_assert_eq!(excused(&mut periods, drain, false), drain.len());
    }
}
