//! Routers that can be told of a change, such as a registry: what to ask them, and what their answers mean.
//!
//! Nothing here does I/O or reads a clock (law 7). A [`Router`] is one path's router as one instance sees it. Whoever
//! drives it gives it a goal and the time, carries its calls, and brings it the answers:
//!
//! ```text
//!            Goal + Time
//!   driver ──────────────▶ Router ──▶ Step: calls to carry, when to come back
//!     │  ▲                    │ ▲
//!     │  └──── Says ──────────┘ └── hear(answer or failure)
//!     └─ carries calls: method, URL, headers, body; secrets by reference, read by the driver when it sends
//! ```
//!
//! What a router says is believed as far as law 2 goes: a stage ends by evidence that the plan describes, or by its bound.
//! One that fails, or says nothing, holds the drain up until its deadline, and the instance serves meanwhile (law 4).

mod call;
mod none;
mod router;

pub use call::{Answer, Call, CallId, Failure, Request, Secret, Value};
pub use none::CannotBeTold;
pub use router::{Goal, Router, Says, Shows, Step};

use segue_core::pod::RouterPlan;

/// The router that a plan names.
pub fn of(plan: &RouterPlan) -> Box<dyn Router> {
    match plan {
        RouterPlan::None => Box::new(CannotBeTold::default()),
    }
}
