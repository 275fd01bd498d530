//! What it costs to be there: memory with connections that rest, and the time to be ready.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde::Serialize;

use super::front::{Front, TestBed};
use crate::proxy::load::idle;
use crate::{clock, spread::Spread};

/// Resident bytes, as the kernel counts them for the process; its sockets are not in them.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Memory {
    pub(super) front: Front,
    /// Before the first client.
    pub(super) alone: u64,
    /// With all clients' connections at rest.
    pub(super) with_connections: u64,
    pub(super) connections: usize,
    /// Connections to the application meanwhile.
    pub(super) upstream: usize,
}

/// In a fresh process: what load has left behind in an allocator is not what a connection at rest needs.
pub(super) fn memory(bed: &TestBed, front: Front, connections: usize) -> anyhow::Result<Option<Memory>> {
    let application = bed.application()?;
    let Some(process) = bed.start(front, application.port)? else { return Ok(None) };
    clock::sleep(Duration::from_secs(1));
    let (alone, before) = (process.memory()?, process.descriptors()?);
    let mut open = Vec::with_capacity(connections);
    for number in 0..connections {
        open.push(idle(process.port).with_context(|| format!("connection {number} of {connections}"))?);
        // Clients come and rest; were all active at once, the peak of what they need then would be measured.
        if number % 10 == 9 {
            clock::sleep(Duration::from_millis(10));
        }
    }
    // What is given back only after a while may be given back.
    clock::sleep(Duration::from_secs(3));
    let upstream = process.descriptors()?.saturating_sub(before + connections);
    Ok(Some(Memory { front, alone, with_connections: process.memory()?, connections, upstream }))
}

/// From the start of the agent's process to its first 200 on `/ready`, in milliseconds.
pub(super) fn ready(bed: &TestBed, starts: usize) -> anyhow::Result<Spread> {
    let application = bed.application()?;
    let mut times = Vec::new();
    for _ in 0..starts {
        let (mut command, control) = bed.agent_command(application.port)?;
        let began = clock::now();
        let mut agent = command.spawn().context("starting the agent")?;
        let ready = loop {
            if is_ready(control) {
                break Ok(clock::now() - began);
            }
            if let Some(status) = agent.try_wait()? {
                break Err(anyhow::anyhow!("the agent ended at once: {status}"));
            }
            if clock::now() - began > Duration::from_secs(10) {
                break Err(anyhow::anyhow!("the agent was not ready within 10 s"));
            }
            clock::sleep(Duration::from_micros(200));
        };
        // It may have ended by itself.
        let _ = agent.kill();
        agent.wait()?;
        times.push(ready?.as_secs_f64() * 1000.0);
    }
    ensure!(!times.is_empty(), "without a start there is nothing to measure: at least 1 is needed");
    Ok(Spread::of(&mut times))
}

fn is_ready(control: u16) -> bool {
    let ask = || {
        let mut stream = TcpStream::connect(("127.0.0.1", control))?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        stream.write_all(b"GET /ready HTTP/1.1\r\nhost: bench\r\nconnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        std::io::Result::Ok(answer.starts_with("HTTP/1.1 200 "))
    };
    ask().unwrap_or(false)
}
