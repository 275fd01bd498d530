//! Tests of the heads of requests.

use super::*;
use http::Request;

fn origin(trust_forwarded: bool) -> Origin {
    Origin { client: "10.0.0.9".to_owned(), scheme: "http", trust_forwarded }
}

fn encoded(request: http::request::Builder, has_body: bool, trust: bool) -> Result<(String, Plan), Reason> {
    let (parts, ()) = request.body(()).unwrap().into_parts();
    let mut out = Vec::new();
    let plan = encode(&mut out, &parts, has_body, &origin(trust))?;
    Ok((String::from_utf8(out).unwrap(), plan))
}

fn get() -> http::request::Builder {
    Request::get("/a?b=c").header("host", "example.test")
}

#[test]
fn a_plain_request_goes_through() {
    let (text, plan) = encoded(get().header("x-a", "1"), false, false).unwrap();
    assert_eq!(
        text,
        "GET /a?b=c HTTP/1.1\r\nhost: example.test\r\nx-a: 1\r\nx-forwarded-for: 10.0.0.9\r\n\
         x-forwarded-proto: http\r\nx-forwarded-host: example.test\r\n\r\n"
    );
    assert!(!plan.upgrade && !plan.expects && !plan.to_head_request);
}

#[test]
fn headers_of_the_clients_connection_stay_there() {
    let request = get()
        .header("connection", "keep-alive, x-mine")
        .header("x-mine", "1")
        .header("keep-alive", "timeout=5")
        .header("proxy-connection", "keep-alive")
        .header("transfer-encoding", "chunked")
        .header("upgrade", "websocket");
    let (text, plan) = encoded(request, true, false).unwrap();
    for gone in ["x-mine", "keep-alive", "proxy-connection", "upgrade"] {
        assert!(!text.contains(gone), "{gone} in {text}");
    }
    assert_eq!(text.matches("transfer-encoding: chunked").count(), 1);
    assert!(!plan.upgrade, "Connection does not name it");
}

#[test]
fn an_upgrade_is_asked_of_the_instance_too() {
    let request = get().header("connection", "keep-alive, Upgrade").header("upgrade", "websocket");
    let (text, plan) = encoded(request, false, false).unwrap();
    assert!(plan.upgrade);
    assert!(text.contains("connection: upgrade\r\nupgrade: websocket\r\n"));
}

#[test]
fn what_a_client_says_of_earlier_hops_counts_only_if_trusted() {
    let request = || get().header("x-forwarded-for", "1.1.1.1").header("x-forwarded-proto", "https");
    let (text, _) = encoded(request(), false, false).unwrap();
    assert!(text.contains("x-forwarded-for: 10.0.0.9\r\n") && text.contains("x-forwarded-proto: http\r\n"));
    let (text, _) = encoded(request(), false, true).unwrap();
    assert!(text.contains("x-forwarded-for: 1.1.1.1, 10.0.0.9\r\n"));
    assert_eq!(text.matches("x-forwarded-proto").count(), 1);
    assert!(text.contains("x-forwarded-proto: https\r\n"));
}

#[test]
fn the_target_in_absolute_form_gives_the_host() {
    let (text, _) =
        encoded(Request::get("http://other.test/x").header("host", "example.test"), false, false).unwrap();
    assert!(text.starts_with("GET /x HTTP/1.1\r\nhost: other.test\r\n"), "{text}");
}

#[test]
fn the_end_of_the_body_is_told() {
    let (text, plan) = encoded(Request::post("/").header("host", "a"), false, false).unwrap();
    assert!(text.contains("content-length: 0\r\n") && plan.framing == UploadFraming::Chunked);
    let (text, plan) =
        encoded(Request::post("/").header("host", "a").header("content-length", "3"), true, false).unwrap();
    assert!(!text.contains("transfer-encoding") && plan.framing == UploadFraming::Length);
}

#[test]
fn cookies_that_http2_split_are_joined() {
    let request =
        Request::get("http://a/").version(Version::HTTP_2).header("cookie", "a=1").header("cookie", "b=2");
    let (text, _) = encoded(request, false, false).unwrap();
    assert!(text.contains("cookie: a=1; b=2\r\n"), "{text}");
}

#[test]
fn cookies_of_http1_stay_as_they_are_in_their_place() {
    let request = get().header("x-a", "1").header("cookie", "a=1").header("cookie", "b=2").header("x-b", "2");
    let (text, _) = encoded(request, false, false).unwrap();
    assert!(text.contains("x-a: 1\r\ncookie: a=1\r\ncookie: b=2\r\nx-b: 2\r\n"), "{text}");
}

#[test]
fn what_a_reverse_proxy_does_not_carry_is_refused() {
    assert_eq!(encoded(Request::get("/"), false, false).err(), Some(Reason::BadRequest));
    assert_eq!(encoded(get().header("host", "b"), false, false).err(), Some(Reason::BadRequest));
    let connect = Request::connect("example.test:443").header("host", "example.test");
    assert_eq!(encoded(connect, false, false).err(), Some(Reason::MethodNotCarried));
}

#[test]
fn expect_is_passed_on_only_with_a_body() {
    let request = || Request::post("/").header("host", "a").header("expect", "100-continue");
    assert!(encoded(request(), true, false).unwrap().1.expects);
    let (text, plan) = encoded(request(), false, false).unwrap();
    assert!(!plan.expects && !text.contains("expect"));
}

#[test]
fn an_instance_that_speaks_http_2_gets_the_same_request() {
    let request = Request::post("/a?b=c")
        .header("host", "example.test")
        .header("connection", "x-mine, keep-alive")
        .header("x-mine", "1")
        .header("te", "trailers")
        .header("expect", "100-continue")
        .header("x-forwarded-for", "1.1.1.1")
        .header("x-yours", "2");
    let (parts, ()) = request.body(()).unwrap().into_parts();
    let request = for_http2(parts, &origin(false)).unwrap();
    assert_eq!(request.uri().to_string(), "http://example.test/a?b=c");
    let mut headers: Vec<_> = request
        .headers()
        .iter()
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
        .collect();
    headers.sort_unstable();
    assert_eq!(
        headers,
        [
            "te: trailers",
            "x-forwarded-for: 10.0.0.9",
            "x-forwarded-host: example.test",
            "x-forwarded-proto: http",
            "x-yours: 2",
        ]
    );
}

#[test]
fn to_an_instance_that_speaks_http_2_nothing_made_up_goes_either() {
    let names = |trust: bool| {
        let mut request = get();
        for name in ["x-forwarded-port", "x-real-ip", "forwarded", "x_forwarded_for", "content_length", "x-a"]
        {
            request = request.header(name, "1");
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let request = for_http2(parts, &origin(trust)).unwrap();
        let mut names: Vec<_> = request.headers().keys().map(ToString::to_string).collect();
        names.sort_unstable();
        names
    };
    let written = ["x-a", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"];
    assert_eq!(names(false), written);
    let mut trusted = [&written[..], &["forwarded", "x-forwarded-port", "x-real-ip"]].concat();
    trusted.sort_unstable();
    assert_eq!(names(true), trusted);
}

#[test]
fn two_lengths_are_carried_only_if_they_are_equal() {
    let request = |second: &str| {
        let request = Request::post("/").header("host", "a");
        request.header("content-length", "3").header("content-length", second)
    };
    let (text, _) = encoded(request("3"), true, false).unwrap();
    assert_eq!(text.matches("content-length: 3\r\n").count(), 1);
    assert_eq!(encoded(request("4"), true, false).err(), Some(Reason::BadRequest));
    let (parts, ()) = request("4").body(()).unwrap().into_parts();
    assert_eq!(for_http2(parts, &origin(false)).err(), Some(Reason::BadRequest));
}
