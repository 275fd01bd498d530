//! The manifests' files: where they come from, and where they go.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::output;

const ENDINGS: [&str; 3] = ["yaml", "yml", "json"];

/// One file of the input.
pub(super) struct File {
    /// What messages call it.
    pub(super) name: String,
    /// Its text.
    pub(super) text: String,
    /// Where it is; `None` for stdin.
    path: Option<PathBuf>,
    /// Its place below an output folder.
    relative: PathBuf,
}

/// Where the result goes.
pub(super) enum Destination {
    /// One stream.
    Stdout,
    /// Over the input.
    InPlace,
    /// Beside each other into a folder.
    Folder(PathBuf),
}

/// Reads files, folders and stdin, in the order in which they are named; a folder's files by their names. A file that is named
/// again, also as one of a folder's, is read once.
pub(super) fn read(inputs: &[PathBuf], destination: &Destination) -> anyhow::Result<Vec<File>> {
    let (mut files, mut named) = (Vec::new(), BTreeSet::new());
    let mut is_new = |path: &Path| std::path::absolute(path).map_or(true, |path| named.insert(path));
    if inputs.iter().filter(|input| input.as_os_str() == "-").count() > 1 {
        bail!("stdin is named twice: it can be read only once");
    }
    for input in inputs {
        if input.as_os_str() == "-" {
            if matches!(destination, Destination::InPlace) {
                bail!("stdin can't be written in place: leave out --write, or use --out DIR");
            }
            let mut bytes = Vec::new();
            std::io::stdin().lock().read_to_end(&mut bytes).context("stdin can't be read")?;
            files.push(File::new("stdin", bytes, None, "stdin.yaml".into())?);
        } else if input.is_dir() {
            let found = below(input)?;
            if found.is_empty() {
                bail!("{} has no .yaml, .yml or .json file below it", input.display());
            }
            for path in found.into_iter().filter(|path| is_new(path)) {
                let relative = path.strip_prefix(input).unwrap_or(&path).to_owned();
                files.push(file(path, relative)?);
            }
        } else if is_new(input) {
            let relative = input.file_name().map(PathBuf::from).unwrap_or_default();
            files.push(file(input.clone(), relative)?);
        }
    }
    if matches!(destination, Destination::Folder(_)) {
        let mut taken = BTreeSet::new();
        if let Some(twice) = files.iter().find(|file| !taken.insert(&file.relative)) {
            let name = twice.relative.display();
            bail!("two files would be written as {name}: name the folder that holds both instead");
        }
    }
    Ok(files)
}

fn file(path: PathBuf, relative: PathBuf) -> anyhow::Result<File> {
    let name = path.display().to_string();
    let bytes = fs::read(&path).with_context(|| format!("{name} can't be read"))?;
    File::new(&name, bytes, Some(path), relative)
}

impl File {
    fn new(name: &str, bytes: Vec<u8>, path: Option<PathBuf>, relative: PathBuf) -> anyhow::Result<Self> {
        let text = String::from_utf8(bytes)
            .ok()
            .with_context(|| format!("{name} is not UTF-8: save it as UTF-8"))?;
        Ok(Self { name: name.to_owned(), text, path, relative })
    }
}

fn below(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let entries = fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let entries = entries.with_context(|| format!("{} can't be read", folder.display()))?;
    let mut paths: Vec<_> = entries.into_iter().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        if path.is_dir() && !hidden && !path.is_symlink() {
            found.extend(below(&path)?);
        } else if path.is_file() && !hidden && ENDINGS.contains(&ending) {
            found.push(path);
        }
    }
    Ok(found)
}

impl Destination {
    /// Writes the new texts of these files.
    pub(super) fn write(&self, files: &[File], texts: &[String]) -> anyhow::Result<()> {
        match self {
            Self::Stdout => output::write(one_stream(texts).as_bytes()).context("stdout can't be written")?,
            Self::InPlace => {
                // All are written beside their places before the first is put there: what can't be written changes nothing.
                let mut beside = Vec::new();
                for (file, text) in files.iter().zip(texts).filter(|(file, text)| file.text != **text) {
                    if let Some(path) = &file.path {
                        let written = Beside::write(path, text);
                        beside.push((
                            written.with_context(|| format!("{} can't be written", file.name))?,
                            file,
                        ));
                    }
                }
                for (beside, file) in beside {
                    beside.rename().with_context(|| format!("{} can't be written", file.name))?;
                }
            }
            Self::Folder(folder) => {
                for (file, text) in files.iter().zip(texts) {
                    let path = folder.join(&file.relative);
                    let above = path.parent().unwrap_or(folder);
                    fs::create_dir_all(above)
                        .with_context(|| format!("{} can't be made", above.display()))?;
                    fs::write(&path, text).with_context(|| format!("{} can't be written", path.display()))?;
                }
            }
        }
        Ok(())
    }
}

/// A new text beside the file that it is to replace; gone again unless it does.
struct Beside {
    new: PathBuf,
    target: PathBuf,
    renamed: bool,
}

impl Beside {
    fn write(path: &Path, text: &str) -> std::io::Result<Self> {
        let target = fs::canonicalize(path)?;
        let folder = target.parent().unwrap_or(Path::new("."));
        let mut name = std::ffi::OsString::from(".");
        name.push(target.file_name().unwrap_or_default());
        name.push(format!(".segue-{}", std::process::id()));
        let new = folder.join(name);
        let mut file = fs::File::create_new(&new)?;
        let beside = Self { new, target, renamed: false };
        file.write_all(text.as_bytes())?;
        file.set_permissions(fs::metadata(&beside.target)?.permissions())?;
        file.sync_all()?;
        Ok(beside)
    }

    /// Over the old file at once, so that a full disk or a crash leaves one of the two whole.
    fn rename(mut self) -> std::io::Result<()> {
        fs::rename(&self.new, &self.target)?;
        self.renamed = true;
        Ok(())
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        if !self.renamed {
            // What could not become the file is of no use.
            let _ = fs::remove_file(&self.new);
        }
    }
}

/// The texts as one stream of documents; a single text stays as it is.
fn one_stream(texts: &[String]) -> String {
    let mut stream = String::new();
    for text in texts.iter().filter(|text| !text.trim().is_empty() || texts.len() == 1) {
        if !stream.is_empty() {
            if !stream.ends_with('\n') {
                stream.push('\n');
            }
            let text = text.trim_start_matches('\u{feff}');
            // Directives stand before their document's `---`, and only where the document before has ended.
            if begins_with_directive(text) {
                stream.push_str("...\n");
            } else if !text.starts_with("---") {
                stream.push_str("---\n");
            }
        }
        stream.push_str(text.trim_start_matches('\u{feff}'));
    }
    if texts.len() == 1 { texts[0].clone() } else { stream }
}

fn begins_with_directive(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim_end);
    lines
        .find(|line| !line.is_empty() && !line.trim_start().starts_with('#'))
        .is_some_and(|line| line.starts_with('%'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_joined_so_that_each_stays_a_document() {
        let joined =
            |texts: &[&str]| one_stream(&texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>());
        assert_eq!(joined(&["a: 1", "", "---\nb: 2\n", "c: 3\n"]), "a: 1\n---\nb: 2\n---\nc: 3\n");
        assert_eq!(
            joined(&["a: 1\n", "\u{feff}# ours\n\n%YAML 1.2\n---\nb: 2\n", "%TAG !e! x:\n---\nc: 3\n"]),
            "a: 1\n...\n# ours\n\n%YAML 1.2\n---\nb: 2\n...\n%TAG !e! x:\n---\nc: 3\n"
        );
        assert_eq!(joined(&["a: 1\n", "\u{feff}---\nb: 2\n"]), "a: 1\n---\nb: 2\n");
        assert_eq!(joined(&["\u{feff}a: 1"]), "\u{feff}a: 1");
    }
}
