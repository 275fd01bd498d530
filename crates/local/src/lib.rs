//! The driver for one machine: processes as instances.
//!
//! ```text
//! spec ──launch──▶ instance ──spawns──▶ keeper ──runs──▶ the application
//!                     │                    └──writes──▶ status.json, log/
//!                     ├── readiness   asks it whether it is ready
//!                     └── logs        follows what it says
//! ```
//!
//! The parts that know one process and one file are here; the driver joins them.

pub mod clock;
pub mod diagnostic;
pub mod instance;
pub mod keeper;
pub mod logs;
pub mod process;
pub mod readiness;
pub mod signal;
pub mod spec;
