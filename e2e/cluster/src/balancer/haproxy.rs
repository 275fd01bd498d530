//! The data plane: HAProxy, and its runtime interface, by which targets come and go without a reload.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail, ensure};

use super::options::{BalancerOptions, HealthCheck, Mode};
use crate::{Machine, wait};

/// The part of HAProxy's configuration that has the targets.
const BACKEND: &str = "targets";

/// HAProxy on its machine.
#[derive(Debug)]
pub(super) struct Haproxy {
    machine: Machine,
    remote: Remote,
}

/// The runtime interface.
#[derive(Debug, Clone)]
pub(super) struct Remote {
    socket: PathBuf,
    health: HealthCheck,
    idle: Duration,
}

/// One target, as HAProxy sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Where it is.
    pub address: SocketAddrV4,
    /// HAProxy's own word: `UP`, `DOWN`, `DRAIN`, `MAINT`, with how many checks it has passed on its way.
    pub state: String,
    /// Requests (or connections) that it carries now.
    pub sessions: u64,
    /// Connections to it that are kept open without a request.
    pub idle: u64,
    /// Requests (or connections) that it was given since it became a target.
    pub taken: u64,
}

impl Target {
    /// Whether it gets new requests.
    pub fn serves(&self) -> bool {
        self.state.starts_with("UP")
    }
}

impl Haproxy {
    pub(super) fn start(
        machine: Machine,
        listen: SocketAddrV4,
        options: &BalancerOptions,
    ) -> anyhow::Result<Self> {
        let config = machine.folder().join("haproxy.cfg");
        fs::write(&config, configuration(listen, options))?;
        machine.daemon(Path::new("haproxy"), ["-db".as_ref(), "-f".as_ref(), config.as_os_str()])?;
        // The socket is in the machine's own /run: here it is reached through its first process.
        let socket = PathBuf::from(format!("/proc/{}/root/run/haproxy.sock", machine.init().pid));
        let remote = Remote { socket, health: options.health.clone(), idle: options.idle };
        wait::until(&format!("{} answers", machine.name()), wait::LONG, || {
            machine.check()?;
            remote.ask("show info")
        })?;
        Ok(Self { machine, remote })
    }

    pub(super) fn machine(&self) -> &Machine {
        &self.machine
    }

    pub(super) fn remote(&self) -> Remote {
        self.remote.clone()
    }
}

impl Remote {
    /// Makes it a target, or one again. Real ones begin as not well; HAProxy's begin as well unless told otherwise.
    pub(super) fn admit(&self, target: SocketAddrV4) -> anyhow::Result<()> {
        let name = format!("{BACKEND}/{}", server(target));
        if self.targets()?.iter().any(|known| known.address == target) {
            return self.expect(&format!("set server {name} state ready"), "");
        }
        let HealthCheck { port, interval, rise, fall, .. } = &self.health;
        let port = port.map_or_else(String::new, |port| format!(" port {port}"));
        let checks = format!("check inter {}ms rise {rise} fall {fall}{port}", interval.as_millis());
        // HAProxy begins to close idle connections after 5 s unless it is told otherwise.
        let kept = format!("pool-max-conn 1000 pool-purge-delay {}ms", self.idle.as_millis());
        self.expect(&format!("add server {name} {target} {checks} {kept}"), "New server registered.")?;
        self.expect(&format!("set server {name} health down"), "")?;
        self.expect(&format!("enable health {name}"), "")?;
        self.expect(&format!("enable server {name}"), "")
    }

    /// Nothing new goes to it; what is open stays open.
    pub(super) fn drain(&self, target: SocketAddrV4) -> anyhow::Result<()> {
        self.expect(&format!("set server {BACKEND}/{} state drain", server(target)), "")
    }

    /// Closes what is open and forgets it. False while something of it is still closing.
    pub(super) fn remove(&self, target: SocketAddrV4) -> anyhow::Result<bool> {
        let name = format!("{BACKEND}/{}", server(target));
        self.expect(&format!("set server {name} state maint"), "")?;
        self.expect(&format!("shutdown sessions server {name}"), "")?;
        Ok(self.ask(&format!("del server {name}"))?.contains("Server deleted."))
    }

    pub(super) fn targets(&self) -> anyhow::Result<Vec<Target>> {
        let table = self.ask("show stat")?;
        let mut lines = table.lines();
        let names: Vec<&str> =
            lines.next().context("no table")?.trim_start_matches("# ").split(',').collect();
        let targets = lines.filter_map(|line| {
            let values: Vec<&str> = line.split(',').collect();
            let field = |name: &str| {
                let place = names.iter().position(|one| *one == name)?;
                values.get(place).copied()
            };
            let number = |name: &str| field(name).and_then(|value| value.parse().ok()).unwrap_or(0);
            // The backend's own line has no address.
            let address = field("addr")?.parse().ok()?;
            (field("pxname") == Some(BACKEND)).then(|| Target {
                address,
                state: field("status").unwrap_or_default().to_owned(),
                sessions: number("scur"),
                idle: number("srv_icur"),
                taken: number("stot"),
            })
        });
        Ok(targets.collect())
    }

    fn expect(&self, command: &str, answer: &str) -> anyhow::Result<()> {
        let said = self.ask(command)?;
        ensure!(said.trim() == answer, "HAProxy answered `{command}`: {}", said.trim());
        Ok(())
    }

    fn ask(&self, command: &str) -> anyhow::Result<String> {
        let mut stream = UnixStream::connect(&self.socket)
            .with_context(|| format!("cannot reach HAProxy at {}", self.socket.display()))?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        stream.write_all(format!("{command}\n").as_bytes())?;
        let mut said = String::new();
        stream.read_to_string(&mut said)?;
        if said.starts_with("Unknown command") {
            bail!("HAProxy does not know `{command}`: 2.6 or newer is needed");
        }
        Ok(said)
    }
}

fn configuration(listen: SocketAddrV4, options: &BalancerOptions) -> String {
    let BalancerOptions { mode, idle, health, .. } = options;
    let idle = idle.as_millis();
    // Nothing is tried twice: a load balancer that hid a refused connection would hide a drop.
    let mode = match mode {
        // A request that upgrades, or a long stream, is ended by nobody but its two sides.
        Mode::Http => {
            "mode http\n    http-reuse always\n    timeout http-keep-alive 60s\n    timeout tunnel 1h"
        }
        Mode::Tcp => "mode tcp",
    };
    format!(
        "global\n    stats socket /run/haproxy.sock mode 600 level admin\n    maxconn 8000\n\
         defaults\n    {mode}\n    retries 0\n    timeout connect 10s\n    timeout client {idle}ms\n    \
         timeout server {idle}ms\n    timeout check 5s\n\
         frontend clients\n    bind {listen}\n    default_backend {BACKEND}\n\
         backend {BACKEND}\n    balance roundrobin\n    option httpchk\n    \
         http-check send meth GET uri {} ver HTTP/1.1 hdr Host stand-in hdr User-Agent ELB-HealthChecker/2.0 \
         hdr Connection close\n    http-check expect status 200\n",
        health.path
    )
}

/// A target's name in HAProxy.
fn server(address: SocketAddrV4) -> String {
    format!("{}-{}", Ipv4Addr::to_string(address.ip()).replace('.', "-"), address.port())
}
