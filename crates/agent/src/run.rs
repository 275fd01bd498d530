//! The sidecar: puts the hook's program in place, binds its ports, and drives the pod until its own SIGTERM.

use crate::control::{self, Control};
use crate::driver::{Driver, Shared};
use crate::folder;
use crate::in_flight_file::InFlightFile;
use crate::log::{self, Event};
use crate::routers::Routers;
use crate::{clock, limits, plan};
use segue_core::pod::{DEREGISTER_WITHIN, PodPlan};
use segue_guard::Guard;
use serde_json::json;
use std::cell::OnceCell;
use std::fmt::Display;
use std::pin::pin;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

/// How often it is looked again at what nobody tells of. A taken port is so: a hook that stands in for an agent that died
/// gives it back.
const AGAIN: Duration = Duration::from_millis(200);

pub(crate) async fn run() -> ExitCode {
    let plan = match plan::told() {
        Ok(plan) => plan,
        Err(error) => {
            log::problem(Event::NoPlan, &error);
            return ExitCode::from(2);
        }
    };
    let (Ok(mut term), Ok(mut int)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        log::problem(Event::CannotStart, &"signals can't be handled");
        return ExitCode::from(2);
    };
    let running = OnceCell::new();
    let mut serve = pin!(serve(plan, &running));
    let signal = tokio::select! {
        code = &mut serve => return code,
        // The last of the pod: native sidecars get it when every other container has ended.
        _ = term.recv() => "SIGTERM",
        _ = int.recv() => "SIGINT",
    };
    // Unless the grace period is over: then everybody gets it at once, and SIGKILL soon after.
    if let Some(running) = running.get() {
        let in_flight = running.guard().map_or(0, |guard| guard.snapshot().in_flight);
        if in_flight > 0 {
            log::say(
                Event::Ending,
                json!({ "signal": signal, "in_flight": in_flight, "why": "the grace period came first" }),
            );
        }
        running.shared.end();
        tokio::select! {
            code = &mut serve => return code,
            () = over(running) => {}
            _ = term.recv() => {}
            _ = int.recv() => {}
        }
    }
    ended(signal, running.get())
}

/// What is driven.
struct Running {
    shared: Rc<Shared>,
    /// None where the plan has no guard.
    guarded: Option<Guarded>,
}

impl Running {
    fn guard(&self) -> Option<&Guard> {
        self.guarded.as_ref().map(|guarded| &guarded.guard)
    }
}

/// The guard that serves.
struct Guarded {
    guard: Guard,
    /// None where no thread could be started for it.
    in_flight_file: Option<InFlightFile>,
}

/// Waits until nothing is in flight and registries have dropped the pod, or had their time. A driver that hangs is not
/// waited for.
async fn over(running: &Running) {
    let dropped = clock::at_most(DEREGISTER_WITHIN + AGAIN, running.shared.ended());
    tokio::join!(answered(running.guard()), dropped);
}

/// Waits until nothing is in flight.
async fn answered(guard: Option<&Guard>) {
    while let Some(guard) = guard.filter(|guard| guard.snapshot().in_flight > 0) {
        let _ = clock::at_most(AGAIN, guard.changed()).await;
    }
}

/// The counters' last word: some of what they count comes after the drain, when the application ends.
fn ended(signal: &str, running: Option<&Running>) -> ExitCode {
    let guarded = running.and_then(|running| running.guarded.as_ref());
    if let Some(file) = guarded.and_then(|guarded| guarded.in_flight_file.as_ref()) {
        file.end();
    }
    let counters = guarded.map(|guarded| guarded.guard.snapshot().counters);
    log::say(Event::Ended, json!({ "signal": signal, "guard": counters }));
    ExitCode::SUCCESS
}

async fn serve(plan: PodPlan, running: &OnceCell<Running>) -> ExitCode {
    limits::raise_descriptor_limit(&plan);
    let config = match folder::install(&plan) {
        Ok(config) => config,
        Err(error) => {
            log::problem(Event::NoHook, &error);
            return ExitCode::from(2);
        }
    };
    let shared = Shared::new();
    let lost = folder::in_flight();
    if lost > 0 {
        log::say(Event::AgentLost, json!({ "requests": lost, "why": "the agent before this one died" }));
        shared.lose(lost);
    }
    let control = Control::new(Rc::clone(&shared));
    let port = plan.control_port;
    let bind =
        async || segue_guard::listen(port).map_err(|error| format!("the agent's port {port}: {error}"));
    let listener = again(&control, Event::WaitsForAPort, bind).await;
    let server = control::serve(listener, Rc::clone(&control));
    let drive = async {
        let guard = guard(&plan, &control).await;
        let guarded = guard.as_ref().map(|guard| {
            let file = InFlightFile::keep(guard.clone(), lost);
            if let Err(error) = &file {
                log::problem(Event::NotWrittenDown, error);
            }
            Guarded { guard: guard.clone(), in_flight_file: file.ok() }
        });
        let _ = running.set(Running { shared: Rc::clone(&shared), guarded });
        control.start(config);
        log::say(
            Event::Started,
            json!({ "control_port": plan.control_port, "ports": plan.ports, "paths": plan.drain.paths }),
        );
        let routers = Routers::of(&plan, shared.waker());
        Driver::new(plan, guard, routers, shared).run().await;
    };
    tokio::join!(server, drive);
    ExitCode::SUCCESS
}

async fn guard(plan: &PodPlan, control: &Control) -> Option<Guard> {
    if !plan.guarded() {
        return None;
    }
    let bind = async || segue_guard::bind(limits::settings(plan)).await;
    Some(again(control, Event::WaitsForAPort, bind).await.serve())
}

/// Tries until it succeeds. What is waited for is logged once, and told to whoever asks.
async fn again<T, E: Display>(
    control: &Control,
    event: Event,
    mut bind: impl AsyncFnMut() -> Result<T, E>,
) -> T {
    let mut said = false;
    loop {
        match bind().await {
            Ok(bound) => return bound,
            Err(error) => {
                control.starting.replace(Some(error.to_string()));
                if !std::mem::replace(&mut said, true) {
                    log::problem(event, &error);
                }
            }
        }
        clock::sleep(AGAIN).await;
    }
}
