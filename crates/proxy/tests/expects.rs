//! `Expect: 100-continue`: the body waits for the instance's word.

use std::time::Duration;

use crate::support::http::Client;
use crate::support::origin::{Origin, ok};
use crate::support::{PATIENCE, config, now, pool_of, start};
use segue_proxy::{Config, Limits};

const HEAD: &str = "POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n";

fn patient() -> Config {
    // The client gives up long before this.
    Config { limits: Limits { expect: 10 * PATIENCE, ..Limits::default() }, ..config() }
}

#[test]
pub(crate) fn the_client_is_told_to_go_on_when_the_instance_says_so() {
    let origin = Origin::new(|mut client| {
        let mut request = client.head().unwrap();
        assert_eq!(request.header("expect"), "100-continue");
        client.send("HTTP/1.1 100 Continue\r\n\r\n");
        client.body(&mut request, true).unwrap();
        client.send(ok(&request.body));
    });
    let proxy = start(&pool_of(&[origin.address]), patient());
    let mut client = Client::connect(proxy.local_addr());
    client.send(HEAD);
    let go_on = client.head().unwrap();
    assert_eq!(go_on.status(), 100);
    client.send("hello");
    assert_eq!(client.answer().text(), "hello");
}

#[test]
pub(crate) fn a_refusal_comes_before_any_of_the_body() {
    let origin = Origin::new(|mut client| {
        let _ = client.head();
        client.send("HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\n\r\n");
    });
    let proxy = start(&pool_of(&[origin.address]), patient());
    let mut client = Client::connect(proxy.local_addr());
    client.send(HEAD);
    assert_eq!(client.answer().status(), 413, "no 100 came before it");
}

#[test]
pub(crate) fn an_instance_that_says_nothing_gets_the_body_after_a_while() {
    let proxy = start(&pool_of(&[Origin::echo().address]), config());
    let mut client = Client::connect(proxy.local_addr());
    let began = now();
    client.send(HEAD);
    assert_eq!(client.head().unwrap().status(), 100);
    assert!(now() - began >= Duration::from_millis(900), "it was held back");
    client.send("hello");
    assert_eq!(client.answer().text(), "hello");
}

#[test]
pub(crate) fn other_interim_answers_do_not_pass_for_the_final_one() {
    let origin = Origin::answering(|_| {
        [
            &b"HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n"[..],
            &ok("final"),
        ]
        .concat()
    });
    let proxy = start(&pool_of(&[origin.address]), config());
    assert_eq!(Client::connect(proxy.local_addr()).get("/").text(), "final");
}

#[test]
pub(crate) fn an_instance_that_is_waited_for_is_not_taken_for_a_client_that_sends_nothing() {
    let silent = Origin::new(|mut client| {
        let _ = client.head();
        let _ = client.head();
    });
    let mut config = patient();
    config.limits.body = Duration::from_millis(200);
    config.limits.answer = Some(Duration::from_millis(800));
    let proxy = start(&pool_of(&[silent.address]), config);
    let mut client = Client::connect(proxy.local_addr());
    client.send(HEAD);
    let answer = client.answer();
    assert_eq!((answer.status(), answer.reason()), (504, "answer-timeout"));
}
