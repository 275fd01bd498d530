//! A client that says exactly what it is told to, and reads exactly one answer at a time.

use std::collections::HashMap;
use std::io::{self, BufRead as _, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};

use super::PATIENCE;

/// One HTTP/1 message as it came: first line, headers (names in lower case), body and trailers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Message {
    pub(crate) first: String,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: HashMap<String, String>,
}

impl Message {
    pub(crate) fn status(&self) -> u16 {
        self.first.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0)
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    pub(crate) fn reason(&self) -> &str {
        self.header("segue-reason")
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    fn chunked(&self) -> bool {
        self.header("transfer-encoding").eq_ignore_ascii_case("chunked")
    }

    fn length(&self) -> Option<usize> {
        self.header("content-length").parse().ok()
    }
}

/// A connection of which messages are read one by one.
pub(crate) struct Wire<S: Read>(pub(crate) BufReader<S>);

pub(crate) type Client = Wire<TcpStream>;

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Client {
        let stream = TcpStream::connect(address).unwrap();
        Client::over(stream)
    }

    pub(crate) fn over(stream: TcpStream) -> Client {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Wire(BufReader::new(stream))
    }

    pub(crate) fn send(&mut self, text: impl AsRef<[u8]>) {
        self.0.get_mut().write_all(text.as_ref()).unwrap();
    }

    pub(crate) fn get(&mut self, path: &str) -> Message {
        self.send(format!("GET {path} HTTP/1.1\r\nhost: test\r\n\r\n"));
        self.answer()
    }

    pub(crate) fn close_sending(&self) {
        self.0.get_ref().shutdown(Shutdown::Write).unwrap();
    }

    /// Whether the other side has ended the connection, with nothing before its end.
    pub(crate) fn ended(&mut self) -> bool {
        matches!(self.0.read(&mut [0]), Ok(0))
    }
}

impl<S: Read> Wire<S> {
    pub(crate) fn answer(&mut self) -> Message {
        self.try_answer().unwrap()
    }

    /// One whole answer, or why there is none.
    pub(crate) fn try_answer(&mut self) -> io::Result<Message> {
        let mut message = self.head()?;
        self.body(&mut message, false)?;
        Ok(message)
    }

    /// One whole request, `None` at the connection's end.
    pub(crate) fn request(&mut self) -> io::Result<Option<Message>> {
        if self.0.fill_buf()?.is_empty() {
            return Ok(None);
        }
        let mut message = self.head()?;
        self.body(&mut message, true)?;
        Ok(Some(message))
    }

    pub(crate) fn head(&mut self) -> io::Result<Message> {
        let first = self.line()?;
        Ok(Message { first, headers: self.fields()?, ..Message::default() })
    }

    pub(crate) fn body(&mut self, message: &mut Message, is_request: bool) -> io::Result<()> {
        let status = message.status();
        if message.chunked() {
            while let Some(chunk) = self.chunk()? {
                message.body.extend(chunk);
            }
            message.trailers = self.fields()?;
        } else if let Some(length) = message.length() {
            message.body = vec![0; length];
            self.0.read_exact(&mut message.body)?;
        } else if !is_request && status >= 200 && status != 204 && status != 304 {
            self.0.read_to_end(&mut message.body)?;
        }
        Ok(())
    }

    /// The next chunk; after the last one only the trailers are left.
    pub(crate) fn chunk(&mut self) -> io::Result<Option<Vec<u8>>> {
        let line = self.line()?;
        let size =
            usize::from_str_radix(&line, 16).map_err(|_| io::Error::other(format!("chunk {line:?}")))?;
        if size == 0 {
            return Ok(None);
        }
        let mut chunk = vec![0; size + 2];
        self.0.read_exact(&mut chunk)?;
        chunk.truncate(size);
        Ok(Some(chunk))
    }

    fn fields(&mut self) -> io::Result<HashMap<String, String>> {
        let mut fields = HashMap::new();
        loop {
            let line = self.line()?;
            if line.is_empty() {
                return Ok(fields);
            }
            let (name, value) = line.split_once(':').ok_or_else(|| io::Error::other(format!("{line:?}")))?;
            let known = fields.insert(name.to_ascii_lowercase(), value.trim().to_owned());
            assert_eq!(known, None, "header {name} twice");
        }
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.0.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end_matches(['\r', '\n']).to_owned())
    }
}
