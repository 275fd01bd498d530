//! Random messages, whole and damaged.

use proptest::prelude::*;
use segue_wire::http1::RequestKind;

/// A body as its head announces it.
#[derive(Debug, Clone)]
pub(crate) enum Body {
    Nothing,
    Length(Vec<u8>),
    Chunked { chunks: Vec<(Vec<u8>, String)>, trailers: Vec<String> },
}

impl Body {
    fn field(&self) -> String {
        match self {
            Self::Nothing => String::new(),
            Self::Length(bytes) => format!("Content-Length: {}\r\n", bytes.len()),
            Self::Chunked { .. } => "transfer-encoding: chunked\r\n".to_owned(),
        }
    }

    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Nothing => Vec::new(),
            Self::Length(bytes) => bytes.clone(),
            Self::Chunked { chunks, trailers } => {
                let mut out = Vec::new();
                for (chunk, extension) in chunks {
                    out.extend_from_slice(format!("{:x}{extension}\r\n", chunk.len()).as_bytes());
                    out.extend_from_slice(chunk);
                    out.extend_from_slice(b"\r\n");
                }
                out.extend_from_slice(format!("0\r\n{}\r\n", trailers.concat()).as_bytes());
                out
            }
        }
    }
}

fn content(shortest: usize) -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => prop::collection::vec(any::<u8>(), shortest..20),
        2 => prop::sample::select(vec!["GET /in HTTP/1.1\r\n\r\n", "0\r\n\r\n", "\r\n", "HTTP/1.1 200 OK\r\n\r\n"])
            .prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 1_000..3_000),
    ]
}

fn body() -> impl Strategy<Value = Body> {
    let extension = prop::sample::select(vec!["", ";a", ";a=b", "; a = b;c"]).prop_map(str::to_owned);
    prop_oneof![
        2 => Just(Body::Nothing),
        2 => content(0).prop_map(Body::Length),
        3 => (prop::collection::vec((content(1), extension), 0..4), prop::collection::vec("X-[a-z]{1,5}: ?[a-z]{0,5}\r\n", 0..3))
            .prop_map(|(chunks, trailers)| Body::Chunked { chunks, trailers }),
    ]
}

fn fields() -> impl Strategy<Value = String> {
    prop::collection::vec("[A-Z][a-zA-Z-]{0,6}x:[ \t]?[!-~]{0,12}\r\n", 0..4).prop_map(|lines| lines.concat())
}

/// A request that is plain to everyone.
pub(crate) fn request() -> impl Strategy<Value = (RequestKind, Vec<u8>)> {
    let method = prop::sample::select(vec!["GET", "POST", "HEAD", "PUT", "OPTIONS", "M-SEARCH"]);
    let version = prop::sample::select(vec!["1.1", "1.1", "1.0\r\nConnection: keep-alive"]);
    let blank = prop::sample::select(vec!["", "", "", "\r\n", "\r\n\r\n"]);
    let expect = prop::sample::select(vec!["", "", "", "Expect: 100-continue\r\n"]);
    (method, "/[a-z?&=]{0,8}", version, fields(), body(), (blank, expect)).prop_map(
        |(method, target, version, fields, mut body, (blank, expect))| {
            if version != "1.1" && matches!(body, Body::Chunked { .. }) {
                body = Body::Nothing;
            }
            let kind = if method == "HEAD" { RequestKind::Head } else { RequestKind::Other };
            let length = body.field();
            let head = format!("{blank}{method} {target} HTTP/{version}\r\n{length}{fields}{expect}\r\n");
            (kind, [head.into_bytes(), body.bytes()].concat())
        },
    )
}

/// An answer that is plain to everyone, and the kind of request that it answers.
pub(crate) fn answer() -> impl Strategy<Value = (RequestKind, Vec<u8>)> {
    let kind = prop::sample::select(vec![RequestKind::Other, RequestKind::Other, RequestKind::Head]);
    let status = prop::sample::select(vec![200, 200, 201, 204, 304, 404, 500, 999]);
    let interim = prop::sample::select(vec![
        "",
        "",
        "HTTP/1.1 100 Continue\r\n\r\n",
        "HTTP/1.1 103 Early\r\nLink: a\r\n\r\nHTTP/1.1 102 \r\n\r\n",
    ]);
    (kind, status, interim, fields(), body()).prop_map(|(kind, status, interim, fields, mut body)| {
        if status == 204 || (matches!(body, Body::Nothing) && status != 304) {
            body = if status == 204 { Body::Nothing } else { Body::Length(Vec::new()) };
        }
        let head = format!("{interim}HTTP/1.1 {status} Some reason\r\n{fields}{}\r\n", body.field());
        let bare = kind == RequestKind::Head || status == 304;
        (kind, [head.into_bytes(), if bare { Vec::new() } else { body.bytes() }].concat())
    })
}

/// One change to a stream.
#[derive(Debug, Clone)]
pub(crate) enum Damage {
    Replace(prop::sample::Index, u8),
    Insert(prop::sample::Index, &'static str),
    Remove(prop::sample::Index),
    /// A line is doubled.
    Double(prop::sample::Index),
    /// The end is missing.
    Cut(prop::sample::Index),
}

/// Pieces that matter to someone who reads HTTP/1.
pub(crate) const PIECES: &[&str] = &[
    "\r\n",
    "\n",
    "\r",
    " ",
    "\t",
    "\0",
    ":",
    ",",
    ";",
    "\"",
    "0",
    "1",
    "f",
    "\u{b}",
    "+",
    "-",
    "_",
    "close",
    "chunked",
    "Content-Length: 1\r\n",
    "Content-Length: 0\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Transfer-Encoding: gzip\r\n",
    "Connection: close\r\n",
    "Connection: keep-alive\r\n",
    "Expect: 100-continue\r\n",
    "Upgrade: x\r\n",
    "GET / HTTP/1.1\r\n",
    "HTTP/1.1 200 OK\r\n",
    "HTTP/1.1 100 x\r\n\r\n",
    "HTTP/1.0",
    "\r\n\r\n",
    "0\r\n\r\n",
    "5\r\n",
];

pub(crate) fn damage() -> impl Strategy<Value = Vec<Damage>> {
    let at = any::<prop::sample::Index>;
    let byte = prop_oneof![any::<u8>(), prop::sample::select(b"\r\n \t\0:;,019af\"".to_vec())];
    let damage = prop_oneof![
        (at(), byte).prop_map(|(at, byte)| Damage::Replace(at, byte)),
        (at(), prop::sample::select(PIECES)).prop_map(|(at, piece)| Damage::Insert(at, piece)),
        (at(), prop::sample::select(PIECES)).prop_map(|(at, piece)| Damage::Insert(at, piece)),
        at().prop_map(Damage::Remove),
        at().prop_map(Damage::Double),
        at().prop_map(Damage::Cut),
    ];
    prop::collection::vec(damage, 1..3)
}

/// Changes `bytes`. What stands at a line's start is changed as often as anything else.
pub(crate) fn harm(bytes: &mut Vec<u8>, damages: &[Damage]) {
    for damage in damages {
        if bytes.is_empty() {
            return;
        }
        let lines: Vec<usize> = [0]
            .into_iter()
            .chain(bytes.windows(2).enumerate().filter(|(_, end)| *end == b"\r\n").map(|(at, _)| at + 2))
            .collect();
        match damage {
            Damage::Replace(at, byte) => {
                let at = at.index(bytes.len());
                bytes[at] = *byte;
            }
            Damage::Insert(at, piece) => {
                let at = if piece.len() > 2 { lines[at.index(lines.len())] } else { at.index(bytes.len()) };
                bytes.splice(at..at, piece.bytes());
            }
            Damage::Remove(at) => {
                bytes.remove(at.index(bytes.len()));
            }
            Damage::Double(at) => {
                let line = at.index(lines.len());
                let end = lines.get(line + 1).copied().unwrap_or(bytes.len());
                let copy = bytes[lines[line]..end].to_vec();
                bytes.splice(lines[line]..lines[line], copy);
            }
            Damage::Cut(at) => bytes.truncate(at.index(bytes.len())),
        }
    }
}
