//! A polite close goes into a head, and nothing else changes.

use proptest::prelude::*;
use segue_wire::http1::{AnswerReader, Front, announce_close};

fn announced(head: &str) -> String {
    let mut out = b"before".to_vec();
    announce_close(head.as_bytes(), &mut out);
    let text = String::from_utf8(out).unwrap();
    text.strip_prefix("before").unwrap().to_owned()
}

#[test]
fn close_is_said_once_and_every_other_byte_stays() {
    for (lines, expected) in [
        // No option: a line of its own, at the end.
        ("", "Connection: close\r\n"),
        ("x-A:  b \r\nY:\r\n", "x-A:  b \r\nY:\r\nConnection: close\r\n"),
        ("Keep-Alive: timeout=5\r\n", "Keep-Alive: timeout=5\r\nConnection: close\r\n"),
        ("Proxy-Connection: keep-alive\r\n", "Proxy-Connection: keep-alive\r\nConnection: close\r\n"),
        ("X: Connection: close\r\n", "X: Connection: close\r\nConnection: close\r\n"),
        // In the place of keep-alive.
        ("Connection: keep-alive\r\nB: c\r\n", "Connection: close\r\nB: c\r\n"),
        ("CONNECTION:Keep-Alive \r\n", "CONNECTION:close \r\n"),
        ("connection: a ,\tKEEP-alive , b\r\n", "connection: a ,\tclose , b\r\n"),
        ("Connection: keep-alive, a,keep-alive\r\n", "Connection: close, a\r\n"),
        ("Connection: a\r\nConnection: keep-alive\r\n", "Connection: a\r\nConnection: close\r\n"),
        ("Connection: keep-alive\r\nB: c\r\nConnection: keep-alive\r\n", "Connection: close\r\nB: c\r\n"),
        ("Connection: keep-alive\r\nConnection: Keep-Alive, a\r\n", "Connection: close\r\nConnection: a\r\n"),
        // Beside other options, where the first line is.
        ("Connection: Upgrade\r\nUpgrade: h2c\r\n", "Connection: Upgrade, close\r\nUpgrade: h2c\r\n"),
        ("Connection: a,b \r\nConnection: c\r\n", "Connection: a,b, close\r\nConnection: c\r\n"),
        ("Connection: closed\r\n", "Connection: closed, close\r\n"),
        ("Connection:\r\n", "Connection: close\r\n"),
        ("Connection: \t\r\n", "Connection: close\r\n"),
        // It was said.
        ("Connection: close\r\n", "Connection: close\r\n"),
        ("cONNECTION:\tClOse\t\r\n", "cONNECTION:\tClOse\t\r\n"),
        ("Connection: a ,close , b\r\n", "Connection: a ,close , b\r\n"),
        ("Connection: a\r\nConnection: close\r\n", "Connection: a\r\nConnection: close\r\n"),
        // It was said beside keep-alive, or twice.
        ("Connection: keep-alive, close\r\n", "Connection: close\r\n"),
        ("Connection: close , keep-alive\r\n", "Connection: close \r\n"),
        ("Connection: keep-alive\r\nConnection: close\r\n", "Connection: close\r\n"),
        ("Connection: close\r\nConnection: close\r\n", "Connection: close\r\n"),
        ("Connection: close, a, Close\r\n", "Connection: close, a\r\n"),
    ] {
        for first in ["HTTP/1.1 200 OK\r\n", "HTTP/1.0 404\r\n"] {
            assert_eq!(announced(&format!("{first}{lines}\r\n")), format!("{first}{expected}\r\n"));
        }
    }
}

/// Lines of a head, as generated.
fn lines() -> impl Strategy<Value = Vec<String>> {
    let option = prop::sample::select(vec![
        "close",
        "Close",
        "keep-alive",
        "KEEP-ALIVE",
        "upgrade",
        "a",
        "closed",
        "",
    ]);
    let space = prop::sample::select(vec!["", " ", "  ", "\t"]);
    let options = prop::collection::vec((space.clone(), option, space), 0..4).prop_map(|options| {
        options
            .iter()
            .map(|(before, option, after)| format!("{before}{option}{after}"))
            .collect::<Vec<_>>()
            .join(",")
    });
    let line = prop_oneof![
        (prop::sample::select(vec!["Connection", "connection", "CONNECTION"]), options)
            .prop_map(|(name, value)| format!("{name}:{value}\r\n")),
        "[A-Z][a-z]{1,8}-Connection: (close|keep-alive)?\r\n",
        "X-[A-Za-z]{1,5}:[ \t]?[ -~]{0,10}\r\n",
    ];
    prop::collection::vec(line, 0..6)
}

/// What a client reads of a head's `Connection` lines: all options but the empty ones, in order.
fn options(head: &str) -> Vec<String> {
    head.lines()
        .filter_map(|line| line.split_once(':'))
        .filter(|(name, _)| name.eq_ignore_ascii_case("connection"))
        .flat_map(|(_, value)| value.split(','))
        .map(|option| option.trim().to_ascii_lowercase())
        .filter(|option| !option.is_empty())
        .collect()
}

fn others(head: &str) -> Vec<&str> {
    head.split_inclusive("\r\n")
        .filter(|line| !line.to_ascii_lowercase().starts_with("connection:"))
        .collect()
}

proptest! {
    #![proptest_config(crate::config())]

    #[test]
    fn whatever_a_head_says_close_is_said_once_and_the_rest_stays(lines in lines(), minor in 0..2) {
        let head = format!("HTTP/1.{minor} 200 OK\r\nContent-Length: 0\r\n{}\r\n", lines.concat());
        let told = announced(&head);
        let before = options(&head);
        let count = |options: &[String], option: &str| options.iter().filter(|other| *other == option).count();
        let kept: Vec<_> = options(&told).into_iter().filter(|option| option != "close").collect();
        let expected: Vec<_> = before.iter().filter(|option| *option != "close" && *option != "keep-alive").collect();
        prop_assert_eq!(kept.iter().collect::<Vec<_>>(), expected);
        prop_assert_eq!(count(&options(&told), "close"), 1);
        prop_assert_eq!(others(&told), others(&head));
        if count(&before, "close") == 1 && count(&before, "keep-alive") == 0 {
            prop_assert_eq!(&told, &head);
        }
        prop_assert_eq!(announced(&told), told.clone(), "said again");
        let length = told.len();
        match AnswerReader::new().front(told.as_bytes(), None) {
            Front::Head { length: read, head } => prop_assert!(read == length && head.close && head.ends),
            other => prop_assert!(false, "{:?}", other),
        }
    }
}
