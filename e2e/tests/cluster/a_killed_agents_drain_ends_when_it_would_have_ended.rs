//! An agent that is killed on the way through a path takes none of it along: the hook in its place ends the drain when the
//! agent would have ended it, and does not wait for the whole path once more.

use anyhow::ensure;
use jiff::{SignedDuration, Timestamp};
use segue_cluster::wait::{self, LONG};
use serde_json::Value;

use crate::TestBed;
use crate::injected::{AGENT, Injected, ROOMY, sample};
use crate::said::Said;

/// How far from its time the end may be.
const SLACK: SignedDuration = SignedDuration::from_secs(1);
/// The agent dies with so much of the path's bound behind it: much more than the slack.
const BEHIND: SignedDuration = SignedDuration::from_secs(4);
/// This test itself, which does little, came so late to its turn: then the machine is too busy to show anything.
const STARVED: SignedDuration = SignedDuration::from_millis(500);

pub(crate) fn holds(bed: &TestBed) {
    for attempt in 1..=3 {
        let (off, starved) = ended(bed, &format!("killed-on-the-way-{attempt}"));
        if off.abs() <= SLACK {
            return;
        }
        assert!(
            starved >= STARVED,
            "the drain ended {off:#} from its time; looks came at most {starved:#} late"
        );
        eprintln!(
            "attempt {attempt} shows nothing: the end was {off:#} off, but this test itself {starved:#} late"
        );
    }
    eprintln!("invalid: the machine was starved each time");
}

/// How far from its time a drain ended whose agent was killed, and how late this test itself was at most.
fn ended(bed: &TestBed, namespace: &str) -> (SignedDuration, SignedDuration) {
    let web = Injected::up(bed, namespace, &sample(1), ROOMY);
    let pod = web.pod();
    let mut agent = Said::by(web.cluster, &pod, AGENT);
    let mut application = Said::by(web.cluster, &pod, "app");
    web.delete(&pod, &[]);
    let before = web.until_draining(&pod);
    let began = Timestamp::now();
    wait::until("a good part of the path is behind", LONG, || {
        ensure!(Timestamp::now().duration_since(began) >= BEHIND);
        Ok(())
    })
    .unwrap();
    web.cluster.kill_container(&pod, AGENT).unwrap();

    let (mut last, mut starved) = (Timestamp::now(), SignedDuration::ZERO);
    let released = wait::until("the hook in its place lets the pod go", LONG, || {
        let now = Timestamp::now();
        (last, starved) = (now, starved.max(now.duration_since(last)));
        let released = application.of("released");
        ensure!(!released.is_empty(), "{:#?}", application.lines());
        Ok(released[0].clone())
    })
    .unwrap();
    let draining = agent.of("draining");
    let until = time(&draining.last().expect("it drained")["until"]);
    assert_eq!(agent.of("released"), Vec::<Value>::new(), "the agent was to die before");
    assert_eq!(application.once("spare")["resumes"], true);
    assert_eq!(released["outcome"]["reason"], "drained", "{released}");
    let stages = released["outcome"]["stages"].as_array().unwrap();
    assert!(!stages.is_empty() && stages.iter().all(|stage| stage["by"] == "bound"), "{released}");
    assert_eq!(time(&before["until"]).duration_since(until).abs().as_secs(), 0, "one drain: {draining:#?}");
    web.until_gone(&pod);
    web.remove();
    (time(&released["time"]).duration_since(until), starved)
}

fn time(text: &Value) -> Timestamp {
    text.as_str().unwrap().parse().unwrap()
}
