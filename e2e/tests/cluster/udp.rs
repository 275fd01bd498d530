//! UDP between the cluster's networks: who answers at an address.

use std::net::{Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, ensure};
use segue_cluster::wait;
use segue_e2e::plain::Network;

/// The port where it is answered.
pub(crate) const PORT: u16 = 9053;

/// How often it is looked whether it is to end.
const TICK: Duration = Duration::from_millis(100);

/// Answers in both families, until it is dropped.
pub(crate) struct Answers {
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<anyhow::Result<std::io::Result<()>>>>,
}

impl Answers {
    /// Answers every datagram with this name.
    #[track_caller]
    pub(crate) fn start(network: &Network, name: &str) -> Self {
        let ended = Arc::<AtomicBool>::default();
        let (end, name) = (Arc::clone(&ended), name.to_owned());
        let thread = network.run("udp", move || {
            let socket = UdpSocket::bind((Ipv6Addr::UNSPECIFIED, PORT))?;
            socket.set_read_timeout(Some(TICK))?;
            while !end.load(Ordering::Relaxed) {
                if let Ok((_, from)) = socket.recv_from(&mut [0; 16]) {
                    socket.send_to(name.as_bytes(), from)?;
                }
            }
            Ok(())
        });
        Self { ended, thread: Some(thread.unwrap()) }
    }
}

impl Drop for Answers {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        let ended = self.thread.take().map(JoinHandle::join);
        if !std::thread::panicking() {
            ended.unwrap().unwrap().unwrap().unwrap();
        }
    }
}

/// Asks from new ports until each of these has answered.
#[track_caller]
pub(crate) fn until_answered(from: &Network, to: SocketAddr, by: &[&str]) {
    let mut missing: Vec<String> = by.iter().map(|name| (*name).to_owned()).collect();
    let asking = from.run("udp", move || {
        wait::until(&format!("UDP is answered at {to} by all of {missing:?}"), wait::LONG, || {
            let answer = ask(to)?;
            missing.retain(|name| *name != answer);
            ensure!(missing.is_empty(), "{missing:?} did not answer");
            Ok(())
        })
    });
    asking.unwrap().join().unwrap().unwrap().unwrap();
}

fn ask(to: SocketAddr) -> anyhow::Result<String> {
    let any = if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = UdpSocket::bind(any)?;
    socket.set_read_timeout(Some(Duration::from_secs(1)))?;
    socket.send_to(b"who?", to)?;
    let mut answer = [0; 256];
    let (length, from) = socket.recv_from(&mut answer).with_context(|| format!("no answer from {to}"))?;
    ensure!(from == to, "{from} answered instead of {to}");
    Ok(String::from_utf8_lossy(&answer[..length]).into_owned())
}
