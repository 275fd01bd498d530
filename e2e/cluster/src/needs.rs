//! What the machine must have: root, Linux namespaces, IPv6, and the programs that Debian packages bring.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};

use crate::api::KUBECONFIG;
use crate::command::run;

/// A program, and the Debian package that has it.
struct Need {
    program: &'static str,
    package: &'static str,
}

/// Programs of one package stand together.
const NEEDS: &[Need] = &[
    Need { program: "containerd", package: "containerd" },
    Need { program: "runc", package: "runc" },
    Need { program: "etcd", package: "etcd-server" },
    Need { program: "conntrack", package: "conntrack" },
    Need { program: "iptables", package: "iptables" },
    Need { program: "ip6tables", package: "iptables" },
    Need { program: "nft", package: "nftables" },
    Need { program: "ipset", package: "ipset" },
    Need { program: "ip", package: "iproute2" },
    Need { program: "haproxy", package: "haproxy" },
    Need { program: "nsenter", package: "util-linux" },
    Need { program: "mount", package: "mount" },
    Need { program: "strip", package: "binutils" },
];

/// Where a kernel that has IPv6 has its settings.
const IPV6: &str = "/proc/sys/net/ipv6";

/// Where the network plugins are.
pub(crate) const PLUGINS: &str = "/usr/lib/cni";

/// Daemons are in folders that a user's PATH may leave out.
const DAEMONS: &[&str] = &["/usr/sbin", "/sbin", "/usr/local/sbin"];

/// The PATH with which a cluster's programs find each other.
pub(crate) fn path() -> std::ffi::OsString {
    let own = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> =
        std::env::split_paths(&own).chain(DAEMONS.iter().map(PathBuf::from)).collect();
    std::env::join_paths(folders).unwrap_or(own)
}

/// Whether a program is to be found.
pub fn is_there(program: &str) -> bool {
    std::env::split_paths(&path()).any(|folder| folder.join(program).is_file())
}

/// The Debian packages that a cluster needs and that are not there.
pub fn missing() -> Vec<&'static str> {
    let mut packages: Vec<&'static str> =
        NEEDS.iter().filter(|need| !is_there(need.program)).map(|need| need.package).collect();
    if !Path::new(PLUGINS).join("bridge").is_file() {
        packages.push("containernetworking-plugins");
    }
    packages.dedup();
    packages
}

/// Installs what is missing where that is possible (root, apt-get), else says what to do instead.
pub fn install() -> anyhow::Result<()> {
    ensure!(rustix::process::geteuid().is_root(), "a cluster needs root: {}", elsewhere());
    ensure!(Path::new(IPV6).is_dir(), "a cluster needs a kernel with IPv6: {}", elsewhere());
    let missing = missing();
    if missing.is_empty() {
        return Ok(());
    }
    let packages = missing.join(" ");
    ensure!(
        Path::new("/usr/bin/apt-get").is_file(),
        "a cluster needs what Debian has as {packages}: {}",
        elsewhere()
    );
    install_packages(&missing)
}

/// Installs Debian packages; their own services are not started, for only their programs are wanted.
pub fn install_packages(packages: &[&str]) -> anyhow::Result<()> {
    let words = packages.join(" ");
    eprintln!("installing {words}");
    let apt = || {
        let mut command = Command::new("apt-get");
        command.env("DEBIAN_FRONTEND", "noninteractive").env("RUNLEVEL", "1").stdin(Stdio::null());
        command
    };
    run(apt().args(["update", "-q"]))?;
    run(apt().args(["install", "-q", "-y", "--no-install-recommends"]).args(packages))
        .with_context(|| format!("apt-get install {words}"))?;
    Ok(())
}

fn elsewhere() -> String {
    format!("or name an existing cluster (kind, for example) by {KUBECONFIG}=FILE")
}
