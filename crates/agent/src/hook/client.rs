//! Requests to the agent's port, over loopback.

use crate::folder::HookConfig;
use crate::report::{DrainRequest, ReceivedLine};
use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper::header::{AUTHORIZATION, HOST};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use tokio::net::TcpStream;

/// Why the agent's word was not to be had; asking again helps where it died and another took its place.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    #[error("the agent's port: {0}")]
    Connect(std::io::Error),
    #[error("the agent broke off: {0}")]
    Broke(hyper::Error),
    #[error("the agent's connection ended before it let the hook go")]
    Ended,
    #[error("the agent answered {0}: {1}")]
    Refused(StatusCode, String),
}

/// A GET on the agent's port: the status and the body.
pub(crate) async fn get(port: u16, path: &str) -> Result<(u16, String), ClientError> {
    let request = Request::get(path).header(HOST, "localhost").body(Full::default());
    let response = send(port, request.unwrap_or_default()).await?;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.map_err(ClientError::Broke)?.to_bytes();
    Ok((status, String::from_utf8_lossy(&body).into_owned()))
}

/// Asks for a drain and hands on each line; returns when the agent lets the hook go.
pub(crate) async fn drain(
    config: &HookConfig,
    drain_request: &DrainRequest,
    mut hear: impl FnMut(ReceivedLine),
) -> Result<(), ClientError> {
    let body = serde_json::to_vec(drain_request).unwrap_or_default();
    let request = Request::post("/segue/drain")
        .header(HOST, "localhost")
        .header(AUTHORIZATION, format!("Bearer {}", config.token))
        .body(Full::from(body));
    let response = send(config.plan.control_port, request.unwrap_or_default()).await?;
    let status = response.status();
    let mut body = response.into_body();
    if status != StatusCode::OK {
        let text = body.collect().await.map_err(ClientError::Broke)?.to_bytes();
        return Err(ClientError::Refused(status, String::from_utf8_lossy(&text).trim().to_owned()));
    }
    let mut unread = BytesMut::new();
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame.map_err(ClientError::Broke)?.into_data() {
            unread.extend_from_slice(&data);
        }
        while let Some(end) = unread.iter().position(|byte| *byte == b'\n') {
            // A line of another version that can't be read is no reason to leave.
            let Ok(line) = serde_json::from_slice::<ReceivedLine>(&unread.split_to(end + 1)) else {
                continue;
            };
            let released = line.released;
            hear(line);
            if released {
                return Ok(());
            }
        }
    }
    Err(ClientError::Ended)
}

async fn send(port: u16, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, ClientError> {
    let stream = connect(port).await.map_err(ClientError::Connect)?;
    exchange(stream, request).await.map_err(ClientError::Broke)
}

/// One request on a connection of its own.
pub(super) async fn exchange<B>(stream: TcpStream, request: Request<B>) -> hyper::Result<Response<Incoming>>
where
    B: Body<Data: Send, Error: std::error::Error + Send + Sync> + 'static,
{
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::task::spawn_local(connection);
    sender.send_request(request).await
}

/// Pods have loopback of one family at least.
async fn connect(port: u16) -> std::io::Result<TcpStream> {
    match TcpStream::connect((IpAddr::from(Ipv4Addr::LOCALHOST), port)).await {
        Ok(stream) => Ok(stream),
        Err(error) => TcpStream::connect((IpAddr::from(Ipv6Addr::LOCALHOST), port)).await.map_err(|_| error),
    }
}
