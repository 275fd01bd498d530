//! The key that was probably meant.

/// The one of `known` that is nearest to `word`, if any is near enough to be meant.
pub(super) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = folded(word);
    known
        .into_iter()
        .map(|candidate| (distance(&wanted, &folded(candidate)), candidate))
        .filter(|(distance, candidate)| *distance <= 1.max(candidate.len() / 3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// `drain_deadline`, `Drain-Deadline` and `drainDeadline` are the same word.
fn folded(word: &str) -> Vec<char> {
    word.chars().filter(|c| *c != '-' && *c != '_').map(|c| c.to_ascii_lowercase()).collect()
}

/// How many letters must be put in, taken out, exchanged, or swapped with their neighbour.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    rows[0] = (0..=b.len()).collect();
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let exchanged = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = exchanged.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = least;
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 4] = ["replicas", "drainDeadline", "cwd", "env"];

    #[test]
    fn a_slip_of_the_pen_is_understood() {
        assert_eq!(nearest("replica", KNOWN), Some("replicas"));
        assert_eq!(nearest("erplicas", KNOWN), Some("replicas"));
        assert_eq!(nearest("drain_deadline", KNOWN), Some("drainDeadline"));
        assert_eq!(nearest("DRAINDEADLINE", KNOWN), Some("drainDeadline"));
    }

    #[test]
    fn letters_are_put_in_taken_out_exchanged_and_swapped() {
        let distance = |a: &str, b: &str| distance(&folded(a), &folded(b));
        let pairs =
            [("env", "env", 0), ("env", "evn", 1), ("env", "nev", 1), ("env", "en", 1), ("env", "emv", 1)];
        for (a, b, apart) in pairs {
            assert_eq!((distance(a, b), distance(b, a)), (apart, apart), "{a} {b}");
        }
        assert_eq!((distance("abcd", "badc"), distance("abc", "cab"), distance("", "abc")), (2, 2, 3));
    }

    #[test]
    fn what_is_not_near_is_not_suggested() {
        assert_eq!(nearest("ports", KNOWN), None);
        assert_eq!(nearest("x", KNOWN), None);
    }
}
