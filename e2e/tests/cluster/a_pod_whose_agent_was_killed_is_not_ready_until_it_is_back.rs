//! An agent that is killed outside a drain is started again by the kubelet. Until it has its ports again the pod is not
//! ready, and the agent says what it waits for, and how many requests died with the one before. The application is left
//! alone. So it is where its port is redirected, too.

use std::net::TcpListener;

use anyhow::ensure;
use segue_cluster::wait::{self, LONG};
use segue_e2e::plain::namespace::Network;

use crate::TestBed;
use crate::injected::{AGENT, GUARD, Injected, REDIRECTED, SHORT, SHORT_REDIRECTED, sample};
use crate::said::Said;

pub(crate) fn holds(bed: &TestBed) {
    killed(bed, "agent-lost", SHORT, GUARD);
    killed(bed, "agent-lost-redirected", SHORT_REDIRECTED, REDIRECTED);
}

fn killed(bed: &TestBed, namespace: &str, flags: &[&str], guard: u16) {
    let web = Injected::up(bed, namespace, &sample(1), flags);
    let pod = web.pod();
    let inside = Network::of(web.cluster.pod_command(&pod, "cat").unwrap()).unwrap();
    let mut client = web.in_flight(&pod, 60_000);
    let process = web.cluster.container_process(&pod, AGENT).unwrap();
    wait::until("the request is written down", LONG, || {
        let carried = std::fs::read_to_string(format!("/proc/{}/root/segue-state/carried", process.pid))?;
        ensure!(carried == "1", "{carried}");
        Ok(())
    })
    .unwrap();
    web.cluster.kill_container(&pod, AGENT).unwrap();
    assert!(client.try_answer().is_err(), "what the agent carried cannot be answered any more");
    // Whoever takes the guard's port now keeps the next agent from starting.
    let take =
        move || wait::until("the dead agent's port is free", LONG, || Ok(TcpListener::bind(("::", guard))?));
    let taken = inside.run("taker", take).unwrap().join().unwrap().unwrap().unwrap();

    let pod = wait::until("the agent was started again, in a pod that is not ready", LONG, || {
        let pod = web.pod();
        let agent = pod.container(AGENT)?;
        ensure!(agent.restarts == 1 && agent.running && !agent.ready && !pod.ready, "{pod:#?}");
        Ok(pod)
    })
    .unwrap();
    let mut agent = Said::by(web.cluster, &pod, AGENT);
    wait::until("the agent says what it waits for", LONG, || {
        let said = agent.of("waits-for-a-port");
        ensure!(
            said.len() == 1 && said[0]["error"].to_string().contains(&guard.to_string()),
            "{:?}",
            agent.lines()
        );
        Ok(())
    })
    .unwrap();
    assert!(!web.pod().ready, "ready without its guard");

    drop(taken);
    web.until_restarted(&pod, AGENT, 1);
    assert_eq!(web.get(&pod, web.entry, "/").status, 200);
    assert_eq!(agent.once("agent-lost")["requests"], 1);
    assert_eq!(web.status(&pod)["agent_lost"], 1);
    assert_eq!(web.pod().container("app").unwrap().restarts, 0);
    web.remove();
}
