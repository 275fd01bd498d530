//! The head of an instance's answer.

use std::mem::MaybeUninit;

use bytes::BytesMut;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use super::body::{Chunk, Framing};
use crate::hop;

/// Larger heads are no answer.
const HEAD_MAX: usize = 64 * 1024;

const FIELDS_MAX: usize = 128;

/// What the head of an answer says, beside its headers.
#[derive(Debug)]
pub(crate) struct AnswerHead {
    pub(crate) status: StatusCode,
    pub(super) framing: Framing,
    /// Whether the connection may carry another request after this answer.
    pub(super) keep: bool,
    /// `Keep-Alive: timeout`, in milliseconds.
    pub(super) keep_alive: Option<u64>,
}

/// The bytes are not the head of an HTTP/1 answer, or an ambiguous one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("what the instance sent is not an HTTP/1 answer")]
pub(super) struct BadHead;

impl AnswerHead {
    /// Takes a head out of `input` if it is there in full. `headers` is emptied first; what concerns only this
    /// connection is left out of it.
    pub(super) fn parse(
        input: &mut BytesMut,
        headers: &mut HeaderMap,
        to_head_request: bool,
    ) -> Result<Option<AnswerHead>, BadHead> {
        let mut places = [(0, 0, 0, 0); FIELDS_MAX];
        let (used, status, minor, count) = {
            let mut fields = [const { MaybeUninit::uninit() }; FIELDS_MAX];
            let mut response = httparse::Response::new(&mut []);
            let parsed = httparse::ParserConfig::default().parse_response_with_uninit_headers(
                &mut response,
                input,
                &mut fields,
            );
            let used = match parsed {
                Ok(httparse::Status::Complete(used)) => used,
                Ok(httparse::Status::Partial) if input.len() < HEAD_MAX => return Ok(None),
                _ => return Err(BadHead),
            };
            // Offsets instead of references: the bytes are about to change hands without being copied.
            let start = input.as_ptr().addr();
            for (place, field) in places.iter_mut().zip(response.headers.iter()) {
                let (name, value) = (field.name.as_ptr().addr() - start, field.value.as_ptr().addr() - start);
                *place = (name, field.name.len(), value, field.value.len());
            }
            let status = response.code.and_then(|code| StatusCode::from_u16(code).ok()).ok_or(BadHead)?;
            (used, status, response.version.unwrap_or(0), response.headers.len())
        };
        headers.clear();
        headers.reserve(count);
        let bytes = input.split_to(used).freeze();
        for &(name, name_length, value, value_length) in &places[..count] {
            let name = HeaderName::from_bytes(&bytes[name..name + name_length]).map_err(|_| BadHead)?;
            let value = if value_length == 0 {
                HeaderValue::from_static("")
            } else {
                HeaderValue::from_maybe_shared(bytes.slice(value..value + value_length))
                    .map_err(|_| BadHead)?
            };
            headers.append(name, value);
        }
        let mut head = AnswerHead {
            status,
            framing: framing(headers, status, minor, to_head_request)?,
            keep: true,
            keep_alive: None,
        };
        head.read_connection(headers, minor);
        Ok(Some(head))
    }

    fn read_connection(&mut self, headers: &mut HeaderMap, minor: u8) {
        self.keep = minor == 1 && self.framing != Framing::UntilClose;
        if let Some(value) = headers.get(header::CONNECTION) {
            let plain = value.as_bytes();
            if plain.eq_ignore_ascii_case(b"close") {
                self.keep = false;
            } else if !plain.eq_ignore_ascii_case(b"keep-alive") {
                self.keep &= !hop::has_word(headers, &header::CONNECTION, "close");
                for name in hop::named_by_connection(headers) {
                    headers.remove(name);
                }
            }
            if minor == 0 && self.framing != Framing::UntilClose {
                self.keep = hop::has_word(headers, &header::CONNECTION, "keep-alive");
            }
            headers.remove(header::CONNECTION);
        }
        if let Some(value) = headers.remove(KEEP_ALIVE) {
            self.keep_alive = value.to_str().ok().and_then(timeout);
        }
        if self.status != StatusCode::SWITCHING_PROTOCOLS {
            headers.remove(header::UPGRADE);
        }
        headers.remove(header::TRANSFER_ENCODING);
        headers.remove(PROXY_CONNECTION);
    }
}

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");

/// RFC 9112 section 6.3. What leaves doubt is refused: another reader might see another end.
fn framing(headers: &HeaderMap, status: StatusCode, minor: u8, to_head: bool) -> Result<Framing, BadHead> {
    let bodyless = to_head
        || status.is_informational()
        || status == StatusCode::NO_CONTENT
        || status == StatusCode::NOT_MODIFIED;
    let length = content_length(headers)?;
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).into_iter();
    if let Some(coding) = codings.next() {
        let chunked = coding.as_bytes().eq_ignore_ascii_case(b"chunked") && codings.next().is_none();
        if minor == 0 || length.is_some() || !chunked {
            return Err(BadHead);
        }
        return Ok(if bodyless { Framing::Done } else { Framing::Chunked(Chunk::Size) });
    }
    Ok(match length {
        _ if bodyless => Framing::Done,
        Some(0) => Framing::Done,
        Some(length) => Framing::Length(length),
        None => Framing::UntilClose,
    })
}

fn content_length(headers: &HeaderMap) -> Result<Option<u64>, BadHead> {
    let mut length = None;
    for value in headers.get_all(header::CONTENT_LENGTH) {
        let digits = value.as_bytes();
        if digits.is_empty() || digits.len() > 18 || !digits.iter().all(u8::is_ascii_digit) {
            return Err(BadHead);
        }
        let this = digits.iter().fold(0u64, |sum, digit| sum * 10 + u64::from(digit - b'0'));
        if length.is_some() {
            // Even equal ones: they would be passed on, and not every reader takes the same one.
            return Err(BadHead);
        }
        length = Some(this);
    }
    Ok(length)
}

fn timeout(keep_alive: &str) -> Option<u64> {
    let seconds = keep_alive
        .split(',')
        .filter_map(|part| part.split_once('='))
        .find(|(key, _)| key.trim().eq_ignore_ascii_case("timeout"))?
        .1;
    seconds.trim().parse::<u64>().ok().map(|seconds| seconds.saturating_mul(1000))
}

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
