//! Programs that the tests run beside our own: looked for, and installed where that is possible.

use std::process::{Command, Stdio};

use crate::succeed;

/// A program that some test needs, and the Debian package that has it.
struct Tool {
    program: &'static str,
    package: &'static str,
}

const FOR_TESTS: &[Tool] = &[
    Tool { program: "gunicorn", package: "gunicorn" },
    Tool { program: "node", package: "nodejs" },
    Tool { program: "python3", package: "python3-minimal" },
    Tool { program: "curl", package: "curl" },
];

/// Installs what the tests need and is missing; says what is missing where it may not install.
pub(crate) fn for_tests() -> anyhow::Result<()> {
    let missing: Vec<&Tool> = FOR_TESTS.iter().filter(|tool| !is_there(tool.program)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<&str> = missing.iter().map(|tool| tool.package).collect();
    if !(is_root() && is_there("apt-get")) {
        anyhow::bail!("the tests need programs that are missing: apt-get install {}", packages.join(" "));
    }
    let apt = || {
        let mut command = Command::new("apt-get");
        command.env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null()).stdout(Stdio::null());
        command
    };
    succeed(apt().args(["update", "-q"]))?;
    succeed(apt().args(["install", "-q", "-y", "--no-install-recommends"]).args(packages))
}

fn is_there(program: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(program).is_file()))
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
}
