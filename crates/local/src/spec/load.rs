//! From the file to the spec.

use std::io;
use std::path::Path;
use std::sync::Arc;

use segue_yaml::{Diagnostic, Diagnostics, SourceFile};
use serde_saphyr::UserMessageFormatter;

use super::raw::RawSpec;
use super::surroundings::Surroundings;
use super::tree::Node;
use super::user::Accounts;
use super::{Spec, at, decode, shape, validate};

/// A spec that was found to be right, and what it came from.
#[derive(Debug)]
pub struct Loaded {
    /// The spec.
    pub spec: Spec,
    /// The file as it was.
    pub source: Arc<SourceFile>,
    /// What is probably not meant, but can be done.
    pub warnings: Diagnostics,
}

// === impl Spec ===

impl Spec {
    /// Reads a spec file, and looks whether what it names is there: the command, the folder, the user, the files.
    pub fn load(path: &Path) -> Result<Loaded, Diagnostics> {
        let text = std::fs::read(path).map_err(|error| unreadable(path, &error))?;
        let text = decode::text(&text)
            .map_err(|why| Diagnostic::error(format!("cannot read {}: {why}", path.display())))?;
        let absolute = std::path::absolute(path).map_err(|error| unreadable(path, &error))?;
        let surroundings = Surroundings {
            base: absolute.parent().unwrap_or(Path::new("/")).to_owned(),
            path: std::env::var("PATH").unwrap_or_else(|_| "/usr/local/bin:/usr/bin:/bin".to_owned()),
            uid: rustix::process::geteuid().as_raw(),
            accounts: Accounts::read(),
        };
        parse(&SourceFile::new(path, text), &surroundings)
    }
}

pub(super) fn parse(file: &Arc<SourceFile>, surroundings: &Surroundings) -> Result<Loaded, Diagnostics> {
    let tree: Node = serde_saphyr::from_str(&file.text).map_err(|error| not_yaml(file, &error))?;
    let found = shape::check(file, &tree);
    if found.has_errors() {
        return Err(found);
    }
    let raw: RawSpec = serde_saphyr::from_str(&file.text).map_err(|error| not_yaml(file, &error))?;
    let (spec, found) = validate::validate(&raw, file, surroundings);
    match spec {
        Some(spec) if !found.has_errors() => {
            Ok(Loaded { spec, source: Arc::clone(file), warnings: found.sorted() })
        }
        _ => Err(found.sorted()),
    }
}

fn unreadable(path: &Path, error: &io::Error) -> Diagnostic {
    let why = match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::IsADirectory => "it is a folder".to_owned(),
        _ => error.to_string(),
    };
    Diagnostic::error(format!("cannot read {}: {why}", path.display()))
}

fn not_yaml(file: &Arc<SourceFile>, error: &serde_saphyr::Error) -> Diagnostic {
    let text = error.without_snippet().render_with_formatter(&UserMessageFormatter);
    // The place is drawn, and need not be said.
    let message = text.split(" at line ").next().unwrap_or(&text).trim_end_matches([':', ',', ' ']);
    let mut diagnostic = Diagnostic::error(message.to_owned());
    if matches!(error.without_snippet(), serde_saphyr::Error::DuplicateMappingKey { .. }) {
        diagnostic = diagnostic.help("every key once: the other one stands above");
    }
    match error.location() {
        Some(location) => {
            let span = match location.span().byte_offset() {
                Some(_) => at::bytes(&location),
                // What no parser got through has a line and a column only.
                None => at::line_and_column(&file.text, location.line(), location.column()),
            };
            diagnostic.at(file, span)
        }
        None => diagnostic,
    }
}
