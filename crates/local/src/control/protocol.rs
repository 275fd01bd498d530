//! What is said on the control socket: one JSON object per line, a [`Request`] first, then [`Event`]s.
//!
//! ```text
//! client ── Request ─────────────▶ up
//!        ◀── Event, Event, … ────     a last one ends the answer: Status, Refused, Ended, Down
//!        ── Request::Abort ──────▶     also in the middle of a deploy
//! ```
//! A client that goes away changes nothing: what it asked for goes on.

use std::collections::BTreeMap;

use jiff::Timestamp;
use segue_core::Version;
use segue_core::path::StageOver;
use serde::{Deserialize, Serialize};

use crate::history::{self, Cut, Ended, What, Who};
use crate::spec::Spec;

/// What a client asks for.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case")]
pub enum Request {
    /// One [`Event::View`].
    Status,
    /// [`Event::View`]s for as long as the client listens.
    Watch,
    /// Roll to this spec; then as [`Request::Follow`].
    Deploy {
        /// What shall run.
        spec: Box<Spec>,
    },
    /// Roll to the last version that worked, other than the current one; then as [`Request::Follow`].
    Rollback,
    /// Everything about the deploy under way, until its end.
    Follow,
    /// Take the deploy under way back; then as [`Request::Follow`].
    Abort,
    /// Drain and end everything; [`Event::View`]s until [`Event::Down`].
    Down,
    /// Do not wait any longer for what `Down` waits for: first what is in flight, the second time the instances.
    #[serde(rename = "hurry")]
    Force,
}

/// What `up` says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// How everything is now.
    View(Box<View>),
    /// An instance's state is another than before.
    Changed(Changed),
    /// Something else worth a line.
    Note {
        /// When.
        at: Timestamp,
        /// The line.
        text: String,
    },
    /// It will not be done.
    Refused {
        /// Why.
        why: String,
    },
    /// The deploy is over.
    Ended(Box<Report>),
    /// Everything has ended.
    Down {
        /// Requests that were ended before they were answered.
        cut: u64,
    },
}

/// One change of one instance's state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    /// When.
    pub at: Timestamp,
    /// The instance.
    pub id: String,
    /// The label of its version.
    pub version: String,
    /// What it is now.
    pub state: State,
    /// What it waits for now, or how it ended.
    pub why: Option<String>,
}

/// Where in its life an instance is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It runs, and has not been ready yet.
    Starting,
    /// It takes requests.
    Serving,
    /// It was ready, and is not any more.
    Unready,
    /// It takes no new requests and finishes those that it has.
    Draining,
    /// It was told to stop.
    Stopping,
    /// It runs, and nobody drives it: `segue up` was killed.
    Orphaned,
    /// It has ended.
    Ended,
}

impl State {
    /// As people read it.
    pub const fn name(self) -> &'static str {
        match self {
            State::Starting => "starting",
            State::Serving => "serving",
            State::Unready => "unready",
            State::Draining => "draining",
            State::Stopping => "stopping",
            State::Orphaned => "orphaned",
            State::Ended => "ended",
        }
    }
}

/// What a service does as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// All is as it should be.
    Steady,
    /// Instances are missing, and being started.
    Starting,
    /// A deploy is under way.
    Deploying,
    /// A deploy failed and is being taken back.
    GoingBack,
    /// It is being drained and ended.
    Ending,
    /// Instances run, but nobody drives them: `segue up` was killed.
    Orphaned,
    /// Nothing runs.
    Down,
}

impl Phase {
    /// As people read it.
    pub const fn name(self) -> &'static str {
        match self {
            Phase::Steady => "steady",
            Phase::Starting => "starting",
            Phase::Deploying => "deploying",
            Phase::GoingBack => "going back",
            Phase::Ending => "ending",
            Phase::Orphaned => "orphaned",
            Phase::Down => "down",
        }
    }
}

/// A wait, as people and scripts see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wait {
    /// What is waited for.
    pub why: String,
    /// Since when.
    pub since: Timestamp,
    /// Until when at most; none where nothing bounds it.
    pub until: Option<Timestamp>,
    /// The setting that would shorten it, if one would.
    pub setting: Option<String>,
}

/// One instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceView {
    /// Its name.
    pub id: String,
    /// The label of its version.
    pub version: String,
    /// The revision behind the label.
    pub revision: Version,
    /// Where in its life it is.
    pub state: State,
    /// Its main process, while there is one.
    pub pid: Option<i32>,
    /// The port that it listens on.
    pub port: u16,
    /// Requests taken and not answered in full.
    pub in_flight: u64,
    /// Requests so far.
    pub requests: u64,
    /// Requests that it did not answer in full.
    pub failed: u64,
    /// The stages by which it has joined, or left where it is leaving, and whether evidence or a bound ended each. An
    /// `up` of an older version says none.
    #[serde(default)]
    pub stages: Vec<StageOver>,
    /// What it waits for.
    #[serde(flatten)]
    pub wait: Option<Wait>,
}

/// The deploy under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeployView {
    /// Its number, by which its end is recognised.
    pub number: u64,
    /// A deploy or a rollback.
    pub what: What,
    /// Who asked for it.
    pub by: Who,
    /// When it began.
    pub began: Timestamp,
    /// The label of what ran before.
    pub from: Option<String>,
    /// The label of what shall run.
    pub to: String,
    /// Why it goes back, if it does.
    pub failure: Option<String>,
    /// What it waits for.
    #[serde(flatten)]
    pub wait: Option<Wait>,
}

/// What the proxy counts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProxyView {
    /// Client connections open now.
    pub connections: u64,
    /// Requests in flight now.
    pub in_flight: u64,
    /// Requests so far.
    pub requests: u64,
    /// The proxy's own answers by their `segue-reason`.
    pub own_answers: BTreeMap<String, u64>,
}

/// How a service is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// Its name.
    pub name: String,
    /// What it does.
    pub state: Phase,
    /// The process that drives it, if one does.
    pub pid: Option<u32>,
    /// Since when that process does.
    pub since: Option<Timestamp>,
    /// Where clients connect.
    pub listen: Option<String>,
    /// The label of the version that is, or shall be, running.
    pub version: Option<String>,
    /// How many instances shall serve.
    pub replicas: u32,
    /// How many do.
    pub serving: u32,
    /// How often an instance ended by itself since `up` began.
    pub restarts: u64,
    /// The deploy under way.
    pub deploy: Option<DeployView>,
    /// All instances.
    pub instances: Vec<InstanceView>,
    /// What the proxy counts.
    pub proxy: ProxyView,
    /// What was done last, the oldest first.
    pub history: Vec<history::Entry>,
}

/// How a deploy ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Its number.
    pub number: u64,
    /// The service.
    pub name: String,
    /// A deploy or a rollback.
    pub what: What,
    /// How it ended.
    pub ended: Ended,
    /// The label of what ran before.
    pub from: Option<String>,
    /// The label of what was to run.
    pub to: String,
    /// Why it went back.
    pub why: Option<String>,
    /// An instance that shows what was wrong.
    pub failing: Option<Failing>,
    /// Requests that were ended before they were answered.
    pub cut: u64,
    /// On which instances.
    pub cut_on: Vec<Cut>,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
}

/// An instance that failed, and what it said last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failing {
    /// Its name.
    pub id: String,
    /// How it ended or what its readiness check said last.
    pub how: String,
    /// The last lines that it wrote.
    pub last_lines: Vec<String>,
}

/// How a service is of which only what matters to a test is said.
#[cfg(test)]
pub(crate) fn view_for_tests(serving: u32) -> View {
    View {
        name: "web".to_owned(),
        state: Phase::Steady,
        pid: None,
        since: None,
        listen: None,
        version: None,
        replicas: 2,
        serving,
        restarts: 0,
        deploy: None,
        instances: Vec::new(),
        proxy: ProxyView::default(),
        history: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instance(wait: Option<Wait>) -> InstanceView {
        InstanceView {
            id: "web-3".to_owned(),
            version: "v2".to_owned(),
            revision: "v2".into(),
            state: State::Draining,
            pid: Some(77),
            port: 4000,
            in_flight: 2,
            requests: 100,
            failed: 0,
            stages: Vec::new(),
            wait,
        }
    }

    #[test]
    fn a_wait_stands_beside_the_state_and_only_while_there_is_one() {
        let at: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
        let wait = Wait {
            why: "2 requests in flight".to_owned(),
            since: at,
            until: None,
            setting: Some("drainDeadline".to_owned()),
        };
        let waiting = serde_json::to_value(instance(Some(wait))).unwrap();
        assert_eq!(waiting["state"], "draining");
        assert_eq!(waiting["why"], "2 requests in flight");
        assert_eq!(waiting["since"], "2026-11-23T12:00:00Z");
        assert_eq!(waiting["until"], serde_json::Value::Null);
        assert_eq!(waiting["setting"], "drainDeadline");
        assert_eq!(waiting["stages"], serde_json::json!([]), "there for scripts, also while there is none");
        let steady = serde_json::to_value(instance(None)).unwrap();
        assert!(steady.get("why").is_none());
    }

    #[test]
    fn people_read_what_scripts_read() {
        let states = [
            State::Starting,
            State::Serving,
            State::Unready,
            State::Draining,
            State::Stopping,
            State::Orphaned,
            State::Ended,
        ];
        for state in states {
            assert_eq!(serde_json::json!(state), state.name());
        }
        let phases =
            [Phase::Steady, Phase::Starting, Phase::Deploying, Phase::Ending, Phase::Orphaned, Phase::Down];
        for phase in phases {
            assert_eq!(serde_json::json!(phase), phase.name());
        }
        assert_eq!(Phase::GoingBack.name(), "going back");
    }

    #[test]
    fn what_is_written_is_read_back() {
        let at: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
        let wait = Wait { why: "its end".to_owned(), since: at, until: Some(at), setting: None };
        for instance in [instance(Some(wait)), instance(None)] {
            let text = serde_json::to_string(&instance).unwrap();
            assert_eq!(serde_json::from_str::<InstanceView>(&text).unwrap(), instance);
        }
        let deploy = DeployView {
            number: 1,
            what: What::Deploy,
            by: Who::of(0, None),
            began: at,
            from: Some("v1".to_owned()),
            to: "v2".to_owned(),
            failure: None,
            wait: Some(Wait { why: "a replacement".to_owned(), since: at, until: None, setting: None }),
        };
        let text = serde_json::to_string(&deploy).unwrap();
        assert_eq!(serde_json::from_str::<DeployView>(&text).unwrap(), deploy);
        let event = Event::Refused { why: "another deploy is under way".to_owned() };
        let text = serde_json::to_string(&event).unwrap();
        assert_eq!(text, r#"{"event":"refused","why":"another deploy is under way"}"#);
        assert_eq!(serde_json::from_str::<Event>(&text).unwrap(), event);
        assert!(matches!(serde_json::from_str(r#"{"ask":"status"}"#).unwrap(), Request::Status));
        assert_eq!(serde_json::to_string(&Request::Force).unwrap(), r#"{"ask":"hurry"}"#);
    }
}
