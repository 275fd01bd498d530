//! Load balancers that only a class names: IngressClass, GatewayClass, a Service's loadBalancerClass.

use super::*;

const ALB_IP: (&str, &[&str]) = ("alb/shop", &["lb-controller 5/5", "alb 20/60", "alb-health 30/0"]);
const GATEWAY_ALB: (&str, &[&str]) = ("alb/shop", &["lb-controller 5/5", "alb 20/60", "alb-health 45/0"]);
const GATEWAY_NLB: (&str, &[&str]) = ("nlb/shop", &["lb-controller 5/5", "nlb 300/300", "nlb-health 45/0"]);
const SERVICE: (&str, &[&str]) = ("service/web", &["kube-proxy 15/15"]);

fn class(name: &str, meta: &str, spec: &str) -> String {
    format!(
        "apiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {{name: {name}, {meta}}}\nspec: {{{spec}}}\n"
    )
}

fn parameters(group: &str, spec: &str) -> String {
    format!("apiVersion: {group}\nkind: IngressClassParams\nmetadata: {{name: outside}}\nspec: {{{spec}}}\n")
}

const OF_AWS: &str = "controller: ingress.k8s.aws/alb, parameters: {apiGroup: elbv2.k8s.aws, kind: IngressClassParams, name: outside}";
const DEFAULT: &str = "annotations: {ingressclass.kubernetes.io/is-default-class: 'true'}";
const NODE_PORTS: &str = "type: NodePort";

fn all(parts: &[String]) -> String {
    parts.join("---\n")
}

fn notes(around: &str) -> String {
    found(around, &Overrides::default()).1
}

#[test]
fn an_ingress_classs_controller_and_parameters_make_it_an_alb() {
    let ip = parameters("elbv2.k8s.aws/v1beta1", "targetType: ip");
    for (meta, spec, class_meta) in [
        ("", "ingressClassName: public,", ""),
        ("annotations: {kubernetes.io/ingress.class: public}", "", ""),
        ("", "", DEFAULT),
    ] {
        let around = all(&[
            service("", NODE_PORTS),
            ingress(meta, spec),
            class("public", class_meta, OF_AWS),
            ip.clone(),
        ]);
        is(&around, &[SERVICE, ALB_IP]);
    }
}

#[test]
fn the_classs_target_type_wins_over_annotations() {
    let around = |says: &str, annotated: &str| {
        all(&[
            service("", NODE_PORTS),
            ingress(
                &format!("annotations: {{alb.ingress.kubernetes.io/target-type: {annotated}}}"),
                "ingressClassName: public,",
            ),
            class("public", "", OF_AWS),
            parameters("elbv2.k8s.aws/v1beta1", says),
        ])
    };
    is(&around("targetType: instance", "ip"), &[SERVICE]);
    is(&around("targetType: ip", "instance"), &[SERVICE, ALB_IP]);
    is(&around("scheme: internal", "ip"), &[SERVICE, ALB_IP]);
}

#[test]
fn a_class_of_another_controller_is_no_alb_whatever_its_name() {
    let other = class("alb", "", "controller: k8s.io/ingress-nginx");
    let around = all(&[service("", ""), ingress("", "ingressClassName: alb,"), other]);
    is(&around, &[SERVICE, ("ingress/shop", &["ingress 30/30"])]);
}

#[test]
fn eks_auto_mode_takes_the_pods_addresses_unless_told_otherwise() {
    let auto = "controller: eks.amazonaws.com/alb, parameters: {apiGroup: eks.amazonaws.com, kind: IngressClassParams, name: outside}";
    let around = |parameter: &str| {
        all(&[
            service("", NODE_PORTS),
            ingress("", ""),
            class("auto", DEFAULT, auto),
            parameters("eks.amazonaws.com/v1", parameter),
        ])
    };
    is(&around("scheme: internal"), &[SERVICE, ALB_IP]);
    is(&around("targetType: instance"), &[SERVICE]);
    let nlb: &[(&str, &[&str])] =
        &[SERVICE, ("nlb/web", &["lb-controller 5/5", "nlb 300/300", "nlb-health 30/0"])];
    let by_class = "type: LoadBalancer, loadBalancerClass: eks.amazonaws.com/nlb";
    is(&service("", by_class), nlb);
    let nodes = "annotations: {service.beta.kubernetes.io/aws-load-balancer-nlb-target-type: instance}";
    is(&service(nodes, by_class), &[SERVICE]);
}

#[test]
fn targets_without_a_node_port_can_only_be_the_pods_addresses() {
    let by_class = |spec: &str| {
        all(&[
            service("", spec),
            ingress("", "ingressClassName: public,"),
            class("public", "", "controller: ingress.k8s.aws/alb"),
        ])
    };
    is(&by_class(""), &[SERVICE, ALB_IP]);
    is(&by_class(NODE_PORTS), &[SERVICE]);
    assert!(
        notes(&by_class(NODE_PORTS))
            .contains("does not say its target type: its targets are taken to be nodes")
    );
    assert!(notes(&by_class("")).contains("does not say its target type: its Service has no node ports"));
    let nlb =
        "type: LoadBalancer, loadBalancerClass: service.k8s.aws/nlb, allocateLoadBalancerNodePorts: false";
    is(&service("", nlb), &[SERVICE, ("nlb/web", &["lb-controller 5/5", "nlb 300/300", "nlb-health 30/0"])]);
}

#[test]
fn parameters_that_are_not_in_the_input_may_say_ip() {
    let around = all(&[
        service("", NODE_PORTS),
        ingress("", "ingressClassName: public,"),
        class("public", "", OF_AWS),
    ]);
    is(&around, &[SERVICE, ALB_IP]);
    assert!(notes(&around).contains("IngressClassParams outside is not in the input"));
}

#[test]
fn an_ingress_whose_class_is_not_in_the_input_is_as_slow_as_an_alb_and_that_is_told() {
    for (spec, told) in [
        ("ingressClassName: public,", "its class public is not in the input"),
        ("", "names no class, and no IngressClass in the input is the default"),
    ] {
        let around = all(&[service("", ""), ingress("", spec)]);
        is(&around, &[SERVICE, ("ingress/shop", &["ingress 55/65"])]);
        let notes = notes(&around);
        assert!(notes.contains(told) && notes.contains("--bound ingress=30s"), "{notes}");
    }
    for known in ["nginx", "traefik-internal", "haproxy"] {
        let around = all(&[service("", ""), ingress("", &format!("ingressClassName: {known},"))]);
        is(&around, &[SERVICE, ("ingress/shop", &["ingress 30/30"])]);
        assert!(!notes(&around).contains("not in the input"));
    }
    let mut own = Overrides::default();
    own.set("ingress", Duration::from_secs(30)).unwrap();
    let (paths, notes) = found(&all(&[service("", ""), ingress("", "ingressClassName: public,")]), &own);
    assert_eq!(paths[1].1, ["ingress 30/30"]);
    assert!(!notes.contains("not in the input"), "the user has said how long: {notes}");
}

#[test]
fn a_cloud_of_which_no_bound_is_known_counts_as_an_alb() {
    let azure = class("gate", DEFAULT, "controller: azure/application-gateway");
    let around = all(&[service("", ""), ingress("", ""), azure]);
    is(&around, &[SERVICE, ("ingress/shop", &["ingress 55/65"])]);
    assert!(
        notes(&around).contains(
            "its controller azure/application-gateway makes a load balancer outside of the cluster"
        )
    );
    let lattice = gateway_class("application-networking.k8s.aws/gateway-api-controller", "");
    let around = all(&[service("", ""), lattice, gateway(""), route("HTTPRoute", DOOR)]);
    is(&around, &[SERVICE, ("gateway/shop", &["gateway 70/65"])]);
}

fn gateway_class(controller: &str, more: &str) -> String {
    format!(
        "apiVersion: gateway.networking.k8s.io/v1\nkind: GatewayClass\nmetadata: {{name: edge}}\nspec: {{controllerName: {controller}, {more}}}\n"
    )
}

fn gateway(more: &str) -> String {
    format!(
        "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {{name: door}}\nspec: {{gatewayClassName: edge, {more}}}\n"
    )
}

fn route(kind: &str, parents: &str) -> String {
    format!(
        "apiVersion: gateway.networking.k8s.io/v1\nkind: {kind}\nmetadata: {{name: shop}}\nspec: {{parentRefs: [{parents}], rules: [{{backendRefs: [{{name: web, port: 80}}]}}]}}\n"
    )
}

fn targets(name: &str, spec: &str) -> String {
    format!(
        "apiVersion: gateway.k8s.aws/v1beta1\nkind: TargetGroupConfiguration\nmetadata: {{name: {name}}}\nspec: {{{spec}}}\n"
    )
}

fn balancer(name: &str, spec: &str) -> String {
    format!(
        "apiVersion: gateway.k8s.aws/v1beta1\nkind: LoadBalancerConfiguration\nmetadata: {{name: {name}, namespace: infra}}\nspec: {{{spec}}}\n"
    )
}

const DOOR: &str = "{name: door}";

#[test]
fn a_gateway_classs_controller_makes_it_an_alb_or_an_nlb() {
    let ip = targets("web", "targetReference: {name: web}, defaultConfiguration: {targetType: ip}");
    for (controller, kind, path) in [
        ("gateway.k8s.aws/alb", "HTTPRoute", GATEWAY_ALB),
        ("gateway.k8s.aws/alb", "GRPCRoute", GATEWAY_ALB),
        ("gateway.k8s.aws/nlb", "TCPRoute", GATEWAY_NLB),
        ("gateway.k8s.aws/nlb", "TLSRoute", GATEWAY_NLB),
        ("gateway.envoyproxy.io/gatewayclass-controller", "HTTPRoute", ("gateway/shop", &["gateway 30/30"])),
    ] {
        let around = all(&[
            service("", NODE_PORTS),
            gateway_class(controller, ""),
            gateway(""),
            route(kind, DOOR),
            ip.clone(),
        ]);
        is(&around, &[SERVICE, path]);
    }
}

#[test]
fn a_target_group_configuration_says_the_targets_and_the_health_checks() {
    let around = |configuration: &str| {
        all(&[
            service("", NODE_PORTS),
            gateway_class("gateway.k8s.aws/alb", ""),
            gateway(""),
            route("HTTPRoute", DOOR),
            targets("web", configuration),
        ])
    };
    let health = "healthCheckConfig: {healthCheckInterval: 20, healthyThresholdCount: 4}";
    is(
        &around(&format!(
            "targetReference: {{kind: Service, name: web}}, defaultConfiguration: {{targetType: ip, {health}}}"
        )),
        &[SERVICE, ("alb/shop", &["lb-controller 5/5", "alb 20/60", "alb-health 80/0"])],
    );
    is(&around("targetReference: {name: web}, defaultConfiguration: {targetType: instance}"), &[SERVICE]);
    is(&around("targetReference: {name: other}, defaultConfiguration: {targetType: ip}"), &[SERVICE]);
    assert!(notes(&around("targetReference: {name: other}")).contains("does not say its target type"));
    let of_a_route = "targetReference: {name: web}, defaultConfiguration: {targetType: instance}, routeConfigurations: [\
                      {routeIdentifier: {kind: GRPCRoute}, targetGroupProps: {targetType: instance}}, \
                      {routeIdentifier: {kind: HTTPRoute, name: shop}, targetGroupProps: {targetType: ip}}]";
    is(&around(of_a_route), &[SERVICE, GATEWAY_ALB]);
}

#[test]
fn a_gateways_or_its_classs_balancer_configuration_has_defaults_for_the_targets() {
    let ip = targets("defaults", "defaultConfiguration: {targetType: ip}")
        .replace("name: defaults", "name: defaults, namespace: infra");
    let lbc = balancer("lbc", "defaultTargetGroupConfiguration: {name: defaults}");
    let by_class = "parametersRef: {group: gateway.k8s.aws, kind: LoadBalancerConfiguration, name: lbc, namespace: infra}";
    let by_gateway = "infrastructure: {parametersRef: {group: gateway.k8s.aws, kind: LoadBalancerConfiguration, name: lbc}}";
    for (class, door) in [
        (gateway_class("gateway.k8s.aws/alb", by_class), gateway("")),
        (gateway_class("gateway.k8s.aws/alb", ""), gateway(by_gateway)),
    ] {
        let around =
            all(&[service("", NODE_PORTS), class, door, route("HTTPRoute", DOOR), lbc.clone(), ip.clone()]);
        is(&around, &[SERVICE, GATEWAY_ALB]);
    }
    let own = targets("web", "targetReference: {name: web}, defaultConfiguration: {targetType: instance}");
    let around = all(&[
        service("", NODE_PORTS),
        gateway_class("gateway.k8s.aws/alb", by_class),
        gateway(""),
        route("HTTPRoute", DOOR),
        lbc,
        ip,
        own,
    ]);
    is(&around, &[SERVICE]);
}

#[test]
fn of_the_defaults_of_a_gateway_and_its_class_the_classs_win_unless_it_says_otherwise() {
    let infra = |text: String, name: &str| {
        text.replace(&format!("name: {name}}}"), &format!("name: {name}, namespace: infra}}"))
    };
    let reference = "group: gateway.k8s.aws, kind: LoadBalancerConfiguration";
    let class = gateway_class(
        "gateway.k8s.aws/alb",
        &format!("parametersRef: {{{reference}, name: of-class, namespace: infra}}"),
    );
    let door = gateway(&format!("infrastructure: {{parametersRef: {{{reference}, name: of-gateway}}}}"));
    let around = |mode: &str| {
        all(&[
            service("", NODE_PORTS),
            class.clone(),
            door.clone(),
            route("HTTPRoute", DOOR),
            balancer("of-class", &format!("{mode}defaultTargetGroupConfiguration: {{name: slow}}")),
            balancer("of-gateway", "defaultTargetGroupConfiguration: {name: fast}"),
            infra(targets("slow", "defaultConfiguration: {targetType: ip}"), "slow"),
            infra(targets("fast", "defaultConfiguration: {targetType: instance}"), "fast"),
        ])
    };
    is(&around(""), &[SERVICE, GATEWAY_ALB]);
    is(&around("mergingMode: prefer-gateway-class, "), &[SERVICE, GATEWAY_ALB]);
    is(&around("mergingMode: prefer-gateway, "), &[SERVICE]);
}

#[test]
fn configurations_are_looked_for_in_their_own_namespaces() {
    let web = |text: &str| text.replace("{name: web,", "{name: web, namespace: shop,");
    let ip = "targetReference: {name: web}, defaultConfiguration: {targetType: ip}";
    let far = targets("web", ip).replace("{name: web}\nspec", "{name: web, namespace: far}\nspec");
    let near = far.replace("namespace: far", "namespace: shop");
    for (configuration, expected) in [(far, &[SERVICE][..]), (near, &[SERVICE, GATEWAY_ALB][..])] {
        let door = gateway("").replace("{name: door}", "{name: door, namespace: infra}");
        let route = route("HTTPRoute", "{name: door, namespace: infra}")
            .replace("{name: shop}", "{name: shop, namespace: shop}");
        let around = all(&[
            web(&service("labels: {}", NODE_PORTS)),
            gateway_class("gateway.k8s.aws/alb", ""),
            door,
            route,
            configuration,
        ]);
        is(&around, expected);
    }
    let other_door = gateway("").replace("{name: door}", "{name: door, namespace: far}");
    let route = route("HTTPRoute", "{name: door, namespace: infra}");
    let around = all(&[service("", ""), gateway_class("gateway.k8s.aws/alb", ""), other_door, route]);
    is(&around, &[SERVICE, ("gateway/shop", &["gateway 70/65"])]);
}

#[test]
fn what_is_empty_is_not_said() {
    let around = all(&[
        service("", ""),
        ingress("", "ingressClassName: '',"),
        class("public", DEFAULT, OF_AWS),
        parameters("elbv2.k8s.aws/v1beta1", "targetType: ''"),
    ]);
    is(&around, &[SERVICE, ALB_IP]);
    assert!(notes(&around).contains("does not say its target type"));
}

#[test]
fn of_several_route_configurations_the_closest_counts() {
    let by_routes = |routes: &str| {
        let spec = format!("targetReference: {{name: web}}, routeConfigurations: [{routes}]");
        all(&[
            service("", NODE_PORTS),
            gateway_class("gateway.k8s.aws/alb", ""),
            gateway(""),
            route("HTTPRoute", DOOR),
            targets("web", &spec),
        ])
    };
    let one = "{routeIdentifier: {kind: HTTPRoute, name: shop}, targetGroupProps: {targetType: ip}}";
    let any = "{routeIdentifier: {kind: HTTPRoute}, targetGroupProps: {targetType: instance}}";
    is(&by_routes(&format!("{one}, {any}")), &[SERVICE, GATEWAY_ALB]);
    is(&by_routes(&format!("{any}, {one}")), &[SERVICE, GATEWAY_ALB]);
    is(&by_routes(any), &[SERVICE]);
    let other = "{routeIdentifier: {kind: HTTPRoute, namespace: shop, name: other}, targetGroupProps: {targetType: instance}}";
    is(&by_routes(&format!("{one}, {other}")), &[SERVICE, GATEWAY_ALB]);
    let gateways =
        targets("web", "targetReference: {kind: Gateway, name: web}, defaultConfiguration: {targetType: ip}");
    let parts = [
        service("", NODE_PORTS),
        gateway_class("gateway.k8s.aws/alb", ""),
        gateway(""),
        route("HTTPRoute", DOOR),
        gateways,
    ];
    is(&all(&parts), &[SERVICE]);
}

#[test]
fn a_health_check_of_more_than_an_hour_is_none() {
    let around = |seconds: &str| {
        let meta = format!(
            "annotations: {{alb.ingress.kubernetes.io/target-type: ip, alb.ingress.kubernetes.io/healthcheck-interval-seconds: '{seconds}'}}"
        );
        all(&[service("", ""), ingress(&meta, "")])
    };
    is(&around("3601"), &[SERVICE, ALB_IP]);
    is(&around("300"), &[SERVICE, ("alb/shop", &["lb-controller 5/5", "alb 20/60", "alb-health 600/0"])]);
}

#[test]
fn of_two_default_classes_the_slower_counts() {
    let nginx = class("nginx", DEFAULT, "controller: k8s.io/ingress-nginx");
    let alb = class("public", DEFAULT, "controller: ingress.k8s.aws/alb");
    for classes in [[nginx.clone(), alb.clone()], [alb.clone(), nginx.clone()]] {
        is(&all(&[vec![service("", ""), ingress("", "")], classes.to_vec()].concat()), &[SERVICE, ALB_IP]);
    }
    let not_default = DEFAULT.replace("true", "false");
    let around = all(&[service("", ""), ingress("", ""), nginx, class("public", &not_default, OF_AWS)]);
    is(&around, &[SERVICE, ("ingress/shop", &["ingress 30/30"])]);
}

#[test]
fn a_listener_set_leads_to_its_gateway() {
    let set = "apiVersion: gateway.networking.k8s.io/v1\nkind: ListenerSet\nmetadata: {name: more}\nspec: {parentRef: {name: door, kind: Gateway}}\n";
    let around = all(&[
        service("", ""),
        gateway_class("gateway.k8s.aws/alb", ""),
        gateway(""),
        route("HTTPRoute", "{kind: ListenerSet, name: more}"),
        set.to_owned(),
    ]);
    is(&around, &[SERVICE, GATEWAY_ALB]);
}

#[test]
fn a_gateway_whose_class_is_not_in_the_input_is_as_slow_as_what_such_a_route_may_lead_through() {
    for (kind, stage) in
        [("HTTPRoute", "gateway 70/65"), ("GRPCRoute", "gateway 70/65"), ("TCPRoute", "gateway 350/305")]
    {
        for parts in [vec![gateway("")], vec![]] {
            let around = all(&[vec![service("", ""), route(kind, DOOR)], parts].concat());
            is(&around, &[SERVICE, ("gateway/shop", &[stage])]);
            let notes = notes(&around);
            assert!(
                notes.contains("is not in the input") && notes.contains("--bound gateway=30s"),
                "{notes}"
            );
        }
    }
    let known = gateway("").replace("gatewayClassName: edge", "gatewayClassName: istio");
    is(
        &all(&[service("", ""), route("HTTPRoute", DOOR), known]),
        &[SERVICE, ("gateway/shop", &["gateway 30/30"])],
    );
}

#[test]
fn a_route_of_several_gateways_is_as_slow_as_each() {
    let inner =
        gateway("").replace("door", "inner").replace("gatewayClassName: edge", "gatewayClassName: istio");
    let around = all(&[
        service("", ""),
        gateway_class("gateway.k8s.aws/alb", ""),
        gateway(""),
        inner,
        route("HTTPRoute", "{name: inner}, {name: door, sectionName: http}"),
    ]);
    is(&around, &[SERVICE, ("gateway/shop", &["gateway 30/30"]), GATEWAY_ALB]);
}

#[test]
fn of_a_proxy_in_the_cluster_and_an_unknown_gateway_the_slower_counts() {
    let inner =
        gateway("").replace("door", "inner").replace("gatewayClassName: edge", "gatewayClassName: istio");
    for parents in ["{name: inner}, {name: far}", "{name: far}, {name: inner}"] {
        let around = all(&[service("", ""), inner.clone(), route("HTTPRoute", parents)]);
        is(&around, &[SERVICE, ("gateway/shop", &["gateway 70/65"])]);
    }
}

#[test]
fn a_meshs_route_to_a_service_is_a_proxys_in_the_cluster() {
    let around = all(&[service("", ""), route("HTTPRoute", "{kind: Service, group: '', name: web}")]);
    is(&around, &[SERVICE, ("gateway/shop", &["gateway 30/30"])]);
}

#[test]
fn a_health_check_on_the_agent_is_advised_only_where_it_is_faster() {
    let prefix = "service.beta.kubernetes.io/aws-load-balancer-";
    let around = |interval: &str| {
        let meta = format!(
            "annotations: {{{prefix}nlb-target-type: ip, {prefix}healthcheck-interval: '{interval}'}}"
        );
        service(&meta, "type: LoadBalancer")
    };
    assert!(notes(&around("96")).contains("stops sending 298 s after"));
    assert!(!notes(&around("97")).contains("stops sending"));
}

#[test]
fn a_gateways_health_check_may_ask_the_agent() {
    let asks = "targetReference: {name: web}, defaultConfiguration: {targetType: ip, healthCheckConfig: {healthCheckPath: /segue/lb-health, \
                healthCheckPort: '15079', healthCheckProtocol: HTTP, healthCheckInterval: 10, unhealthyThresholdCount: 2}}";
    let around = all(&[
        service("", ""),
        gateway_class("gateway.k8s.aws/nlb", ""),
        gateway(""),
        route("TCPRoute", DOOR),
        targets("web", asks),
    ]);
    is(&around, &[SERVICE, ("nlb/shop", &["lb-controller 5/5", "nlb 300/0", "nlb-health 30/30"])]);
    let plain = asks.replace("healthCheckPath: /segue/lb-health, ", "");
    let around = around.replace(asks, &plain);
    assert!(notes(&around).contains("healthCheckPath: /segue/lb-health"), "{}", notes(&around));
}

#[test]
fn a_load_balancer_that_names_no_class_is_told() {
    let told = "does not say who makes its load balancer";
    assert!(notes(&service("", "type: LoadBalancer")).contains(told));
    assert!(!notes(&service("", "type: LoadBalancer, loadBalancerClass: example.com/lb")).contains(told));
    assert!(!notes(&service("", "")).contains(told));
    let old = "annotations: {service.beta.kubernetes.io/aws-load-balancer-type: nlb}";
    assert!(!notes(&service(old, "type: LoadBalancer")).contains(told));
    let ip = "annotations: {service.beta.kubernetes.io/aws-load-balancer-nlb-target-type: ip}";
    assert!(!notes(&service(ip, "type: LoadBalancer")).contains(told));
}
