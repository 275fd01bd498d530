//! Tests of what an instance keeps for later requests.

use super::*;
use crate::upstream::link_tests::link;
use std::time::Duration;
use tokio::io::AsyncReadExt as _;

const PATIENCE: Duration = Duration::from_secs(20);

fn instance(idle_pool_size: usize) -> Instance {
    let instance =
        Instance::new("a", SocketAddr::from(([127, 0, 0, 1], 9)), "1", idle_pool_size, Arc::default());
    instance.admit();
    instance
}

/// How many connections of this worker are kept.
fn kept(instance: &Instance, worker: u64) -> usize {
    std::iter::from_fn(|| instance.idle_link(worker)).count()
}

#[tokio::test]
async fn so_many_connections_are_kept_each_for_its_worker() {
    let instance = instance(3);
    let mut others = Vec::new();
    for worker in [1, 2, 1, 1] {
        let (link, other) = link(worker, 60_000).await;
        instance.keep_idle(link);
        others.push(other);
    }
    assert_eq!([1, 2, 3].map(|worker| kept(&instance, worker)), [2, 1, 0]);
}

#[tokio::test]
async fn one_that_was_withdrawn_keeps_none() {
    let instance = instance(3);
    let ((before, _one), (after, _other)) = (link(1, 60_000).await, link(1, 60_000).await);
    instance.keep_idle(before);
    instance.withdraw();
    assert!(instance.withdrawn_at.load(Ordering::Relaxed) > 0);
    instance.keep_idle(after);
    instance.admit();
    assert_eq!((kept(&instance, 1), instance.withdrawn_at.load(Ordering::Relaxed)), (0, 0));
}

#[tokio::test]
async fn those_that_rested_for_too_long_are_closed_and_the_others_kept() {
    let instance = instance(3);
    let ((short, mut one), (long, _other)) = (link(1, 1000).await, link(1, 60_000).await);
    instance.keep_idle(short);
    instance.keep_idle(long);
    instance.sweep(clock::coarse() + 5000);
    let mut some = [0];
    let closed = clock::within(PATIENCE, one.read(&mut some)).await;
    assert!(matches!(closed, Some(Ok(0))));
    assert_eq!(kept(&instance, 1), 1);
}
