//! The files of the input: which of a folder's are read, which are Kustomize's, and how several become one stream.

mod error;
mod folder;
mod join;
mod kustomization;
mod kustomize;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

pub use error::FilesError;
pub use join::one_stream;
pub use kustomize::refuse as refuse_kustomize;

use error::{STDIN, unreadable};

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

impl File {
    fn new(name: &str, bytes: Vec<u8>, path: Option<PathBuf>, relative: PathBuf) -> Result<Self, FilesError> {
        let text = String::from_utf8(bytes).map_err(|_| FilesError::NotUtf8(name.to_owned()))?;
        Ok(Self { name: name.to_owned(), text, path, relative })
    }
}
