//! An upgraded connection: bytes pass both ways until one side ends, and a WebSocket can be told to go.
//!
//! When its instance was withdrawn and the grace is over, a WebSocket's client is sent a close frame with 1001
//! between two of the server's messages, and, if that comes soon, after the answer to what the client said last.
//! The client's own close frame is passed on to the instance, so both see a complete closing handshake. A tunnel
//! of another protocol has no polite end: it goes on until it ends or is cut.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::BytesMut;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use segue_wire::websocket::{Close, Rules, Sender, Tracker, code};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::Notify;

use crate::clock;
use crate::downstream::Connection;
use crate::flight::{Flight, Phase, Verdict};
use crate::instance::Claim;
use crate::upstream::Exchange;

/// How long after 1001 the other side may take to close.
const CLOSING: Duration = Duration::from_secs(2);

/// How long a close waits for the server's answer to what the client said last.
const ANSWER_MS: u64 = 1000;

const BUFFER: usize = 16 * 1024;

/// Takes over both sides after a 101.
pub(crate) fn spawn(connection: Arc<Connection>, exchange: Exchange, client: OnUpgrade, is_websocket: bool) {
    let Some((link, first, claim)) = exchange.into_upgraded() else { return };
    let flight = Arc::new(Flight::new(Phase::Upgraded));
    flight.on_instance(claim.instance().key);
    flight.is_tunnel_of(claim.instance());
    let registered = connection.shared.registry.register(flight.clone());
    let (carried, client_flight) = (flight.clone(), connection.flight().clone());
    let task = tokio::spawn(async move {
        let _held = (connection, registered, Upgraded::count(claim));
        let Ok(client) = client.await else { return };
        let (client_reads, client_writes) = tokio::io::split(TokioIo::new(client));
        let (server_reads, server_writes) = link.into_stream().into_split();
        let talk = Talk { flight, turn: AtomicU64::new(0), told: Notify::new() };
        let tracker = |sender| is_websocket.then(|| Tracker::new(Rules::any_extension(sender)));
        let up = up(&talk, client_reads, server_writes, tracker(Sender::Client));
        let down = down(&talk, server_reads, client_writes, BytesMut::from(first), tracker(Sender::Server));
        let both = async { tokio::try_join!(up, down) };
        let overdue = async {
            talk.told.notified().await;
            clock::sleep(CLOSING).await;
        };
        tokio::select! {
            ended = both => if let Err(error) = ended { tracing::debug!(%error, "upgraded connection") },
            () = overdue => tracing::debug!("an upgraded connection did not close after 1001"),
        }
    });
    carried.carried_by(task.abort_handle());
    // What is found out about the client's socket concerns this task from now on.
    client_flight.carried_by(task.abort_handle());
}

/// Counts an upgraded connection of an instance while it lives.
struct Upgraded(Claim);

impl Upgraded {
    fn count(claim: Claim) -> Upgraded {
        claim.instance().upgraded.fetch_add(1, Ordering::Relaxed);
        Upgraded(claim)
    }
}

impl Drop for Upgraded {
    fn drop(&mut self) {
        self.0.instance().upgraded.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What the two directions know of each other.
struct Talk {
    flight: Arc<Flight>,
    /// When the client said something that the server has not answered, 0 if it has.
    turn: AtomicU64,
    told: Notify,
}

/// From the client to the instance.
async fn up(
    talk: &Talk,
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut tracker: Option<Tracker>,
) -> io::Result<()> {
    let mut buffer = BytesMut::with_capacity(BUFFER);
    while from.read_buf(&mut buffer).await? > 0 {
        talk.turn.store(clock::coarse().max(1), Ordering::Relaxed);
        let bytes = buffer.split();
        follow(&mut tracker, &bytes);
        to.write_all(&bytes).await?;
        drop(bytes);
        buffer.reserve(BUFFER);
    }
    to.shutdown().await
}

/// From the instance to the client.
async fn down(
    talk: &Talk,
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut buffer: BytesMut,
    mut tracker: Option<Tracker>,
) -> io::Result<()> {
    let mut looked = false;
    loop {
        if !buffer.is_empty() {
            talk.turn.store(0, Ordering::Relaxed);
            let bytes = buffer.split();
            follow(&mut tracker, &bytes);
            to.write_all(&bytes).await?;
            to.flush().await?;
        }
        buffer.reserve(BUFFER);
        let between = tracker.as_ref().is_some_and(|tracker| tracker.between_messages() && !tracker.closed());
        let next = std::future::poll_fn(|context| {
            if between && talk.is_to_end(context) {
                return Poll::Ready(Next::Tell);
            }
            pin!(from.read_buf(&mut buffer)).poll(context).map(Next::Read)
        });
        match next.await {
            Next::Read(read) => {
                if read? == 0 {
                    return to.shutdown().await;
                }
                looked = false;
            }
            Next::Tell if looked => break,
            // What the client has said in the meantime is known once the runtime has looked at its socket: then that
            // is answered first.
            Next::Tell => {
                looked = true;
                tokio::task::yield_now().await;
            }
        }
    }
    let mut frame = Vec::new();
    Close { code: code::GOING_AWAY, reason: "going away".to_owned() }.encode(None, &mut frame);
    talk.told.notify_one();
    to.write_all(&frame).await?;
    to.flush().await?;
    // Nothing may follow a close frame. The instance closes once the client's own close frame has reached it.
    let mut unsaid = vec![0; BUFFER];
    while from.read(&mut unsaid).await? > 0 {}
    to.shutdown().await
}

enum Next {
    Read(io::Result<usize>),
    Tell,
}

impl Talk {
    fn is_to_end(&self, context: &Context<'_>) -> bool {
        let turn = self.turn.load(Ordering::Relaxed);
        self.flight.poll_verdict(context) == Verdict::GoAway
            && (turn == 0 || turn + ANSWER_MS < clock::coarse())
    }
}

/// A stream that breaks the protocol is passed on all the same, but nothing can be put into it any more.
fn follow(tracker: &mut Option<Tracker>, bytes: &[u8]) {
    if tracker.as_mut().is_some_and(|tracker| tracker.feed(bytes, |_| {}).is_err()) {
        *tracker = None;
    }
}
