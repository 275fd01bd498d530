//! One socket in an answer: `struct inet_diag_msg` (72 bytes), then attributes.

use std::net::SocketAddr;
use std::time::Duration;

use super::failure::Failure;
use super::family::Family;
use super::message::{INFO, number};
use super::tcp_info;
use crate::snapshot::{RawSocket, Traffic};

const LENGTH: usize = 72;

/// The state, and the timer that runs in it. (The same timer ends a FIN_WAIT2 that no process has any more, but after
/// a time that can be set.)
const TIME_WAIT: u8 = 6;
const TIMER_TIME_WAIT: u8 = 3;

/// Reads a socket.
pub(super) fn parse(payload: &[u8]) -> Result<RawSocket, Failure> {
    let told = payload.get(..LENGTH).and_then(|header| {
        let family = Family::of(header[0])?;
        let port = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
        let address = |at: usize| Some(family.address(*header.get(at..)?.first_chunk()?));
        let left = Duration::from_millis(u64::from(number(header, 52)?));
        Some(RawSocket {
            state: header[1],
            local: SocketAddr::new(address(8)?, port(4)),
            remote: SocketAddr::new(address(24)?, port(6)),
            cookie: u64::from(number(header, 48)?) << 32 | u64::from(number(header, 44)?),
            time_wait_left: (header[1..3] == [TIME_WAIT, TIMER_TIME_WAIT]).then_some(left),
            receive_queue: number(header, 56)?,
            send_queue: number(header, 60)?,
            tells_backlog: true,
            inode: number(header, 68)?,
            traffic: traffic(&payload[LENGTH..]),
        })
    });
    told.ok_or(Failure::Malformed("a socket that is cut short, or of an unknown family"))
}

/// Finds TCP_INFO among the attributes.
fn traffic(mut attributes: &[u8]) -> Option<Traffic> {
    loop {
        let head: [u8; 4] = *attributes.first_chunk()?;
        let length = usize::from(u16::from_ne_bytes([head[0], head[1]]));
        let kind = u16::from_ne_bytes([head[2], head[3]]);
        let value = attributes.get(head.len()..length)?;
        if kind == u16::from(INFO) {
            return tcp_info::parse(value);
        }
        attributes = attributes.get(length.next_multiple_of(4)..)?;
    }
}
