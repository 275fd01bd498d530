//! A test's own folder: specs, the state folder, and what the commands wrote.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::running::{Running, Up};
use crate::{segue, sweep};

/// A folder that is gone, with every process that was started in it, when the test ends.
pub struct Place {
    folder: TempDir,
}

impl Place {
    /// A new, empty place.
    #[expect(clippy::new_without_default, reason = "it makes a folder")]
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("segue-e2e-").tempdir().expect("a temporary folder");
        Self { folder }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The state folder that commands of this place use.
    pub fn state_dir(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// Writes a file into the folder, as a whole: a reader sees the old or the new one.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        let draft = self.folder.path().join(format!(".{name}.draft"));
        fs::write(&draft, text)
            .and_then(|()| fs::rename(&draft, &path))
            .expect("a test's file can be written");
        path
    }

    /// Writes a spec for the sample program; `more` is put behind it, as it stands.
    pub fn sample_spec(
        &self,
        file: &str,
        listen: SocketAddr,
        version: &str,
        flags: &[&str],
        more: &str,
    ) -> PathBuf {
        let mut command =
            vec![segue().to_string_lossy().into_owned(), "sample".into(), "--port".into(), "$PORT".into()];
        command.extend(flags.iter().map(|flag| (*flag).to_owned()));
        let command = serde_json::to_string(&command).expect("strings are JSON");
        self.write(
            file,
            &format!(
                "name: web\nlisten: {listen}\nversion: {version}\ncommand: {command}\n\
                 env: {{ SEGUE_VERSION: {version} }}\n\
                 ready: {{ http: /health, interval: 100ms }}\n{more}"
            ),
        )
    }

    /// Starts `segue up -f SPEC` in a process group of its own.
    pub fn up(&self, spec: &Path) -> Up {
        Up::start(self, spec)
    }

    /// Starts a command of segue that may take its time, with this place's state folder.
    pub fn start(&self, arguments: &[&str]) -> Running {
        let mut all = arguments.to_vec();
        let state_dir = self.state_dir();
        let state_dir = state_dir.to_string_lossy();
        all.extend(["--state-dir", &state_dir]);
        Running::start(self.folder(), &all)
    }

    /// Runs a command of segue to its end.
    pub fn run(&self, arguments: &[&str]) -> crate::running::Ended {
        self.start(arguments).ended()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        sweep::end_instances(&self.state_dir());
    }
}

/// An address of this machine that nothing listens on just now.
pub fn free_address() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .expect("a free port")
}
