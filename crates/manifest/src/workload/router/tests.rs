//! Which of several objects says what the router is.

use segue_yaml::parse;
use serde_json::json;

use super::*;
use crate::objects::objects;

fn all(text: &str) -> Vec<Object> {
    objects(&[parse("app.yaml", text).unwrap()]).unwrap()
}

fn of_kind<'o>(objects: &'o [Object], kind: &str) -> &'o Object {
    objects.iter().find(|one| one.kind_name == kind).unwrap()
}

#[test]
fn a_class_has_the_parameters_that_it_names_and_no_others() {
    let text = "\
apiVersion: elbv2.k8s.aws/v1beta1
kind: IngressClassParams
metadata: {name: other}
spec: {targetType: instance}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: shop}
spec: {targetType: instance}
---
apiVersion: elbv2.k8s.aws/v1beta1
kind: IngressClassParams
metadata: {name: shop}
spec: {targetType: ip}
---
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: shop}
spec: {controller: ingress.k8s.aws/alb, parameters: {name: shop}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: shop}
";
    let balancer = |objects: &[Object]| match of_ingress(objects, of_kind(objects, "Ingress"), Some("shop")) {
        Router::Balancer(balancer) => balancer,
        other => panic!("{other:?}"),
    };
    let known = balancer(&all(text));
    assert_eq!((known.target_type.as_deref(), known.missing), (Some("ip"), None));
    let without = text.replace("metadata: {name: shop}\nspec: {targetType: ip}", "metadata: {name: third}");
    let missing = balancer(&all(&without));
    assert_eq!((missing.target_type, missing.missing.as_deref()), (None, Some("IngressClassParams shop")));
}

#[test]
fn a_target_groups_own_properties_count_also_where_its_gateway_is_not_in_the_input() {
    let text = "\
apiVersion: gateway.k8s.aws/v1beta1
kind: TargetGroupConfiguration
metadata: {name: shop}
spec:
  targetReference: {name: shop}
  defaultConfiguration: {targetType: ip}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: shop}
spec: {parentRefs: [{name: front}]}
---
apiVersion: v1
kind: Service
metadata: {name: shop}
";
    let objects = all(text);
    let routers = of_route(&objects, of_kind(&objects, "HTTPRoute"), of_kind(&objects, "Service"));
    match &routers[..] {
        [Router::Balancer(balancer)] => assert_eq!(balancer.properties.get("targetType"), Some(&json!("ip"))),
        other => panic!("{other:?}"),
    }
}
