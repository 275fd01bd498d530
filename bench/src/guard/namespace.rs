//! A network namespace of its own, as a pod has: the agent looks at every socket of its namespace, and what other
//! programs leave behind there is not the guard's cost.

use std::process::{Command, Stdio};

use anyhow::ensure;

const OWN: [&str; 4] = ["--net", "sh", "-c", "ip link set lo up && exec \"$@\""];

/// Whether one can be made here: it takes root, `unshare` and `ip`.
pub(crate) fn is_possible() -> bool {
    let mut command = Command::new("unshare");
    command.args(OWN).args(["sh", "true"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let possible = command.status().is_ok_and(|status| status.success());
    if !possible {
        eprintln!("no network namespace of its own can be made: the sockets of other programs are seen too");
    }
    possible
}

/// Runs this program again, inside one; the namespace goes with it.
pub(crate) fn again() -> anyhow::Result<()> {
    let mut command = Command::new("unshare");
    command.args(OWN).arg("sh").arg(std::env::current_exe()?).args(std::env::args_os().skip(1)).arg("--here");
    let status = command.status()?;
    ensure!(status.success(), "the measurement inside a network namespace ended with {status}");
    Ok(())
}
