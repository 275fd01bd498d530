//! Waiting for something to come true: named, with an end, and with what was seen last when it does not.

use std::time::Duration;

use anyhow::bail;

use crate::clock;

/// How often it is looked, unless the look itself takes longer.
const PAUSE: Duration = Duration::from_millis(25);

/// Far more than anything of a cluster takes on a slow machine.
pub const LONG: Duration = Duration::from_mins(2);

/// An error after which waiting any longer is in vain: [`until`] ends with it at once.
#[derive(Debug)]
pub struct InVain(pub String);

impl std::error::Error for InVain {}

impl std::fmt::Display for InVain {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Looks again and again until `look` gives a value; after `limit`, or once that is [in vain](InVain), an error with what
/// it said last.
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
        if seen.is::<InVain>() {
            return Err(seen.context(format!("it will never be that {what}")));
        }
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
    use anyhow::{anyhow, ensure};

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
    fn what_is_in_vain_is_not_waited_for() {
        let error = until("pigs fly", LONG, || Err::<(), _>(InVain("they are bacon".to_owned()).into()));
        assert_eq!(format!("{:#}", error.unwrap_err()), "it will never be that pigs fly: they are bacon");
    }

    #[test]
    fn what_never_comes_true_is_an_error_with_what_was_seen() {
        let error = until("pigs fly", Duration::ZERO, || Err::<(), _>(anyhow!("they walk")));
        let error = error.unwrap_err().to_string();
        assert!(error.ends_with("until pigs fly; last seen: they walk"), "{error}");
    }
}
