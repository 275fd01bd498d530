//! What a guard knows at a moment, and the numbers that it is read from.

use std::sync::atomic::{AtomicU64, Ordering};

use segue_core::Time;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

/// What a guard knows at a moment: always the whole of it, never a difference.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Application requests taken and not answered: from a request's first byte until its answer's last byte was handed
    /// to the kernel. An upgraded connection counts until it closes; HTTP/2 streams all count, their paths are not
    /// known. Opaque connections are not in it.
    pub in_flight: u64,
    /// When the last application request came; `None` if none did.
    pub last_request: Option<Time>,
    /// Open connections, whatever they do.
    pub connections: u64,
    /// Of those: open with nothing in flight, and a client that may send another request.
    pub kept: u64,
    /// Of those: not HTTP, or not understood. Their bytes pass, nothing else is known of them.
    pub opaque: u64,
    /// Of those: everything was answered and the client knows that it is to close. Its own end, which shows that it
    /// has all of its answer, has not come yet; it is waited for at most `linger`.
    pub closing: u64,
    /// What has happened so far.
    pub counters: Counters,
}

macro_rules! counters {
    ($($(#[doc = $doc:literal])+ $name:ident,)+) => {
        /// What has happened since a guard started; none of them ever falls.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
        // Another version's report may know fewer of them.
        #[serde(default)]
        pub struct Counters {
            $($(#[doc = $doc])+ pub $name: u64,)+
        }

        /// [`Counters`] as they are counted.
        #[derive(Debug, Default)]
        pub(crate) struct AtomicCounters {
            $(pub(crate) $name: AtomicU64,)+
        }

        impl AtomicCounters {
            fn read(&self) -> Counters {
                Counters { $($name: self.$name.load(Ordering::Relaxed),)+ }
            }
        }
    };
}

counters! {
    /// Application requests begun.
    requests,
    /// Requests begun that are no application requests.
    discounted,
    /// Connections accepted.
    connections,
    /// Idle connections that were closed by [`crate::Guard::close_idle`].
    closed_idle,
    /// Requests that came when their connection was just being closed, and were lost so. Each is a drop.
    raced,
    /// Connections whose last answer said `Connection: close`.
    announced,
    /// WebSockets that were sent a close frame with 1001.
    websockets_told,
    /// HTTP/2 connections that were sent GOAWAY.
    goaways,
    /// Idle connections closed to make room for new ones.
    over_limit_closed,
    /// Connections reset because there was no room.
    over_limit_refused,
    /// Connections closed because the head of a request did not come to its end in time.
    unfinished,
    /// Connections reset because the application did not take them.
    upstream_refused,
    /// Connections made again to an application that had closed its own, for the next request of a client that was kept.
    reconnected,
    /// Requests sent again, of which the application had provably taken nothing.
    resent,
    /// Application requests without a whole answer when the application ended their connection.
    broken_off,
    /// Times when no connection could be accepted, such as for want of file descriptors.
    accept_failed,
    /// Connections that ended by a panic.
    panics,
    /// Application requests in flight that were cut by [`crate::Guard::cut`].
    cut,
}

/// The live numbers behind every [`Snapshot`].
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    in_flight: AtomicU64,
    /// Milliseconds; 0 is never.
    last_request: AtomicU64,
    pub(crate) connections: AtomicU64,
    pub(crate) kept: AtomicU64,
    pub(crate) opaque: AtomicU64,
    pub(crate) closing: AtomicU64,
    pub(crate) counters: AtomicCounters,
    pub(crate) changed: Notify,
}

/// One more.
pub(crate) fn add(number: &AtomicU64) {
    number.fetch_add(1, Ordering::Relaxed);
}

impl Metrics {
    pub(crate) fn snapshot(&self) -> Snapshot {
        let read = |number: &AtomicU64| number.load(Ordering::Relaxed);
        let last_request = read(&self.last_request);
        Snapshot {
            in_flight: read(&self.in_flight),
            last_request: (last_request > 0).then(|| Time::from_millis(last_request)),
            connections: read(&self.connections),
            kept: read(&self.kept),
            opaque: read(&self.opaque),
            closing: read(&self.closing),
            counters: self.counters.read(),
        }
    }

    /// An application request begins.
    pub(crate) fn request(&self, now: Time) {
        add(&self.counters.requests);
        // Connections of several ports may be carried by several threads: the time never goes back.
        self.last_request.fetch_max(now.as_millis(), Ordering::Relaxed);
    }

    /// A connection that had `before` application requests in flight has `after`.
    pub(crate) fn in_flight(&self, before: u32, after: u32) {
        if after >= before {
            self.in_flight.fetch_add(u64::from(after - before), Ordering::Relaxed);
        } else {
            let less = u64::from(before - after);
            if self.in_flight.fetch_sub(less, Ordering::Relaxed) == less {
                self.changed.notify_one();
            }
        }
    }

    /// One less of `number`: that there is none left may be what a drain waits for.
    pub(crate) fn less(&self, number: &AtomicU64) {
        if number.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.changed.notify_one();
        }
    }
}

#[cfg(test)]
mod tests;
