//! The agent's binary: static, small, and built apart from the rest, so that no other crate's features or flags reach it.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};

use crate::folders;

/// Builds `segue-agent`; returns where it is. What cargo says goes to stderr.
pub fn build() -> anyhow::Result<PathBuf> {
    let triple = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let target = folders::target().join("agent");
    // A target is named so that the flags reach only the agent, not the build scripts on the way to it.
    let status = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--quiet", "--locked", "--package", "segue-agent", "--profile", "agent"])
        .args(["--target", &triple, "--target-dir"])
        .arg(&target)
        .env("RUSTFLAGS", "-C target-feature=+crt-static")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .current_dir(folders::workspace())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .context("cannot run cargo")?;
    ensure!(status.success(), "the agent does not build: `cargo build` ended with {status}");
    Ok(target.join(triple).join("agent/segue-agent"))
}
