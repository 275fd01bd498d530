//! The two header values by which an HTTP/1.1 upgrade to WebSocket proves itself.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha1::{Digest as _, Sha1};

/// `Sec-WebSocket-Accept` for a request's `Sec-WebSocket-Key`.
pub fn accept_key(request_key: &str) -> String {
    let mut hash = Sha1::new();
    hash.update(request_key.trim().as_bytes());
    hash.update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    STANDARD.encode(hash.finalize())
}

/// `Sec-WebSocket-Key` from sixteen random bytes.
pub fn request_key(random: [u8; 16]) -> String {
    STANDARD.encode(random)
}
