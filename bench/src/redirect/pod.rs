//! A pod: a network namespace with the application and the agent in it, and a way to the guard.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, ensure};
use serde::Serialize;

use crate::guard::{ANSWER, plan};
use crate::proxy::contender::Process;
use crate::proxy::load::idle_at;

const APPLICATION: u16 = 8080;
const GUARD: u16 = 15080;
const REDIRECTED: u16 = 15180;
const CONTROL: u16 = 15079;

/// How clients come to the guard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Way {
    /// They are sent to its own number.
    Sent,
    /// They are led there by `segue-agent redirect`.
    Redirect,
    /// They are led there by a rule of nf_tables' NAT, which remembers each connection.
    Nat,
}

impl Way {
    pub(super) const ALL: [Self; 3] = [Self::Sent, Self::Redirect, Self::Nat];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Sent => "sent to the guard",
            Self::Redirect => "led by the redirect",
            Self::Nat => "led by a NAT rule",
        }
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Redirect => "redirect",
            Self::Nat => "nat",
        }
    }

    fn number(self) -> u8 {
        match self {
            Self::Sent => 1,
            Self::Redirect => 2,
            Self::Nat => 3,
        }
    }
}

/// A pod. It goes with this value.
pub(super) struct Pod {
    /// What is measured.
    pub(super) agent: Process,
    /// Where clients come to.
    pub(super) entry: SocketAddr,
    _application: Process,
    network: Network,
}

impl Pod {
    pub(super) fn new(way: Way, folder: &Path, agent: &Path, connections: u32) -> anyhow::Result<Self> {
        let network = Network::new(way.number())?;
        let address = network.address;
        let configuration = include_str!("../../rivals/backend.conf")
            .replace("{PORT}", &APPLICATION.to_string())
            .replace("{CONNECTIONS}", &(connections + 50).to_string())
            .replace("{BODY}", &"x".repeat(ANSWER))
            .replace("{DIRECTORY}", &folder.to_string_lossy());
        for below in ["shared", "state"] {
            fs::create_dir_all(folder.join(below))?;
        }
        let file = folder.join("backend.conf");
        fs::write(&file, configuration)?;
        let mut nginx = network.command(1);
        nginx.arg("nginx").arg("-c").arg(file).arg("-e").arg(folder.join("backend.error"));
        let there = folder.join("backend.pid");
        let application = Process::start_until(nginx, APPLICATION, || there.exists())?;

        let mut plan = plan::plan(APPLICATION, GUARD, CONTROL, connections);
        let entry = match way {
            Way::Sent => GUARD,
            Way::Redirect => {
                plan.ports[0].redirect = plan.ports[0].guard.take().map(|_| REDIRECTED);
                plan.schema = plan.first_schema();
                let redirect = format!("{APPLICATION}:{REDIRECTED}");
                succeed(network.command(0).arg(agent).args(["redirect", &redirect]))?;
                APPLICATION
            }
            Way::Nat => {
                network.rules(&format!(
                    "table inet nat {{\n chain prerouting {{\n type nat hook prerouting priority dstnat;\n \
                     iif != lo tcp dport {APPLICATION} redirect to :{GUARD}\n }}\n}}\n"
                ))?;
                APPLICATION
            }
        };
        let mut run = network.command(0);
        run.arg(agent).arg("run").env("SEGUE_PLAN", serde_json::to_string(&plan)?);
        run.env("SEGUE_SHARED", folder.join("shared")).env("SEGUE_STATE", folder.join("state"));
        // Its log; that it started is seen by its answers.
        run.stderr(Stdio::null());
        let entry = SocketAddr::from((address, entry));
        let agent = Process::start_until(run, CONTROL, || idle_at(entry).is_ok())?;
        Ok(Self { agent, entry, _application: application, network })
    }

    /// Entries of the pod's own table of connections.
    pub(super) fn entries(&self) -> anyhow::Result<u64> {
        let mut cat = self.network.command(1);
        let output = cat.args(["cat", "/proc/sys/net/netfilter/nf_conntrack_count"]).output()?;
        // Where no rule wants it there is no table.
        Ok(String::from_utf8_lossy(&output.stdout).trim().parse().unwrap_or(0))
    }
}

/// A network namespace, with a way to the one of the clients.
struct Network {
    holder: Child,
    address: [u8; 4],
}

impl Network {
    fn new(number: u8) -> anyhow::Result<Self> {
        let script = "ip link set lo up && echo made && exec cat";
        let mut holder = Command::new("unshare")
            .args(["--net", "sh", "-c", script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut said = String::new();
        BufReader::new(holder.stdout.as_mut().context("a pipe")?).read_line(&mut said)?;
        ensure!(said == "made\n", "no network namespace could be made");
        let network = Self { address: [10, 9, number, 2], holder };
        let pid = network.holder.id().to_string();
        let (here, outside) = (format!("pod{number}"), format!("10.9.{number}.1/24"));
        let ip = |words: &[&str]| succeed(Command::new("ip").args(words));
        ip(&["link", "add", &here, "type", "veth", "peer", "name", "eth0", "netns", &pid])?;
        ip(&["addr", "add", &outside, "dev", &here])?;
        ip(&["link", "set", &here, "up"])?;
        let inside = format!("10.9.{number}.2/24");
        for words in [&["addr", "add", &inside, "dev", "eth0"][..], &["link", "set", "eth0", "up"]] {
            succeed(network.command(1).arg("ip").args(words))?;
        }
        Ok(network)
    }

    /// A command inside, that stays on one processor.
    fn command(&self, processor: u8) -> Command {
        let mut command = Command::new("nsenter");
        let path = std::env::var("PATH").unwrap_or_default();
        command.env("PATH", format!("{path}:/usr/sbin:/sbin"));
        command.args([
            "--net",
            "--target",
            &self.holder.id().to_string(),
            "taskset",
            "-c",
            &processor.to_string(),
        ]);
        command
    }

    fn rules(&self, rules: &str) -> anyhow::Result<()> {
        let mut nft = self.command(1).args(["nft", "-f", "-"]).stdin(Stdio::piped()).spawn()?;
        nft.stdin.take().context("a pipe")?.write_all(rules.as_bytes())?;
        ensure!(nft.wait()?.success(), "`nft` refused the rival's rule");
        Ok(())
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        // It ends with its input.
        drop(self.holder.stdin.take());
        let _ = self.holder.wait();
    }
}

fn succeed(command: &mut Command) -> anyhow::Result<()> {
    let output = command.output()?;
    ensure!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}
