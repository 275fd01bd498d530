//! docs/proxy.md against the proxy: what the page names exists, what exists is named, and each has a test that sees it.

use std::collections::BTreeMap;

use crate::{
    breaks_off, clients_misbehave, floods, half_requests, headers, http2, instances_misbehave,
    keeps_connections, limits, makes_room, memory, passes_through, upgrades, withdraws,
};
use segue_proxy::{Limits, PoolConfig, Reason};

const PAGE: &str = include_str!("../../../docs/proxy.md");

/// A test. That it is named here shows that it exists; it runs by itself.
type Test = fn();

/// The limits by their keys: the default as the page tells it, and who sees the effect.
fn limits_and_tests() -> BTreeMap<&'static str, (String, Vec<Test>)> {
    // A limit that is added has to be told here, too.
    let Limits { header_bytes, connections, connect, head, body, answer, idle, answer_buffers, expect } =
        Limits::default();
    let PoolConfig { idle: upstream_idle, idle_connections: _, protocol: _ } = PoolConfig::default();
    assert_eq!((answer_buffers, expect.as_secs()), (256 * 1024 * 1024, 1), "both are told on the page");
    assert!(PAGE.contains("256 MiB of answers") && PAGE.contains("or after 1 s)"));
    let seconds = |duration: std::time::Duration| format!("{} s", duration.as_secs_f32());
    let thousands = format!("{},{:03}", connections / 1000, connections % 1000);
    let answer = answer.map_or("none".to_owned(), seconds);
    let told: [(_, _, Vec<Test>); 8] = [
        (
            "maxConnections",
            thousands,
            vec![
                limits::one_connection_too_many_gets_a_503_and_the_others_go_on,
                limits::over_tls_one_connection_too_many_is_closed,
                makes_room::the_client_that_was_idle_for_longest_is_closed_for_a_new_one,
                makes_room::an_idle_http_2_client_is_sent_away_politely_for_a_new_one,
                makes_room::busy_clients_are_left_alone_and_a_new_one_is_told,
                makes_room::clients_that_never_end_their_heads_take_no_more_than_all_places_and_others_are_told,
                makes_room::without_file_descriptors_idle_clients_make_room,
            ],
        ),
        (
            "headerSize",
            format!("{} KiB", header_bytes / 1024),
            vec![
                limits::a_head_that_is_too_large_gets_a_431,
                http2::a_head_that_is_too_large_gets_a_431_with_its_reason,
                headers::the_number_of_headers_is_no_limit_in_either_direction,
                headers::an_answer_has_a_limit_of_its_own,
                headers::a_request_has_no_more_than_a_hundred_trailers,
            ],
        ),
        (
            "headerTimeout",
            seconds(head),
            vec![
                clients_misbehave::one_that_never_ends_its_head_is_closed,
                half_requests::half_a_head_behind_another_request_counts_as_a_head,
                floods::half_a_head_of_http_2_has_the_same_time_as_one_of_http_1,
                limits::half_a_tls_handshake_counts_as_a_head,
                memory::a_client_that_does_not_take_its_goaway_is_closed_all_the_same,
            ],
        ),
        (
            "bodyTimeout",
            seconds(body),
            vec![
                clients_misbehave::one_that_sends_nothing_of_its_body_gets_a_408,
                http2::a_body_that_stops_coming_gets_a_408,
                clients_misbehave::one_that_never_reads_does_not_hold_its_instance_for_ever,
                http2::a_stream_that_is_never_read_does_not_hold_its_instance_for_ever,
                upgrades::a_client_that_never_reads_its_messages_is_let_go_after_the_limit,
            ],
        ),
        (
            "connectTimeout",
            seconds(connect),
            vec![
                instances_misbehave::one_that_does_not_take_the_connection_is_a_504,
                http2::an_instance_that_is_too_slow_is_a_504,
            ],
        ),
        (
            "answerTimeout",
            answer,
            vec![
                instances_misbehave::one_that_never_answers_is_a_504_where_a_limit_is_set,
                http2::an_instance_that_is_too_slow_is_a_504,
            ],
        ),
        (
            "idleTimeout",
            seconds(idle),
            vec![
                clients_misbehave::one_that_is_idle_for_too_long_is_closed,
                http2::an_idle_connection_is_told_to_go,
                http2::a_connection_with_a_request_is_not_idle_and_pings_do_not_count,
                upgrades::a_silent_websocket_is_not_idle,
            ],
        ),
        (
            "upstreamIdleTimeout",
            seconds(upstream_idle),
            vec![
                keeps_connections::an_idle_connection_is_not_used_past_its_limit,
                keeps_connections::how_long_clients_may_be_idle_is_another_limit,
            ],
        ),
    ];
    told.into_iter().map(|(key, default, tests)| (key, (default, tests))).collect()
}

/// What the page says with "never", and who sees it.
fn promises_and_tests() -> BTreeMap<&'static str, Vec<Test>> {
    let told: [(_, Vec<Test>); 4] = [
        (
            "A request claims its instance in the same atomic step that checks that the instance takes requests: an \
             instance never gets one after its withdrawal.",
            vec![withdraws::no_request_reaches_an_instance_after_withdraw_returned],
        ),
        (
            "Any other request is never sent twice.",
            vec![
                instances_misbehave::one_that_closes_without_an_answer_is_a_502_and_not_asked_twice,
                passes_through::a_request_whose_bytes_never_left_goes_to_another_instance,
            ],
        ),
        (
            "Half of one is never lost, and never taken for another.",
            vec![
                half_requests::a_pipelined_pair_may_rest_at_any_byte,
                half_requests::a_request_may_rest_at_every_byte_in_turn,
                half_requests::a_drain_waits_for_a_head_that_began,
                half_requests::what_is_behind_a_last_answer_is_never_carried_out_and_takes_nothing_away,
            ],
        ),
        (
            "An answer that had begun and can't be finished breaks off visibly: the client never sees a clean end of \
             half a body.",
            vec![
                instances_misbehave::an_answer_that_breaks_off_never_looks_complete,
                http2::a_broken_off_answer_resets_its_stream_only,
                breaks_off::one_that_took_nothing_for_too_long,
                breaks_off::one_whose_instance_is_cut,
                breaks_off::one_that_outlives_the_deadline_of_a_drain,
                breaks_off::one_whose_proxy_is_dropped,
                breaks_off::one_whose_last_bytes_have_not_left,
                breaks_off::one_of_an_instance_that_speaks_http_2,
                breaks_off::one_that_was_upgraded_to_something_unknown_and_is_cut,
            ],
        ),
    ];
    told.into_iter().collect()
}

/// The cells of the rows of the table that has this head.
fn table(head: &str) -> Vec<Vec<&'static str>> {
    let rows = PAGE.split_once(head).unwrap().1.lines().skip(2).take_while(|line| line.starts_with('|'));
    rows.map(|line| line.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

/// The code words of a cell.
fn code(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

#[test]
pub(crate) fn each_limit_is_told_with_its_default_and_has_tests() {
    let limits = limits_and_tests();
    let told: BTreeMap<_, _> = table("| key | default | past it |")
        .into_iter()
        .map(|cells| (code(cells[0]).next().unwrap(), cells[1].to_owned()))
        .collect();
    let are: BTreeMap<_, _> = limits.iter().map(|(key, (default, _))| (*key, default.clone())).collect();
    assert_eq!(told, are);
    assert!(limits.values().all(|(_, tests)| !tests.is_empty()));
}

/// That each comes about is seen by `reasons`, which takes them from the same list.
#[test]
pub(crate) fn each_reason_is_told_with_its_status() {
    let told: BTreeMap<_, _> = table("| status | reason | what happened |")
        .into_iter()
        .flat_map(|cells| code(cells[1]).map(move |reason| (reason, cells[0].parse::<u16>().unwrap())))
        .collect();
    let are: BTreeMap<_, _> =
        Reason::ALL.iter().map(|reason| (reason.as_str(), reason.status().as_u16())).collect();
    assert_eq!(told, are);
}

#[test]
pub(crate) fn each_promise_that_says_never_or_always_has_tests() {
    let text = PAGE.replace("\n- ", "\n\n").replace("\n  ", " ");
    let paragraphs = text.split("\n\n").map(|paragraph| paragraph.replace('\n', " "));
    let mut told: Vec<_> = paragraphs
        .flat_map(|paragraph| {
            let sentences = paragraph.split_inclusive(". ").map(|sentence| sentence.trim().to_owned());
            sentences
                .filter(|sentence| sentence.contains("never") || sentence.contains("always"))
                .collect::<Vec<_>>()
        })
        .collect();
    told.sort_unstable();
    let promises = promises_and_tests();
    assert_eq!(told, promises.keys().copied().collect::<Vec<_>>());
    assert!(promises.values().all(|tests| !tests.is_empty()));
}
