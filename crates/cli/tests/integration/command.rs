//! The frame of the command: exit codes, help, completions, and a reader that goes away.

use std::process::{Command, Stdio};

use assert_cmd::cargo::cargo_bin;

fn segue() -> Command {
    let mut command = Command::new(cargo_bin!("segue"));
    command.env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE").stdin(Stdio::null());
    command
}

#[test]
fn wrong_use_exits_2_and_says_so_on_stderr() {
    for arguments in [&["no-such-command"][..], &["completions"], &["completions", "tcsh"], &[]] {
        let output = segue().args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
        assert!(!output.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn help_and_version_exit_0_on_stdout() {
    for arguments in [&["--help"][..], &["--version"], &["completions", "--help"]] {
        let output = segue().args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert!(!output.stdout.is_empty(), "{arguments:?}");
    }
}

#[test]
fn color_is_used_only_where_it_is_asked_for() {
    let plain = segue().args(["--color", "auto", "--help"]).output().unwrap();
    assert!(!plain.stdout.contains(&0x1b));
    let colored = segue().args(["--color", "always", "--help"]).output().unwrap();
    assert!(colored.stdout.contains(&0x1b));
}

#[test]
fn completions_know_the_commands() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = segue().args(["completions", shell]).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{shell}");
        assert!(String::from_utf8(output.stdout).unwrap().contains("completions"), "{shell}");
    }
}

#[test]
fn state_is_looked_for_where_it_is_said_to_be() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("state").to_string_lossy().into_owned();
    for arguments in [
        &["down"][..],
        &["rollback"],
        &["logs"],
        &["status", "web"],
        &["deploy", "--follow"],
        &["deploy", "--abort"],
    ] {
        let output = segue().args(arguments).args(["--state-dir", &place]).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && said.contains(&place), "{arguments:?}: {said}");
    }
}

#[test]
fn the_demo_knows_one_mode_today() {
    let output = segue().args(["demo", "--mode", "mesh"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("service"));
}

#[test]
fn a_reader_that_goes_away_ends_the_command_without_a_panic() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output =
        segue().args(["completions", "bash"]).stdout(writer).stderr(Stdio::piped()).output().unwrap();
    assert_eq!(output.status.code(), Some(128 + 13));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}
