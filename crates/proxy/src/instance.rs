//! One instance: its claim word, its idle upstream connections and its counters.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http::HeaderValue;
use parking_lot::{Mutex, MutexGuard};
use serde::Serialize;
use tokio::sync::Notify;

use crate::claim::Claims;
use crate::clock;
use crate::upstream::{Link, SharedLink};

/// One instance of the service, as the pool shares it with the requests on it.
#[derive(Debug)]
pub(crate) struct Instance {
    /// Unique within the process and never 0: an id may come back after a removal, a key does not.
    pub(crate) key: u64,
    pub(crate) id: String,
    pub(crate) address: SocketAddr,
    pub(crate) version: String,
    pub(crate) version_value: Option<HeaderValue>,
    claims: Claims,
    idle_pool: Mutex<Vec<Link>>,
    /// The HTTP/2 connections of the workers.
    shared_links: Mutex<Vec<SharedLink>>,
    idle_pool_size: usize,
    changed: Arc<Notify>,
    pub(crate) upgraded: AtomicU64,
    pub(crate) requests: AtomicU64,
    pub(crate) failed: AtomicU64,
    /// When it was last withdrawn, 0 while it takes requests.
    pub(crate) withdrawn_at: AtomicU64,
}

impl Instance {
    pub(crate) fn new(
        id: &str,
        address: SocketAddr,
        version: &str,
        idle_pool_size: usize,
        changed: Arc<Notify>,
    ) -> Instance {
        static KEY: AtomicU64 = AtomicU64::new(1);
        Instance {
            key: KEY.fetch_add(1, Ordering::Relaxed),
            id: id.to_owned(),
            address,
            version: version.to_owned(),
            version_value: HeaderValue::from_str(version).ok(),
            claims: Claims::default(),
            idle_pool: Mutex::default(),
            shared_links: Mutex::default(),
            idle_pool_size,
            changed,
            upgraded: AtomicU64::new(0),
            requests: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            withdrawn_at: AtomicU64::new(0),
        }
    }

    /// Requests in flight if it takes more.
    pub(crate) fn load_if_admitted(&self) -> Option<u64> {
        self.claims.load_if_admitted()
    }

    pub(crate) fn admit(&self) {
        self.withdrawn_at.store(0, Ordering::Relaxed);
        self.claims.admit();
        self.changed.notify_waiters();
    }

    /// After this no request claims it, and none of its idle connections is used again.
    pub(crate) fn withdraw(&self) {
        if self.claims.withdraw() {
            self.withdrawn_at.store(clock::now(), Ordering::Relaxed);
        }
        // After the flag: `keep_idle` looks at the flag under this lock, so nothing is put back later.
        let idle = std::mem::take(&mut *self.idle_pool());
        drop(idle);
        // What is under way on these goes on; each closes with its last request.
        let shared = std::mem::take(&mut *self.shared_links());
        drop(shared);
        self.changed.notify_waiters();
    }

    pub(crate) fn admitted(&self) -> bool {
        self.claims.admitted()
    }

    pub(crate) fn in_flight(&self) -> u64 {
        self.claims.count()
    }

    /// An idle connection of this worker that is young enough and whose other end has not closed it.
    pub(crate) fn idle_link(&self, worker: u64) -> Option<Link> {
        loop {
            let link = {
                let mut idle = self.idle_pool();
                let newest = idle.iter().rposition(|link| link.worker() == worker)?;
                idle.remove(newest)
            };
            if link.usable(clock::coarse()) {
                return Some(link);
            }
        }
    }

    /// Keeps a connection for a later request, unless the instance was withdrawn meanwhile.
    pub(crate) fn keep_idle(&self, mut link: Link) {
        link.rest(clock::coarse());
        let mut idle = self.idle_pool();
        if self.claims.admitted() && idle.len() < self.idle_pool_size {
            idle.push(link);
        } else {
            drop(idle);
            drop(link);
        }
    }

    /// This worker's HTTP/2 connection, if it is open.
    pub(crate) fn shared_link(&self, worker: u64) -> Option<SharedLink> {
        let mut links = self.shared_links();
        links.retain(SharedLink::is_open);
        links.iter().find(|link| link.worker() == worker).cloned()
    }

    /// Keeps an HTTP/2 connection for this worker's further requests, unless the instance was withdrawn meanwhile.
    pub(crate) fn share(&self, link: SharedLink) {
        let mut links = self.shared_links();
        if self.claims.admitted() {
            links.push(link);
        }
    }

    fn shared_links(&self) -> MutexGuard<'_, Vec<SharedLink>> {
        self.shared_links.lock()
    }

    /// Closes connections that are too old to be used.
    pub(crate) fn sweep(&self, now: u64) {
        let old: Vec<_> = self.idle_pool().extract_if(.., |link| !link.young(now)).collect();
        drop(old);
    }

    fn idle_pool(&self) -> MutexGuard<'_, Vec<Link>> {
        self.idle_pool.lock()
    }

    pub(crate) fn view(&self) -> InstanceView {
        InstanceView {
            id: self.id.clone(),
            address: self.address,
            version: self.version.clone(),
            admitted: self.admitted(),
            in_flight: self.in_flight(),
            upgraded: self.upgraded.load(Ordering::Relaxed),
            requests: self.requests.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
        }
    }
}

/// One request's hold on an instance: it is in flight until this is dropped.
#[derive(Debug)]
pub(crate) struct Claim(Arc<Instance>);

impl Claim {
    /// Takes a claim if the instance takes requests.
    pub(crate) fn take(instance: &Arc<Instance>) -> Option<Claim> {
        if !instance.claims.claim() {
            return None;
        }
        instance.requests.fetch_add(1, Ordering::Relaxed);
        Some(Claim(instance.clone()))
    }

    pub(crate) fn instance(&self) -> &Arc<Instance> {
        &self.0
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if self.0.claims.release() {
            self.0.changed.notify_waiters();
        }
    }
}

/// What a driver sees of an instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InstanceView {
    /// The name it was added under.
    pub id: String,
    /// Where it listens.
    pub address: SocketAddr,
    /// What it runs.
    pub version: String,
    /// Whether it takes requests.
    pub admitted: bool,
    /// Requests taken and not answered in full, upgraded connections included.
    pub in_flight: u64,
    /// How many of these are upgraded connections.
    pub upgraded: u64,
    /// Requests so far.
    pub requests: u64,
    /// Requests that it did not answer in full.
    pub failed: u64,
}

#[cfg(test)]
#[path = "instance_tests.rs"]
mod tests;
