//! Network namespaces of the cluster's machines and pods, entered by a thread of our own.

use std::fs::{self, File};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::JoinHandle;

use anyhow::{Context, ensure};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::wait;

/// A network namespace, held open.
#[derive(Debug)]
pub struct Network(File);

impl Network {
    /// The one in which `command` (made by the cluster for a program of ours) would run.
    pub fn of(mut command: Command) -> anyhow::Result<Self> {
        // It waits for its input to end, and that is ours.
        let mut holder = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?;
        let network = format!("/proc/{}/ns/net", holder.id());
        let own = fs::read_link("/proc/self/ns/net")?;
        let mut entered = || {
            let there = fs::read_link(&network).map_err(|error| error.to_string())?;
            if there == own { Err("it has not entered yet".to_owned()) } else { Ok(()) }
        };
        wait::until("a program has entered its network", wait::LONG, &mut entered);
        let file = File::open(Path::new(&network)).context("the network went away");
        drop(holder.stdin.take());
        let status = holder.wait()?;
        ensure!(status.success(), "a program in another network ended with {status}");
        Ok(Self(file?))
    }

    /// Runs `work` in a thread that is in this network.
    pub fn run<T: Send + 'static>(
        &self,
        name: &str,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> anyhow::Result<JoinHandle<anyhow::Result<T>>> {
        let file = self.0.try_clone()?;
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network))
                .context("cannot enter a network namespace")?;
            Ok(work())
        })?;
        Ok(thread)
    }
}
