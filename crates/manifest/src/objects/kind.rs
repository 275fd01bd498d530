//! Which kinds are known, and where each keeps the template of its pods.

use segue_yaml::Pointer;

/// What an object is, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `apps` Deployment.
    Deployment,
    /// `apps` StatefulSet.
    StatefulSet,
    /// `apps` DaemonSet.
    DaemonSet,
    /// `apps` ReplicaSet, or a ReplicationController.
    ReplicaSet,
    /// Argo Rollout.
    Rollout,
    /// A bare Pod.
    Pod,
    /// A PodTemplate.
    PodTemplate,
    /// A Job or a CronJob: its pods end by themselves.
    Job,
    /// A Service.
    Service,
    /// An Ingress.
    Ingress,
    /// A Gateway API route.
    Route,
    /// A route of another router, whose own lag is not known: it is told, and no path.
    OtherRoute,
    /// A TargetGroupBinding of the AWS Load Balancer Controller.
    TargetGroupBinding,
    /// A NetworkPolicy of Kubernetes itself.
    NetworkPolicy,
    /// A policy of another kind that may name ports: it is told, never changed.
    OtherPolicy,
    /// A PodMonitor of the Prometheus operator.
    PodMonitor,
    /// A ServiceMonitor of the Prometheus operator.
    ServiceMonitor,
    /// A Namespace.
    Namespace,
    /// An IngressClass: which controller makes its Ingresses come true.
    IngressClass,
    /// What an IngressClass of the AWS Load Balancer Controller says of its ALBs.
    IngressClassParams,
    /// A GatewayClass of the Gateway API.
    GatewayClass,
    /// A Gateway of the Gateway API.
    Gateway,
    /// More listeners of a Gateway.
    ListenerSet,
    /// What a Gateway or its class says of its load balancer of AWS.
    LoadBalancerConfiguration,
    /// What such a load balancer's target groups are like.
    TargetGroupConfiguration,
    /// A ResourceQuota: how much all pods of a namespace may have.
    ResourceQuota,
    /// A LimitRange: how much each of them may have.
    LimitRange,
    /// A HorizontalPodAutoscaler, or a ScaledObject of KEDA.
    Autoscaler,
    /// A VerticalPodAutoscaler.
    VerticalAutoscaler,
    /// Anything else.
    Other,
}

impl Kind {
    /// The kind of these words. The group counts: a Knative `Service` is no Service.
    pub fn of(api_version: &str, kind: &str) -> Self {
        let group = api_version.split_once('/').map_or("", |(group, _)| group);
        match (group, kind) {
            ("apps" | "extensions", "Deployment") => Self::Deployment,
            ("apps", "StatefulSet") => Self::StatefulSet,
            ("apps" | "extensions", "DaemonSet") => Self::DaemonSet,
            ("apps" | "extensions", "ReplicaSet") | ("", "ReplicationController") => Self::ReplicaSet,
            ("argoproj.io", "Rollout") => Self::Rollout,
            ("", "Pod") => Self::Pod,
            ("", "PodTemplate") => Self::PodTemplate,
            ("batch", "Job" | "CronJob") => Self::Job,
            ("", "Service") => Self::Service,
            ("networking.k8s.io" | "extensions", "Ingress") => Self::Ingress,
            ("gateway.networking.k8s.io", "HTTPRoute" | "GRPCRoute" | "TCPRoute" | "TLSRoute") => Self::Route,
            ("elbv2.k8s.aws" | "eks.amazonaws.com", "TargetGroupBinding") => Self::TargetGroupBinding,
            ("traefik.io" | "traefik.containo.us", "IngressRoute" | "IngressRouteTCP")
            | ("projectcontour.io", "HTTPProxy")
            | ("route.openshift.io", "Route")
            | ("networking.istio.io", "VirtualService")
            | ("getambassador.io", "Mapping")
            | ("apisix.apache.org", "ApisixRoute") => Self::OtherRoute,
            ("networking.k8s.io", "NetworkPolicy") => Self::NetworkPolicy,
            ("cilium.io", "CiliumNetworkPolicy" | "CiliumClusterwideNetworkPolicy")
            | ("crd.projectcalico.org" | "projectcalico.org", "NetworkPolicy" | "GlobalNetworkPolicy")
            | (
                "policy.networking.k8s.io",
                "AdminNetworkPolicy" | "BaselineAdminNetworkPolicy" | "ClusterNetworkPolicy",
            )
            | ("crd.antrea.io", "NetworkPolicy" | "ClusterNetworkPolicy")
            | ("security.istio.io", "AuthorizationPolicy" | "PeerAuthentication")
            | ("policy.linkerd.io", "Server") => Self::OtherPolicy,
            ("monitoring.coreos.com", "PodMonitor") => Self::PodMonitor,
            ("monitoring.coreos.com", "ServiceMonitor") => Self::ServiceMonitor,
            ("", "Namespace") => Self::Namespace,
            ("networking.k8s.io", "IngressClass") => Self::IngressClass,
            ("elbv2.k8s.aws" | "eks.amazonaws.com", "IngressClassParams") => Self::IngressClassParams,
            ("gateway.networking.k8s.io", "GatewayClass") => Self::GatewayClass,
            ("gateway.networking.k8s.io", "Gateway") => Self::Gateway,
            ("gateway.networking.k8s.io" | "gateway.networking.x-k8s.io", "ListenerSet" | "XListenerSet") => {
                Self::ListenerSet
            }
            ("gateway.k8s.aws", "LoadBalancerConfiguration") => Self::LoadBalancerConfiguration,
            ("gateway.k8s.aws", "TargetGroupConfiguration") => Self::TargetGroupConfiguration,
            ("", "ResourceQuota") => Self::ResourceQuota,
            ("", "LimitRange") => Self::LimitRange,
            ("autoscaling", "HorizontalPodAutoscaler") | ("keda.sh", "ScaledObject") => Self::Autoscaler,
            ("autoscaling.k8s.io", "VerticalPodAutoscaler") => Self::VerticalAutoscaler,
            _ => Self::Other,
        }
    }

    /// Whether it makes pods: if it does, a reader wants to know what became of it.
    pub fn is_workload(self) -> bool {
        self == Self::Job || self.template().is_some()
    }

    /// Where it keeps its pods' template, if their traffic is to be drained.
    pub fn template(self) -> Option<Pointer> {
        match self {
            Self::Deployment | Self::StatefulSet | Self::DaemonSet | Self::ReplicaSet | Self::Rollout => {
                Some(Pointer::keys(["spec", "template"]))
            }
            Self::Pod => Some(Pointer::root()),
            Self::PodTemplate => Some(Pointer::keys(["template"])),
            _ => None,
        }
    }
}
