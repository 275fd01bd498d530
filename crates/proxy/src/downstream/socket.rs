//! A client's socket that can be asked, while hyper owns it, whether the client is gone.

use std::cell::RefCell;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use parking_lot::{Mutex, MutexGuard};
use rustix::net::RecvFlags;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;

/// A client's socket. Clones are the same socket; all are used by the one task of the connection, so the lock is
/// never contended.
#[derive(Debug, Clone)]
pub(crate) struct Socket(Arc<Mutex<TcpStream>>);

/// Writes up to this size are joined into one piece.
const JOINED: usize = 4096;

thread_local! {
    static SMALL: RefCell<Vec<u8>> = RefCell::new(Vec::with_capacity(JOINED));
}

/// What a look at the client's side showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Client {
    /// It reset the connection: nobody wants the answer.
    Gone,
    /// It sent more, or closed its sending side: it waits for its answer.
    Waits,
}

impl Socket {
    pub(crate) fn new(stream: TcpStream) -> Socket {
        Socket(Arc::new(Mutex::new(stream)))
    }

    fn stream(&self) -> MutexGuard<'_, TcpStream> {
        self.0.lock()
    }

    /// Ready as soon as the client did something. While pending, this task is woken for it.
    pub(crate) fn poll_client(&self, context: &mut Context<'_>) -> Poll<Client> {
        let stream = self.stream();
        loop {
            match stream.poll_read_ready(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(_)) => return Poll::Ready(Client::Gone),
                Poll::Ready(Ok(())) => {}
            }
            let looked = stream.try_io(Interest::READABLE, || {
                rustix::net::recv(&*stream, &mut [0u8; 1][..], RecvFlags::PEEK).map_err(io::Error::from)
            });
            match looked {
                Ok(_) => return Poll::Ready(Client::Waits),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return Poll::Ready(Client::Gone),
            }
        }
    }

    /// Whether the kernel has something of the client that nobody has read yet, or its end.
    pub(crate) fn has_unread(&self) -> bool {
        rustix::net::recv(&*self.stream(), &mut [0u8; 1][..], RecvFlags::PEEK).is_ok()
    }

    /// Ready when a read would not wait.
    pub(crate) fn poll_readable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_read_ready(context)
    }

    /// Closing will reset: for an answer whose end only the close tells, so that a break does not look like it.
    pub(crate) fn reset_on_close(&self) {
        // Without the option the client sees a short body; there is nothing more to be done.
        let _ = rustix::net::sockopt::set_socket_linger(&*self.stream(), Some(std::time::Duration::ZERO));
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.stream()).poll_read(context, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.stream()).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let total: usize = slices.iter().map(|slice| slice.len()).sum();
        if total > JOINED {
            return Pin::new(&mut *self.stream()).poll_write_vectored(context, slices);
        }
        // Copying a small head and body together costs less than the kernel's handling of several pieces.
        SMALL.with_borrow_mut(|small| {
            small.clear();
            for slice in slices {
                small.extend_from_slice(slice);
            }
            Pin::new(&mut *self.stream()).poll_write(context, small)
        })
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.stream()).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn small_pieces_leave_as_one_and_large_ones_are_not_copied() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut socket = Socket::new(TcpStream::connect(listener.local_addr().unwrap()).await.unwrap());
        let (mut other, _) = listener.accept().await.unwrap();
        let head = [b'h'; 10];
        for (body, copied) in [(0, 10), (JOINED - 10, JOINED), (JOINED - 9, 0), (2 * JOINED, 0)] {
            let body = vec![b'b'; body];
            SMALL.with_borrow_mut(Vec::clear);
            let pieces = [IoSlice::new(&head), IoSlice::new(&body)];
            assert_eq!(socket.write_vectored(&pieces).await.unwrap(), head.len() + body.len());
            let mut came = vec![0; head.len() + body.len()];
            other.read_exact(&mut came).await.unwrap();
            assert_eq!(came, [&head[..], &body].concat());
            assert_eq!(SMALL.with_borrow(Vec::len), copied, "{}", body.len());
        }
    }
}
