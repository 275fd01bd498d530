//! Where the body of an answer ends, and its bytes without the framing.

use bytes::{Buf as _, Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue};

/// A line with a chunk's size is not longer than this, extensions included.
const LINE_MAX: usize = 4096;

/// The trailers are not larger than this.
const TRAILERS_MAX: usize = 64 * 1024;

/// How the end of a body is known (RFC 9112 section 6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// No more bytes belong to it.
    Done,
    /// So many bytes are still to come.
    Length(u64),
    /// Chunks, and where in them we are.
    Chunked(Chunk),
    /// All until the instance closes.
    UntilClose,
}

/// Where in a chunked body we are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Chunk {
    /// Before a line with a size.
    Size,
    /// In a chunk's bytes.
    Data(u64),
    /// Before the line end after a chunk's bytes.
    DataEnd,
    /// After the last chunk.
    Trailers,
}

/// What came out of the bytes at hand.
#[derive(Debug)]
pub(super) enum Decoded {
    Data(Bytes),
    Trailers(HeaderMap),
    /// The body is over.
    End,
    /// More bytes are needed.
    More,
}

/// The bytes are not a chunked body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the instance's chunked body is malformed")]
pub(super) struct BadChunk;

impl Framing {
    /// Takes the next part of the body out of `input`.
    pub(super) fn decode(&mut self, input: &mut BytesMut) -> Result<Decoded, BadChunk> {
        match self {
            Framing::Done => Ok(Decoded::End),
            _ if input.is_empty() => Ok(Decoded::More),
            Framing::UntilClose => Ok(Decoded::Data(input.split().freeze())),
            Framing::Length(left) => {
                let data = take(input, left);
                if *left == 0 {
                    *self = Framing::Done;
                }
                Ok(Decoded::Data(data))
            }
            Framing::Chunked(chunk) => {
                let decoded = chunk.decode(input)?;
                if matches!(decoded, Decoded::End | Decoded::Trailers(_)) {
                    *self = Framing::Done;
                }
                Ok(decoded)
            }
        }
    }
}

impl Chunk {
    fn decode(&mut self, input: &mut BytesMut) -> Result<Decoded, BadChunk> {
        loop {
            match self {
                Chunk::Size => {
                    let Some(line_end) = input.iter().take(LINE_MAX).position(|byte| *byte == b'\n') else {
                        return if input.len() < LINE_MAX { Ok(Decoded::More) } else { Err(BadChunk) };
                    };
                    let size = size(&input[..line_end])?;
                    input.advance(line_end + 1);
                    *self = if size == 0 { Chunk::Trailers } else { Chunk::Data(size) };
                }
                Chunk::Data(_) if input.is_empty() => return Ok(Decoded::More),
                Chunk::Data(left) => {
                    let data = take(input, left);
                    if *left == 0 {
                        *self = Chunk::DataEnd;
                        self.skip_data_end(input)?;
                    }
                    return Ok(Decoded::Data(data));
                }
                Chunk::DataEnd => {
                    if !self.skip_data_end(input)? {
                        return Ok(Decoded::More);
                    }
                }
                Chunk::Trailers => return trailers(input),
            }
        }
    }

    fn skip_data_end(&mut self, input: &mut BytesMut) -> Result<bool, BadChunk> {
        match input.get(..2) {
            Some(b"\r\n") => {
                input.advance(2);
                *self = Chunk::Size;
                Ok(true)
            }
            None if input.is_empty() || input[0] == b'\r' => Ok(false),
            _ => Err(BadChunk),
        }
    }
}

fn take(input: &mut BytesMut, left: &mut u64) -> Bytes {
    let here = usize::try_from(*left).unwrap_or(usize::MAX).min(input.len());
    *left -= here as u64;
    input.split_to(here).freeze()
}

/// The size in a line without its `\n`. Only what RFC 9112 allows: leniency here is how requests are smuggled.
fn size(line: &[u8]) -> Result<u64, BadChunk> {
    let line = line.strip_suffix(b"\r").ok_or(BadChunk)?;
    let digits = line.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii_end();
    if digits.is_empty() || digits.len() > 15 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return Err(BadChunk);
    }
    let digits = std::str::from_utf8(digits).map_err(|_| BadChunk)?;
    u64::from_str_radix(digits, 16).map_err(|_| BadChunk)
}

fn trailers(input: &mut BytesMut) -> Result<Decoded, BadChunk> {
    match input.get(..2) {
        None => return Ok(Decoded::More),
        Some(b"\r\n") => {
            input.advance(2);
            return Ok(Decoded::End);
        }
        _ => {}
    }
    let mut parsed = parse_trailers(input, &mut [httparse::EMPTY_HEADER; 32]);
    if parsed == Err(httparse::Error::TooManyHeaders) {
        let lines = input[..].split(|byte| *byte == b'\n').count();
        parsed = parse_trailers(input, &mut vec![httparse::EMPTY_HEADER; lines]);
    }
    match parsed.map_err(|_| BadChunk)? {
        httparse::Status::Partial if input.len() > TRAILERS_MAX => Err(BadChunk),
        httparse::Status::Partial => Ok(Decoded::More),
        httparse::Status::Complete((used, _)) if used > TRAILERS_MAX => Err(BadChunk),
        httparse::Status::Complete((used, trailers)) => {
            input.advance(used);
            Ok(Decoded::Trailers(trailers))
        }
    }
}

fn parse_trailers<'input>(
    input: &'input [u8],
    room: &mut [httparse::Header<'input>],
) -> httparse::Result<(usize, HeaderMap)> {
    let httparse::Status::Complete((used, fields)) = httparse::parse_headers(input, room)? else {
        return Ok(httparse::Status::Partial);
    };
    let mut trailers = HeaderMap::with_capacity(fields.len());
    for field in fields {
        let name = HeaderName::from_bytes(field.name.as_bytes()).map_err(|_| httparse::Error::HeaderName)?;
        let value = HeaderValue::from_bytes(field.value).map_err(|_| httparse::Error::HeaderValue)?;
        trailers.append(name, value);
    }
    Ok(httparse::Status::Complete((used, trailers)))
}

#[cfg(test)]
#[path = "body_tests.rs"]
mod tests;
