//! One process group that outlives whoever started it, and what is asked about it later.
//!
//! ```text
//!  who starts it ── instance ──spawns──▶ keeper ──runs──▶ the application (own process group)
//!   or adopts it      ▲                    └── writes ──▶ status.json, log/
//!                     └── process (who is who), logs (what it says), strays (what left its group)
//! ```
//! It knows nothing of what a service is, when an instance is ready, or who sends requests to it.

pub mod atomic;
pub mod clock;
pub mod duration;
pub mod instance;
pub mod keeper;
pub mod logs;
pub mod process;
pub mod signal;
pub mod strays;
