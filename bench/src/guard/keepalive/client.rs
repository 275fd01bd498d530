//! Clients that keep a connection and send a POST on it now and then.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use serde::Serialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::clock;

const POST: &[u8] =
    b"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello";

/// What all clients saw.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Counted {
    /// POSTs that were sent.
    pub(super) requests: u64,
    /// POSTs without an answer: the connection ended instead.
    pub(super) lost: u64,
    /// Connections that were opened.
    pub(super) connections: u64,
}

/// Sends `requests` on each of so many connections, after pauses `about` so long, this much more or less.
pub(super) fn run(
    port: u16,
    connections: usize,
    requests: u32,
    about: (Duration, Duration),
) -> anyhow::Result<Counted> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let clients: Vec<_> = (0..connections)
            .map(|number| tokio::spawn(client(port, number, connections, requests, about)))
            .collect();
        let mut all = Counted::default();
        for client in clients {
            let one = client.await??;
            all.requests += one.requests;
            all.lost += one.lost;
            all.connections += one.connections;
        }
        Ok(all)
    })
}

async fn client(
    port: u16,
    number: usize,
    of: usize,
    requests: u32,
    (about, around): (Duration, Duration),
) -> anyhow::Result<Counted> {
    let mut counted = Counted::default();
    let mut kept: Option<TcpStream> = None;
    // Spread over the time between two requests, as clients are.
    let share = u32::try_from(number)?;
    clock::pause(about * share / u32::try_from(of)?).await;
    for turn in 0..requests {
        let stream = match kept.take() {
            Some(stream) if !has_ended(&stream) => stream,
            _ => {
                counted.connections += 1;
                let address = SocketAddr::from(([127, 0, 0, 1], port));
                let stream = TcpStream::connect(address).await.context("connecting")?;
                stream.set_nodelay(true)?;
                stream
            }
        };
        counted.requests += 1;
        match exchange(stream).await {
            Some(stream) => kept = Some(stream),
            None => counted.lost += 1,
        }
        // Every client and turn at another place of the window: the golden ratio fills it evenly.
        let place = (f64::from(share * requests + turn) * 0.618_033_988_75).fract();
        clock::pause(about - around + around.mul_f64(2.0 * place)).await;
    }
    Ok(counted)
}

/// The kept connection's end, which the runtime may not have heard of yet.
fn has_ended(stream: &TcpStream) -> bool {
    let flags = rustix::net::RecvFlags::PEEK | rustix::net::RecvFlags::DONTWAIT;
    !matches!(rustix::net::recv(stream, &mut [0_u8; 1][..], flags), Err(rustix::io::Errno::AGAIN))
}

/// One POST and its answer; the connection, if the answer came whole.
async fn exchange(mut stream: TcpStream) -> Option<TcpStream> {
    stream.write_all(POST).await.ok()?;
    let mut answer = Vec::new();
    while !answer.ends_with(b"fine\n") {
        if stream.read_buf(&mut answer).await.ok()? == 0 {
            return None;
        }
    }
    answer.starts_with(b"HTTP/1.1 200 ").then_some(stream)
}
