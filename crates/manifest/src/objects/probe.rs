//! Probes and lifecycle hooks of a container.

use std::fmt;

use serde::Deserialize;
use serde_json::Value;

use super::values::nullable;

/// A port by its number or by the name that a container gives it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged, expecting = "a port's number, from 1 to 65535, or its name")]
pub enum PortRef {
    /// Its number.
    Number(u16),
    /// Its name.
    Name(String),
}

impl PortRef {
    /// Its number, if it is given by number; 0 is none.
    pub fn number(&self) -> Option<u16> {
        match self {
            Self::Number(number) => Some(*number).filter(|number| *number > 0),
            Self::Name(_) => None,
        }
    }

    /// Its name, if it is given by name.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Number(_) => None,
            Self::Name(name) => Some(name),
        }
    }
}

impl fmt::Display for PortRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
}

/// A container's `lifecycle`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Lifecycle {
    /// Run after its start.
    pub post_start: Option<Handler>,
    /// Run before its stop signal.
    pub pre_stop: Option<Handler>,
}

/// What a hook or a probe does.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Handler {
    /// Runs a program in the container.
    pub exec: Option<Exec>,
    /// Asks by HTTP.
    pub http_get: Option<HttpGet>,
    /// Connects.
    pub tcp_socket: Option<TcpSocket>,
    /// Waits, in the kubelet.
    pub sleep: Option<Sleep>,
}

/// A program to run.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct Exec {
    /// Its words.
    #[serde(default, deserialize_with = "nullable")]
    pub command: Vec<String>,
}

/// An HTTP request to make.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpGet {
    /// The path, with its query; `/` if missing.
    pub path: Option<String>,
    /// The port.
    pub port: PortRef,
    /// The host; the pod itself if missing.
    pub host: Option<String>,
    /// `HTTP` or `HTTPS`.
    pub scheme: Option<String>,
    /// Headers to send.
    #[serde(default, deserialize_with = "nullable")]
    pub http_headers: Vec<Header>,
}

/// One header.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Header {
    /// Its name.
    pub name: String,
    /// Its value.
    #[serde(default, deserialize_with = "nullable")]
    pub value: String,
}

/// A connection to make.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct TcpSocket {
    /// The port.
    pub port: PortRef,
    /// The host; the pod itself if missing.
    #[serde(default, deserialize_with = "nullable")]
    pub host: String,
}

/// A wait.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Sleep {
    /// How long.
    pub seconds: u64,
}

/// A probe, as far as it names ports and paths.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Probe {
    /// Asks by HTTP.
    pub http_get: Option<HttpGet>,
    /// Connects.
    pub tcp_socket: Option<TcpSocket>,
    /// The rest of it.
    #[serde(flatten)]
    pub rest: serde_json::Map<String, Value>,
}
