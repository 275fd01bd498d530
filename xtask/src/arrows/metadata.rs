//! What cargo says of the workspace: its packages, what they depend on, and where the source of each target begins.

use std::path::PathBuf;

use anyhow::{Context, bail};
use serde::Deserialize;

use crate::command::cargo;

#[derive(Deserialize)]
pub(super) struct Metadata {
    pub(super) packages: Vec<Package>,
}

#[derive(Deserialize)]
pub(super) struct Package {
    pub(super) name: String,
    pub(super) dependencies: Vec<Dependency>,
    #[serde(default)]
    pub(super) targets: Vec<Target>,
}

#[derive(Deserialize)]
pub(super) struct Dependency {
    pub(super) name: String,
    pub(super) path: Option<String>,
}

/// A library, a program, or a program of tests: what rustc calls a crate.
#[derive(Deserialize)]
pub(super) struct Target {
    pub(super) src_path: PathBuf,
}

pub(super) fn ask() -> anyhow::Result<Metadata> {
    let output = cargo()
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .output()
        .context("cannot run `cargo metadata`")?;
    if !output.status.success() {
        bail!("`cargo metadata` failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    read(&output.stdout)
}

pub(super) fn read(metadata: &[u8]) -> anyhow::Result<Metadata> {
    serde_json::from_slice(metadata).context("cannot read `cargo metadata`")
}
