//! One client connection from its first byte to its end.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio_rustls::TlsAcceptor;

use super::connection::Connection;
use super::frames::Frames;
use super::head::FIELDS;
use super::intake::Intake;
use super::session::Session;
use super::socket::Socket;
use super::streams::Streams;
use super::tracked::{Reads, Tracked};
use crate::clock;
use crate::forward::forward;
use crate::operation::{Operation, Phase};
use crate::verdict::Verdict;

/// Room for the first bytes of a request, which hyper then has to have copied.
const FIRST: usize = 1024;

/// How long a client may take to notice that it sent too much.
const LINGER: Duration = Duration::from_secs(1);

/// Requests of one HTTP/2 client at once.
const STREAMS: u32 = 128;

/// Past this, no more of an answer is taken from its instance before the client has taken some.
const SEND_BUFFER: usize = 64 * 1024;

const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Serves a connection to its end.
pub(super) async fn serve(connection: Connection) {
    let connection = Arc::new(connection);
    let socket = connection.socket.clone();
    match connection.shared.tls.clone() {
        None => serve_stream(connection, socket).await,
        // In a box: without TLS its room is not needed.
        Some(tls) => Box::pin(serve_tls(connection, socket, tls)).await,
    }
}

async fn serve_tls(connection: Arc<Connection>, socket: Socket, tls: TlsAcceptor) {
    // The handshake counts as a head: it has the same time limit.
    connection.operation.enter(Phase::Head);
    match tls.accept(socket).await {
        Ok(stream) => {
            connection.operation.enter(Phase::Parked);
            serve_stream(connection, stream).await;
        }
        Err(error) => tracing::debug!(%error, "TLS handshake"),
    }
}

async fn serve_stream<S>(connection: Arc<Connection>, mut stream: S)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let header_bytes = connection.shared.config.limits.header_bytes;
    let mut fields = FIELDS;
    let mut intake = Intake::new(header_bytes, fields, connection.notes.clone());
    loop {
        if !intake.has_begun() {
            let Some(first) = first_bytes(&connection, &mut stream).await else { return };
            if first.starts_with(HTTP2_PREFACE) {
                let session =
                    Arc::new(Session::new(connection.operation.clone(), connection.shared.budget.clone()));
                let reads = Reads::Http2 { prefix: first, frames: Frames::new(), session: session.clone() };
                let io = tracked(&connection, stream, reads);
                // In a box: while the connection is parked, its room is not needed.
                return Box::pin(serve_http2(connection, io, session)).await;
            }
            intake.put_back(&first);
        }
        let io = tracked(&connection, stream, Reads::Http1(intake));
        match Box::pin(serve_http1(&connection, io, fields)).await {
            Some((parked, read)) => (stream, intake) = (parked, read),
            None => return,
        }
        if let Some(wanted) = connection.notes.take_wanted_fields() {
            fields = wanted.next_power_of_two();
        } else {
            fields = FIELDS;
            connection.operation.park();
        }
        intake.has_room_for(fields);
    }
}

fn tracked<S>(connection: &Connection, stream: S, reads: Reads) -> TokioIo<Tracked<S>> {
    let counters = connection.shared.counters.clone();
    TokioIo::new(Tracked::new(stream, reads, connection.operation.clone(), counters))
}

/// Enough bytes to tell the protocols apart. Waiting here costs no buffers: hyper's come with the first byte.
async fn first_bytes<S: AsyncRead + Unpin>(connection: &Connection, stream: &mut S) -> Option<Bytes> {
    let mut first = BytesMut::new();
    loop {
        let read = std::future::poll_fn(|context| {
            if told(connection, context) == Verdict::GoAway {
                return Poll::Ready(Ok(0));
            }
            // TLS may have read more than its handshake: then the socket has nothing, but the stream has.
            if first.is_empty() && connection.shared.tls.is_none() {
                ready!(connection.socket.poll_readable(context))?;
            }
            if first.capacity() == 0 {
                first.reserve(FIRST);
            }
            let polled = pin!(stream.read_buf(&mut first)).poll(context);
            if first.is_empty() {
                first = BytesMut::new();
            }
            polled
        });
        match read.await {
            Ok(0) | Err(_) => return None,
            Ok(_) => connection.operation.wait_for(Phase::Head),
        }
        let compared = first.len().min(HTTP2_PREFACE.len());
        if first[..compared] != HTTP2_PREFACE[..compared] || compared == HTTP2_PREFACE.len() {
            return Some(first.freeze());
        }
    }
}

/// Gives the stream back, and what was read of it, if the connection is to be parked or needs room for more fields;
/// otherwise the connection has ended.
async fn serve_http1<S>(
    connection: &Arc<Connection>,
    io: TokioIo<Tracked<S>>,
    fields: usize,
) -> Option<(S, Intake)>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let limits = &connection.shared.config.limits;
    let service = service_fn(|request: hyper::Request<Incoming>| {
        forward(connection.clone(), connection.operation.clone(), None, request)
    });
    let mut builder = http1::Builder::new();
    if fields > FIELDS {
        builder.max_headers(fields);
    }
    let _unfinished = Unfinished(connection);
    let mut served = builder
        // A client may close its sending side and wait for its answer; a reset is noticed in `forward`.
        .half_close(true)
        .max_header_size(limits.header_bytes)
        .max_buf_size(limits.header_bytes.max(64 * 1024))
        .serve_connection(io, service)
        .with_upgrades();
    let ended = std::future::poll_fn(|context| match told(connection, context) {
        Verdict::Park => Poll::Ready(None),
        Verdict::GoAway => Poll::Ready(Some(Ok(()))),
        _ => match Pin::new(&mut served).poll(context) {
            // What has not left of the answer before would be lost with hyper's buffers.
            Poll::Pending if connection.notes.wants_more_fields() && !connection.operation.is_busy() => {
                Poll::Ready(None)
            }
            // The answer's head had left before that was known, so only the end tells the client.
            Poll::Pending if connection.notes.ends_after_this() && connection.operation.is_idle() => {
                Poll::Ready(Some(Ok(())))
            }
            polled => polled.map(Some),
        },
    });
    match ended.await {
        None => {
            let parts = served.into_parts()?;
            let (stream, Reads::Http1(mut intake)) = parts.io.into_inner().into_parts() else { return None };
            intake.put_back(&parts.read_buf);
            return Some((stream, intake));
        }
        Some(Ok(())) => {}
        Some(Err(error)) => tracing::debug!(%error, client = connection.origin.client, "connection"),
    }
    drop(served);
    // An upgraded connection goes on elsewhere.
    if !connection.notes.is_upgraded() {
        linger(&connection.socket).await;
    }
    None
}

/// Where only the connection's end tells the answer's, one that breaks off must not look like it, however it comes about.
struct Unfinished<'a>(&'a Connection);

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        if self.0.notes.ends_with_connection() && self.0.operation.is_busy() {
            self.0.socket.reset_on_close();
        }
    }
}

/// Closing a socket with something unread resets it, and may take the last answer away. So what the client sent behind
/// its last request is read first, for a while.
async fn linger(socket: &Socket) {
    if socket.has_unread() {
        let mut socket = socket.clone();
        let mut unread = [0; 1024];
        let reading = async {
            if socket.shutdown().await.is_ok() {
                while matches!(socket.read(&mut unread).await, Ok(1..)) {}
            }
        };
        clock::within(LINGER, reading).await;
    }
}

/// What an idle connection was told. It does not count once the client has sent something.
fn told(connection: &Connection, context: &mut Context<'_>) -> Verdict {
    let operation = &connection.operation;
    let verdict = operation.poll_verdict(context);
    if !matches!(verdict, Verdict::GoAway | Verdict::Park) {
        return Verdict::None;
    }
    if operation.is_idle() && connection.socket.poll_client(context).is_pending() {
        return verdict;
    }
    operation.forgive();
    Verdict::None
}

async fn serve_http2<S>(connection: Arc<Connection>, io: TokioIo<Tracked<S>>, session: Arc<Session>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    connection.operation.enter(Phase::Http2Idle);
    let limits = &connection.shared.config.limits;
    let streams = Streams::default();
    let service = service_fn(|request: hyper::Request<Incoming>| {
        let operation = Arc::new(Operation::new(Phase::Connect));
        let registered = connection.shared.registry.register(operation.clone());
        streams.next_is(operation.clone());
        forward(connection.clone(), operation, Some(session.begin(registered)), request)
    });
    // What is a little too large is refused in `forward`, where the refusal gets its reason.
    let header_bytes = u32::try_from(limits.header_bytes.saturating_mul(2)).unwrap_or(u32::MAX);
    let mut served = pin!(
        http2::Builder::new(streams.clone())
            .max_header_list_size(header_bytes)
            .initial_stream_window_size(256 * 1024)
            .initial_connection_window_size(1024 * 1024)
            .max_concurrent_streams(STREAMS)
            .max_send_buf_size(SEND_BUFFER)
            .serve_connection(io, service)
    );
    let mut draining = pin!(connection.shared.drain_began());
    let mut told = false;
    let ended = std::future::poll_fn(|context| {
        let idle_for_long = connection.operation.poll_verdict(context) == Verdict::GoAway;
        if !told && (idle_for_long || draining.as_mut().poll(context).is_ready()) {
            told = true;
            session.leave();
            // GOAWAY; what is under way is finished, then the connection closes.
            served.as_mut().graceful_shutdown();
        }
        served.as_mut().poll(context)
    });
    if let Err(error) = ended.await {
        tracing::debug!(%error, client = connection.origin.client, "HTTP/2 connection");
    }
}

#[cfg(test)]
mod tests {
    use super::super::places::Place;
    use super::*;
    use crate::shared::Shared;
    use tokio::net::TcpStream;

    #[tokio::test]
    async fn an_idle_connection_is_told_to_go_unless_its_client_has_said_something() {
        let shared = Arc::new(Shared::new(crate::Pool::default(), crate::Config::default()));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        for (phase, said, verdict, heard, left) in [
            (Phase::Parked, false, Verdict::GoAway, Verdict::GoAway, Verdict::GoAway),
            (Phase::Idle, false, Verdict::Park, Verdict::Park, Verdict::Park),
            (Phase::Idle, true, Verdict::GoAway, Verdict::None, Verdict::None),
            (Phase::Answer, false, Verdict::GoAway, Verdict::None, Verdict::None),
            (Phase::ClientBody, false, Verdict::BodyTimeout, Verdict::None, Verdict::BodyTimeout),
        ] {
            let stream = TcpStream::connect(address).await.unwrap();
            let (mut client, _) = listener.accept().await.unwrap();
            let connection = Connection::new(Place::take(&shared).unwrap(), 0, stream, address);
            if said {
                client.write_all(b"G").await.unwrap();
                std::future::poll_fn(|context| connection.socket.poll_readable(context)).await.unwrap();
            }
            connection.operation.enter(phase);
            connection.operation.judge(verdict, connection.operation.since());
            let told = std::future::poll_fn(|context| Poll::Ready(told(&connection, context))).await;
            assert_eq!((told, connection.operation.verdict()), (heard, left), "{phase:?} {said}");
        }
    }

    #[tokio::test]
    async fn the_task_of_a_parked_connection_is_small() {
        let shared = Arc::new(Shared::new(crate::Pool::default(), crate::Config::default()));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stream = TcpStream::connect(address).await.unwrap();
        let task = serve(Connection::new(Place::take(&shared).unwrap(), 0, stream, address));
        assert!(size_of_val(&task) <= 512, "{} bytes", size_of_val(&task));
    }
}
