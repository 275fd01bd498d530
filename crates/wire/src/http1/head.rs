//! Finding a whole head, whatever slices it comes in, without reading a long one again at each byte.

use super::MAX_HEAD;
use httparse::{Header, Status};
use std::mem::MaybeUninit;

/// The most fields that are understood. Most servers accept 100 or 200.
const MAX_FIELDS: usize = 256;

/// Up to here every new byte is looked at, so that another protocol is noticed at once; further on only whole lines.
const EAGER: usize = 4 * 1024;

/// Room for a head's fields.
pub(super) type Room<'a> = [MaybeUninit<Header<'a>>; MAX_FIELDS];

/// What a look at a buffer's front found.
pub(super) enum Look<T> {
    /// No whole head yet.
    More,
    /// A head of so many bytes.
    Whole(usize, T),
    /// No head, or one that can be read in more than one way.
    Opaque,
}

/// Looks for a head at the front of `buffer`, of which `looked` bytes were there at the last look.
/// `parse` says how long the head is and what it says, `None` if that is open to more than one reading.
pub(super) fn look<'a, T>(
    looked: &mut usize,
    buffer: &'a [u8],
    parse: impl FnOnce(&'a [u8], &mut Room<'a>) -> httparse::Result<(usize, Option<T>)>,
) -> Look<T> {
    let buffer = &buffer[..buffer.len().min(MAX_HEAD)];
    let new = buffer.get(*looked..).unwrap_or_default();
    let due = !new.is_empty() && (buffer.len() <= EAGER || buffer.len() == MAX_HEAD || new.contains(&b'\n'));
    *looked = buffer.len();
    if !due {
        return Look::More;
    }
    let mut room: Room<'a> = [const { MaybeUninit::uninit() }; MAX_FIELDS];
    match parse(buffer, &mut room) {
        Ok(Status::Complete((length, Some(head)))) if whole_lines(&buffer[..length]) => {
            Look::Whole(length, head)
        }
        Ok(Status::Partial) if whole_lines(buffer) && buffer.len() < MAX_HEAD => Look::More,
        _ => Look::Opaque,
    }
}

/// Whether every line ends in CR LF. A bare LF ends a line for some programs and not for others.
fn whole_lines(bytes: &[u8]) -> bool {
    let mut lines = bytes.split(|&byte| byte == b'\n');
    // What is behind the last LF is no line yet.
    lines.next_back();
    lines.all(|line| line.ends_with(b"\r"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_head_that_drips_in_is_read_once_a_line() {
        let mut head = vec![b'x'; EAGER];
        for _ in 0..50 {
            head.extend_from_slice(&[b'x'; 500]);
            head.extend_from_slice(b"\r\n");
        }
        let (mut looked, mut reads) = (0, 0);
        for end in 1..=head.len() {
            // The second look finds nothing new.
            for _ in 0..2 {
                let look = look(&mut looked, &head[..end], |_, _| {
                    reads += 1;
                    Ok(Status::<(usize, Option<()>)>::Partial)
                });
                assert!(matches!(look, Look::More));
            }
        }
        assert_eq!(reads, EAGER + 50);
    }
}
