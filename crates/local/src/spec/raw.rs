//! The spec as it is written: its keys, their kinds, and the words that explain them. `segue schema` prints this.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::at::At;
use super::text::{DurationText, SizeText, Text};

/// What one service runs on one machine, and how Segue upgrades it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(title = "Segue service")]
pub(super) struct RawSpec {
    /// The service's name: lower-case letters, digits and `-`, at most 63. Default: the file's name up to its first dot.
    #[schemars(example = &"shop")]
    pub(super) name: Option<At<Text>>,
    /// Where clients connect: an IP address and a port. `:8080` is that port on every address; port 0 lets the system choose.
    #[schemars(example = &"127.0.0.1:8080", example = &":8080", example = &"[::1]:8080")]
    pub(super) listen: At<Text>,
    /// How many instances serve.
    #[schemars(range(min = 1, max = 1000), extend("default" = 1))]
    pub(super) replicas: Option<At<u32>>,
    /// The program and its arguments. `$PORT` is replaced by the instance's port, `$$` is a dollar. No shell is involved.
    #[schemars(length(min = 1), extend("examples" = [["./server", "--port", "$PORT"]]))]
    pub(super) command: At<Vec<At<Text>>>,
    /// What this is called when it is upgraded to or gone back to. Default: a short hash of command, environment and folder.
    #[schemars(example = &"2.4.1")]
    pub(super) version: Option<At<Text>>,
    /// Variables that the instances get beside those of `segue up`. `PORT` is set by Segue.
    #[schemars(extend("examples" = [{"LOG_LEVEL": "info"}]))]
    pub(super) env: Option<BTreeMap<At<String>, At<Text>>>,
    /// A file of `NAME=value` lines, relative to this one. What `env` says comes before it.
    #[schemars(example = &"app.env")]
    pub(super) env_file: Option<At<Text>>,
    /// The folder that the instances run in, relative to this file. Default: this file's folder.
    #[schemars(example = &"/srv/shop")]
    pub(super) cwd: Option<At<Text>>,
    /// As whom the instances run: a name or a number, and a group after a colon if it is another. Only root may say so.
    #[schemars(example = &"www-data", example = &"1000:1000")]
    pub(super) user: Option<At<Text>>,
    /// A certificate, if clients are to use TLS.
    pub(super) tls: Option<RawTls>,
    /// When an instance counts as ready. Default: when it accepts a connection.
    #[schemars(extend("examples" = [{"http": "/health"}]))]
    pub(super) ready: Option<RawReady>,
    /// How long a request may take, as far as you know.
    #[schemars(extend("default" = "30s"))]
    pub(super) longest_request: Option<At<DurationText>>,
    /// How long a drain may take: what is still in flight then is cut, counted and named.
    #[schemars(extend("default" = "60s"))]
    pub(super) drain_deadline: Option<At<DurationText>>,
    /// How long after a drain's beginning WebSockets are asked to go (1001, between two messages).
    #[schemars(extend("default" = "0s"))]
    pub(super) websocket_grace: Option<At<DurationText>>,
    /// How an instance is stopped once nothing is in flight on it.
    #[schemars(extend("examples" = [{"signal": "TERM", "grace": "30s"}]))]
    pub(super) stop: Option<RawStop>,
    /// An upgrade that gets no further for so long goes back by itself.
    #[schemars(extend("default" = "10m"))]
    pub(super) progress_deadline: Option<At<DurationText>>,
    /// How instances are replaced.
    #[schemars(extend("examples" = [{"rolling": {"surge": 1, "unavailable": 0}}]))]
    pub(super) strategy: Option<RawStrategy>,
    /// How much of each instance's output is kept.
    pub(super) log: Option<RawLog>,
    /// What clients and instances are held to.
    pub(super) limits: Option<RawLimits>,
}

/// A certificate and its key, in PEM files, relative to this one.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct RawTls {
    /// The certificate chain, the server's own first.
    #[schemars(example = &"tls/cert.pem")]
    pub(super) cert: At<Text>,
    /// The private key.
    #[schemars(example = &"tls/key.pem")]
    pub(super) key: At<Text>,
}

/// When an instance counts as ready.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct RawReady {
    /// A path: a GET of it is to be answered with a status of 200 to 399.
    #[schemars(example = &"/health")]
    pub(super) http: Option<At<Text>>,
    /// `true`: it is enough that a connection is accepted.
    pub(super) tcp: Option<At<bool>>,
    /// How often it is asked, before and after it is ready.
    #[schemars(extend("default" = "250ms"))]
    pub(super) interval: Option<At<DurationText>>,
    /// How long the answer may take.
    #[schemars(extend("default" = "2s"))]
    pub(super) timeout: Option<At<DurationText>>,
    /// How many answers in a row change what is believed.
    #[schemars(range(min = 1, max = 100), extend("default" = 2))]
    pub(super) threshold: Option<At<u32>>,
}

/// How an instance is stopped.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct RawStop {
    /// The signal that asks it: TERM, INT, QUIT, HUP, USR1, USR2, WINCH or KILL.
    #[schemars(example = &"QUIT", extend("default" = "TERM"))]
    pub(super) signal: Option<At<Text>>,
    /// How long it has from that signal to SIGKILL.
    #[schemars(extend("default" = "30s"))]
    pub(super) grace: Option<At<DurationText>>,
}

/// How instances are replaced.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct RawStrategy {
    /// In waves.
    pub(super) rolling: Option<RawRolling>,
}

/// Instances are replaced in waves.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct RawRolling {
    /// How many more than `replicas` may run meanwhile.
    #[schemars(range(max = 1000), extend("default" = 1))]
    pub(super) surge: Option<At<u32>>,
    /// How many fewer than `replicas` may serve meanwhile.
    #[schemars(range(max = 999), extend("default" = 0))]
    pub(super) unavailable: Option<At<u32>>,
}

/// How much of each instance's output is kept.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct RawLog {
    /// A file is closed and the next begun at this size; lines stay whole.
    #[schemars(extend("default" = "10MiB"))]
    pub(super) max_size: Option<At<SizeText>>,
    /// How many files are kept.
    #[schemars(range(min = 1, max = 1000), extend("default" = 5))]
    pub(super) keep: Option<At<u32>>,
}

/// What clients and instances are held to.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct RawLimits {
    /// How many connections clients may hold at once; above it they get 503.
    #[schemars(range(min = 1))]
    pub(super) max_connections: Option<At<u32>>,
    /// How large the head of a request may be; above it the client gets 431.
    pub(super) header_size: Option<At<SizeText>>,
    /// How long the head of a request may take to arrive once it began.
    pub(super) header_timeout: Option<At<DurationText>>,
    /// How long a body may stand still.
    pub(super) body_timeout: Option<At<DurationText>>,
    /// How long an instance may take to accept a connection; above it the client gets 504.
    pub(super) connect_timeout: Option<At<DurationText>>,
    /// How long an instance may take to begin its answer; above it the client gets 504. Default: as long as it likes.
    pub(super) answer_timeout: Option<At<DurationText>>,
    /// How long a client's connection may be idle between two requests.
    pub(super) idle_timeout: Option<At<DurationText>>,
    /// How long an idle connection to an instance is used again.
    pub(super) upstream_idle_timeout: Option<At<DurationText>>,
}
