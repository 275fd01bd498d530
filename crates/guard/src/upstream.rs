//! Reaching the application: on loopback, else where it really listens.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Mutex;

use tokio::net::TcpStream;

use crate::table::lock;

/// One port of the application.
#[derive(Debug)]
pub(crate) struct Application {
    pub(crate) port: u16,
    /// In the order in which they are tried; the one that took the last connection is first.
    addresses: Mutex<Vec<IpAddr>>,
}

impl Application {
    pub(crate) fn new(port: u16) -> Self {
        Self { port, addresses: Mutex::new(loopback().to_vec()) }
    }

    /// Also tries these, after loopback.
    pub(crate) fn reach(&self, addresses: &[IpAddr]) {
        let mut all = loopback().to_vec();
        // What "any address" means is loopback, which is there already.
        let others =
            addresses.iter().filter(|address| !address.is_unspecified() && !loopback().contains(address));
        all.extend(others);
        *lock(&self.addresses) = all;
    }

    /// A connection to it, without a delay for small writes.
    pub(crate) async fn connect(&self) -> io::Result<TcpStream> {
        let mut last = io::ErrorKind::ConnectionRefused.into();
        // As they are now: another connection may change the order meanwhile.
        let addresses = lock(&self.addresses).clone();
        for address in addresses {
            match TcpStream::connect(SocketAddr::new(address, self.port)).await {
                // Where nobody listens the kernel may take that very port for this end, and so connect it to itself.
                Ok(stream) if stream.local_addr()? == stream.peer_addr()? => {}
                Ok(stream) => {
                    stream.set_nodelay(true)?;
                    self.prefer(address);
                    return Ok(stream);
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn prefer(&self, address: IpAddr) {
        let mut addresses = lock(&self.addresses);
        if let Some(at @ 1..) = addresses.iter().position(|known| *known == address) {
            addresses[..=at].rotate_right(1);
        }
    }
}

fn loopback() -> [IpAddr; 2] {
    [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)]
}
