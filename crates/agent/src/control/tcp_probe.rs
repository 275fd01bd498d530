//! A `tcpSocket` probe for pods whose ports are led to the guard: from outside it would find the guard, so it asks the agent, which
//! connects to the application itself.

use crate::clock;
use hyper::StatusCode;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tokio::net::TcpStream;

/// The kubelet gives up first: it waits for as long as the probe says (`timeoutSeconds`, 1 s by default).
const AT_MOST: Duration = Duration::from_secs(30);

/// Why a probe fails.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failed {
    #[error("`{0}` is no port of the application: its ports are {1}")]
    NotItsPort(String, String),
    #[error("the application takes no connection on {0}: {1}")]
    Refused(SocketAddr, io::Error),
    #[error("the application has taken no connection on {0} for {AT_MOST:?}")]
    Silent(SocketAddr),
}

impl Failed {
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::NotItsPort(..) => StatusCode::NOT_FOUND,
            Self::Refused(..) | Self::Silent(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

/// Connects to one of the application's ports, at the address that the kubelet asked: one that listens on loopback alone is not found,
/// as before.
pub(super) async fn ask(address: IpAddr, port: &str, ports: &[u16]) -> Result<(), Failed> {
    let Some(number) = port.parse().ok().filter(|number| ports.contains(number)) else {
        let known: Vec<_> = ports.iter().map(u16::to_string).collect();
        return Err(Failed::NotItsPort(port.to_owned(), known.join(", ")));
    };
    let application = SocketAddr::new(address, number);
    let connected = clock::at_most(AT_MOST, TcpStream::connect(application)).await;
    match connected.ok_or(Failed::Silent(application))? {
        // Where nobody listens the kernel may take that very port for this end, and so connect it to itself.
        Ok(stream) if stream.local_addr().ok() == Some(application) => {
            Err(Failed::Refused(application, io::ErrorKind::ConnectionRefused.into()))
        }
        Ok(_) => Ok(()),
        Err(error) => Err(Failed::Refused(application, error)),
    }
}
