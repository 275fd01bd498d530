//! A small HTTP program to upgrade: what `segue demo` and the end-to-end tests run as instances.
//!
//! It can behave as real programs do on SIGTERM: *polite* (finishes what it has taken) or *rude* (exits at once),
//! and it can fail in the ways that an upgrade must survive.

mod echo;
mod service;

use std::io::{self, Write};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::clock;
use service::{CRASHED, State};

/// The exit code that a shell gives a process that SIGTERM ended.
const TERMINATED: u8 = 128 + 15;

/// What an instance does at the end of its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShutdownBehaviour {
    /// Finishes what it has taken, then exits.
    Polite,
    /// Exits at once.
    Rude,
    /// Does not react to SIGTERM.
    Deaf,
}

/// How one instance behaves.
#[derive(Debug, Clone)]
pub struct Behaviour {
    /// Where it listens.
    pub address: SocketAddr,
    /// What it says that it is.
    pub version: String,
    /// What SIGTERM does.
    pub on_sigterm: ShutdownBehaviour,
    /// Time until it listens.
    pub start_delay: Duration,
    /// `/health` answers 500.
    pub fail_ready: bool,
    /// Exits before it listens.
    pub exit_at_once: bool,
    /// Exits that long after it began to listen.
    pub crash_after: Option<Duration>,
}

/// Serves until told to stop.
pub fn run(behaviour: &Behaviour) -> anyhow::Result<ExitCode> {
    if behaviour.exit_at_once {
        eprintln!("told to exit at once");
        return Ok(CRASHED.into());
    }
    // One thread, as most of the programs that Segue upgrades have, and so that a load has room beside it.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(serve(behaviour))
}

async fn serve(behaviour: &Behaviour) -> anyhow::Result<ExitCode> {
    let state = State::new(&behaviour.version, !behaviour.fail_ready);
    let mut failing = signal(SignalKind::user_defined1())?;
    // Without a handler SIGTERM ends the process where it stands, and that is what rude means. But the first process of
    // a container is not sent what it does not handle.
    let (mut terminate, mut interrupt) = match behaviour.on_sigterm {
        ShutdownBehaviour::Rude if std::process::id() != 1 => (None, None),
        _ => (Some(signal(SignalKind::terminate())?), Some(signal(SignalKind::interrupt())?)),
    };

    clock::sleep(behaviour.start_delay).await;
    let address = behaviour.address;
    let listener = TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))?;
    writeln!(io::stdout(), "version {} listens on {}", behaviour.version, listener.local_addr()?)?;

    let connections = GracefulShutdown::new();
    let crash = async {
        match behaviour.crash_after {
            Some(after) => clock::sleep(after).await,
            None => std::future::pending().await,
        }
    };
    tokio::pin!(crash);
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    // An answer is not to wait for the client's acknowledgement of the one before.
                    let _ = stream.set_nodelay(true);
                    serve_connection(stream, &state, &connections);
                }
                // Out of descriptors: connections that end give some back.
                Err(_) => clock::sleep(Duration::from_millis(10)).await,
            },
            () = told(&mut terminate) => match behaviour.on_sigterm {
                ShutdownBehaviour::Polite => break,
                ShutdownBehaviour::Rude => return Ok(TERMINATED.into()),
                ShutdownBehaviour::Deaf => eprintln!("does not react to SIGTERM"),
            },
            () = told(&mut interrupt) => break,
            _ = failing.recv() => state.fail_health(),
            () = &mut crash => {
                eprintln!("told to crash");
                return Ok(CRASHED.into());
            }
        }
    }

    drop(listener);
    state.drain();
    connections.shutdown().await;
    state.upgraded_ended().await;
    writeln!(io::stdout(), "version {} has finished", behaviour.version)?;
    Ok(ExitCode::SUCCESS)
}

/// Resolves when the signal comes; never, where it is not listened for.
async fn told(signal: &mut Option<tokio::signal::unix::Signal>) {
    match signal {
        Some(signal) => {
            signal.recv().await;
        }
        None => std::future::pending().await,
    }
}

fn serve_connection(stream: tokio::net::TcpStream, state: &Arc<State>, connections: &GracefulShutdown) {
    let state = Arc::clone(state);
    let watcher = connections.watcher();
    tokio::spawn(async move {
        let service = service_fn(move |request| service::answer(Arc::clone(&state), request));
        let server = auto::Builder::new(TokioExecutor::new());
        let connection = server.serve_connection_with_upgrades(TokioIo::new(stream), service);
        // A client that goes away is no matter to this program.
        let _ = watcher.watch(connection).await;
    });
}
