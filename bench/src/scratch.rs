//! A folder for one measurement, and how its report is printed.

use std::path::Path;

use serde::Serialize;

/// Measures with a folder of its own, which goes again whatever came of it.
pub(crate) fn with_folder<R>(measure: impl FnOnce(&Path) -> anyhow::Result<R>) -> anyhow::Result<R> {
    let folder = std::env::temp_dir().join(format!("segue-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let measured = measure(&folder);
    std::fs::remove_dir_all(&folder)?;
    measured
}

/// Prints a report as `-o` says.
pub(crate) fn print<R: Serialize>(
    report: &R,
    output: &str,
    markdown: fn(&R) -> String,
) -> anyhow::Result<()> {
    if output == "json" {
        println!("{}", serde_json::to_string_pretty(report)?);
    } else {
        print!("{}", markdown(report));
    }
    Ok(())
}
