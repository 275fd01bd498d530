//! One structured line per change of state, on standard error: JSON, so that a log pipeline can read it.

use crate::clock;
use serde_json::{Map, Value, json};
use std::fmt::Display;
use std::io::Write;

/// What a line tells of, by the name that docs/agent.md has for it.
macro_rules! events {
    ($($event:ident => $name:literal,)*) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Event { $($event),* }

        impl Event {
            fn name(self) -> &'static str {
                match self { $(Self::$event => $name),* }
            }

            /// All of them.
            #[cfg(test)]
            pub(crate) fn names() -> &'static [&'static str] {
                &[$($name),*]
            }
        }
    };
}

events! {
    NoPlan => "no-plan",
    CannotStart => "cannot-start",
    NoHook => "no-hook",
    WaitsForAPort => "waits-for-a-port",
    Started => "started",
    AgentLost => "agent-lost",
    NotWrittenDown => "not-written-down",
    Draining => "draining",
    StageOver => "stage-over",
    Router => "router",
    Cut => "cut",
    Released => "released",
    Serving => "serving",
    Ending => "ending",
    Ended => "ended",
    Hook => "hook",
    Takeover => "spare",
    UserHook => "own-hook",
    Redirected => "redirected",
    NotRedirected => "not-redirected",
}

/// What happened, with its facts.
pub(crate) fn say(event: Event, facts: Value) {
    line("info", event, facts);
}

/// What went wrong, and with what.
pub(crate) fn problem(event: Event, error: &dyn Display) {
    line("error", event, json!({ "error": error.to_string() }));
}

/// A hook's own output is shown to nobody, so what it has to tell also goes to its container's log, where it may
/// be written.
pub(crate) fn say_in_the_container(event: Event, facts: Value) {
    let text = text("info", event, facts);
    if let Ok(mut log) = std::fs::OpenOptions::new().append(true).open("/proc/1/fd/2") {
        let _ = log.write_all(text.as_bytes());
    }
    let _ = std::io::stderr().write_all(text.as_bytes());
}

fn line(level: &str, event: Event, facts: Value) {
    // Nobody is left to be told if even this cannot be written.
    let _ = std::io::stderr().write_all(text(level, event, facts).as_bytes());
}

fn text(level: &str, event: Event, facts: Value) -> String {
    let mut line = Map::new();
    line.insert("time".to_owned(), clock::date().to_string().into());
    line.insert("level".to_owned(), level.into());
    line.insert("event".to_owned(), event.name().into());
    if let Value::Object(facts) = facts {
        line.extend(facts);
    }
    format!("{}\n", Value::Object(line))
}
