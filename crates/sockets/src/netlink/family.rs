//! Address families, as the kernel numbers them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

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

    pub(super) fn of(number: u8) -> Option<Self> {
        [Self::V4, Self::V6].into_iter().find(|family| family.number() == number)
    }

    pub(super) fn address(self, bytes: [u8; 16]) -> IpAddr {
        match self {
            Self::V4 => Ipv4Addr::new(bytes[0], bytes[1], bytes[2], bytes[3]).into(),
            Self::V6 => Ipv6Addr::from(bytes).into(),
        }
    }
}
