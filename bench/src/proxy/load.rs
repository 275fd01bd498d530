//! The load: wrk on processor 1, and connections that just stay open.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde::Serialize;

use super::contender::Process;
use crate::clock;

/// What wrk saw.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Ran {
    pub(crate) requests: u64,
    pub(crate) rate: f64,
    pub(crate) p50_us: u64,
    pub(crate) p99_us: u64,
}

pub(crate) fn run(port: u16, size: usize, connections: usize, seconds: u64) -> anyhow::Result<Ran> {
    let output = Command::new("taskset")
        .args(["-c", "1", "wrk", "-t1", "--latency"])
        .args([
            format!("-c{connections}"),
            format!("-d{seconds}s"),
            format!("http://127.0.0.1:{port}/{size}"),
        ])
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "wrk: {}", String::from_utf8_lossy(&output.stderr));
    ensure!(!text.contains("Non-2xx") && !text.contains("Socket errors"), "not all was answered:\n{text}");
    parse(&text).with_context(|| format!("wrk said:\n{text}"))
}

fn parse(text: &str) -> Option<Ran> {
    let after = |word: &str| {
        text.lines()
            .find_map(|line| line.trim().strip_prefix(word))
            .and_then(|rest| rest.split_whitespace().next())
    };
    let requests = text.lines().find_map(|line| line.trim().split_once(" requests in "))?.0;
    Some(Ran {
        requests: requests.parse().ok()?,
        rate: after("Requests/sec:")?.parse().ok()?,
        p50_us: microseconds(after("50%")?)?,
        p99_us: microseconds(after("99%")?)?,
    })
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "times of a run")]
fn microseconds(text: &str) -> Option<u64> {
    let unit = text.find(|letter: char| letter.is_ascii_alphabetic())?;
    let scale = match &text[unit..] {
        "us" => 1.0,
        "ms" => 1e3,
        "s" => 1e6,
        _ => return None,
    };
    Some((text[..unit].parse::<f64>().ok()? * scale) as u64)
}

/// Resident bytes that one more idle client connection costs, after one request on each.
pub(crate) fn idle_memory(process: &Process, count: usize) -> anyhow::Result<u64> {
    let mut open = Vec::with_capacity(count);
    for _ in 0..16 {
        open.push(idle(process.port)?);
    }
    let before = process.memory()?;
    for number in 0..count {
        open.push(idle(process.port)?);
        // Clients come and rest; were all active at once, the peak of what they need then would be measured.
        if number % 10 == 9 {
            clock::sleep(Duration::from_millis(10));
        }
    }
    // What is given back only after a while may be given back.
    clock::sleep(Duration::from_secs(3));
    let after = process.memory()?;
    Ok(after.saturating_sub(before) / count as u64)
}

/// A connection on which one request was answered, and that stays open.
pub(crate) fn idle(port: u16) -> anyhow::Result<TcpStream> {
    idle_at((Ipv4Addr::LOCALHOST, port).into())
}

/// The same at another address.
pub(crate) fn idle_at(address: SocketAddr) -> anyhow::Result<TcpStream> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    stream.write_all(b"GET /1024 HTTP/1.1\r\nhost: bench\r\n\r\n")?;
    let (mut answer, mut read) = ([0; 4096], 0);
    while read < 1024 {
        let more = stream.read(&mut answer[read..])?;
        ensure!(more > 0, "closed after {read} bytes");
        read += more;
    }
    Ok(stream)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_wrk_says_is_read() {
        let text = "  Latency Distribution\n     50%    1.52ms\n     75%    2ms\n     99%  812.00us\n  \
                    123456 requests in 5.00s, 150MB read\nRequests/sec:  24691.2\n";
        let ran = parse(text).unwrap();
        assert_eq!((ran.requests, ran.p50_us, ran.p99_us), (123_456, 1520, 812));
    }
}
