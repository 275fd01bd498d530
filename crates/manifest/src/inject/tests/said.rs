//! Every rule of docs/inject.md is seen to say something, of an input that asks for it.

use std::collections::BTreeSet;

use super::*;
use crate::notes::Rule;

/// The rules by which anything is said or refused.
fn rules(text: &str, options: &Options) -> BTreeSet<&'static str> {
    let refusals = |refused: Vec<Diagnostic>| refused.into_iter().map(|one| one.rule.expect("it has a rule"));
    match inject(&streams(text), options) {
        Ok(outcome) => {
            let said = outcome.notes.iter().map(|note| note.rule.id());
            said.chain(refusals(outcome.refused().cloned().collect())).collect()
        }
        Err(refused) => refusals(refused.0).collect(),
    }
}

fn object(api: &str, kind: &str, rest: &str) -> String {
    format!("apiVersion: {api}\nkind: {kind}\nmetadata: {{name: other}}\n{rest}\n")
}

fn service(spec: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Service\nmetadata: {{name: web}}\nspec: {{selector: {{app: web}}, {spec}}}\n"
    )
}

fn plain() -> Web {
    Web { container: HTTP, ..Web::default() }
}

fn own(own: &'static str) -> String {
    Web { own, ..plain() }.behind(NAMED)
}

fn of_kind(kind: &'static str, own: &'static str) -> String {
    Web { kind: Some(kind), own, ..plain() }.behind(NAMED)
}

fn pod(pod: &'static str) -> String {
    Web { pod, ..plain() }.behind(NAMED)
}

fn container(container: &'static str) -> String {
    Web { container, ..Web::default() }.behind(NAMED)
}

fn meta(meta: &'static str) -> String {
    Web { meta, ..plain() }.behind(NAMED)
}

fn beside(other: &str) -> String {
    plain().behind(&format!("{NAMED}---\n{other}"))
}

/// Injected with the guard, with a number that a Service sends to.
fn first_step() -> String {
    Injected::of(&plain().behind(NUMERIC), &guarded()).text
}

fn of_cluster(spec: &str) -> String {
    plain().behind(&service(spec))
}

const PODS: &str = "template: {metadata: {labels: {app: web}}, spec: {containers: [{name: a, image: a}]}}";
const SLEEPS: &str = "lifecycle: {preStop: {exec: {command: [sh, -c, sleep $T; quit]}}}";

/// A rule, and an input of which it is said: without the guard, with it, or in a second step.
#[expect(clippy::too_many_lines, reason = "a row for each rule")]
fn asking() -> Vec<(Rule, String)> {
    let policy = |ports: &str| {
        object(
            "networking.k8s.io/v1",
            "NetworkPolicy",
            &format!("spec: {{podSelector: {{}}, ingress: [{{ports: [{ports}]}}]}}"),
        )
    };
    let nlb = |keys: &str| {
        format!(
            "apiVersion: v1\nkind: Service\nmetadata: {{name: web, annotations: {{{}}}}}\nspec: {{type: LoadBalancer, selector: {{app: web}}, ports: \
             [{{port: 80, targetPort: http}}]}}\n",
            keys.replace('~', "service.beta.kubernetes.io/aws-load-balancer-")
        )
    };
    let asks = "~nlb-target-type: ip, ~healthcheck-port: '15079'";
    let asks_all = format!("{asks}, ~healthcheck-path: /segue/lb-health, ~healthcheck-protocol: http");
    let ingress =
        "spec: {ingressClassName: public, defaultBackend: {service: {name: web, port: {number: 80}}}}";
    let alb = ingress.replace("public", "alb");
    let ingress = object("networking.k8s.io/v1", "Ingress", ingress);
    let quota = object("v1", "ResourceQuota", "spec: {hard: {pods: 1}}");
    let range =
        |item: &str| object("v1", "LimitRange", &format!("spec: {{limits: [{{type: Container, {item}}}]}}"));
    let hook = plain().behind(NAMED).replacen(
        "  name: web\n",
        "  name: web\n  annotations: {helm.sh/hook: test}\n",
        1,
    );
    let owner = |kind: &str| {
        format!("  name: web\n  ownerReferences: [{{kind: {kind}, name: all, controller: true}}]\n")
    };
    let shop =
        |namespace: &str| NUMERIC.replace("name: web}", &format!("name: web, namespace: {namespace}}}"));
    vec![
        (Rule::Unreadable, own("replicas: '3'")),
        (Rule::OldKubernetes, object("apps/v1beta1", "Deployment", "spec: {}")),
        (Rule::NotEditable, pod("terminationGracePeriodSeconds: 1\nterminationGracePeriodSeconds: 2")),
        (Rule::Windows, pod("os: {name: windows}")),
        (Rule::NameTaken, pod("volumes: [{name: segue}]")),
        (Rule::MountTaken, container("volumeMounts: [{name: a, mountPath: /segue}]")),
        (Rule::PreStopKind, container("lifecycle: {preStop: {tcpSocket: {port: 1}}}")),
        (Rule::RecordUnreadable, meta("").replacen("  name: web\n", "  name: web\n  annotations: {segue.dev/injected: none}\n", 1)),
        (Rule::NumericTargetPort, plain().behind(NUMERIC)),
        (Rule::NoService, plain().yaml()),
        (Rule::NoPort, Web::default().yaml()),
        (Rule::PortWithoutNumber, container("ports: [{name: http}]")),
        (Rule::TargetPortQuoted, of_cluster("ports: [{port: 80, targetPort: '80'}]")),
        (Rule::TargetPortUndeclared, of_cluster("ports: [{port: 80, targetPort: none}]")),
        (Rule::PreStopSleepUnread, container(SLEEPS)),
        (Rule::Paused, own("paused: true")),
        (Rule::OnDelete, of_kind("StatefulSet", "updateStrategy: {type: OnDelete}")),
        (Rule::Partition, of_kind("StatefulSet", "updateStrategy: {rollingUpdate: {partition: 1}}")),
        (Rule::ReplacedByOther, beside(&object("flagger.app/v1beta1", "Canary", "spec: {targetRef: {kind: Deployment, name: web}}"))),
        (Rule::OwnedByOther, plain().behind(NAMED).replacen("  name: web\n", &owner("Shop"), 1)),
        (Rule::PartOfWorkload, plain().yaml().replace("        image: web\n", "")),
        (Rule::UnreadPolicy, beside(&object("cilium.io/v2", "CiliumNetworkPolicy", "spec: {}"))),
        (Rule::UnreadPort, beside(&object("example.com/v1", "Gate", "spec: {ports: ['8080']}"))),
        (Rule::UnreadRoute, beside(&object("example.com/v1", "Door", "spec: {service: web}"))),
        (Rule::HealthCheckPolicy, plain().behind(&format!("{}---\n{}", nlb(&asks_all), policy("{port: 8080}")))),
        (Rule::HealthCheckUnheard, plain().behind(&nlb(asks))),
        (Rule::LoadBalancerUnknown, of_cluster("type: LoadBalancer, ports: [{port: 80, targetPort: http}]")),
        (Rule::RouterUnknown, beside(&ingress)),
        (Rule::TargetType, plain().behind(&format!("{NAMED}---\n{}", object("networking.k8s.io/v1", "Ingress", &alb)))),
        (Rule::MeshProxyEnd, meta("annotations: {linkerd.io/inject: enabled}")),
        (Rule::LimitRange, beside(&range("max: {memory: 1Mi}"))),
        (Rule::ResourceQuota, beside(&quota)),
        (Rule::VerticalAutoscaler, beside(&object("autoscaling.k8s.io/v1", "VerticalPodAutoscaler", "spec: {targetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}"))),
        (Rule::NotTcp, of_cluster("ports: [{port: 80, targetPort: http}, {port: 443, protocol: UDP}]")),
        (Rule::HostPort, container("ports: [{name: http, containerPort: 8080, hostPort: 80}]")),
        (Rule::HostNetwork, pod("hostNetwork: true")),
        (Rule::NotReadyAddresses, of_cluster("publishNotReadyAddresses: true, ports: [{port: 80, targetPort: http}]")),
        (Rule::Headless, of_cluster("clusterIP: None, ports: [{port: 80, targetPort: http}]")),
        (Rule::PastTheGuard, of_cluster("clusterIP: None, ports: [{port: 80, targetPort: http}]")),
        (Rule::NothingGuarded, Web::default().yaml()),
        (Rule::SidecarPort, pod("initContainers: [{name: s, image: s, restartPolicy: Always, ports: [{name: x, containerPort: 1}]}]").replace("targetPort: http", "targetPort: x")),
        (Rule::PodsWithoutAgent, beside(&object("example.com/v1", "Fleet", &format!("spec: {{{PODS}}}")))),
        (Rule::UnknownKind, object("example.com/v1", "Fleet", &format!("spec: {{{PODS}}}"))),
        (Rule::NoRoomToSurge, pod("hostNetwork: true").replace("spec:\n  selector", "spec:\n  strategy: {rollingUpdate: {maxSurge: 0}}\n  selector")),
        (Rule::Recreate, own("strategy: {type: Recreate}")),
        (Rule::SingleReplica, of_kind("StatefulSet", "replicas: 1")),
        (Rule::NothingReplaces, of_kind("ReplicaSet", "")),
        (Rule::FirstRollout, own("")),
        (Rule::PreStopWait, container("lifecycle: {preStop: {exec: {command: [quit]}}}")),
        (Rule::PreStopSleep, container("lifecycle: {preStop: {sleep: {seconds: 1}}}")),
        (Rule::KubeProxyJoin, own("")),
        (Rule::SurgeMayWait, pod("volumes: [{name: v, persistentVolumeClaim: {claimName: v}}]")),
        (Rule::ReplacedInPlace, of_kind("StatefulSet", "replicas: 2")),
        (Rule::GuardedWithoutService, plain().yaml()),
        (Rule::RedirectWouldSpare, plain().behind(NUMERIC)),
        (Rule::HostPortGuarded, container("ports: [{name: http, containerPort: 8080, hostPort: 80}]")),
        (Rule::PortNamedTwice, container("ports: [{name: http, containerPort: 8080}, {name: http, containerPort: 8081}]")),
        (Rule::ControlPort, container("ports: [{name: http, containerPort: 15079}]")),
        (Rule::ScrapedPort, beside(&object("monitoring.coreos.com/v1", "PodMonitor", "spec: {selector: {}, podMetricsEndpoints: [{port: http}]}"))),
        (Rule::NetworkPolicy, beside(&policy("{port: 8080}"))),
        (Rule::MeshPorts, meta("annotations: {linkerd.io/inject: enabled}")),
        (Rule::HealthCheckOnAgent, plain().behind(&nlb("~nlb-target-type: ip"))),
        (Rule::QualityOfService, own("")),
        (Rule::AgentResources, container("ports: [{name: http, containerPort: 8080}]\nresources: {requests: {cpu: 1}}") + "---\n" + &range("max: {memory: 1Gi}")),
        (Rule::EndsByItself, object("batch/v1", "Job", "spec: {template: {spec: {containers: [{name: j, image: j}]}}}")),
        (Rule::RunAsHook, hook),
        (Rule::MadeByOther, of_kind("ReplicaSet", "").replacen("  name: web\n", &owner("Deployment"), 1)),
        (Rule::NoTemplate, object("apps/v1", "Deployment", "spec: {}")),
        (Rule::PodsFromOther, object("argoproj.io/v1alpha1", "Rollout", "spec: {workloadRef: {name: web}}")),
        (Rule::KubernetesVersion, own("")),
        (Rule::NothingToDo, NAMED.to_owned()),
        (Rule::NamespaceUnknown, first_step() + "---\n" + &shop("one") + "---\n" + &shop("two")),
        (Rule::NamespaceTaken, Injected::of(&plain().behind(&shop("one")), &guarded()).text),
    ]
}

#[test]
fn every_rule_says_something_and_those_that_say_nothing_are_documented_so() {
    let second = Options { second_step: true, ..Options::default() };
    let keep = Options { keep_strategy: true, ..Options::default() };
    let mut bound = Options::default();
    bound.bounds.set("alb", std::time::Duration::from_secs(1)).unwrap();
    bound.bounds.set("kube-proxy.join", std::time::Duration::from_secs(9)).unwrap();
    let mut seen = BTreeSet::new();
    for (rule, text) in asking() {
        let said: BTreeSet<_> = [Options::default(), guarded(), second.clone()]
            .iter()
            .flat_map(|options| rules(&text, options))
            .collect();
        assert!(said.contains(rule.id()), "{} is not said of\n{text}\nbut {said:?}", rule.id());
        seen.insert(rule.id());
    }
    let kept = "minReadySeconds: 1\nstrategy: {rollingUpdate: {maxUnavailable: 1, maxSurge: 0}}";
    seen.extend(rules(&own(kept), &Options { bounds: bound.bounds.clone(), ..keep }));
    seen.extend(rules(&own(""), &bound));
    // The second step, and what holds on to it.
    let after = with(&first_step(), &second).unwrap();
    seen.extend(after.notes.iter().map(|note| note.rule.id()));
    seen.extend(rules(&after.texts.concat(), &Options::default()));
    // The redirect, and what holds on to the guard's number then.
    seen.extend(rules(&plain().behind(NUMERIC), &redirected()));
    seen.extend(rules(&pod("hostNetwork: true"), &redirected()));
    seen.extend(rules(&after.texts.concat(), &redirected()));
    let policy = "spec: {podSelector: {}, ingress: [{ports: [{port: 8080}]}]}";
    let policy = object("networking.k8s.io/v1", "NetworkPolicy", policy);
    let guarded = Injected::of(&plain().behind(&format!("{NAMED}---\n{policy}")), &guarded());
    seen.extend(rules(&guarded.text, &redirected()));
    let other = object("example.com/v1", "Fleet", &format!("spec: {{{PODS}}}"));
    seen.extend(rules(&format!("{}---\n{other}", first_step()), &second));
    seen.extend(rules(&own(""), &Options { idle_after: std::time::Duration::ZERO, ..Options::default() }));
    let apart =
        first_step().replacen("terminationGracePeriodSeconds: ", "terminationGracePeriodSeconds: 1", 1);
    seen.extend(undone(&apart).notes.iter().map(|note| note.rule.id()));
    let silent: Vec<_> = Rule::ALL.iter().map(|rule| rule.id()).filter(|id| !seen.contains(id)).collect();
    let documented = super::docs::table("rule")
        .into_iter()
        .filter(|row| row[2].to_lowercase().contains("nothing is said"));
    let documented: Vec<_> = documented.map(|row| row[0].trim_matches('`').to_owned()).collect();
    assert_eq!(silent, documented);
}
