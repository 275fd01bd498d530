//! What was being proxied when `segue up` was killed is cut; the next one says how many requests that were, and the
//! probe's ledger agrees.

use std::time::Duration;

use segue_e2e::{Pressure, Sample, Service, pressure};

/// How many requests are in flight at the kill.
const LONG_ONES: u64 = 10;

#[test]
fn the_count_that_the_next_up_tells_is_the_probe_s() {
    let mut service = Service::start(&Sample { replicas: 2, ..Sample::default() });
    // Ten in half a second, each of which takes far longer than the test.
    let shape = pressure::get("long", 20.0, "/sleep?ms=60000");
    let load = Pressure::begin(service.listen, Duration::from_millis(500), vec![shape]);
    load.until_in_flight(LONG_ONES);
    service.until("the proxy counts them", |status| status.0["proxy"]["in_flight"] == LONG_ONES);
    service.until_written_down(LONG_ONES);
    service.kill();
    let report = load.end().expect("all were sent");
    assert_eq!(report.ledger.dropped(), LONG_ONES, "{:?}", report.ledger.drops());

    service.again();
    service.settles("v1", 2);
    service.until_said(&["killed with 10 requests in flight"]);
    let history = service.status().history();
    let killed: Vec<_> = history.iter().filter(|entry| entry["what"] == "killed").collect();
    assert_eq!(killed.len(), 1, "{history:#?}");
    assert_eq!(killed[0]["cut"], LONG_ONES, "{history:#?}");

    // Once told, it is not told again.
    service.kill();
    service.again();
    service.settles("v1", 2);
    let cuts: Vec<u64> =
        service.status().history().iter().filter_map(|entry| entry["cut"].as_u64()).collect();
    assert_eq!(cuts.iter().sum::<u64>(), LONG_ONES, "{cuts:?}");
}
