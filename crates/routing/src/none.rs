//! A router that can't be told anything, such as a kube-proxy: it learns of the change from others, who were told before.
//!
//! The change counts as taken at once, and nothing ever shows how far it is: each stage of its path ends by its bound.

use crate::{Answer, CallId, Failure, Goal, Router, Says, Shows, Step};
use segue_core::Time;

/// The router of a path that has none.
#[derive(Debug, Default)]
pub struct CannotBeTold {
    goal: Goal,
}

impl Router for CannotBeTold {
    fn kind(&self) -> &'static str {
        "none"
    }

    fn step(&mut self, goal: Goal, _: Time) -> Step {
        self.goal = goal;
        Step::default()
    }

    fn hear(&mut self, _: CallId, _: Result<Answer, Failure>, _: Time) {}

    fn says(&self) -> Says {
        let shows = match self.goal {
            Goal::Join => Shows::Admitted,
            Goal::Leave => Shows::Withdrawn,
            Goal::Deregister => Shows::Gone,
        };
        Says { shows, ..Says::default() }
    }
}
