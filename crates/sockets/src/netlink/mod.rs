//! Socket diagnostics: asks the kernel over netlink for every TCP socket of the namespace.
//!
//! The few structs that this takes are read and written here by hand, in safe code: TCP_INFO grows with every kernel,
//! so it is read by its length.

mod answer;
mod failure;
mod family;
mod inet;
mod message;
mod tcp_info;

#[cfg(test)]
mod tests;

use rustix::net::netlink::{SOCK_DIAG, SocketAddrNetlink};
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, sendto, socket_with};
use std::os::fd::OwnedFd;
use std::time::Duration;

use crate::snapshot::Sockets;
use answer::{Answer, Progress};
pub(crate) use failure::Failure;
use family::Family;

/// The kernel fills at most this much in one go.
const DATAGRAM: usize = 32 << 10;

/// How often a dump that was interrupted is taken again; the last one stands as it is.
const ATTEMPTS: u32 = 3;

/// The kernel answers at once or never; this only keeps the collector from hanging.
const PATIENCE: Duration = Duration::from_secs(2);

/// A netlink socket on which dumps are asked for, one at a time.
#[derive(Debug)]
pub(crate) struct Socket {
    descriptor: OwnedFd,
    sequence: u32,
    buffer: Vec<u8>,
}

impl Socket {
    pub(crate) fn open() -> Result<Self, Failure> {
        let (family, kind) = (AddressFamily::NETLINK, SocketType::DGRAM);
        let descriptor = socket_with(family, kind, SocketFlags::CLOEXEC, Some(SOCK_DIAG))?;
        set_socket_timeout(&descriptor, Timeout::Recv, Some(PATIENCE))?;
        Ok(Self { descriptor, sequence: 0, buffer: vec![0; DATAGRAM] })
    }

    /// Every TCP socket, of both families. After a failure the rest of an answer may still be to come: the socket is
    /// to be closed.
    pub(crate) fn sockets(&mut self) -> Result<Sockets, Failure> {
        let mut sockets = Sockets::default();
        for family in [Family::V4, Family::V6] {
            let mut found = self.dump(family)?;
            sockets.listeners.append(&mut found.listeners);
            sockets.connections.append(&mut found.connections);
        }
        Ok(sockets)
    }

    fn dump(&mut self, family: Family) -> Result<Sockets, Failure> {
        again(|| self.dump_once(family))
    }

    fn dump_once(&mut self, family: Family) -> Result<Answer, Failure> {
        self.sequence = self.sequence.wrapping_add(1);
        let kernel = SocketAddrNetlink::new(0, 0);
        sendto(&self.descriptor, &message::request(family, self.sequence), SendFlags::empty(), &kernel)?;
        let mut answer = Answer::to(self.sequence);
        loop {
            let (_, length) = rustix::io::retry_on_intr(|| {
                recv(&self.descriptor, self.buffer.as_mut_slice(), RecvFlags::TRUNC)
            })?;
            let datagram =
                self.buffer.get(..length).ok_or(Failure::Malformed("longer than a kernel sends"))?;
            if answer.take(datagram)? == Progress::Over {
                return Ok(answer);
            }
        }
    }
}

/// Takes an interrupted dump again, but not for ever.
fn again(mut dump: impl FnMut() -> Result<Answer, Failure>) -> Result<Sockets, Failure> {
    let mut attempt = 1;
    loop {
        let answer = dump()?;
        if !answer.interrupted || attempt == ATTEMPTS {
            return Ok(answer.sockets);
        }
        attempt += 1;
    }
}
