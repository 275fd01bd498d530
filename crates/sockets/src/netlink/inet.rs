//! One socket in an answer: `struct inet_diag_msg` (72 bytes), then attributes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use super::Failure;
use super::message::number;
use super::tcp_info;
use crate::picture::{Told, Traffic};

const LENGTH: usize = 72;

/// The attribute that holds TCP_INFO.
pub(super) const INFO: u8 = 2;

/// The state, and the timer that runs in it. (The same timer ends a FIN_WAIT2 that no process has any more, but after
/// a time that can be set.)
const TIME_WAIT: u8 = 6;
const TIMER_TIME_WAIT: u8 = 3;

/// An address family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    V4,
    V6,
}

impl Family {
    pub(super) fn number(self) -> u8 {
        match self {
            Self::V4 => 2,
            Self::V6 => 10,
        }
    }

    fn address(self, bytes: [u8; 16]) -> IpAddr {
        match self {
            Self::V4 => Ipv4Addr::new(bytes[0], bytes[1], bytes[2], bytes[3]).into(),
            Self::V6 => Ipv6Addr::from(bytes).into(),
        }
    }
}

/// Reads a socket.
pub(super) fn parse(payload: &[u8]) -> Result<Told, Failure> {
    let told = payload.get(..LENGTH).and_then(|header| {
        let family = match header[0] {
            2 => Family::V4,
            10 => Family::V6,
            _ => return None,
        };
        let port = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
        let address = |at: usize| Some(family.address(*header.get(at..)?.first_chunk()?));
        let left = Duration::from_millis(u64::from(number(header, 52)?));
        Some(Told {
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
