//! Headers that are about one connection only, and so are not passed on (RFC 9110 section 7.6.1).

use http::{HeaderMap, HeaderName, header};

/// Headers that never go through, whatever `Connection` says. `Transfer-Encoding` is among them because each side
/// frames its bodies itself.
pub(crate) fn is_hop_by_hop(name: &HeaderName) -> bool {
    matches!(
        name.as_str(),
        "connection"
            | "keep-alive"
            | "proxy-connection"
            | "proxy-authenticate"
            | "proxy-authorization"
            | "te"
            | "transfer-encoding"
            | "upgrade"
            | "http2-settings"
    )
}

/// What `Connection` names beyond the usual words, none in nearly all messages.
pub(crate) fn named_by_connection(headers: &HeaderMap) -> Vec<HeaderName> {
    let mut named = Vec::new();
    for word in words(headers, &header::CONNECTION) {
        let usual = ["close", "keep-alive", "upgrade"].iter().any(|usual| word.eq_ignore_ascii_case(usual));
        // These frame or route the message: a client must not have them removed.
        let kept = ["host", "content-length"].iter().any(|kept| word.eq_ignore_ascii_case(kept));
        if !usual && !kept {
            named.extend(HeaderName::from_bytes(word.as_bytes()));
        }
    }
    named
}

/// Whether a list header has this word.
pub(crate) fn has_word(headers: &HeaderMap, name: &HeaderName, wanted: &str) -> bool {
    words(headers, name).any(|word| word.eq_ignore_ascii_case(wanted))
}

fn words<'a>(headers: &'a HeaderMap, name: &'a HeaderName) -> impl Iterator<Item = &'a str> {
    headers
        .get_all(name)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn what_connection_names_is_hop_by_hop_too() {
        let mut headers = HeaderMap::new();
        headers.append(header::CONNECTION, HeaderValue::from_static("close, X-Mine"));
        headers.append(header::CONNECTION, HeaderValue::from_static("content-length,upgrade"));
        assert_eq!(named_by_connection(&headers), [HeaderName::from_static("x-mine")]);
        assert!(has_word(&headers, &header::CONNECTION, "Upgrade"));
        assert!(!has_word(&headers, &header::CONNECTION, "mine"));
    }
}
