//! The sample program's processes: started here for the recipes that bring no driver of their own.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::ops::Range;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};

use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process};
use segue_supervisor::duration;
use tokio::process::{Child, Command};

use crate::settings::Settings;

/// One instance of the rude sample; killed when dropped.
#[derive(Debug)]
pub(crate) struct Instance {
    pub(crate) id: String,
    pub(crate) version: &'static str,
    pub(crate) address: SocketAddr,
    child: Child,
}

impl Instance {
    pub(crate) fn start(
        id: String,
        version: &'static str,
        address: SocketAddr,
        settings: &Settings,
    ) -> anyhow::Result<Self> {
        let child = Command::new(own_program()?)
            .args(["sample", "--rude", "--version", version])
            .arg("--port")
            .arg(address.port().to_string())
            .arg("--start-delay")
            .arg(duration::format(settings.start_delay))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Ctrl-C is for the demo, which then ends what it started.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start instance {id}"))?;
        Ok(Self { id, version, address, child })
    }

    /// From now on its health check fails.
    pub(crate) fn fail_health(&self) -> anyhow::Result<()> {
        self.signal(Signal::USR1)
    }

    /// SIGTERM, and waits for its end.
    pub(crate) async fn stop(&mut self) -> anyhow::Result<ExitStatus> {
        self.signal(Signal::TERM)?;
        self.child.wait().await.with_context(|| format!("cannot wait for instance {}", self.id))
    }

    /// Resolves when the process ends by itself.
    pub(crate) async fn ended(&mut self) -> anyhow::Error {
        match self.child.wait().await {
            Ok(status) => anyhow::anyhow!("instance {} ended before it was ready: {status}", self.id),
            Err(error) => anyhow::Error::from(error).context(format!("cannot wait for instance {}", self.id)),
        }
    }

    fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        let pid = self.child.id().and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
        let pid = pid.with_context(|| format!("instance {} has ended by itself", self.id))?;
        kill_process(pid, signal).with_context(|| format!("cannot signal instance {}", self.id))
    }
}

/// The command that the demo is one of: it runs the others.
pub(crate) fn own_program() -> anyhow::Result<PathBuf> {
    std::env::current_exe().context("cannot find the own program")
}

/// Below the ports that the kernel gives to clients, so that none of the load's connections can sit on one.
const PORTS: Range<u16> = 21_000..32_000;

/// Gives ports that are free now, each once, so that an instance may give its own up and take it again.
#[derive(Debug)]
pub(crate) struct Ports {
    next: u16,
}

impl Ports {
    pub(crate) fn new() -> Self {
        // Several demos at once begin at different places, also if their process ids are neighbours.
        let offset = std::process::id().wrapping_mul(101) % u32::from(PORTS.end - PORTS.start);
        Self { next: PORTS.start + u16::try_from(offset).unwrap_or(0) }
    }

    pub(crate) fn take(&mut self) -> anyhow::Result<SocketAddr> {
        for _ in PORTS {
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.next));
            self.next = if self.next + 1 < PORTS.end { self.next + 1 } else { PORTS.start };
            if TcpListener::bind(address).is_ok() {
                return Ok(address);
            }
        }
        anyhow::bail!("no free port from {} to {}", PORTS.start, PORTS.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_given_once_and_only_if_it_is_free() {
        let mut ports = Ports::new();
        let first = ports.take().unwrap();
        let taken = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, ports.next)));
        let second = ports.take().unwrap();
        assert_ne!(first, second);
        if let Ok(taken) = taken {
            assert_ne!(second, taken.local_addr().unwrap());
        }
        assert!(PORTS.contains(&first.port()) && PORTS.contains(&second.port()));
    }
}
