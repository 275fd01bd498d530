//! Kustomize's files: a kustomization says of which files it makes objects, and which of them are patches or values. So what lies
//! there is not what will run, and parts of it only look like objects. Why such a folder is refused stands in
//! `docs/decisions/0017-kustomize-is-rendered-first.md`.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use serde_json::Value;

use super::error::{FilesError, STDIN, here_if_empty};
use super::folder::{self, Found};
use super::kustomization::{NAMES, content, is_kustomization};

/// The keys that name whole objects, or folders that do.
const OBJECTS: [&str; 4] = ["resources", "bases", "components", "crds"];

/// Refuses what Kustomize makes objects of, and what it makes them with.
pub fn refuse(inputs: &[PathBuf]) -> Result<(), FilesError> {
    for input in inputs.iter().filter(|input| input.as_os_str() != STDIN) {
        if input.is_dir() {
            let Found { manifests, kustomizations } = folder::look(input)?;
            if let Some(first) = kustomizations.first() {
                let what = format!("{} has Kustomize's files ({})", input.display(), first.display());
                return Err(FilesError::Kustomize { what, render: outermost(&kustomizations) });
            }
            look_above(input, &manifests)?;
        } else if is_kustomization(input) {
            let what = format!("{} is a kustomization, and no object", input.display());
            return Err(FilesError::Kustomize { what, render: vec![folder_of(input)] });
        } else {
            look_above(&folder_of(input), std::slice::from_ref(input))?;
        }
    }
    Ok(())
}

/// Refuses files in a folder that a kustomization there or above makes something of, if it does not take them for whole objects.
/// Kustomize reads no patch from outside a kustomization's folder, so there is none elsewhere.
fn look_above(folder: &Path, files: &[PathBuf]) -> Result<(), FilesError> {
    let folder = here_if_empty(folder);
    let Ok(absolute) = std::path::absolute(folder) else { return Ok(()) };
    for above in absolute.ancestors() {
        for kustomization in NAMES.map(|name| above.join(name)).iter().filter(|path| is_kustomization(path)) {
            let part = files
                .iter()
                .find(|file| std::path::absolute(file).is_ok_and(|file| names(kustomization, &file)));
            if let Some(part) = part {
                let shown = shown(folder, &absolute, kustomization);
                let what = format!(
                    "{} is no object, but what {} makes objects with",
                    part.display(),
                    shown.display()
                );
                return Err(FilesError::Kustomize { what, render: vec![folder_of(&shown)] });
            }
        }
        if above.join(".git").exists() {
            break;
        }
    }
    Ok(())
}

fn folder_of(path: &Path) -> PathBuf {
    path.parent().unwrap_or(Path::new("")).to_owned()
}

/// A kustomization's path as the user would write it: from where the folder was named.
fn shown(folder: &Path, absolute: &Path, kustomization: &Path) -> PathBuf {
    let here = absolute.ancestors().find(|above| above.join(folder) == *absolute);
    let own = here.and_then(|here| kustomization.strip_prefix(here).ok());
    own.unwrap_or(kustomization).to_owned()
}

/// Whether a kustomization names a file, otherwise than as objects.
fn names(kustomization: &Path, file: &Path) -> bool {
    let folder = folder_of(kustomization);
    let content = content(kustomization);
    let parts = content.as_object().into_iter().flatten();
    let parts = parts.filter(|(key, _)| !OBJECTS.contains(&key.as_str()));
    parts.into_iter().any(|(_, part)| texts(part).any(|text| is_path_to(&folder, text, file)))
}

/// Whether a text is the path of a file; generators write it behind `key=`.
fn is_path_to(folder: &Path, text: &str, file: &Path) -> bool {
    let behind_key = text.split_once('=').map(|(_, path)| path);
    !text.contains('\n')
        && [Some(text), behind_key].into_iter().flatten().any(|path| plain(&folder.join(path)) == plain(file))
}

/// All texts in a value.
fn texts(value: &Value) -> Box<dyn Iterator<Item = &str> + '_> {
    match value {
        Value::String(text) => Box::new(std::iter::once(text.as_str())),
        Value::Array(items) => Box::new(items.iter().flat_map(texts)),
        Value::Object(object) => Box::new(object.values().flat_map(texts)),
        _ => Box::new(std::iter::empty()),
    }
}

/// The folders of these kustomizations that no other of them builds on: what is applied in the end.
fn outermost(kustomizations: &[PathBuf]) -> Vec<PathBuf> {
    let mut built_on = BTreeSet::new();
    for path in kustomizations {
        let content = content(path);
        let named = OBJECTS.iter().filter_map(|key| content.get(key)).flat_map(texts);
        built_on.extend(named.map(|name| plain(&folder_of(path).join(name))));
    }
    let all: Vec<_> = kustomizations.iter().map(|path| folder_of(path)).collect();
    let last: Vec<_> = all.iter().filter(|folder| !built_on.contains(&plain(folder))).cloned().collect();
    if last.is_empty() { all } else { last }
}

/// A path without `.` and `..`, as far as that can be told from its words.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if plain.file_name().is_some() => {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    plain
}
