//! Above `--max-connections` the guard closes connections that are idle, the longest first, and only where each has a
//! request in flight it refuses the next. Both are counted, and nothing that was taken is lost.

use std::io::ErrorKind;

use crate::TestBed;
use crate::injected::{GUARD, Injected, SHORT, sample};

const LIMIT: usize = 20;
const FLAGS: &[&str] = &["--max-connections", "20"];

pub(crate) fn holds(bed: &TestBed) {
    let web = Injected::up(bed, "limit", &sample(1), &[SHORT, FLAGS].concat());
    let pod = web.pod();
    let idle: Vec<_> = (0..LIMIT)
        .map(|_| {
            let mut client = web.dial(&pod, GUARD);
            client.get("/");
            assert_eq!(client.answer().status, 200);
            client
        })
        .collect();
    // Each takes the place of one that is idle.
    let mut busy: Vec<_> = idle
        .into_iter()
        .map(|mut idle| {
            let mut client = web.dial(&pod, GUARD);
            client.get("/sleep?ms=15000");
            let end = idle.bytes(1).expect_err("nothing was asked for");
            assert_eq!(end.kind(), ErrorKind::UnexpectedEof, "{end}");
            client
        })
        .collect();
    let full = web.until_status(&pod, "every place has a request", |status| status["in_flight"] == LIMIT);
    let counted = |status: &serde_json::Value, name: &str| status["guard"][name].as_u64().unwrap();
    assert_eq!(counted(&full, "over_limit_closed"), u64::try_from(LIMIT).unwrap(), "{full}");
    assert_eq!(counted(&full, "over_limit_refused"), 0, "{full}");

    let refused = web.try_get(&pod, GUARD, "/");
    assert!(refused.is_err(), "{refused:?}");
    for client in &mut busy {
        assert_eq!(client.answer().status, 200);
    }
    let after = web.status(&pod);
    assert_eq!(counted(&after, "over_limit_refused"), 1, "{after}");
    assert_eq!(web.get(&pod, GUARD, "/").status, 200);
    web.remove();
}
