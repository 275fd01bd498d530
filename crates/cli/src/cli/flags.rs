//! Every flag of every command stands in the docs, and a test sees its effect. A flag without a line here fails.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::CommandFactory;

use super::Cli;

const PROBE: &str = "crates/cli/tests/integration/probe.rs";
const PROBE_FLAGS: &str = "crates/cli/tests/integration/probe_flags.rs";
const COMMAND: &str = "crates/cli/tests/integration/command.rs";
const DEMO: &str = "e2e/tests/demo.rs";
const LEAVES: &str = "e2e/tests/a_client_that_leaves_decides_nothing.rs";
const REFUSES: &str = "e2e/tests/up_refuses_what_is_not_its_own.rs";
const ROLLBACK: &str = "e2e/tests/a_rollback_goes_to_the_last_good_version.rs";
const SCRIPT: &str = "e2e/tests/a_script_can_rely_on_what_is_said.rs";
const SHOWN: &str = "e2e/tests/what_is_asked_for_is_shown.rs";

/// Command, flag, and the test that sees its effect. `inject` has its own.
const SEEN: &[(&str, &str, &str, &str)] = &[
    ("", "color", COMMAND, "color_is_used_only_where_it_is_asked_for"),
    ("up", "file", "e2e/tests/nobody_need_read_what_up_says.rs", "up_goes_on_when_its_outputs_are_closed"),
    (
        "up",
        "replace",
        REFUSES,
        "over_living_instances_of_another_spec_up_is_refused_unless_it_is_to_replace_them",
    ),
    (
        "up",
        "state-dir",
        "e2e/tests/nobody_need_read_what_up_says.rs",
        "up_goes_on_when_its_outputs_are_closed",
    ),
    ("deploy", "file", SCRIPT, "every_instance_has_its_state_and_what_it_waits_for"),
    ("deploy", "follow", LEAVES, "follow_joins_a_deploy_and_returns_its_result"),
    ("deploy", "abort", LEAVES, "abort_takes_a_deploy_back"),
    ("deploy", "dry-run", ROLLBACK, "a_dry_run_says_what_would_be_done_and_does_nothing"),
    ("deploy", "output", SCRIPT, "every_instance_has_its_state_and_what_it_waits_for"),
    ("deploy", "state-dir", COMMAND, "state_is_looked_for_where_it_is_said_to_be"),
    ("rollback", "output", ROLLBACK, "a_rollback_passes_over_what_never_worked"),
    ("rollback", "state-dir", COMMAND, "state_is_looked_for_where_it_is_said_to_be"),
    ("status", "output", SHOWN, "a_watched_status_is_shown_again_whenever_it_changes"),
    ("status", "watch", SHOWN, "a_watched_status_is_shown_again_whenever_it_changes"),
    ("status", "state-dir", COMMAND, "state_is_looked_for_where_it_is_said_to_be"),
    ("logs", "follow", "e2e/tests/no_line_is_lost.rs", "over_rotations_and_a_killed_up"),
    ("logs", "instance", SHOWN, "logs_of_one_instance_and_their_last_lines"),
    ("logs", "lines", SHOWN, "logs_of_one_instance_and_their_last_lines"),
    ("logs", "state-dir", COMMAND, "state_is_looked_for_where_it_is_said_to_be"),
    ("down", "state-dir", COMMAND, "state_is_looked_for_where_it_is_said_to_be"),
    ("demo", "output", DEMO, "the_usual_recipes_drop_requests_and_segue_drops_none"),
    ("demo", "mode", COMMAND, "the_demo_knows_one_mode_today"),
    ("demo", "plot", DEMO, "the_usual_recipes_drop_requests_and_segue_drops_none"),
    ("probe", "rate", PROBE, "the_json_has_every_key_that_scripts_rely_on"),
    ("probe", "duration", PROBE, "the_json_has_every_key_that_scripts_rely_on"),
    ("probe", "method", PROBE_FLAGS, "method_headers_and_body_are_sent_as_asked_for"),
    ("probe", "header", PROBE_FLAGS, "method_headers_and_body_are_sent_as_asked_for"),
    ("probe", "body-size", PROBE_FLAGS, "method_headers_and_body_are_sent_as_asked_for"),
    ("probe", "expect", PROBE, "an_answer_that_is_not_the_echo_is_a_drop"),
    ("probe", "numbered", PROBE_FLAGS, "numbered_requests_carry_their_number"),
    ("probe", "http2", PROBE, "http2_and_websockets_are_spoken"),
    ("probe", "websocket", PROBE, "http2_and_websockets_are_spoken"),
    ("probe", "think", PROBE_FLAGS, "think_spreads_the_upload_over_its_time"),
    ("probe", "connections", PROBE_FLAGS, "connections_are_kept_fresh_or_by_turns"),
    ("probe", "pool", PROBE_FLAGS, "so_many_connections_are_held_at_the_least"),
    ("probe", "timeout", PROBE_FLAGS, "what_is_not_answered_in_time_is_dropped"),
    ("probe", "connect-timeout", PROBE_FLAGS, "a_connection_that_does_not_open_in_time_is_a_drop"),
    ("probe", "version-header", PROBE_FLAGS, "the_version_is_read_from_the_header_that_is_named"),
    (
        "probe",
        "ca",
        PROBE_FLAGS,
        "a_certificate_is_trusted_by_its_file_or_not_looked_at_and_a_refusal_names_its_cause",
    ),
    (
        "probe",
        "insecure",
        PROBE_FLAGS,
        "a_certificate_is_trusted_by_its_file_or_not_looked_at_and_a_refusal_names_its_cause",
    ),
    ("probe", "max-in-flight", PROBE_FLAGS, "more_than_may_be_in_flight_is_not_sent_and_the_run_is_invalid"),
    ("probe", "threads", PROBE_FLAGS, "as_many_threads_send_as_asked_for"),
    ("probe", "plot", PROBE, "the_picture_and_the_records_are_written"),
    ("probe", "records", PROBE, "the_picture_and_the_records_are_written"),
    ("probe", "output", PROBE, "the_json_has_every_key_that_scripts_rely_on"),
];

/// Where the flags of a command are told to users.
fn page(command: &str) -> &'static str {
    match command {
        "probe" => "docs/probe.md",
        "demo" => "docs/demo.md",
        _ => "docs/one-machine.md",
    }
}

fn read(file: &str) -> String {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(file);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every flag that users are shown, with its one letter, if it has one.
fn flags() -> Vec<(String, String, Option<char>)> {
    let mut cli = Cli::command();
    cli.build();
    let of = |name: &str, command: &clap::Command| -> Vec<(String, String, Option<char>)> {
        let args = command
            .get_arguments()
            .filter(|arg| !arg.is_hide_set() && (name.is_empty() || !arg.is_global_set()));
        let flags =
            args.filter_map(|arg| Some((name.to_owned(), arg.get_long()?.to_owned(), arg.get_short())));
        flags.filter(|(_, long, _)| !["help", "version"].contains(&long.as_str())).collect()
    };
    let shown =
        cli.get_subcommands().filter(|command| !command.is_hide_set() && command.get_name() != "inject");
    let mut all = of("", &cli);
    all.extend(shown.flat_map(|command| of(command.get_name(), command)));
    all
}

#[test]
fn every_flag_has_a_test_that_uses_it_and_no_other_is_listed() {
    let listed: BTreeSet<(&str, &str)> = SEEN.iter().map(|(command, flag, ..)| (*command, *flag)).collect();
    let flags = flags();
    let there: BTreeSet<(&str, &str)> =
        flags.iter().map(|(command, long, _)| (command.as_str(), long.as_str())).collect();
    assert_eq!(listed.symmetric_difference(&there).collect::<Vec<_>>(), Vec::<&(&str, &str)>::new());
    assert!(there.len() > 40, "{there:?}");
    for (command, flag, file, test) in SEEN {
        let text = read(file);
        let begin = text.find(&format!("fn {test}(")).unwrap_or_else(|| panic!("{file} has no {test}"));
        let body = &text[begin..][..text[begin..].find("\n}\n").expect("a function's end")];
        let short =
            flags.iter().find(|(own, long, _)| own == command && long == flag).and_then(|(.., short)| *short);
        let used = body.contains(&format!("\"--{flag}\""))
            || short.is_some_and(|short| body.contains(&format!("\"-{short}\"")));
        assert!(used, "{test} does not use --{flag} of `segue {command}`");
    }
}

#[test]
fn every_flag_stands_in_the_docs() {
    let missing: Vec<String> = flags()
        .into_iter()
        .filter(|(command, long, _)| {
            let text = read(page(command));
            let flag = format!("--{long}");
            // As a word: `--connections` is not told by `--connections-something`.
            !text.match_indices(&flag).any(|(at, _)| {
                !text[at + flag.len()..].starts_with(|next: char| next.is_ascii_alphanumeric() || next == '-')
            })
        })
        .map(|(command, long, _)| format!("`segue {command} --{long}` in {}", page(&command)))
        .collect();
    assert!(missing.is_empty(), "not told: {missing:#?}");
}
