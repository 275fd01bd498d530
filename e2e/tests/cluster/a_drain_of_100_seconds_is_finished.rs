//! A request of 100 s that began before the drain gets its whole answer: nothing on the way has a timeout of its own.

use std::time::Duration;

use crate::TestBed;
use crate::injected::{AGENT, Injected, SHORT, sample};
use crate::said::Said;

pub(crate) fn holds(bed: &TestBed) {
    let flags = [SHORT, &["--longest-request", "2m"]].concat();
    let web = Injected::up(bed, "long-drain", &sample(1), &flags);
    let pod = web.pod();
    let mut agent = Said::by(web.cluster, &pod, AGENT);
    // The drain begins a little later than the request.
    let mut client = web.in_flight(&pod, 105_000);
    client.stream().set_read_timeout(Some(Duration::from_mins(3))).unwrap();
    web.delete(&pod, &[]);
    web.until_draining(&pod);
    let answer = client.answer();
    assert_eq!((answer.status, answer.version()), (200, Some(pod.name.as_str())));
    web.until_gone(&pod);
    let outcome = agent.once("released")["outcome"].clone();
    assert_eq!((&outcome["reason"], &outcome["cut"]), (&"drained".into(), &0.into()));
    assert!(outcome["took"].as_u64().is_some_and(|took| took >= 100_000), "{outcome}");
    web.remove();
}
