//! The sample program's WebSocket: every message comes back; when the program drains, the connection is closed
//! between two messages, with 1001.

use hyper::Request;
use hyper::body::Incoming;
use hyper::header::{HeaderValue, SEC_WEBSOCKET_KEY, UPGRADE};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use segue_wire::websocket::{Close, Decoder, Message, Opcode, Rules, Sender, accept_key, code, encode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::watch;

/// The longest message that comes back.
const LARGEST_MESSAGE: u64 = 16 << 20;

/// The value of `Sec-WebSocket-Accept`, if the request asks for a WebSocket.
pub(super) fn accept(request: &Request<Incoming>) -> Option<HeaderValue> {
    let headers = request.headers();
    let asks = headers.get(UPGRADE)?.to_str().ok()?.eq_ignore_ascii_case("websocket");
    let key = headers.get(SEC_WEBSOCKET_KEY)?.to_str().ok()?;
    asks.then(|| HeaderValue::from_str(&accept_key(key)).ok())?
}

/// Echoes until either side closes.
pub(super) async fn converse(upgraded: Upgraded, mut draining: watch::Receiver<bool>) {
    let mut stream = TokioIo::new(upgraded);
    let mut decoder = Decoder::new(Rules::strict(Sender::Client), LARGEST_MESSAGE);
    let mut buffer = vec![0; 16 << 10];
    let mut close_said = false;
    loop {
        let read = tokio::select! {
            read = stream.read(&mut buffer) => read,
            () = drain_begins(&mut draining), if !close_said => {
                close_said = true;
                if say_close(&mut stream, code::GOING_AWAY, "the program stops").await.is_err() {
                    return;
                }
                continue;
            }
        };
        let Ok(length @ 1..) = read else { return };
        let mut bytes = &buffer[..length];
        let mut out = Vec::new();
        let mut ended = false;
        while !ended {
            match decoder.decode(&mut bytes) {
                Ok(Some(message)) => ended = reply(message, close_said, &mut out),
                Ok(None) => break,
                Err(_) => {
                    Close { code: code::PROTOCOL_ERROR, reason: String::new() }.encode(None, &mut out);
                    ended = true;
                }
            }
        }
        if stream.write_all(&out).await.is_err() || ended {
            // The other side has been told all there is to tell.
            let _ = stream.shutdown().await;
            return;
        }
    }
}

/// Puts what answers a message behind `out`; true if that was the last.
fn reply(message: Message, close_said: bool, out: &mut Vec<u8>) -> bool {
    match message {
        // Nothing may follow our own close.
        Message::Text(_) | Message::Binary(_) | Message::Ping(_) if close_said => {}
        Message::Text(text) => encode(Opcode::Text, text.as_bytes(), None, out),
        Message::Binary(bytes) => encode(Opcode::Binary, &bytes, None, out),
        Message::Ping(payload) => encode(Opcode::Pong, &payload, None, out),
        Message::Pong(_) => {}
        Message::Close(said) => {
            if !close_said {
                let answer = said.unwrap_or(Close { code: code::NORMAL, reason: String::new() });
                answer.encode(None, out);
            }
            return true;
        }
    }
    false
}

async fn drain_begins(draining: &mut watch::Receiver<bool>) {
    // The state outlives every connection, so there is no error to speak of.
    let _ = draining.wait_for(|draining| *draining).await;
}

async fn say_close(stream: &mut TokioIo<Upgraded>, code: u16, reason: &str) -> std::io::Result<()> {
    let mut out = Vec::new();
    Close { code, reason: reason.to_owned() }.encode(None, &mut out);
    stream.write_all(&out).await
}
