//! Talks with the kernel: one transaction that puts our table in the place of an earlier one, and a look at what is there then.

mod answer;
mod names;
mod read;
mod write;

use netlink_bindings::nftables::{Nfgenmsg, Request};
use netlink_socket2::NetlinkSocket;
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, netlink, socket_with};

use answer::{meaning, of};

use crate::error::Error;
use crate::redirects::Redirects;
use crate::rule::rules;

/// Puts the rules for these redirects into the network namespace of the calling thread, in the place of those of before, and sees
/// that they are there. Tables of others stay as they are.
pub fn install(redirects: &Redirects) -> Result<(), Error> {
    let (mut socket, rules) = (NetlinkSocket::new(), rules(redirects));
    is_there(&mut socket)?;
    write::table(&mut socket, &rules)?;
    read::differences(&mut socket, &rules)
}

/// Whether the kernel has nf_tables, and lets this program use it.
fn is_there(socket: &mut NetlinkSocket) -> Result<(), Error> {
    // The library calls whatever keeps a socket from being made "not permitted".
    let netfilter = Some(netlink::NETFILTER);
    socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, netfilter).map_err(meaning)?;
    let request = Request::new().op_getgen_do(&Nfgenmsg::new());
    let mut reply = socket.request(&request).map_err(|error| Error::Refused(error.to_string()))?;
    reply.recv_one().map(drop).map_err(|error| match Errno::from_io_error(error.as_io_error()) {
        // So netfilter answers for a part that is not there.
        Some(Errno::INVAL) => Error::NoNfTables(Errno::INVAL.into()),
        _ => of(&error),
    })
}
