//! What makes a file a kustomization, and what it says.

use std::fs;
use std::path::Path;

use segue_yaml::parse;
use serde_json::Value;

/// The names that Kustomize looks for in a folder.
pub(super) const NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// Whether a file is a kustomization. Another controller's object may have the name of one.
pub(super) fn is_kustomization(path: &Path) -> bool {
    path.file_name().is_some_and(|name| NAMES.iter().any(|known| name == *known)) && path.is_file() && {
        let content = content(path);
        let word = |key: &str| content.get(key).and_then(Value::as_str).unwrap_or_default();
        let kinds = ["", "Kustomization", "Component"];
        let group = word("apiVersion").split('/').next().unwrap_or_default();
        kinds.contains(&word("kind")) && ["", "kustomize.config.k8s.io"].contains(&group)
    }
}

/// What a kustomization says; null if it can't be read.
pub(super) fn content(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap_or_default();
    let stream = parse(&path.display().to_string(), &text);
    stream.ok().and_then(|stream| Some(stream.documents().first()?.json().clone())).unwrap_or_default()
}
