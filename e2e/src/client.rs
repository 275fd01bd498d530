//! A client that does one thing at a time, also what no decent client does: it half-closes, stops reading, or looks
//! at the very bytes.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

/// Far longer than any answer in these tests takes.
const PATIENCE: Duration = Duration::from_mins(1);

/// One connection.
pub struct Client {
    reader: BufReader<TcpStream>,
}

/// An answer, whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The first header of that name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// The version that answered.
    pub fn version(&self) -> Option<&str> {
        self.header("segue-version")
    }
}

impl Client {
    /// Opens the connection.
    #[track_caller]
    pub fn connect(address: SocketAddr) -> Self {
        Self::try_connect(address).unwrap_or_else(|error| panic!("cannot connect to {address}: {error}"))
    }

    /// Opens the connection, if that can be done.
    pub fn try_connect(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        Ok(Self { reader: BufReader::new(stream) })
    }

    /// The connection itself; what was already read into the buffer is not seen there.
    pub fn stream(&mut self) -> &mut TcpStream {
        self.reader.get_mut()
    }

    /// Sends a request without a body.
    #[track_caller]
    pub fn get(&mut self, path: &str) {
        self.try_get(path).expect("a request can be sent");
    }

    /// Sends a request without a body, if that can be done.
    pub fn try_get(&mut self, path: &str) -> io::Result<()> {
        self.stream().write_all(format!("GET {path} HTTP/1.1\r\nhost: test\r\n\r\n").as_bytes())
    }

    /// Says that nothing more is sent; the answer is still awaited.
    #[track_caller]
    pub fn half_close(&mut self) {
        self.stream().shutdown(Shutdown::Write).expect("a connection can be half-closed");
    }

    /// Reads one answer to its end.
    #[track_caller]
    pub fn answer(&mut self) -> Answer {
        self.try_answer().unwrap_or_else(|error| panic!("no whole answer came: {error}"))
    }

    /// Reads one answer to its end; an error if it ends before that.
    pub fn try_answer(&mut self) -> io::Result<Answer> {
        let mut answer = self.head()?;
        answer.body = self.body(&answer)?;
        Ok(answer)
    }

    /// Reads the head of an answer alone.
    pub fn head(&mut self) -> io::Result<Answer> {
        let status = self.line()?;
        let status = status.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidData, format!("no status line: {status:?}"))
        })?;
        let mut headers = Vec::new();
        loop {
            let line = self.line()?;
            let Some((name, value)) = line.split_once(':') else { break };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        Ok(Answer { status, headers, body: Vec::new() })
    }

    /// Reads exactly so many bytes.
    pub fn bytes(&mut self, count: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; count];
        self.reader.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn body(&mut self, head: &Answer) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        if head.header("transfer-encoding") == Some("chunked") {
            loop {
                let size = self.line()?;
                let size = usize::from_str_radix(size.trim(), 16)
                    .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, format!("no chunk: {size:?}")))?;
                body.extend(self.bytes(size)?);
                self.line()?;
                if size == 0 {
                    return Ok(body);
                }
            }
        }
        if let Some(length) = head.header("content-length").and_then(|length| length.parse().ok()) {
            return self.bytes(length);
        }
        self.reader.read_to_end(&mut body)?;
        Ok(body)
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.reader.read_line(&mut line)?;
        match line.strip_suffix('\n') {
            Some(line) => Ok(line.trim_end_matches('\r').to_owned()),
            None => Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                format!("the connection ended after {line:?}"),
            )),
        }
    }
}

/// One request on a connection of its own.
#[track_caller]
pub fn get(address: SocketAddr, path: &str) -> Answer {
    let mut client = Client::connect(address);
    client.get(path);
    client.answer()
}

/// [`get`], where it may fail.
pub fn try_get(address: SocketAddr, path: &str) -> io::Result<Answer> {
    let mut client = Client::try_connect(address)?;
    client.try_get(path)?;
    client.try_answer()
}
