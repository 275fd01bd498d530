//! The rules' names. They are stable: whoever silences a rule or looks one up does so by its name.

/// A rule that finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "each is what its name says, and its finding has the words")]
pub enum Rule {
    PreStopWait,
    PreStopSleep,
    PreStopKind,
    MountTaken,
    GracePeriod,
    ScrapedPort,
    MinReadySeconds,
    MaxUnavailable,
    MaxSurge,
    NoRoomToSurge,
    ProgressDeadline,
    Recreate,
    Paused,
    OnDelete,
    Partition,
    ReplacedInPlace,
    NothingReplaces,
    NetworkPolicy,
    UnreadPolicy,
    HealthCheckPolicy,
    MeshPorts,
    MeshProxyEnd,
    SafeToEvict,
}

impl Rule {
    /// Its name.
    pub fn id(self) -> &'static str {
        match self {
            Self::PreStopWait => "pre-stop-wait",
            Self::PreStopSleep => "pre-stop-sleep",
            Self::PreStopKind => "pre-stop-kind",
            Self::MountTaken => "mount-taken",
            Self::GracePeriod => "grace-period",
            Self::ScrapedPort => "scraped-port",
            Self::MinReadySeconds => "min-ready-seconds",
            Self::MaxUnavailable => "max-unavailable",
            Self::MaxSurge => "max-surge",
            Self::NoRoomToSurge => "no-room-to-surge",
            Self::ProgressDeadline => "progress-deadline",
            Self::Recreate => "recreate",
            Self::Paused => "paused",
            Self::OnDelete => "on-delete",
            Self::Partition => "partition",
            Self::ReplacedInPlace => "replaced-in-place",
            Self::NothingReplaces => "nothing-replaces",
            Self::NetworkPolicy => "network-policy",
            Self::UnreadPolicy => "unread-policy",
            Self::HealthCheckPolicy => "health-check-policy",
            Self::MeshPorts => "mesh-ports",
            Self::MeshProxyEnd => "mesh-proxy-end",
            Self::SafeToEvict => "safe-to-evict",
        }
    }
}
