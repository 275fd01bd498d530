//! What a driver can be asked for, and what it answers.

use tokio::sync::oneshot;

use super::refusal::Refusal;
use crate::control::protocol::{Report, View};
use crate::history::Who;
use crate::spec::Spec;

/// What the driver can be asked for.
#[derive(Debug)]
pub enum Command {
    /// How everything is.
    View {
        /// The answer.
        reply: oneshot::Sender<View>,
    },
    /// Another spec.
    Deploy {
        /// What shall run.
        spec: Box<Spec>,
        /// Who asks.
        by: Who,
        /// What came of it, or why it is refused.
        reply: oneshot::Sender<Result<Answer, Refusal>>,
    },
    /// The last spec that worked.
    Rollback {
        /// Who asks.
        by: Who,
        /// What came of it, or why it is refused.
        reply: oneshot::Sender<Result<Answer, Refusal>>,
    },
    /// To hear of the deploy under way.
    Follow {
        /// Its number, or that there is none.
        reply: oneshot::Sender<Result<Answer, Refusal>>,
    },
    /// To take the deploy under way back.
    Abort {
        /// Who asks.
        by: Who,
        /// Its number, or that there is none.
        reply: oneshot::Sender<Result<Answer, Refusal>>,
    },
    /// To drain and end everything.
    Down {
        /// Who asks.
        by: Who,
    },
    /// Not to wait any longer for what `Down` waits for: first what is in flight, the second time the instances.
    Force,
}

/// What came of a request about deploys.
#[derive(Debug)]
pub enum Answer {
    /// The deploy of this number is under way.
    UnderWay(u64),
    /// All is as asked for already.
    NothingToDo(Box<Report>),
}
