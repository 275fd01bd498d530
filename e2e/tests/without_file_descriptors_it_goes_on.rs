//! Out of file descriptors: `segue up` says so, goes on, and serves again once there are some.

use std::time::Duration;

use segue_e2e::place::free_address;
use segue_e2e::{Client, Place, Sample, client, wait};

/// Enough for `segue up` and its instances, not for many clients.
const LIMIT: &str = "64";
const CLIENTS: usize = 150;

#[test]
fn it_says_so_and_serves_again_and_a_deploy_is_done_or_refused() {
    let place = Place::new();
    let listen = free_address();
    let sample = Sample { replicas: 2, flags: &[], ..Sample::default() };
    let spec = sample.spec(&place, listen);
    let mut up = place.start_after(&format!("ulimit -n {LIMIT} &&"), &["up", "-f", &spec.to_string_lossy()]);
    wait::until("it serves", wait::LONG, || {
        up.assert_running();
        client::try_get(listen, "/").map_err(|error| format!("{error}: {}", up.said()))
    });

    // The kernel accepts them; `segue up` may not be able to.
    let mut clients: Vec<Client> = (0..CLIENTS).map(|_| Client::connect(listen)).collect();
    for client in &mut clients {
        client.get("/sleep?ms=100");
    }
    wait::until("it says that it is short of them", wait::LONG, || {
        up.assert_running();
        let said = up.said();
        let told = ["file descriptor", "open files", "max connections", "too many connections"];
        if told.iter().any(|words| said.to_lowercase().contains(words)) { Ok(()) } else { Err(said) }
    });

    // Nobody goes away yet.
    let after = Sample { version: "v2", ..sample }.spec(&place, listen);
    let mut deploy = place.start(&["deploy", "-f", &after.to_string_lossy()]);
    wait::pass(Duration::from_secs(2));
    up.assert_running();
    drop(clients);

    let deployed = deploy.ended_within(wait::LONG);
    assert!(deployed.code() == 0 || !deployed.stderr.is_empty(), "it was refused without a reason");
    wait::until("it serves again", wait::LONG, || {
        up.assert_running();
        client::try_get(listen, "/").map_err(|error| error.to_string())
    });
    place.run(&["deploy", "-f", &after.to_string_lossy()]).assert_code(0);
    place.until_only(2, "v2");
    assert_eq!(client::get(listen, "/").version(), Some("v2"));
    up.signal(rustix::process::Signal::TERM);
    up.ended_within(wait::LONG).assert_code(0);
    place.until_nothing_runs();
}
