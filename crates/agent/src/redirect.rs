//! The init container that leads the application's ports to the guard: once, before anything else of the pod.
//!
//! It runs again where the pod's containers are started anew, and ends at the same rules. Where it can't write them it fails, and the
//! pod does not start: clients would go past the guard, and nobody would see it.

use crate::log::{self, Event};
use segue_redirect::{Redirects, install};
use serde_json::json;
use std::process::ExitCode;

pub(crate) fn run(redirects: &Redirects) -> ExitCode {
    let ports: Vec<_> = redirects.iter().map(|one| json!({ "from": one.from, "to": one.to })).collect();
    match install(redirects) {
        Ok(()) => {
            log::say(Event::Redirected, json!({ "ports": ports }));
            ExitCode::SUCCESS
        }
        Err(error) => {
            log::problem(Event::NotRedirected, &error);
            ExitCode::FAILURE
        }
    }
}
