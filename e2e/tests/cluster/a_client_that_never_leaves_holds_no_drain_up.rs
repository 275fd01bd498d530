//! Clients that keep their connections open for ever, one after an answer and one that never asked anything, are told to
//! go; the drain does not wait until they do.

use std::io::ErrorKind;

use crate::TestBed;
use crate::injected::{AGENT, GUARD, Injected, SHORT, sample};
use crate::said::Said;

pub(crate) fn holds(bed: &TestBed) {
    let web = Injected::up(bed, "stays", &sample(1), SHORT);
    let pod = web.pod();
    let mut agent = Said::by(web.cluster, &pod, AGENT);
    let silent = web.dial(&pod, GUARD);
    let mut idle = web.dial(&pod, GUARD);
    idle.get("/");
    assert_eq!(idle.answer().status, 200);
    web.until_status(&pod, "both are connected", |status| status["connections"] == 2);
    web.delete(&pod, &[]);
    // Neither closes its side before the pod is gone.
    web.until_gone(&pod);
    for mut client in [idle, silent] {
        let end = client.bytes(1).expect_err("nothing was asked for");
        assert_eq!(end.kind(), ErrorKind::UnexpectedEof, "{end}");
    }
    let outcome = agent.once("released")["outcome"].clone();
    assert_eq!((&outcome["reason"], &outcome["cut"]), (&"drained".into(), &0.into()));
    let counted = agent.once("ended")["guard"].clone();
    assert_eq!((&counted["closed_idle"], &counted["raced"]), (&2.into(), &0.into()), "{counted}");
    web.remove();
}
