//! What `segue inject` reads, and what it leaves alone.

use std::fs;

use crate::inject::{SERVICE, WEB, both, inject, printed, text};

const PATCH: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {template: {spec: {terminationGracePeriodSeconds: 9}}}
";

#[test]
fn what_kustomize_makes_objects_with_is_refused_with_the_command_that_renders_it() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [
        ("base/web.yaml", both()),
        ("base/kustomization.yaml", "resources: [web.yaml]\n".to_owned()),
        ("prod/patch.yaml", PATCH.to_owned()),
        ("prod/kustomization.yaml", "resources: [../base]\npatches: [{path: patch.yaml}]\n".to_owned()),
    ] {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    for arguments in [
        &["."][..],
        &["--write", "."],
        &["--out", "out", "prod"],
        &["prod/patch.yaml"],
        &["base/web.yaml", "prod"],
    ] {
        let output = inject(folder.path(), arguments, None);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let said = text(&output.stderr);
        assert!(said.contains("prod | segue inject -`"), "{arguments:?}: {said}");
        assert_eq!(text(&output.stdout), "");
        assert!(!folder.path().join("out").exists());
        assert_eq!(fs::read_to_string(folder.path().join("base/web.yaml")).unwrap(), both());
    }
    // A whole object named by itself is the user's word; and what was injected can be taken out.
    printed(&inject(folder.path(), &["--write", "base/web.yaml"], None));
    assert_ne!(fs::read_to_string(folder.path().join("base/web.yaml")).unwrap(), both());
    printed(&inject(folder.path(), &["--undo", "--write", "."], None));
    assert_eq!(fs::read_to_string(folder.path().join("base/web.yaml")).unwrap(), both());
}

#[test]
fn a_part_of_a_workload_on_stdin_is_left_alone_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let output = inject(folder.path(), &["-"], Some(PATCH));
    let said = text(&output.stderr);
    assert!(
        said.contains("Deployment web (it has no containers): it is no whole workload")
            && said.contains("kubectl kustomize"),
        "{said}"
    );
    assert_eq!(printed(&output), PATCH);
}

#[test]
fn json_objects_behind_each_other_come_out_behind_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let deployment = r#"{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web"},"spec":{"selector":{"matchLabels":{"app":"web"}},
  "template":{"metadata":{"labels":{"app":"web"}},"spec":{"containers":[{"name":"web","image":"web:1","ports":[{"containerPort":8080}]}]}}}}"#;
    let service = r#"{"apiVersion":"v1","kind":"Service","metadata":{"name":"web"},"spec":{"selector":{"app":"web"},"ports":[{"port":8080}]}}"#;
    for between in ["\n", "", "  \r\n"] {
        let before = format!("{service}{between}{deployment}{between}{service}\n");
        let after = printed(&inject(folder.path(), &["--guard", "-"], Some(&before)));
        assert!(
            after.starts_with(&format!("{service}{between}{{"))
                && after.ends_with(&format!("{between}{service}\n")),
            "{after}"
        );
        assert!(after.contains("segue-agent"));
        assert_eq!(printed(&inject(folder.path(), &["--guard", "-"], Some(&after))), after);
        assert_eq!(printed(&inject(folder.path(), &["--undo", "-"], Some(&after))), before);
    }
    fs::write(folder.path().join("a.json"), format!("{service}\n{service}\n")).unwrap();
    fs::write(folder.path().join("b.yaml"), WEB).unwrap();
    let stream = printed(&inject(folder.path(), &["."], None));
    assert!(stream.starts_with(&format!("{service}\n---\n{service}\n---\n# The shop.")), "{stream}");
}

#[test]
fn a_quoted_text_that_goes_on_further_left_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let command = "          command:\n          - sh\n          - -c\n          - \"exec run \\\n      --id=${HOSTNAME##*-} \\\n  --more\"\n";
    let before = format!("{WEB}{command}---\n{SERVICE}");
    let after = printed(&inject(folder.path(), &["--guard", "-"], Some(&before)));
    assert!(after.contains(command) && after.contains("segue-agent"), "{after}");
    assert_eq!(printed(&inject(folder.path(), &["--undo", "-"], Some(&after))), before);
}

#[test]
fn the_chart_s_test_pod_is_left_alone_and_hinders_no_second_step() {
    let folder = tempfile::tempdir().unwrap();
    let test = "\
apiVersion: v1
kind: Pod
metadata:
  name: \"web-test\"
  labels: {app: web}
  annotations:
    \"helm.sh/hook\": test
spec:
  containers: [{name: wget, image: busybox, command: [wget]}]   # once
  restartPolicy: Never
";
    let before = format!("{WEB}---\n{}---\n{test}", SERVICE.replace("http", "8080"));
    let output = inject(folder.path(), &["--guard", "-"], Some(&before));
    let said = text(&output.stderr);
    assert_eq!(said.matches("Pod web-test (hook test): it is left alone").count(), 1, "{said}");
    assert_eq!(said.matches("left alone: Pod web-test").count(), 1, "{said}");
    let first = printed(&output);
    assert!(first.ends_with(test), "{first}");
    let second = printed(&inject(folder.path(), &["--second-step", "-"], Some(&first)));
    assert!(second.contains("targetPort: 15080") && second.ends_with(test), "{second}");
}
