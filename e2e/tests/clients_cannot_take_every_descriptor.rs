//! However few files `segue up` may have open, clients leave enough for its own work: commands are answered, instances
//! replaced, and clients get an answer or are told that there are too many of them.

use std::io::Read as _;
use std::time::Duration;

use rustix::process::Signal;
use segue_e2e::place::free_address;
use segue_e2e::{Client, Place, Sample, Status, wait};

/// The hard limit: nothing can raise it.
const LIMIT: &str = "80";
const CLIENTS: usize = 100;
/// An answer that has not come by then does not come.
const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn with_a_hundred_idle_clients_it_serves_deploys_and_replaces() {
    let place = Place::new();
    let listen = free_address();
    let sample = Sample { replicas: 2, flags: &[], ..Sample::default() };
    let spec = sample.spec(&place, listen);
    let mut up = place.start_after(&format!("ulimit -n {LIMIT} &&"), &["up", "-f", &spec.to_string_lossy()]);
    let settled = |version: &str| {
        wait::until(&format!("2 of {version} serve"), wait::LONG, || {
            let status = Status::ask(&place, "web")?;
            if status.settled(version, 2) { Ok(()) } else { Err(format!("{:#}", status.0)) }
        });
    };
    settled("v1");
    assert!(up.said().contains("not the 10000 of limits.maxConnections"), "{}", up.said());

    // They ask for nothing, and stay.
    let idle: Vec<Client> = (0..CLIENTS).map(|_| Client::connect(listen)).collect();
    wait::pass(Duration::from_millis(500));
    let status = Status::ask(&place, "web").expect("status is answered");
    assert!(status.settled("v1", 2), "{:#}", status.0);

    let asks = |what: &str| {
        let mut client = Client::connect(listen);
        client.stream().set_read_timeout(Some(PATIENCE)).unwrap();
        let answer = client.try_get("/").and_then(|()| client.try_answer());
        let answer = answer.unwrap_or_else(|error| panic!("no answer {what}: {error}"));
        let told = answer.header("segue-reason") == Some("too-many-connections");
        assert!(answer.status == 200 || (answer.status == 503 && told), "{what}: {answer:?}");
    };
    for _ in 0..5 {
        asks("beside idle clients");
    }

    let killed = place.instances()[0].clone();
    killed.signal(Signal::KILL);
    wait::until_true("it has ended", wait::LONG, || !killed.lives());
    wait::until("it is replaced", wait::LONG, || {
        let now = place.instances();
        if now.len() == 2 && !now.contains(&killed) { Ok(()) } else { Err(format!("{now:#?}")) }
    });
    settled("v1");
    let after = Sample { version: "v2", ..sample }.spec(&place, listen);
    place.run(&["deploy", "-f", &after.to_string_lossy()]).assert_code(0);
    settled("v2");
    asks("after a deploy");

    // Those that were too many were told, and not left to wait.
    let mut told = 0;
    for mut client in idle {
        client.stream().set_read_timeout(Some(Duration::from_millis(10))).unwrap();
        let mut text = [0; 64];
        told += usize::from(client.stream().read(&mut text).is_ok());
    }
    assert!(told > CLIENTS / 2, "only {told} of {CLIENTS} heard anything");
    up.signal(Signal::TERM);
    up.ended_within(wait::LONG).assert_code(0);
    place.until_nothing_runs();
}
