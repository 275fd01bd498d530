//! What a connection speaks, by its first bytes.
//!
//! They are kept back until that is clear: a few bytes at most, and only if they are how HTTP may begin.

use segue_core::pod::Protocol;
use segue_wire::http2::{FrameHeader, PREFACE};

/// What the client's first bytes say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detected {
    /// More bytes are needed.
    More,
    /// So many bytes of a load balancer's PROXY header come first; what follows decides.
    Proxied(usize),
    /// HTTP/1.
    Http1,
    /// HTTP/2 with prior knowledge.
    Http2,
    /// Something else.
    Tcp,
}

/// The methods that are taken for HTTP where nobody has said that it is: those of RFC 9110, PATCH and WebDAV's.
const METHODS: [&str; 16] = [
    "GET",
    "POST",
    "PUT",
    "DELETE",
    "HEAD",
    "OPTIONS",
    "PATCH",
    "CONNECT",
    "TRACE",
    "PROPFIND",
    "PROPPATCH",
    "MKCOL",
    "COPY",
    "MOVE",
    "LOCK",
    "UNLOCK",
];

const PROXY_1: &[u8] = b"PROXY ";
const PROXY_2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// The longest PROXY header of version 1, with its line's end.
const PROXY_1_LONGEST: usize = 107;

pub(crate) fn detect(bytes: &[u8], protocol: Protocol) -> Detected {
    if protocol == Protocol::Tcp {
        return Detected::Tcp;
    }
    if let Some(found) = proxied(bytes) {
        return found;
    }
    if bytes.starts_with(PREFACE) {
        return Detected::Http2;
    }
    if PREFACE.starts_with(bytes) {
        return Detected::More;
    }
    if protocol == Protocol::Http {
        return Detected::Http1;
    }
    let method = |method: &str| {
        let (name, rest) = bytes.split_at_checked(method.len()).unwrap_or((b"", b""));
        name == method.as_bytes() && rest.first() == Some(&b' ')
    };
    if METHODS.iter().any(|name| method(name)) {
        return Detected::Http1;
    }
    let may_become = METHODS.iter().any(|name| name.as_bytes().starts_with(bytes));
    if may_become { Detected::More } else { Detected::Tcp }
}

/// Whether the application's first bytes are the settings with which an HTTP/2 server begins, often before the client has
/// said anything; `None` if more bytes are needed.
pub(crate) fn is_settings(bytes: &[u8]) -> Option<bool> {
    // A length below 256, the kind, no flags, stream 0.
    const HEADER: [u8; FrameHeader::LENGTH] = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    let is_so_far = bytes.iter().zip(HEADER).enumerate().all(|(at, (byte, known))| at == 2 || *byte == known);
    match (is_so_far, bytes.len() < HEADER.len()) {
        (true, true) => None,
        (true, false) => Some(bytes[2].is_multiple_of(6)),
        (false, _) => Some(false),
    }
}

fn proxied(bytes: &[u8]) -> Option<Detected> {
    if bytes.starts_with(PROXY_1) {
        let line = &bytes[..bytes.len().min(PROXY_1_LONGEST)];
        return Some(match line.windows(2).position(|two| two == b"\r\n") {
            Some(end) => Detected::Proxied(end + 2),
            None if line.len() < PROXY_1_LONGEST => Detected::More,
            None => Detected::Tcp,
        });
    }
    if bytes.starts_with(PROXY_2) {
        let Some(length) = bytes.get(14..16) else { return Some(Detected::More) };
        let whole = 16 + usize::from(u16::from_be_bytes([length[0], length[1]]));
        // What of it is here passes at once: it may be longer than a buffer.
        return Some(Detected::Proxied(whole));
    }
    let begins = |whole: &[u8]| whole.starts_with(bytes);
    // One such byte says nothing yet, and after an empty line HTTP may follow.
    (bytes.len() > 1 && (begins(PROXY_1) || begins(PROXY_2))).then_some(Detected::More)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_decide_where_nobody_said_what_is_spoken() {
        for (bytes, expected) in [
            ("GET / HTTP/1.1\r\n", Detected::Http1),
            ("GE", Detected::More),
            ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Detected::Http2),
            ("PRI * HTTP/2.0\r\n\r\nS", Detected::More),
            ("P", Detected::More),
            ("PING\r\n", Detected::Tcp),
            ("get /\r\n", Detected::Tcp),
            ("\u{16}\u{3}\u{1}", Detected::Tcp),
            ("PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\nGET", Detected::Proxied(32)),
            ("PROXY TCP4 1.2", Detected::More),
            ("PROX", Detected::More),
            ("\r\n\r\n\0\r\nQUIT\n\u{21}\u{11}\0\u{c}............", Detected::Proxied(28)),
            ("\r\n\r\n\0\r\nQUIT\n\u{21}", Detected::More),
            ("\r\n\r\n\0\r\nQUIT\n\u{21}\u{11}\0", Detected::More),
            ("\r\n\r\n\0\r\nQUIT\n\u{21}\u{11}\u{1}\u{2}", Detected::Proxied(16 + 258)),
            ("\r", Detected::Tcp),
            ("\r\n", Detected::More),
            ("\r\n\r\nGET", Detected::Tcp),
            ("PRO", Detected::More),
            ("PROXIED ", Detected::Tcp),
            ("PUT", Detected::More),
            ("PUT ", Detected::Http1),
            ("PUTS", Detected::Tcp),
            ("UNLOC", Detected::More),
            ("UNLOCKED", Detected::Tcp),
        ] {
            assert_eq!(detect(bytes.as_bytes(), Protocol::Auto), expected, "{bytes:?}");
        }
    }

    #[test]
    fn what_is_said_to_be_spoken_is_believed() {
        assert_eq!(detect(b"PURGE / HTTP/1.1\r\n", Protocol::Http), Detected::Http1);
        assert_eq!(detect(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Protocol::Http), Detected::Http2);
        assert_eq!(detect(b"GET / HTTP/1.1\r\n", Protocol::Tcp), Detected::Tcp);
        assert_eq!(detect(b"\r", Protocol::Http), Detected::Http1);
        assert_eq!(detect(b"PRI * HT", Protocol::Http), Detected::More);
    }

    #[test]
    fn a_server_of_http2_begins_with_its_settings() {
        let empty = [0, 0, 0, 4, 0, 0, 0, 0, 0];
        for at in 0..empty.len() {
            assert_eq!(is_settings(&empty[..at]), None, "{at}");
            let mut other = empty;
            other[at] = 7;
            assert_eq!(is_settings(&other), Some(false), "{at}");
            // The length of what follows is the one that differs.
            assert_eq!(is_settings(&other[..=at]), if at == 2 { None } else { Some(false) }, "{at}");
        }
        assert_eq!(is_settings(&empty), Some(true));
        assert_eq!(is_settings(&[0, 0, 12, 4, 0, 0, 0, 0, 0, 0, 3]), Some(true));
        assert_eq!(is_settings(b"220 mail"), Some(false));
    }

    #[test]
    fn a_proxy_header_without_an_end_is_none() {
        let long = [b"PROXY ".as_slice(), &[b'x'; 99], b"\r\n", b"x"].concat();
        assert_eq!(detect(&long, Protocol::Auto), Detected::Proxied(107));
        assert_eq!(detect(&long[..106], Protocol::Auto), Detected::More);
        let too_long = [b"PROXY ".as_slice(), &[b'x'; 100], b"\r\n"].concat();
        assert_eq!(detect(&too_long[..107], Protocol::Auto), Detected::Tcp);
        assert_eq!(detect(&too_long, Protocol::Auto), Detected::Tcp);
    }
}
