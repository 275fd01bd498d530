//! Headers that are not passed on as they came: those about one connection only (RFC 9110 section 7.6.1), what a client
//! could make up about its own way, and trailers that would change what a head has said.

use http::{HeaderMap, HeaderName, header};

/// Headers that never go through, whatever `Connection` says. `Transfer-Encoding` is among them because each side
/// frames its bodies itself.
pub(crate) fn is_hop_by_hop(name: &str) -> bool {
    matches!(
        name,
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

/// Whether it says where a request came from, and through which proxies.
pub(crate) fn is_forwarded(name: &str) -> bool {
    name.starts_with("x-forwarded-") || matches!(name, "forwarded" | "x-forwarded" | "x-real-ip")
}

/// Whether a program that makes variables of its headers (CGI, WSGI) takes it for one that the proxy takes out or
/// writes itself: to those `-` and `_` are the same.
pub(crate) fn is_disguised(name: &str) -> bool {
    name.contains('_') && {
        let plain = name.replace('_', "-");
        is_forwarded(&plain)
            || is_hop_by_hop(&plain)
            || matches!(&*plain, "content-length" | "host" | "expect" | "trailer")
    }
}

/// Takes out what may not be a trailer (RFC 9110 section 6.5.1): what frames or routes a message, what says who asks,
/// on which conditions, and how an answer is to be treated.
pub(crate) fn keep_trailers(trailers: &mut HeaderMap) {
    let dropped: Vec<_> = trailers.keys().filter(|name| !may_be_trailer(name.as_str())).cloned().collect();
    for name in dropped {
        trailers.remove(name);
    }
}

fn may_be_trailer(name: &str) -> bool {
    let changes_the_head = name.starts_with("if-")
        || matches!(
            name,
            "age"
                | "authorization"
                | "cache-control"
                | "content-encoding"
                | "content-length"
                | "content-range"
                | "content-type"
                | "cookie"
                | "date"
                | "expect"
                | "expires"
                | "host"
                | "location"
                | "max-forwards"
                | "pragma"
                | "range"
                | "retry-after"
                | "set-cookie"
                | "trailer"
                | "vary"
                | "warning"
                | "www-authenticate"
        );
    !changes_the_head && !is_hop_by_hop(name) && !is_forwarded(name) && !is_disguised(name)
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

    #[test]
    fn names_about_a_clients_way_are_known_in_every_disguise() {
        for name in ["x-forwarded-for", "x-forwarded-anything", "x-forwarded", "forwarded", "x-real-ip"] {
            assert!(is_forwarded(name) && !is_disguised(name), "{name}");
        }
        for name in ["x-forwardedfor", "x-real", "x_forwarded-for", "true-client-ip"] {
            assert!(!is_forwarded(name), "{name}");
        }
        let disguised = [
            "x_forwarded_for",
            "x-forwarded_for",
            "x_real_ip",
            "content_length",
            "transfer_encoding",
            "keep_alive",
            "proxy_authorization",
            "x_forwarded",
            "http2_settings",
        ];
        assert!(disguised.iter().all(|name| is_disguised(name)));
        assert!(
            !is_disguised("x_mine") && !is_disguised("content-length") && !is_disguised("x_forwardedfor")
        );
    }

    #[test]
    fn a_trailer_may_say_only_what_no_head_says() {
        for name in [
            "age",
            "authorization",
            "cache-control",
            "connection",
            "content-encoding",
            "content-length",
            "content-range",
            "content-type",
            "content_length",
            "cookie",
            "date",
            "expect",
            "expires",
            "forwarded",
            "host",
            "if-match",
            "if-none-match",
            "keep-alive",
            "location",
            "max-forwards",
            "pragma",
            "proxy-authorization",
            "range",
            "retry-after",
            "set-cookie",
            "te",
            "trailer",
            "transfer-encoding",
            "upgrade",
            "vary",
            "warning",
            "www-authenticate",
            "x-forwarded-for",
            "x-real-ip",
            "x_forwarded_for",
        ] {
            assert!(!may_be_trailer(name), "{name}");
        }
        for name in ["grpc-status", "grpc-message", "x-sum", "digest", "etag", "server-timing", "x_mine"] {
            assert!(may_be_trailer(name), "{name}");
        }
    }
}
