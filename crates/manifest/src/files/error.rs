//! Why the input can't be used.

use std::io;
use std::path::{Path, PathBuf};

/// What names stdin among the inputs.
pub(super) const STDIN: &str = "-";

/// How many folders are told at most.
const MOST_TOLD: usize = 3;

/// Why the input can't be used.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// The system says no.
    #[error("{name} can't be read: {error}")]
    Unreadable {
        /// The file or folder.
        name: String,
        /// What it says.
        error: io::Error,
    },
    /// Another encoding.
    #[error("{0} is not UTF-8: save it as UTF-8")]
    NotUtf8(String),
    /// Nothing to read in a folder.
    #[error("{0} has no .yaml, .yml or .json file below it")]
    EmptyFolder(String),
    /// Stdin can't be read again.
    #[error("stdin is named twice: it can be read only once")]
    StdinTwice,
    /// What is there is no object before it is rendered.
    #[error("{what}: {}", advice(render))]
    Kustomize {
        /// What is there.
        what: String,
        /// The folders to render.
        render: Vec<PathBuf>,
    },
}

pub(super) fn unreadable(name: &str, error: io::Error) -> FilesError {
    FilesError::Unreadable { name: name.to_owned(), error }
}

/// The folder of a file that is named without one.
pub(super) fn here_if_empty(folder: &Path) -> &Path {
    if folder.as_os_str().is_empty() { Path::new(".") } else { folder }
}

/// What to do instead.
fn advice(render: &[PathBuf]) -> String {
    let command = |folder: &PathBuf| {
        format!("`kubectl kustomize {} | segue inject -`", here_if_empty(folder).display())
    };
    let told: Vec<_> = render.iter().take(MOST_TOLD).map(command).collect();
    let more = if render.len() > MOST_TOLD {
        format!(" and {} more", render.len() - MOST_TOLD)
    } else {
        String::new()
    };
    format!("render it first: {}{more}", told.join(", "))
}
