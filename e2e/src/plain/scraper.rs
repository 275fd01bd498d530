//! A scraper that never stops: it asks every pod for its metrics once a second on a connection that it keeps, as
//! Prometheus does. No drain may wait for it, and its requests are not in any ledger.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use segue_cluster::Machine;

use super::namespace::Network;
use super::watch::Watch;
use crate::clock;

const PERIOD: Duration = Duration::from_secs(1);

/// A pod that does not answer must not keep the others waiting.
const PATIENCE: Duration = Duration::from_millis(500);

/// A scraper that runs.
#[derive(Debug)]
pub struct Scraper {
    answered: Arc<AtomicU64>,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<anyhow::Result<()>>>,
}

impl Scraper {
    /// Begins to ask all pods of a watch on this port, from this machine.
    pub fn start(from: &Machine, watch: Arc<Watch>, port: u16) -> anyhow::Result<Self> {
        let (answered, ended) = (Arc::<AtomicU64>::default(), Arc::<AtomicBool>::default());
        let (count, end) = (Arc::clone(&answered), Arc::clone(&ended));
        let work = move || {
            let mut connections = BTreeMap::new();
            while !end.load(Ordering::Relaxed) {
                for pod in watch.living() {
                    let Some(Ok(address)) = pod.address.map(|address| address.parse()) else { continue };
                    let address = SocketAddr::new(address, port);
                    // One that was closed is made anew in the next round.
                    let connection = connections.remove(&address).or_else(|| connect(address));
                    if let Some(connection) = connection.and_then(ask) {
                        count.fetch_add(1, Ordering::Relaxed);
                        connections.insert(address, connection);
                    }
                }
                clock::sleep(PERIOD);
            }
        };
        let thread = Network::of(from.command("cat"))?.run("scraper", work)?;
        Ok(Self { answered, ended, thread: Some(thread) })
    }

    /// How often a pod has answered.
    pub fn answered(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }
}

impl Drop for Scraper {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn connect(address: SocketAddr) -> Option<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, PATIENCE).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    stream.set_write_timeout(Some(PATIENCE)).ok()?;
    Some(stream)
}

/// One request; the connection if an answer came on it.
fn ask(mut stream: TcpStream) -> Option<TcpStream> {
    let request = "GET /metrics HTTP/1.1\r\nhost: pod\r\nuser-agent: Prometheus/3.0\r\n\r\n";
    stream.write_all(request.as_bytes()).ok()?;
    // The answer is short: it comes in one piece.
    let mut answer = [0; 4096];
    (stream.read(&mut answer).ok()? > 0).then_some(stream)
}
