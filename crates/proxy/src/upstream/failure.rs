//! Why an instance gave no whole answer.

use std::io;

use crate::verdict::Verdict;

/// Why no answer came, or not all of it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// Not a byte of the request has left: it may go elsewhere.
    #[error("the instance closed the connection before the request left: {0}")]
    Unsent(#[source] io::Error),
    /// The instance ended the connection.
    #[error("the instance ended the connection: {0}")]
    Closed(#[source] io::Error),
    /// What came is no HTTP.
    #[error("the instance's answer is malformed")]
    Malformed,
    /// The client's body broke off.
    #[error("the client's body broke off")]
    ClientBody,
    /// The sweep ended it.
    #[error("ended: {0:?}")]
    Judged(Verdict),
}
