//! How the kernel names and numbers what our rules are made of.

use std::ffi::CString;

use netlink_bindings::nftables::{CmpOps, MetaKeys, Nfgenmsg};

use crate::rule::{Comparison, Meta};

/// The family of rules for IPv4 and IPv6.
const INET: u8 = 1;

/// How a checksum is made: as the internet's.
pub(super) const CHECKSUM_OF_THE_INTERNET: u32 = 1;

/// The kernel's number of what is known of a packet.
pub(super) fn key(meta: Meta) -> u32 {
    match meta {
        Meta::InputInterface => MetaKeys::Iif as u32,
        Meta::OutputInterface => MetaKeys::Oif as u32,
        Meta::Family => MetaKeys::Nfproto as u32,
        Meta::Protocol => MetaKeys::L4Proto as u32,
    }
}

/// The kernel's number of a comparison.
pub(super) fn operator(comparison: Comparison) -> u32 {
    match comparison {
        Comparison::Equal => CmpOps::Eq as u32,
        Comparison::NotEqual => CmpOps::Neq as u32,
    }
}

/// The head of a message about our table.
pub(super) fn header() -> Nfgenmsg {
    let mut header = Nfgenmsg::new();
    header.nfgen_family = INET;
    header
}

pub(super) fn c_string(name: &str) -> CString {
    CString::new(name).expect("our names have no zero byte")
}
