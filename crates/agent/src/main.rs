//! `segue-agent`, the small binary inside a pod.
//!
//! ```text
//!  kubelet ── preStop ──▶ hook ── POST /segue/drain ──▶ control ──▶ driver ──▶ core::pod::life
//!                          │  ◀── a report per change ──┘             │  ├── guard   (counts, closes politely)
//!                          └─ the agent died: takes its ports ────────┘  └── sockets (estimates)
//! ```
//!
//! * `run`: the native sidecar. `hook`: what every container runs before it is stopped; it never fails (law 4).
//!   `ready`: the startup probe. `redirect`: an init container's, which leads the application's ports to the guard.
//! * A hook that loses its agent goes on in its place: it is the same program in the same network namespace.

mod arguments;
mod clock;
mod control;
#[cfg(test)]
mod documented;
mod driver;
mod folder;
mod hook;
mod in_flight_file;
mod limits;
mod log;
mod plan;
mod ready;
mod redirect;
mod report;
mod routers;
mod run;

use arguments::{Command, HELP};
use std::process::ExitCode;

fn main() -> ExitCode {
    match arguments::parse(std::env::args_os().skip(1)) {
        Ok(Command::Run) => on_one_thread(run::run()),
        Ok(Command::Hook(user_hook)) => on_one_thread(hook::run(user_hook)),
        Ok(Command::Ready) => on_one_thread(ready::run()),
        Ok(Command::Redirect(redirects)) => redirect::run(&redirects),
        Ok(Command::Help) => {
            print!("{HELP}");
            ExitCode::SUCCESS
        }
        Ok(Command::Version) => {
            println!("segue-agent {}", env!("CARGO_PKG_VERSION"));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("segue-agent: {error} (`segue-agent --help` says what there is)");
            ExitCode::from(2)
        }
    }
}

/// One thread is enough for a pod, and it keeps the agent small.
fn on_one_thread(work: impl Future<Output = ExitCode>) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime {
        Ok(runtime) => {
            let code = tokio::task::LocalSet::new().block_on(&runtime, work);
            // What still runs must not hold the end up.
            runtime.shutdown_background();
            code
        }
        Err(error) => {
            log::problem(log::Event::CannotStart, &error);
            ExitCode::from(2)
        }
    }
}
