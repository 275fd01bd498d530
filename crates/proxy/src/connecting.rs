//! A connection to the instance that a request was given.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::clock;
use crate::downstream::Connection;
use crate::instance::Claim;
use crate::operation::{Operation, Phase};
use crate::reason::Reason;
use crate::upstream::{self, ConnectError, Link};
use crate::verdict::Verdict;

/// How often a connection is tried for which no file descriptor is left, and how long it is waited for in between.
const TRIES: u32 = 5;
const A_MOMENT: Duration = Duration::from_millis(20);

pub(crate) async fn open(
    connection: &Connection,
    operation: &Operation,
    claim: &Claim,
) -> Result<Link, Reason> {
    operation.wait_for(Phase::Connect);
    let (pool, limit) = (&connection.shared.pool, connection.shared.config.limits.connect);
    let instance = claim.instance();
    let connect = || upstream::connect(instance.address, connection.worker, pool.idle_limit(), limit);
    let mut opened = connect().await;
    let mut tries = 0;
    // Idle clients make room. They take a moment.
    while let Err(ConnectError::OutOfFileDescriptors(_)) = opened
        && tries < TRIES
        && connection.shared.free_file_descriptors(1)
    {
        tries += 1;
        clock::sleep(A_MOMENT).await;
        opened = connect().await;
    }
    if operation.verdict() == Verdict::Cut {
        return Err(Reason::Cut);
    }
    opened.map_err(|error| {
        instance.failed.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(%error, instance = instance.id, address = %instance.address, "no connection");
        match error {
            ConnectError::Timeout => Reason::ConnectTimeout,
            ConnectError::OutOfFileDescriptors(_) => Reason::OutOfFileDescriptors,
            ConnectError::Refused(_) => Reason::ConnectRefused,
        }
    })
}
