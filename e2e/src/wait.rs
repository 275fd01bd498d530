//! Waiting for something to come true, with what was seen instead when it does not.

use std::time::Duration;

pub use segue_cluster::wait::pass;

/// Far more than anything here takes on a slow machine; a test that gets there has failed.
pub const LONG: Duration = Duration::from_mins(1);

/// Looks again and again until `look` gives a value; panics after `limit` with what it said last.
#[track_caller]
pub fn until<T>(what: &str, limit: Duration, mut look: impl FnMut() -> Result<T, String>) -> T {
    match segue_cluster::wait::until(what, limit, || look().map_err(anyhow::Error::msg)) {
        Ok(value) => value,
        Err(error) => panic!("{error}"),
    }
}

/// [`until`] for a plain yes or no.
#[track_caller]
pub fn until_true(what: &str, limit: Duration, mut look: impl FnMut() -> bool) {
    until(what, limit, || if look() { Ok(()) } else { Err("not so".to_owned()) });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_true_is_returned() {
        let mut looks = 0;
        let value = until("three looks", LONG, || {
            looks += 1;
            if looks == 3 { Ok(looks) } else { Err(format!("{looks} looks")) }
        });
        assert_eq!(value, 3);
    }

    #[test]
    #[should_panic(expected = "until pigs fly; last seen: they walk")]
    fn what_never_comes_true_fails_with_what_was_seen() {
        until("pigs fly", Duration::ZERO, || Err::<(), _>("they walk".to_owned()));
    }
}
