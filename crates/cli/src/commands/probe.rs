//! `segue probe`: an honest load on a URL, and the fate of every request.

mod live;
mod summary;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::ValueEnum;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use segue_probe::{Connections, Expect, Load, Protocol, Report, Shape, Target, Trust};

use crate::duration;
use crate::output::{self, outln};

/// Send an honest load: by schedule, each request once, and every one's fate is told
///
/// Exits 1 if anything was dropped, and if the run is invalid because the probe itself was late or short of
/// connections. A drop is a request that was refused, reset, closed without an answer, timed out, truncated,
/// answered by a status from 500 on or by a wrong body; nothing is ever sent a second time.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "they are flags of a command line")]
pub(crate) struct Args {
    /// Where to send: http://, https://, ws:// or wss://
    url: Target,
    /// Requests (or messages) per second
    #[arg(long, value_name = "N", value_parser = rate)]
    rate: f64,
    /// How long to send; what is in flight then is waited for
    #[arg(long, value_name = "D", value_parser = duration::parse)]
    duration: Duration,
    /// Method [default: GET, with a body POST]
    #[arg(long, value_name = "M")]
    method: Option<Method>,
    /// A header, as `name: value`; may be given again
    #[arg(long = "header", short = 'H', value_name = "H", value_parser = header)]
    headers: Vec<(HeaderName, HeaderValue)>,
    /// Bytes of body; k and M are understood
    #[arg(long, value_name = "N", value_parser = size)]
    body_size: Option<usize>,
    /// What the answer's body must be: `echo` (what was sent), or a text that it contains
    #[arg(long, value_name = "TEXT")]
    expect: Option<String>,
    /// Send each request's number in the header segue-request, for a server that looks for repetitions
    #[arg(long)]
    numbered: bool,
    /// Speak HTTP/2 (without TLS by prior knowledge)
    #[arg(long, conflicts_with = "websocket")]
    http2: bool,
    /// Send messages over WebSockets that the server echoes
    #[arg(long)]
    websocket: bool,
    /// Take that long over each request: a body is uploaded over it, without one the answer is read after it
    #[arg(long, value_name = "D", value_parser = duration::parse, default_value = "0s")]
    think: Duration,
    /// On what connections
    #[arg(long, value_enum, default_value_t = Keeping::Kept)]
    connections: Keeping,
    /// How many kept connections (or WebSockets) to hold at the least and take in turn
    #[arg(long, value_name = "N", default_value_t = POOL)]
    pool: usize,
    /// How long a request may take from being sent to the end of its answer
    #[arg(long, value_name = "D", value_parser = duration::parse, default_value = "30s")]
    timeout: Duration,
    /// How long a connection may take to open
    #[arg(long, value_name = "D", value_parser = duration::parse, default_value = "5s")]
    connect_timeout: Duration,
    /// The answer's header that says which version answered
    #[arg(long, value_name = "NAME", default_value = "segue-version")]
    version_header: HeaderName,
    /// Trust the certificates of this PEM file instead of the system's
    #[arg(long, value_name = "FILE", conflicts_with = "insecure")]
    ca: Option<PathBuf>,
    /// Trust any certificate
    #[arg(long)]
    insecure: bool,
    /// How many requests may wait for their answers at once; more are not sent, and the run is invalid
    #[arg(long, value_name = "N", default_value_t = 20_000)]
    max_in_flight: usize,
    /// Sending threads; one is enough for tens of thousands of requests per second
    #[arg(long, value_name = "N", default_value_t = 1)]
    threads: usize,
    /// Write a picture of the run: requests by version, drops, latency
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
    /// Write every request's planned and actual time, end and fate, as CSV
    #[arg(long, value_name = "FILE")]
    records: Option<PathBuf>,
    /// How to print the result
    #[arg(long, short, value_enum, default_value_t = Format::Text)]
    output: Format,
}

/// Kept connections where nothing else is said.
const POOL: usize = 10;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Keeping {
    /// Kept open and used again
    Kept,
    /// A new one for every request
    Fresh,
    /// By turns one and the other
    Mixed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

pub(crate) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let (plot, records, format) = (args.plot.clone(), args.records.clone(), args.output);
    // Before the load and not after it: a minute's run must not be lost to a wrong path.
    for file in [&plot, &records].into_iter().flatten() {
        std::fs::write(file, "").with_context(|| format!("{} can't be written", file.display()))?;
    }
    let (load, title) = load(args)?;
    let report = live::run(load)?;
    if let Some(file) = plot {
        let svg = segue_probe::plot::svg(&report, &title);
        std::fs::write(&file, svg).with_context(|| format!("{} can't be written", file.display()))?;
    }
    if let Some(file) = records {
        std::fs::write(&file, report.csv())
            .with_context(|| format!("{} can't be written", file.display()))?;
    }
    print(&report, format)?;
    Ok(if report.passed() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn print(report: &Report, format: Format) -> anyhow::Result<()> {
    match format {
        Format::Json => outln!("{}", serde_json::to_string(&report.json())?)?,
        Format::Text => output::write(summary::text(report).as_bytes())?,
    }
    Ok(())
}

/// A flag that would change nothing is a mistake, and the run would not be the one that was meant.
fn refuse_what_has_no_effect(args: &Args) -> anyhow::Result<()> {
    if args.websocket && (args.method.is_some() || args.expect.is_some()) {
        bail!(
            "a WebSocket begins with GET and its messages are echoed: --method and --expect have no place there"
        );
    }
    if args.websocket && (args.numbered || !args.think.is_zero()) {
        bail!(
            "messages on a WebSocket have no headers and are sent at once: --numbered and --think have no place there"
        );
    }
    if !args.url.tls && (args.ca.is_some() || args.insecure) {
        bail!(
            "without TLS there is no certificate to trust: --ca and --insecure are for https:// and wss://"
        );
    }
    if args.connections == Keeping::Fresh && args.pool != POOL {
        bail!("with --connections fresh none is kept: --pool has no place there");
    }
    Ok(())
}

/// The load that was asked for, and what the picture of it is called.
fn load(args: Args) -> anyhow::Result<(Load, String)> {
    refuse_what_has_no_effect(&args)?;
    let protocol = match (args.http2, args.websocket) {
        (true, _) => Protocol::Http2,
        (_, true) => Protocol::WebSocket,
        _ => Protocol::Http1,
    };
    let connections = match args.connections {
        Keeping::Kept => Connections::Kept,
        Keeping::Fresh => Connections::Fresh,
        Keeping::Mixed => Connections::Mixed,
    };
    let body_size = args.body_size.unwrap_or(if protocol == Protocol::WebSocket { 64 } else { 0 });
    let usual = if body_size > 0 { Method::POST } else { Method::GET };
    let method = args.method.unwrap_or(usual);
    let name = match protocol {
        Protocol::WebSocket => "WebSocket".to_owned(),
        _ => method.to_string(),
    };
    let title = format!("{name} {}{} at {} per second", args.url.authority, args.url.path, args.rate);
    let mut headers = HeaderMap::new();
    for (name, value) in args.headers {
        headers.append(name, value);
    }
    let shape = Shape {
        method,
        headers,
        body_size,
        protocol,
        connections,
        pool: args.pool,
        think: args.think,
        numbered: args.numbered,
        expect: match args.expect {
            None => Expect::Length,
            Some(text) if text == "echo" => Expect::Echo,
            Some(text) => Expect::Contains(text),
        },
        ..Shape::new(name, args.rate)
    };
    let load = Load {
        shapes: vec![shape],
        connect_timeout: args.connect_timeout,
        timeout: args.timeout,
        version_header: args.version_header,
        max_in_flight: args.max_in_flight,
        threads: args.threads,
        trust: match (args.ca, args.insecure) {
            (Some(file), _) => Trust::File(file),
            (None, true) => Trust::Anyone,
            (None, false) => Trust::System,
        },
        keep_records: args.records.is_some(),
        ..Load::new(args.url, args.duration)
    };
    Ok((load, title))
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if rate > 0.0 && rate <= 1_000_000.0 => Ok(rate),
        _ => Err(format!("`{text}` is no rate: write requests per second, more than 0 and at most 1000000")),
    }
}

fn size(text: &str) -> Result<usize, String> {
    let wrong =
        || format!("`{text}` is no size: write a number of bytes, or one with k or M, as in 500, 64k or 2M");
    let (number, unit) = match text.strip_suffix(['k', 'M']) {
        Some(number) => (number, if text.ends_with('k') { 1 << 10 } else { 1 << 20 }),
        None => (text, 1),
    };
    let number: usize = number.parse().map_err(|_| wrong())?;
    number.checked_mul(unit).filter(|bytes| *bytes <= 1 << 30).ok_or_else(wrong)
}

fn header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let wrong = |reason: &str| format!("`{text}` is no header ({reason}): write it as `name: value`");
    let (name, value) = text.split_once(':').ok_or_else(|| wrong("it has no colon"))?;
    let name = name.trim().parse().map_err(|_| wrong("its name has characters that none may have"))?;
    let value = value.trim().parse().map_err(|_| wrong("its value has characters that none may have"))?;
    Ok((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_understood_in_bytes_k_and_m() {
        assert_eq!((size("500"), size("64k"), size("2M")), (Ok(500), Ok(65_536), Ok(2 << 20)));
        for wrong in ["", "k", "1.5k", "-1", "9G", "99999999999999999999M", "1025M"] {
            assert!(size(wrong).unwrap_err().contains("64k or 2M"), "{wrong}");
        }
    }

    #[test]
    fn a_rate_of_nothing_is_refused() {
        assert_eq!(rate("0.5"), Ok(0.5));
        for wrong in ["0", "-1", "NaN", "inf", "fast", "1000001"] {
            assert!(rate(wrong).unwrap_err().contains("more than 0"), "{wrong}");
        }
    }

    #[test]
    fn a_header_is_a_name_and_a_value() {
        assert_eq!(header("X-A: b: c").unwrap(), ("x-a".parse().unwrap(), HeaderValue::from_static("b: c")));
        for wrong in ["x", "a b: c", "a: \u{1}"] {
            assert!(header(wrong).unwrap_err().contains("name: value"), "{wrong}");
        }
    }
}
