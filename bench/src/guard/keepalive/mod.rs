//! Clients as a load balancer's, which keep their connections for longer than the application does: what is lost when a
//! request crosses the application's close, with the guard and without.
//!
//! Each client sends a POST just about when the application closes for being idle, as an ALB (60 s) does before Node (5 s)
//! or gunicorn (2 s). It looks for the end before it sends, and comes again where it sees one: what is lost crossed
//! the close. Nothing is sent twice.

mod client;

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::Context as _;
use serde::Serialize;

use super::front::{Front, TestBed};
use super::{allow_descriptors, namespace};
use crate::proxy::contender::{Process, free_port};
use client::Counted;

/// What to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Kept client connections
    #[arg(long, default_value_t = 300)]
    connections: usize,
    /// Requests of each connection
    #[arg(long, default_value_t = 15)]
    requests: u32,
    /// How far from the application's own time requests are sent, in milliseconds either way
    #[arg(long, default_value_t = 8)]
    around: u32,
    /// In front of these
    #[arg(long, value_delimiter = ',', default_value = "node,gunicorn")]
    servers: Vec<Server>,
    /// Measure right here: others' sockets are seen by the agent too
    #[arg(long)]
    here: bool,
    /// Machine-readable result on stdout
    #[arg(short, value_parser = ["text", "json"], default_value = "text")]
    output: String,
}

/// A server as it is used, with its own time for idle connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
enum Server {
    /// Node's `http` module as it comes.
    Node,
    /// gunicorn with threads and its own `--keep-alive` of 2 s.
    Gunicorn,
}

impl Server {
    const fn name(self) -> &'static str {
        match self {
            Self::Node => "Node",
            Self::Gunicorn => "gunicorn",
        }
    }

    fn start(self, folder: &std::path::Path, connections: usize) -> anyhow::Result<Process> {
        let port = free_port()?;
        let mut command = match self {
            Self::Node => {
                let mut command = std::process::Command::new("node");
                command.args(["-e", include_str!("../../../rivals/keepalive.js"), &port.to_string()]);
                command
            }
            Self::Gunicorn => {
                std::fs::write(folder.join("keepalive.py"), include_str!("../../../rivals/keepalive.py"))?;
                let mut command = std::process::Command::new("gunicorn");
                command.args([
                    "-k",
                    "gthread",
                    "--threads",
                    "4",
                    "--keep-alive",
                    "2",
                    "--log-level",
                    "error",
                ]);
                command.args(["--worker-connections", &(connections * 2).to_string()]);
                command.arg("--chdir").arg(folder).args(["-b", &format!("127.0.0.1:{port}")]);
                command.arg("keepalive:application");
                command
            }
        };
        command.stderr(std::process::Stdio::null());
        Process::start(command, port).with_context(|| format!("starting {}", self.name()))
    }
}

/// What was seen of one server through one front.
#[derive(Debug, Serialize)]
struct Row {
    server: Server,
    /// After how long it closes an idle connection, as seen from a client.
    closes_after_ms: u128,
    front: Front,
    #[serde(flatten)]
    counted: Counted,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    if !args.here && namespace::is_possible() {
        // What comes by the network is fetched while there is one.
        super::front::prepare(&[Front::Guard])?;
        return namespace::again();
    }
    let connections = u32::try_from(args.connections * 2)?;
    allow_descriptors(4 * u64::from(connections) + 200)?;
    let folder = tempfile::tempdir()?;
    let bed = TestBed::new(folder.path(), &[Front::Guard], connections)?;
    let mut rows = Vec::new();
    for server in &args.servers {
        let application = server.start(folder.path(), args.connections)?;
        let guard = bed.start(Front::Guard, application.port)?.context("the guard is a process")?;
        let closes_after =
            client::closes_after(application.port).context("an idle connection is not closed")?;
        for (front, port) in [(Front::Nothing, application.port), (Front::Guard, guard.port)] {
            let about = (closes_after, Duration::from_millis(args.around.into()));
            let counted = client::run(port, args.connections, args.requests, about)
                .with_context(|| format!("{} through {}", server.name(), front.name()))?;
            eprintln!("{} through {}: {counted:?}", server.name(), front.name());
            let closes_after_ms = closes_after.as_millis();
            rows.push(Row { server: *server, closes_after_ms, front, counted });
        }
    }
    if args.output == "json" {
        println!("{}", serde_json::to_string_pretty(&rows)?);
    } else {
        print!("{}", markdown(&rows));
    }
    Ok(())
}

fn markdown(rows: &[Row]) -> String {
    let mut text = String::from(
        "| server | closes after | in front | POSTs | lost | client connections |\n| --- | --- | --- | --- | --- | --- |\n",
    );
    for Row { server, closes_after_ms, front, counted } in rows {
        let Counted { requests, lost, connections } = counted;
        let (server, front) = (server.name(), front.name());
        // Writing to a String never fails.
        let _ = writeln!(
            text,
            "| {server} | {closes_after_ms} ms | {front} | {requests} | {lost} | {connections} |"
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_a_line_for_each_server_and_front() {
        let counted = Counted { requests: 100, lost: 3, connections: 7 };
        let row =
            |front| Row { server: Server::Node, closes_after_ms: 5001, front, counted: counted.clone() };
        let text = markdown(&[row(Front::Nothing), row(Front::Guard)]);
        assert!(text.ends_with(
            "| Node | 5001 ms | nothing | 100 | 3 | 7 |\n| Node | 5001 ms | Segue's guard | 100 | 3 | 7 |\n"
        ));
    }
}
