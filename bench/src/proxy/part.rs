//! What runs as a process of its own: the origin, and Segue's proxy with every feature on.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use bytes::Bytes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

#[derive(clap::Subcommand)]
pub(crate) enum Part {
    /// Answers `GET /N` with N bytes, as cheaply as it can.
    Origin { port: u16 },
    /// Segue's proxy on PORT, before the origin.
    Segue { port: u16, origin: u16 },
}

impl Part {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        match self {
            Part::Origin { port } => runtime.block_on(origin(port))?,
            Part::Segue { port, origin } => {
                let pool = segue_proxy::Pool::default();
                pool.add("one", SocketAddr::from((Ipv4Addr::LOCALHOST, origin)), "v1");
                pool.admit("one");
                let config =
                    segue_proxy::Config { workers: Some(1), version_header: true, ..Default::default() };
                let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
                let _proxy = segue_proxy::Proxy::start(listener, pool, config)?;
                runtime.block_on(std::future::pending::<()>());
            }
        }
        Ok(())
    }
}

async fn origin(port: u16) -> io::Result<()> {
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        // A proxy that goes away takes its connection with it.
        tokio::spawn(answer(stream));
    }
}

async fn answer(mut stream: TcpStream) -> io::Result<()> {
    let mut request = Vec::with_capacity(4096);
    let (mut size, mut answer) = (0, Bytes::new());
    loop {
        request.clear();
        while !request.ends_with(b"\r\n\r\n") {
            if stream.read_buf(&mut request).await? == 0 {
                return Ok(());
            }
        }
        let wanted = wanted(&request).ok_or(io::ErrorKind::InvalidData)?;
        if wanted != size || answer.is_empty() {
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: {wanted}\r\n\
                 date: Mon, 23 Nov 2026 12:00:00 GMT\r\nserver: origin\r\n\r\n"
            );
            let body = vec![b'x'; wanted];
            (size, answer) = (wanted, Bytes::from([head.as_bytes(), &body].concat()));
        }
        stream.write_all(&answer).await?;
    }
}

fn wanted(request: &[u8]) -> Option<usize> {
    let rest = request.strip_prefix(b"GET /")?;
    let digits = &rest[..rest.iter().position(|byte| !byte.is_ascii_digit())?];
    std::str::from_utf8(digits).ok()?.parse().ok()
}
