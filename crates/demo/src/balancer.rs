//! A load balancer as they commonly are: it learns by health checks alone which instances it may send to.
//!
//! It is Segue's own proxy, steered by nothing but `/health`: one success lets an instance in, a few failures in a
//! row put it out. Nobody tells it that an instance is about to stop.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::time::Duration;

use anyhow::Context;
use segue_probe::MarkKind;
use segue_proxy::{Config, Pool, Proxy};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::marks::Marks;
use crate::settings::Settings;

/// A WebSocket stays on the instance that it is on for as long as that one lives: this balancer has no last word.
const NEVER: Duration = Duration::from_hours(1);

/// The proxy and its health checks; both end when dropped.
pub(crate) struct Balancer {
    pool: Pool,
    proxy: Proxy,
    interval: Duration,
    checks_to_leave: u32,
}

/// An instance that the balancer knows; its health checks end when dropped.
#[derive(Debug)]
pub(crate) struct Registered {
    pool: Pool,
    id: String,
    joined: watch::Receiver<bool>,
    checks: AbortHandle,
}

// === impl Balancer ===

impl Balancer {
    pub(crate) fn start(settings: &Settings) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("cannot listen on 127.0.0.1")?;
        let pool = Pool::default();
        let config = Config { websocket_grace: NEVER, ..Config::default() };
        let proxy = Proxy::start(listener, pool.clone(), config).context("cannot start the proxy")?;
        Ok(Self { pool, proxy, interval: settings.check_interval, checks_to_leave: settings.checks_to_leave })
    }

    /// Where clients connect.
    pub(crate) fn address(&self) -> SocketAddr {
        self.proxy.local_addr()
    }

    /// Makes an instance known, and checks it from now on.
    pub(crate) fn register(&self, id: &str, address: SocketAddr, version: &str, marks: &Marks) -> Registered {
        self.pool.add(id, address, version);
        let (joined_tell, joined) = watch::channel(false);
        let checks = Checks {
            pool: self.pool.clone(),
            id: id.to_owned(),
            version: version.to_owned(),
            address,
            interval: self.interval,
            to_leave: self.checks_to_leave,
            joined: joined_tell,
            marks: marks.clone(),
        };
        let checks = tokio::spawn(checks.run()).abort_handle();
        Registered { pool: self.pool.clone(), id: id.to_owned(), joined, checks }
    }
}

// === impl Registered ===

impl Registered {
    /// Resolves when the balancer sends requests to it.
    pub(crate) async fn joined(&mut self) {
        // The checks live as long as this value: there is no error to speak of.
        let _ = self.joined.wait_for(|joined| *joined).await;
    }

    /// Resolves when the balancer sends no new requests to it any more.
    pub(crate) async fn left(&mut self) {
        let _ = self.joined.wait_for(|joined| !*joined).await;
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.checks.abort();
        self.pool.remove(&self.id);
    }
}

/// The health checks of one instance.
struct Checks {
    pool: Pool,
    id: String,
    version: String,
    address: SocketAddr,
    interval: Duration,
    to_leave: u32,
    joined: watch::Sender<bool>,
    marks: Marks,
}

impl Checks {
    async fn run(self) {
        let mut ticks = interval(self.interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut failures = 0;
        loop {
            ticks.tick().await;
            let healthy = timeout(self.interval, healthy(self.address)).await.unwrap_or(false);
            failures = if healthy { 0 } else { failures + 1 };
            let joined = *self.joined.borrow();
            if healthy && !joined {
                self.pool.admit(&self.id);
                self.marks.mark(MarkKind::Ready, &self.id, &self.version);
                self.joined.send_replace(true);
            } else if joined && failures >= self.to_leave {
                self.pool.withdraw(&self.id);
                self.marks.mark(MarkKind::Withdrawn, &self.id, &self.version);
                self.joined.send_replace(false);
            }
        }
    }
}

/// Whether `GET /health` is answered with 200.
pub(crate) async fn healthy(address: SocketAddr) -> bool {
    let ask = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(b"GET /health HTTP/1.1\r\nhost: instance\r\nconnection: close\r\n\r\n").await?;
        let mut status = [0; 12];
        stream.read_exact(&mut status).await?;
        std::io::Result::Ok(&status == b"HTTP/1.1 200")
    };
    ask.await.unwrap_or(false)
}
