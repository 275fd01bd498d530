use super::*;

fn report(rounds: &[[(f64, f64); 3]]) -> Report {
    let fronts = [Front::Nothing, Front::Guard, Front::Envoy];
    let mut rows = Vec::new();
    for (round, figures) in rounds.iter().enumerate() {
        for (front, (latency, cpu_us)) in fronts.iter().zip(figures) {
            let ran = Ran {
                requests: 1,
                dropped: 0,
                connections: 1,
                p50_us: *latency,
                p99_us: 2.0 * latency,
                window_p99_us: 1.5 * latency,
                late_p99_us: 0.0,
                invalid: None,
            };
            rows.push(Row { front: *front, request: Request::Get, round, cpu_us: *cpu_us, ran });
        }
    }
    Report {
        schema: 1,
        rounds: rounds.len(),
        seconds: 1,
        rate: 1.0,
        connections: 1,
        load_average: 0.0,
        requests: vec![Request::Get],
        fronts: fronts.to_vec(),
        rows,
        memory: Vec::new(),
        binaries: vec![(Front::Guard, 6 * MEBIBYTE)],
        ready_ms: None,
    }
}

#[test]
fn added_is_told_from_the_same_round_so_a_slow_round_does_not_count_against_anyone() {
    let report = report(&[
        [(100.0, 0.0), (120.0, 10.0), (180.0, 40.0)],
        [(900.0, 0.0), (920.0, 10.0), (980.0, 40.0)],
        [(100.0, 0.0), (130.0, 12.0), (190.0, 44.0)],
    ]);
    let added = |front| report.added(Request::Get, front).unwrap();
    assert_eq!((added(Front::Guard).p50.median, added(Front::Envoy).p50.median), (20.0, 80.0));
    assert_eq!((added(Front::Guard).window_p99.median, added(Front::Guard).window_p99.max), (30.0, 45.0));
    assert_eq!((added(Front::Guard).p99.max, added(Front::Guard).cpu.median), (60.0, 10.0));
    assert!(report.added(Request::Get, Front::Nothing).is_none());
}

#[test]
fn a_target_is_held_or_not_and_the_table_says_so() {
    let text = report(&[[(100.0, 0.0), (120.0, 30.0), (180.0, 40.0)]]).markdown();
    assert!(text.contains("| Get: added p50 beside Envoy | 0.25 | 0.50 | yes |"), "{text}");
    assert!(text.contains("| Get: CPU per request beside Envoy | 0.75 | 0.50 | **no** |"), "{text}");
    assert!(text.contains("| agent: binary MiB | 6.00 | 5.00 | **no** |"), "{text}");
}

#[test]
fn where_envoy_adds_nothing_nothing_is_told() {
    let text = report(&[[(100.0, 0.0), (90.0, 1.0), (100.0, 4.0)]]).markdown();
    assert!(text.contains("| Get: added p50 beside Envoy | NaN | 0.50 | not to be told |"), "{text}");
}

#[test]
fn a_round_with_one_bad_turn_counts_for_nobody_and_too_few_rounds_tell_nothing() {
    let good = [(100.0, 0.0), (120.0, 10.0), (180.0, 40.0)];
    let mut report = report(&[good, good, [(100.0, 0.0), (190.0, 90.0), (180.0, 40.0)]]);
    report.rows[7].ran.dropped = 3;
    let text = report.markdown();
    assert!(text.contains("2 of 3 rounds count"), "{text}");
    assert!(text.contains("Dropped with Segue's guard in front: 3."), "{text}");
    assert!(text.contains("| Get: added p50 beside Envoy | 0.25 | 0.50 | yes |"), "{text}");
    report.rows[0].ran.invalid = Some("late".to_owned());
    let text = report.markdown();
    assert!(text.contains("| Get: added p50 beside Envoy | NaN | 0.50 | not to be told |"), "{text}");
}
