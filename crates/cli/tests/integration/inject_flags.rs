//! Every flag of `segue inject` stands in the table of docs/inject.md, and is seen to do what it says there.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use assert_cmd::cargo::cargo_bin;

use crate::inject::{SERVICE, WEB, both, inject, printed, recreate, text};

/// A flag, and what shows that it has its effect. `Err` says what was seen instead.
type Case = (&'static str, fn(&Path) -> Result<(), String>);

const CASES: &[Case] = &[
    ("--guard", |_| differs(&both(), &["--guard"], "containerPort: 15080")),
    ("--redirect", |_| {
        differs(&both(), &["--guard", "--redirect"], "8080:15180")?;
        differs(&numeric(), &["--guard", "--redirect"], "name: segue-redirect")
    }),
    ("--agent-image", |_| {
        differs(&both(), &["--agent-image", "registry/agent:2"], "image: registry/agent:2")
    }),
    // 15 s until the last client knows, 2 quiet, 30 a request, 5 idle, 10 to stop, 5 kept free: 67.
    ("--bound", |_| {
        differs(&both(), &["--bound", "kube-proxy=3s"], "terminationGracePeriodSeconds: 55")?;
        differs(&both(), &["--bound", "kube-proxy.join=7s"], "minReadySeconds: 7")?;
        differs(&both(), &["--bound", "kube-proxy.leave=5s"], "terminationGracePeriodSeconds: 57")
    }),
    ("--longest-request", |_| {
        differs(&both(), &["--longest-request", "1m"], "terminationGracePeriodSeconds: 97")
    }),
    ("--stop-time", |_| differs(&both(), &["--stop-time", "20s"], "terminationGracePeriodSeconds: 77")),
    ("--idle-after", |_| {
        differs(&both(), &["--idle-after", "10s"], "terminationGracePeriodSeconds: 72")?;
        differs(&both(), &["--idle-after", "10s"], "\"idle_after\":10000")
    }),
    ("--max-connections", |_| {
        differs(&both(), &["--guard", "--max-connections", "4096"], "memory: 74Mi")?;
        differs(&both(), &["--guard", "--max-connections", "4096"], "\"max_connections\":4096")
    }),
    ("--keep-strategy", |_| {
        differs(&recreate(), &["--keep-strategy"], "segue-agent")?;
        let kept = printed(&inject(Path::new("/"), &["--keep-strategy", "-"], Some(&both())));
        if kept.contains("maxUnavailable") { Err(kept) } else { Ok(()) }
    }),
    ("--keep-sleep", |_| differs(&sleeping(), &["--keep-sleep"], "--sleep")),
    ("--kubernetes-version", |_| {
        let said = |version| inject(Path::new("/"), &["--kubernetes-version", version, "-"], Some(&both()));
        let (old, new) = (said("1.28"), said("1.31"));
        let asks = text(&new.stderr).contains("needs Kubernetes 1.29");
        if old.status.code() == Some(2) && new.status.code() == Some(0) && !asks {
            Ok(())
        } else {
            Err(text(&old.stderr))
        }
    }),
    ("--second-step", |_| differs(&numeric(), &["--second-step"], "targetPort: 15080")),
    ("--undo", |_| {
        let injected = printed(&inject(Path::new("/"), &["-"], Some(&both())));
        let undone = printed(&inject(Path::new("/"), &["--undo", "-"], Some(&injected)));
        if undone == both() && injected != both() { Ok(()) } else { Err(undone) }
    }),
    ("--strict", |_| {
        let input = format!("{}---\n{}", recreate(), both());
        let code = |arguments: &[&str]| inject(Path::new("/"), arguments, Some(&input)).status.code();
        let codes = (code(&["-"]), code(&["--strict", "-"]));
        if codes == (Some(0), Some(2)) { Ok(()) } else { Err(format!("{codes:?}")) }
    }),
    ("--write", |folder| {
        let said = printed(&inject(folder, &["--write", "app.yaml"], None));
        let now = fs::read_to_string(folder.join("app.yaml")).unwrap();
        if said.is_empty() && now.contains("segue-agent") { Ok(()) } else { Err(now) }
    }),
    ("--out", |folder| {
        let said = printed(&inject(folder, &["--out", "there", "app.yaml"], None));
        let there = fs::read_to_string(folder.join("there/app.yaml")).unwrap();
        let same = fs::read_to_string(folder.join("app.yaml")).unwrap() == both();
        if said.is_empty() && same && there.contains("segue-agent") { Ok(()) } else { Err(there) }
    }),
    ("--output", |folder| {
        let said = printed(&inject(folder, &["--output", "json", "app.yaml"], None));
        let as_text = printed(&inject(folder, &["--output", "text", "app.yaml"], None));
        let same = as_text == printed(&inject(folder, &["app.yaml"], None));
        if same && said.starts_with('{') && said.contains("\"schema\": 1") { Ok(()) } else { Err(said) }
    }),
];

/// With the flag its output has these words, and without it not.
fn differs(input: &str, flag: &[&str], words: &str) -> Result<(), String> {
    let with = text(&inject(Path::new("/"), &[flag, &["-"]].concat(), Some(input)).stdout);
    // The flag that is tested stands last.
    let others = flag.iter().position(|one| *one == "--guard").filter(|_| flag.len() > 1).map(|_| "--guard");
    let without: Vec<&str> = others.into_iter().chain(["-"]).collect();
    let without = text(&inject(Path::new("/"), &without, Some(input)).stdout);
    if with.contains(words) && !without.contains(words) {
        return Ok(());
    }
    Err(format!("`{words}` in neither or both\nwith:\n{with}\nwithout:\n{without}"))
}

fn sleeping() -> String {
    format!("{WEB}          lifecycle: {{preStop: {{sleep: {{seconds: 9}}}}}}\n---\n{SERVICE}")
}

fn numeric() -> String {
    format!("{WEB}---\n{}", SERVICE.replace("http", "8080"))
}

/// The long flags that a command's help names.
fn flags_of(arguments: &[&str]) -> BTreeSet<String> {
    let output = Command::new(cargo_bin!("segue")).args(arguments).output().unwrap();
    let named = |line: &str| {
        let line = line.trim_start();
        let line = line.split_once(", --").map_or(line, |(_, long)| long).trim_start_matches("--");
        line.split([' ', '\n', '=', '[']).next().map(|name| format!("--{name}"))
    };
    let help = text(&output.stdout);
    help.lines().filter(|line| line.trim_start().starts_with('-')).filter_map(named).collect()
}

#[test]
fn the_table_of_flags_and_the_command_have_the_same_and_each_has_its_effect_shown() {
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/inject.md");
    let document = fs::read_to_string(document).unwrap();
    let (_, table) = document.split_once("\n## Flags\n").unwrap();
    let rows = table.split("\n## ").next().unwrap().lines().filter(|line| line.starts_with("| `--"));
    let cells = rows.filter_map(|row| row.split('|').nth(1));
    let words = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2));
    let told: BTreeSet<String> = words
        .filter_map(|word| word.split(' ').next().map(str::to_owned))
        .filter(|word| word.starts_with("--"))
        .collect();
    let every: BTreeSet<String> = flags_of(&["completions", "--help"]);
    let own: BTreeSet<String> = flags_of(&["inject", "--help"]).difference(&every).cloned().collect();
    assert!(own.contains("--guard") && own.contains("--out"), "{own:?}");
    assert_eq!(told, own, "left: docs/inject.md, right: `segue inject --help`");
    let shown: BTreeSet<String> = CASES.iter().map(|(flag, _)| (*flag).to_owned()).collect();
    assert_eq!(shown, own, "left: the cases here, right: `segue inject --help`");
}

#[test]
fn every_flag_has_its_effect() {
    for (flag, effect) in CASES {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("app.yaml"), both()).unwrap();
        effect(folder.path()).unwrap_or_else(|seen| panic!("{flag}: {seen}"));
    }
}
