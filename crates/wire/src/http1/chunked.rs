//! The chunked transfer coding (RFC 9112, section 7.1): where a body of chunks ends.
//!
//! ```text
//!   5 ;name=value ␍␊ hello ␍␊   0 ␍␊   Trailer: value ␍␊   ␍␊
//!   Size Extension   Data       Size   TrailerName TrailerValue  LastLf
//! ```
//!
//! It is stricter than the standard where programs are known to disagree: no white space around a size, no quotes in an
//! extension (some readers let a quoted line end through), no line that ends in a bare LF.

use super::field::{is_name, is_value};
use super::taken::Taken;

/// More digits are refused: some readers refuse them, others have overflowed.
const MAX_DIGITS: u8 = 15;

/// The place inside a chunked body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In a chunk's size, of which so many digits were seen.
    Size { digits: u8 },
    /// In a chunk's extensions.
    Extension,
    /// Behind the CR of a size line.
    SizeLf,
    /// In a chunk's data.
    Data,
    /// Behind a chunk's data.
    DataCr,
    /// Behind the CR that follows a chunk's data.
    DataLf,
    /// At the start of a trailer line, or of the empty line at the end.
    TrailerStart,
    /// In a trailer's name.
    TrailerName,
    /// In a trailer's value.
    TrailerValue,
    /// Behind the CR of a trailer line.
    TrailerLf,
    /// Behind the CR of the empty line.
    LastLf,
    /// Behind the body.
    End,
}

/// Follows one chunked body.
#[derive(Debug, Clone)]
pub struct Chunked {
    place: Place,
    /// The size read so far, then what is left of the chunk's data.
    left: u64,
}

impl Default for Chunked {
    fn default() -> Self {
        Self::new()
    }
}

impl Chunked {
    /// At a body's first byte.
    pub const fn new() -> Self {
        Self { place: Place::Size { digits: 0 }, left: 0 }
    }

    /// Takes all that belongs to the body from the front of `buffer`; `None` if its first byte is out of place.
    /// A later byte out of place ends what is taken.
    pub fn take(&mut self, buffer: &[u8]) -> Option<Taken> {
        let mut length = 0;
        while let Some(&byte) = buffer.get(length) {
            if self.place == Place::Data {
                length += self.data(buffer.len() - length);
                continue;
            }
            let Some(place) = self.step(byte) else {
                return (length > 0).then_some(Taken { length, ends: false });
            };
            length += 1;
            self.place = place;
            if place == Place::End {
                return Some(Taken { length, ends: true });
            }
        }
        Some(Taken { length, ends: false })
    }

    /// Takes a chunk's data, of which `there` bytes are there.
    fn data(&mut self, there: usize) -> usize {
        let taken = self.left.min(there as u64);
        self.left -= taken;
        if self.left == 0 {
            self.place = Place::DataCr;
        }
        usize::try_from(taken).unwrap_or(there)
    }

    /// The place behind `byte`; `None` if it is out of place.
    fn step(&mut self, byte: u8) -> Option<Place> {
        let next = match (self.place, byte) {
            (Place::Size { digits }, _) if byte.is_ascii_hexdigit() && digits < MAX_DIGITS => {
                self.left = self.left * 16 + u64::from(char::from(byte).to_digit(16)?);
                Place::Size { digits: digits + 1 }
            }
            (Place::Size { digits: 1.. }, b';') => Place::Extension,
            (Place::Size { digits: 1.. } | Place::Extension, b'\r') => Place::SizeLf,
            (Place::Extension, b'\t' | b' '..=b'~') if byte != b'"' => Place::Extension,
            (Place::SizeLf, b'\n') if self.left == 0 => Place::TrailerStart,
            (Place::SizeLf, b'\n') => Place::Data,
            (Place::DataCr, b'\r') => Place::DataLf,
            (Place::DataLf, b'\n') => Place::Size { digits: 0 },
            (Place::TrailerStart, b'\r') => Place::LastLf,
            (Place::TrailerStart | Place::TrailerName, byte) if is_name(byte) => Place::TrailerName,
            (Place::TrailerName, b':') => Place::TrailerValue,
            (Place::TrailerValue, b'\r') => Place::TrailerLf,
            (Place::TrailerValue, byte) if is_value(byte) => Place::TrailerValue,
            (Place::TrailerLf, b'\n') => Place::TrailerStart,
            (Place::LastLf, b'\n') => Place::End,
            _ => return None,
        };
        Some(next)
    }
}
