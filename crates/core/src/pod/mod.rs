//! A pod and the agent in it.
//!
//! * `plan`: what the agent is told when it is injected ([`PodPlan`]).
//! * [`life`]: when it drains, when it lets go, and when it takes part again.
//! * `ending`: what is left to do once the agent itself is told to end.

mod ending;
pub mod life;
mod plan;

pub use ending::DEADLINE as DEREGISTER_WITHIN;
pub use plan::{
    CONTROL_PORT, Discount, FIRST_GUARD_PORT, FIRST_REDIRECT_PORT, FIRST_SCHEMA, PlanError, PodPlan, Port,
    Protocol, RouterPlan, SCHEMA,
};
