//! The folder that the agent shares with the pod's hooks, and its own.
//!
//! ```text
//!  /segue        segue-agent   this program, for the hooks (a container mounts the folder read-only)
//!                hook.json     how a hook reaches the agent, and the plan
//!  /segue-state  token         what a hook must show; kept over restarts of the agent
//!                carried       how many requests the guard carries: should the agent die, the next one tells
//! ```
//!
//! A file is written beside its place and renamed, so that nobody ever reads half of one.

use segue_core::pod::PodPlan;
use serde::{Deserialize, Serialize};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The program's name in the shared folder.
const PROGRAM: &str = "segue-agent";
const HOOK_CONFIG: &str = "hook.json";

/// What a hook needs to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HookConfig {
    /// What it must show, so that nobody outside the pod can drain it.
    pub(crate) token: String,
    /// What the agent is told: with it a hook can go on without the agent.
    pub(crate) plan: PodPlan,
}

/// Why the folders can't be used: the manifest's fault (no volume there, or a read-only one), or a full disk.
#[derive(Debug, thiserror::Error)]
#[error("{}: {source}", path.display())]
pub(crate) struct FolderError {
    path: PathBuf,
    source: io::Error,
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> FolderError {
    move |source| FolderError { path: path.to_owned(), source }
}

/// Puts this program and the hook config where the hooks find them.
pub(crate) fn install(plan: &PodPlan) -> Result<HookConfig, FolderError> {
    let shared = folder("SEGUE_SHARED", "/segue");
    let program = std::env::current_exe().map_err(at(Path::new("/proc/self/exe")))?;
    copy(&program, &shared.join(PROGRAM))?;
    let config = HookConfig { token: token()?, plan: plan.clone() };
    let json = serde_json::to_vec(&config).map_err(io::Error::from);
    let path = shared.join(HOOK_CONFIG);
    put(&path, &json.map_err(at(&path))?, 0o644)?;
    Ok(config)
}

/// The hook config beside the running program.
pub(crate) fn hook_config() -> Result<HookConfig, FolderError> {
    let program = std::env::current_exe().map_err(at(Path::new("/proc/self/exe")))?;
    let path = program.with_file_name(HOOK_CONFIG);
    let json = std::fs::read(&path).map_err(at(&path))?;
    serde_json::from_slice(&json).map_err(io::Error::from).map_err(at(&path))
}

/// The agent's token: made once per pod, so that a hook that waits still knows it when the agent was restarted.
fn token() -> Result<String, FolderError> {
    let path = folder("SEGUE_STATE", "/segue-state").join("token");
    match std::fs::read_to_string(&path) {
        Ok(token) if token.len() == 32 => return Ok(token),
        _ => {}
    }
    let mut random = [0_u8; 16];
    rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty())
        .map_err(io::Error::from)
        .map_err(at(Path::new("/dev/urandom")))?;
    let token: String = random.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    put(&path, token.as_bytes(), 0o600)?;
    Ok(token)
}

/// How many requests the agent before this one was carrying when it died; 0 if it came to its own end, or was none.
pub(crate) fn in_flight() -> u64 {
    let text = std::fs::read_to_string(in_flight_file()).unwrap_or_default();
    text.trim().parse().unwrap_or(0)
}

/// Writes down how many requests this agent carries.
pub(crate) fn write_in_flight(requests: u64) -> Result<(), FolderError> {
    put(&in_flight_file(), requests.to_string().as_bytes(), 0o600)
}

fn in_flight_file() -> PathBuf {
    folder("SEGUE_STATE", "/segue-state").join("carried")
}

fn folder(variable: &str, default: &str) -> PathBuf {
    std::env::var_os(variable).map_or_else(|| PathBuf::from(default), PathBuf::from)
}

/// The kernel copies: the program need not come into memory.
fn copy(from: &Path, to: &Path) -> Result<(), FolderError> {
    replace(to, |beside| {
        std::fs::copy(from, beside)?;
        std::fs::set_permissions(beside, std::fs::Permissions::from_mode(0o755))
    })
}

fn put(path: &Path, content: &[u8], mode: u32) -> Result<(), FolderError> {
    replace(path, |beside| {
        let mut file =
            std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(beside)?;
        file.write_all(content)?;
        // What the umask took away.
        file.set_permissions(std::fs::Permissions::from_mode(mode))
    })
}

/// Writes beside the place, then renames.
fn replace(path: &Path, write: impl FnOnce(&Path) -> io::Result<()>) -> Result<(), FolderError> {
    let beside = path.with_extension("new");
    write(&beside).and_then(|()| std::fs::rename(&beside, path)).map_err(at(path))
}
