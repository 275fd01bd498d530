//! A connection as the probe needs it: it counts what passes, keeps what went wrong, and looks before it writes.
//!
//! hyper says *that* an exchange failed. How it failed (reset or closed, before or after the first byte) is
//! known only here, below it.

use std::cell::Cell;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use rustix::net::{RecvFlags, recv};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::fate::{Fate, Kind, Outcome, Unsent};
use crate::tls::Tls;

/// What is known of a connection's bytes and of its end.
#[derive(Debug)]
pub(crate) struct Meter {
    pub(crate) local: SocketAddr,
    pub(crate) remote: SocketAddr,
    read: Cell<u64>,
    written: Cell<u64>,
    ended: Cell<bool>,
    failed_read: Cell<Option<io::ErrorKind>>,
    failed_write: Cell<Option<io::ErrorKind>>,
    look: Cell<bool>,
}

impl Meter {
    /// Bytes of the application's protocol that came.
    pub(crate) fn read(&self) -> u64 {
        self.read.get()
    }

    /// Bytes of the application's protocol that left.
    pub(crate) fn written(&self) -> u64 {
        self.written.get()
    }

    /// Whether reading or writing failed: the connection was reset or broke in another way.
    pub(crate) fn failed(&self) -> bool {
        self.failed_read.get().is_some() || self.failed_write.get().is_some()
    }

    /// Whether writing failed.
    pub(crate) fn write_failed(&self) -> bool {
        self.failed_write.get().is_some()
    }

    /// Before the next bytes are written, look whether the other side has left in the meantime.
    pub(crate) fn look_before_writing(&self) {
        self.look.set(true);
    }
}

/// A connection that keeps its [`Meter`] up to date.
pub(crate) struct Transport {
    stream: Stream,
    meter: Rc<Meter>,
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// Opens a connection; an error is already what became of the request that it was for.
pub(crate) async fn connect(
    address: SocketAddr,
    tls: Option<&Tls>,
    timeout: Duration,
) -> Result<(Transport, Rc<Meter>), Outcome> {
    let opening = async {
        let stream = TcpStream::connect(address).await.map_err(|error| connect_outcome(&error))?;
        // Not vital: it only saves a delay on small writes.
        let _ = stream.set_nodelay(true);
        let local = stream.local_addr().map_err(|error| connect_outcome(&error))?;
        let stream = match tls {
            None => Stream::Plain(stream),
            Some(tls) => {
                let connector = TlsConnector::from(tls.config.clone());
                let stream = connector.connect(tls.name.clone(), stream).await;
                let stream = stream.map_err(|error| Outcome::of(Kind::Tls, &error))?;
                Stream::Tls(Box::new(stream))
            }
        };
        let meter = Rc::new(Meter {
            local,
            remote: address,
            read: Cell::new(0),
            written: Cell::new(0),
            ended: Cell::new(false),
            failed_read: Cell::new(None),
            failed_write: Cell::new(None),
            look: Cell::new(false),
        });
        Ok((Transport { stream, meter: meter.clone() }, meter))
    };
    tokio::time::timeout(timeout, opening).await.unwrap_or_else(|_| Err(Kind::ConnectTimeout.into()))
}

fn connect_outcome(error: &io::Error) -> Outcome {
    use rustix::io::Errno;
    let errno = error.raw_os_error().map(Errno::from_raw_os_error);
    match errno {
        Some(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM) => {
            Fate::Unsent(Unsent::NoFileDescriptor).into()
        }
        Some(Errno::ADDRNOTAVAIL | Errno::ADDRINUSE | Errno::AGAIN) => {
            Fate::Unsent(Unsent::NoLocalPort).into()
        }
        Some(Errno::TIMEDOUT) => Kind::ConnectTimeout.into(),
        Some(Errno::CONNREFUSED) => Kind::Refused.into(),
        Some(Errno::CONNRESET) => Kind::ResetBeforeFirstByte.into(),
        _ => Outcome::of(Kind::Unreachable, error),
    }
}

impl Transport {
    /// Whether the other side has left, as far as its packets have come here.
    fn gone(&self) -> bool {
        let (socket, unasked_is_gone) = match &self.stream {
            Stream::Plain(stream) => (stream, true),
            // A TLS server may send session tickets whenever it likes.
            Stream::Tls(stream) => (stream.get_ref().0, false),
        };
        let mut byte = [0];
        match recv(socket, &mut byte, RecvFlags::PEEK | RecvFlags::DONTWAIT) {
            Ok((_, 0)) => true,
            Ok(_) => unasked_is_gone,
            Err(error) => error != rustix::io::Errno::AGAIN && error != rustix::io::Errno::INTR,
        }
    }

    /// Whether the kernel has bytes of the other side, or its end, that were not read yet.
    pub(crate) fn has_unread(&self) -> bool {
        let socket = match &self.stream {
            Stream::Plain(stream) => stream,
            Stream::Tls(stream) => stream.get_ref().0,
        };
        recv(socket, &mut [0], RecvFlags::PEEK | RecvFlags::DONTWAIT).is_ok()
    }

    fn before_write(&self) -> io::Result<()> {
        if self.meter.look.take() && self.gone() {
            return Err(io::Error::new(
                io::ErrorKind::NotConnected,
                "the connection was closed while it was idle",
            ));
        }
        Ok(())
    }

    fn wrote(&self, result: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match &result {
            Poll::Ready(Ok(length)) => self.meter.written.update(|written| written + *length as u64),
            Poll::Ready(Err(error)) => self.meter.failed_write.set(Some(error.kind())),
            Poll::Pending => {}
        }
        result
    }
}

impl AsyncRead for Transport {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let result = match &mut this.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Stream::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        };
        match ready!(result) {
            Ok(()) => {
                let length = buffer.filled().len() - before;
                this.meter.read.update(|read| read + length as u64);
                if length == 0 && buffer.remaining() > 0 {
                    this.meter.ended.set(true);
                }
                Poll::Ready(Ok(()))
            }
            Err(error) => {
                // Without a close_notify: to the ledger that is a connection that ended, not one that was reset.
                if error.kind() == io::ErrorKind::UnexpectedEof {
                    this.meter.ended.set(true);
                } else {
                    this.meter.failed_read.set(Some(error.kind()));
                }
                Poll::Ready(Err(error))
            }
        }
    }
}

impl AsyncWrite for Transport {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.before_write()?;
        let result = match &mut this.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Stream::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        };
        this.wrote(result)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.before_write()?;
        let result = match &mut this.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_write_vectored(context, bytes),
            Stream::Tls(stream) => Pin::new(stream).poll_write_vectored(context, bytes),
        };
        this.wrote(result)
    }

    fn is_write_vectored(&self) -> bool {
        match &self.stream {
            Stream::Plain(stream) => stream.is_write_vectored(),
            Stream::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().stream {
            Stream::Plain(stream) => Pin::new(stream).poll_flush(context),
            Stream::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().stream {
            Stream::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Stream::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
