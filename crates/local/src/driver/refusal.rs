//! Why something that a client asks for is not done.

use jiff::Timestamp;

use crate::history::{What, Who};
use crate::spec::{Spec, Strategy};

/// Nothing was changed. The text says what would help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is nothing to deploy to: the service has ended.
    #[error("nothing runs")]
    NothingRuns,
    /// There is none to follow or to take back.
    #[error("no deploy is under way")]
    NoDeploy,
    /// The service will be gone.
    #[error("{0} is being taken down")]
    Ending(String),
    /// One at a time: this one comes first.
    #[error(
        "a {what} to {to} is under way, asked for by {by}{pid} since {since}; \
         `segue deploy {name} --follow` shows it, `segue deploy {name} --abort` takes it back",
        pid = by.pid.map(|pid| format!(" (process {pid})")).unwrap_or_default(),
        since = at.strftime("%Y-%m-%d %H:%M:%S UTC"),
    )]
    UnderWay {
        /// The service.
        name: String,
        /// What it is.
        what: What,
        /// The version, as its users know it.
        to: String,
        /// Who asked for it.
        by: Who,
        /// Since when.
        at: Timestamp,
    },
    /// There is no version that worked but the one that runs.
    #[error("no other version has worked yet, so there is none to go back to")]
    NoOtherVersion,
    /// Without it there is nothing to compare with.
    #[error("the spec of what runs is not known any more")]
    UnknownSpec,
    /// The spec has another name.
    #[error("the spec is of `{spec}`, and this is `{name}`")]
    OtherService {
        /// The spec's.
        spec: String,
        /// The service's.
        name: String,
    },
    /// No instance may come, and none may go.
    #[error("surge and unavailable are both 0, so nothing could ever be replaced")]
    NoRoom,
    /// What belongs to `up`, not to its instances.
    #[error("a deploy cannot change {setting}: `segue down {name}` and `segue up` change it")]
    OfUp {
        /// The service.
        name: String,
        /// The key, with what it is and what it would be where that is short.
        setting: String,
    },
}

impl Refusal {
    /// What belongs to `up` and not to its instances cannot be deployed; nor can what the rules could not do.
    pub(crate) fn of_change(name: &str, before: &Spec, spec: &Spec) -> Result<(), Self> {
        if spec.name != name {
            return Err(Self::OtherService { spec: spec.name.clone(), name: name.to_owned() });
        }
        // The file was held to this already; but what comes over a socket is never taken on trust.
        let Strategy::Rolling { surge, unavailable } = spec.strategy;
        if surge == 0 && unavailable == 0 {
            return Err(Self::NoRoom);
        }
        let of_up = |setting| Err(Self::OfUp { name: name.to_owned(), setting });
        if spec.listen != before.listen {
            return of_up(format!("listen ({} to {})", before.listen, spec.listen));
        }
        if spec.tls != before.tls {
            return of_up("tls".to_owned());
        }
        Ok(())
    }
}
