//! One GET over a connection of its own: only the head of the answer is waited for, so no body can hold it up.

use std::net::SocketAddr;
use std::pin::pin;

use bytes::Bytes;
use http_body_util::Empty;
use hyper::Request;
use hyper::header::{CONNECTION, HOST, USER_AGENT};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// Asks, and says what was wrong with the answer.
pub(super) async fn get(stream: TcpStream, address: SocketAddr, path: &str) -> Result<(), String> {
    let request = Request::get(path)
        .header(HOST, address.to_string())
        .header(USER_AGENT, concat!("segue/", env!("CARGO_PKG_VERSION")))
        .header(CONNECTION, "close")
        .body(Empty::<Bytes>::new())
        .map_err(|error| format!("GET {path}: {error}"))?;
    let broken = |error: hyper::Error| format!("GET {path}: {}", describe(&error));
    let (mut sender, connection) = hyper::client::conn::http1::Builder::new()
        .handshake::<_, Empty<Bytes>>(TokioIo::new(stream))
        .await
        .map_err(broken)?;
    let mut answer = pin!(sender.send_request(request));
    let answer = tokio::select! {
        biased;
        answer = &mut answer => answer,
        // The connection is over: its answer is here by now, or will never be.
        _ = connection => answer.await,
    };
    let answer = answer.map_err(broken)?;
    let status = answer.status();
    if status.is_success() || status.is_redirection() {
        Ok(())
    } else {
        Err(format!("GET {path} answered {}", status.as_u16()))
    }
}

fn describe(error: &hyper::Error) -> String {
    if error.is_incomplete_message() {
        "closed without an answer".to_owned()
    } else if error.is_parse() {
        "the answer is not HTTP/1.1".to_owned()
    } else {
        error.to_string()
    }
}
