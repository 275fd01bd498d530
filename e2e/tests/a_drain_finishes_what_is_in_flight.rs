//! What an instance has taken before it is withdrawn is finished, whatever shape it has, and the deploy waits for it.

use std::time::Duration;

use segue_e2e::{Client, Sample, Service, Told, pressure, under_load, wait};
use segue_probe::{Connections, Expect, Protocol, Shape};

fn sample(version: &str) -> Sample<'_> {
    Sample { version, replicas: 2, ..Sample::default() }
}

/// Deploys v2 under this load, which must have been on both versions; nothing may be dropped.
#[track_caller]
fn deploy_under(shapes: &[Shape]) {
    under_load(|share| {
        let service = Service::start(&sample("v1"));
        let load = share.begin(service.listen, wait::LONG, shapes.to_vec());
        load.until_answered_by("v1");
        service.deploy(&sample("v2")).assert_code(0);
        service.place.until_only(2, "v2");
        load.until_answered_by("v2");
        let report = load.end()?;
        report.assert_no_drops();
        let versions: Vec<&str> =
            report.ledger.versions().iter().map(|(version, _)| version.as_str()).collect();
        assert!(versions.contains(&"v1") && versions.contains(&"v2"), "{versions:?}");
        let last = service.status().history().last().cloned().unwrap_or_default();
        assert_eq!(last["cut"], 0, "{last:#}");
        Ok(())
    });
}

#[test]
fn slow_uploads() {
    let mut upload = pressure::get("upload", 10.0, "/");
    upload.method = "POST".parse().unwrap();
    upload.body_size = 200_000;
    upload.think = Duration::from_secs(2);
    upload.expect = Expect::Echo;
    deploy_under(&[upload]);
}

#[test]
fn streams() {
    deploy_under(&[pressure::get("stream", 10.0, "/stream?ms=2000&every=50")]);
}

#[test]
fn slow_readers() {
    let mut reader = pressure::get("reader", 10.0, "/bytes?n=2000000");
    reader.think = Duration::from_secs(2);
    deploy_under(&[reader]);
}

#[test]
fn long_requests_on_kept_and_fresh_connections_and_on_http_2() {
    let mut mixed = pressure::get("mixed", 50.0, "/sleep?ms=700");
    mixed.connections = Connections::Mixed;
    let mut post = pressure::get("post", 50.0, "/sleep?ms=100");
    post.method = "POST".parse().unwrap();
    post.body_size = 3000;
    post.expect = Expect::Echo;
    let mut http2 = pressure::get("http2", 50.0, "/sleep?ms=300");
    http2.protocol = Protocol::Http2;
    deploy_under(&[mixed, post, http2]);
}

#[test]
fn the_answer_for_a_client_that_half_closed_after_its_request() {
    let service = Service::start(&sample("v1"));
    let mut clients: Vec<Client> = (0..4).map(|_| Client::connect(service.listen)).collect();
    for client in &mut clients {
        client.get("/sleep?ms=1500");
        client.half_close();
    }
    service.until("4 in flight", |status| status.0["proxy"]["in_flight"] == 4);
    service.deploy(&sample("v2")).assert_code(0);
    for client in &mut clients {
        let answer = client.answer();
        assert_eq!((answer.status, answer.version()), (200, Some("v1")));
    }
    service.assert_settled("v2", 2);
}
