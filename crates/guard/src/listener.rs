//! The guard's ports: taken all or none, and one task for each that accepts.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::time::Duration;

use rustix::net::sockopt;
use segue_core::pod::Protocol;
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use crate::connection;
use crate::guard::Guard;
use crate::registration::Registration;
use crate::shared::Shared;
use crate::snapshot::add;
use crate::upstream::Application;
use crate::{Settings, clock, limits};

/// How many connections may wait to be accepted; the kernel caps it (`net.core.somaxconn`).
const BACKLOG: u32 = 4096;

/// How long it is waited after an accept that failed, at first and at most. Every failure in a row doubles it.
const ACCEPT_PAUSE: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(500));

/// When a client is asked whether it is still there, and how often. The application can't know any more, for its own
/// connection comes from this machine.
const KEEPALIVE: (Duration, Duration, u32) = (Duration::from_mins(1), Duration::from_secs(15), 4);

/// A port of the guard that can't be taken: another process has it, or it may not be used. Not the client's fault.
#[derive(Debug, thiserror::Error)]
#[error(
    "the guard's port {port} (in front of the application's {application}) can't be taken: {error}; it must be free in the pod"
)]
pub struct BindError {
    /// The port of the guard.
    pub port: u16,
    /// The application's port behind it.
    pub application: u16,
    /// Why the kernel refused.
    #[source]
    pub error: io::Error,
}

struct Port {
    listener: TcpListener,
    application: Arc<Application>,
    protocol: Protocol,
}

/// Ports that are taken; clients can connect already, and wait.
pub struct Bound {
    settings: Settings,
    ports: Vec<Port>,
}

/// Takes every port that has a guard, on all addresses of the machine; all of them or none. Needs a tokio runtime.
pub async fn bind(settings: Settings) -> Result<Bound, BindError> {
    let mut ports = Vec::new();
    for port in &settings.ports {
        // However a client comes to it, it is one application.
        let application = Arc::new(Application::new(port.application));
        for number in port.guards() {
            let listener = listen(number).map_err(|error| BindError {
                port: number,
                application: port.application,
                error,
            })?;
            ports.push(Port { listener, application: application.clone(), protocol: port.protocol });
        }
    }
    Ok(Bound { settings, ports })
}

impl Bound {
    /// Where the guard listens, in the order of the settings: the application's port and the guard's own. A guard's port
    /// of 0 in the settings has become a real one.
    pub fn ports(&self) -> Vec<(u16, u16)> {
        let number = |port: &Port| port.listener.local_addr().map_or(0, |address| address.port());
        self.ports.iter().map(|port| (port.application.port, number(port))).collect()
    }

    /// Begins to accept, in tasks of the current tokio runtime.
    pub fn serve(self) -> Guard {
        let mut applications: Vec<_> = self.ports.iter().map(|port| port.application.clone()).collect();
        applications.dedup_by(|one, other| Arc::ptr_eq(one, other));
        let shared = Arc::new(Shared::new(self.settings, applications));
        for port in self.ports {
            tokio::spawn(accept(port, shared.clone()));
        }
        Guard::new(shared)
    }
}

/// Listens on all addresses of both families, or on IPv4 where the machine has no IPv6. Needs a tokio runtime.
pub fn listen(port: u16) -> io::Result<TcpListener> {
    listen_at(IpAddr::V6(Ipv6Addr::UNSPECIFIED), port).or_else(|error| {
        if is_of_the_port(&error) { Err(error) } else { listen_at(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port) }
    })
}

/// Whether another family would be refused as well.
fn is_of_the_port(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied)
}

fn listen_at(address: IpAddr, port: u16) -> io::Result<TcpListener> {
    let socket = if address.is_ipv6() { TcpSocket::new_v6()? } else { TcpSocket::new_v4()? };
    if address.is_ipv6() {
        sockopt::set_ipv6_v6only(socket.as_fd(), false)?;
    }
    socket.set_reuseaddr(true)?;
    // Accepted sockets inherit these.
    socket.set_nodelay(true)?;
    let (idle, interval, count) = KEEPALIVE;
    sockopt::set_socket_keepalive(socket.as_fd(), true)?;
    sockopt::set_tcp_keepidle(socket.as_fd(), idle)?;
    sockopt::set_tcp_keepintvl(socket.as_fd(), interval)?;
    sockopt::set_tcp_keepcnt(socket.as_fd(), count)?;
    socket.bind(SocketAddr::new(address, port))?;
    socket.listen(BACKLOG)
}

async fn accept(port: Port, shared: Arc<Shared>) {
    let (first, longest) = ACCEPT_PAUSE;
    let mut pause = first;
    loop {
        match port.listener.accept().await {
            Ok((client, _)) => {
                pause = first;
                take(&port, &shared, client).await;
            }
            Err(error) => {
                // No descriptors, no memory: it gets better when others end, and not by asking again at once.
                if !is_of_one_client(&error) {
                    add(&shared.metrics.counters.accept_failed);
                    clock::sleep(pause).await;
                    pause = (2 * pause).min(longest);
                }
            }
        }
    }
}

async fn take(port: &Port, shared: &Arc<Shared>, client: TcpStream) {
    let Some(place) = limits::admit(shared).await else {
        connection::reset(client);
        return;
    };
    let registration = Registration::enter(shared.clone(), place);
    tokio::spawn(connection::carry(registration, client, port.application.clone(), port.protocol));
}

/// Whether one client went away before it was accepted.
fn is_of_one_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted)
}

#[cfg(test)]
mod tests;
