//! What a terminal gets: colour where it is wanted, and what is drawn over again, within its width and taken away at the end.

use std::num::NonZero;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use assert_cmd::cargo::cargo_bin;
use serde_json::Value;

use crate::probe::Sample;

const COLUMNS: NonZero<u16> = NonZero::new(40).unwrap();
const ROWS: NonZero<u16> = NonZero::new(24).unwrap();

/// What `segue ARGUMENTS` sends to a terminal of that size; its results go to a file.
fn sent(arguments: &str, results: &Path, variables: &[(&str, &str)]) -> Vec<u8> {
    let segue = cargo_bin!("segue").display();
    let line = format!("stty cols {COLUMNS} rows {ROWS}; '{segue}' {arguments} > '{}'", results.display());
    let mut script = Command::new("script");
    script.args(["-qec", &line, "/dev/null"]).stdin(Stdio::null());
    for name in ["NO_COLOR", "CLICOLOR_FORCE", "COLUMNS"] {
        script.env_remove(name);
    }
    script.env("TERM", "xterm").envs(variables.iter().copied()).output().unwrap().stdout
}

/// What stands on the terminal in the end.
fn shown(sent: &[u8]) -> String {
    let mut terminal = vt100::Parser::new(ROWS, COLUMNS, 0);
    terminal.process(sent);
    terminal.screen().contents()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_terminal_gets_colour_unless_it_is_unwanted_or_the_terminal_cannot() {
    let folder = tempfile::tempdir().unwrap();
    let error = |flags: &str, variables: &[(&str, &str)]| {
        let place = folder.path().display();
        text(&sent(&format!("{flags} down --state-dir '{place}'"), Path::new("/dev/null"), variables))
    };
    assert!(error("", &[]).contains("\u{1b}[1;31merror:\u{1b}[0m "));
    for plain in [
        error("", &[("NO_COLOR", "1")]),
        error("", &[("TERM", "dumb")]),
        error("--color never", &[("CLICOLOR_FORCE", "1")]),
    ] {
        assert!(plain.contains("error: ") && !plain.contains('\u{1b}'), "{plain}");
    }
}

#[test]
fn the_line_of_a_load_is_cut_to_the_terminal_and_taken_away() {
    let sample = Sample::start();
    let load = format!("probe http://{}/ --rate 20 --duration 1s", sample.address);
    let sent = sent(&load, Path::new("/dev/null"), &[]);
    assert!(text(&sent).contains(" ok  0 dropped"), "{}", text(&sent));
    assert_eq!(shown(&sent), "", "{}", text(&sent));
}

#[test]
fn a_dumb_terminal_and_a_file_get_no_line_that_is_drawn_over() {
    let sample = Sample::start();
    let load = format!("probe http://{}/ --rate 20 --duration 1s", sample.address);
    assert_eq!(text(&sent(&load, Path::new("/dev/null"), &[("TERM", "dumb")])), "");
    let output = Command::new(cargo_bin!("segue")).args(load.split(' ')).output().unwrap();
    assert_eq!(text(&output.stderr), "");
}

/// A service of two samples under `segue up`; all of it ended when dropped.
struct Service {
    folder: tempfile::TempDir,
    up: Child,
}

impl Service {
    fn up() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listen = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let segue = cargo_bin!("segue").display();
        for version in ["v1", "v2"] {
            let spec = format!(
                "name: web\nlisten: {listen}\nreplicas: 2\nversion: {version}\nready: {{http: /health}}\n\
                 command: ['{segue}', sample, --port, $PORT, --version, {version}]\n"
            );
            std::fs::write(folder.path().join(version), spec).unwrap();
        }
        let up = segue_in(&folder, "up").arg("-f").arg(folder.path().join("v1")).spawn().unwrap();
        let service = Self { folder, up };
        // Each look takes some milliseconds.
        for _ in 0..5000 {
            let mut status = segue_in(&service.folder, "status");
            let output = status.args(["web", "-o", "json"]).stdout(Stdio::piped()).output().unwrap();
            let status: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
            if status["serving"] == 2 {
                return service;
            }
        }
        panic!("the service does not serve");
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = segue_in(&self.folder, "down").status();
        let _ = self.up.wait();
    }
}

fn segue_in(folder: &tempfile::TempDir, command: &str) -> Command {
    let mut segue = Command::new(cargo_bin!("segue"));
    segue.arg(command).arg("--state-dir").arg(folder.path().join("state"));
    segue.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    segue
}

#[test]
fn the_view_of_a_deploy_is_drawn_over_again_and_only_what_happened_stays() {
    let service = Service::up();
    let folder = service.folder.path();
    let results = folder.join("results");
    let deploy = format!("deploy --state-dir '{0}/state' -f '{0}/v2'", folder.display());
    let sent = sent(&deploy, &results, &[]);
    assert!(std::fs::read_to_string(results).unwrap().contains("done in"), "{}", text(&sent));
    assert!(text(&sent).contains("INSTANCE  STATE"), "{}", text(&sent));
    let shown = shown(&sent);
    assert!(!shown.contains("INSTANCE"), "{shown}");
    assert!(shown.contains("v2  serving"), "{shown}");
}

#[test]
fn what_inject_says_is_laid_out_for_the_terminal_and_no_word_is_broken() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("app.yaml");
    std::fs::write(
        &file,
        format!("{0}---\n{1}", crate::inject::both(), crate::inject::WEB.replace("web", "api")),
    )
    .unwrap();
    let sent = text(&sent(&format!("inject '{}'", file.display()), Path::new("/dev/null"), &[]));
    let said: Vec<&str> = sent.lines().take_while(|line| !line.starts_with("injected: ")).collect();
    let wide = |line: &&&str| line.chars().count() > usize::from(COLUMNS.get());
    assert_eq!(said.iter().find(wide), None, "{sent}");
    let words = said.join(" ");
    let words: Vec<&str> = words.split_whitespace().collect();
    let sentence = "the first rollout after this still removes pods without the agent: bridge it by rolling out such a temporary sleep \
                    before (Kubernetes 1.30 and later), or accept it Deployment web, Deployment api";
    assert!(words.join(" ").contains(sentence), "{sent}");
}
