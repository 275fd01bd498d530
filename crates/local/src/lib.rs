//! The driver for one machine: processes as instances.
//!
//! ```text
//!  segue deploy, status, down ── control ──┐          ┌── proxy (another crate) ◀── clients
//!                                          ▼          │
//!  spec ──▶ up ──▶ driver: observe ─▶ the rules ─▶ act ──spawns──▶ keeper ──runs──▶ the application
//!                    ├── state, history, gauge     │          (another crate) └── writes ──▶ status.json, log/
//!                    │   (in the service's folder) └── readiness  asks an instance whether it is ready
//!                    └── view
//! ```

pub mod clock;
pub mod control;
pub mod driver;
pub mod folder;
pub mod gauge;
pub mod history;
#[cfg(test)]
mod logged;
pub mod look;
pub mod notify;
pub mod open_files;
pub mod own_folder;
pub mod readiness;
pub mod rehearse;
pub mod spec;
pub mod state;
pub mod up;
