//! Which ports are led where: parsed and checked once.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// One port of the application, and the guard's to which it is led.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Redirect {
    /// The port that clients know.
    pub from: u16,
    /// The port on which the guard listens.
    pub to: u16,
}

/// Redirects that can stand side by side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redirects(Vec<Redirect>);

/// Why they can't. It is the fault of whoever asks, and trying again does not help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RedirectsError {
    /// Nothing is to be led anywhere.
    #[error("no ports: write them as 8080:15180, the application's and the guard's")]
    None,
    /// Not two ports.
    #[error("`{0}` is not two ports: write it as 8080:15180, each from 1 to 65535")]
    NotPorts(String),
    /// An answer could not be told from another's.
    #[error("port {0} is there twice: each port may be led, or be led to, once")]
    Twice(u16),
}

impl Redirects {
    /// Each port may be there once: else an answer would be from more than one.
    pub fn of(redirects: impl IntoIterator<Item = Redirect>) -> Result<Self, RedirectsError> {
        let mut all: Vec<Redirect> = redirects.into_iter().collect();
        all.sort_unstable();
        let mut ports = BTreeSet::new();
        if let Some(twice) = all.iter().flat_map(|one| [one.from, one.to]).find(|port| !ports.insert(*port)) {
            return Err(RedirectsError::Twice(twice));
        }
        if all.is_empty() { Err(RedirectsError::None) } else { Ok(Self(all)) }
    }

    /// Each of them, by the application's port.
    pub fn iter(&self) -> impl Iterator<Item = Redirect> {
        self.0.iter().copied()
    }
}

impl FromStr for Redirect {
    type Err = RedirectsError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let port = |text: &str| text.parse::<u16>().ok().filter(|port| *port > 0);
        let ports = text.split_once(':').and_then(|(from, to)| port(from).zip(port(to)));
        ports.map(|(from, to)| Self { from, to }).ok_or_else(|| RedirectsError::NotPorts(text.to_owned()))
    }
}

impl fmt::Display for Redirect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.from, self.to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(words: &[&str]) -> Result<Redirects, RedirectsError> {
        let all: Result<Vec<Redirect>, _> = words.iter().map(|word| word.parse()).collect();
        Redirects::of(all?)
    }

    #[test]
    fn ports_are_read_and_stand_in_the_order_of_the_applications() {
        let all = of(&["9090:15181", "80:15180"]).unwrap();
        assert_eq!(all.iter().map(|one| one.to_string()).collect::<Vec<_>>(), ["80:15180", "9090:15181"]);
    }

    #[test]
    fn what_is_no_pair_of_ports_is_told() {
        for word in [
            "",
            "8080",
            "8080:",
            ":15180",
            "0:15180",
            "8080:0",
            "8080:65536",
            "8080:15180:1",
            "http:15180",
            "8080 15180",
        ] {
            assert_eq!(of(&[word]), Err(RedirectsError::NotPorts(word.to_owned())), "{word}");
        }
        assert_eq!(of(&[]), Err(RedirectsError::None));
    }

    #[test]
    fn a_port_is_led_or_led_to_once() {
        for (words, twice) in [
            (&["8080:15180", "8080:15181"][..], 8080),
            (&["8080:15180", "9090:15180"], 15180),
            (&["8080:9090", "9090:15180"], 9090),
            (&["8080:8080"], 8080),
        ] {
            assert_eq!(of(words), Err(RedirectsError::Twice(twice)), "{words:?}");
        }
    }
}
