//! The rules' names. They are stable: whoever silences a rule or looks one up does so by its name. docs/inject.md says what each says.

/// What is asked of the reader, the most urgent first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Urgency {
    /// No edit mends it: what it is about stays as it was, or all of the input.
    Refused,
    /// Something is to be done or looked at, or it does not work as it is meant.
    ToDo,
    /// Something for which no promise holds: requests may be lost there, and nothing that is injected helps.
    NoPromise,
    /// Nothing: it says what was done, or what will be seen.
    WorthKnowing,
}

impl Urgency {
    /// All, the most urgent first.
    pub const ALL: [Self; 4] = [Self::Refused, Self::ToDo, Self::NoPromise, Self::WorthKnowing];

    /// Its name.
    pub fn id(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::ToDo => "to-do",
            Self::NoPromise => "no-promise",
            Self::WorthKnowing => "worth-knowing",
        }
    }
}

/// The rules, by what they ask.
macro_rules! rules {
    ($($urgency:ident { $($rule:ident $id:literal),* $(,)? })*) => {
        /// What finds something, or has something to say.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[expect(missing_docs, reason = "each is what its name says, and its finding or note has the words")]
        pub enum Rule { $($($rule,)*)* }

        impl Rule {
            /// All of them.
            pub const ALL: &'static [Self] = &[$($(Self::$rule,)*)*];

            /// Its name.
            pub fn id(self) -> &'static str {
                match self { $($(Self::$rule => $id,)*)* }
            }

            /// What it asks of the reader.
            pub fn urgency(self) -> Urgency {
                match self { $($(Self::$rule)|* => Urgency::$urgency,)* }
            }
        }
    };
}

rules! {
    Refused {
        Unreadable "unreadable",
        OldKubernetes "old-kubernetes",
        NotEditable "not-editable",
        Windows "windows",
        NameTaken "name-taken",
        MountTaken "mount-taken",
        PreStopKind "pre-stop-kind",
        GuardNeeded "guard-needed",
        NotRedirectable "not-redirectable",
        GuardsDiffer "guards-differ",
        NamespaceUnknown "namespace-unknown",
        RecordUnreadable "record-unreadable",
        NotInjectable "not-injectable",
    }
    ToDo {
        NumericTargetPort "numeric-target-port",
        SecondStep "second-step",
        RedirectAfterSteps "redirect-after-steps",
        FormerPolicy "former-policy",
        NamespaceTaken "namespace-taken",
        NoService "no-service",
        NoPort "no-port",
        PortWithoutNumber "port-without-number",
        TargetPortQuoted "target-port-quoted",
        TargetPortUndeclared "target-port-undeclared",
        PreStopSleepUnread "pre-stop-sleep-unread",
        Paused "paused",
        OnDelete "on-delete",
        Partition "partition",
        ReplacedByOther "replaced-by-other",
        OwnedByOther "owned-by-other",
        PartOfWorkload "part-of-workload",
        UnreadPolicy "unread-policy",
        UnreadPort "unread-port",
        UnreadRoute "unread-route",
        HealthCheckPolicy "health-check-policy",
        HealthCheckUnheard "health-check-unheard",
        LoadBalancerUnknown "load-balancer-unknown",
        RouterUnknown "router-unknown",
        TargetType "target-type",
        MeshProxyEnd "mesh-proxy-end",
        LimitRange "limit-range",
        ResourceQuota "resource-quota",
        VerticalAutoscaler "vertical-autoscaler",
        UnusedBound "unused-bound",
        NotUndone "not-undone",
    }
    NoPromise {
        NotTcp "not-tcp",
        HostPort "host-port",
        HostNetwork "host-network",
        NotReadyAddresses "not-ready-addresses",
        Headless "headless",
        PastTheGuard "past-the-guard",
        NothingGuarded "nothing-guarded",
        SidecarPort "sidecar-port",
        PodsWithoutAgent "pods-without-agent",
        UnknownKind "unknown-kind",
        MinReadySeconds "min-ready-seconds",
        MaxUnavailable "max-unavailable",
        MaxSurge "max-surge",
        NoRoomToSurge "no-room-to-surge",
        Recreate "recreate",
        SingleReplica "single-replica",
        NothingReplaces "nothing-replaces",
        FirstRollout "first-rollout",
    }
    WorthKnowing {
        PreStopWait "pre-stop-wait",
        PreStopSleep "pre-stop-sleep",
        GracePeriod "grace-period",
        ProgressDeadline "progress-deadline",
        KubeProxyJoin "kube-proxy-join",
        SurgeMayWait "surge-may-wait",
        ReplacedInPlace "replaced-in-place",
        GuardedWithoutService "guarded-without-service",
        RedirectedPort "redirected-port",
        ClientAddress "client-address",
        RedirectWouldSpare "redirect-would-spare",
        GuardedTargetPort "guarded-target-port",
        HostPortGuarded "host-port-guarded",
        PortNamedTwice "port-named-twice",
        ControlPort "control-port",
        ScrapedPort "scraped-port",
        NetworkPolicy "network-policy",
        MeshPorts "mesh-ports",
        SafeToEvict "safe-to-evict",
        HealthCheckOnAgent "health-check-on-agent",
        QualityOfService "quality-of-service",
        AgentResources "agent-resources",
        EndsByItself "ends-by-itself",
        RunAsHook "run-as-hook",
        MadeByOther "made-by-other",
        NoTemplate "no-template",
        PodsFromOther "pods-from-other",
        KubernetesVersion "kubernetes-version",
        NothingToDo "nothing-to-do",
    }
}
