//! Programs that tests and benchmarks run beside our own: looked for, and installed where that is possible.

use segue_cluster::is_there;

/// A program, and the Debian package that has it.
struct Tool {
    program: &'static str,
    package: &'static str,
}

const FOR_TESTS: &[Tool] = &[
    Tool { program: "gunicorn", package: "gunicorn" },
    Tool { program: "node", package: "nodejs" },
    Tool { program: "go", package: "golang-go" },
    Tool { program: "java", package: "default-jdk-headless" },
];

const FOR_BENCHMARKS: &[Tool] = &[
    Tool { program: "nginx", package: "nginx-light" },
    Tool { program: "haproxy", package: "haproxy" },
    Tool { program: "wrk", package: "wrk" },
    Tool { program: "taskset", package: "util-linux" },
    Tool { program: "gunicorn", package: "gunicorn" },
    Tool { program: "node", package: "nodejs" },
];

/// Installs what the tests need and is missing; says what is missing where it may not install. Builds what no package has.
pub(crate) fn for_tests() -> anyhow::Result<()> {
    install("tests", FOR_TESTS)?;
    if std::env::var_os(segue_cluster::KUBECONFIG).is_none() {
        segue_cluster::install()?;
    }
    // Built before the tests, so that minutes of silence are not taken for a test that hangs.
    segue_cluster::Binaries::build()?;
    Ok(())
}

/// The same for the rivals and helpers of the benchmarks.
pub(crate) fn for_benchmarks() -> anyhow::Result<()> {
    install("benchmarks", FOR_BENCHMARKS)
}

fn install(purpose: &str, tools: &[Tool]) -> anyhow::Result<()> {
    let missing: Vec<&Tool> = tools.iter().filter(|tool| !is_there(tool.program)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<&str> = missing.iter().map(|tool| tool.package).collect();
    if !(is_root() && is_there("apt-get")) {
        anyhow::bail!("the {purpose} need programs that are missing: apt-get install {}", packages.join(" "));
    }
    segue_cluster::install_packages(&packages)
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
}
