//! What a test sees of a cluster through its API server: the real kubectl, and typed answers where tests need them.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::Value;

use crate::command::{run, run_with_input};
use crate::{Binaries, Pod, wait};

/// The variable that names an existing cluster's kubeconfig.
pub const KUBECONFIG: &str = "SEGUE_E2E_KUBECONFIG";

/// A cluster's API server, as an administrator.
#[derive(Debug, Clone)]
pub struct Api {
    kubectl: PathBuf,
    kubeconfig: PathBuf,
    namespace: Option<String>,
}

impl Api {
    pub(crate) fn new(binaries: &Binaries, kubeconfig: &Path) -> Self {
        Self { kubectl: binaries.program("kubectl"), kubeconfig: kubeconfig.to_owned(), namespace: None }
    }

    /// The existing cluster that [`KUBECONFIG`] names, if it names one. An error if that does not answer.
    pub fn existing() -> anyhow::Result<Option<Self>> {
        let Some(kubeconfig) = std::env::var_os(KUBECONFIG).filter(|name| !name.is_empty()) else {
            return Ok(None);
        };
        let kubeconfig = PathBuf::from(kubeconfig);
        ensure!(kubeconfig.is_file(), "{KUBECONFIG}={}: there is no such file", kubeconfig.display());
        let api = Self::new(&Binaries::build()?, &kubeconfig);
        api.run(["get", "--raw", "/readyz"]).with_context(|| {
            format!("the cluster of {KUBECONFIG}={} does not answer", kubeconfig.display())
        })?;
        Ok(Some(api))
    }

    /// The same API server, with this namespace where none is named.
    #[must_use]
    pub fn namespace(&self, name: &str) -> Self {
        Self { namespace: Some(name.to_owned()), ..self.clone() }
    }

    /// Makes a namespace, and is the API server with that namespace.
    pub fn new_namespace(&self, name: &str) -> anyhow::Result<Self> {
        self.run(["create", "namespace", name])?;
        let own = self.namespace(name);
        // Pods are refused until the namespace has its account.
        wait::until(&format!("{name} has its service account"), wait::LONG, || {
            own.run(["get", "serviceaccount", "default"])
        })?;
        Ok(own)
    }

    /// The administrator's kubeconfig, usable from the host.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// The real kubectl with these arguments; not started yet.
    pub fn kubectl<I, S>(&self, arguments: I) -> Command
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        let mut command = Command::new(&self.kubectl);
        command.arg("--kubeconfig").arg(&self.kubeconfig);
        if let Some(namespace) = &self.namespace {
            command.args(["--namespace", namespace]);
        }
        command.args(arguments);
        command
    }

    /// Runs kubectl to its end; returns what it wrote to stdout.
    pub fn run<I, S>(&self, arguments: I) -> anyhow::Result<String>
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        run(&mut self.kubectl(arguments))
    }

    /// `kubectl apply` of this YAML or JSON.
    pub fn apply(&self, objects: &str) -> anyhow::Result<()> {
        run_with_input(&mut self.kubectl(["apply", "--filename", "-"]), objects)?;
        Ok(())
    }

    /// `kubectl get … -o json`.
    pub fn get<I, S>(&self, arguments: I) -> anyhow::Result<Value>
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        let said = run(self.kubectl(["get", "--output", "json"]).args(arguments))?;
        serde_json::from_str(&said).context("kubectl's answer is no JSON")
    }

    /// The pods that a label selector finds, in the order of their names; an empty one finds all.
    pub fn pods(&self, selector: &str) -> anyhow::Result<Vec<Pod>> {
        Pod::read_all(&self.get(["pods", "--selector", selector])?)
    }

    /// The pod of this name; `None` once it is gone.
    pub fn pod(&self, name: &str) -> anyhow::Result<Option<Pod>> {
        let said = run(&mut self.kubectl(["get", "pod", name, "--ignore-not-found", "--output", "json"]))?;
        if said.trim().is_empty() { Ok(None) } else { Pod::read(&serde_json::from_str(&said)?).map(Some) }
    }

    /// Waits until exactly `count` pods of a selector are ready and no other pod of it is left; returns them.
    pub fn until_ready(&self, selector: &str, count: usize) -> anyhow::Result<Vec<Pod>> {
        let what = format!("exactly {count} pods of {selector} are there, and ready");
        wait::until(&what, wait::LONG, || {
            let pods = self.pods(selector)?;
            let ready = pods.iter().filter(|pod| pod.ready && pod.deleted.is_none()).count();
            ensure!(ready == count && pods.len() == count, "{pods:#?}");
            Ok(pods)
        })
    }

    /// Waits for a rollout's end, as `kubectl rollout status` sees it: its deadline is the workload's own.
    pub fn rollout_status(&self, workload: &str, limit: Duration) -> anyhow::Result<()> {
        self.run(["rollout", "status", workload, &format!("--timeout={}s", limit.as_secs())])?;
        Ok(())
    }

    /// What a container has written; `previous` asks for its last run but one.
    pub fn logs(&self, pod: &str, container: &str, previous: bool) -> anyhow::Result<String> {
        self.run(["logs", pod, "--container", container, &format!("--previous={previous}")])
    }
}
