//! A hook takes over from its dead agent: the kubelet does not restart a sidecar in a terminating pod.

use super::client::ClientError;
use crate::control::{self, Control};
use crate::driver::{Driver, Shared};
use crate::folder::HookConfig;
use crate::log::{self, Event};
use crate::report::DrainRequest;
use crate::routers::Routers;
use crate::{clock, limits};
use segue_core::pod::life::asked_since;
use serde_json::json;
use std::rc::Rc;
use std::time::Duration;

/// Other hooks that wait are told before this one goes.
const FAREWELL: Duration = Duration::from_millis(300);

/// Takes the agent's ports and drains the pod from where the agent was; `false` if another has the ports: the agent
/// itself, or another container's hook.
pub(crate) async fn run(config: &HookConfig, request: DrainRequest, error: &ClientError) -> bool {
    let plan = &config.plan;
    limits::raise_descriptor_limit(plan);
    let Ok(listener) = segue_guard::listen(plan.control_port) else { return false };
    let guard = if plan.guarded() {
        match segue_guard::bind(limits::settings(plan)).await {
            Ok(bound) => {
                let guard = bound.serve();
                // Nobody stands in but for a drain: no client that comes first hears otherwise.
                guard.announce();
                Some(guard)
            }
            // Its port is given back: whoever has the guard's ports is the one to ask.
            Err(_) => return false,
        }
    } else {
        None
    };
    let shared = Shared::new();
    log::say_in_the_container(
        Event::Takeover,
        json!({ "error": error.to_string(), "agent_lost": request.lost, "resumes": request.drain.is_some() }),
    );
    let control = Control::new(Rc::clone(&shared));
    control.start(config.clone());
    let since = asked_since(request.began, plan.drain.deadline, clock::now());
    let waiting = shared.ask(request, since);
    let mut lines = shared.lines();
    tokio::task::spawn_local(control::serve(listener, control));
    let routers = Routers::of(plan, shared.waker());
    let driver = Driver::new(plan.clone(), guard, routers, Rc::clone(&shared));
    let driver = tokio::task::spawn_local(driver.run());
    loop {
        let released = lines.borrow_and_update().as_ref().filter(|line| line.released).cloned();
        if let Some(line) = released {
            log::say_in_the_container(
                Event::Released,
                json!({ "outcome": line.report.outcome, "agent_lost": line.report.agent_lost, "guard": line.report.guard }),
            );
            break;
        }
        if lines.changed().await.is_err() {
            break;
        }
    }
    drop(waiting);
    clock::sleep(FAREWELL).await;
    driver.abort();
    true
}
