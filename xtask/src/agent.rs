//! `cargo xtask agent` and `cargo xtask image`: the agent as it goes into pods.

use std::path::Path;

pub(crate) fn run() -> anyhow::Result<()> {
    let binary = segue_cluster::agent::build()?;
    println!("{} ({})", binary.display(), size(&binary)?);
    Ok(())
}

pub(crate) fn image(out: &Path) -> anyhow::Result<()> {
    segue_cluster::images::write_agent(out)?;
    println!("{}: {} ({})", out.display(), segue_cluster::images::AGENT, size(out)?);
    Ok(())
}

fn size(path: &Path) -> anyhow::Result<String> {
    let kibibytes = std::fs::metadata(path)?.len().div_ceil(1024);
    Ok(format!("{}.{:02} MiB", kibibytes / 1024, kibibytes % 1024 * 100 / 1024))
}
