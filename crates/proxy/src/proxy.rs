//! The proxy itself: its worker threads, and its way out.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::sync::watch;

use crate::clock;
use crate::config::Config;
use crate::downstream::{self, Accepted};
use crate::pool::Pool;
use crate::shared::Shared;
use crate::stats::Stats;
use crate::sweep;

/// After the deadline's cuts, so long for the 504s to leave.
const LAST_WORDS_MS: u64 = 500;

/// A running proxy. It ends when this is dropped; [`Proxy::drain`] is the polite way.
#[derive(Debug)]
pub struct Proxy {
    shared: Arc<Shared>,
    local_addr: SocketAddr,
    /// Closed when the workers are to end.
    _running: watch::Sender<()>,
}

/// How a drain ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drained {
    /// Requests and upgraded connections that the deadline ended.
    pub cut: u64,
}

impl Proxy {
    /// Serves `pool` on `listener`.
    ///
    /// It starts threads of its own ([`Config::workers`]), each with a runtime of its own, so it can be called
    /// from inside or outside a tokio runtime and does not share its time with the caller's tasks.
    pub fn start(listener: std::net::TcpListener, pool: Pool, config: Config) -> io::Result<Proxy> {
        static WORKER: AtomicU64 = AtomicU64::new(0);
        listener.set_nonblocking(true)?;
        let local_addr = listener.local_addr()?;
        let workers =
            config.workers.unwrap_or_else(|| thread::available_parallelism().map_or(1, usize::from));
        let shared = Arc::new(Shared::new(pool, config));
        shared.pool.attach(&shared.registry);
        clock::tick();
        let (running, ended) = watch::channel(());
        let (senders, receivers): (Vec<_>, Vec<_>) = (0..workers.max(1)).map(|_| unbounded_channel()).unzip();
        let mut first = Some((listener, senders));
        for receiver in receivers {
            let worker = WORKER.fetch_add(1, Ordering::Relaxed);
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            if let Some((listener, senders)) = first.take() {
                let _inside = runtime.enter();
                let listener = tokio::net::TcpListener::from_std(listener)?;
                runtime.spawn(downstream::accept(shared.clone(), listener, senders));
                runtime.spawn(sweep::run(shared.clone()));
            }
            let (shared, ended) = (shared.clone(), ended.clone());
            thread::Builder::new()
                .name(format!("segue-proxy-{worker}"))
                .spawn(move || runtime.block_on(work(shared, worker, receiver, ended)))?;
        }
        Ok(Proxy { shared, local_addr, _running: running })
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// What it has done so far and holds now.
    pub fn stats(&self) -> Stats {
        self.shared.counters.view(self.shared.registry.busy())
    }

    /// Leaves: takes no more connections, tells clients to go (`Connection: close`, GOAWAY, 1001 to WebSockets
    /// after their grace), finishes what is in flight, closes idle connections. What is still in flight after
    /// `deadline` is cut and counted.
    pub async fn drain(&self, deadline: Duration) -> Drained {
        let shared = &self.shared;
        shared.begin_drain();
        self.until_empty(clock::millis(deadline)).await;
        if self.is_empty() {
            return Drained { cut: 0 };
        }
        let cut = shared.registry.cut_all();
        shared.counters.cut.fetch_add(cut, Ordering::Relaxed);
        self.until_empty(LAST_WORDS_MS).await;
        shared.registry.each(|operation| operation.abort());
        self.until_empty(LAST_WORDS_MS).await;
        Drained { cut }
    }

    fn is_empty(&self) -> bool {
        self.shared.counters.connections.load(Ordering::Relaxed) == 0
    }

    /// Or until so many milliseconds have passed.
    async fn until_empty(&self, milliseconds: u64) {
        let limit = clock::now().saturating_add(milliseconds);
        loop {
            let swept = self.shared.swept.notified();
            if self.is_empty() || clock::now() >= limit {
                return;
            }
            swept.await;
        }
    }
}

async fn work(
    shared: Arc<Shared>,
    worker: u64,
    mut accepted: UnboundedReceiver<Accepted>,
    mut ended: watch::Receiver<()>,
) {
    loop {
        tokio::select! {
            connection = accepted.recv() => {
                let Some(connection) = connection else {
                    // No more will come; those that are here go on.
                    let _ = ended.changed().await;
                    return;
                };
                downstream::take(&shared, worker, connection);
            }
            _ = ended.changed() => return,
        }
    }
}
