//! An upgraded connection: bytes pass both ways until one side ends, and a WebSocket can be told to go.
//!
//! When its instance was withdrawn and the grace is over, a WebSocket's client is sent a close frame with 1001
//! between two of the server's messages, and, if that comes soon, in a moment of silence after the answer to what the
//! client said last: what crosses the close on its way can be answered no more.
//! The client's own close frame is passed on to the instance, so both see a complete closing handshake. A tunnel
//! of another protocol has no polite end: it goes on until it ends or is cut.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::BytesMut;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use segue_wire::websocket::{Close, Rules, Sender, Tracker, code};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::Notify;

use crate::clock;
use crate::downstream::{Connection, Socket};
use crate::instance::Claim;
use crate::operation::{Operation, Phase};
use crate::silence::Silence;
use crate::upstream::Exchange;
use crate::verdict::Verdict;

/// How long after 1001 the other side may take to close.
const CLOSING: Duration = Duration::from_secs(2);

const BUFFER: usize = 16 * 1024;

/// Takes over both sides after a 101.
pub(crate) fn spawn(connection: Arc<Connection>, exchange: Exchange, client: OnUpgrade, is_websocket: bool) {
    let Some((link, first, claim)) = exchange.into_upgraded() else { return };
    let operation = Arc::new(Operation::new(Phase::Upgraded));
    operation.on_instance(claim.instance().key);
    operation.is_tunnel_of(claim.instance());
    let registered = connection.shared.registry.register(operation.clone());
    let (carried, client_carried) = (operation.clone(), connection.operation().clone());
    let task = tokio::spawn(async move {
        let socket = connection.socket.clone();
        let _held = (connection, registered, Upgraded::count(claim));
        let Ok(client) = client.await else { return };
        let (client_reads, client_writes) = tokio::io::split(TokioIo::new(client));
        let (server_reads, server_writes) = link.into_stream().into_split();
        // A WebSocket tells its end itself.
        let mut broken = Broken((!is_websocket).then(|| socket.clone()));
        let talk = Talk::new(operation, socket);
        let tracker = |sender| is_websocket.then(|| Tracker::new(Rules::any_extension(sender)));
        let up = up(&talk, client_reads, server_writes, tracker(Sender::Client));
        let down = down(&talk, server_reads, client_writes, BytesMut::from(first), tracker(Sender::Server));
        let both = async { tokio::try_join!(up, down) };
        let overdue = async {
            talk.told.notified().await;
            clock::sleep(CLOSING).await;
        };
        tokio::select! {
            ended = both => match ended {
                Ok(_) => broken.ended(),
                Err(error) => tracing::debug!(%error, "upgraded connection"),
            },
            () = overdue => tracing::debug!("an upgraded connection did not close after 1001"),
        }
    });
    carried.carried_by(task.abort_handle());
    // What is found out about the client's socket concerns this task from now on.
    client_carried.carried_by(task.abort_handle());
}

/// A protocol of which only the connection's end tells the end: unless both sides ended it, the client sees a reset.
struct Broken(Option<Socket>);

impl Broken {
    /// Both sides have ended it.
    fn ended(&mut self) {
        self.0 = None;
    }
}

impl Drop for Broken {
    fn drop(&mut self) {
        if let Some(socket) = &self.0 {
            socket.reset_on_close();
        }
    }
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
    operation: Arc<Operation>,
    client: Socket,
    silence: Silence,
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
        talk.silence.client_spoke(clock::coarse());
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
            talk.silence.server_spoke(clock::coarse());
            let bytes = buffer.split();
            follow(&mut tracker, &bytes);
            to.write_all(&bytes).await?;
            to.flush().await?;
        }
        buffer.reserve(BUFFER);
        let between = tracker.as_ref().is_some_and(|tracker| tracker.between_messages() && !tracker.closed());
        let next = std::future::poll_fn(|context| {
            let may_tell = between && talk.is_to_end(context);
            if may_tell && talk.silence.is_overdue(clock::coarse()) {
                return Poll::Ready(Next::Tell);
            }
            match pin!(from.read_buf(&mut buffer)).poll(context) {
                Poll::Pending if may_tell && talk.is_silent() => Poll::Ready(Next::Tell),
                read => read.map(Next::Read),
            }
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
    fn new(operation: Arc<Operation>, client: Socket) -> Talk {
        Talk { operation, client, silence: Silence::default(), told: Notify::new() }
    }

    /// While it is, the sweep wakes this task at every tick.
    fn is_to_end(&self, context: &Context<'_>) -> bool {
        let due = self.operation.poll_verdict(context) == Verdict::GoAway;
        if due {
            self.silence.is_wanted(clock::coarse());
        }
        due
    }

    /// Nothing of the client's is on its way, either.
    fn is_silent(&self) -> bool {
        self.silence.is_here(clock::coarse()) && !self.client.has_unread()
    }
}

/// A stream that breaks the protocol is passed on all the same, but nothing can be put into it any more.
fn follow(tracker: &mut Option<Tracker>, bytes: &[u8]) {
    if tracker.as_mut().is_some_and(|tracker| tracker.feed(bytes, |_| {}).is_err()) {
        *tracker = None;
    }
}

#[cfg(test)]
#[path = "tunnel_tests.rs"]
mod tests;
