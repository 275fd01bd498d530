//! Load balancers of AWS: what annotations, classes and configurations say of their targets and their timing.
//!
//! With *instance* targets a load balancer knows nodes, not pods: the way to the pod is kube-proxy's (and, with
//! `externalTrafficPolicy: Local`, the nodes' health). With *ip* targets it keeps the pods' own addresses.

use std::time::Duration;

use segue_core::path::Stage;
use segue_yaml::Pointer;
use serde_json::Value;

use super::health::{AgentHealth, LB_HEALTH};
use super::stages::{ALB, ALB_HEALTH, Known, LB_CONTROLLER, NLB, NLB_HEALTH};
use crate::notes::{Note, Rule};
use crate::objects::Object;
use crate::workload::{Balancer, Balances, Frontend, ServiceBinding};

const ALB_PREFIX: &str = "alb.ingress.kubernetes.io/";
const NLB_PREFIX: &str = "service.beta.kubernetes.io/aws-load-balancer-";

/// New connections stop at most this long after an NLB has found a target unhealthy.
const AFTER_UNHEALTHY: Duration = Duration::from_secs(10);

/// The classes of Services whose load balancers are known: of EKS Auto Mode, and of the AWS Load Balancer Controller.
const OF_EKS: &str = "eks.amazonaws.com/nlb";
const OF_CONTROLLER: &str = "service.k8s.aws/nlb";

/// Where a load balancer's settings stand.
pub(super) enum Place<'b> {
    /// In annotations of an Ingress and of its Service.
    Ingress { balancer: &'b Balancer, service: &'b Object, ingress: &'b Object },
    /// In a TargetGroupConfiguration.
    Gateway { balancer: &'b Balancer, route: &'b Object },
    /// In annotations of a Service of type LoadBalancer.
    Service { service: &'b Object, ip_by_default: bool },
}

/// What is asked of the settings, with its name in annotations of an Ingress, in a TargetGroupConfiguration, and in annotations
/// of a Service.
type Key = [&'static str; 3];

const INTERVAL: Key = ["healthcheck-interval-seconds", "healthCheckInterval", "healthcheck-interval"];
const HEALTHY: Key = ["healthy-threshold-count", "healthyThresholdCount", "healthcheck-healthy-threshold"];
const UNHEALTHY: Key =
    ["unhealthy-threshold-count", "unhealthyThresholdCount", "healthcheck-unhealthy-threshold"];
const PATH: Key = ["healthcheck-path", "healthCheckPath", "healthcheck-path"];
const PORT: Key = ["healthcheck-port", "healthCheckPort", "healthcheck-port"];
const PROTOCOL: Key = ["healthcheck-protocol", "healthCheckProtocol", "healthcheck-protocol"];

impl<'b> Place<'b> {
    /// The settings of an Ingress's or a route's load balancer.
    pub(super) fn of(binding: &'b ServiceBinding, frontend: &'b Frontend, balancer: &'b Balancer) -> Self {
        match frontend.object.kind {
            crate::objects::Kind::Route => Self::Gateway { balancer, route: frontend.object },
            _ => Self::Ingress { balancer, service: binding.object, ingress: frontend.object },
        }
    }

    /// The settings of the load balancer that a Service asks for, if one of AWS may keep the pods' addresses. `bounded`: a bound of the
    /// user's own stands for one that is not known.
    pub(super) fn of_service(
        binding: &'b ServiceBinding,
        bounded: bool,
        notes: &mut Vec<Note>,
    ) -> Option<Self> {
        if binding.service.kind.as_deref() != Some("LoadBalancer") {
            return None;
        }
        let annotation = |key: &str| binding.object.meta.annotation(&format!("{NLB_PREFIX}{key}"));
        let class = binding.service.load_balancer_class.as_deref();
        let ip_by_default = class == Some(OF_EKS);
        let of_aws = ip_by_default
            || class == Some(OF_CONTROLLER)
            || matches!(annotation("type"), Some("external" | "nlb-ip"))
            || annotation("nlb-target-type").is_some();
        if !of_aws && class.is_none() && annotation("type").is_none() {
            let words = "it does not say who makes its load balancer (loadBalancerClass), and is taken to send to nodes. On EKS Auto Mode it \
                         is an NLB that keeps the pods' addresses: say loadBalancerClass: eks.amazonaws.com/nlb there, or --bound \
                         kube-proxy.leave=305s";
            notes.push(Note::of(
                Rule::LoadBalancerUnknown,
                (binding.object, &Pointer::keys(["spec", "type"])),
                words,
            ));
        }
        if let Some(class) = class.filter(|_| !of_aws && !bounded) {
            let words = (
                format!("loadBalancerClass {class}"),
                "no bound of its load balancer is known: it is taken to send to nodes, as fast as kube-proxy; if it keeps the pods' addresses or \
                 is slower, say --bound kube-proxy=D",
            );
            let at = Pointer::keys(["spec", "loadBalancerClass"]);
            notes.push(Note::of(Rule::LoadBalancerUnknown, (binding.object, &at), words));
        }
        of_aws.then_some(Self::Service { service: binding.object, ip_by_default })
    }

    /// The stage of its data plane.
    pub(super) fn known(&self) -> Known {
        if self.balances() == Balances::Requests { ALB } else { NLB }
    }

    fn balances(&self) -> Balances {
        match self {
            Self::Ingress { balancer, .. } | Self::Gateway { balancer, .. } => balancer.balances,
            Self::Service { .. } => Balances::Connections,
        }
    }

    fn object(&self) -> &Object {
        match self {
            Self::Ingress { ingress, .. } => ingress,
            Self::Gateway { route, .. } => route,
            Self::Service { service, .. } => service,
        }
    }

    fn says(&self, [of_ingress, of_gateway, of_service]: Key) -> Option<String> {
        match self {
            // The Service's own annotation wins over the Ingress's.
            Self::Ingress { service, ingress, .. } => {
                let key = format!("{ALB_PREFIX}{of_ingress}");
                service.meta.annotation(&key).or_else(|| ingress.meta.annotation(&key)).map(str::to_owned)
            }
            Self::Gateway { balancer, .. } => balancer.health_check(of_gateway),
            Self::Service { service, .. } => {
                service.meta.annotation(&format!("{NLB_PREFIX}{of_service}")).map(str::to_owned)
            }
        }
    }

    fn target_type(&self) -> Option<String> {
        match self {
            Self::Ingress { balancer, .. } => {
                balancer.target_type.clone().or_else(|| self.says(["target-type", "", ""]))
            }
            Self::Gateway { balancer, .. } => {
                balancer.properties.get("targetType").and_then(Value::as_str).map(str::to_owned)
            }
            Self::Service { .. } if self.says(["", "", "type"]).as_deref() == Some("nlb-ip") => {
                Some("ip".to_owned())
            }
            Self::Service { .. } => self.says(["", "", "nlb-target-type"]),
        }
    }

    /// Whether the controller takes the pods' addresses where nothing is said, and what it refers to and is not in the input.
    fn default(&self) -> (bool, Option<&str>) {
        match self {
            Self::Ingress { balancer, .. } | Self::Gateway { balancer, .. } => {
                (balancer.ip_by_default, balancer.missing.as_deref())
            }
            Self::Service { ip_by_default, .. } => (*ip_by_default, None),
        }
    }

    /// How a user writes such a setting.
    fn setting(&self, [of_ingress, of_gateway, of_service]: Key, value: &str) -> String {
        match self {
            Self::Ingress { .. } => format!("{ALB_PREFIX}{of_ingress}: {value}"),
            Self::Gateway { .. } => format!("{of_gateway}: {value} in its TargetGroupConfiguration"),
            Self::Service { .. } => format!("{NLB_PREFIX}{of_service}: {value}"),
        }
    }
}

/// How a load balancer that keeps the pods' addresses hears of them.
pub(super) struct IpTargets {
    pub(super) stages: Vec<Stage>,
    /// Whether its health checks go to the agent.
    pub(super) asks_the_agent: bool,
}

/// How this one does; `None` if it knows only nodes.
pub(super) fn load_balancer(
    binding: &ServiceBinding,
    place: &Place,
    agent: AgentHealth,
    notes: &mut Vec<Note>,
) -> Option<IpTargets> {
    if !has_ip_targets(binding, place, notes) {
        return None;
    }
    let gateway = matches!(place, Place::Gateway { .. });
    let (interval, threshold, protocol) = match place.balances() {
        Balances::Requests => (15, if gateway { 3 } else { 2 }, "HTTP"),
        Balances::Connections => (if gateway { 15 } else { 10 }, 3, "TCP"),
    };
    let health = Health {
        interval: number(place.says(INTERVAL), interval),
        healthy: number(place.says(HEALTHY), threshold),
        unhealthy: number(place.says(UNHEALTHY), threshold),
        asks: Asks::of(place, protocol, agent),
    };
    health.suggest(place, agent, notes);
    let known = if place.balances() == Balances::Requests { ALB_HEALTH } else { NLB_HEALTH };
    let stages = health.stages(place.known(), known);
    Some(IpTargets { stages, asks_the_agent: health.asks == Asks::Agent })
}

/// Whether its targets are the pods' own addresses. Where the target type is not said, a Service without node ports can have no
/// other, what may be said in an object that is not in the input counts as the slower kind, and else the controller's default does.
fn has_ip_targets(binding: &ServiceBinding, place: &Place, notes: &mut Vec<Note>) -> bool {
    if let Some(said) = place.target_type() {
        return said == "ip";
    }
    let (ip_by_default, missing) = place.default();
    if ip_by_default {
        return true;
    }
    let service = &binding.service;
    let (ip, because) = if !service.is_external() || service.allocate_load_balancer_node_ports == Some(false)
    {
        (true, "its Service has no node ports, so its targets can only be the pods".to_owned())
    } else if let Some(missing) = missing {
        (
            true,
            format!(
                "{missing} is not in the input and may say ip: its targets are taken to be the pods, the slower kind"
            ),
        )
    } else {
        (
            false,
            "its targets are taken to be nodes, the controller's default; if an IngressClassParams, a TargetGroupConfiguration or the \
             controller's flag says ip"
                .to_owned(),
        )
    };
    let say =
        place.setting(["target-type", "targetType", "nlb-target-type"], if ip { "instance" } else { "ip" });
    let comma = if ip { "; if they are nodes, say it" } else { ", say it" };
    let known = place.known();
    let slower = if ip {
        String::new()
    } else {
        format!(", or --bound kube-proxy.leave={}s", LB_CONTROLLER.leave + known.leave)
    };
    let words = format!("it does not say its target type: {because}{comma} here too ({say}){slower}");
    notes.push(Note::of(
        Rule::TargetType,
        (place.object(), &Pointer::keys(["metadata", "annotations"])),
        words,
    ));
    ip
}

/// The stages of a target group that someone else's load balancer uses; `None` if its targets are nodes. What kind of
/// load balancer it is can't be seen from here, so the slower kind counts.
pub(super) fn target_group(frontend: &Frontend) -> Option<Vec<Stage>> {
    let target_type = frontend.object.json.pointer("/spec/targetType").and_then(Value::as_str);
    (target_type != Some("instance")).then(|| vec![LB_CONTROLLER.stage(), NLB.stage(), NLB_HEALTH.stage()])
}

/// The stage of a router that may be an in-cluster proxy or, at worst, such a load balancer.
pub(super) fn at_worst(known: Known, balances: Balances, missing: &str) -> Stage {
    let (join, leave) = slowest(known, balances);
    let what = name(balances);
    known.within(
        join,
        leave,
        format!("default: {missing}, so it counts as {what} that keeps the pods' addresses"),
    )
}

/// What a reader must know of such a router.
pub(super) fn unknown(object: &Object, known: Known, balances: Balances, missing: &str) -> Note {
    let (join, leave) = slowest(known, balances);
    let class = if known.name == "gateway" {
        "Gateway and its GatewayClass"
    } else {
        "IngressClass (and IngressClassParams)"
    };
    let text = format!(
        "it counts as {} that keeps the pods' addresses, with {} s to join and {} s to leave: give the {class} to \
         inject as well or, if its proxies run in the cluster, say --bound {name}={}s",
        self::name(balances),
        join.as_secs(),
        leave.as_secs(),
        known.leave,
        name = known.name,
    );
    Note::of(Rule::RouterUnknown, (object, &Pointer::keys(["spec"])), (missing, text))
}

fn name(balances: Balances) -> &'static str {
    if balances == Balances::Requests { "an ALB" } else { "an NLB" }
}

fn slowest(known: Known, balances: Balances) -> (Duration, Duration) {
    let of_gateway = known.name == "gateway";
    let (data_plane, health) = match (balances, of_gateway) {
        (Balances::Requests, false) => (ALB, ALB_HEALTH.join),
        (Balances::Requests, true) => (ALB, 45),
        (Balances::Connections, _) => (NLB, 45),
    };
    let join = LB_CONTROLLER.join + data_plane.join + health;
    (Duration::from_secs(join), Duration::from_secs(LB_CONTROLLER.leave + data_plane.leave))
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
    fn of(place: &Place, usual: &str, agent: AgentHealth) -> Self {
        let protocol = place.says(PROTOCOL).unwrap_or_else(|| usual.to_owned());
        if place.says(PORT) != Some(agent.port.to_string()) {
            Self::Application
        } else if place.says(PATH).as_deref() == Some(LB_HEALTH) && protocol.eq_ignore_ascii_case("http") {
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

    fn suggest(&self, place: &Place, agent: AgentHealth, notes: &mut Vec<Note>) {
        let annotations = Pointer::keys(["metadata", "annotations"]);
        let at = (place.object(), &annotations);
        let failing = self.interval * self.unhealthy + AFTER_UNHEALTHY.as_secs();
        let (path, port, protocol) = (
            place.setting(PATH, LB_HEALTH),
            place.setting(PORT, &format!("\"{}\"", agent.port)),
            place.setting(PROTOCOL, "HTTP"),
        );
        if self.asks != Asks::Agent && place.balances() == Balances::Connections && failing < NLB.leave {
            let words = format!(
                "with the health check on the agent ({path}, {port}, {protocol}) it stops sending {failing} s after a drain's beginning, \
                 instead of {} s",
                NLB.leave
            );
            notes.push(Note::of(Rule::HealthCheckOnAgent, at, words));
        }
        if self.asks == Asks::AgentUnheard {
            let words = format!(
                "its health check goes to the agent's port and does not hear when a drain begins: it needs {path} and {protocol} (the agent \
                 speaks no TLS, and over TCP alone it always answers)"
            );
            notes.push(Note::of(Rule::HealthCheckUnheard, at, words));
        }
    }
}

fn number(setting: Option<String>, default: u64) -> u64 {
    setting.and_then(|text| text.trim().parse().ok()).filter(|number| *number <= 3600).unwrap_or(default)
}
