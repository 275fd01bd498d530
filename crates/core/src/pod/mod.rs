//! A pod and the agent in it.
//!
//! * `plan`: what the agent is told when it is injected ([`PodPlan`]).
//! * [`life`]: when it drains, when it lets go, and when it takes part again.

pub mod life;
mod plan;

pub use plan::{CONTROL_PORT, Discount, FIRST_GUARD_PORT, PlanError, PodPlan, Port, Protocol, SCHEMA};
