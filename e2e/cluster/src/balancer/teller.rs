//! What stands for the load balancer's controller: watches a Service's EndpointSlices and tells HAProxy, late.

use std::io::BufReader;
use std::net::SocketAddrV4;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::Value;

use super::haproxy::Remote;
use super::ledger::{Change, Lags, Ledger};
use super::options::BalancerOptions;
use super::slices::Slices;
use crate::{Api, clock};

/// How often it is looked whether a lag is over.
const TICK: Duration = Duration::from_millis(20);

/// Until a watch that ended (the API server is down) is begun again; meanwhile what was known last holds.
const AGAIN: Duration = Duration::from_millis(500);

/// The two threads: one watches, one tells.
#[derive(Debug)]
pub(super) struct Teller {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    stop: AtomicBool,
    slices: Mutex<Slices>,
    watch: Mutex<Option<Child>>,
    problem: Mutex<Option<String>>,
}

impl Teller {
    pub(super) fn start(
        api: &Api,
        options: &BalancerOptions,
        lags: Lags,
        remote: Remote,
    ) -> anyhow::Result<Self> {
        let shared = Arc::new(Shared::default());
        let selector = format!("--selector=kubernetes.io/service-name={}", options.service);
        let port = options.port.clone();
        api.run(["get", "service", &options.service]).context("a load balancer without a Service")?;

        let (watching, own_api) = (Arc::clone(&shared), api.clone());
        let watcher = std::thread::spawn(move || {
            while !watching.stopped() {
                // An API server that is away is no problem of a load balancer: it keeps its targets.
                let _ = watching.watch(&own_api, &selector, port.as_deref());
                clock::sleep(AGAIN);
            }
        });
        let telling = Arc::clone(&shared);
        let teller = std::thread::spawn(move || telling.tell(Ledger::new(lags), &remote));
        Ok(Self { shared, threads: vec![watcher, teller] })
    }

    /// An error if HAProxy could not be told.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        match &*lock(&self.shared.problem) {
            Some(problem) => bail!("{problem}"),
            None => Ok(()),
        }
    }
}

impl Drop for Teller {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
        if let Some(watch) = &mut *lock(&self.shared.watch) {
            let _ = watch.kill();
        }
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    /// Lists, then follows the changes until the watch ends.
    fn watch(&self, api: &Api, selector: &str, port: Option<&str>) -> anyhow::Result<()> {
        let list = api.get(["endpointslices", selector])?;
        lock(&self.slices).replace(&list, port);
        let watch = ["get", "endpointslices", selector, "--output=json", "--watch", "--output-watch-events"];
        let mut child =
            api.kubectl(watch).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let said = child.stdout.take().context("kubectl has no output")?;
        {
            let mut held = lock(&self.watch);
            *held = Some(child);
            // Stopped in between: then nobody else ends the watch.
            if self.stopped()
                && let Some(child) = &mut *held
            {
                child.kill()?;
            }
        }
        for event in serde_json::Deserializer::from_reader(BufReader::new(said)).into_iter::<Value>() {
            let Ok(event) = event else { break };
            lock(&self.slices).event(&event, port);
        }
        if let Some(mut child) = lock(&self.watch).take() {
            let _ = child.kill();
            child.wait()?;
        }
        Ok(())
    }

    fn tell(&self, mut ledger: Ledger, remote: &Remote) {
        let began = clock::now();
        let mut leaving: Vec<SocketAddrV4> = Vec::new();
        while !self.stopped() {
            let wanted = lock(&self.slices).wanted();
            for change in ledger.step(&wanted, clock::now() - began) {
                let done = match change {
                    Change::Admit(target) => {
                        leaving.retain(|left| *left != target);
                        remote.admit(target)
                    }
                    Change::Drain(target) => remote.drain(target),
                    Change::Remove(target) => {
                        leaving.push(target);
                        Ok(())
                    }
                };
                self.note(done.map(|()| true));
            }
            leaving.retain(|target| !self.note(remote.remove(*target)));
            clock::sleep(TICK);
        }
    }

    /// The first thing that went wrong is what [`Teller::check`] says.
    fn note(&self, done: anyhow::Result<bool>) -> bool {
        done.unwrap_or_else(|error| {
            // Once it is to stop, its machine may be gone already.
            if !self.stopped() {
                lock(&self.problem).get_or_insert_with(|| format!("{error:#}"));
            }
            true
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
