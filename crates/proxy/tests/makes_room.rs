//! Where clients take all places, the idle ones make room.

use std::time::Duration;

use crate::http2::{connected, in_time};
use crate::support::http::Client;
use crate::support::origin::{Origin, ok};
use crate::support::{alone, config, pause, pool_of, start, until};
use segue_proxy::{Config, Limits, Proxy};

fn proxy(origin: &Origin, connections: usize) -> Proxy {
    let limits = Limits { connections, ..Limits::default() };
    start(&pool_of(&[origin.address]), Config { limits, workers: Some(2), ..config() })
}

#[test]
pub(crate) fn the_client_that_was_idle_for_longest_is_closed_for_a_new_one() {
    let proxy = proxy(&Origin::echo(), 3);
    let mut clients: Vec<_> = (0..3).map(|_| Client::connect(proxy.local_addr())).collect();
    for place in [0, 1, 2, 0] {
        assert_eq!(clients[place].get("/").status(), 200);
        pause(Duration::from_millis(200));
    }
    let mut newcomer = Client::connect(proxy.local_addr());
    assert_eq!(newcomer.get("/").status(), 200);
    assert!(clients[1].ended());
    assert_eq!((clients[0].get("/").status(), clients[2].get("/").status()), (200, 200));
    assert!(proxy.stats().own_answers.is_empty(), "{:?}", proxy.stats());
}

#[test]
pub(crate) fn a_client_that_never_asked_is_idle_too() {
    let proxy = proxy(&Origin::echo(), 2);
    let mut silent: Vec<_> = (0..2).map(|_| Client::connect(proxy.local_addr())).collect();
    until("both are here", || proxy.stats().connections == 2);
    assert_eq!(Client::connect(proxy.local_addr()).get("/").status(), 200);
    assert!(silent.iter_mut().any(Client::ended));
}

#[test]
pub(crate) fn an_idle_http_2_client_is_sent_away_politely_for_a_new_one() {
    let proxy = proxy(&Origin::echo(), 1);
    in_time(async {
        let (mut sender, connection) = connected(proxy.local_addr()).await;
        let asked = http::Request::get("http://test/");
        let body = http_body_util::BodyExt::boxed(http_body_util::Empty::new());
        assert_eq!(sender.send_request(asked.body(body).unwrap()).await.unwrap().status(), 200);
        let address = proxy.local_addr();
        let newcomer = tokio::task::spawn_blocking(move || Client::connect(address).get("/").status());
        assert_eq!(newcomer.await.unwrap(), 200);
        connection.await.unwrap().unwrap();
    });
}

#[test]
pub(crate) fn busy_clients_are_left_alone_and_a_new_one_is_told() {
    let origin = Origin::answering(|_| {
        pause(Duration::from_secs(3));
        ok("late")
    });
    let proxy = proxy(&origin, 2);
    let mut busy: Vec<_> = (0..2).map(|_| Client::connect(proxy.local_addr())).collect();
    for client in &mut busy {
        client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    }
    until("both are in flight", || proxy.stats().in_flight == 2);
    let refused = Client::connect(proxy.local_addr()).get("/");
    assert_eq!((refused.status(), refused.reason()), (503, "too-many-connections"));
    assert_eq!(refused.header("retry-after"), "1");
    for client in &mut busy {
        assert_eq!(client.answer().text(), "late");
    }
}

#[test]
pub(crate) fn clients_that_never_end_their_heads_take_no_more_than_all_places_and_others_are_told() {
    let proxy = proxy(&Origin::echo(), 5);
    let mut half: Vec<_> = (0..100)
        .map(|_| {
            let mut client = Client::connect(proxy.local_addr());
            client.send("G");
            client
        })
        .collect();
    for _ in 0..3 {
        let refused = Client::connect(proxy.local_addr()).answer();
        assert_eq!((refused.status(), refused.reason()), (503, "too-many-connections"));
        assert!(proxy.stats().connections <= 5);
    }
    half.clear();
    until("all places are free", || proxy.stats().connections == 0);
    assert_eq!(Client::connect(proxy.local_addr()).get("/").status(), 200);
}

#[test]
pub(crate) fn a_newcomer_waits_for_the_client_that_was_asked_to_leave_and_for_no_other() {
    let origin = Origin::answering(|request| {
        if request.first.contains("late") {
            pause(Duration::from_secs(3));
        }
        ok("here")
    });
    let proxy = proxy(&origin, 2);
    // One that has left before.
    assert_eq!(Client::connect(proxy.local_addr()).get("/").status(), 200);
    until("it is gone", || proxy.stats().connections == 0);
    let mut busy = Client::connect(proxy.local_addr());
    busy.send("GET /late HTTP/1.1\r\nhost: a\r\n\r\n");
    until("in flight", || proxy.stats().in_flight == 1);
    let mut idle = Client::connect(proxy.local_addr());
    assert_eq!(idle.get("/").status(), 200);
    until("idle", || proxy.stats().in_flight == 1);
    assert_eq!(Client::connect(proxy.local_addr()).get("/").status(), 200);
    assert!(idle.ended());
    assert_eq!(busy.answer().status(), 200);
}

#[test]
pub(crate) fn an_idle_http_2_client_may_take_its_time_to_leave() {
    use crate::support::http2::{Frames, GOAWAY};
    let proxy = proxy(&Origin::echo(), 1);
    let mut far = Frames::connect(proxy.local_addr());
    until("it is here", || proxy.stats().connections == 1);
    let address = proxy.local_addr();
    let newcomer = std::thread::spawn(move || Client::connect(address).get("/").status());
    far.wait_for(GOAWAY, 0);
    pause(Duration::from_millis(500));
    drop(far);
    assert_eq!(newcomer.join().unwrap(), 200);
}

/// Runs in a process of its own: the limit is the whole process's.
#[test]
pub(crate) fn without_file_descriptors_idle_clients_make_room() {
    if !alone("makes_room::without_file_descriptors_idle_clients_make_room") {
        return;
    }
    let proxy = proxy(&Origin::echo(), 10_000);
    let mut idle: Vec<_> = (0..40).map(|_| Client::connect(proxy.local_addr())).collect();
    for client in &mut idle {
        assert_eq!(client.get("/").status(), 200);
    }
    // Those who asked just now would be spared.
    pause(Duration::from_millis(2500));
    // The newcomers' own ends exist already; for the proxy's there is nothing left.
    let newcomers: Vec<_> = (0..5)
        .map(|_| {
            let (domain, kind) = (rustix::net::AddressFamily::INET, rustix::net::SocketType::STREAM);
            rustix::net::socket(domain, kind, None).unwrap()
        })
        .collect();
    let open = std::fs::read_dir("/proc/self/fd").unwrap().count() as u64 - 1;
    let limit = rustix::process::Rlimit { current: Some(open), maximum: Some(open + 200) };
    rustix::process::setrlimit(rustix::process::Resource::Nofile, limit).unwrap();
    let mut served = Vec::new();
    for newcomer in newcomers {
        rustix::net::connect(&newcomer, &proxy.local_addr()).unwrap();
        let mut newcomer = Client::over(newcomer.into());
        assert_eq!(newcomer.get("/").status(), 200);
        served.push(newcomer);
    }
    assert!(proxy.stats().accept_errors > 0, "{:?}", proxy.stats());
}

/// Runs in a process of its own: the limit is the whole process's.
#[test]
pub(crate) fn without_file_descriptors_idle_clients_make_room_for_a_connection_to_an_instance() {
    if !alone("makes_room::without_file_descriptors_idle_clients_make_room_for_a_connection_to_an_instance") {
        return;
    }
    let proxy = proxy(&Origin::echo(), 10_000);
    let _idle: Vec<_> = (0..20).map(|_| Client::connect(proxy.local_addr())).collect();
    until("they are here", || proxy.stats().connections == 20);
    pause(Duration::from_millis(2500));
    let mut client = Client::connect(proxy.local_addr());
    until("it is here", || proxy.stats().connections == 21);
    let open = std::fs::read_dir("/proc/self/fd").unwrap().count() as u64 - 1;
    let limit = rustix::process::Rlimit { current: Some(open), maximum: Some(open + 200) };
    rustix::process::setrlimit(rustix::process::Resource::Nofile, limit).unwrap();
    // It takes two: the proxy's end and the instance's.
    for _ in 0..3 {
        let answer = client.get("/");
        assert_eq!((answer.status(), answer.reason()), (200, ""));
        pause(Duration::from_millis(100));
    }
}
