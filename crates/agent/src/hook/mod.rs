//! What a container runs before it is stopped: asks the agent to drain, waits, then runs the container's own hook.
//!
//! ```text
//!  read hook.json ─▶ ask ─▶ follow the agent's lines ──released──▶ the container's own hook
//!        │             ▲            │ the agent died
//!        │             └── taken ── take its ports (takeover) ──▶ the same drain, from the last line on
//!        └─ can't be read: wait as long as the usual plan takes
//! ```
//!
//! It never fails and never returns early because of an error: a hook that fails means SIGTERM at once, with requests
//! in flight (law 4).

pub(crate) mod client;
mod takeover;
mod user_hook;

use crate::arguments::UserHook;
use crate::clock;
use crate::folder::{self, HookConfig};
use crate::log::{self, Event};
use crate::report::{DrainRequest, ReceivedLine};
use segue_core::Time;
use serde_json::json;
use std::process::ExitCode;
use std::time::Duration;

/// Where no plan can be read: kube-proxy's bound of 15 s and the quiet window.
const WITHOUT_A_PLAN: Duration = Duration::from_secs(17);
const AGAIN: Duration = Duration::from_millis(100);
/// The agent itself ends a drain at its deadline; only one that hangs is not waited for any longer than this.
const AGENT_HANGS: Duration = Duration::from_secs(1);

pub(crate) async fn run(user_hook: UserHook) -> ExitCode {
    match folder::hook_config() {
        Ok(config) => drained(&config, clock::now()).await,
        Err(error) => {
            log::say_in_the_container(
                Event::Hook,
                json!({ "error": error.to_string(), "then": format!("waits {WITHOUT_A_PLAN:?}, without evidence") }),
            );
            clock::sleep(WITHOUT_A_PLAN).await;
        }
    }
    user_hook::run(user_hook).await
}

/// Returns when the pod is drained, or at the deadline.
async fn drained(config: &HookConfig, began: Time) {
    let deadline = began + config.plan.drain.deadline + AGENT_HANGS;
    let mut last: Option<ReceivedLine> = None;
    let waits = async {
        loop {
            let request = drain_request(last.as_ref(), began);
            match client::drain(config, &request, |line| last = Some(line)).await {
                Ok(()) => return,
                Err(error) if takeover::run(config, drain_request(last.as_ref(), began), &error).await => {
                    return;
                }
                Err(_) => {}
            }
            clock::sleep(AGAIN).await;
        }
    };
    if clock::at_most(deadline - clock::now(), waits).await.is_none() {
        let in_flight = last.and_then(|line| line.report.in_flight);
        log::say_in_the_container(Event::Hook, json!({ "deadline": "came first", "in_flight": in_flight }));
    }
}

/// What this hook heard last, for whoever goes on with the drain.
fn drain_request(line: Option<&ReceivedLine>, began: Time) -> DrainRequest {
    DrainRequest {
        drain: line.and_then(|line| line.drain.clone()),
        lost: line.map_or(0, |line| line.report.in_flight.unwrap_or(0) + line.report.agent_lost),
        began: Some(began),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_agent_carried_is_added_to_what_those_before_it_lost() {
        let began = Time::from_millis(7);
        assert_eq!(drain_request(None, began), DrainRequest { drain: None, lost: 0, began: Some(began) });
        for (report, lost) in [
            (json!({"in_flight": 3, "agent_lost": 2}), 5),
            (json!({"in_flight": 3}), 3),
            (json!({"in_flight": null, "agent_lost": 2}), 2),
            (json!({}), 0),
        ] {
            let line: ReceivedLine =
                serde_json::from_value(json!({"released": false, "report": report})).unwrap();
            assert_eq!(drain_request(Some(&line), began).lost, lost, "{report}");
        }
    }
}
