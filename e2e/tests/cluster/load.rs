//! Load by `segue probe`, run wherever a command of the cluster runs: on a node, beside a pod, on a load balancer.

use std::process::{Child, Command, Stdio};

use anyhow::ensure;
use rustix::process::{Pid, Signal, kill_process};
use segue_cluster::{Machine, wait};
use serde_json::Value;

/// What the probe's ledger says.
#[derive(Debug)]
pub(crate) struct Told(pub(crate) Value);

impl Told {
    pub(crate) fn count(&self, key: &str) -> u64 {
        self.0[key].as_u64().unwrap_or_else(|| panic!("the probe said no {key}: {}", self.0))
    }

    /// Every request was answered as it should be, and there were some.
    #[track_caller]
    pub(crate) fn assert_whole(&self) {
        assert_eq!(self.count("dropped"), 0, "{:#}", self.0);
        assert_eq!(self.count("ok"), self.count("requests"), "{:#}", self.0);
        assert!(self.count("ok") > 0, "{:#}", self.0);
    }
}

/// Runs `segue probe` to its end in place of `command`'s program, which must be that of the `segue` binary.
#[track_caller]
pub(crate) fn probe(mut command: Command, url: &str, words: &[&str]) -> Told {
    let output = command
        .args(["probe", url, "-o", "json"])
        .args(words)
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("the probe cannot be run: {error}"));
    let said = String::from_utf8_lossy(&output.stdout);
    let told = serde_json::from_str(&said).unwrap_or_else(|error| {
        panic!("the probe said no JSON ({error}): {said}{}", String::from_utf8_lossy(&output.stderr))
    });
    Told(told)
}

/// A probe that runs until it is told to end.
pub(crate) struct Running(Option<Child>);

impl Running {
    /// Starts [`probe`] without a duration.
    #[track_caller]
    pub(crate) fn start(mut command: Command, url: &str, words: &[&str]) -> Self {
        command.args(["probe", url, "-o", "json", "--duration", "1h"]).args(words);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        Self(Some(command.spawn().unwrap_or_else(|error| panic!("the probe cannot be run: {error}"))))
    }

    /// Sends no more, and says what became of everything that was sent. It must not have ended by itself.
    #[track_caller]
    pub(crate) fn end(mut self) -> Told {
        let mut child = self.0.take().expect("it is ended once");
        assert_eq!(child.try_wait().unwrap(), None, "the probe ended by itself");
        kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
        let output = child.wait_with_output().unwrap();
        Told(serde_json::from_slice(&output.stdout).unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Waits until nothing that a machine sends there is dropped: pods that are ready are not joined yet.
#[track_caller]
pub(crate) fn until_reached(from: &Machine, url: &str) {
    wait::until(&format!("{url} is reached from {}", from.name()), wait::LONG, || {
        let told = probe(from.command(segue()), url, &["--rate", "20", "--duration", "500ms"]);
        ensure!(told.count("dropped") == 0, "{}", told.0);
        Ok(())
    })
    .unwrap();
}

/// The binary that [`probe`] wants as a command's program.
pub(crate) fn segue() -> &'static std::path::Path {
    segue_e2e::segue()
}
