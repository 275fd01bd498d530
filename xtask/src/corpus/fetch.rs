//! Manifests from Go modules that ship them: pinned, fetched by name through the `go` command, and never committed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};
use serde::Deserialize;

/// The modules, each with its version.
const MODULES: &[&str] = &[
    "github.com/argoproj/argo-cd/v3@v3.1.0",
    "github.com/argoproj/argo-rollouts@v1.8.3",
    "github.com/cert-manager/cert-manager@v1.21.2",
    "github.com/cloudnativelabs/kube-router/v2@v2.1.0",
    "github.com/dapr/dapr@v1.14.0",
    "github.com/fluxcd/flux2/v2@v2.9.5",
    "github.com/k8snetworkplumbingwg/whereabouts@v0.9.2",
    "github.com/kedacore/keda/v2@v2.21.0",
    "github.com/kserve/kserve@v0.15.2",
    "github.com/kubeflow/katib@v0.19.0",
    "github.com/projectcontour/contour@v1.33.8",
    "github.com/prometheus-operator/prometheus-operator@v0.85.0",
    "github.com/stefanprodan/podinfo@v1.8.1-0.20250910200901-e86405a8674e",
    "github.com/traefik/traefik/v3@v3.7.13",
    "github.com/zegl/kube-score@v1.20.0",
    "go.universe.tf/metallb@v0.16.2",
    "istio.io/istio@v0.0.0-20260827124520-eed52ebb66ad",
    "k8s.io/ingress-nginx@v0.0.0-20240708192948-52c50467d67d",
    "k8s.io/kubernetes@v1.34.4",
    "knative.dev/serving@v0.51.0",
    "sigs.k8s.io/gateway-api@v1.6.3",
    "sigs.k8s.io/kueue@v0.17.0",
    "sigs.k8s.io/metrics-server@v0.8.0",
];

/// Larger files are definitions of kinds, not what people inject.
const LARGEST: u64 = 1 << 20;

/// What `go mod download -json` says of a module.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Module {
    dir: Option<PathBuf>,
    error: Option<String>,
}

/// Puts the manifests of all modules into a folder, each module's below its name.
pub(super) fn into(folder: &Path) -> anyhow::Result<()> {
    let go = segue_cluster::go()?;
    for module in MODULES {
        let own = folder.join(module.replace('/', "+"));
        if own.join(".complete").is_file() {
            continue;
        }
        eprintln!("fetching {module}");
        // In a folder without a module of its own, else it would be asked about that.
        let output = Command::new(&go)
            .args(["mod", "download", "-json", module])
            .current_dir(std::env::temp_dir())
            .output()
            .context("cannot run `go`")?;
        let said: Module = serde_json::from_slice(&output.stdout)
            .with_context(|| format!("go says of {module}: {}", String::from_utf8_lossy(&output.stderr)))?;
        let Some(from) = said.dir.filter(|dir| dir.is_dir()) else {
            bail!("{module} can't be had: {}", said.error.unwrap_or_default());
        };
        copy(&from, &own)?;
        fs::create_dir_all(&own)?;
        fs::write(own.join(".complete"), "")?;
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    for entry in fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))? {
        let path = entry?.path();
        let Some(name) = path.file_name() else { continue };
        if path.is_dir() && !path.is_symlink() {
            copy(&path, &to.join(name))?;
        } else if path.is_file() && is_manifest(&path)? {
            fs::create_dir_all(to)?;
            // Not by `fs::copy`: the module cache's files can't be written or removed.
            fs::write(to.join(name), fs::read(&path)?)?;
        }
    }
    Ok(())
}

/// YAML of every kind, kustomizations by their names too; JSON only where it speaks of an API.
fn is_manifest(path: &Path) -> anyhow::Result<bool> {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    let yaml = ["yaml", "yml"].contains(&ending) || path.ends_with("Kustomization");
    if fs::metadata(path)?.len() > LARGEST || !(yaml || ending == "json") {
        return Ok(false);
    }
    Ok(yaml || String::from_utf8_lossy(&fs::read(path)?).contains("\"apiVersion\""))
}
