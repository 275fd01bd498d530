//! The plan as this container is told it, for the sidecar and its startup probe alike.

use segue_core::pod::{PlanError, PodPlan};

/// Where `segue inject` puts it.
const VARIABLE: &str = "SEGUE_PLAN";

/// Why there is none: the manifest's fault, so that it says what to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoPlan {
    #[error("{VARIABLE} is not set: `segue inject` sets it")]
    NotSet,
    #[error("{VARIABLE}: {0}: use the agent image of the segue that injected it, or a later one")]
    Later(PlanError),
    #[error("{VARIABLE}: {0}: inject anew")]
    Unusable(PlanError),
}

/// Reads the plan.
pub(crate) fn told() -> Result<PodPlan, NoPlan> {
    let json = std::env::var(VARIABLE).map_err(|_| NoPlan::NotSet)?;
    PodPlan::read(&json).map_err(|error| match error {
        PlanError::Later(_) => NoPlan::Later(error),
        _ => NoPlan::Unusable(error),
    })
}
