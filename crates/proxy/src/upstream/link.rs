//! One connection to an instance.

use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bytes::{BufMut as _, BytesMut};
use rustix::net::RecvFlags;
use tokio::io::{AsyncReadExt as _, AsyncWrite as _};
use tokio::net::TcpStream;

use super::buffers;
use crate::clock::TICK_MS;

/// One connection to an instance. It belongs to the worker whose runtime watches its socket.
#[derive(Debug)]
pub(crate) struct Link {
    stream: TcpStream,
    worker: u64,
    resting_since: u64,
    /// How long it may rest, in milliseconds.
    pub(crate) idle_limit: u64,
}

impl Link {
    pub(crate) fn new(stream: TcpStream, worker: u64, idle_limit: u64) -> Link {
        Link { stream, worker, resting_since: 0, idle_limit }
    }

    pub(crate) fn worker(&self) -> u64 {
        self.worker
    }

    pub(crate) fn rest(&mut self, now: u64) {
        self.resting_since = now;
    }

    /// Whether it has rested for less than its limit. The coarse time may be a tick behind at both ends.
    pub(crate) fn young(&self, now: u64) -> bool {
        now.saturating_sub(self.resting_since) + TICK_MS < self.idle_limit
    }

    /// Whether it may carry a request: young, and its other end has neither closed it nor sent anything.
    ///
    /// The peek asks the socket itself. What the runtime knows is only as new as its last look at its events.
    pub(crate) fn usable(&self, now: u64) -> bool {
        self.young(now)
            && matches!(
                rustix::net::recv(&self.stream, &mut [0u8; 1][..], RecvFlags::PEEK),
                Err(rustix::io::Errno::AGAIN)
            )
    }

    /// Reads what is there into `input`, at most `limit` bytes; `Ok(0)` is the end.
    pub(super) fn poll_fill(
        &mut self,
        context: &mut Context<'_>,
        input: &mut BytesMut,
        limit: usize,
    ) -> Poll<io::Result<usize>> {
        // Only once there is something to read is a buffer needed.
        ready!(self.stream.poll_read_ready(context))?;
        buffers::make_room(input);
        let polled = pin!(self.stream.read_buf(&mut input.limit(limit))).poll(context);
        if polled.is_pending() && input.is_empty() {
            buffers::give_back(input);
        }
        polled
    }

    pub(super) fn poll_write(
        &mut self,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match slices {
            [one] => Pin::new(&mut self.stream).poll_write(context, one),
            several => Pin::new(&mut self.stream).poll_write_vectored(context, several),
        }
    }

    pub(crate) fn into_stream(self) -> TcpStream {
        self.stream
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use tokio::io::AsyncWriteExt as _;
    use tokio::net::TcpListener;

    /// A connection that may rest for so long, and its other end.
    pub(crate) async fn link(worker: u64, idle_limit: u64) -> (Link, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (Link::new(stream, worker, idle_limit), listener.accept().await.unwrap().0)
    }

    #[tokio::test]
    async fn a_connection_is_young_until_a_tick_before_its_limit() {
        let (mut link, _other) = link(1, 1000).await;
        link.rest(5000);
        assert_eq!([5000, 5949, 5950, 9000].map(|now| link.young(now)), [true, true, false, false]);
    }

    #[tokio::test]
    async fn one_whose_other_end_spoke_or_left_is_not_used() {
        for (spoke, left, usable) in [(false, false, true), (true, false, false), (false, true, false)] {
            let (mut link, mut other) = link(1, 1000).await;
            link.rest(5000);
            if spoke {
                other.write_all(b"?").await.unwrap();
            }
            if left {
                other.shutdown().await.unwrap();
            }
            if !usable {
                link.stream.readable().await.unwrap();
            }
            assert_eq!([5000, 6000].map(|now| link.usable(now)), [usable, false]);
        }
    }
}
