//! The command: `$PORT` in its words, and the program's file.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::Command;

/// What is allowed, for messages.
pub(super) const ALLOWED: &str = "`$PORT` (or `${PORT}`) is the instance's port, and `$$` is a dollar";

/// A `$` that means nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ReplaceError {
    /// `$NAME`.
    #[error("`${0}` is not known here")]
    Unknown(String),
    /// A `$` before something else.
    #[error("a single `$` means nothing")]
    Alone,
}

// === impl Command ===

impl Command {
    /// What the program is called with, its own name first, for an instance on this port.
    pub fn arguments(&self, port: u16) -> Vec<String> {
        let port = port.to_string();
        // The words were replaced once when the spec was read, so each of them can be.
        self.words.iter().map(|word| replace(word, &port).unwrap_or_else(|_| word.clone())).collect()
    }
}

/// Puts the port in.
pub(super) fn replace(word: &str, port: &str) -> Result<String, ReplaceError> {
    let mut replaced = String::with_capacity(word.len());
    let mut rest = word;
    while let Some(dollar) = rest.find('$') {
        replaced.push_str(&rest[..dollar]);
        rest = &rest[dollar + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            replaced.push('$');
            rest = after;
            continue;
        }
        let (name, after) = match rest.strip_prefix('{') {
            Some(braced) => braced.split_once('}').ok_or(ReplaceError::Alone)?,
            None => rest
                .split_at(rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len())),
        };
        match name {
            "PORT" => replaced.push_str(port),
            "" => return Err(ReplaceError::Alone),
            _ => return Err(ReplaceError::Unknown(name.to_owned())),
        }
        rest = after;
    }
    replaced.push_str(rest);
    Ok(replaced)
}

/// Why a program cannot be run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum FindError {
    /// Nothing there, or no file.
    #[error("there is no file {0}")]
    Missing(PathBuf),
    /// Not executable.
    #[error("{0} is not executable")]
    NotExecutable(PathBuf),
    /// In none of the folders.
    #[error("no program `{name}` in PATH")]
    NotInPath {
        /// The name.
        name: String,
        /// The folders.
        path: String,
    },
}

/// The program's file: a name alone is looked for in `path`, anything else is relative to `base`.
pub(super) fn find(program: &str, base: &Path, path: &str) -> Result<PathBuf, FindError> {
    if program.contains('/') {
        let file: PathBuf = base.join(program).components().collect();
        return match std::fs::metadata(&file) {
            Ok(metadata) if metadata.is_file() && is_executable(&metadata) => Ok(file),
            Ok(metadata) if metadata.is_file() => Err(FindError::NotExecutable(file)),
            _ => Err(FindError::Missing(file)),
        };
    }
    let mut found = None;
    for folder in path.split(':').filter(|folder| !folder.is_empty()) {
        let file = base.join(folder).join(program);
        match std::fs::metadata(&file) {
            Ok(metadata) if metadata.is_file() && is_executable(&metadata) => return Ok(file),
            Ok(metadata) if metadata.is_file() => found = found.or(Some(file)),
            _ => {}
        }
    }
    let missing = FindError::NotInPath { name: program.to_owned(), path: path.to_owned() };
    Err(found.map_or(missing, FindError::NotExecutable))
}

/// For somebody: whether this user may run it shows when it is started.
fn is_executable(metadata: &std::fs::Metadata) -> bool {
    metadata.permissions().mode() & 0o111 != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_is_put_in_and_two_dollars_are_one() {
        assert_eq!(replace("--port=$PORT", "80"), Ok("--port=80".to_owned()));
        assert_eq!(replace("http://[::]:${PORT}/x", "80"), Ok("http://[::]:80/x".to_owned()));
        assert_eq!(replace("$$PORT costs $$5", "80"), Ok("$PORT costs $5".to_owned()));
        assert_eq!(replace("$PORT$PORT", "80"), Ok("8080".to_owned()));
        assert_eq!(replace("plain", "80"), Ok("plain".to_owned()));
    }

    #[test]
    fn any_other_dollar_is_refused() {
        assert_eq!(replace("$HOME/x", "80"), Err(ReplaceError::Unknown("HOME".to_owned())));
        assert_eq!(replace("$PORTS", "80"), Err(ReplaceError::Unknown("PORTS".to_owned())));
        for text in ["$", "^a$|b", "${PORT", "${}"] {
            assert_eq!(replace(text, "80"), Err(ReplaceError::Alone), "{text}");
        }
    }

    #[test]
    fn a_program_is_looked_for_where_it_is_said_to_be() {
        let here = tempfile::tempdir().expect("temp dir");
        let file = here.path().join("tool");
        std::fs::write(&file, "#!/bin/sh\n").expect("writes");
        let folder = here.path().to_str().expect("UTF-8");
        assert_eq!(find("./tool", here.path(), ""), Err(FindError::NotExecutable(here.path().join("tool"))));
        assert_eq!(find("tool", Path::new("/"), folder), Err(FindError::NotExecutable(file.clone())));
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).expect("chmod");
        assert_eq!(find("tool", Path::new("/"), &format!("/nowhere:{folder}")), Ok(file));
        assert_eq!(find("./other", here.path(), ""), Err(FindError::Missing(here.path().join("other"))));
        // A folder may be entered, which is no running it.
        std::fs::create_dir(here.path().join("folder")).expect("makes it");
        let no_file = FindError::Missing(here.path().join("folder"));
        assert_eq!(find("./folder", here.path(), ""), Err(no_file));
        let no_file = FindError::NotInPath { name: "folder".to_owned(), path: folder.to_owned() };
        assert_eq!(find("folder", Path::new("/"), folder), Err(no_file));
        let missing = FindError::NotInPath { name: "other".to_owned(), path: folder.to_owned() };
        assert_eq!(find("other", Path::new("/"), folder), Err(missing));
    }
}
