//! The manifests' files: where they come from, and where they go.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use segue_manifest::files::{self, File};

use crate::output;

/// Where the result goes.
pub(super) enum Destination {
    /// One stream.
    Stdout,
    /// Over the input.
    InPlace,
    /// Beside each other into a folder.
    Folder(PathBuf),
    /// It is only said what would come of it.
    Nowhere,
}

/// Reads the input. What Kustomize makes objects with is read only to take out what was injected.
pub(super) fn read(inputs: &[PathBuf], undo: bool) -> anyhow::Result<Vec<File>> {
    if !undo {
        files::refuse_kustomize(inputs)?;
    }
    Ok(files::read(inputs, || {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes)?;
        Ok(bytes)
    })?)
}

impl Destination {
    /// Whether what is read from there can go where it shall.
    pub(super) fn check_inputs(&self, inputs: &[PathBuf]) -> anyhow::Result<()> {
        if matches!(self, Self::InPlace) && inputs.iter().any(|input| input.as_os_str() == "-") {
            bail!("stdin can't be written in place: leave out --write, or use --out DIR");
        }
        Ok(())
    }

    /// Whether each of these files has a place of its own there.
    pub(super) fn check_files(&self, files: &[File]) -> anyhow::Result<()> {
        let mut taken = BTreeSet::new();
        let twice = files.iter().find(|file| !taken.insert(&file.relative));
        if let Some(twice) = twice.filter(|_| matches!(self, Self::Folder(_))) {
            let name = twice.relative.display();
            bail!("two files would be written as {name}: name the folder that holds both instead");
        }
        Ok(())
    }

    /// Writes the new texts of these files.
    pub(super) fn write(&self, files: &[File], texts: &[String]) -> anyhow::Result<()> {
        match self {
            Self::Stdout => {
                output::write(files::one_stream(texts).as_bytes()).context("stdout can't be written")?;
            }
            Self::Nowhere => {}
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
