//! Takes snapshots: by the kernel's socket diagnostics, or by `/proc` where those are refused.
//!
//! A refusal (no such protocol in gVisor, a seccomp filter, a kernel without `tcp_diag`) is for good. Any other failure
//! costs that one snapshot its times; the next one asks again.

use std::io;
use std::path::PathBuf;

use segue_core::Time;

use crate::netlink::{self, Failure};
use crate::proc;
use crate::snapshot::{Snapshot, Sockets, Source};

/// Takes snapshots of the network namespace of the process.
#[derive(Debug)]
pub struct Collector {
    netlink: Netlink,
    tables: proc::Tables,
}

#[derive(Debug)]
enum Netlink {
    Open(netlink::Socket),
    Closed,
    Refused(io::Error),
}

/// Why no snapshot could be taken. The kernel or what confines this process refused both ways.
#[derive(Debug, thiserror::Error)]
#[error("sockets can't be seen: {file} can't be read ({cause}), and socket diagnostics: {netlink}")]
pub struct CollectError {
    /// The file that was tried last.
    pub file: String,
    /// What was wrong with it.
    #[source]
    pub cause: io::Error,
    /// What was wrong with socket diagnostics.
    pub netlink: String,
}

impl Collector {
    /// Finds a way to see sockets.
    pub fn open() -> Result<Self, CollectError> {
        let mut collector =
            Self { netlink: Netlink::Closed, tables: proc::Tables::new(PathBuf::from("/proc/net")) };
        collector.snapshot(Time::default)?;
        Ok(collector)
    }

    /// Collects from `/proc` only, as where socket diagnostics are refused.
    pub fn by_proc() -> Self {
        let refused = io::Error::other("not asked for");
        Self { netlink: Netlink::Refused(refused), tables: proc::Tables::new(PathBuf::from("/proc/net")) }
    }

    /// Takes a snapshot. It does not wait for anything but the kernel's work: a few microseconds per socket.
    ///
    /// The clock `now` is asked once the kernel has told all: whatever is reckoned back from it, such as when a request
    /// came, may be as late as the collecting was long, but not too early.
    pub fn snapshot(&mut self, now: impl FnOnce() -> Time) -> Result<Snapshot, CollectError> {
        // Before the sockets: then whatever is counted was open when they are looked at, or is over.
        let passive_opens = self.tables.passive_opens();
        let (source, mut sockets) = match self.by_netlink() {
            Ok(sockets) => (Source::Netlink, sockets),
            Err(netlink) => {
                let sockets = self.tables.sockets().map_err(|(file, cause)| CollectError {
                    file: file.display().to_string(),
                    cause,
                    netlink,
                })?;
                (Source::Proc, sockets)
            }
        };
        sockets.settle();
        let (listeners, connections) = (sockets.listeners, sockets.connections);
        Ok(Snapshot { taken: now(), source, passive_opens, listeners, connections })
    }

    fn by_netlink(&mut self) -> Result<Sockets, String> {
        let result = match &mut self.netlink {
            Netlink::Refused(why) => return Err(why.to_string()),
            Netlink::Open(socket) => socket.sockets(),
            Netlink::Closed => netlink::Socket::open().and_then(|mut socket| {
                let sockets = socket.sockets()?;
                self.netlink = Netlink::Open(socket);
                Ok(sockets)
            }),
        };
        result.map_err(|failure| {
            let text = failure.to_string();
            self.netlink = match failure {
                Failure::Refused(why) => Netlink::Refused(why),
                // What is left of an answer must not be taken for the next one: a new socket.
                Failure::Passing(_) | Failure::Malformed(_) => Netlink::Closed,
            };
            text
        })
    }
}
