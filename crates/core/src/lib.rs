//! The rules of Segue: pure step machines over plain data.
//!
//! Nothing here does I/O, reads a clock or starts a task (law 7), so the same rules run on a laptop, in a cluster,
//! in the simulator and in the model checker. A driver observes the world, asks a machine what to do next, does it,
//! and observes again:
//!
//! ```text
//!            Seen (a full picture) + Time
//!   driver ─────────────────────────────▶ Rollout ──contains──▶ Drain ──over──▶ Path (stages with bounds)
//!     ▲  ◀───────────────────────────────    │
//!     │    Do(actions) | Wait(why) | Done     └── admits, starts and drains instances, never below the floor
//!     └─ acts, idempotently
//! ```
//!
//! * [`path`]: how long until the last client has learnt of a change, by evidence or by bound.
//! * [`drain`]: one instance's way out.
//! * [`judge`]: whether a change goes well: over instances that others start and stop, in a cluster as on one machine.
//! * [`rollout`]: instances replaced in waves; going back is the same rollout with another goal.
//! * [`budget`]: what all that may take, told before it begins.
//! * [`pod`]: what an agent inside a pod is told of all that.
//! * [`why`]: the one value that says what a wait is for (law 3).

pub mod budget;
pub mod drain;
pub mod id;
pub mod judge;
pub mod path;
pub mod pod;
pub mod rollout;
pub mod step;
pub mod stop;
pub mod time;
pub mod why;

pub use id::{InstanceId, Version};
pub use step::{Next, Wait};
pub use time::Time;
pub use why::Why;
