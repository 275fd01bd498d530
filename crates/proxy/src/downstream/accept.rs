//! Taking connections from the listener and handing them to the workers.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;

use rustix::io::Errno;
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

/// How many idle clients make room when no file descriptor or memory is left.
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
            Some(Err(error)) => {
                if let Some(rest) = failed(&shared, &error) {
                    clock::sleep(rest).await;
                }
            }
        }
    }
}

/// Makes room if accepting failed for want of it. Answers how long to rest before it is tried again.
fn failed(shared: &Shared, error: &io::Error) -> Option<Duration> {
    if !is_out_of_room(error) {
        // One client's connection was over before it was taken.
        tracing::debug!(%error, "accept");
        return None;
    }
    if shared.counters.accept_errors.fetch_add(1, Ordering::Relaxed).is_multiple_of(100) {
        tracing::error!(%error, "no file descriptor or memory is left: new clients wait until there is");
    }
    shared.free_file_descriptors(AT_ONCE);
    Some(REST)
}

/// Whether an error says that this process or system has no room for another connection: it would come again at once.
fn is_out_of_room(error: &io::Error) -> bool {
    let number = error.raw_os_error().map(Errno::from_raw_os_error);
    is_out_of_file_descriptors(error) || matches!(number, Some(Errno::NOBUFS | Errno::NOMEM))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepting_rests_where_there_is_no_room_and_goes_on_where_one_client_has_left() {
        for (error, is_no_room) in [
            (Errno::MFILE, true),
            (Errno::NFILE, true),
            (Errno::NOBUFS, true),
            (Errno::NOMEM, true),
            (Errno::CONNABORTED, false),
            (Errno::CONNRESET, false),
            (Errno::INTR, false),
        ] {
            let shared = Shared::new(crate::Pool::default(), crate::Config::default());
            assert_eq!(failed(&shared, &error.into()).is_some(), is_no_room, "{error}");
            let counted = shared.counters.accept_errors.load(Ordering::Relaxed);
            assert_eq!(counted, u64::from(is_no_room), "{error}");
        }
    }
}
