//! Why nothing is redirected: whose fault it is, and what to do.

use std::io;

/// Why the rules are not there. The pod must not start then: clients would go past the guard.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not this program's to change. It is the manifest's or a policy's fault.
    #[error(
        "the kernel does not allow it ({0}): this container must run as root (runAsUser: 0) with the capability NET_ADMIN, and nothing \
         between (a user namespace, a policy of the cluster) may take it away; or inject without --redirect"
    )]
    NotAllowed(io::Error),
    /// The kernel of this node can't.
    #[error(
        "the kernel of this node has no nf_tables ({0}): it needs CONFIG_NF_TABLES and CONFIG_NF_TABLES_INET (Linux 4.9 or later; not \
         gVisor); let these pods run on other nodes, or inject without --redirect"
    )]
    NoNfTables(io::Error),
    /// The kernel refused one of the rules.
    #[error(
        "the kernel refused the rules ({0}): inject without --redirect, and tell Segue's developers with the kernel's version"
    )]
    Refused(String),
    /// What is there is not what was written.
    #[error(
        "the kernel took the rules and shows others ({0}): something else in this pod changes the table inet segue; find it, or inject \
         without --redirect"
    )]
    NotAsWritten(String),
}
