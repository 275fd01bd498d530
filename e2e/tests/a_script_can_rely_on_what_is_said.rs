//! JSON, exit codes, help, colour, pipes: what stands around a command.

use std::process::{Command, Stdio};

use segue_e2e::service::NAME;
use segue_e2e::{Client, Sample, Service, segue, wait};
use serde_json::Value;

#[test]
fn every_instance_has_its_state_and_what_it_waits_for() {
    let slow = Sample { flags: &["--rude", "--start-delay", "500ms"], replicas: 2, ..Sample::default() };
    let service = Service::start(&slow);
    let spec = service.spec(&Sample { version: "v2", ..slow });
    let mut deploy = service.place.start(&["deploy", "-f", &spec, "-o", "json"]);
    let (mut waits, mut seen) = (0, std::collections::BTreeSet::new());
    while deploy.status().is_none() {
        let status = service.status();
        for instance in status.instances() {
            seen.insert(instance.state().to_owned());
            assert!(!instance.state().is_empty() && !instance.id().is_empty(), "{:#}", instance.0);
            assert!(["v1", "v2"].contains(&instance.version()), "{:#}", instance.0);
            assert!(instance.0["stages"].is_array(), "{:#}", instance.0);
            waits += usize::from(assert_wait(&instance.0, !instance.serves() && instance.state() != "ended"));
        }
        if status.deploying() {
            assert_eq!(status.0["deploy"]["to"], "v2");
        }
    }
    assert!(waits > 5, "hardly a wait was seen: {seen:?}");
    assert!(seen.contains("starting") && seen.contains("serving"), "{seen:?}");

    let ended = deploy.ended();
    ended.assert_code(0);
    // One value on stdout, whatever went over stderr.
    let report = ended.json();
    for (key, value) in [("name", NAME), ("from", "v1"), ("to", "v2"), ("ended", "reached")] {
        assert_eq!(report[key], value, "{report:#}");
    }
    assert_eq!(report["cut"], 0, "{report:#}");

    let bad =
        service.spec(&Sample { version: "v3", flags: &["--exit-at-once"], progress_deadline: "5s", ..slow });
    let ended = service.place.run(&["deploy", "-f", &bad, "-o", "json"]);
    ended.assert_code(1);
    let report = ended.json();
    assert_eq!(report["ended"], "went-back", "{report:#}");
    assert!(report["why"].as_str().is_some_and(|why| !why.is_empty()), "{report:#}");
}

/// Whether there is a wait; if so, with all that belongs to it.
#[track_caller]
fn assert_wait(value: &Value, must: bool) -> bool {
    let waits = value.get("why").is_some();
    assert!(waits || !must, "no word why: {value:#}");
    if waits {
        assert!(value["why"].as_str().is_some_and(|why| !why.is_empty()), "{value:#}");
        assert!(value["since"].as_str().is_some_and(|since| since.starts_with("20")), "{value:#}");
        for key in ["until", "setting"] {
            let told = value.get(key).unwrap_or_else(|| panic!("no {key}: {value:#}"));
            assert!(told.is_string() || told.is_null(), "{key}: {value:#}");
        }
    }
    waits
}

#[test]
fn an_instance_that_leaves_says_whether_evidence_or_a_bound_ended_each_stage() {
    let service = Service::start(&Sample { replicas: 1, ..Sample::default() });
    let mut client = Client::connect(service.listen);
    client.get("/sleep?ms=4000");
    service.until("it is in flight", |status| status.0["proxy"]["in_flight"] == 1);
    let mut deploy = service.begin_deploy(&Sample { version: "v2", replicas: 1, ..Sample::default() });
    let status = service.until("one drains", |status| {
        status.instances().iter().any(|one| one.state() == "draining" && one.0["why"] != Value::Null)
    });
    let leaving = status.instances().into_iter().find(|one| one.state() == "draining").unwrap();
    let left = serde_json::json!([{"path": "proxy", "stage": null, "by": "evidence", "after": 0}]);
    assert_eq!(leaving.0["stages"], left, "the proxy's own withdrawal is evidence");
    service.place.run(&["status"]).assert_says(&["path proxy over by evidence"]);
    assert_eq!(client.answer().status, 200);
    deploy.ended_within(wait::LONG).assert_code(0);
}

#[test]
fn status_tells_no_from_wrong() {
    let service = Service::start(&Sample { replicas: 1, ..Sample::default() });
    service.place.run(&["status"]).assert_code(0);
    service.place.run(&["status", NAME]).assert_code(0);
    let unknown = service.place.run(&["status", "wbe"]);
    assert!(matches!(unknown.code(), 1 | 2), "{unknown:?}");
    unknown.assert_says(&["wbe", NAME]);
    service.place.run(&["status", "-o", "yaml"]).assert_code(2);
    service.place.run(&["deploy"]).assert_code(2);
    service.place.run(&["deploy", "-f", "x", "--follow"]).assert_code(2);
    service.place.run(&["deploy", "--abort", "--follow"]).assert_code(2);
    service.place.run(&["up"]).assert_code(2);
    service.assert_settled("v1", 1);
}

#[test]
fn the_help_of_every_command_fits_eighty_columns() {
    let names = command_names();
    for name in
        ["up", "deploy", "rollback", "status", "logs", "down", "schema", "probe", "demo", "completions"]
    {
        assert!(names.iter().any(|known| known == name), "no {name} among {names:?}");
    }
    for name in names {
        for flag in ["--help", "-h"] {
            let (code, stdout, stderr) = said(&[&name, flag], &[("COLUMNS", "80")]);
            assert_eq!((code, stderr.as_str()), (Some(0), ""), "{name} {flag}");
            let wide: Vec<&str> = stdout.lines().filter(|line| line.chars().count() > 80).collect();
            assert!(wide.is_empty(), "{name} {flag}: {wide:#?}");
            assert!(!stdout.contains("Arguments for"), "{name}");
        }
    }
}

#[test]
fn a_mistyped_flag_or_command_is_told_with_the_nearest() {
    for (line, nearest) in [
        (vec!["status", "--wacth"], "--watch"),
        (vec!["deploy", "--dryrun"], "--dry-run"),
        (vec!["up", "--replcae"], "--replace"),
        (vec!["stauts"], "status"),
        (vec!["deplyo"], "deploy"),
    ] {
        let (code, stdout, stderr) = said(&line, &[]);
        assert_eq!(code, Some(2), "{line:?}: {stderr}");
        assert!(stderr.contains(nearest), "{line:?}: {stderr}");
        assert_eq!(stdout, "", "{line:?}");
    }
}

#[test]
fn no_color_is_honoured_and_a_pipe_gets_none() {
    let service = Service::start(&Sample { replicas: 1, ..Sample::default() });
    let state_dir = service.place.state_dir().to_string_lossy().into_owned();
    let broken = service.place.write("broken.yaml", "name: web\n").to_string_lossy().into_owned();
    let commands: [&[&str]; 4] = [
        &["status", "--state-dir", &state_dir],
        &["deploy", "-f", &broken, "--state-dir", &state_dir],
        &["--help"],
        &["status", "--wrong"],
    ];
    for line in commands {
        for variables in [&[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")][..], &[("NO_COLOR", "1")], &[]] {
            let (_, stdout, stderr) = said(line, variables);
            assert!(!stdout.contains('\u{1b}') && !stderr.contains('\u{1b}'), "{line:?} {variables:?}");
        }
    }
    // Or else the above would hold for a command that knows no colour at all.
    for line in &commands[..2] {
        let mut forced = vec!["--color", "always"];
        forced.extend_from_slice(line);
        let (_, stdout, stderr) = said(&forced, &[]);
        assert!(stdout.contains('\u{1b}') || stderr.contains('\u{1b}'), "{line:?}\n{stdout}{stderr}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_panic() {
    let service = Service::start(&Sample { replicas: 2, ..Sample::default() });
    let commands: [&[&str]; 9] = [
        &["status"],
        &["status", "-o", "json"],
        &["status", "--watch"],
        &["logs"],
        &["logs", "-f"],
        &["schema"],
        &["completions", "bash"],
        &["--help"],
        &["deploy", "--help"],
    ];
    for line in commands {
        let mut command = Command::new(segue());
        command.args(line).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if ["status", "logs"].contains(&line[0]) {
            command.arg("--state-dir").arg(service.place.state_dir());
        }
        let mut child = command.spawn().unwrap();
        drop(child.stdout.take());
        // `logs -f` only notices with the next line.
        let mut more = 0;
        let status = segue_e2e::wait::until(&format!("{line:?} ends"), segue_e2e::wait::LONG, || {
            if line == ["logs", "-f"] && more < 1 {
                more += 1;
                service.deploy(&Sample { version: "v2", replicas: 2, ..Sample::default() }).assert_code(0);
            }
            child.try_wait().unwrap().ok_or_else(|| "it runs".to_owned())
        });
        let mut stderr = String::new();
        std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut stderr).unwrap();
        assert!(!stderr.contains("panicked"), "{line:?}: {stderr}");
        assert!(!matches!(status.code(), Some(101 | 2)), "{line:?}: {status}: {stderr}");
    }
}

/// The commands that `segue --help` lists.
fn command_names() -> Vec<String> {
    let (_, help, _) = said(&["--help"], &[]);
    let commands = help.split("Commands:").nth(1).expect("a list of commands");
    let list = commands.lines().skip(1).take_while(|line| !line.is_empty());
    let names = list.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    names
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}

/// Exit code, stdout and stderr of a command, with nothing of this process's environment about colour or width.
fn said(arguments: &[&str], variables: &[(&str, &str)]) -> (Option<i32>, String, String) {
    let mut command = Command::new(segue());
    command.args(arguments).stdin(Stdio::null());
    for name in ["NO_COLOR", "CLICOLOR_FORCE", "COLUMNS"] {
        command.env_remove(name);
    }
    command.envs(variables.iter().copied());
    let output = command.output().expect("the binary under test runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}
