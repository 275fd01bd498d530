//! A free port for an instance.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::ops::Range;

use crate::clock;

/// What the kernel gives to connections where it does not say.
const USUAL_FIRST_EPHEMERAL: u16 = 32768;
/// Below are the ports that people choose.
const FIRST: u16 = 15000;

/// A port on which nobody listens and that is not `taken`.
///
/// It lies below those that the kernel gives to outgoing connections: one of those, made between this look and the
/// instance's own bind, would make that bind fail, and a busy proxy makes thousands.
pub(super) fn free(taken: &BTreeSet<u16>) -> io::Result<u16> {
    let range = candidates();
    // Somewhere else at each start, so that two services seldom look at the same ones.
    let offset = clock::boottime_ms().wrapping_mul(7919).wrapping_add(std::process::id().into());
    let rotated = range.clone().cycle_from(offset);
    let free = |port: &u16| !taken.contains(port) && TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
    match rotated.into_iter().find(free) {
        Some(port) => Ok(port),
        // All are in use: whatever the kernel finds.
        None => Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port()),
    }
}

fn candidates() -> Range<u16> {
    let text = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    let first = text.split_whitespace().next().and_then(|first| first.parse().ok());
    let end = first.unwrap_or(USUAL_FIRST_EPHEMERAL);
    FIRST.min(end.saturating_sub(1)).max(1024)..end.max(1025)
}

trait CycleFrom {
    fn cycle_from(self, offset: u64) -> Vec<u16>;
}

impl CycleFrom for Range<u16> {
    fn cycle_from(self, offset: u64) -> Vec<u16> {
        let mut ports: Vec<u16> = self.collect();
        let middle = usize::try_from(offset).unwrap_or(0) % ports.len().max(1);
        ports.rotate_left(middle);
        ports
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_that_are_taken_or_listened_on_are_not_given() {
        let mut taken = BTreeSet::new();
        let mut listeners = Vec::new();
        while listeners.len() < 20 {
            let port = free(&taken).unwrap();
            assert!(taken.insert(port), "{port} was given twice");
            let unknown = free(&taken).unwrap();
            // Another program may have been quicker; somebody listens there in any case.
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, unknown));
            assert_ne!(free(&taken).unwrap(), unknown);
            listeners.extend(listener);
        }
    }

    #[test]
    fn they_are_not_those_of_outgoing_connections() {
        let range = candidates();
        assert!(range.contains(&free(&BTreeSet::new()).unwrap()));
    }
}
