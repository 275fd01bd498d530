//! The spec once it was found to be right: only this travels, and the state file keeps it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use segue_supervisor::duration;
use segue_supervisor::keeper::{Launch, LogLimits, User};
use segue_supervisor::signal::Signal;
use serde::{Deserialize, Serialize};

/// What one service runs, and how it is upgraded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Spec {
    /// The service's name, a DNS label.
    pub name: String,
    /// Where clients connect.
    pub listen: SocketAddr,
    /// The certificate and key, if clients are to use TLS.
    pub tls: Option<Tls>,
    /// How many instances serve.
    pub replicas: NonZeroU32,
    /// What each of them runs.
    pub command: Command,
    /// What this is called when it is upgraded to or gone back to.
    pub version: String,
    /// What the environment has beside that of `segue up`; the env file's values are among them.
    pub env: BTreeMap<String, String>,
    /// Where it runs.
    pub cwd: PathBuf,
    /// As whom, if not as the one who runs `segue up`.
    pub user: Option<User>,
    /// When an instance counts as ready.
    pub ready: Ready,
    /// How long a request may take.
    #[serde(with = "duration")]
    pub longest_request: Duration,
    /// After which what is still in flight is cut.
    #[serde(with = "duration")]
    pub drain_deadline: Duration,
    /// How long after a drain's beginning WebSockets are told to go.
    #[serde(with = "duration")]
    pub websocket_grace: Duration,
    /// How an instance is stopped.
    pub stop: Stop,
    /// After which an upgrade that does not get on goes back by itself.
    #[serde(with = "duration")]
    pub progress_deadline: Duration,
    /// How instances are replaced.
    pub strategy: Strategy,
    /// How much of an instance's output is kept.
    pub log: LogLimits,
    /// What clients are held to; what is not set is the proxy's own choice.
    pub limits: Limits,
}

/// A certificate chain and its key, in PEM files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tls {
    /// The chain, the server's own certificate first.
    pub cert: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// A program and its arguments, in which `$PORT` still stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// The program's file.
    pub program: PathBuf,
    /// What it is called with, its own name first, as written in the spec.
    pub words: Vec<String>,
}

/// When an instance counts as ready.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ready {
    /// What is asked.
    pub check: Check,
    /// How often.
    #[serde(with = "duration")]
    pub interval: Duration,
    /// How long the answer may take.
    #[serde(with = "duration")]
    pub timeout: Duration,
    /// How many answers in a row change what is believed.
    pub threshold: NonZeroU32,
}

impl Default for Ready {
    fn default() -> Self {
        let threshold = NonZeroU32::MIN.saturating_add(1);
        let (interval, timeout) = (Duration::from_millis(250), Duration::from_secs(2));
        Self { check: Check::Tcp, interval, timeout, threshold }
    }
}

/// How it is found out whether an instance is ready.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Check {
    /// A GET of this path is answered with a status of 200 to 399.
    Http {
        /// The path, with the query if there is one.
        path: String,
    },
    /// A connection is accepted.
    Tcp,
}

/// How an instance is stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    /// What it is asked with.
    pub signal: Signal,
    /// How long until it is killed.
    #[serde(with = "duration")]
    pub grace: Duration,
}

/// How instances are replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Strategy {
    /// In waves.
    Rolling {
        /// How many more than `replicas` may run meanwhile.
        surge: u32,
        /// How many fewer than `replicas` may serve meanwhile.
        unavailable: u32,
    },
}

/// What clients are held to; `None` is the proxy's own choice.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Limits {
    /// How many connections clients may hold at once.
    pub max_connections: Option<u32>,
    /// How large the head of a request may be, in bytes.
    pub header_size: Option<u64>,
    /// How long the head of a request may take to arrive once it began.
    #[serde(with = "duration::optional")]
    pub header_timeout: Option<Duration>,
    /// How long a body may stand still.
    #[serde(with = "duration::optional")]
    pub body_timeout: Option<Duration>,
    /// How long an instance may take to accept a connection.
    #[serde(with = "duration::optional")]
    pub connect_timeout: Option<Duration>,
    /// How long an instance may take to begin its answer.
    #[serde(with = "duration::optional")]
    pub answer_timeout: Option<Duration>,
    /// How long a client's connection may be idle between two requests.
    #[serde(with = "duration::optional")]
    pub idle_timeout: Option<Duration>,
    /// How long an idle connection to an instance is used again.
    #[serde(with = "duration::optional")]
    pub upstream_idle_timeout: Option<Duration>,
}

/// How long what an instance leaves behind in its process group has to end by itself.
const GROUP_GRACE: Duration = Duration::from_secs(2);

// === impl Spec ===

impl Spec {
    /// What an instance of this spec runs: `id` is its name, `port` the one that it is to listen on.
    pub fn launch(&self, id: &str, port: u16) -> Launch {
        let mut env = BTreeMap::new();
        if let Some(User { name, home: Some(home), .. }) = &self.user {
            env.insert("HOME".to_owned(), home.to_string_lossy().into_owned());
            env.insert("USER".to_owned(), name.clone());
            env.insert("LOGNAME".to_owned(), name.clone());
        }
        env.insert("SEGUE_INSTANCE".to_owned(), id.to_owned());
        env.insert("SEGUE_VERSION".to_owned(), self.version.clone());
        env.extend(self.env.clone());
        env.insert("PORT".to_owned(), port.to_string());
        Launch {
            id: id.to_owned(),
            version: self.version.clone(),
            program: self.command.program.clone(),
            arguments: self.command.arguments(port),
            env,
            cwd: self.cwd.clone(),
            user: self.user.clone(),
            port,
            log: self.log.clone(),
            group_grace: GROUP_GRACE,
            open_files: None,
        }
    }

    /// Whether that is what an instance of this spec would be started with.
    pub fn runs(&self, launch: &Launch) -> bool {
        let own = self.launch(&launch.id, launch.port);
        // What is kept of the output, and what `up` itself was given, change no process.
        let Launch { log, group_grace, open_files, .. } = launch.clone();
        Launch { log, group_grace, open_files, ..own } == *launch
    }
}
