//! The rules as data: what stands in the kernel's table, and so what becomes of a packet.
//!
//! Both chains see packets of this machine alone: *input* those that are for it, *output* those that it sends. What is only passed
//! on (a container within the container) is in neither. Input comes after everybody else's chains and output before them, so rules
//! of others see the application's port both ways.

#[cfg(test)]
mod tests;

use crate::redirects::{Redirect, Redirects};

/// The name of our table; it is of the family `inet`, for IPv4 and IPv6.
pub const TABLE: &str = "segue";

/// The loopback interface: the first of every network namespace.
const LOOPBACK: u32 = 1;

const ICMP: u8 = 1;
const TCP: u8 = 6;
const ICMPV6: u8 = 58;

/// What netfilter calls the families.
const IPV4: u8 = 2;
const IPV6: u8 = 10;

/// Where TCP's header has its ports, and TCP's and ICMP's theirs their checksum.
const SOURCE: u32 = 0;
const DESTINATION: u32 = 2;
const TCP_CHECKSUM: u32 = 16;
const ICMP_CHECKSUM: u32 = 2;

/// ICMP's destination unreachable, "fragmentation needed" among them.
const UNREACHABLE: u8 = 3;
/// ICMPv6's destination unreachable, and packet too big.
const ERRORS_OF_IPV6: [u8; 2] = [1, 2];

/// A chain of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Chain {
    /// What is for this machine.
    Input,
    /// What it sends.
    Output,
}

impl Chain {
    pub(crate) const ALL: [Self; 2] = [Self::Input, Self::Output];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Output => "output",
        }
    }

    /// Netfilter's number of the hook.
    pub(crate) fn hook(self) -> u32 {
        match self {
            Self::Input => 1,
            Self::Output => 3,
        }
    }

    /// The lower the sooner. Others' are from −400 (reassembly) to 300 (helpers of connection tracking).
    pub(crate) fn priority(self) -> i32 {
        match self {
            Self::Input => 500,
            Self::Output => -500,
        }
    }
}

/// What is known of a packet beside its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meta {
    /// The interface by which it came.
    InputInterface,
    /// The interface by which it goes.
    OutputInterface,
    /// IPv4 or IPv6.
    Family,
    /// The protocol above IP.
    Protocol,
}

impl Meta {
    pub(crate) const ALL: [Self; 4] =
        [Self::InputInterface, Self::OutputInterface, Self::Family, Self::Protocol];
}

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
}

impl Comparison {
    pub(crate) const ALL: [Self; 2] = [Self::Equal, Self::NotEqual];
}

/// One step of a rule. There is one register; a comparison that does not hold ends the rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// Something about the packet into the register.
    Meta(Meta),
    /// Bytes of the transport header into the register.
    Load {
        at: u32,
        length: u32,
    },
    Compare(Comparison, Vec<u8>),
    /// These bytes into the register.
    Value(Vec<u8>),
    /// The register into the transport header, whose checksum follows.
    Store {
        at: u32,
        length: u32,
        checksum: u32,
    },
    /// The packet is gone.
    Drop,
}

/// One rule: its steps, one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) chain: Chain,
    pub(crate) steps: Vec<Step>,
}

/// All rules, in their order.
pub(crate) fn rules(redirects: &Redirects) -> Vec<Rule> {
    let closed = redirects.iter().map(closed);
    let led = redirects.iter().flat_map(|one| {
        let of_ipv6 = ERRORS_OF_IPV6.map(|kind| error_of_ipv6(one, kind));
        [into(one), error_of_ipv4(one)].into_iter().chain(of_ipv6)
    });
    // Before any port is written over: a port that was led there is not one that somebody asked for.
    closed.chain(led).chain(redirects.iter().map(back)).collect()
}

/// From outside the guard's own port is reached by the application's alone: answers of it come from there.
fn closed(Redirect { to, .. }: Redirect) -> Rule {
    let mut steps = from_outside();
    steps.extend(is_tcp());
    steps.extend(has(DESTINATION, to));
    steps.push(Step::Drop);
    Rule { chain: Chain::Input, steps }
}

fn into(Redirect { from, to }: Redirect) -> Rule {
    let mut steps = from_outside();
    steps.extend(is_tcp());
    steps.extend(has(DESTINATION, from));
    steps.extend(becomes(DESTINATION, to, TCP_CHECKSUM));
    Rule { chain: Chain::Input, steps }
}

fn back(Redirect { from, to }: Redirect) -> Rule {
    let mut steps = vec![Step::Meta(Meta::OutputInterface), not(&LOOPBACK.to_ne_bytes())];
    steps.extend(is_tcp());
    steps.extend(has(SOURCE, to));
    steps.extend(becomes(SOURCE, from, TCP_CHECKSUM));
    Rule { chain: Chain::Output, steps }
}

/// A router's word about a packet that was sent from the application's port, such as that it is too big, is for the guard. It quotes
/// the packet from its IP header on, 8 bytes behind its own begin.
fn error_of_ipv4(redirect: Redirect) -> Rule {
    const QUOTED: u32 = 8;
    let mut steps = from_outside();
    steps.extend([Step::Meta(Meta::Family), is(&[IPV4]), Step::Meta(Meta::Protocol), is(&[ICMP])]);
    steps.extend([byte(0), is(&[UNREACHABLE])]);
    // An IPv4 header without options: TCP's ports are 20 bytes behind its begin.
    steps.extend([byte(QUOTED), is(&[0x45]), byte(QUOTED + 9), is(&[TCP])]);
    steps.extend(quoted(QUOTED + 20, redirect));
    Rule { chain: Chain::Input, steps }
}

fn error_of_ipv6(redirect: Redirect, kind: u8) -> Rule {
    const QUOTED: u32 = 8;
    let mut steps = from_outside();
    steps.extend([Step::Meta(Meta::Family), is(&[IPV6]), Step::Meta(Meta::Protocol), is(&[ICMPV6])]);
    steps.extend([byte(0), is(&[kind]), byte(QUOTED + 6), is(&[TCP])]);
    steps.extend(quoted(QUOTED + 40, redirect));
    Rule { chain: Chain::Input, steps }
}

/// The port that a quoted packet is from.
fn quoted(header: u32, Redirect { from, to }: Redirect) -> impl Iterator<Item = Step> {
    has(header + SOURCE, from).into_iter().chain(becomes(header + SOURCE, to, ICMP_CHECKSUM))
}

fn from_outside() -> Vec<Step> {
    vec![Step::Meta(Meta::InputInterface), not(&LOOPBACK.to_ne_bytes())]
}

fn is_tcp() -> [Step; 2] {
    [Step::Meta(Meta::Protocol), is(&[TCP])]
}

fn has(at: u32, port: u16) -> [Step; 2] {
    [Step::Load { at, length: 2 }, is(&port.to_be_bytes())]
}

fn becomes(at: u32, port: u16, checksum: u32) -> [Step; 2] {
    [Step::Value(port.to_be_bytes().to_vec()), Step::Store { at, length: 2, checksum }]
}

fn byte(at: u32) -> Step {
    Step::Load { at, length: 1 }
}

fn is(value: &[u8]) -> Step {
    Step::Compare(Comparison::Equal, value.to_vec())
}

fn not(value: &[u8]) -> Step {
    Step::Compare(Comparison::NotEqual, value.to_vec())
}
