//! What of a folder is read.

use std::fs;
use std::path::{Path, PathBuf};

use super::error::{FilesError, unreadable};
use super::kustomization::is_kustomization;

const ENDINGS: [&str; 3] = ["yaml", "yml", "json"];

/// What is below a folder, in the order of the names; hidden files and folders, and linked folders, are passed over.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) manifests: Vec<PathBuf>,
    pub(super) kustomizations: Vec<PathBuf>,
}

pub(super) fn manifests(folder: &Path) -> Result<Vec<PathBuf>, FilesError> {
    let Found { manifests, .. } = look(folder)?;
    if manifests.is_empty() {
        return Err(FilesError::EmptyFolder(folder.display().to_string()));
    }
    Ok(manifests)
}

pub(super) fn look(folder: &Path) -> Result<Found, FilesError> {
    let mut found = Found::default();
    below(folder, &mut found)?;
    Ok(found)
}

fn below(folder: &Path, found: &mut Found) -> Result<(), FilesError> {
    let entries = fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let entries = entries.map_err(|error| unreadable(&folder.display().to_string(), error))?;
    let mut paths: Vec<_> = entries.into_iter().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        if path.is_dir() && !hidden && !path.is_symlink() {
            below(&path, found)?;
        } else if path.is_file() && !hidden {
            if is_kustomization(&path) {
                found.kustomizations.push(path.clone());
            }
            if ENDINGS.contains(&ending) {
                found.manifests.push(path);
            }
        }
    }
    Ok(())
}
