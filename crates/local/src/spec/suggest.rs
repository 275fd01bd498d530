//! The key that was probably meant.

use strsim::osa_distance;

/// The one of `known` that is nearest to `word`, if any is near enough to be meant.
pub(super) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = folded(word);
    known
        .into_iter()
        .map(|candidate| (osa_distance(&wanted, &folded(candidate)), candidate))
        .filter(|(distance, candidate)| *distance <= 1.max(candidate.len() / 3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// `drain_deadline`, `Drain-Deadline` and `drainDeadline` are the same word.
fn folded(word: &str) -> String {
    word.chars().filter(|c| *c != '-' && *c != '_').map(|c| c.to_ascii_lowercase()).collect()
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
    fn what_is_not_near_is_not_suggested() {
        assert_eq!(nearest("ports", KNOWN), None);
        assert_eq!(nearest("x", KNOWN), None);
    }

    #[test]
    fn a_longer_word_may_have_more_slips_and_signs_between_its_letters_are_none() {
        assert_eq!(nearest("draynDedlin", KNOWN), Some("drainDeadline"));
        assert_eq!(nearest("d-r-a-i-n_d_e_a_d_l_i_n_e", KNOWN), Some("drainDeadline"));
        assert_eq!(nearest("evn", KNOWN), Some("env"));
        assert_eq!(nearest("e", KNOWN), None);
    }
}
