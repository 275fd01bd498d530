//! The keeper: the small process that runs one instance, keeps its output, and outlives whoever started it.
//!
//! ```text
//! up ──lock──▶ keeper ──spawns──▶ the application ──▶ its own children   (one process group)
//!                │ ◀─────────── one pipe: stdout and stderr ──────┘
//!                ├──▶ log/000001.log …
//!                └──▶ status.json, when it runs and when it has ended
//! ```
//! One thread, one loop: output, the main process's end and the deadlines that follow it are waited for together.

pub(crate) mod background;
mod credentials;
mod files;
pub(crate) mod group;
mod lock;
pub(crate) mod log;
mod run;

use std::path::Path;
use std::process::ExitCode;

pub use credentials::User;
pub use files::{Launch, State, Status};
pub use lock::{Lock, is_held as lock_is_held};
pub use log::LogLimits;

/// Runs the instance whose folder this is, until it and its process group have ended and its output was written.
pub fn main(dir: &Path) -> ExitCode {
    match run::run(dir) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("segue keeper: {}: {error}", dir.display());
            ExitCode::FAILURE
        }
    }
}
