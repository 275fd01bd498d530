//! From a file's bytes to its text, or to what it is instead.

/// The mark that some editors put before UTF-8 text; it says nothing, and is no part of it.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// The text, or what to say of the file.
pub(super) fn text(bytes: &[u8]) -> Result<String, String> {
    let bytes = bytes.strip_prefix(MARK).unwrap_or(bytes);
    // By its mark, or by the zero bytes that ASCII text then has.
    let utf16 = matches!(
        bytes,
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [1..=255, 0, 1..=255, 0, ..] | [0, 1..=255, 0, 1..=255, ..]
    );
    if utf16 {
        return Err("it is UTF-16 text: save it as UTF-8".to_owned());
    }
    std::str::from_utf8(bytes).map(str::to_owned).map_err(|error| {
        let line = bytes[..error.valid_up_to()].split(|byte| *byte == b'\n').count();
        format!("it is not UTF-8 text, in line {line}: save it as UTF-8")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_no_text_and_other_encodings_are_named() {
        assert_eq!(text(b"\xef\xbb\xbfA=1").as_deref(), Ok("A=1"));
        assert_eq!(text(b"A=1").as_deref(), Ok("A=1"));
        assert_eq!(text(b"").as_deref(), Ok(""));
        for utf16 in [&b"\xff\xfeA\0=\0"[..], b"\xfe\xff\0A\0=", b"A\0=\x001\0", b"\0A\0=\x001"] {
            assert!(text(utf16).unwrap_err().contains("UTF-16"), "{utf16:?}");
        }
        assert!(text(b"A=1\nB=\xe9\n").unwrap_err().contains("in line 2"));
        // A zero byte alone makes no UTF-16 of it.
        assert_eq!(text(b"A=1\0").as_deref(), Ok("A=1\0"));
        assert_eq!(text(b"A\0=1").as_deref(), Ok("A\0=1"));
    }
}
