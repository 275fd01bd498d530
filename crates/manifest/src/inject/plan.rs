//! The plan that the agent is told.

use std::collections::BTreeMap;

use segue_core::drain;
use segue_core::path::Millis;
use segue_core::pod::{Discount, FIRST_SCHEMA, PodPlan};

use super::Options;
use crate::ports::Ports;
use crate::rules::grace::{Grace, Times};
use crate::workload::{Router, Workload};

/// Beginnings of `User-Agent` of those who ask for ever: the kubelet, AWS's and Google's load balancers, Prometheus.
const USER_AGENTS: [&str; 5] =
    ["kube-probe/", "ELB-HealthChecker/", "Prometheus/", "GoogleHC/", "Amazon-Route53-Health-Check-Service"];

/// What the agent of a workload's pods is told.
pub(super) fn plan(
    workload: &Workload,
    options: &Options,
    times: &Times,
    ports: Ports,
    grace: &Grace,
) -> PodPlan {
    let mut plan = PodPlan {
        schema: FIRST_SCHEMA,
        routers: BTreeMap::new(),
        drain: drain::Plan {
            paths: grace.needs.paths.clone(),
            quiet: grace.needs.quiet,
            longest_request: Some(Millis(times.longest_request)),
            linger: grace.needs.linger,
            deadline: grace.deadline,
            stop_grace: times.stop_time,
        },
        ports: ports.list,
        control_port: ports.control,
        idle_after: Millis(times.idle_after),
        // Told sooner, a client would come back while this pod is still picked.
        websocket_grace: Millis(grace.leave),
        max_connections: options.max_connections,
        discount: discount(workload),
    };
    plan.schema = plan.first_schema();
    plan
}

/// Requests that go on for ever: those of probes, of load balancers' health checks and of scrapers. `/` is none of them: it is
/// the application's front door too, and the kubelet is known by its user agent.
fn discount(workload: &Workload) -> Discount {
    let mut paths = Vec::new();
    let mut take = |path: &str| {
        let path = path.split('?').next().unwrap_or_default().to_owned();
        if path.len() > 1 && path.starts_with('/') && !paths.contains(&path) {
            paths.push(path);
        }
    };
    let template = &workload.template;
    let spec = &template.spec;
    for container in spec.containers.iter().chain(&spec.init_containers) {
        for (_, probe) in container.probes() {
            take(probe.http_get.as_ref().and_then(|get| get.path.as_deref()).unwrap_or_default());
        }
    }
    for (_, monitor) in &workload.monitors {
        monitor.paths.iter().for_each(|path| take(path));
    }
    if template.meta.annotation("prometheus.io/scrape") == Some("true") {
        take(template.meta.annotation("prometheus.io/path").unwrap_or("/metrics"));
    }
    for binding in &workload.bindings {
        for router in binding.frontends.iter().flat_map(|frontend| &frontend.routers) {
            if let Router::Balancer(balancer) = router {
                take(&balancer.health_check("healthCheckPath").unwrap_or_default());
            }
        }
        let frontends = binding.frontends.iter().map(|frontend| &frontend.object.meta);
        for meta in frontends.chain([&binding.object.meta]) {
            for prefix in ["alb.ingress.kubernetes.io/", "service.beta.kubernetes.io/aws-load-balancer-"] {
                take(meta.annotation(&format!("{prefix}healthcheck-path")).unwrap_or_default());
            }
        }
    }
    Discount { paths, user_agents: USER_AGENTS.map(str::to_owned).to_vec() }
}
