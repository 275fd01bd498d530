//! The rows by which a service is shown to people: in `status`, and live in `deploy` and `down`.

#![expect(clippy::format_push_string, reason = "a few lines for people, built once")]

use std::time::Duration;

use jiff::Timestamp;
use segue_local::control::protocol::{DeployView, InstanceView, Phase, State, View, Wait};
use segue_local::history::{Ended, Entry};

/// The heads of [`instance`].
pub(crate) const HEAD: [&str; 8] =
    ["INSTANCE", "VERSION", "STATE", "PID", "PORT", "IN FLIGHT", "REQUESTS", "WAITS FOR"];
/// Those that are numbers.
pub(crate) const NUMBERS: [usize; 4] = [3, 4, 5, 6];

/// One line about the whole service.
pub(crate) fn summary(view: &View, now: Timestamp) -> String {
    let version = view.version.as_deref().unwrap_or("-");
    let mut line = match view.state {
        Phase::Down => format!("{}: down", view.name),
        Phase::Orphaned => {
            let count = view.instances.len();
            format!("{}: `segue up` is gone; {count} of its instances still run", view.name)
        }
        _ => {
            let View { name, state, serving, replicas, .. } = view;
            format!("{name}: {}, {version}, {serving} of {replicas} serving", state.name())
        }
    };
    if let Some(listen) = &view.listen {
        line += &format!(", on {listen}");
    }
    if let Some(since) = view.since {
        line += &format!(", up for {}", length(between(since, now)));
    }
    if view.restarts > 0 {
        line += &format!(", {} restart{}", view.restarts, plural(view.restarts));
    }
    line
}

/// One line about the deploy under way.
pub(crate) fn deploy(deploy: &DeployView, now: Timestamp) -> String {
    let DeployView { what, by, from, to, .. } = deploy;
    let from = from.as_deref().unwrap_or("nothing");
    let since = length(between(deploy.began, now));
    let mut line = format!("{what} of {by}: {from} to {to}, for {since}");
    if let Some(failure) = &deploy.failure {
        line += &format!("; goes back: {failure}");
    }
    if let Some(waits_for) = deploy.wait.as_ref().map(|wait| wait_line(wait, now)) {
        line += &format!("; waits for {waits_for}");
    }
    line
}

/// The cells of one instance.
pub(crate) fn instance(view: &InstanceView, now: Timestamp) -> [String; 8] {
    [
        view.id.clone(),
        view.version.clone(),
        view.state.name().to_owned(),
        view.pid.map_or_else(|| "-".to_owned(), |pid| pid.to_string()),
        view.port.to_string(),
        view.in_flight.to_string(),
        view.requests.to_string(),
        view.wait.as_ref().map(|wait| wait_line(wait, now) + &behind(view)).unwrap_or_default(),
    ]
}

/// Which stages are behind one that leaves, and whether evidence or a bound ended each.
fn behind(view: &InstanceView) -> String {
    let leaves = matches!(view.state, State::Draining | State::Stopping);
    view.stages.iter().filter(|_| leaves).fold(String::new(), |line, stage| format!("{line}; {stage}"))
}

/// What is waited for, since when, until when, and what would shorten it.
fn wait_line(wait: &Wait, now: Timestamp) -> String {
    let mut line = format!("{}, {} so far", wait.why, length(between(wait.since, now)));
    if let Some(until) = wait.until {
        line += &format!(", at most {} more", length(between(now, until)));
    }
    if let Some(setting) = &wait.setting {
        line += &format!(" ({setting})");
    }
    line
}

/// One line about something that was done.
pub(crate) fn history(entry: &Entry) -> String {
    let at = entry.at.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S");
    let versions = match (&entry.from, &entry.to) {
        (Some(from), Some(to)) => format!("{from} to {to}"),
        (None, Some(one)) | (Some(one), None) => one.clone(),
        (None, None) => String::new(),
    };
    let took = length(Duration::from_millis(entry.took_ms));
    let mut line = format!("{at}  {:8}  {versions}  by {}", entry.what, entry.by);
    if entry.ended != Ended::Interrupted || entry.took_ms > 0 {
        line += &format!("  {} in {took}", entry.ended);
    }
    if let Some(why) = &entry.why {
        line += &format!(": {why}");
    }
    if entry.cut > 0 {
        line += &format!("; {} cut", requests(entry.cut));
    }
    line
}

/// `1 request`, `2 requests`.
pub(crate) fn requests(count: u64) -> String {
    format!("{count} request{}", plural(count))
}

pub(crate) fn plural(count: u64) -> &'static str {
    if count == 1 { "" } else { "s" }
}

fn between(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
}

/// A length of time, as exact as people want it.
pub(crate) fn length(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..10 => format!("{}.{} s", seconds, duration.subsec_millis() / 100),
        10..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3600..86400 => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
        _ => format!("{} d {} h", seconds / 86400, seconds / 3600 % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_as_exact_as_they_are_short() {
        let shown =
            [850, 12_345, 75_000, 3_700_000, 100_000_000].map(|millis| length(Duration::from_millis(millis)));
        assert_eq!(shown, ["0.8 s", "12 s", "1 min 15 s", "1 h 1 min", "1 d 3 h"]);
    }

    #[test]
    fn one_that_leaves_says_whether_evidence_or_a_bound_ended_each_stage() {
        let at = |second: i64| Timestamp::from_second(1_800_000_000 + second).unwrap();
        let json = serde_json::json!({
            "id": "web-1", "version": "v1", "revision": "v1", "state": "draining", "pid": 7, "port": 4000,
            "in_flight": 2, "requests": 9, "failed": 0,
            "stages": [{"path": "proxy", "stage": null, "by": "evidence", "after": 0},
                {"path": "lb", "stage": "check", "by": "bound", "after": 5000}],
            "why": "2 requests in flight", "since": at(0), "until": null, "setting": null,
        });
        let mut view: InstanceView = serde_json::from_value(json).unwrap();
        assert_eq!(
            instance(&view, at(1))[7],
            "2 requests in flight, 1.0 s so far; path proxy over by evidence; stage check of path lb over by its bound"
        );
        view.state = State::Serving;
        assert_eq!(instance(&view, at(1))[7], "2 requests in flight, 1.0 s so far");
    }

    #[test]
    fn a_wait_says_why_since_until_and_what_would_shorten_it() {
        let at = |second: i64| Timestamp::from_second(1_800_000_000 + second).unwrap();
        let wait = Wait {
            why: "2 requests in flight".to_owned(),
            since: at(0),
            until: Some(at(60)),
            setting: Some("drainDeadline".to_owned()),
        };
        assert_eq!(
            wait_line(&wait, at(5)),
            "2 requests in flight, 5.0 s so far, at most 55 s more (drainDeadline)"
        );
    }
}
