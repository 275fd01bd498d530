//! What people read when a spec is wrong, and what a spec comes to when it is right.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use segue_supervisor::duration;
use segue_yaml::{Diagnostics, SourceFile};
use tempfile::TempDir;

use super::load::parse;
use super::surroundings::Surroundings;
use super::user::Accounts;
use super::*;

struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("temp dir");
        for (name, mode) in [("server", 0o755), ("notes.txt", 0o644)] {
            let path = dir.path().join(name);
            std::fs::write(&path, "#!/bin/sh\n").expect("writes");
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("chmod");
        }
        Self(dir)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn load_as(&self, uid: u32, text: &str) -> Result<Loaded, Diagnostics> {
        let surroundings = Surroundings {
            base: self.path().to_owned(),
            path: format!("/nowhere:{}", self.path().display()),
            uid,
            accounts: Accounts {
                passwd: "web:x:33:34::/var/www:/bin/false\n".to_owned(),
                group: "www:x:34:\n".to_owned(),
            },
        };
        parse(&SourceFile::new("shop.yaml", text), &surroundings)
    }

    /// As people see it, the temporary folder's name left out.
    fn refused(&self, text: &str) -> String {
        let found = self.load_as(0, text).expect_err("refused");
        self.readable(&found)
    }

    fn warned(&self, text: &str) -> String {
        let loaded = self.load_as(0, text).map_err(|found| found.render(false)).expect("loads");
        self.readable(&loaded.warnings)
    }

    fn readable(&self, found: &Diagnostics) -> String {
        found.render(false).replace(self.path().to_str().expect("UTF-8"), "/base")
    }
}

/// Every key that there is.
const EVERYTHING: &str = r#"
name: shop-front
listen: ":443"
replicas: 3
command: [server, "$$PORT=${PORT}", 8]
version: 1.10
env: {A: spec, N: 5, T: true}
envFile: app.env
cwd: .
user: web
tls: {cert: pair.pem, key: pair.pem}
ready: {http: /health?full=1, interval: 1s, timeout: 300ms, threshold: 3}
longestRequest: 20s
drainDeadline: 2m
websocketGrace: 5s
stop: {signal: SIGQUIT, grace: 1.5s}
progressDeadline: 1h
strategy: {rolling: {surge: 2, unavailable: 1}}
log: {maxSize: 64KiB, keep: 2}
limits:
  maxConnections: 500
  headerSize: 16KiB
  headerTimeout: 1s
  bodyTimeout: 2s
  connectTimeout: 3s
  answerTimeout: 4s
  idleTimeout: 5s
  upstreamIdleTimeout: 6s
"#;

const LEAST: &str = "listen: 127.0.0.1:8080\ncommand: [./server, --port, $PORT]\n";

#[test]
fn the_least_spec_has_good_defaults() {
    let place = Place::new();
    let spec = place.load_as(1000, LEAST).expect("loads").spec;
    assert_eq!((spec.name.as_str(), spec.replicas.get(), spec.version.len()), ("shop", 1, 8));
    assert_eq!(spec.command.program, place.path().join("server"));
    assert_eq!(spec.command.arguments(4000), ["./server", "--port", "4000"]);
    assert_eq!(spec.cwd, place.path());
    assert_eq!(spec.strategy, Strategy::Rolling { surge: 1, unavailable: 0 });
    assert_eq!(spec.ready.check, Check::Tcp);
    assert_eq!(duration::format(spec.drain_deadline), "1m");
    assert_eq!(duration::format(spec.stop.grace), "30s");
}

#[test]
fn everything_can_be_said() {
    let place = Place::new();
    std::fs::write(place.path().join("app.env"), "A=file\nB=file\nPORT=1\n").expect("writes");
    std::fs::write(place.path().join("pair.pem"), "BEGIN CERTIFICATE BEGIN PRIVATE KEY").expect("writes");

    let loaded = place.load_as(0, EVERYTHING).map_err(|found| found.render(false)).expect("loads");
    assert!(loaded.warnings.is_empty(), "{}", loaded.warnings);
    let value = serde_json::to_string_pretty(&loaded.spec).expect("serialises");
    insta::assert_snapshot!(value.replace(place.path().to_str().expect("UTF-8"), "/base"));
    assert_eq!(serde_json::from_str::<Spec>(&value).expect("reads back"), loaded.spec);
}

#[test]
fn a_launch_has_the_port_the_version_and_the_users_home() {
    let place = Place::new();
    let spec = place
        .load_as(0, &format!("{LEAST}user: web\nversion: v7\nenv: {{HOME: /else}}"))
        .expect("loads")
        .spec;
    let launch = spec.launch("shop-4", 4004);
    assert_eq!(launch.arguments, ["./server", "--port", "4004"]);
    assert_eq!(launch.address().to_string(), "127.0.0.1:4004");
    let env: Vec<(&str, &str)> =
        launch.env.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let expected = [
        ("HOME", "/else"),
        ("LOGNAME", "web"),
        ("PORT", "4004"),
        ("SEGUE_INSTANCE", "shop-4"),
        ("SEGUE_VERSION", "v7"),
        ("USER", "web"),
    ];
    assert_eq!(env, expected);
}

#[test]
fn json_is_read_too() {
    let place = Place::new();
    let spec = place
        .load_as(0, r#"{"listen": "localhost:80", "command": ["server"], "replicas": 2}"#)
        .expect("loads")
        .spec;
    assert_eq!((spec.listen.to_string().as_str(), spec.replicas.get()), ("127.0.0.1:80", 2));
    insta::assert_snapshot!(place.refused("{\n  \"listen\": \":80\",\n  \"comand\": [\"server\"]\n}\n"));
}

#[test]
fn the_version_changes_with_what_is_run_and_with_nothing_else() {
    let place = Place::new();
    let version = |text: &str| place.load_as(0, text).expect("loads").spec.version;
    let least = version(LEAST);
    assert_eq!(version(&format!("{LEAST}replicas: 4\nready: {{http: /}}\n")), least);
    assert_ne!(version(&format!("{LEAST}env: {{A: b}}\n")), least);
    assert_ne!(version(&format!("{LEAST}cwd: /\n")), least);
    assert_ne!(version(&LEAST.replace("--port", "--on")), least);
}

#[test]
fn an_unknown_key_is_told_with_the_nearest_one_and_all_of_them_at_once() {
    insta::assert_snapshot!(Place::new().refused(
        "listen: :8080\ncommand: [server]\nreplica: 2\ndrain_deadline: 5s\nstop:\n  grase: 5s\n  timeout: 3s\nports: 1\n"
    ));
}

#[test]
fn a_missing_key_and_a_value_of_the_wrong_kind_are_told() {
    insta::assert_snapshot!(
        Place::new().refused(
            "command: ./server --port 80\nreplicas: two\nready: /health\nenv: [A]\ntls: {cert: x}\n"
        )
    );
}

#[test]
fn a_wrong_unit_is_told_with_the_units() {
    insta::assert_snapshot!(Place::new().refused(&format!(
        "{LEAST}drainDeadline: 60\nlongestRequest: 5sec\nprogressDeadline: soon\nready: {{interval: 1ms, timeout: 0s}}\nlog: {{maxSize: 10MB, keep: 0}}\n"
    )));
}

#[test]
fn no_replicas_are_refused() {
    insta::assert_snapshot!(Place::new().refused(&format!("{LEAST}replicas: 0\n")));
}

#[test]
fn a_negative_number_is_refused() {
    insta::assert_snapshot!(Place::new().refused(&format!("{LEAST}replicas: -2\n")));
}

#[test]
fn surge_0_with_unavailable_0_is_refused() {
    let text = format!("{LEAST}strategy:\n  rolling:\n    surge: 0\n    unavailable: 0\n");
    insta::assert_snapshot!(Place::new().refused(&text));
}

#[test]
fn a_roll_that_leaves_nobody_serving_is_refused() {
    let text = format!("{LEAST}replicas: 2\nstrategy: {{rolling: {{surge: 0, unavailable: 2}}}}\n");
    insta::assert_snapshot!(Place::new().refused(&text));
}

#[test]
fn a_command_that_cannot_be_run_is_told_with_where_it_was_looked_for() {
    let place = Place::new();
    let missing = place.refused("listen: :80\ncommand: [no-such-program, -v]\n");
    let elsewhere = place.refused("listen: :80\ncommand: [bin/server]\n");
    let not_executable = place.refused("listen: :80\ncommand: [./notes.txt]\n");
    let empty = place.refused("listen: :80\ncommand: []\n");
    insta::assert_snapshot!([missing, elsewhere, not_executable, empty].join("\n\n"));
}

#[test]
fn an_unknown_variable_in_the_command_is_told_with_what_is_allowed() {
    insta::assert_snapshot!(Place::new().refused("listen: :80\ncommand: [server, --home=$HOME, 'a$']\n"));
}

#[test]
fn addresses_names_versions_paths_users_and_files_are_looked_at() {
    insta::assert_snapshot!(Place::new().refused(
        "name: My_Shop\nlisten: example.com:80\ncommand: [server]\nversion: two words\nenv: {PORT: 1, 2X: y}\nenvFile: gone.env\ncwd: gone\n\
         user: ann\ntls: {cert: notes.txt, key: gone.pem}\nready: {http: health}\nstop: {signal: STOP}\n"
    ));
}

#[test]
fn a_wrong_env_file_is_shown_itself() {
    let place = Place::new();
    std::fs::write(place.path().join("app.env"), "A=1\nbroken\n").expect("writes");
    insta::assert_snapshot!(place.refused(&format!("{LEAST}envFile: app.env\n")));
}

#[test]
fn only_root_runs_it_as_another() {
    let place = Place::new();
    let text = format!("{LEAST}user: web\n");
    assert!(place.load_as(33, &text).is_ok());
    let found = place.load_as(1000, &text).expect_err("refused");
    insta::assert_snapshot!(place.readable(&found));
}

#[test]
fn what_is_not_yaml_is_told_where() {
    let place = Place::new();
    let texts = ["listen: [1\n", "listen: :80\nlisten: :81\n", "", "- a\n", "a: b: c\n", "\tlisten: x\n"];
    insta::assert_snapshot!(texts.map(|text| place.refused(text)).join("\n\n"));
}

#[test]
fn what_will_be_cut_is_told_beforehand() {
    insta::assert_snapshot!(Place::new().warned(&format!(
        "{LEAST}longestRequest: 90s\nwebsocketGrace: 2m\nprogressDeadline: 30s\nready: {{tcp: true, interval: 100ms, timeout: 1s}}\n"
    )));
}

#[test]
fn what_ends_just_at_the_deadline_is_not_cut() {
    let text = "drainDeadline: 60s\nlongestRequest: 60s\nwebsocketGrace: 60s\nprogressDeadline: 60s\n";
    let just = format!("{LEAST}{text}ready: {{tcp: true, interval: 100ms, timeout: 100ms}}\n");
    assert_eq!(Place::new().warned(&just), "");
}

#[test]
fn a_file_that_cannot_be_read_is_told() {
    let place = Place::new();
    let error = Spec::load(&place.path().join("gone.yaml")).expect_err("refused");
    insta::assert_snapshot!(place.readable(&error));
}

/// The paths of all keys: `stop`, `stop.grace`; what stands under `env` is not a key of the spec.
fn keys(
    prefix: &str,
    value: &serde_json::Value,
    below: &dyn Fn(&serde_json::Value) -> serde_json::Value,
) -> Vec<String> {
    let mut found = Vec::new();
    for (key, value) in below(value).as_object().into_iter().flatten() {
        let path = format!("{prefix}{key}");
        if path != "env" {
            found.extend(keys(&format!("{path}."), value, below));
        }
        found.push(path);
    }
    found.sort();
    found
}

#[test]
fn the_schema_and_the_parser_know_the_same_keys() {
    let schema = keys("", &schema(), &|value| value.get("properties").cloned().unwrap_or_default());
    let mut text: serde_json::Value = serde_saphyr::from_str(EVERYTHING).expect("reads");
    // The one key that cannot stand beside another.
    text["ready"]["tcp"] = true.into();
    assert_eq!(schema, keys("", &text, &Clone::clone));
}

#[test]
fn the_defaults_in_the_schema_are_the_parsers() {
    fn defaults(schema: &serde_json::Value) -> serde_json::Value {
        if let Some(default) = schema.get("default") {
            return default.clone();
        }
        let properties = schema.get("properties").and_then(serde_json::Value::as_object);
        let found = properties.into_iter().flatten().map(|(key, schema)| (key.clone(), defaults(schema)));
        let found: serde_json::Map<_, _> = found.filter(|(_, value)| !value.is_null()).collect();
        if found.is_empty() { serde_json::Value::Null } else { found.into() }
    }
    let place = Place::new();
    let mut said = defaults(&schema());
    assert_eq!(said.as_object().map(serde_json::Map::len), Some(9));
    said["listen"] = "127.0.0.1:8080".into();
    said["command"] = serde_json::json!(["./server", "--port", "$PORT"]);
    let said = place.load_as(0, &said.to_string()).map_err(|found| found.render(false)).expect("loads").spec;
    assert_eq!(said, place.load_as(0, LEAST).expect("loads").spec);
}

#[test]
fn the_schema_is_as_it_was_published() {
    insta::assert_snapshot!(serde_json::to_string_pretty(&schema()).expect("serialises"));
}

#[test]
fn the_example_is_right() {
    let place = Place::new();
    std::os::unix::fs::symlink("server", place.path().join("python3")).expect("links");
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/one-machine/app.yaml");
    let text = std::fs::read_to_string(example).expect("the example is there");
    let loaded = place.load_as(1000, &text).map_err(|found| found.render(false)).expect("loads");
    assert!(loaded.warnings.is_empty(), "{}", loaded.warnings);
}

#[test]
fn colour_is_used_only_when_asked_for() {
    let found = Place::new().load_as(0, "x: 1\n").expect_err("refused");
    assert!(!found.render(false).contains('\x1b'));
    assert!(found.render(true).contains('\x1b'));
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "[a-z:\\[\\]{}\"'$0-9 \\n\\t*&!|>%@-]{0,60}") {
        let _ = Place::new().load_as(0, &text);
    }
}

#[test]
fn a_mark_and_line_ends_of_other_systems_change_nothing() {
    let place = Place::new();
    let (spec, env) = (place.path().join("shop.yaml"), place.path().join("app.env"));
    let text = "listen: 127.0.0.1:8080\ncommand: [./server]\nenvFile: app.env\n";
    let load = |spec_text: &str, env_text: &str| {
        std::fs::write(&spec, spec_text).expect("writes");
        std::fs::write(&env, env_text).expect("writes");
        Spec::load(&spec).map_err(|found| place.readable(&found)).expect("loads").spec
    };
    let plain = load(text, "A=1\nB=\"2\"\n");
    for mark in ["", "\u{feff}"] {
        for end in ["\n", "\r\n"] {
            let other = |text: &str| mark.to_owned() + &text.replace('\n', end);
            let read = load(&other(text), &other("A=1\nB=\"2\"\n"));
            assert_eq!((&read.env, &read.command), (&plain.env, &plain.command), "{mark:?} {end:?}");
        }
    }
}

#[test]
fn what_is_no_utf_8_is_named_with_its_file() {
    let place = Place::new();
    let (spec, env) = (place.path().join("shop.yaml"), place.path().join("app.env"));
    let text = "listen: 127.0.0.1:8080\ncommand: [./server]\nenvFile: app.env\n";
    let utf16 = |text: &str| {
        [b"\xff\xfe".to_vec(), text.encode_utf16().flat_map(u16::to_le_bytes).collect()].concat()
    };
    let refused = |spec_bytes: &[u8], env_bytes: &[u8]| {
        std::fs::write(&spec, spec_bytes).expect("writes");
        std::fs::write(&env, env_bytes).expect("writes");
        place.readable(&Spec::load(&spec).expect_err("refused"))
    };
    let told = refused(&utf16(text), b"");
    assert!(told.contains("/base/shop.yaml: it is UTF-16 text"), "{told}");
    let told = refused(text.as_bytes(), &utf16("A=1\n"));
    assert!(told.contains("/base/app.env: it is UTF-16 text") && told.contains("shop.yaml:3:"), "{told}");
    let told = refused(text.as_bytes(), b"A=1\nB=caf\xe9\n");
    assert!(told.contains("/base/app.env: it is not UTF-8 text, in line 2"), "{told}");
    let told = refused(b"listen: x\xff\n", b"");
    assert!(told.contains("/base/shop.yaml: it is not UTF-8 text, in line 1"), "{told}");
}

#[test]
fn what_cannot_be_seen_is_shown_and_a_zero_byte_is_refused_where_it_stands() {
    let place = Place::new();
    let told = place.refused(&format!("{LEAST}\"re\u{200b}plicas\": 2\n"));
    assert!(told.contains("unknown key `re\\u{200b}plicas`"), "{told}");
    let told = place.refused("listen: 127.0.0.1:\u{200b}80\ncommand: [./server]\n");
    assert!(told.contains("`127.0.0.1:\\u{200b}80`"), "{told}");
    let told = place.refused("listen: 127.0.0.1:8080\ncommand: [./server, \"a\\0b\"]\n");
    assert!(told.contains("an argument cannot hold a zero byte") && told.contains("shop.yaml:2:"), "{told}");
    let told = place.refused(&format!("{LEAST}env: {{ A: \"a\\0b\" }}\n"));
    assert!(told.contains("cannot hold a zero byte") && told.contains("shop.yaml:3:"), "{told}");
    let told = place.refused(&format!("{LEAST}cwd: \"a\\0b\"\n"));
    assert!(told.contains("a\\0b does not exist"), "{told}");
    let told = place.refused(&format!("{LEAST}# a zero byte: \0\n"));
    assert!(told.contains("shop.yaml:3:"), "{told}");
}

/// The keys below `at` that have a default, with it: `(stop.grace, "30s")`.
fn defaults(schema: &serde_json::Value, at: &[&str], found: &mut Vec<(Vec<String>, serde_json::Value)>) {
    let choices = schema["anyOf"].as_array().into_iter().flatten();
    for schema in std::iter::once(schema).chain(choices) {
        for (key, below) in schema["properties"].as_object().into_iter().flatten() {
            let path = [at, &[key]].concat();
            if let Some(default) = below.get("default").filter(|default| !default.is_null()) {
                found.push((path.iter().map(ToString::to_string).collect(), default.clone()));
            }
            defaults(below, &path, found);
        }
    }
}

#[test]
fn a_default_that_is_written_out_changes_nothing() {
    let place = Place::new();
    let load = |text: &str| place.load_as(0, text).map_err(|found| found.render(false)).expect("loads").spec;
    let mut found = Vec::new();
    defaults(&schema(), &[], &mut found);
    assert!(found.len() > 10, "{found:?}");
    for (path, default) in found {
        let value = path.iter().rev().fold(default, |value, key| serde_json::json!({ key.as_str(): value }));
        let written =
            value.as_object().expect("a map").iter().map(|(key, value)| format!("{key}: {value}\n"));
        let text = format!("{LEAST}{}", written.collect::<String>());
        assert_eq!(load(&text), load(LEAST), "{text}");
    }
}

#[test]
fn each_value_is_held_to_its_bounds_and_to_no_narrower_ones() {
    let place = Place::new();
    std::fs::write(place.path().join("binary.pem"), b"\xff").expect("writes");
    let (longest, too_long) = ("a".repeat(63), "a".repeat(64));
    let right = [
        "name: a-b1",
        &format!("name: {longest}"),
        "ready: {interval: 10ms}",
        "ready: {threshold: 100}",
        "ready: {tcp: true}",
        "ready: {http: \"/\"}",
        "strategy: {rolling: {surge: 1000}}",
        "log: {maxSize: 4KiB}",
        "limits: {headerSize: 1KiB}",
        "drainDeadline: 0s",
        "env: {A_1: x}",
    ];
    for more in right {
        let loaded = place.load_as(0, &format!("{LEAST}{more}\n"));
        assert!(loaded.is_ok(), "{more}: {}", loaded.unwrap_err().render(false));
    }
    let wrong = [
        ("name: -a", "cannot be a service's name"),
        ("name: a-", "cannot be a service's name"),
        ("name: aB", "cannot be a service's name"),
        ("name: a_b", "cannot be a service's name"),
        ("name: \"\"", "cannot be a service's name"),
        (&format!("name: {too_long}"), "cannot be a service's name"),
        ("version: \"\"", "cannot be a version"),
        ("ready: {interval: 9ms}", "too short"),
        ("ready: {threshold: 101}", "`threshold` cannot be 101"),
        ("ready: {tcp: false}", "`tcp: false` says nothing"),
        ("ready: {tcp: true, http: /}", "has both"),
        ("ready: {http: /a b}", "is not a path"),
        ("ready: {http: \"/a#b\"}", "is not a path"),
        ("strategy: {rolling: {surge: 1001}}", "`surge` is too large"),
        ("log: {maxSize: 4095B}", "at least 4KiB"),
        ("limits: {headerSize: 1023B}", "at least 1KiB"),
        ("limits: {bodyTimeout: 0s}", "cannot be 0"),
        ("limits: {maxConnections: 0}", "`maxConnections` cannot be 0"),
        ("progressDeadline: 0s", "cannot be 0"),
        ("drainDeadline: -5", "for example `1m`"),
        ("tls: {cert: binary.pem, key: binary.pem}", "/base/binary.pem: it is not UTF-8 text"),
        ("cwd: server", "is not a folder"),
        ("listen: 127.0.0.1", "the port is missing"),
    ];
    for (more, words) in wrong {
        let text = if more.starts_with("listen") {
            LEAST.replace("listen: 127.0.0.1:8080", more)
        } else {
            format!("{LEAST}{more}\n")
        };
        let told = place.refused(&text);
        assert!(told.contains(words), "{more}: {told}");
    }
}

#[test]
fn a_folder_is_no_spec() {
    let place = Place::new();
    let told = Spec::load(place.path()).expect_err("refused").to_string();
    assert!(told.ends_with("it is a folder"), "{told}");
}
