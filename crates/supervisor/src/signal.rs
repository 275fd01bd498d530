//! The signals that can be sent to an instance, by the names that people know.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A signal that an application may be stopped with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&'static str")]
pub enum Signal {
    /// SIGTERM, what most programs stop at.
    Term,
    /// SIGINT, as Ctrl-C sends it.
    Int,
    /// SIGQUIT, nginx's graceful stop.
    Quit,
    /// SIGHUP.
    Hup,
    /// SIGUSR1.
    Usr1,
    /// SIGUSR2.
    Usr2,
    /// SIGWINCH, Apache's graceful stop.
    Winch,
    /// SIGKILL, which no program can answer.
    Kill,
}

impl Signal {
    /// All that there are, in the order in which messages list them.
    pub const ALL: [Self; 8] =
        [Self::Term, Self::Int, Self::Quit, Self::Hup, Self::Usr1, Self::Usr2, Self::Winch, Self::Kill];

    /// The name without `SIG`: `TERM`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Term => "TERM",
            Self::Int => "INT",
            Self::Quit => "QUIT",
            Self::Hup => "HUP",
            Self::Usr1 => "USR1",
            Self::Usr2 => "USR2",
            Self::Winch => "WINCH",
            Self::Kill => "KILL",
        }
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SIG{}", self.name())
    }
}

/// No such signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a signal that can be sent here")]
pub struct UnknownSignal;

impl FromStr for Signal {
    type Err = UnknownSignal;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let name = text.to_ascii_uppercase();
        let name = name.strip_prefix("SIG").unwrap_or(&name);
        Self::ALL.into_iter().find(|signal| signal.name() == name).ok_or(UnknownSignal)
    }
}

impl TryFrom<String> for Signal {
    type Error = UnknownSignal;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Signal> for &'static str {
    fn from(signal: Signal) -> Self {
        signal.name()
    }
}

impl From<Signal> for rustix::process::Signal {
    fn from(signal: Signal) -> Self {
        match signal {
            Signal::Term => Self::TERM,
            Signal::Int => Self::INT,
            Signal::Quit => Self::QUIT,
            Signal::Hup => Self::HUP,
            Signal::Usr1 => Self::USR1,
            Signal::Usr2 => Self::USR2,
            Signal::Winch => Self::WINCH,
            Signal::Kill => Self::KILL,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_is_known_by_its_name_with_or_without_sig() {
        assert_eq!("TERM".parse(), Ok(Signal::Term));
        assert_eq!("SIGQUIT".parse(), Ok(Signal::Quit));
        assert_eq!("sigusr1".parse(), Ok(Signal::Usr1));
        assert_eq!("STOPIT".parse::<Signal>(), Err(UnknownSignal));
    }
}
