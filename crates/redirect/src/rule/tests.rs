//! What becomes of a packet under the rules, without a kernel.

use super::*;
use proptest::prelude::*;

/// A packet as a chain sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Packet {
    chain: Chain,
    /// In or out, as the chain has it.
    interface: u32,
    family: u8,
    protocol: u8,
    /// The transport header and what is behind it.
    bytes: Vec<u8>,
}

/// What the kernel would do; `None` if the packet is gone.
fn through(rules: &[Rule], mut packet: Packet) -> Option<Packet> {
    'rules: for rule in rules.iter().filter(|rule| rule.chain == packet.chain) {
        let mut register: Vec<u8> = Vec::new();
        for step in &rule.steps {
            match step {
                Step::Meta(meta) => {
                    register = match (meta, packet.chain) {
                        (Meta::InputInterface, Chain::Input) | (Meta::OutputInterface, Chain::Output) => {
                            packet.interface.to_ne_bytes().to_vec()
                        }
                        (Meta::InputInterface | Meta::OutputInterface, _) => continue 'rules,
                        (Meta::Family, _) => vec![packet.family],
                        (Meta::Protocol, _) => vec![packet.protocol],
                    }
                }
                Step::Load { at, length } => {
                    let (at, length) = (*at as usize, *length as usize);
                    let Some(bytes) = packet.bytes.get(at..at + length) else { continue 'rules };
                    register = bytes.to_vec();
                }
                Step::Compare(comparison, value) => {
                    let holds = match comparison {
                        Comparison::Equal => register == *value,
                        Comparison::NotEqual => register != *value,
                    };
                    if !holds {
                        continue 'rules;
                    }
                }
                Step::Value(value) => register.clone_from(value),
                Step::Store { at, length, .. } => {
                    let (at, length) = (*at as usize, *length as usize);
                    packet.bytes[at..at + length].copy_from_slice(&register);
                }
                Step::Drop => return None,
            }
        }
    }
    Some(packet)
}

const OUTSIDE: u32 = 2;

fn tcp(chain: Chain, interface: u32, source: u16, destination: u16) -> Packet {
    let mut bytes = vec![0; 20];
    bytes[..2].copy_from_slice(&source.to_be_bytes());
    bytes[2..4].copy_from_slice(&destination.to_be_bytes());
    Packet { chain, interface, family: IPV4, protocol: TCP, bytes }
}

fn ports(packet: &Packet) -> (u16, u16) {
    let port = |at: usize| u16::from_be_bytes([packet.bytes[at], packet.bytes[at + 1]]);
    (port(0), port(2))
}

/// An error about a packet that was sent from a port: IPv4's quotes 20 bytes of its IP header, IPv6's 40.
fn quoting(family: u8, kind: u8, protocol: u8, source: u16) -> Packet {
    let (own, header, at) = if family == IPV4 { (ICMP, 20, 9) } else { (ICMPV6, 40, 6) };
    let mut bytes = vec![0; 8 + header + 8];
    bytes[0] = kind;
    bytes[8] = if family == IPV4 { 0x45 } else { 0x60 };
    bytes[8 + at] = protocol;
    bytes[8 + header..8 + header + 2].copy_from_slice(&source.to_be_bytes());
    Packet { chain: Chain::Input, interface: OUTSIDE, family, protocol: own, bytes }
}

fn quoted_port(packet: &Packet) -> u16 {
    let at = 8 + if packet.family == IPV4 { 20 } else { 40 };
    u16::from_be_bytes([packet.bytes[at], packet.bytes[at + 1]])
}

fn some() -> Redirects {
    let redirect = |(from, to)| Redirect { from, to };
    Redirects::of([(80, 15180), (8080, 15181)].map(redirect)).unwrap()
}

prop_compose! {
    /// Up to five redirects over a few ports, so that their ports lie close together.
    fn any_redirects()(ports in prop::sample::subsequence((1_u16..=20).collect::<Vec<_>>(), 2..=10), seed in any::<u64>())
        -> Redirects {
        let mut ports = ports;
        // Any order: what is led may be above or below where it is led.
        let length = ports.len();
        ports.rotate_left(usize::try_from(seed % length as u64).unwrap());
        let pairs = ports.chunks_exact(2).map(|pair| Redirect { from: pair[0], to: pair[1] });
        Redirects::of(pairs).unwrap()
    }
}

proptest! {
    /// What comes for one port, and its answer, are the client's conversation with that port, whoever answers; what is not
    /// redirected is as it was.
    #[test]
    fn every_conversation_from_outside_stays_one(redirects in any_redirects(), port in 1_u16..=20) {
        let rules = rules(&redirects);
        let led = redirects.iter().find(|one| one.from == port);
        let asked = through(&rules, tcp(Chain::Input, OUTSIDE, 40_000, port));
        if redirects.iter().any(|one| one.to == port) {
            prop_assert_eq!(asked, None, "the guard's own number");
        } else {
            let asked = ports(&asked.unwrap());
            prop_assert_eq!(asked, (40_000, led.map_or(port, |one| one.to)));
            let answered = through(&rules, tcp(Chain::Output, OUTSIDE, asked.1, asked.0)).unwrap();
            prop_assert_eq!(ports(&answered), (port, 40_000));
        }
    }

    /// Loopback, other protocols and every other byte are not touched.
    #[test]
    fn what_is_not_tcp_from_or_to_outside_is_not_touched(
        redirects in any_redirects(), input in any::<bool>(), source in 1_u16..=20, destination in 1_u16..=20,
        protocol in prop::sample::select(vec![TCP, 17, 132]), family in prop::sample::select(vec![IPV4, IPV6])
    ) {
        let chain = if input { Chain::Input } else { Chain::Output };
        let rules = rules(&redirects);
        let interface = if protocol == TCP { LOOPBACK } else { OUTSIDE };
        let packet = Packet { family, protocol, ..tcp(chain, interface, source, destination) };
        prop_assert_eq!(through(&rules, packet.clone()), Some(packet));
    }

    /// The pod's own connections to others go out from ports of their own, and their answers come back there.
    #[test]
    fn the_pods_own_connections_are_not_touched(redirects in any_redirects(), port in 1_u16..=20) {
        let rules = rules(&redirects);
        for packet in [tcp(Chain::Output, OUTSIDE, 40_000, port), tcp(Chain::Input, OUTSIDE, port, 40_000)] {
            prop_assert_eq!(through(&rules, packet.clone()), Some(packet));
        }
    }
}

#[test]
fn both_families_are_led_alike() {
    let rules = rules(&some());
    for family in [IPV4, IPV6] {
        let asked = Packet { family, ..tcp(Chain::Input, OUTSIDE, 40_000, 8080) };
        assert_eq!(ports(&through(&rules, asked).unwrap()), (40_000, 15181));
    }
}

#[test]
fn an_error_about_the_applications_port_is_for_the_guard() {
    let rules = rules(&some());
    let after = |packet: Packet| quoted_port(&through(&rules, packet).unwrap());
    for (family, kinds) in [(IPV4, &[UNREACHABLE][..]), (IPV6, &[1, 2])] {
        for kind in kinds {
            assert_eq!(after(quoting(family, *kind, TCP, 8080)), 15181);
            assert_eq!(after(quoting(family, *kind, TCP, 80)), 15180);
            assert_eq!(after(quoting(family, *kind, TCP, 9090)), 9090);
            assert_eq!(after(quoting(family, *kind, 17, 8080)), 8080, "of UDP");
        }
        for kind in [0, 8, 128] {
            assert_eq!(after(quoting(family, kind, TCP, 8080)), 8080, "no error");
        }
    }
    let inside = Packet { interface: LOOPBACK, ..quoting(IPV4, UNREACHABLE, TCP, 8080) };
    assert_eq!(after(inside), 8080);
}

#[test]
fn an_error_that_quotes_a_header_with_options_is_left_as_it_is() {
    let mut packet = quoting(IPV4, UNREACHABLE, TCP, 8080);
    packet.bytes[8] = 0x46;
    assert_eq!(through(&rules(&some()), packet.clone()), Some(packet));
}

/// A port number in the payload of an echo, or an error of the other family, is no port.
#[test]
fn a_family_reads_its_own_errors_alone() {
    let rules = rules(&some());
    for (family, other) in [(IPV4, ICMPV6), (IPV6, ICMP)] {
        for kind in 0..=3 {
            let packet = Packet { protocol: other, ..quoting(family, kind, TCP, 8080) };
            assert_eq!(through(&rules, packet.clone()), Some(packet));
        }
    }
}

#[test]
fn the_chains_stand_around_everybody_elses() {
    assert!(Chain::Input.priority() > 300 && Chain::Output.priority() < -400);
}
