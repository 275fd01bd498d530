//! The driver for one machine: processes as instances.
//!
//! ```text
//!  segue deploy, status, down ── control ──┐          ┌── proxy (another crate) ◀── clients
//!                                          ▼          │
//!  spec ──▶ up ──▶ driver: observe ─▶ the rules ─▶ act ──spawns──▶ keeper ──runs──▶ the application
//!                    ├── state, history, in_flight │          (another crate) └── writes ──▶ status.json, log/
//!                    │   (in the service's folder) └── readiness  asks an instance whether it is ready
//!                    └── view
//! ```

pub mod clock;
pub mod control;
pub mod driver;
pub mod dry_run;
pub mod folder;
pub mod history;
pub mod in_flight;
pub mod inspect;
#[cfg(test)]
mod logged;
pub mod notify;
pub mod open_files;
pub mod own_folder;
pub mod readiness;
pub mod spec;
pub mod state;
pub mod up;
