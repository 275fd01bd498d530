//! Where to send: a URL, and the addresses behind its name.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::str::FromStr;

use http::Uri;
use http::uri::{Authority, PathAndQuery};

/// A URL that can be probed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Whether TLS is spoken.
    pub tls: bool,
    /// What goes into the `host` header.
    pub authority: Authority,
    /// Path and query, `/` if the URL has none.
    pub path: PathAndQuery,
}

impl Target {
    /// The host without its port (and without an IPv6 address's brackets).
    pub fn host(&self) -> &str {
        self.authority.host().trim_start_matches('[').trim_end_matches(']')
    }

    /// The port, by default the scheme's own.
    pub fn port(&self) -> u16 {
        self.authority.port_u16().unwrap_or(if self.tls { 443 } else { 80 })
    }

    /// Looks the host up; blocks.
    pub fn resolve(&self) -> Result<Vec<SocketAddr>, TargetError> {
        if let Ok(address) = self.host().parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, self.port())]);
        }
        let failed = |reason: String| TargetError::Unresolved { host: self.host().to_owned(), reason };
        let mut addresses: Vec<_> = (self.host(), self.port())
            .to_socket_addrs()
            .map_err(|error| failed(error.to_string()))?
            .collect();
        addresses.sort_unstable();
        addresses.dedup();
        if addresses.is_empty() { Err(failed("it has no address".into())) } else { Ok(addresses) }
    }
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        let bad = |reason: &str| TargetError::Url { url: text.to_owned(), reason: reason.to_owned() };
        let Some((scheme, _)) = text.split_once("://") else {
            return Err(bad("it has no scheme: http://, https://, ws:// or wss:// is needed"));
        };
        let tls = match scheme.to_ascii_lowercase().as_str() {
            "http" | "ws" => false,
            "https" | "wss" => true,
            _ => {
                return Err(TargetError::Scheme { url: text.to_owned(), scheme: scheme.to_owned() });
            }
        };
        let uri: Uri = text.parse().map_err(|error: http::uri::InvalidUri| bad(&error.to_string()))?;
        let parts = uri.into_parts();
        let authority = parts.authority.ok_or_else(|| bad("it has no host"))?;
        if authority.as_str().contains('@') {
            return Err(bad("a user and password in it are not sent: use a header"));
        }
        if authority.host().is_empty() {
            return Err(bad("it has no host"));
        }
        let behind_host = authority.as_str().rsplit(']').next().unwrap_or_default();
        if behind_host.contains(':') && matches!(authority.port_u16(), None | Some(0)) {
            return Err(bad("its port must be 1 to 65535"));
        }
        Ok(Self { tls, authority, path: parts.path_and_query.unwrap_or(PathAndQuery::from_static("/")) })
    }
}

/// What is wrong with a URL.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// It is none.
    #[error("{url:?} is not a URL that can be probed: {reason}")]
    Url {
        /// As given.
        url: String,
        /// What is wrong.
        reason: String,
    },
    /// A scheme that the probe does not speak.
    #[error("{url:?} has the unknown scheme {scheme:?}: http, https, ws and wss can be probed")]
    Scheme {
        /// As given.
        url: String,
        /// Its scheme.
        scheme: String,
    },
    /// A name without an address.
    #[error("{host:?} can't be resolved: {reason}")]
    Unresolved {
        /// The name.
        host: String,
        /// The resolver's answer.
        reason: String,
    },
}
