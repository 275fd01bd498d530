//! What has arrived on a socket and was not read yet, also what the runtime has not heard of.

use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};
use tokio::net::TcpStream;

/// Whether something of the client's has arrived, its end included.
pub(super) fn has_unread(client: &TcpStream) -> bool {
    recv(client, &mut [0_u8; 1][..], RecvFlags::PEEK | RecvFlags::DONTWAIT).is_ok()
}

/// Whether the client has sent something that was not read, its end not counted.
pub(super) fn has_bytes(client: &TcpStream) -> bool {
    matches!(recv(client, &mut [0_u8; 1][..], RecvFlags::PEEK | RecvFlags::DONTWAIT), Ok((_, 1..)))
}

/// How a sender has ended all of whose bytes have been read.
pub(super) enum End {
    Clean,
    Reset,
}

/// The sender's end, if there is nothing before it. That it is a reset is told once.
pub(super) fn end_of(stream: &TcpStream) -> Option<End> {
    match recv(stream, &mut [0_u8; 1][..], RecvFlags::PEEK | RecvFlags::DONTWAIT) {
        Ok((_, length)) => (length == 0).then_some(End::Clean),
        Err(Errno::AGAIN | Errno::INTR) => None,
        Err(_) => Some(End::Reset),
    }
}
