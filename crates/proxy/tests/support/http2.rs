//! An HTTP/2 client that sends exactly the frames that a test wants, and reads none that it is not told to read.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use super::PATIENCE;

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const PRIORITY: u8 = 2;
pub(crate) const RESET: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;

pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;

/// A connection of which frames are written and read one by one.
pub(crate) struct Frames(pub(crate) TcpStream);

/// One frame as it came.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// The head of a request, and more fields (HPACK without its dynamic table).
pub(crate) fn request(method: &str, fields: &[(&str, &str)]) -> Vec<u8> {
    let mut block = literal(":method", method);
    block.extend([0x86, 0x84]);
    block.extend(literal(":authority", "test"));
    for (name, value) in fields {
        block.extend(literal(name, value));
    }
    block
}

pub(crate) fn literal(name: &str, value: &str) -> Vec<u8> {
    let text = |text: &str| [&[u8::try_from(text.len()).unwrap()][..], text.as_bytes()].concat();
    [vec![0], text(name), text(value)].concat()
}

impl Frames {
    /// With windows so large that only the other side's memory bounds what it holds ready.
    pub(crate) fn connect(address: SocketAddr) -> Frames {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        let mut frames = Frames(stream);
        let most = i32::MAX.to_be_bytes();
        let settings = [&[0, 4], &most[..]].concat();
        frames.send(
            &[
                b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                &frame(SETTINGS, 0, 0, &settings)[..],
                &frame(WINDOW_UPDATE, 0, 0, &(0x7fff_0000u32).to_be_bytes()),
            ]
            .concat(),
        );
        frames
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).unwrap();
    }

    pub(crate) fn ask(&mut self, stream: u32, fields: &[(&str, &str)]) {
        self.send(&frame(HEADERS, END_HEADERS | END_STREAM, stream, &request("GET", fields)));
    }

    pub(crate) fn read(&mut self) -> io::Result<Frame> {
        let mut head = [0; 9];
        self.0.read_exact(&mut head)?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        self.0.read_exact(&mut payload)?;
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        Ok(Frame { kind: head[3], stream, payload })
    }

    /// Reads until this frame of this stream comes.
    pub(crate) fn wait_for(&mut self, kind: u8, stream: u32) -> Frame {
        loop {
            let frame = self.read().unwrap();
            if (frame.kind, frame.stream) == (kind, stream) {
                return frame;
            }
        }
    }

    /// Whether the other side ends the connection, whatever it says before.
    pub(crate) fn ended(&mut self) -> bool {
        let mut some = vec![0; 65536];
        loop {
            match self.0.read(&mut some) {
                Ok(0) => return true,
                Ok(_) => {}
                Err(error) => return error.kind() == io::ErrorKind::ConnectionReset,
            }
        }
    }
}
