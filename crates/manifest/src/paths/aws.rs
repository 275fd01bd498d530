//! Load balancers of the AWS Load Balancer Controller: what their annotations say of their timing.
//!
//! With *instance* targets a load balancer knows nodes, not pods: the way to the pod is kube-proxy's (and, with
//! `externalTrafficPolicy: Local`, the nodes' health). With *ip* targets it keeps the pods' own addresses.

use std::time::Duration;

use segue_core::path::Stage;

use super::stages::{ALB, ALB_HEALTH, Known, LB_CONTROLLER, NLB, NLB_HEALTH};
use super::{AgentHealth, LB_HEALTH};
use crate::objects::Object;
use crate::workload::{Backing, Entry};

const ALB_PREFIX: &str = "alb.ingress.kubernetes.io/";
const NLB_PREFIX: &str = "service.beta.kubernetes.io/aws-load-balancer-";

/// New connections stop at most this long after an NLB has found a target unhealthy.
const AFTER_UNHEALTHY: Duration = Duration::from_secs(10);

/// Whether an Ingress is an ALB's.
pub(super) fn is_alb(entry: &Entry) -> bool {
    entry.class.as_deref() == Some("alb")
        || entry.object.meta.annotations.keys().any(|key| key.starts_with(ALB_PREFIX))
}

/// The stages of an ALB that keeps the pods' addresses, and whether it asks the agent; `None` if it knows only nodes.
pub(super) fn application_load_balancer(
    backing: &Backing,
    entry: &Entry,
    agent: AgentHealth,
    notes: &mut Vec<String>,
) -> Option<(Vec<Stage>, bool)> {
    // The Service's own annotation wins over the Ingress's.
    let annotation = |key: &str| {
        let key = format!("{ALB_PREFIX}{key}");
        backing.object.meta.annotation(&key).or_else(|| entry.object.meta.annotation(&key)).map(str::to_owned)
    };
    let kind = annotation("target-type");
    if kind.as_deref() != Some("ip") {
        if kind.is_none() {
            notes.push(untold(entry.object, ALB_PREFIX, "target-type"));
        }
        return None;
    }
    let health = Health {
        interval: number(annotation("healthcheck-interval-seconds"), 15),
        healthy: number(annotation("healthy-threshold-count"), 2),
        unhealthy: number(annotation("unhealthy-threshold-count"), 2),
        asks: Asks::of(annotation, "HTTP", agent),
    };
    health.suggest(entry.object, ALB_PREFIX, agent, notes);
    Some((health.stages(ALB, ALB_HEALTH), health.asks == Asks::Agent))
}

/// The stages of an NLB that keeps the pods' addresses, and whether it asks the agent; `None` if there is none, or it knows only nodes.
pub(super) fn network_load_balancer(
    backing: &Backing,
    agent: AgentHealth,
    notes: &mut Vec<String>,
) -> Option<(Vec<Stage>, bool)> {
    if backing.service.kind.as_deref() != Some("LoadBalancer") {
        return None;
    }
    let annotation =
        |key: &str| backing.object.meta.annotation(&format!("{NLB_PREFIX}{key}")).map(str::to_owned);
    let kind = annotation("type");
    let targets = annotation("nlb-target-type");
    if kind.as_deref() != Some("nlb-ip") && targets.as_deref() != Some("ip") {
        let class =
            backing.object.json.pointer("/spec/loadBalancerClass").and_then(serde_json::Value::as_str);
        let of_aws = kind.as_deref() == Some("external") || class == Some("service.k8s.aws/nlb");
        if of_aws && targets.is_none() {
            notes.push(untold(backing.object, NLB_PREFIX, "nlb-target-type"));
        }
        return None;
    }
    let health = Health {
        interval: number(annotation("healthcheck-interval"), 10),
        healthy: number(annotation("healthcheck-healthy-threshold"), 3),
        unhealthy: number(annotation("healthcheck-unhealthy-threshold"), 3),
        asks: Asks::of(annotation, "TCP", agent),
    };
    health.suggest(backing.object, NLB_PREFIX, agent, notes);
    Some((health.stages(NLB, NLB_HEALTH), health.asks == Asks::Agent))
}

/// The stages of a target group that someone else's load balancer uses; `None` if its targets are nodes. What kind of
/// load balancer it is can't be seen from here, so the slower kind counts.
pub(super) fn target_group(entry: &Entry) -> Option<Vec<Stage>> {
    let target_type = entry.object.json.pointer("/spec/targetType").and_then(serde_json::Value::as_str);
    (target_type != Some("instance")).then(|| vec![LB_CONTROLLER.stage(), NLB.stage(), NLB_HEALTH.stage()])
}

struct Health {
    interval: u64,
    healthy: u64,
    unhealthy: u64,
    asks: Asks,
}

/// Whom a health check asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asks {
    Application,
    Agent,
    /// It goes to the agent's port and does not hear the answer.
    AgentUnheard,
}

impl Asks {
    /// `usual` is the protocol of a check that names none: over TCP alone nobody hears that the agent says no.
    fn of(annotation: impl Fn(&str) -> Option<String>, usual: &str, agent: AgentHealth) -> Self {
        let protocol = annotation("healthcheck-protocol").unwrap_or_else(|| usual.to_owned());
        if annotation("healthcheck-port") != Some(agent.port.to_string()) {
            Self::Application
        } else if annotation("healthcheck-path").as_deref() == Some(LB_HEALTH)
            && protocol.eq_ignore_ascii_case("http")
        {
            Self::Agent
        } else {
            Self::AgentUnheard
        }
    }
}

impl Health {
    /// Joining takes the registration and the checks until a target is healthy. Leaving takes the deregistration; where
    /// the agent answers the checks, it ends sooner: once they have failed often enough.
    fn stages(&self, data_plane: Known, health: Known) -> Vec<Stage> {
        let join = Duration::from_secs(self.interval * self.healthy);
        let checks = format!("health checks every {} s: {} to join", self.interval, self.healthy);
        let mut stages = vec![LB_CONTROLLER.stage(), data_plane.stage()];
        let failing = Duration::from_secs(self.interval * self.unhealthy) + AFTER_UNHEALTHY;
        let deregistered = Duration::from_secs(data_plane.leave);
        if self.asks == Asks::Agent && failing < deregistered {
            let registered = Duration::from_secs(data_plane.join);
            stages[1] = data_plane.within(
                registered,
                Duration::ZERO,
                "the agent fails the health checks, which is faster",
            );
            let source = format!("{checks}, {} and 10 s to leave, for the agent fails them", self.unhealthy);
            stages.push(health.within(join, failing, source));
        } else {
            stages.push(health.within(join, Duration::ZERO, checks));
        }
        stages
    }

    fn suggest(&self, object: &Object, prefix: &str, agent: AgentHealth, notes: &mut Vec<String>) {
        let failing = self.interval * self.unhealthy + AFTER_UNHEALTHY.as_secs();
        if self.asks != Asks::Agent && prefix == NLB_PREFIX && failing < NLB.leave {
            notes.push(format!(
                "{object}: with the health check on the agent ({prefix}healthcheck-path: {LB_HEALTH}, -port: \"{}\", -protocol: http) \
                 it stops sending {failing} s after a drain's beginning, instead of {} s",
                agent.port, NLB.leave
            ));
        }
        if self.asks == Asks::AgentUnheard {
            notes.push(format!(
                "{object}: its health check goes to the agent's port and does not hear when a drain begins: it needs \
                 {prefix}healthcheck-path: {LB_HEALTH} and -protocol: http (the agent speaks no TLS, and over TCP alone it always answers)"
            ));
        }
    }
}

fn number(annotation: Option<String>, default: u64) -> u64 {
    annotation.and_then(|text| text.trim().parse().ok()).filter(|number| *number <= 3600).unwrap_or(default)
}

/// Where an AWS load balancer's kind of targets is not said, the controller's own setting decides, and nodes are its default.
fn untold(object: &Object, prefix: &str, key: &str) -> String {
    format!(
        "{object} does not say its target type: its targets are taken to be nodes, the controller's default; if an IngressClassParams or \
         the controller's flag says ip, say it here too ({prefix}{key}: ip)"
    )
}
