//! The programs of a cluster that no package has: Kubernetes as one binary, and the first process of a namespace.
//! Built from `go/` once, and again only when those sources or the Go that builds them change.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use sha2::{Digest, Sha256};

use crate::command::run;
use crate::folders;

/// What the Kubernetes binary is started as.
const NAMES: &[&str] =
    &["kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "kubectl"];

/// Where Go is, besides the folders of PATH.
const GO_FOLDERS: &[&str] =
    &["/usr/local/go/bin", "/usr/lib/go-1.26/bin", "/usr/lib/go-1.25/bin", "/usr/lib/go-1.24/bin"];

/// The built programs.
#[derive(Debug, Clone)]
pub struct Binaries {
    folder: PathBuf,
}

impl Binaries {
    /// Builds what is not up to date. Says on stderr that it does: the first build takes minutes.
    pub fn build() -> anyhow::Result<Self> {
        let folder = folders::built().join("bin");
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        // Several test programs may ask at once; one builds, the others wait for it.
        let lock = File::create(folder.join(".lock"))?;
        lock.lock().context("cannot lock the folder of the cluster's programs")?;
        let go = Go::find()?;
        go.build("kube", &folder)?;
        go.build("pause", &folder)?;
        for name in NAMES {
            let link = folder.join(name);
            if fs::read_link(&link).is_ok_and(|to| to == Path::new("kube")) {
                continue;
            }
            let _ = fs::remove_file(&link);
            std::os::unix::fs::symlink("kube", &link)?;
        }
        Ok(Self { folder })
    }

    /// A part of Kubernetes, or `pause`.
    pub fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

/// A Go that is new enough for the Go programs of this workspace.
pub fn go() -> anyhow::Result<PathBuf> {
    Ok(Go::find()?.program)
}

/// The Go that builds.
struct Go {
    program: PathBuf,
    version: String,
}

impl Go {
    fn find() -> anyhow::Result<Self> {
        let sources = sources("kube");
        let wanted = wanted_version(&fs::read_to_string(sources.join("go.mod"))?)?;
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut seen = Vec::new();
        for folder in std::env::split_paths(&path).chain(GO_FOLDERS.iter().map(PathBuf::from)) {
            let program = folder.join("go");
            if !program.is_file() {
                continue;
            }
            // Asked in that folder: a Go that can fetch the one that go.mod wants does so here.
            match run(Command::new(&program).arg("version").current_dir(&sources)) {
                Ok(version) if parse(&version).is_some_and(|have| have >= wanted) => {
                    return Ok(Self { program, version });
                }
                Ok(version) => seen.push(format!("{} is {}", program.display(), version.trim())),
                Err(error) => seen.push(format!("{error:#}")),
            }
        }
        bail!(
            "Kubernetes needs Go {}.{} or newer to build (https://go.dev/dl/, unpacked to /usr/local/go); {}",
            wanted.0,
            wanted.1,
            if seen.is_empty() { "no Go was found".to_owned() } else { seen.join("; ") }
        )
    }

    /// Builds `go/NAME` into `folder/NAME`, unless that was made from the same sources.
    fn build(&self, name: &str, folder: &Path) -> anyhow::Result<()> {
        let sources = sources(name);
        let flags = flags(&fs::read_to_string(sources.join("go.mod"))?);
        let stamp = self.stamp(&sources, &flags)?;
        let (out, stamped) = (folder.join(name), folder.join(format!(".{name}.stamp")));
        if out.is_file() && fs::read_to_string(&stamped).is_ok_and(|old| old == stamp) {
            return Ok(());
        }
        eprintln!("building {} (the first time takes minutes)", out.display());
        let draft = folder.join(format!(".{name}.draft"));
        let status = Command::new(&self.program)
            .args(["build", "-mod=readonly", "-trimpath", "-buildvcs=false", "-ldflags", &flags, "-o"])
            .arg(&draft)
            .arg(".")
            .current_dir(&sources)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status()?;
        if !status.success() {
            bail!("`go build` in {} ended with {status}; what it said stands above", sources.display());
        }
        fs::rename(&draft, &out)?;
        fs::write(&stamped, stamp)?;
        Ok(())
    }

    /// All that a build is made from.
    fn stamp(&self, sources: &Path, flags: &str) -> anyhow::Result<String> {
        let mut hash = Sha256::new();
        hash.update(&self.version);
        hash.update(flags);
        let mut files: Vec<PathBuf> =
            fs::read_dir(sources)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
        files.sort();
        for file in files {
            hash.update(file.as_os_str().as_encoded_bytes());
            hash.update(fs::read(&file)?);
        }
        Ok(crate::image::hex(&hash.finalize()))
    }
}

fn sources(name: &str) -> PathBuf {
    folders::workspace().join("e2e/cluster/go").join(name)
}

/// Without symbols; Kubernetes is told its own version, which its release builds are told in the same way.
fn flags(go_mod: &str) -> String {
    let version =
        go_mod.lines().find_map(|line| line.trim().strip_prefix("k8s.io/kubernetes ")).map(str::trim);
    let Some(version) = version else { return "-s -w".to_owned() };
    let mut numbers = version.trim_start_matches('v').split('.');
    let stamps = [
        ("gitVersion", version),
        ("gitMajor", numbers.next().unwrap_or_default()),
        ("gitMinor", numbers.next().unwrap_or_default()),
    ];
    let stamps: Vec<String> = stamps
        .iter()
        .map(|(name, value)| format!("-X k8s.io/component-base/version.{name}={value}"))
        .collect();
    format!("-s -w {}", stamps.join(" "))
}

/// The line `go 1.24.0` of a go.mod.
fn wanted_version(go_mod: &str) -> anyhow::Result<(u32, u32)> {
    go_mod
        .lines()
        .find_map(|line| parse(&format!("go{}", line.strip_prefix("go ")?)))
        .context("go.mod does not say which Go it needs")
}

/// The version in `go version go1.24.3 linux/amd64`.
fn parse(said: &str) -> Option<(u32, u32)> {
    said.split_whitespace().find_map(|word| {
        let mut numbers = word.strip_prefix("go")?.split('.');
        Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_and_compared_as_numbers() {
        assert_eq!(parse("go version go1.9.7 linux/amd64"), Some((1, 9)));
        assert_eq!(wanted_version("module kube\n\ngo 1.24.0\n").unwrap(), (1, 24));
        assert!(parse("go version go1.9.7 linux/amd64") < parse("go version go1.24.0 linux/amd64"));
    }

    #[test]
    fn kubernetes_is_stamped_with_the_version_of_its_module() {
        let flags = flags("require (\n\tk8s.io/kubernetes v1.34.4\n)\n");
        assert!(flags.contains("gitVersion=v1.34.4") && flags.contains("gitMinor=34"), "{flags}");
    }
}
