//! "Done" means done: what ran before has answered all that it had taken, and has ended.

use segue_e2e::client::Client;
use segue_e2e::{Sample, Service};

#[test]
fn no_old_process_lives_when_the_deploy_returns_and_none_was_cut_short() {
    let service = Service::start(&Sample::default());
    let old = service.place.instances();
    assert_eq!(old.len(), 3);
    let mut clients: Vec<Client> = (0..9).map(|_| Client::connect(service.listen)).collect();
    for client in &mut clients {
        client.get("/sleep?ms=2500");
    }
    service.until("all requests are in flight", |status| {
        status.instances().iter().filter_map(|instance| instance.0["in_flight"].as_u64()).sum::<u64>() == 9
    });

    let ended = service.deploy(&Sample { version: "v2", ..Sample::default() });
    let alive: Vec<_> = old.iter().filter(|process| process.lives()).collect();
    assert!(alive.is_empty(), "{alive:#?}\n{ended:?}");
    ended.assert_code(0);
    service.assert_settled("v2", 3);
    for mut client in clients {
        let answer = client.answer();
        assert_eq!((answer.status, answer.version()), (200, Some("v1")), "{answer:?}");
    }
}
