//! What the kernel's answers mean: whose fault a refusal is.

use netlink_socket2::ReplyError;
use rustix::io::Errno;

use crate::error::Error;

/// What an answer means for whoever reads it.
pub(super) fn of(error: &ReplyError) -> Error {
    match Errno::from_io_error(error.as_io_error()).map(meaning) {
        None | Some(Error::Refused(_)) => Error::Refused(error.to_string()),
        Some(meaning) => meaning,
    }
}

/// What an error number means for whoever reads it.
pub(super) fn meaning(error: Errno) -> Error {
    match error {
        Errno::PERM | Errno::ACCESS => Error::NotAllowed(error.into()),
        // What nobody in the kernel knows: nf_tables, or its family for IPv4 and IPv6.
        Errno::OPNOTSUPP | Errno::AFNOSUPPORT | Errno::PROTONOSUPPORT => Error::NoNfTables(error.into()),
        _ => Error::Refused(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_whose_fault_it_is() {
        for error in [Errno::PERM, Errno::ACCESS] {
            assert!(matches!(meaning(error), Error::NotAllowed(_)), "{error}");
        }
        for error in [Errno::OPNOTSUPP, Errno::AFNOSUPPORT, Errno::PROTONOSUPPORT] {
            assert!(matches!(meaning(error), Error::NoNfTables(_)), "{error}");
        }
        for error in [Errno::NOMEM, Errno::MFILE, Errno::EXIST] {
            assert!(matches!(of(&std::io::Error::from(error).into()), Error::Refused(_)), "{error}");
        }
        assert!(
            matches!(of(&std::io::Error::other("cut short").into()), Error::Refused(why) if why.contains("cut short"))
        );
    }
}
