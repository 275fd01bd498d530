//! What a drain waits for, it waits for until its deadline; what is cut then is counted and named.

use std::io::Write;
use std::time::Duration;

use segue_e2e::{Client, Sample, Service};

fn hasty(version: &str) -> Sample<'_> {
    Sample { version, replicas: 2, longest_request: "500ms", drain_deadline: "1s", ..Sample::default() }
}

/// Deploys v2 and checks that so many requests are told as cut, in the result and in the history.
#[track_caller]
fn deploy_cuts(service: &Service, count: u64) {
    let deployed = service.deploy(&hasty("v2"));
    deployed.assert_code(0);
    let said = deployed.said();
    let told = said.lines().any(|line| line.contains("cut") && line.contains(&count.to_string()));
    assert_eq!(told, count > 0, "{said}");
    service.assert_settled("v2", 2);
    let last = service.status().history().last().cloned().unwrap_or_default();
    assert_eq!((&last["to"], &last["cut"]), (&"v2".into(), &count.into()), "{last:#}");
    let named: u64 =
        last["cut_on"].as_array().into_iter().flatten().filter_map(|one| one["requests"].as_u64()).sum();
    assert_eq!(named, count, "{last:#}");
}

#[track_caller]
fn until_in_flight(service: &Service, count: u64) {
    service.until("the requests are in flight", |status| status.0["proxy"]["in_flight"] == count);
}

#[test]
fn a_request_longer_than_it_is_cut_counted_and_named() {
    let service = Service::start(&hasty("v1"));
    let mut clients: Vec<Client> = (0..3).map(|_| Client::connect(service.listen)).collect();
    for client in &mut clients {
        client.get("/sleep?ms=60000");
    }
    until_in_flight(&service, 3);
    deploy_cuts(&service, 3);
    for client in &mut clients {
        // Told, where that still can be done: no answer had begun.
        if let Ok(answer) = client.try_answer() {
            assert!(answer.status == 502 || answer.status == 504, "{answer:?}");
            assert!(answer.header("segue-reason").is_some(), "{answer:?}");
        }
    }
}

#[test]
fn a_client_that_never_reads_its_answer_does_not_hold_it_up() {
    let service = Service::start(&hasty("v1"));
    let mut client = Client::connect(service.listen);
    // Far more than all buffers between here and the instance hold.
    client.get("/bytes?n=60000000");
    until_in_flight(&service, 1);
    deploy_cuts(&service, 1);
}

#[test]
fn a_client_that_never_sends_its_whole_request_does_not_hold_it_up() {
    let service = Service::start(&hasty("v1"));
    let mut client = Client::connect(service.listen);
    client.stream().write_all(b"POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 100\r\n\r\nhalf").unwrap();
    until_in_flight(&service, 1);
    deploy_cuts(&service, 1);
}

#[test]
fn a_client_that_went_away_is_not_waited_for_and_not_counted() {
    let service = Service::start(&Sample { progress_deadline: "2m", drain_deadline: "60s", ..hasty("v1") });
    let mut client = Client::connect(service.listen);
    client.get("/sleep?ms=60000");
    until_in_flight(&service, 1);
    // A reset; a mere end of what the client sends is no sign that it does not listen any more.
    rustix::net::sockopt::set_socket_linger(client.stream(), Some(Duration::ZERO)).unwrap();
    drop(client);
    until_in_flight(&service, 0);
    deploy_cuts(&service, 0);
}
