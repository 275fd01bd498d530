//! A polite close: `Connection: close`, put into a head whose other bytes stay as they are.

use super::field::options;

/// Writes `head` to the end of `out` with exactly one `close` among its `Connection` options and no `keep-alive`; other
/// options, and every other byte, stay as they were. A head that is so already is copied.
///
/// The option stands where the first `close` or `keep-alive` stood, else behind the options of the first `Connection`
/// line (some clients read only that one), else in a line of its own at the end. `head` is a whole one, as a reader
/// found it.
pub fn announce_close(head: &[u8], out: &mut Vec<u8>) {
    out.reserve(head.len() + ", close".len().max(LINE.len()));
    let appends = !lines(head).filter_map(connection).flat_map(|(_, value)| options(value)).any(is_ours);
    let mut placed = false;
    for line in lines(head) {
        match connection(line) {
            Some((name, value)) if appends && !placed => {
                placed = true;
                append(name, value, out);
            }
            Some((name, value)) => keep_one(name, value, &mut placed, out),
            None => {
                if line == b"\r\n" && !placed {
                    out.extend_from_slice(LINE);
                }
                out.extend_from_slice(line);
            }
        }
    }
}

const LINE: &[u8] = b"Connection: close\r\n";

/// The lines of a head, each with its end.
fn lines(head: &[u8]) -> impl Iterator<Item = &[u8]> {
    head.split_inclusive(|&byte| byte == b'\n')
}

/// The name (with its colon) and the value (without the line's end) of a `Connection` line.
fn connection(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let (name, value) = line.split_at_checked("connection:".len())?;
    name.eq_ignore_ascii_case(b"connection:").then_some((name, value.strip_suffix(b"\r\n")?))
}

fn is_close(option: &[u8]) -> bool {
    option.eq_ignore_ascii_case(b"close")
}

/// Whether an option says if the connection is kept.
fn is_ours(option: &[u8]) -> bool {
    is_close(option) || option.eq_ignore_ascii_case(b"keep-alive")
}

/// Writes a line that has neither option, with `close` at its end.
fn append(name: &[u8], value: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(name);
    let value = value.trim_ascii_end();
    out.extend_from_slice(value);
    out.extend_from_slice(if value.is_empty() { b" close\r\n" } else { b", close\r\n" });
}

/// Writes a line in which the first option of ours says `close`, unless one was `placed` before; further ones are left
/// out, and with its last option the line.
fn keep_one(name: &[u8], value: &[u8], placed: &mut bool, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(name);
    let mut empty = true;
    for part in value.split(|&byte| byte == b',') {
        let option = part.trim_ascii();
        let ours = is_ours(option);
        if ours && *placed {
            continue;
        }
        if !empty {
            out.push(b',');
        }
        empty = false;
        if ours {
            *placed = true;
            let before = part.len() - part.trim_ascii_start().len();
            out.extend_from_slice(&part[..before]);
            out.extend_from_slice(if is_close(option) { option } else { b"close" });
            out.extend_from_slice(&part[before + option.len()..]);
        } else {
            out.extend_from_slice(part);
        }
    }
    if empty {
        out.truncate(start);
    } else {
        out.extend_from_slice(b"\r\n");
    }
}
