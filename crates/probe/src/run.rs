//! A run: its threads, its progress, its end.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::watch;

use crate::addresses::{Addresses, Resolver};
use crate::clock::{self, Clock};
use crate::ledger::Ledger;
use crate::load::{Load, LoadError, Protocol};
use crate::marks::Marker;
use crate::report::Report;
use crate::target::TargetError;
use crate::tls::{Tls, TlsError};
use crate::work::work;
use crate::worker::Plan;

/// How often [`run`] tells of progress.
const PROGRESS: Duration = Duration::from_millis(200);

/// A run under way. It goes on by its own threads until its duration is over or it is stopped.
pub struct Probe {
    load: Arc<Load>,
    clock: Clock,
    marker: Marker,
    stop: watch::Sender<bool>,
    ledgers: Vec<Arc<Mutex<Ledger>>>,
    threads: Vec<JoinHandle<io::Result<()>>>,
    resolver: Resolver,
}

/// Stops a run early, from anywhere.
#[derive(Debug, Clone)]
pub struct Stopper(watch::Sender<bool>);

impl Stopper {
    /// No new request is sent; what is in flight is waited for.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

/// A run so far.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Progress {
    /// Since it began.
    pub elapsed: Duration,
    /// Sent and ended.
    pub requests: u64,
    /// Of these, ok.
    pub ok: u64,
    /// Of these, dropped.
    pub dropped: u64,
    /// Sent and not ended.
    pub in_flight: u64,
    /// Planned and never sent.
    pub unsent: u64,
    /// Ok by version.
    pub versions: BTreeMap<String, u64>,
    /// Drops by kind.
    pub drops: BTreeMap<String, u64>,
}

/// Why a run can't begin, or broke off.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The load makes no sense.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The target can't be found.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// TLS can't be spoken.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// This process is short of something.
    #[error("the probe can't run here")]
    Io(#[from] io::Error),
    /// A sending thread ended before its work was done.
    #[error("a sending thread of the probe broke off: its requests are not all accounted for")]
    Broken,
}

/// Starts to send.
pub fn start(load: Load) -> Result<Probe, RunError> {
    load.check()?;
    raise_descriptor_limit();
    let tls = |protocol| load.target.tls.then(|| Tls::new(&load.target, &load.trust, protocol)).transpose();
    let (tls_http1, tls_http2) = (tls(Protocol::Http1)?, tls(Protocol::Http2)?);
    let (addresses, resolver) = Addresses::resolve(&load.target)?;
    let load = Arc::new(load);
    let (stop, stopped) = watch::channel(false);
    let clock = Clock::start();
    let mut probe = Probe {
        clock,
        marker: Marker::new(clock),
        stop,
        ledgers: Vec::new(),
        threads: Vec::new(),
        resolver,
        load: load.clone(),
    };
    for thread in 0..load.threads {
        let ledger = Arc::new(Mutex::new(Ledger::new(load.shapes.len(), load.keep_records)));
        probe.ledgers.push(ledger.clone());
        let plan = Plan {
            load: load.clone(),
            clock,
            ledger,
            addresses: addresses.clone(),
            tls_http1: tls_http1.clone(),
            tls_http2: tls_http2.clone(),
            thread,
            stopped: stopped.clone(),
        };
        let builder = std::thread::Builder::new().name(format!("probe-{thread}"));
        probe.threads.push(builder.spawn(move || work(plan))?);
    }
    Ok(probe)
}

/// Runs to the end, and tells of progress five times a second; blocks.
pub fn run(load: Load, mut progress: impl FnMut(&Progress)) -> Result<Report, RunError> {
    let probe = start(load)?;
    while !probe.finished() {
        progress(&probe.progress());
        clock::pause(PROGRESS);
    }
    probe.wait()
}

impl Probe {
    /// Puts marks on this run.
    pub fn marker(&self) -> Marker {
        self.marker.clone()
    }

    /// Stops this run.
    pub fn stopper(&self) -> Stopper {
        Stopper(self.stop.clone())
    }

    /// The run so far.
    pub fn progress(&self) -> Progress {
        let mut progress = Progress { elapsed: self.clock.now(), ..Progress::default() };
        for ledger in &self.ledgers {
            let ledger = ledger.lock();
            progress.requests += ledger.requests();
            progress.ok += ledger.ok();
            progress.dropped += ledger.dropped();
            progress.in_flight += ledger.open_tickets();
            progress.unsent += ledger.unsent().values().sum::<u64>();
            for (version, count) in ledger.versions() {
                *progress.versions.entry(version.clone()).or_default() += count;
            }
            for (kind, count) in ledger.drops() {
                *progress.drops.entry(kind.name()).or_default() += count;
            }
        }
        progress
    }

    /// Whether everything that was sent has ended.
    pub fn finished(&self) -> bool {
        self.threads.iter().all(JoinHandle::is_finished)
    }

    /// Waits for the end; blocks.
    pub fn wait(self) -> Result<Report, RunError> {
        for thread in self.threads {
            thread.join().map_err(|_| RunError::Broken)??;
        }
        let ended = self.clock.now();
        drop(self.resolver);
        let mut ledger = Ledger::new(self.load.shapes.len(), self.load.keep_records);
        for part in self.ledgers {
            ledger.absorb(part.lock().clone());
        }
        Ok(Report::new(&self.load, self.clock.started(), ended, ledger, self.marker.take()))
    }
}

/// As many connections as the system lets this process have.
fn raise_descriptor_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::debug!(%error, "the limit of open files stays as it is");
    }
}
