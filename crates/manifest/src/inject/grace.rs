//! The plan that the agent is told, and the grace period that it needs.

use std::collections::BTreeMap;
use std::time::Duration;

use segue_core::budget::Needs;
use segue_core::drain;
use segue_core::path::{Direction, Millis, Path, Stage};
use segue_core::pod::{Discount, PodPlan, SCHEMA_WITHOUT_ROUTERS};

use super::draft::Draft;
use super::ports::Ports;
use crate::duration::{seconds, words};
use crate::objects::PortRef;
use crate::workload::Router;

/// What Kubernetes grants a pod that does not say how long.
const KUBERNETES_GRACE: u64 = 30;

/// How long no new application request may have come before a pod counts as left alone.
const QUIET: Duration = Duration::from_secs(2);

/// How long the guard keeps an idle connection for its next request after the last client knows, at most.
const LINGER: Duration = Duration::from_secs(5);

/// Kept free at the end of the grace period, so that the deadline and not SIGKILL ends what is left.
const MARGIN: Duration = Duration::from_secs(5);

/// Beginnings of `User-Agent` of those who ask for ever: the kubelet, AWS's and Google's load balancers, Prometheus.
const USER_AGENTS: [&str; 5] =
    ["kube-probe/", "ELB-HealthChecker/", "Prometheus/", "GoogleHC/", "Amazon-Route53-Health-Check-Service"];

/// What a workload's pods are granted and told.
pub(super) struct Granted {
    pub(super) plan: PodPlan,
    /// How long a new pod must be ready before an old one may leave.
    pub(super) min_ready: Duration,
    /// How long until the last client knows that a pod leaves.
    pub(super) leave: Duration,
    /// The whole of it in words, for whoever reads the manifest.
    pub(super) words: String,
}

/// Decides the plan, and raises the grace period where it is too short for it. `slept`: what a kept sleep takes after the drain.
pub(super) fn decide(draft: &mut Draft, ports: Ports, paths: Vec<Path>, slept: Duration) -> Granted {
    let options = draft.options;
    let guarded = ports.list.iter().any(|port| port.guard.is_some());
    let stop_time = options.stop_time + slept;
    // Without the guard a connection is seen to be idle only after it has been silent for so long.
    let in_flight =
        if guarded { options.longest_request } else { options.longest_request + options.idle_after };
    let linger = guarded.then_some(Millis(LINGER));
    let needs = Needs { paths, quiet: Some(Millis(QUIET)), linger, longest_request: in_flight, stop_time };
    let budget = needs.budget();
    // Every stage that a manifest yields is bounded.
    let bounded = |bound: Option<Millis>| bound.map_or(Duration::ZERO, |bound| bound.0);
    let needed = seconds(bounded(budget.grace) + MARGIN);
    let spec = &draft.template().spec;
    let today = spec.termination_grace_period_seconds;
    let grace = needed.max(today.unwrap_or(KUBERNETES_GRACE));
    if grace > today.unwrap_or(KUBERNETES_GRACE) {
        let at = draft.template().spec_at().then("terminationGracePeriodSeconds");
        draft.put(&at, grace.into());
    }
    let leave = longest(&needs.paths, Direction::Leave);
    let words = explain(&needs, (grace, needed), leave, guarded);
    let deadline = Duration::from_secs(grace).saturating_sub(stop_time + MARGIN);
    let plan = PodPlan {
        schema: SCHEMA_WITHOUT_ROUTERS,
        routers: BTreeMap::new(),
        drain: drain::Plan {
            paths: needs.paths,
            quiet: needs.quiet,
            longest_request: Some(Millis(options.longest_request)),
            linger: needs.linger,
            deadline,
            stop_grace: stop_time,
        },
        ports: ports.list,
        control_port: ports.control,
        idle_after: Millis(options.idle_after),
        // Told sooner, a client would come back while this pod is still picked.
        websocket_grace: Millis(leave),
        max_connections: options.max_connections,
        discount: discount(draft),
    };
    Granted { plan, min_ready: bounded(budget.min_ready), leave, words }
}

fn longest(paths: &[Path], way: Direction) -> Duration {
    paths.iter().filter_map(|path| path.bound(way)).max().unwrap_or_default()
}

/// The whole of it in words.
fn explain(needs: &Needs, (grace, needed): (u64, u64), leave: Duration, guarded: bool) -> String {
    let as_it_was = if grace > needed { format!(" as it was; {needed}s are needed") } else { String::new() };
    let request = if guarded { "longest request" } else { "longest request and idle time" };
    // Side by side with quiet and requests the idle connections have their last moments: the longer counts.
    let linger = needs.linger.map(|linger| linger.0).filter(|linger| *linger > QUIET + needs.longest_request);
    let after = match linger {
        Some(linger) => format!("{} until idle connections are closed", words(linger)),
        None => format!("{} quiet + {} {request}", words(QUIET), words(needs.longest_request)),
    };
    let sum = format!(
        "grace {grace}s{as_it_was}: {} until the last client knows + {after} + {} to stop + {} margin",
        words(leave),
        words(needs.stop_time),
        words(MARGIN),
    );
    let path = |path: &Path| {
        let stages: Vec<_> = path.stages.iter().map(stage_in_words).collect();
        format!("path {}: {}", path.name, stages.join(", "))
    };
    std::iter::once(sum).chain(needs.paths.iter().map(path)).collect::<Vec<_>>().join("; ")
}

fn stage_in_words(stage: &Stage) -> String {
    let bound = |way| words(stage.bounds(way).max.map_or(Duration::ZERO, |max| max.0));
    let (join, leave) = (bound(Direction::Join), bound(Direction::Leave));
    let bounds = if join == leave { leave } else { format!("{join} to join, {leave} to leave") };
    format!("{} {bounds} ({})", stage.name, stage.source)
}

/// Requests that go on for ever: those of probes, of load balancers' health checks and of scrapers. `/` is none of them: it is
/// the application's front door too, and the kubelet is known by its user agent.
fn discount(draft: &Draft) -> Discount {
    let mut paths = Vec::new();
    let mut take = |path: &str| {
        let path = path.split('?').next().unwrap_or_default().to_owned();
        if path.len() > 1 && path.starts_with('/') && !paths.contains(&path) {
            paths.push(path);
        }
    };
    let template = draft.template();
    let spec = &template.spec;
    for container in spec.containers.iter().chain(&spec.init_containers) {
        for (_, probe) in container.probes() {
            take(probe.http_get.as_ref().and_then(|get| get.path.as_deref()).unwrap_or_default());
        }
    }
    for (_, monitor) in &draft.workload.monitors {
        monitor.paths.iter().for_each(|path| take(path));
    }
    if template.meta.annotation("prometheus.io/scrape") == Some("true") {
        take(template.meta.annotation("prometheus.io/path").unwrap_or("/metrics"));
    }
    for backing in &draft.workload.backings {
        for router in backing.entries.iter().flat_map(|entry| &entry.routers) {
            if let Router::Balancer(balancer) = router {
                take(&balancer.health_check("healthCheckPath").unwrap_or_default());
            }
        }
        let entries = backing.entries.iter().map(|entry| &entry.object.meta);
        for meta in entries.chain([&backing.object.meta]) {
            for prefix in ["alb.ingress.kubernetes.io/", "service.beta.kubernetes.io/aws-load-balancer-"] {
                take(meta.annotation(&format!("{prefix}healthcheck-path")).unwrap_or_default());
            }
        }
    }
    Discount { paths, user_agents: USER_AGENTS.map(str::to_owned).to_vec() }
}

/// Tells of monitors whose ports the guard takes over.
pub(super) fn tell_monitors(draft: &mut Draft, plan: &PodPlan) {
    let mut said = Vec::new();
    for (object, monitor) in &draft.workload.monitors {
        for port in &monitor.ports {
            let of_ours = |one: &&segue_core::pod::Port| match port {
                PortRef::Name(name) => one.name.as_ref() == Some(name),
                PortRef::Number(number) => one.application == *number,
            };
            let Some(guard) = plan.ports.iter().find(of_ours).and_then(|one| one.guard) else { continue };
            said.push(match port {
                PortRef::Name(name) => format!(
                    "{object} scrapes the port named {name}: it does so through the guard on {guard}, and its scrapes hold no drain up"
                ),
                PortRef::Number(number) => format!("{object} scrapes port {number}: past the guard, as before"),
            });
        }
    }
    for text in said {
        draft.note(text);
    }
}
