//! Netlink messages: the request for a dump, and how an answer falls into messages. All numbers are the machine's own.

use super::family::Family;

/// The length of a message's header, and of every request here.
const HEADER: usize = 16;
pub(super) const REQUEST: usize = HEADER + 56;

/// The kinds of messages that an answer has.
pub(super) const ERROR: u16 = 2;
pub(super) const DONE: u16 = 3;
pub(super) const OVERRUN: u16 = 4;
pub(super) const SOCKET: u16 = 20;

/// The dump was interrupted: what it shows may never have been true at once.
pub(super) const INTERRUPTED: u16 = 0x10;

/// The attribute that holds TCP_INFO.
pub(super) const INFO: u8 = 2;

const IS_REQUEST: u16 = 1;
const DUMP: u16 = 0x300;
const TCP: u8 = 6;
/// Every state from ESTABLISHED to CLOSING.
const STATES: u32 = 0b1111_1111_1110;

/// Asks for every TCP socket of a family, with its TCP_INFO.
pub(super) fn request(family: Family, sequence: u32) -> [u8; REQUEST] {
    let mut bytes = [0; REQUEST];
    let mut at = 0;
    let mut put = |field: &[u8]| {
        bytes[at..at + field.len()].copy_from_slice(field);
        at += field.len();
    };
    put(&u32::try_from(REQUEST).unwrap_or(0).to_ne_bytes());
    put(&SOCKET.to_ne_bytes());
    put(&(IS_REQUEST | DUMP).to_ne_bytes());
    put(&sequence.to_ne_bytes());
    put(&0_u32.to_ne_bytes());
    put(&[family.number(), TCP, 1 << (INFO - 1), 0]);
    put(&STATES.to_ne_bytes());
    // The rest names one socket; a dump is not asked for one.
    bytes
}

/// One message of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Message<'a> {
    pub(super) kind: u16,
    pub(super) flags: u16,
    pub(super) sequence: u32,
    pub(super) payload: &'a [u8],
}

/// Takes the first message off a datagram; `None` where none begins.
pub(super) fn next<'a>(datagram: &mut &'a [u8]) -> Option<Message<'a>> {
    let length = usize::try_from(number(datagram, 0)?).ok()?;
    let message = datagram.get(..length).filter(|message| message.len() >= HEADER)?;
    *datagram = datagram.get(length.next_multiple_of(4)..).unwrap_or_default();
    let [kind, flags] = [4, 6].map(|at| u16::from_ne_bytes([message[at], message[at + 1]]));
    Some(Message { kind, flags, sequence: number(message, 8)?, payload: &message[HEADER..] })
}

/// The 32-bit number at a place.
pub(super) fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}
