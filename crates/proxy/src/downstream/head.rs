//! The head of an HTTP/1 request, read for what hyper keeps to itself.
//!
//! It is the same parser with the same settings as hyper's, so both see the same head.

use std::mem::MaybeUninit;

use httparse::{Error, Header, ParserConfig, Request, Status};

use crate::reason::Reason;

/// Fields that need no room on the heap: most heads have fewer.
pub(super) const FIELDS: usize = 100;

/// More fields than this are refused, whatever the head's size: a map of headers holds no more.
const FIELDS_MAX: usize = 16 * 1024;

/// What a look at the front of a client's bytes found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Parsed {
    /// More bytes are needed.
    Half,
    /// A whole head.
    Whole(Head),
    /// No head.
    Malformed,
}

/// What a whole head says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) length: usize,
    pub(super) fields: usize,
    pub(super) body: Body,
    /// Why the request is not carried, although hyper would.
    pub(super) refusal: Option<Reason>,
}

/// Where the request ends behind its head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Body {
    Length(u64),
    Chunked,
}

impl Head {
    pub(super) fn parse(bytes: &[u8]) -> Parsed {
        match Head::parse_into(bytes, &mut [const { MaybeUninit::uninit() }; FIELDS]) {
            Err(Error::TooManyHeaders) => {
                let lines = bytes.split(|byte| *byte == b'\n').count();
                let mut room = vec![MaybeUninit::uninit(); lines.min(FIELDS_MAX)];
                Head::parse_into(bytes, &mut room).unwrap_or(Parsed::Malformed)
            }
            parsed => parsed.unwrap_or(Parsed::Malformed),
        }
    }

    fn parse_into<'bytes>(
        bytes: &'bytes [u8],
        room: &mut [MaybeUninit<Header<'bytes>>],
    ) -> Result<Parsed, Error> {
        let mut request = Request::new(&mut []);
        let parsed = ParserConfig::default().parse_request_with_uninit_headers(&mut request, bytes, room)?;
        let Status::Complete(length) = parsed else { return Ok(Parsed::Half) };
        let mut announced = Announced::default();
        for field in request.headers.iter() {
            announced.take(field);
        }
        let (body, refusal) = announced.decide();
        Ok(Parsed::Whole(Head { length, fields: request.headers.len(), body, refusal }))
    }
}

/// What the fields say about the body.
#[derive(Debug, Default)]
struct Announced {
    length: Option<u64>,
    /// How many transfer codings are named, and how often `chunked`.
    codings: usize,
    chunked: usize,
    ends_chunked: bool,
}

impl Announced {
    fn take(&mut self, field: &Header<'_>) {
        if field.name.eq_ignore_ascii_case("content-length") {
            let length = std::str::from_utf8(field.value).ok().and_then(|text| text.parse().ok());
            self.length = Some(length.unwrap_or(0));
        } else if field.name.eq_ignore_ascii_case("transfer-encoding") {
            for coding in field.value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii) {
                self.ends_chunked = coding.eq_ignore_ascii_case(b"chunked");
                self.codings += 1;
                self.chunked += usize::from(self.ends_chunked);
            }
        }
    }

    /// RFC 9112 section 6.1: what leaves doubt about a body's end is refused, and so is a coding that the proxy would
    /// have to undo. What hyper refuses by itself is not named here.
    fn decide(&self) -> (Body, Option<Reason>) {
        if self.codings == 0 {
            return (Body::Length(self.length.unwrap_or(0)), None);
        }
        let refusal = if self.length.is_some() || self.chunked > 1 || !self.ends_chunked {
            Some(Reason::BadRequest)
        } else {
            (self.codings > 1).then_some(Reason::CodingNotCarried)
        };
        (Body::Chunked, refusal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(fields: &str) -> Head {
        let text = format!("POST / HTTP/1.1\r\n{fields}\r\n\r\nrest");
        let Parsed::Whole(head) = Head::parse(text.as_bytes()) else { panic!("{text:?} is whole") };
        assert_eq!(head.length, text.len() - "rest".len());
        head
    }

    #[test]
    fn the_end_of_a_body_is_known_or_refused() {
        for (fields, body, refusal) in [
            ("a: b", Body::Length(0), None),
            ("Content-Length: 12", Body::Length(12), None),
            ("Transfer-Encoding: Chunked", Body::Chunked, None),
            ("transfer-encoding: gzip, chunked", Body::Chunked, Some(Reason::CodingNotCarried)),
            (
                "transfer-encoding: gzip\r\ntransfer-encoding: chunked",
                Body::Chunked,
                Some(Reason::CodingNotCarried),
            ),
            ("transfer-encoding: chunked, chunked", Body::Chunked, Some(Reason::BadRequest)),
            (
                "transfer-encoding: chunked\r\ntransfer-encoding: chunked",
                Body::Chunked,
                Some(Reason::BadRequest),
            ),
            ("transfer-encoding: chunked, gzip", Body::Chunked, Some(Reason::BadRequest)),
            ("transfer-encoding: chunked\r\ncontent-length: 3", Body::Chunked, Some(Reason::BadRequest)),
            ("content-length: 3\r\ntransfer-encoding: chunked", Body::Chunked, Some(Reason::BadRequest)),
        ] {
            let head = whole(fields);
            assert_eq!((head.body, head.refusal), (body, refusal), "{fields}");
        }
    }

    #[test]
    fn the_number_of_fields_is_no_limit_but_for_what_a_map_holds() {
        for count in [FIELDS, FIELDS + 1, 16_384] {
            assert_eq!(whole(&vec!["a:"; count].join("\r\n")).fields, count);
        }
        let too_many = format!("GET / HTTP/1.1\r\n{}\r\n", "a:\r\n".repeat(16_385));
        assert_eq!(Head::parse(too_many.as_bytes()), Parsed::Malformed);
    }

    #[test]
    fn half_a_head_and_none_are_told_apart() {
        assert_eq!(Head::parse(b"GET / HT"), Parsed::Half);
        assert_eq!(Head::parse(b"\x16\x03"), Parsed::Malformed);
        assert_eq!(
            Head::parse(["GET / HTTP/1.1\r\n", &"a: b\r\n".repeat(300)].concat().as_bytes()),
            Parsed::Half
        );
    }
}
