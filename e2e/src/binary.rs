//! Where the `segue` binary is: the one in SEGUE_BINARY, or the workspace's own, built first.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// Says which binary to test, and that it need not be built.
const VARIABLE: &str = "SEGUE_BINARY";

/// The binary under test, built if it has to be. Several test processes may ask at once; one builds.
pub fn segue() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| match std::env::var_os(VARIABLE) {
        Some(path) => {
            let path = PathBuf::from(path);
            path.canonicalize().unwrap_or_else(|error| panic!("{VARIABLE}={}: {error}", path.display()))
        }
        None => build(),
    })
}

/// Tests run from TARGET/PROFILE/deps; the binary is TARGET/PROFILE/segue.
fn build() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows where it runs from");
    let folder = test
        .ancestors()
        .skip(1)
        .find(|folder| folder.file_name().is_some_and(|name| name != "deps"))
        .expect("a test runs from a target folder");
    let profile = match folder.file_name().and_then(|name| name.to_str()) {
        None | Some("debug") => "dev",
        Some(name) => name,
    };

    let lock = File::create(folder.join(".segue-e2e.lock")).expect("the target folder can be written");
    lock.lock().expect("a lock in the target folder");
    let built = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--quiet", "--package", "segue", "--profile", profile])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::null())
        .status()
        .expect("cargo runs");
    assert!(built.success(), "the binary under test does not build");
    folder.join("segue")
}
