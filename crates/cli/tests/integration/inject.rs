//! `segue inject` from outside: exit codes, where files come from and go to, and what is said.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use assert_cmd::cargo::cargo_bin;

pub(crate) const WEB: &str = "\
# The shop.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 4
  selector: {matchLabels: {app: web}}
  template:
    metadata:
      labels: {app: web}   # all of it
    spec:
      containers:
        - name: web
          image: shop/web:1
          ports:
            - name: http
              containerPort: 8080
";

pub(crate) const SERVICE: &str = "\
apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  selector: {app: web}
  ports: [{port: 80, targetPort: http}]
";

pub(crate) fn both() -> String {
    format!("{WEB}---\n{SERVICE}")
}

pub(crate) fn inject(folder: &Path, arguments: &[&str], stdin: Option<&str>) -> Output {
    let mut child = Command::new(cargo_bin!("segue"))
        .arg("inject")
        .args(arguments)
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    if let Some(text) = stdin {
        // What is refused by its flags alone reads nothing.
        let written = input.write_all(text.as_bytes());
        assert!(written.is_ok() || child.wait().unwrap().code() == Some(2));
    }
    drop(input);
    child.wait_with_output().unwrap()
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// What it printed, where it must have done as asked.
pub(crate) fn printed(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    text(&output.stdout)
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("app.yaml"), both()).unwrap();
    folder
}

#[test]
fn a_file_is_printed_with_the_agent_and_everything_else_as_it_was() {
    let folder = folder();
    let output = inject(folder.path(), &["--guard", "app.yaml"], None);
    let notes = text(&output.stderr);
    let after = printed(&output);
    let mut lines = after.lines();
    for line in both().lines().filter(|line| !line.contains("containerPort")) {
        assert!(lines.any(|other| other == line), "`{line}` is gone or has moved");
    }
    assert!(after.contains("containerPort: 15080"));
    assert!(notes.contains("Deployment web (preStop.sleep 15s): the first rollout after this"), "{notes}");
    assert_eq!(fs::read_to_string(folder.path().join("app.yaml")).unwrap(), both(), "the file is left alone");
}

#[test]
fn twice_is_once_and_undo_gives_the_same_bytes() {
    let folder = folder();
    let once = printed(&inject(folder.path(), &["--guard", "app.yaml"], None));
    assert_eq!(printed(&inject(folder.path(), &["--guard", "-"], Some(&once))), once);
    assert_eq!(printed(&inject(folder.path(), &["--undo", "-"], Some(&once))), both());
}

#[test]
fn write_changes_the_files_in_place_and_prints_nothing() {
    let folder = folder();
    assert_eq!(printed(&inject(folder.path(), &["--write", "app.yaml"], None)), "");
    let after = fs::read_to_string(folder.path().join("app.yaml")).unwrap();
    assert!(after.contains("segue-agent"));
    printed(&inject(folder.path(), &["--undo", "--write", "app.yaml"], None));
    assert_eq!(fs::read_to_string(folder.path().join("app.yaml")).unwrap(), both());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
}

#[test]
fn a_folder_is_read_whole_and_written_as_it_stands() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("in/deep")).unwrap();
    fs::write(folder.path().join("in/web.yaml"), WEB).unwrap();
    fs::write(folder.path().join("in/deep/service.yml"), SERVICE).unwrap();
    fs::write(folder.path().join("in/readme.md"), "{{ no yaml }}").unwrap();
    printed(&inject(folder.path(), &["--guard", "in", "--out", "out"], None));
    let web = fs::read_to_string(folder.path().join("out/web.yaml")).unwrap();
    assert!(web.contains("containerPort: 15080"), "the Service in the other file is seen");
    assert_eq!(fs::read_to_string(folder.path().join("out/deep/service.yml")).unwrap(), SERVICE);
    assert!(!folder.path().join("out/readme.md").exists());
    let stream = printed(&inject(folder.path(), &["--guard", "in"], None));
    assert_eq!(stream, format!("{SERVICE}---\n{web}"), "one stream of all files");
}

/// Deployment `db`, which stops every pod before the first new one starts.
pub(crate) fn recreate() -> String {
    WEB.replace("  name: web\nspec:", "  name: db\nspec:\n  strategy: {type: Recreate}")
        .replace("app: web", "app: db")
}

#[test]
fn what_is_refused_stays_as_it_was_and_the_rest_is_injected_with_a_summary_of_both() {
    let job = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: j}\nspec: {template: {spec: {containers: [{name: j, image: j}]}}}\n";
    let input = format!("{}---\n{job}---\n{}", recreate(), both());
    let output = inject(Path::new("/"), &["--guard", "-"], Some(&input));
    let said = text(&output.stderr);
    let after = printed(&output);
    assert!(after.starts_with(&format!("{}---\n{job}---\n", recreate())), "byte by byte: {after}");
    assert!(after.contains("containerPort: 15080") && after.contains("segue-agent"), "{after}");
    let summary = "\
refused: Deployment db, which stays as it was: strategy Recreate stops every pod before the first new one starts: no drain can help
left alone: Job j
injected: Deployment web
1 injected, 1 left alone, 1 refused
";
    assert!(said.ends_with(summary), "{said}");
    assert!(
        said.contains("stdin:7:20") && said.contains("use RollingUpdate"),
        "where, and what would be right: {said}"
    );
    let again = inject(Path::new("/"), &["--guard", "-"], Some(&input));
    assert_eq!(text(&again.stderr), said, "in a stable order");
}

#[test]
fn strict_refuses_all_with_its_line_and_nothing_is_written() {
    let folder = folder();
    fs::write(folder.path().join("db.yaml"), recreate()).unwrap();
    for arguments in
        [&["--strict", "--write", "app.yaml", "db.yaml"][..], &["--strict", "app.yaml", "db.yaml"]]
    {
        let output = inject(folder.path(), arguments, None);
        assert_eq!(output.status.code(), Some(2));
        assert_eq!(text(&output.stdout), "");
        let said = text(&output.stderr);
        assert!(said.contains("db.yaml:7:") && said.contains("strategy Recreate"), "{said}");
        assert_eq!(fs::read_to_string(folder.path().join("app.yaml")).unwrap(), both());
    }
    printed(&inject(folder.path(), &["--write", "app.yaml", "db.yaml"], None));
    assert!(fs::read_to_string(folder.path().join("app.yaml")).unwrap().contains("segue-agent"));
    assert_eq!(fs::read_to_string(folder.path().join("db.yaml")).unwrap(), recreate());
    printed(&inject(folder.path(), &["--strict", "app.yaml"], None));
}

#[test]
fn an_input_of_which_every_workload_is_refused_exits_2_and_nothing_is_written() {
    let folder = folder();
    let windows = WEB.replace("    spec:\n", "    spec:\n      os: {name: windows}\n");
    fs::write(folder.path().join("windows.yaml"), &windows).unwrap();
    fs::write(folder.path().join("db.yaml"), recreate()).unwrap();
    let output = inject(folder.path(), &["--out", "out", "db.yaml", "windows.yaml"], None);
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    assert!(said.contains("windows.yaml:13:") && said.contains("run on Windows"), "{said}");
    assert!(said.contains("db.yaml:7:"), "{said}");
    assert!(!folder.path().join("out").exists());
}

#[test]
fn what_a_service_in_its_second_step_needs_is_not_undone_and_strict_undoes_nothing() {
    let other = recreate().replace("  strategy: {type: Recreate}\n", "");
    let before = format!("{WEB}---\n{}---\n{other}", SERVICE.replace("http", "8080"));
    let second = printed(&inject(Path::new("/"), &["--second-step", "-"], Some(&before)));
    let output = inject(Path::new("/"), &["--undo", "-"], Some(&second));
    let said = text(&output.stderr);
    assert!(printed(&output).ends_with(&format!("---\n{other}")));
    assert!(
        said.contains(
            "refused: Deployment web, which stays as it was: Service web: it sends to the guard by number"
        ),
        "{said}"
    );
    assert!(said.ends_with("taken out: Deployment db\n1 taken out, 1 refused\n"), "{said}");
    assert_eq!(inject(Path::new("/"), &["--undo", "--strict", "-"], Some(&second)).status.code(), Some(2));
}

#[test]
fn every_file_that_can_not_be_read_is_told() {
    let folder = folder();
    fs::write(folder.path().join("chart.yaml"), "name: {{ .Values.name }}\n").unwrap();
    fs::write(folder.path().join("tab.yaml"), "a:\n\tb: 1\n").unwrap();
    let output = inject(folder.path(), &["app.yaml", "chart.yaml", "tab.yaml"], None);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(text(&output.stdout), "");
    let said = text(&output.stderr);
    assert!(said.contains("chart.yaml:1:") && said.contains("helm template"), "{said}");
    assert!(said.contains("tab.yaml:2:"), "{said}");
}

#[test]
fn wrong_use_exits_2_and_says_what_would_be_right() {
    let folder = folder();
    fs::write(folder.path().join("latin1.yaml"), [0xe9, b'\n']).unwrap();
    fs::create_dir_all(folder.path().join("empty/app")).unwrap();
    fs::create_dir_all(folder.path().join("other")).unwrap();
    fs::write(folder.path().join("other/app.yaml"), both()).unwrap();
    for (arguments, words) in [
        (&["--bound", "kubeproxy=3s", "app.yaml"][..], "kube-proxy, dns"),
        (&["--bound", "kube-proxy=3", "app.yaml"], "300ms, 5s"),
        (&["--bound", "kube-proxy", "app.yaml"], "STAGE=D"),
        (&["--longest-request", "25h", "app.yaml"], "longer than a day"),
        (&["--kubernetes-version", "1.28", "app.yaml"], "1.29 or later"),
        (&["--max-connections", "0", "app.yaml"], "1..=1000000"),
        (&["--agent-image", "", "app.yaml"], "REGISTRY/NAME:TAG"),
        (&["--agent-image", "a b", "app.yaml"], "REGISTRY/NAME:TAG"),
        (&["--write", "-"], "--out DIR"),
        (&["-", "-"], "named twice"),
        (&["--write", "--out", "x", "app.yaml"], "cannot be used with"),
        (&["--undo", "--guard", "app.yaml"], "cannot be used with"),
        (&["--undo", "--redirect", "app.yaml"], "cannot be used with"),
        (&["--undo", "--guard", "--redirect", "app.yaml"], "cannot be used with"),
        (&["--redirect", "app.yaml"], "--guard"),
        (&["--redirect", "--second-step", "app.yaml"], "--guard"),
        (&["missing.yaml"], "missing.yaml can't be read"),
        (&["latin1.yaml"], "not UTF-8"),
        (&["empty"], "no .yaml, .yml or .json"),
        (&["--out", "x", "app.yaml", "other/app.yaml"], "two files would be written as app.yaml"),
        (&[], "FILE|DIR|-"),
    ] {
        let output = inject(folder.path(), arguments, None);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert_eq!(text(&output.stdout), "", "{arguments:?}");
        let said = text(&output.stderr);
        assert!(said.contains(words), "{arguments:?}: {said}");
    }
}

#[test]
fn a_file_that_is_named_again_is_read_once() {
    let folder = folder();
    let once = printed(&inject(folder.path(), &["app.yaml"], None));
    for again in [&["app.yaml", "./app.yaml"][..], &[".", "app.yaml"], &["app.yaml", "."]] {
        assert_eq!(printed(&inject(folder.path(), again, None)), once, "{again:?}");
    }
}

#[test]
fn files_are_written_all_or_none() {
    let folder = folder();
    fs::write(folder.path().join("b.yaml"), WEB).unwrap();
    let beside = |name: &str| folder.path().join(name).exists();
    // What would be written beside the second file is there already.
    let taken = |process: u32| folder.path().join(format!(".b.yaml.segue-{process}"));
    let child = Command::new("sh")
        .args(["-c", "touch .b.yaml.segue-$$; exec \"$0\" inject --write app.yaml b.yaml"])
        .arg(cargo_bin!("segue"))
        .current_dir(folder.path())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let process = child.id();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("b.yaml can't be written"), "{}", text(&output.stderr));
    assert_eq!(fs::read_to_string(folder.path().join("app.yaml")).unwrap(), both());
    assert!(!beside(&format!(".app.yaml.segue-{process}")) && taken(process).exists());
}

#[test]
fn a_full_disk_behind_stdout_is_told_as_that() {
    let folder = folder();
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = Command::new(cargo_bin!("segue"))
        .args(["inject", "app.yaml"])
        .current_dir(folder.path())
        .stdout(full)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("stdout can't be written"), "{}", text(&output.stderr));
}

#[test]
fn the_two_steps_of_a_numeric_target_port_and_their_way_back() {
    let folder = tempfile::tempdir().unwrap();
    let before = format!("{WEB}---\n{}", SERVICE.replace("http", "8080"));
    let first = printed(&inject(folder.path(), &["--guard", "-"], Some(&before)));
    assert!(first.contains("targetPort: 8080"));
    let second = printed(&inject(folder.path(), &["--second-step", "-"], Some(&first)));
    assert!(second.contains("targetPort: 15080"));
    let refused = inject(folder.path(), &["--undo", "-"], Some(&second));
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).contains("segue inject --undo --second-step"));
    assert_eq!(printed(&inject(folder.path(), &["--undo", "--second-step", "-"], Some(&second))), first);
    assert_eq!(printed(&inject(folder.path(), &["--undo", "-"], Some(&first))), before);
}

#[test]
fn a_numeric_target_port_in_one_step_that_leaves_the_second_nothing_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let numeric = SERVICE.replace("http", "8080");
    let before = format!("{WEB}---\n{numeric}");
    let output = inject(folder.path(), &["--guard", "--redirect", "-"], Some(&before));
    let said = text(&output.stderr);
    let once = printed(&output);
    assert!(once.ends_with(&numeric), "the Service stays: {once}");
    assert!(once.contains("containerPort: 8080") && once.contains("name: segue-redirect"), "{once}");
    assert!(!said.contains("second-step") && said.contains("led to the guard"), "{said}");
    let second = inject(folder.path(), &["--second-step", "-"], Some(&once));
    let said = text(&second.stderr);
    assert!(said.contains("there is nothing to do"), "{said}");
    assert_eq!(printed(&second), once);
    let both = inject(folder.path(), &["--guard", "--redirect", "--second-step", "-"], Some(&once));
    assert_eq!(both.status.code(), Some(2), "they are two ways");
    assert_eq!(printed(&inject(folder.path(), &["--undo", "-"], Some(&once))), before);
    let without = text(&inject(folder.path(), &["--guard", "-"], Some(&before)).stderr);
    assert!(without.contains("  --redirect would bring the guard"), "{without}");
}

#[test]
fn what_can_not_be_redirected_is_refused_alone() {
    let node = WEB.replace("  name: web\nspec", "  name: node\nspec");
    let node = node.replace("    spec:\n", "    spec:\n      hostNetwork: true\n");
    let output =
        inject(Path::new("/"), &["--guard", "--redirect", "-"], Some(&format!("{node}---\n{}", both())));
    let said = text(&output.stderr);
    assert!(printed(&output).starts_with(&node));
    assert!(said.contains("stdin:13:"), "{said}");
    assert!(
        said.contains("refused: Deployment node, which stays as it was: these pods have the node's network"),
        "{said}"
    );
    assert!(said.ends_with("1 injected, 1 refused\n"), "{said}");
}

#[test]
fn a_list_and_other_documents_pass() {
    let folder = tempfile::tempdir().unwrap();
    let list = format!(
        "# nothing yet\n---\napiVersion: v1\nkind: List\nitems:\n- {}---\na: 1   # no object\n",
        WEB.trim_start_matches("# The shop.\n").lines().fold(String::new(), |list, line| {
            if list.is_empty() { format!("{line}\n") } else { format!("{list}  {line}\n") }
        })
    );
    let after = printed(&inject(folder.path(), &["-"], Some(&list)));
    assert!(after.contains("segue-agent") && after.ends_with("a: 1   # no object\n"), "{after}");
    assert_eq!(printed(&inject(folder.path(), &["--undo", "-"], Some(&after))), list);
}

#[test]
fn an_unknown_kind_alone_is_printed_as_it_was_and_that_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let widget = "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: w}\n";
    let output = inject(folder.path(), &["-"], Some(widget));
    assert!(text(&output.stderr).contains("no workload in the input"));
    assert_eq!(printed(&output), widget);
}

#[test]
fn a_file_that_a_link_beside_it_leads_to_is_written_once_and_the_link_stays_one() {
    let folder = folder();
    for link in ["also.yaml", "zero.yaml"] {
        std::os::unix::fs::symlink("app.yaml", folder.path().join(link)).unwrap();
    }
    assert_eq!(printed(&inject(folder.path(), &["--write", "."], None)), "");
    let after = fs::read_to_string(folder.path().join("app.yaml")).unwrap();
    assert_eq!(after.matches("- name: segue-agent").count(), 1, "{after}");
    for link in ["also.yaml", "zero.yaml"] {
        assert!(folder.path().join(link).is_symlink(), "{link}");
    }
    assert!(!folder.path().join("app.yaml").is_symlink());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3, "nothing is left beside them");
    printed(&inject(folder.path(), &["--undo", "--write", "."], None));
    assert_eq!(fs::read_to_string(folder.path().join("app.yaml")).unwrap(), both());
}
