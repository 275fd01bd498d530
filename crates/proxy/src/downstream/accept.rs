//! Taking connections from the listener and handing them to the workers.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::UnboundedSender;

use super::connection::Connection;
use super::places::{self, Place};
use super::serve;
use crate::clock;
use crate::shared::Shared;
use crate::upstream::is_out_of_file_descriptors;

/// How long accepting rests when it cannot: long enough not to spin, short enough to be back soon.
const REST: Duration = Duration::from_millis(100);

/// How many idle clients make room when no file descriptor is left.
const AT_ONCE: usize = 8;

/// A connection on its way to a worker; not yet known to any runtime.
pub(crate) type Accepted = (std::net::TcpStream, SocketAddr);

/// Accepts until the drain begins, then what the kernel has accepted already, then closes the listener.
pub(crate) async fn accept(
    shared: Arc<Shared>,
    listener: TcpListener,
    workers: Vec<UnboundedSender<Accepted>>,
) {
    let mut turns = workers.iter().cycle();
    let mut stopping = std::pin::pin!(shared.drain_began());
    loop {
        let next = std::future::poll_fn(|context| match listener.poll_accept(context) {
            Poll::Ready(accepted) => Poll::Ready(Some(accepted)),
            Poll::Pending => stopping.as_mut().poll(context).map(|()| None),
        });
        match next.await {
            None => return,
            Some(Ok((stream, peer))) => {
                shared.counters.accepted.fetch_add(1, Ordering::Relaxed);
                let sent = stream.into_std().map(|stream| {
                    // A worker that is gone takes its connections with it.
                    let _ = turns.next().map(|worker| worker.send((stream, peer)));
                });
                if let Err(error) = sent {
                    tracing::warn!(%error, "a connection could not be handed over");
                }
            }
            Some(Err(error)) if is_out_of_file_descriptors(&error) => {
                if shared.counters.accept_errors.fetch_add(1, Ordering::Relaxed).is_multiple_of(100) {
                    tracing::error!(%error, "no file descriptor is left: new clients wait until one is free");
                }
                shared.free_file_descriptors(AT_ONCE);
                clock::sleep(REST).await;
            }
            // One client's connection was over before it was taken.
            Some(Err(error)) => tracing::debug!(%error, "accept"),
        }
    }
}

/// Serves what [`accept`] sent to this worker.
pub(crate) fn take(shared: &Arc<Shared>, worker: u64, (stream, peer): Accepted) {
    let stream = match TcpStream::from_std(stream) {
        Ok(stream) => stream,
        Err(error) => return tracing::warn!(%error, "a connection could not be taken over"),
    };
    let _ = stream.set_nodelay(true);
    match Place::take(shared) {
        Some(place) => begin(place, worker, stream, peer),
        None => places::wait(shared, stream, peer, move |place, stream, peer| {
            begin(place, worker, stream, peer);
        }),
    }
}

fn begin(place: Place, worker: u64, stream: TcpStream, peer: SocketAddr) {
    let connection = Connection::new(place, worker, stream, peer);
    let operation = connection.operation().clone();
    let task = tokio::spawn(serve::serve(connection));
    operation.carried_by(task.abort_handle());
}
