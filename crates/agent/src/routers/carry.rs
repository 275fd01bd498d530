//! A router's task: steps it, carries its calls beside each other, brings it the answers.

use super::cell::Cell;
use super::send;
use crate::clock;
use std::rc::Rc;
use std::time::Duration;
use tokio::task::JoinSet;

/// How many calls of one router are carried at once; the others wait.
const AT_ONCE: usize = 16;
/// Between two steps of one router there is at least this, whatever it asks for.
const BREATH: Duration = Duration::from_millis(10);

/// Goes on for ever; whoever started it ends it.
pub(super) async fn carry(cell: Rc<Cell>, changed: impl Fn()) {
    let mut under_way = JoinSet::new();
    let mut said = cell.says();
    loop {
        let again = cell.step(clock::now());
        while under_way.len() < AT_ONCE
            && let Some(call) = cell.call()
        {
            under_way.spawn_local(async move { (call.id, send::send(&call).await) });
        }
        let says = cell.says();
        if says != said {
            said = says;
            changed();
        }
        let due = async {
            match again {
                Some(again) => clock::sleep_until(again).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            Some(Ok((asked, answer))) = under_way.join_next() => cell.hear(asked, answer, clock::now()),
            () = cell.was_told() => {}
            () = due => {}
        }
        clock::sleep(BREATH).await;
    }
}
