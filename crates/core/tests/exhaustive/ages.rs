//! The time of small worlds; and a machine as text in which points in time are ages, so that a world that waits comes back to the same state.

/// Time goes by in ticks of ten seconds: longer than a back-off, and what it takes to count as stable.
pub const TICK: u64 = 10;
/// From a drain's beginning to its deadline, in ticks.
pub const DEADLINE: u64 = 2;
/// From the stop signal to SIGKILL, in ticks.
pub const GRACE: u64 = 1;
/// Without progress, in ticks. Nothing lasts longer, so that more ticks than these are all the same.
pub const PROGRESS: u64 = 3;

/// In how many ticks a point in time stops to matter, by its key; `None` if the key is that of something else.
fn matters(key: &str, depth: usize, progress: bool) -> Option<u64> {
    Some(match key {
        // Only told, never judged by.
        "at" | "ends" | "untaken" | "took" | "waited" => 0,
        "told" | "first_seen" => 1,
        "began" => {
            if depth > 1 {
                DEADLINE
            } else {
                0
            }
        }
        // Of progress it is a number; of a join, a point in time.
        "serving" if !progress => 1,
        "last" | "since" => PROGRESS,
        // An instance: since when it leaves.
        _ if key.strip_prefix('i').is_some_and(|number| number.parse::<u8>().is_ok()) => 0,
        _ => return None,
    })
}

/// Rewrites every point in time as an age: what is longer ago than what it is for lasts is just long ago, so that a
/// world that waits comes back to the same state.
pub fn ages(text: &str, now: u64) -> String {
    let mut aged = String::with_capacity(text.len());
    let (mut key, mut depth, mut progress) = ("", 0, false);
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' => rest[1..].find('"').unwrap() + 2,
            '0'..='9' => rest.find(|digit: char| !digit.is_ascii_digit()).unwrap(),
            _ => 1,
        };
        let (token, after) = rest.split_at(length);
        rest = after;
        match first {
            '{' => depth += 1,
            '}' => (depth, progress) = (depth - 1, false),
            // Only told, never judged by.
            '"' if key == "by" && !rest.starts_with(':') => continue,
            '"' if rest.starts_with(':') => {
                key = &token[1..length - 1];
                progress |= key == "progress";
            }
            '0'..='9' => {
                if let Some(ticks) = matters(key, depth, progress) {
                    let at: u64 = token.parse().unwrap();
                    let age = (now * TICK).saturating_sub(at / 1_000).min(ticks * TICK);
                    aged.push_str(&age.to_string());
                    continue;
                }
            }
            _ => {}
        }
        aged.push_str(token);
    }
    aged
}
