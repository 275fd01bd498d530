//! The socket's end in the other commands.

use std::io;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};

use super::protocol::{Event, Request, View};
use crate::folder::Folder;

/// Why `up` could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Nobody is there.
    #[error(
        "{name} is not up: no `segue up` drives it (instances that a killed one left are taken over by `segue up -f FILE`)"
    )]
    NotUp {
        /// The service.
        name: String,
    },
    /// It belongs to another user.
    #[error("{name}: {source}")]
    Io {
        /// The service.
        name: String,
        /// Why.
        source: io::Error,
    },
    /// It said no.
    #[error("{0}")]
    Refused(String),
    /// It went away before it had answered.
    #[error("`segue up` ended before it had answered; `segue status` shows how things are")]
    Gone,
    /// It said something else.
    #[error("`segue up` says something that this program does not understand ({0}): is it another version?")]
    Foreign(#[from] serde_json::Error),
}

/// A connection to the `segue up` of one service.
#[derive(Debug)]
pub struct Client {
    name: String,
    lines: Lines<BufReader<OwnedReadHalf>>,
    write: OwnedWriteHalf,
}

// === impl Client ===

impl Client {
    /// Connects.
    pub async fn connect(folder: &Folder) -> Result<Self, AskError> {
        let name = folder.name().to_owned();
        match UnixStream::connect(folder.control_socket()).await {
            Ok(stream) => {
                let (read, write) = stream.into_split();
                Ok(Self { name, lines: BufReader::new(read).lines(), write })
            }
            Err(error) => Err(match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => AskError::NotUp { name },
                _ => AskError::Io { name, source: error },
            }),
        }
    }

    /// Asks for something.
    pub async fn ask(&mut self, request: &Request) -> Result<(), AskError> {
        let mut line = serde_json::to_vec(request)?;
        line.push(b'\n');
        let written = match self.write.write_all(&line).await {
            // Who hangs up says why first, and that is still to be read.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            written => written,
        };
        written.map_err(|source| AskError::Io { name: self.name.clone(), source })
    }

    /// What is said next. Dropped while waiting, it loses nothing.
    pub async fn next(&mut self) -> Result<Event, AskError> {
        match self.lines.next_line().await {
            Ok(Some(line)) => match serde_json::from_str(&line)? {
                Event::Refused { why } => Err(AskError::Refused(why)),
                event => Ok(event),
            },
            Ok(None) => Err(AskError::Gone),
            Err(source) if source.kind() == io::ErrorKind::ConnectionReset => {
                tracing::debug!(%source, "reset");
                Err(AskError::Gone)
            }
            Err(source) => Err(AskError::Io { name: self.name.clone(), source }),
        }
    }

    /// How everything is.
    pub async fn status(&mut self) -> Result<View, AskError> {
        self.ask(&Request::Status).await?;
        loop {
            if let Event::View(view) = self.next().await? {
                return Ok(*view);
            }
        }
    }
}
