//! Why the kernel did not tell, and whether it is worth asking again.

use std::io;

use rustix::io::Errno;

/// Why the kernel did not tell.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// It never will: not built in, not allowed, not known here.
    #[error("refused: {0}")]
    Refused(io::Error),
    /// It may next time.
    #[error("failed: {0}")]
    Passing(io::Error),
    /// Not what a kernel is known to say.
    #[error("an answer that is not understood: {0}")]
    Malformed(&'static str),
}

impl From<Errno> for Failure {
    fn from(errno: Errno) -> Self {
        let refusals = [
            Errno::NOENT,
            Errno::PERM,
            Errno::ACCESS,
            Errno::NOSYS,
            Errno::INVAL,
            Errno::OPNOTSUPP,
            Errno::AFNOSUPPORT,
            Errno::PROTONOSUPPORT,
            Errno::SOCKTNOSUPPORT,
        ];
        if refusals.contains(&errno) { Self::Refused(errno.into()) } else { Self::Passing(errno.into()) }
    }
}
