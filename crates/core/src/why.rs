//! Why a machine waits: one value that logs, commands, events and the page all show (law 3).

use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// What a wait is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Why {
    /// The instance has not said that it is ready.
    Readiness {
        /// What its check said last, if anything.
        last: Option<String>,
    },
    /// A router was told of the change and has not shown it yet.
    Router {
        /// The path that the router belongs to.
        path: String,
    },
    /// A stage of a path is not over, neither by evidence nor by its bound.
    Propagation {
        /// The path.
        path: String,
        /// Its stage.
        stage: String,
        /// The setting that the stage's bound comes from.
        setting: String,
        /// What would show that the stage is over sooner, if anything would.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        evidence: Option<String>,
    },
    /// New application requests still arrive.
    Quiet {
        /// How long none may have come.
        #[serde(with = "crate::time::millis")]
        window: Duration,
    },
    /// Requests are taken and not answered.
    InFlight {
        /// How many; `None` where nothing can tell.
        count: Option<u64>,
        /// Whether `count` was counted or only estimated.
        estimated: bool,
    },
    /// A registry still lists the instance, which is about to end.
    Registered {
        /// The paths.
        paths: Vec<String>,
    },
    /// Connections are kept open without a request.
    Kept {
        /// How many.
        connections: u64,
    },
    /// It was told to stop and has not ended.
    Exit,
    /// Its end was forced and the kernel has not reported it.
    Killed,
    /// One instance fewer would be less than the floor.
    Floor {
        /// How many serve.
        serving: u32,
        /// How many must.
        floor: u32,
    },
    /// It ended by itself, and a restart is held back.
    BackOff {
        /// How often in a row.
        crashes: u32,
    },
    /// All is as asked: nothing but a change ends this wait.
    Steady,
}

/// The settings that shorten waits, by the names that they have for whoever drives; `None` where none does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// How readiness is checked.
    pub readiness: Option<&'static str>,
    /// How long no request may have come.
    pub quiet: Option<&'static str>,
    /// How long requests in flight are waited for.
    pub in_flight: Option<&'static str>,
    /// How long connections are kept open without a request.
    pub kept: Option<&'static str>,
    /// How long an instance has to end.
    pub exit: Option<&'static str>,
    /// How many must serve.
    pub floor: Option<&'static str>,
}

impl Why {
    /// The setting that would shorten this wait, if one would.
    pub fn setting(&self, settings: &Settings) -> Option<&str> {
        match self {
            Why::Propagation { setting, .. } => Some(setting),
            Why::Readiness { .. } => settings.readiness,
            Why::Quiet { .. } => settings.quiet,
            Why::InFlight { .. } => settings.in_flight,
            Why::Kept { .. } => settings.kept,
            Why::Exit => settings.exit,
            Why::Floor { .. } => settings.floor,
            Why::Router { .. } | Why::Registered { .. } | Why::Killed | Why::BackOff { .. } | Why::Steady => {
                None
            }
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Why::Readiness { last: None } => write!(f, "its readiness check"),
            Why::Readiness { last: Some(last) } => write!(f, "its readiness check ({last})"),
            Why::Router { path } => write!(f, "the router of path {path} to take the change"),
            Why::Propagation { path, stage, evidence, .. } => {
                write!(f, "stage {stage} of path {path}")?;
                evidence.as_ref().map_or(Ok(()), |evidence| write!(f, " (over sooner once {evidence})"))
            }
            Why::Quiet { window } => write!(f, "{window:?} without a new request"),
            Why::InFlight { count: None, .. } => write!(f, "requests in flight (unknown how many)"),
            Why::InFlight { count: Some(count), estimated } => {
                let about = if *estimated { "about " } else { "" };
                write!(f, "{about}{count} request{} in flight", if *count == 1 { "" } else { "s" })
            }
            Why::Kept { connections } => {
                write!(
                    f,
                    "{connections} kept connection{} to close",
                    if *connections == 1 { "" } else { "s" }
                )
            }
            Why::Registered { paths } => write!(f, "the registry of path {} to drop it", paths.join(", ")),
            Why::Exit => write!(f, "its end after the stop signal"),
            Why::Killed => write!(f, "its end after SIGKILL"),
            Why::Floor { serving, floor } => write!(f, "a replacement ({serving} serving, {floor} needed)"),
            Why::BackOff { crashes } => write!(f, "its restart (ended by itself {crashes} time(s) in a row)"),
            Why::Steady => write!(f, "a change"),
        }
    }
}
