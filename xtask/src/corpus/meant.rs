//! What inject is there to change, said once more and otherwise than by inject itself; and when two values are one.

use segue_yaml::Stream;
use serde_json::Value;

/// Where inject may change something, from an object's root. `*` is any item, `**` any number of steps, and a last `…` whatever
/// lies below.
const MEANT: &[&str] = &[
    "metadata/annotations/segue.dev/injected",
    "spec/minReadySeconds",
    "spec/progressDeadlineSeconds",
    "spec/strategy/…",
    "spec/updateStrategy/…",
    // A bare Pod's own, and a template's.
    "**/metadata/annotations/segue.dev/plan",
    "**/metadata/annotations/segue.dev/ports",
    "**/metadata/annotations/cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes",
    "**/metadata/annotations/traffic.sidecar.istio.io/excludeInboundPorts",
    "**/metadata/annotations/traffic.sidecar.istio.io/includeInboundPorts",
    "**/metadata/annotations/config.linkerd.io/skip-inbound-ports",
    "**/metadata/annotations/config.linkerd.io/opaque-ports",
    "**/spec/terminationGracePeriodSeconds",
    "**/spec/initContainers/…",
    "**/spec/volumes/…",
    "**/spec/containers/*/lifecycle/…",
    "**/spec/containers/*/volumeMounts/…",
    "**/spec/containers/*/ports/*/containerPort",
    "**/spec/containers/*/livenessProbe/…",
    "**/spec/containers/*/readinessProbe/…",
    "**/spec/containers/*/startupProbe/…",
    // A NetworkPolicy's rules.
    "spec/ingress/*/ports/…",
    "spec/egress/*/ports/…",
];

/// The first place at which a text's values differ from another's though inject has nothing to do there.
pub(super) fn strange(before: &Stream, after: &Stream) -> Option<String> {
    let (before, after) = (values(before), values(after));
    if before.len() != after.len() {
        return Some("the number of documents".to_owned());
    }
    let mut places = Vec::new();
    for (old, new) in before.iter().zip(&after) {
        differences(&mut Vec::new(), Some(old), Some(new), &mut places);
    }
    places.into_iter().find(|place| !is_meant(place)).map(|place| place.join("/"))
}

/// The places, as deep as they can be named, where two values differ. A list that has grown differs as a whole.
fn differences(at: &mut Vec<String>, old: Option<&Value>, new: Option<&Value>, into: &mut Vec<Vec<String>>) {
    match (old, new) {
        (old, new) if old == new => {}
        (Some(Value::Object(old)), Some(Value::Object(new))) => {
            for key in old.keys().chain(new.keys().filter(|key| !old.contains_key(*key))) {
                step(at, key, |at| differences(at, old.get(key), new.get(key), into));
            }
        }
        (Some(Value::Array(old)), Some(Value::Array(new))) if old.len() == new.len() => {
            for (index, (old, new)) in old.iter().zip(new).enumerate() {
                step(at, &index.to_string(), |at| differences(at, Some(old), Some(new), into));
            }
        }
        // What is new is named to its leaves: an annotation may come with the first `annotations`.
        (None | Some(Value::Null), Some(Value::Object(new))) => {
            for (key, value) in new {
                step(at, key, |at| differences(at, None, Some(value), into));
            }
        }
        _ => into.push(at.clone()),
    }
}

fn step(at: &mut Vec<String>, key: &str, then: impl FnOnce(&mut Vec<String>)) {
    at.push(key.to_owned());
    then(at);
    at.pop();
}

fn is_meant(place: &[String]) -> bool {
    // Items of lists are objects of their own, also of lists in lists.
    let mut own = place;
    while let [items, _, rest @ ..] = own
        && items == "items"
    {
        own = rest;
    }
    MEANT.iter().any(|meant| {
        // The keys of annotations have slashes.
        let meant: Vec<&str> = match meant.split_once("annotations/") {
            Some((before, key)) => before.split_terminator('/').chain(["annotations", key]).collect(),
            None => meant.split('/').collect(),
        };
        fits(&meant, own)
    })
}

fn fits(meant: &[&str], place: &[String]) -> bool {
    match (meant, place) {
        ([], []) | (["…"], _) => true,
        (["**", rest @ ..], _) => (0..=place.len()).any(|skip| fits(rest, &place[skip..])),
        (["*", meant @ ..], [_, place @ ..]) => fits(meant, place),
        ([word, meant @ ..], [step, place @ ..]) => word == step && fits(meant, place),
        _ => false,
    }
}

/// Whether they say the same; numbers by their value, for Go writes some otherwise.
pub(super) fn equal(one: &[Value], other: &[Value]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
}

fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one == other || one.as_f64() == other.as_f64(),
        (Value::Array(one), Value::Array(other)) => equal(one, other),
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(key, value)| other.get(key).is_some_and(|other| same(value, other)))
        }
        _ => one == other,
    }
}

/// Where two lists of documents differ first, and how.
pub(super) fn first_difference(theirs: &[Value], ours: &[Value]) -> String {
    if theirs.len() != ours.len() {
        return format!("{} documents instead of {}", theirs.len(), ours.len());
    }
    let mut places = Vec::new();
    for (index, (theirs, ours)) in theirs.iter().zip(ours).enumerate() {
        differences(&mut vec![index.to_string()], Some(ours), Some(theirs), &mut places);
    }
    let at = |values: &[Value], place: &[String]| {
        let mut value = values.get(place[0].parse::<usize>().unwrap_or(0));
        for step in &place[1..] {
            value = value.and_then(|value| match value {
                Value::Array(items) => items.get(step.parse::<usize>().ok()?),
                value => value.get(step),
            });
        }
        let text = value.map_or_else(|| "nothing".to_owned(), Value::to_string);
        text.chars().take(80).collect::<String>()
    };
    let place = places.iter().find(|place| at(theirs, place) != at(ours, place)).or(places.first());
    place.map_or_else(
        || "something".to_owned(),
        |place| format!("/{} ({}, here {})", place.join("/"), at(theirs, place), at(ours, place)),
    )
}

/// The documents as we read them, the empty ones left out.
pub(super) fn values(stream: &Stream) -> Vec<Value> {
    stream.documents().iter().map(|document| document.json().clone()).filter(|json| !json.is_null()).collect()
}
