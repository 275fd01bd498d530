//! What the agent says of the pod: one value behind `/status`, the metrics, the log and what a hook hears.

use crate::clock;
use crate::routers::RouterReport;
use segue_core::drain::{Drain, InFlight};
use segue_core::path::StageOver;
use segue_core::pod::life::Outcome;
use segue_core::why::Settings;
use segue_core::{Time, Wait};
use segue_guard::Counters;
use serde::{Deserialize, Deserializer, Serialize};

/// The pod's state, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ReportedState {
    Serving,
    Draining,
    Released,
    Ending,
}

/// The pod's state and what it waits for (law 3).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Report {
    pub(crate) schema: u32,
    pub(crate) agent: String,
    pub(crate) state: ReportedState,
    pub(crate) why: Option<String>,
    pub(crate) since: Option<jiff::Timestamp>,
    pub(crate) until: Option<jiff::Timestamp>,
    pub(crate) setting: Option<String>,
    /// Requests in flight; `null` where nothing can tell.
    pub(crate) in_flight: Option<u64>,
    /// How `in_flight` is known: counted, estimated or unknown.
    pub(crate) known: String,
    pub(crate) connections: u64,
    pub(crate) kept: u64,
    /// Connections past the guard, or without it: watched by their sockets only.
    pub(crate) not_covered: u64,
    /// Hooks that wait for the drain.
    pub(crate) hooks: usize,
    /// The stages of the paths that are over in this drain, and what ended each.
    pub(crate) stages: Vec<StageOver>,
    /// The routers of the paths: what each was told, and what it says.
    pub(crate) routers: Vec<RouterReport>,
    /// How the last drain ended.
    pub(crate) outcome: Option<Outcome>,
    /// Requests that an agent that died was carrying.
    pub(crate) agent_lost: u64,
    pub(crate) guard: Option<Counters>,
}

/// One line of what a waiting hook is told.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Line {
    /// Whether the hook may return.
    pub(crate) released: bool,
    pub(crate) report: Report,
    /// How far the drain is: with it a hook can go on in the agent's place.
    pub(crate) drain: Option<Drain>,
}

/// What a hook takes of a line. The agent may be of another version: what else it says is not asked for, and a drain that
/// can't be read is none.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct ReceivedLine {
    pub(crate) released: bool,
    pub(crate) report: ReceivedReport,
    #[serde(default, deserialize_with = "if_readable")]
    pub(crate) drain: Option<Drain>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct ReceivedReport {
    #[serde(default)]
    pub(crate) in_flight: Option<u64>,
    #[serde(default)]
    pub(crate) agent_lost: u64,
}

fn if_readable<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Drain>, D::Error> {
    Ok(serde_json::from_value(serde_json::Value::deserialize(deserializer)?).ok())
}

/// What a hook says when it asks.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct DrainRequest {
    /// The drain that the hook heard of last, where its agent died.
    #[serde(default, deserialize_with = "if_readable")]
    pub(crate) drain: Option<Drain>,
    /// What that agent was carrying.
    #[serde(default)]
    pub(crate) lost: u64,
    /// When the hook began; a hook of an older version does not say.
    #[serde(default)]
    pub(crate) began: Option<Time>,
}

/// A wait as people and scripts read it.
pub(crate) struct ShownWait {
    pub(crate) why: String,
    pub(crate) since: jiff::Timestamp,
    pub(crate) until: Option<jiff::Timestamp>,
    pub(crate) setting: Option<String>,
}

impl ShownWait {
    pub(crate) fn of(wait: &Wait) -> Self {
        Self {
            why: wait.why.to_string(),
            since: clock::wall(wait.since),
            until: wait.until.map(clock::wall),
            setting: wait.why.setting(&SETTINGS).map(str::to_owned),
        }
    }
}

/// What shortens waits in a pod.
const SETTINGS: Settings = Settings {
    readiness: None,
    quiet: Some("the quiet window, 2s"),
    in_flight: Some("segue inject --longest-request"),
    kept: Some("the idle linger, 5s"),
    exit: Some("segue inject --stop-time"),
    floor: None,
};

/// `in_flight` and how it is known.
pub(crate) fn in_flight(seen: InFlight) -> (Option<u64>, String) {
    match seen {
        InFlight::Unknown => (None, "unknown".to_owned()),
        InFlight::Counted(count) => (Some(count), "counted".to_owned()),
        InFlight::Estimated(count) => (Some(count), "estimated".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the first version wrote it, with less of what it said of the guard.
    const OLDER: &str = r#"{"released":false,"report":{"schema":1,"agent":"0.1.0","state":"draining","why":"w",
        "since":"2026-11-28T10:00:00Z","until":null,"setting":null,"in_flight":2,"known":"counted","connections":3,
        "kept":1,"not_covered":0,"hooks":1,"outcome":null,"agent_lost":4,"guard":{"requests":7}},
        "drain":{"plan":{"paths":[{"name":"p","stages":[{"name":"s","join":{"min":0,"max":5000},
            "leave":{"min":0,"max":5000},"source":"","setting":""}]}],
            "quiet":2000,"longest_request":null,"linger":null,"deadline":60000,"stop_grace":10000},
        "began":9000,"left":{"p":{"untaken":null,"told":10000,"ends":[15000]}},"carried":0,"stopping":null,
        "killed":false}}"#;

    #[test]
    fn a_hook_hears_an_agent_of_an_older_version_and_takes_its_drain_over() {
        let heard: ReceivedLine = serde_json::from_str(OLDER).unwrap();
        assert_eq!((heard.report.in_flight, heard.report.agent_lost, heard.released), (Some(2), 4, false));
        let drain = heard.drain.unwrap();
        assert_eq!(drain.began(), Time::from_millis(9_000));
        assert_eq!(drain.stages()[0].to_string(), "stage s of path p over by evidence or its bound");
    }

    #[test]
    fn a_hook_hears_a_line_whose_drain_it_cannot_read() {
        let later = OLDER
            .replace("\"began\":9000", "\"began\":{}")
            .replace("\"released\":false", "\"released\":true");
        let heard: ReceivedLine = serde_json::from_str(&later).unwrap();
        assert!(heard.released && heard.drain.is_none());
    }

    #[test]
    fn an_agent_hears_hooks_of_older_and_later_versions() {
        let older: DrainRequest = serde_json::from_str(r#"{"drain":null,"lost":3}"#).unwrap();
        assert_eq!(older, DrainRequest { drain: None, lost: 3, began: None });
        let later: DrainRequest =
            serde_json::from_str(r#"{"drain":{"new":1},"lost":3,"began":5,"more":1}"#).unwrap();
        assert_eq!(later, DrainRequest { drain: None, lost: 3, began: Some(Time::from_millis(5)) });
    }
}
