//! What a service manager is told (systemd's `Type=notify`): ready, stopping, and a line about how it is.

use std::ffi::OsString;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

/// How long a manager may take to listen to what it must hear.
const PATIENCE: Duration = Duration::from_secs(1);

/// Whoever started this process and wants to know how it is; nobody, if none does.
#[derive(Debug, Default)]
pub struct Manager {
    sockets: Option<Sockets>,
}

#[derive(Debug)]
struct Sockets {
    address: SocketAddr,
    /// For what it must hear: it has a moment to listen.
    patient: UnixDatagram,
    /// For what comes again: where it does not listen, it misses it.
    hasty: UnixDatagram,
}

impl Manager {
    /// The one that NOTIFY_SOCKET names.
    pub fn of_environment() -> io::Result<Self> {
        std::env::var_os("NOTIFY_SOCKET")
            .filter(|name| !name.is_empty())
            .map_or(Ok(Self::default()), Self::at)
    }

    pub(crate) fn at(name: OsString) -> io::Result<Self> {
        let address = match name.as_bytes() {
            [b'@', abstract_name @ ..] => SocketAddr::from_abstract_name(abstract_name)?,
            _ => SocketAddr::from_pathname(name)?,
        };
        let (patient, hasty) = (UnixDatagram::unbound()?, UnixDatagram::unbound()?);
        patient.set_write_timeout(Some(PATIENCE))?;
        hasty.set_nonblocking(true)?;
        Ok(Self { sockets: Some(Sockets { address, patient, hasty }) })
    }

    /// It serves.
    pub fn ready(&self) {
        self.send(|sockets| &sockets.patient, "READY=1");
    }

    /// It ends.
    pub fn stopping(&self) {
        self.send(|sockets| &sockets.patient, "STOPPING=1");
    }

    /// How it is, in one line.
    pub fn status(&self, line: &str) {
        self.send(|sockets| &sockets.hasty, &format!("STATUS={}", line.replace('\n', " ")));
    }

    /// A manager that does not listen must not hold the service up.
    fn send(&self, by: impl FnOnce(&Sockets) -> &UnixDatagram, message: &str) {
        if let Some(sockets) = &self.sockets
            && let Err(error) = by(sockets).send_to_addr(message.as_bytes(), &sockets.address)
        {
            tracing::debug!(%error, "the service manager does not listen");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manager_is_told_by_path_and_by_abstract_name() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("notify");
        let listener = UnixDatagram::bind(&path).unwrap();
        let manager = Manager::at(path.into()).unwrap();
        manager.ready();
        manager.status("2 of 2\nserving");
        let mut buffer = [0; 64];
        let count = listener.recv(&mut buffer).unwrap();
        assert_eq!(&buffer[..count], b"READY=1");
        let count = listener.recv(&mut buffer).unwrap();
        assert_eq!(&buffer[..count], b"STATUS=2 of 2 serving");

        // It does not listen any more.
        for number in 0..2000 {
            manager.status(&number.to_string());
        }
        manager.stopping();
        let count = listener.recv(&mut buffer).unwrap();
        assert_eq!(&buffer[..count], b"STATUS=0");

        let name = format!("segue-test-{}", std::process::id());
        let listener = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        Manager::at(format!("@{name}").into()).unwrap().stopping();
        let count = listener.recv(&mut buffer).unwrap();
        assert_eq!(&buffer[..count], b"STOPPING=1");
    }
}
