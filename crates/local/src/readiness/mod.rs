//! Whether an instance is ready: asked again and again, before and after it is.

mod http;
#[cfg(test)]
mod tests;

use std::io;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use rustix::io::Errno;
use segue_supervisor::duration;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::clock;
use crate::spec::{Check, Ready};

/// While nobody listens yet, asking costs nothing: it is asked more often at first.
const FIRST_PAUSE: Duration = Duration::from_millis(10);

/// What is believed of an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// It was not asked yet, or has not answered yet: nothing may be taken from it for that.
    Unknown,
    /// It answers as it should.
    Ready,
    /// It does not.
    NotReady {
        /// What it answered instead, for people.
        why: String,
    },
}

/// Asks one instance for as long as it lives.
#[derive(Debug)]
pub struct Probe {
    believed: watch::Receiver<Readiness>,
    task: JoinHandle<()>,
}

// === impl Probe ===

impl Probe {
    /// Begins to ask. Needs a tokio runtime.
    pub fn start(ready: &Ready, address: SocketAddr) -> Self {
        let (sender, believed) = watch::channel(Readiness::Unknown);
        let task = tokio::spawn(ask_for_ever(ready.clone(), address, sender));
        Self { believed, task }
    }

    /// What is believed now.
    pub fn now(&self) -> Readiness {
        self.believed.borrow().clone()
    }

    /// Waits until something else is believed (another reason too).
    pub async fn changed(&mut self) -> Readiness {
        // The task ends with this value only, so the sender is there.
        let _ = self.believed.changed().await;
        self.believed.borrow_and_update().clone()
    }

    /// For those who wait for several at once.
    pub fn subscribe(&self) -> watch::Receiver<Readiness> {
        self.believed.clone()
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn ask_for_ever(ready: Ready, address: SocketAddr, believed: watch::Sender<Readiness>) {
    let mut belief = Belief::new(believed.borrow().clone(), ready.threshold);
    let mut pause = FIRST_PAUSE.min(ready.interval);
    loop {
        let answer = ask(&ready.check, address, ready.timeout).await;
        let (now, next) = pauses(pause, &answer, ready.interval);
        if belief.hear(answer) {
            believed.send_replace(belief.now.clone());
        }
        clock::sleep(now).await;
        pause = next;
    }
}

/// How long it is not asked after this answer, and after the next if nobody listens then either: ever longer.
fn pauses(pause: Duration, answer: &Result<(), NotReady>, interval: Duration) -> (Duration, Duration) {
    match answer {
        Err(NotReady::Unreached(_)) => (pause, pause.saturating_mul(2).min(interval)),
        _ => (interval, interval),
    }
}

/// What the answers so far come to.
#[derive(Debug)]
struct Belief {
    now: Readiness,
    threshold: NonZeroU32,
    last_was_good: bool,
    same_in_a_row: u32,
}

impl Belief {
    fn new(now: Readiness, threshold: NonZeroU32) -> Self {
        Self { now, threshold, last_was_good: false, same_in_a_row: 0 }
    }

    /// Whether something else is believed now. A new reason for the same belief is taken at once; another belief only
    /// after enough answers of one kind in a row.
    fn hear(&mut self, answer: Result<(), NotReady>) -> bool {
        let good = match &answer {
            Ok(()) => true,
            // When in doubt, serve: what this process lacks says nothing of the instance.
            Err(NotReady::Ours(_)) if !matches!(self.now, Readiness::NotReady { .. }) => return false,
            Err(_) => false,
        };
        self.same_in_a_row =
            if good == self.last_was_good { self.same_in_a_row.saturating_add(1) } else { 1 };
        self.last_was_good = good;
        let heard = match answer {
            Ok(()) => Readiness::Ready,
            Err(error) => Readiness::NotReady { why: error.to_string() },
        };
        let same_belief = match self.now {
            Readiness::Unknown => false,
            Readiness::Ready => good,
            Readiness::NotReady { .. } => !good,
        };
        let change = heard != self.now && (same_belief || self.same_in_a_row >= self.threshold.get());
        if change {
            self.now = heard;
        }
        change
    }
}

/// Why one answer was not the right one.
#[derive(Debug, thiserror::Error)]
pub enum NotReady {
    /// No connection.
    #[error("{0}")]
    Unreached(String),
    /// It could not even be tried: too many open files, no free port.
    #[error("it could not be asked: {0}")]
    Ours(String),
    /// A connection, but not the answer.
    #[error("{0}")]
    Answer(String),
}

/// Asks once.
pub async fn ask(check: &Check, address: SocketAddr, timeout: Duration) -> Result<(), NotReady> {
    let asked = async {
        let stream = TcpStream::connect(address).await.map_err(|error| unreached(&error))?;
        match check {
            Check::Tcp => Ok(()),
            Check::Http { path } => http::get(stream, address, path).await.map_err(NotReady::Answer),
        }
    };
    tokio::time::timeout(timeout, asked).await.unwrap_or_else(|_| {
        let what = match check {
            Check::Tcp => "no connection".to_owned(),
            Check::Http { path } => format!("GET {path}: no answer"),
        };
        Err(NotReady::Answer(format!("{what} within {}", duration::format(timeout))))
    })
}

fn unreached(error: &io::Error) -> NotReady {
    const OURS: [Errno; 5] = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM, Errno::ADDRNOTAVAIL];
    if error.kind() == io::ErrorKind::ConnectionRefused {
        NotReady::Unreached("connection refused: nothing listens on its port yet".to_owned())
    } else if Errno::from_io_error(error).is_some_and(|errno| OURS.contains(&errno)) {
        NotReady::Ours(error.to_string())
    } else {
        NotReady::Unreached(format!("cannot connect: {error}"))
    }
}
