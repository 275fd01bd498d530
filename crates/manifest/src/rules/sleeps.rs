//! How long a hook's command sleeps: a mere sleep, or a shell's script that sleeps on its way, as `sleep 15 && nginx -s quit`. No shell
//! is spoken here: what is not read for sure is told as unknown, so that a reader can make room for it.

/// How long a script sleeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sleeps {
    /// Not at all.
    None,
    /// So many seconds in all.
    Seconds(u64),
    /// In a loop, or for a time that only the shell knows.
    Unknown,
}

/// Words that may stand before a command.
const BEFORE: [&str; 9] = ["exec", "then", "do", "else", "time", "env", "command", "nice", "!"];
const LOOPS: [&str; 3] = ["for", "while", "until"];

/// How long a command of the shape `sh -c SCRIPT` sleeps.
pub(super) fn of(command: &[String]) -> Sleeps {
    match command {
        [_, flag, script, ..] if flag.starts_with('-') && flag.ends_with('c') => in_script(script),
        _ => Sleeps::None,
    }
}

/// How many seconds a command sleeps that does nothing else.
pub(super) fn mere(command: &[String]) -> Option<u64> {
    let words: Vec<&str> = command.iter().map(String::as_str).collect();
    let seconds = match words.as_slice() {
        [sleep, seconds] if program(sleep) == "sleep" => seconds,
        [shell, "-c", script] if ["sh", "bash", "ash", "dash"].contains(&program(shell)) => {
            match script.split_whitespace().collect::<Vec<_>>().as_slice() {
                [sleep, seconds] if program(sleep) == "sleep" => *seconds,
                _ => return None,
            }
        }
        _ => return None,
    };
    seconds.strip_suffix('s').unwrap_or(seconds).parse().ok()
}

fn program(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word)
}

fn in_script(script: &str) -> Sleeps {
    let mut sum = 0_u64;
    let mut loops = false;
    let lines = script.lines().map(|line| line.split(" #").next().unwrap_or(line));
    for part in lines.flat_map(|line| line.split([';', '&', '|', '(', ')', '{', '}', '`'])) {
        let mut words = part.split_whitespace().skip_while(|word| BEFORE.contains(word)).peekable();
        loops |= words.peek().is_some_and(|word| LOOPS.contains(word));
        if words.next().is_none_or(|word| program(word) != "sleep") {
            continue;
        }
        let times: Option<Vec<u64>> =
            words.take_while(|word| !word.contains(['>', '<'])).map(seconds).collect();
        match times {
            Some(times) if !loops => sum = times.into_iter().fold(sum, u64::saturating_add),
            _ => return Sleeps::Unknown,
        }
    }
    if sum > 0 { Sleeps::Seconds(sum) } else { Sleeps::None }
}

/// Whole seconds of a word such as `15`, `"1.5"`, `2m`; more rather than less.
fn seconds(word: &str) -> Option<u64> {
    let word = word.trim_matches(['"', '\'']);
    let mut units = [('s', 1.0), ('m', 60.0), ('h', 3600.0), ('d', 86_400.0)].into_iter();
    let told = units.find_map(|(letter, unit)| Some((word.strip_suffix(letter)?, unit)));
    let (number, unit) = told.unwrap_or((word, 1.0));
    let digits = !number.is_empty() && number.chars().all(|letter| letter.is_ascii_digit() || letter == '.');
    let seconds: f64 = number.parse().ok().filter(|_| digits)?;
    // A day is more than any grace period.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within 0 to 86,400")]
    Some((seconds * unit).ceil().min(86_400.0) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sleeps_are_counted_as_people_write_them_and_told_where_they_cannot_be() {
        for (script, sleeps) in [
            ("sleep 15 && nginx -s quit", Sleeps::Seconds(15)),
            ("sleep 1m && x", Sleeps::Seconds(60)),
            ("sleep \"15\"; x", Sleeps::Seconds(15)),
            ("sleep 15 > /dev/null 2>&1; x", Sleeps::Seconds(15)),
            ("sleep 15 # wait\nx", Sleeps::Seconds(15)),
            ("x; exec /bin/sleep 15", Sleeps::Seconds(15)),
            ("(sleep 15); { sleep 20; x; }", Sleeps::Seconds(35)),
            ("if test -e x; then sleep 30; fi", Sleeps::Seconds(30)),
            ("sleep 1.5; x", Sleeps::Seconds(2)),
            ("sleep 10 20s", Sleeps::Seconds(30)),
            ("while x; do sleep 5; done", Sleeps::Unknown),
            ("sleep $T; x", Sleeps::Unknown),
            ("sleep ${T:-5}; x", Sleeps::Unknown),
            ("sleep 0; nginx -s quit", Sleeps::None),
            ("echo sleep 5", Sleeps::None),
            ("nginx -s quit # not sleep 5", Sleeps::None),
        ] {
            assert_eq!(of(&["sh", "-c", script].map(str::to_owned)), sleeps, "{script}");
        }
        assert_eq!(of(&["nginx", "-s", "sleep 5"].map(str::to_owned)), Sleeps::None);
    }
}
