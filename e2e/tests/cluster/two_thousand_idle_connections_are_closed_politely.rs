//! 2,000 clients, as many as the guard takes unless it is told otherwise, that keep a connection open and send nothing
//! are told to go one after the other, and none is reset.

use std::io::ErrorKind;
use std::net::SocketAddr;

use rustix::process::{Resource, getrlimit, setrlimit};
use segue_e2e::client::Client;

use crate::TestBed;
use crate::injected::{AGENT, GUARD, Injected, SHORT, sample};
use crate::said::Said;

const CLIENTS: u64 = 2_000;

pub(crate) fn holds(bed: &TestBed) {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).unwrap();
    let web = Injected::up(bed, "idle", &sample(1), SHORT);
    let pod = web.pod();
    let mut agent = Said::by(web.cluster, &pod, AGENT);
    let address = SocketAddr::new(pod.address.unwrap(), GUARD);
    let ask = move |_| {
        let mut client = Client::connect(address);
        client.get("/");
        assert_eq!(client.answer().status, 200);
        client
    };
    let clients: Vec<_> = web.within(1, move || (0..CLIENTS).map(ask).collect()).unwrap();
    web.until_status(&pod, "all are idle", |status| {
        status["kept"] == CLIENTS && status["connections"] == CLIENTS
    });

    web.delete(&pod, &[]);
    for mut client in clients {
        let end = client.bytes(1).expect_err("nothing was asked for");
        assert_eq!(end.kind(), ErrorKind::UnexpectedEof, "{end}");
    }
    web.until_gone(&pod);
    assert_eq!(agent.once("released")["outcome"]["reason"], "drained");
    let counted = agent.once("ended")["guard"].clone();
    assert_eq!((&counted["closed_idle"], &counted["raced"]), (&CLIENTS.into(), &0.into()), "{counted}");
    assert_eq!(counted["over_limit_closed"], 0, "{counted}");
    web.remove();
}
