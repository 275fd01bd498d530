//! Folders as people have them.

use std::fs;
use std::path::{Path, PathBuf};

use super::{File, FilesError, read, refuse_kustomize};

const DEPLOYMENT: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n";

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn reads(folder: &Path, inputs: &[&str]) -> Result<Vec<File>, FilesError> {
    let inputs: Vec<PathBuf> = inputs.iter().map(|input| folder.join(input)).collect();
    refuse_kustomize(&inputs)?;
    read(&inputs, || Ok(Vec::new()))
}

/// What is refused, and why; the temporary folder's own name left out.
fn refused(folder: &Path, inputs: &[&str]) -> String {
    let error = reads(folder, inputs).expect_err("it was read").to_string();
    error.replace(&format!("{}/", folder.display()), "")
}

fn tree(kustomization: &str) -> tempfile::TempDir {
    folder(&[
        (".git/config", ""),
        ("base/deploy.yaml", DEPLOYMENT),
        ("base/kustomization.yaml", "resources: [deploy.yaml]\n"),
        ("over/prod/kustomization.yaml", kustomization),
        ("over/prod/more/part.yaml", DEPLOYMENT),
        ("over/prod/other.yaml", DEPLOYMENT),
    ])
}

#[test]
fn a_folder_with_a_kustomization_is_refused_with_what_to_render() {
    for name in ["kustomization.yaml", "kustomization.yml", "Kustomization"] {
        let folder = folder(&[
            ("base/deploy.yaml", DEPLOYMENT),
            (&format!("base/{name}"), "resources: [deploy.yaml]\n"),
            (
                &format!("over/prod/{name}"),
                "kind: Kustomization\nresources:\n- ../../base\npatches: [{path: p.yaml}]\n",
            ),
            ("over/prod/p.yaml", DEPLOYMENT),
            ("over/dev/p.yaml", DEPLOYMENT),
            (&format!("over/dev/{name}"), "bases: [../../base/]\ncomponents: [../../part]\n"),
            (&format!("part/{name}"), "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n"),
        ]);
        for input in ["", "over", "over/prod"] {
            let told = refused(folder.path(), &[input]);
            assert!(told.contains(&format!("/{name}) ")) || told.contains(&format!("/{name}):")), "{told}");
            assert!(told.contains("`kubectl kustomize over/prod | segue inject -`"), "{told}");
            assert!(!told.contains("kustomize base"), "what is built on is not applied: {told}");
            assert!(!told.contains("kustomize part"), "{told}");
        }
        assert!(refused(folder.path(), &["base"]).contains("`kubectl kustomize base |"));
    }
}

#[test]
fn another_controllers_object_of_that_name_is_an_object() {
    let flux = "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: apps}\n";
    let folder = folder(&[("kustomization.yaml", flux), ("web.yaml", DEPLOYMENT)]);
    assert_eq!(reads(folder.path(), &[""]).unwrap().len(), 2);
    assert_eq!(reads(folder.path(), &["kustomization.yaml"]).unwrap().len(), 1);
}

#[test]
fn a_file_that_a_kustomization_makes_objects_with_is_refused_alone() {
    for part in [
        "patches: [{path: more/part.yaml, target: {kind: Deployment}}]\n",
        "patches:\n- path: ./more/part.yaml\n- patch: |-\n    - op: remove\n      path: /a\n",
        "patchesStrategicMerge: [more/part.yaml]\n",
        "patchesJson6902: [{target: {kind: Deployment, name: web}, path: more/part.yaml}]\n",
        "replacements: [{path: more/part.yaml}]\n",
        "transformers: [more/part.yaml]\n",
        "generators: [more/part.yaml]\n",
        "configurations: [more/part.yaml]\n",
        "configMapGenerator: [{name: c, files: [more/part.yaml]}]\n",
        "secretGenerator: [{name: c, files: [\"key.yaml=more/part.yaml\"]}]\n",
        "helmCharts: [{name: c, valuesFile: more/part.yaml}]\n",
        "helmCharts: [{name: c, additionalValuesFiles: [more/part.yaml]}]\n",
    ] {
        let folder = tree(part);
        let told = refused(folder.path(), &["over/prod/more/part.yaml"]);
        assert!(told.contains("over/prod/kustomization.yaml"), "{part}: {told}");
        assert!(told.contains("kubectl kustomize"), "{told}");
        assert_eq!(
            reads(folder.path(), &["over/prod/other.yaml", "base/deploy.yaml"]).unwrap().len(),
            2,
            "{part}"
        );
    }
    let folder = tree("resources: [more/part.yaml]\n");
    assert_eq!(reads(folder.path(), &["over/prod/more/part.yaml"]).unwrap().len(), 1);
    let told = refused(folder.path(), &["over/prod/kustomization.yaml"]);
    assert!(told.contains("`kubectl kustomize over/prod | segue inject -`"), "{told}");
}

#[test]
fn nothing_to_read_and_what_can_not_be_read_are_told() {
    let folder = folder(&[("a/readme.md", ""), ("b.yaml", "")]);
    fs::write(folder.path().join("c.yaml"), [0xff, 0xfe, b'a', 0]).unwrap();
    assert!(refused(folder.path(), &["a"]).contains("has no .yaml, .yml or .json file below it"));
    assert!(refused(folder.path(), &["none.yaml"]).starts_with("none.yaml can't be read"));
    assert_eq!(refused(folder.path(), &["c.yaml"]), "c.yaml is not UTF-8: save it as UTF-8");
    assert_eq!(reads(folder.path(), &["b.yaml", "b.yaml"]).unwrap().len(), 1);
    assert!(matches!(read(&["-".into(), "-".into()], || Ok(Vec::new())), Err(FilesError::StdinTwice)));
}

#[test]
fn of_a_folder_every_manifest_is_read_by_name_and_nothing_hidden_or_linked() {
    let names = [
        "b.yaml",
        "a/c.yml",
        "a/b/a.json",
        ".hidden.yaml",
        ".hidden/d.yaml",
        "e.txt",
        "f.yaml.bak",
        "linked/g.yaml",
    ];
    let folder = folder(&names.map(|name| (name, "")));
    let inside = folder.path().join("in");
    fs::create_dir(&inside).unwrap();
    for name in ["a", "b.yaml", ".hidden", ".hidden.yaml", "e.txt", "f.yaml.bak"] {
        fs::rename(folder.path().join(name), inside.join(name)).unwrap();
    }
    std::os::unix::fs::symlink(folder.path().join("linked"), inside.join("linked")).unwrap();
    let read: Vec<_> = reads(folder.path(), &["in"]).unwrap().into_iter().map(|file| file.relative).collect();
    assert_eq!(read, ["a/b/a.json", "a/c.yml", "b.yaml"].map(PathBuf::from));
}

#[test]
fn a_file_and_a_link_to_it_are_one_file() {
    let folder = folder(&[("in/web.yaml", DEPLOYMENT), ("far/db.yaml", DEPLOYMENT)]);
    let inside = folder.path().join("in");
    std::os::unix::fs::symlink("web.yaml", inside.join("also.yaml")).unwrap();
    std::os::unix::fs::symlink("../far/db.yaml", inside.join("db.yaml")).unwrap();
    std::os::unix::fs::symlink("in", folder.path().join("again")).unwrap();
    let relative = |inputs: &[&str]| {
        let files = reads(folder.path(), inputs).unwrap().into_iter();
        files.map(|file| file.relative.display().to_string()).collect::<Vec<_>>()
    };
    assert_eq!(relative(&["in"]), ["also.yaml", "db.yaml"]);
    assert_eq!(relative(&["in/web.yaml", "in", "again", "far"]), ["web.yaml", "db.yaml"]);
}
