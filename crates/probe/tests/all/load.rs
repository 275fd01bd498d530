//! Loads that make no sense, and URLs that are none.

use std::time::Duration;

use segue_probe::{Load, Shape, Target, start};

fn refused(change: impl FnOnce(&mut Load)) -> String {
    let mut load = Load::new("http://127.0.0.1:9/".parse().unwrap(), Duration::from_secs(1));
    load.shapes = vec![Shape::new("GET", 1.0)];
    change(&mut load);
    start(load).err().unwrap().to_string()
}

#[test]
fn a_load_that_makes_no_sense_is_refused_with_what_would_be_right() {
    assert!(refused(|load| load.shapes[0].rate = 0.0).contains("more than 0"));
    assert!(refused(|load| load.shapes[0].rate = f64::NAN).contains("more than 0"));
    assert!(refused(|load| load.shapes[0].path = Some("x".into())).contains("begin with '/'"));
    assert!(refused(|load| load.shapes[0].path = Some("/a b".into())).contains("/a b"));
    assert!(refused(|load| load.shapes[0].pool = 0).contains("at least 1"));
    assert!(refused(|load| load.shapes[0].expect = segue_probe::Expect::Echo).contains("give it a size"));
    assert!(refused(|load| load.shapes.clear()).contains("nothing to send"));
    assert!(refused(|load| load.duration = Duration::ZERO).contains("duration is 0"));
    assert!(refused(|load| load.threads = 0).contains("at least 1"));
    assert!(refused(|load| load.timeout = Duration::ZERO).contains("such as 30s"));
    assert!(refused(|load| load.connect_timeout = Duration::ZERO).contains("such as 30s"));
    assert!(refused(|load| load.max_in_flight = 0).contains("at least 1"));
    let unknown = "http://no-such-host.invalid/".parse().unwrap();
    assert!(refused(|load| load.target = unknown).contains("no-such-host.invalid"));
    let secure = "https://127.0.0.1:9/".parse::<Target>().unwrap();
    let missing = segue_probe::Trust::File("/no/such/file.pem".into());
    let error = refused(|load| (load.target, load.trust) = (secure, missing));
    assert!(error.contains("/no/such/file.pem"), "{error}");
}

#[test]
fn a_url_is_understood_or_refused_with_a_reason() {
    let target = |url: &str| url.parse::<Target>();
    let plain = target("http://example.com/a?b=c").unwrap();
    assert_eq!((plain.host(), plain.port(), plain.tls), ("example.com", 80, false));
    assert_eq!(plain.path.as_str(), "/a?b=c");
    let secure = target("WSS://[::1]:8443").unwrap();
    assert_eq!((secure.host(), secure.port(), secure.tls, secure.path.as_str()), ("::1", 8443, true, "/"));
    for (url, reason) in [
        ("example.com", "no scheme"),
        ("ftp://example.com", "unknown scheme \"ftp\""),
        ("http://", "can be probed"),
        ("http:///path", "can be probed"),
        ("http://a b/", "can be probed"),
        ("http://user:secret@example.com/", "use a header"),
        ("http://example.com:99999/", "1 to 65535"),
        ("http://example.com:0/", "1 to 65535"),
    ] {
        let error = target(url).unwrap_err().to_string();
        assert!(error.contains(reason), "{url}: {error}");
    }
}
