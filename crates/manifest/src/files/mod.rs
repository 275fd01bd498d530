//! The files of the input: which of a folder's are read, which are Kustomize's, and how several become one stream.

mod folder;
mod join;
mod kustomize;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

pub use join::one_stream;
pub use kustomize::refuse as refuse_kustomize;

/// What names stdin among the inputs.
const STDIN: &str = "-";

/// One file of the input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// What messages call it.
    pub name: String,
    /// Its text.
    pub text: String,
    /// Where it is; `None` for stdin.
    pub path: Option<PathBuf>,
    /// Its place below an output folder.
    pub relative: PathBuf,
}

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
    #[error("{what}: {}", kustomize::advice(render))]
    Kustomize {
        /// What is there.
        what: String,
        /// The folders to render.
        render: Vec<PathBuf>,
    },
}

/// Reads files, folders and stdin (`-`), in the order in which they are named; a folder's files by their names. A file that is named
/// again, also as one of a folder's or by a link, is read once, under its first name.
pub fn read(
    inputs: &[PathBuf],
    mut stdin: impl FnMut() -> io::Result<Vec<u8>>,
) -> Result<Vec<File>, FilesError> {
    let (mut files, mut named) = (Vec::new(), BTreeSet::new());
    let mut is_new = |path: &Path| fs::canonicalize(path).map_or(true, |path| named.insert(path));
    if inputs.iter().filter(|input| input.as_os_str() == STDIN).count() > 1 {
        return Err(FilesError::StdinTwice);
    }
    for input in inputs {
        if input.as_os_str() == STDIN {
            let bytes = stdin().map_err(|error| unreadable("stdin", error))?;
            files.push(File::new("stdin", bytes, None, "stdin.yaml".into())?);
        } else if input.is_dir() {
            for path in folder::manifests(input)?.into_iter().filter(|path| is_new(path)) {
                let relative = path.strip_prefix(input).unwrap_or(&path).to_owned();
                files.push(file(path, relative)?);
            }
        } else if is_new(input) {
            let relative = input.file_name().map(PathBuf::from).unwrap_or_default();
            files.push(file(input.clone(), relative)?);
        }
    }
    Ok(files)
}

fn file(path: PathBuf, relative: PathBuf) -> Result<File, FilesError> {
    let name = path.display().to_string();
    let bytes = fs::read(&path).map_err(|error| unreadable(&name, error))?;
    File::new(&name, bytes, Some(path), relative)
}

fn unreadable(name: &str, error: io::Error) -> FilesError {
    FilesError::Unreadable { name: name.to_owned(), error }
}

impl File {
    fn new(name: &str, bytes: Vec<u8>, path: Option<PathBuf>, relative: PathBuf) -> Result<Self, FilesError> {
        let text = String::from_utf8(bytes).map_err(|_| FilesError::NotUtf8(name.to_owned()))?;
        Ok(Self { name: name.to_owned(), text, path, relative })
    }
}
