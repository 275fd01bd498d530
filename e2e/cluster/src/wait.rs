//! Waiting for something to come true: named, with an end, and with what was seen last when it does not.

use std::time::Duration;

use anyhow::bail;

use crate::clock;

/// How often it is looked, unless the look itself takes longer.
const PAUSE: Duration = Duration::from_millis(25);

/// Far more than anything of a cluster takes on a slow machine.
pub const LONG: Duration = Duration::from_mins(2);

/// Looks again and again until `look` gives a value; after `limit` an error with what it said last.
pub fn until<T>(
    what: &str,
    limit: Duration,
    mut look: impl FnMut() -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let began = clock::now();
    loop {
        let seen = match look() {
            Ok(value) => return Ok(value),
            Err(seen) => seen,
        };
        if clock::now() - began >= limit {
            bail!("waited {limit:?} until {what}; last seen: {seen:#}");
        }
        clock::sleep(PAUSE);
    }
}

/// Lets time pass where a test has to show that nothing happens in it.
pub fn pass(time: Duration) {
    clock::sleep(time);
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::ensure;

    #[test]
    fn what_comes_true_is_returned() {
        let mut looks = 0;
        let value = until("three looks", LONG, || {
            looks += 1;
            ensure!(looks == 3, "{looks} looks");
            Ok(looks)
        });
        assert_eq!(value.unwrap(), 3);
    }

    #[test]
    fn what_never_comes_true_is_an_error_with_what_was_seen() {
        let error = until("pigs fly", Duration::ZERO, || anyhow::Ok(bail!("they walk")))
            .map(|(): ()| ())
            .unwrap_err()
            .to_string();
        assert!(error.ends_with("until pigs fly; last seen: they walk"), "{error}");
    }
}
