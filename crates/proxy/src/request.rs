//! The head of a request as an instance gets it.
//!
//! The target in origin form, `Host` first, then the client's headers in their order without those of its
//! connection, then `X-Forwarded-For`, `-Proto` and `-Host`. Those that came in are replaced, and all others of their
//! kind taken out, because a client could write anything there, unless [`crate::Config::trust_forwarded`]. No `Via` is
//! added, as other reverse proxies do not by default.

use http::header::GetAll;
use http::request::Parts;
use http::uri::{PathAndQuery, Uri};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Version, header};

use crate::hop;
use crate::reason::Reason;
use crate::upstream::{UploadFraming, put_header};

/// What is known of a client's connection before its first request.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    /// The client's address without its port.
    pub(crate) client: String,
    pub(crate) scheme: &'static str,
    pub(crate) trust_forwarded: bool,
}

/// What the head of a request says about how to carry it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) to_head_request: bool,
    pub(crate) framing: UploadFraming,
    /// `Expect: 100-continue`.
    pub(crate) expects: bool,
    /// The client asks for another protocol.
    pub(crate) upgrade: bool,
}

/// Writes the head into `out`.
pub(crate) fn encode(
    out: &mut Vec<u8>,
    parts: &Parts,
    has_body: bool,
    origin: &Origin,
) -> Result<Plan, Reason> {
    if parts.method == Method::CONNECT {
        return Err(Reason::MethodNotCarried);
    }
    let headers = &parts.headers;
    let host = host(parts)?;
    one_length(headers)?;
    out.extend_from_slice(parts.method.as_str().as_bytes());
    out.push(b' ');
    out.extend_from_slice(parts.uri.path_and_query().map_or("/", |target| target.as_str()).as_bytes());
    out.extend_from_slice(b" HTTP/1.1\r\n");
    put_header(out, "host", host);

    let named = match headers.get(header::CONNECTION).map(HeaderValue::as_bytes) {
        None | Some(b"keep-alive" | b"close" | b"Keep-Alive" | b"Upgrade") => Vec::new(),
        Some(_) => hop::named_by_connection(headers),
    };
    let mut has_length = false;
    let mut expects = false;
    let mut cookies = false;
    for (name, value) in headers {
        let value = value.as_bytes();
        match name.as_str() {
            "host" | "x-forwarded-for" => {}
            "cookie" if parts.version == Version::HTTP_2 => cookies = true,
            text if !origin.trust_forwarded && hop::is_forwarded(text) => {}
            text if hop::is_disguised(text) => {}
            "expect" if !has_body => {}
            // Equal ones may have been repeated.
            "content-length" if std::mem::replace(&mut has_length, true) => {}
            "te" if value.eq_ignore_ascii_case(b"trailers") => {
                out.extend_from_slice(b"te: trailers\r\nconnection: te\r\n");
            }
            text if hop::is_hop_by_hop(text) => {}
            _ if !named.is_empty() && named.contains(name) => {}
            text => {
                expects |= text == "expect" && value.eq_ignore_ascii_case(b"100-continue");
                put_header(out, text, value);
            }
        }
    }
    if cookies {
        put_header(out, "cookie", &joined(headers.get_all(header::COOKIE), b"; ", b""));
    }
    put_forwarded(out, headers, host, origin);
    let framing = if has_length { UploadFraming::Length } else { UploadFraming::Chunked };
    if has_body && !has_length {
        out.extend_from_slice(b"transfer-encoding: chunked\r\n");
    } else if !has_body && !has_length && carries_body(&parts.method) {
        out.extend_from_slice(b"content-length: 0\r\n");
    }
    let upgrade = upgrade(parts);
    if let Some(protocol) = upgrade {
        out.extend_from_slice(b"connection: upgrade\r\n");
        put_header(out, "upgrade", protocol.as_bytes());
    }
    out.extend_from_slice(b"\r\n");
    Ok(Plan { to_head_request: parts.method == Method::HEAD, framing, expects, upgrade: upgrade.is_some() })
}

/// The same request for an instance that speaks HTTP/2.
pub(crate) fn for_http2(parts: Parts, origin: &Origin) -> Result<Request<()>, Reason> {
    if parts.method == Method::CONNECT {
        return Err(Reason::MethodNotCarried);
    }
    let host = host(&parts)?.to_vec();
    one_length(&parts.headers)?;
    let target = parts.uri.path_and_query().cloned().unwrap_or(PathAndQuery::from_static("/"));
    let uri = Uri::builder().scheme("http").authority(&host[..]).path_and_query(target).build();
    let mut request = Request::new(());
    *request.method_mut() = parts.method;
    *request.version_mut() = Version::HTTP_2;
    *request.uri_mut() = uri.map_err(|_| Reason::BadRequest)?;
    let mut headers = parts.headers;
    for name in hop::named_by_connection(&headers) {
        headers.remove(name);
    }
    let trailers = hop::has_word(&headers, &header::TE, "trailers");
    let dropped: Vec<_> = headers.keys().filter(|name| is_dropped(name.as_str(), origin)).cloned().collect();
    for name in dropped.iter().chain([&header::HOST, &header::EXPECT]) {
        headers.remove(name);
    }
    if trailers {
        headers.insert(header::TE, HeaderValue::from_static("trailers"));
    }
    let client = joined(headers.get_all(FOR), b", ", origin.client.as_bytes());
    let value = |bytes: &[u8]| HeaderValue::from_bytes(bytes).map_err(|_| Reason::BadRequest);
    if origin.trust_forwarded {
        headers.insert(FOR, value(&client)?);
        headers.entry(PROTO).or_insert(HeaderValue::from_static(origin.scheme));
        headers.entry(HOST).or_insert(value(&host)?);
    } else {
        headers.insert(FOR, value(origin.client.as_bytes())?);
        headers.insert(PROTO, HeaderValue::from_static(origin.scheme));
        headers.insert(HOST, value(&host)?);
    }
    *request.headers_mut() = headers;
    Ok(request)
}

fn is_dropped(name: &str, origin: &Origin) -> bool {
    hop::is_hop_by_hop(name)
        || hop::is_disguised(name)
        || (!origin.trust_forwarded && hop::is_forwarded(name))
}

/// Equal lengths may be repeated, different ones are two readings of one request.
fn one_length(headers: &HeaderMap) -> Result<(), Reason> {
    let mut lengths = headers.get_all(header::CONTENT_LENGTH).into_iter();
    let first = lengths.next();
    if lengths.all(|length| Some(length) == first) { Ok(()) } else { Err(Reason::BadRequest) }
}

/// RFC 9112 section 3.2: HTTP/1.1 has exactly one `Host`; a target in absolute form (and HTTP/2) overrides it.
fn host(parts: &Parts) -> Result<&[u8], Reason> {
    let mut hosts = parts.headers.get_all(header::HOST).into_iter();
    let host = hosts.next();
    if hosts.next().is_some() || (host.is_none() && parts.version == Version::HTTP_11) {
        return Err(Reason::BadRequest);
    }
    let authority = parts.uri.authority().map(|authority| authority.as_str().as_bytes());
    Ok(authority.or(host.map(HeaderValue::as_bytes)).unwrap_or_default())
}

const FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

fn put_forwarded(out: &mut Vec<u8>, headers: &HeaderMap, host: &[u8], origin: &Origin) {
    let client = origin.client.as_bytes();
    if origin.trust_forwarded {
        put_header(out, FOR.as_str(), &joined(headers.get_all(FOR), b", ", client));
    } else {
        put_header(out, FOR.as_str(), client);
    }
    if !origin.trust_forwarded || !headers.contains_key(PROTO) {
        put_header(out, PROTO.as_str(), origin.scheme.as_bytes());
    }
    if !origin.trust_forwarded || !headers.contains_key(HOST) {
        put_header(out, HOST.as_str(), host);
    }
}

/// All values of a header, and one more if it is not empty, in one.
fn joined(values: GetAll<'_, HeaderValue>, between: &[u8], more: &[u8]) -> Vec<u8> {
    let mut line = Vec::new();
    for value in values.into_iter().map(HeaderValue::as_bytes).chain([more]).filter(|value| !value.is_empty())
    {
        if !line.is_empty() {
            line.extend_from_slice(between);
        }
        line.extend_from_slice(value);
    }
    line
}

/// Methods whose requests are expected to say how long their body is, even if empty.
fn carries_body(method: &Method) -> bool {
    matches!(*method, Method::POST | Method::PUT | Method::PATCH)
}

fn upgrade(parts: &Parts) -> Option<&HeaderValue> {
    let protocol = parts.headers.get(header::UPGRADE)?;
    (parts.version == Version::HTTP_11
        && !protocol.as_bytes().eq_ignore_ascii_case(b"h2c")
        && hop::has_word(&parts.headers, &header::CONNECTION, "upgrade"))
    .then_some(protocol)
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
