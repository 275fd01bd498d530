//! Images without a registry: one layer of given files, as a tar that containerd imports (a Docker archive).

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::command::run;

/// The image of the process that holds a pod's namespaces.
pub const PAUSE: &str = "segue-pause:1";

/// The user of images that say nothing else: no name, because an image of files alone has no list of users.
pub const USER: &str = "65532:65532";

/// An image to be made. The same image makes the same bytes.
#[derive(Debug, Clone)]
pub struct Image<'a> {
    /// Its name and tag.
    pub name: &'a str,
    /// What a container runs.
    pub entrypoint: &'a [&'a str],
    /// Who runs it; see [`USER`].
    pub user: &'a str,
    /// Files of the host, and where they are in the image. They belong to root; everybody may read and run them.
    pub files: Vec<(PathBuf, PathBuf)>,
}

/// The bytes of an image's archive.
pub fn archive(image: &Image<'_>) -> anyhow::Result<Vec<u8>> {
    let layer = layer(&image.files)?;
    let layer_digest = digest(&layer);
    let config = json!({
        "architecture": architecture(), "os": "linux",
        "config": {
            "Entrypoint": image.entrypoint, "User": image.user,
            "Env": ["PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"], "WorkingDir": "/",
        },
        "rootfs": {"type": "layers", "diff_ids": [format!("sha256:{layer_digest}")]},
        "history": [{"created_by": "cargo xtask image"}],
    })
    .to_string();
    let config_name = format!("{}.json", digest(config.as_bytes()));
    let layer_name = format!("{layer_digest}/layer.tar");
    let manifest =
        json!([{"Config": config_name, "RepoTags": [image.name], "Layers": [layer_name]}]).to_string();

    let mut tar = tar::Builder::new(Vec::new());
    for (name, bytes) in [
        (config_name.as_str(), config.as_bytes()),
        (layer_name.as_str(), &layer),
        ("manifest.json", manifest.as_bytes()),
    ] {
        append(&mut tar, Path::new(name), 0o644, bytes)?;
    }
    Ok(tar.into_inner()?)
}

/// Writes an image's archive to a file, as a whole: a reader sees the old or the new one.
pub fn write(image: &Image<'_>, out: &Path) -> anyhow::Result<()> {
    if let Some(folder) = out.parent() {
        fs::create_dir_all(folder)?;
    }
    let draft = out.with_extension(format!("draft-{}", std::process::id()));
    fs::write(&draft, archive(image)?)
        .and_then(|()| fs::rename(&draft, out))
        .with_context(|| format!("cannot write {}", out.display()))
}

/// The shared libraries that a program loads, its loader among them; none for a static one.
pub fn shared_libraries(program: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let output = Command::new("ldd").arg(program).output().context("cannot run `ldd`")?;
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if said.contains("not a dynamic executable") || said.contains("statically linked") {
        return Ok(Vec::new());
    }
    ensure!(output.status.success(), "`ldd {}` failed: {}", program.display(), said.trim());
    said.lines().filter_map(library).collect()
}

/// The path in a line of ldd; `None` for what the kernel brings itself.
fn library(line: &str) -> Option<anyhow::Result<PathBuf>> {
    let line = line.trim();
    if line.ends_with("=> not found") {
        return Some(Err(anyhow::anyhow!("a shared library is missing on this machine: {line}")));
    }
    let path = line.split_once("=> ").map_or(line, |(_, path)| path).split(" (").next()?;
    path.starts_with('/').then(|| Ok(PathBuf::from(path)))
}

/// A program without its symbols, in a place of its own: images of debug builds would be huge.
pub(crate) fn strip(program: &Path, out: &Path) -> anyhow::Result<()> {
    run(Command::new("strip").arg("-o").arg(out).arg(program))?;
    Ok(())
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn digest(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// The processor's name as images have it.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

fn layer(files: &[(PathBuf, PathBuf)]) -> anyhow::Result<Vec<u8>> {
    let mut tar = tar::Builder::new(Vec::new());
    let mut folders = BTreeSet::from([PathBuf::from("tmp")]);
    for (_, to) in files {
        let inside = to.strip_prefix("/").with_context(|| format!("{} must begin with /", to.display()))?;
        folders.extend(
            inside.ancestors().skip(1).map(Path::to_owned).filter(|path| !path.as_os_str().is_empty()),
        );
    }
    // Sorted, so a folder comes before what is in it.
    for folder in folders {
        let mode = if folder == Path::new("tmp") { 0o1777 } else { 0o755 };
        let mut header = header(mode, 0);
        header.set_entry_type(tar::EntryType::Directory);
        tar.append_data(&mut header, format!("{}/", folder.display()), std::io::empty())?;
    }
    for (from, to) in files {
        let bytes = fs::read(from).with_context(|| format!("cannot read {}", from.display()))?;
        append(&mut tar, to.strip_prefix("/")?, 0o755, &bytes)?;
    }
    Ok(tar.into_inner()?)
}

fn append(tar: &mut tar::Builder<Vec<u8>>, name: &Path, mode: u32, bytes: &[u8]) -> anyhow::Result<()> {
    tar.append_data(&mut header(mode, u64::try_from(bytes.len())?), name, bytes)?;
    Ok(())
}

fn header(mode: u32, size: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_mode(mode);
    header.set_size(size);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use std::io::Read;

    fn entries(bytes: &[u8]) -> BTreeMap<String, (u32, Vec<u8>)> {
        let mut tar = tar::Archive::new(bytes);
        let read = |entry: std::io::Result<tar::Entry<'_, &[u8]>>| {
            let mut entry = entry.unwrap();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            (entry.path().unwrap().display().to_string(), (entry.header().mode().unwrap(), bytes))
        };
        tar.entries().unwrap().map(read).collect()
    }

    #[test]
    fn an_archive_names_its_layer_and_that_has_the_files() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("program"), "text").unwrap();
        let image = Image {
            name: "sample:dev",
            entrypoint: &["/opt/program"],
            user: USER,
            files: vec![(folder.path().join("program"), PathBuf::from("/opt/program"))],
        };
        let bytes = archive(&image).unwrap();
        assert_eq!(bytes, archive(&image).unwrap());
        let outer = entries(&bytes);
        let manifest: serde_json::Value = serde_json::from_slice(&outer["manifest.json"].1).unwrap();
        assert_eq!(manifest[0]["RepoTags"][0], "sample:dev");
        let layer = &outer[manifest[0]["Layers"][0].as_str().unwrap()].1;
        let config: serde_json::Value =
            serde_json::from_slice(&outer[manifest[0]["Config"].as_str().unwrap()].1).unwrap();
        assert_eq!(config["rootfs"]["diff_ids"][0], format!("sha256:{}", digest(layer)));
        assert_eq!(config["config"]["User"], USER);
        let inner = entries(layer);
        assert_eq!(inner["opt/program"], (0o755, b"text".to_vec()));
        assert_eq!(inner["tmp/"].0, 0o1777);
        assert!(inner.contains_key("opt/"));
    }

    #[test]
    fn the_libraries_of_a_dynamic_program_are_files() {
        let libraries = shared_libraries(&std::env::current_exe().unwrap()).unwrap();
        assert!(libraries.iter().any(|path| path.display().to_string().contains("libc.so")), "{libraries:?}");
        assert!(libraries.iter().all(|path| path.is_file()), "{libraries:?}");
    }

    #[test]
    fn what_the_kernel_brings_is_no_file_and_what_is_missing_is_an_error() {
        assert!(library("linux-vdso.so.1 (0x00007ffd)").is_none());
        assert!(library("libnone.so => not found").unwrap().is_err());
        assert_eq!(
            library("\t/lib64/ld-linux-x86-64.so.2 (0x0)").unwrap().unwrap(),
            Path::new("/lib64/ld-linux-x86-64.so.2")
        );
    }
}
