//! Load by `segue probe`, run wherever a command of the cluster runs: on a node, beside a pod, on a load balancer.

use std::process::{Command, Stdio};

use anyhow::ensure;
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
