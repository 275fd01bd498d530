//! Header fields: the bytes of a name and a value, lists of options, and what the fields say of a message's length.

use httparse::Header;

/// Whether a byte may stand in a field's name.
pub(super) const fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'`' | b'|' | b'~')
}

/// Whether a byte may stand in a field's value: no control character but the tab.
pub(super) const fn is_value(byte: u8) -> bool {
    matches!(byte, b'\t' | b' '..=b'~' | 0x80..)
}

/// The options of a list such as `Connection`'s.
pub(super) fn options(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii)
}

/// The body that a message's fields announce.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Announced {
    /// No field says anything of a body.
    Nothing,
    /// This many bytes.
    Length(u64),
    /// Chunks.
    Chunked,
}

/// What the fields of one head say that concerns framing, requests and answers alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fields<'a> {
    pub(super) announced: Announced,
    /// `Connection` says `close`, or nothing of `keep-alive` in HTTP/1.0.
    pub(super) close: bool,
    pub(super) upgrade: Option<&'a [u8]>,
    pub(super) expect: Option<&'a [u8]>,
    pub(super) user_agent: Option<&'a [u8]>,
}

impl<'a> Fields<'a> {
    /// Reads the fields of `head`; `None` if they can be read in more than one way.
    pub(super) fn read(head: &[u8], headers: &[Header<'a>], http10: bool) -> Option<Self> {
        let mut fields = Self {
            announced: Announced::Nothing,
            close: false,
            upgrade: None,
            expect: None,
            user_agent: None,
        };
        let mut keep_alive = false;
        for header in headers {
            if framing_in_disguise(header.name) {
                return None;
            }
            if is(header, "content-length") || is(header, "transfer-encoding") {
                // A second one, of either kind, is one too many even if it says the same.
                if fields.announced != Announced::Nothing || !plain(head, header) {
                    return None;
                }
                fields.announced = if is(header, "content-length") {
                    Announced::Length(length(header.value)?)
                } else {
                    chunked(header.value, http10)?
                };
            } else if is(header, "connection") {
                fields.close |= options(header.value).any(|option| option.eq_ignore_ascii_case(b"close"));
                keep_alive |= options(header.value).any(|option| option.eq_ignore_ascii_case(b"keep-alive"));
            } else if is(header, "upgrade") {
                fields.upgrade.get_or_insert(header.value);
            } else if is(header, "expect") {
                if fields.expect.replace(header.value).is_some() {
                    return None;
                }
            } else if is(header, "user-agent") {
                fields.user_agent.get_or_insert(header.value);
            }
        }
        fields.close |= http10 && !keep_alive;
        Some(fields)
    }
}

fn is(header: &Header<'_>, name: &str) -> bool {
    header.name.eq_ignore_ascii_case(name)
}

/// `Content_Length` is a length to programs that take fields from their environment's variables.
fn framing_in_disguise(name: &str) -> bool {
    let alike = |(byte, known): (u8, u8)| byte.eq_ignore_ascii_case(&known) || (byte, known) == (b'_', b'-');
    name.contains('_')
        && ["content-length", "transfer-encoding"]
            .iter()
            .any(|known| name.len() == known.len() && name.bytes().zip(known.bytes()).all(alike))
}

/// Whether nothing but spaces stand before a value, and nothing behind it: what else counts as white space is
/// something that programs disagree on.
fn plain(head: &[u8], header: &Header<'_>) -> bool {
    let (name, value) = (position(head, header.name.as_bytes()), position(head, header.value));
    let before = head.get(name.end + 1..value.start).unwrap_or_default();
    before.iter().all(|&byte| byte == b' ') && head.get(value.end) == Some(&b'\r')
}

/// Where `part`, a slice of `whole`, lies in it.
pub(super) fn position(whole: &[u8], part: &[u8]) -> std::ops::Range<usize> {
    let start = part.as_ptr().addr().saturating_sub(whole.as_ptr().addr());
    start..start + part.len()
}

/// Digits and nothing else, and no more than every program can hold.
fn length(value: &[u8]) -> Option<u64> {
    if !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let length: i64 = std::str::from_utf8(value).ok()?.parse().ok()?;
    u64::try_from(length).ok()
}

/// Only `chunked` itself: with any other coding, or in HTTP/1.0, programs disagree on where the body ends.
fn chunked(value: &[u8], http10: bool) -> Option<Announced> {
    (!http10 && value.eq_ignore_ascii_case(b"chunked")).then_some(Announced::Chunked)
}
