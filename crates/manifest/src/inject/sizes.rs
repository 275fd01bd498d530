//! What the agent asks for and may have: so little that nobody minds, and what the namespace demands of every pod.
//!
//! A quota that counts limits refuses a pod with a container that has none, a limit range one that asks for too little, and
//! nobody hears of it: `kubectl apply` takes the workload, and its new pods are never made.

use serde_json::{Map, Value, json};

use super::draft::Draft;
use crate::notes::Rule;
use crate::objects::{PodSpec, Quantity, Range, Resources};

/// What the agent takes without connections, in KiB.
const BASE_MEMORY: u64 = 10 * 1024;
/// What one connection through the guard takes, idle, in KiB.
const CONNECTION_MEMORY: u64 = 16;
/// What it asks for without a guard, in KiB.
const SMALL_MEMORY: u64 = 16 * 1024;

/// How the scheduler ranks a pod by its requests and limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quality {
    Guaranteed,
    Burstable,
    BestEffort,
}

/// The request and the limit of one resource.
#[derive(Debug, Clone, Copy)]
struct Size {
    request: Quantity,
    limit: Option<Quantity>,
}

/// Decides the agent's resources.
pub(super) fn decide(draft: &mut Draft, guarded: bool) -> Resources {
    let spec = &draft.template().spec;
    let by_pod = !spec.resources.requests.is_empty() || !spec.resources.limits.is_empty();
    let quality = if by_pod { Quality::Burstable } else { quality(spec) };
    if quality == Quality::BestEffort {
        if let Some(quota) = draft.workload.quotas.iter().find(|(_, quota)| quota.knows_best_effort()) {
            let text = format!(
                "these pods are BestEffort and stay so, for {} counts such pods apart: the agent asks for nothing, and has no memory of its \
                 own when the node runs short",
                quota.0
            );
            draft.note(Rule::QualityOfService, text);
            return Resources::default();
        }
        let text = "these pods were BestEffort and become Burstable: the agent asks for memory of its own";
        draft.note(Rule::QualityOfService, text);
    }
    // A limit of a few thousandths would throttle the guard: each request passes through it.
    let cpu = Quantity::millis(if guarded { 500 } else { 50 });
    let connections = u64::from(draft.options.max_connections);
    let mebibytes = (BASE_MEMORY + CONNECTION_MEMORY * connections).div_ceil(1024);
    let memory =
        if guarded { Quantity::kibibytes(mebibytes * 1024) } else { Quantity::kibibytes(SMALL_MEMORY) };
    let (cpu, memory) = if quality == Quality::Guaranteed {
        (equal(draft, "cpu", cpu), equal(draft, "memory", memory))
    } else {
        // What is asked for is an estimate, and at the limit the agent is killed.
        let cpu = fitted(draft, "cpu", Quantity::millis(10), cpu);
        (cpu, fitted(draft, "memory", memory, memory.times(2)))
    };
    tell(draft, quality, [("cpu", cpu), ("memory", memory)], memory_that_fits(draft));
    let mut resources = Resources::default();
    for (name, size) in [("cpu", cpu), ("memory", memory)] {
        resources.requests.insert(name.to_owned(), size.request.to_string().into());
        if let Some(limit) = size.limit {
            resources.limits.insert(name.to_owned(), limit.to_string().into());
        }
    }
    resources
}

/// As the manifest has them.
pub(super) fn written(resources: &Resources) -> Value {
    let mut written = Map::new();
    for (key, map) in [("requests", &resources.requests), ("limits", &resources.limits)] {
        if !map.is_empty() {
            written.insert(key.to_owned(), map.clone().into());
        }
    }
    json!(written)
}

/// What the namespace's limit ranges ask of one resource.
pub(super) fn range(draft: &Draft, kind: &str, resource: &str) -> Range {
    let all = draft.workload.limit_ranges.iter().map(|object| Range::of(object, kind, resource));
    all.fold(Range::default(), Range::with)
}

/// Request and limit as large as each other, as a Guaranteed pod's are.
fn equal(draft: &Draft, resource: &str, size: Quantity) -> Size {
    let range = range(draft, "Container", resource);
    let size = size.max(range.min.unwrap_or_default());
    let size = if resource == "cpu" { size.min(range.max.unwrap_or(size)) } else { size };
    Size { request: size, limit: Some(size) }
}

/// A request that is large enough, and a limit where the namespace asks for one.
fn fitted(draft: &Draft, resource: &str, request: Quantity, limit: Quantity) -> Size {
    let range = range(draft, "Container", resource);
    let of_pod = self::range(draft, "Pod", resource);
    let mut request = request.max(range.min.unwrap_or_default());
    let counted = counting(draft, resource).next().is_some();
    if !counted && !range.needs_limit() && !of_pod.needs_limit() {
        return Size { request, limit: None };
    }
    let mut limit = limit.max(request);
    if let Some(max) = range.max {
        limit = limit.min(max.max(request));
    }
    if let Some(ratio) = range.with(of_pod).ratio.filter(|ratio| ratio.0 >= 1000) {
        if resource == "memory" {
            limit = limit.min(Quantity(request.0 * ratio.0 / 1000)).max(request);
        } else {
            // A low limit would throttle every request; a higher request costs only what the scheduler keeps.
            request = request.max(Quantity((limit.0 * 1000).div_ceil(ratio.0)));
        }
    }
    Size { request, limit: Some(limit) }
}

/// The quotas that count this resource's limits of these pods.
fn counting<'d>(draft: &'d Draft, resource: &str) -> impl Iterator<Item = String> + 'd {
    let key = format!("limits.{resource}");
    let spec = &draft.template().spec;
    let quotas = draft.workload.quotas.iter().filter(move |(_, quota)| quota.allows(&[&key]).is_some());
    quotas.filter(|(_, quota)| quota.counts(spec, false)).map(|(object, _)| object.to_string())
}

fn tell(draft: &mut Draft, quality: Quality, sizes: [(&str, Size); 2], connections: Option<u64>) {
    let shown = |(name, size): &(&str, Size)| match size.limit {
        Some(limit) if limit != size.request => format!("{name} {}, at most {limit}", size.request),
        _ => format!("{name} {}", size.request),
    };
    let list = sizes.iter().map(shown).collect::<Vec<_>>().join(", ");
    if quality == Quality::Guaranteed {
        let words = (list, "these pods are Guaranteed and stay so: the agent's limits equal its requests");
        draft.note(Rule::QualityOfService, words);
    } else {
        let mut why: Vec<String> =
            sizes.iter().flat_map(|(name, _)| counting(draft, name).collect::<Vec<_>>()).collect();
        why.extend(draft.workload.limit_ranges.iter().map(ToString::to_string));
        why.dedup();
        if !why.is_empty() {
            let text =
                format!("the agent asks for so much, as {} demands of every container", why.join(" and "));
            draft.note(Rule::AgentResources, (list, text));
        }
    }
    for (name, size) in sizes {
        let largest = range(draft, "Container", name).max.filter(|max| size.request > *max);
        let Some(max) = largest else { continue };
        let fewer = match connections {
            Some(connections) if name == "memory" => format!(", or say --max-connections {connections}"),
            _ => String::new(),
        };
        let text = format!(
            "a LimitRange allows a container at most {max} of {name}, and the agent needs {}: no new pod is admitted; raise it{fewer}",
            size.request
        );
        draft.note(Rule::LimitRange, text);
    }
    of_the_pod(draft, sizes);
}

/// How many connections the guard can carry in the largest memory that is allowed.
fn memory_that_fits(draft: &Draft) -> Option<u64> {
    let max = range(draft, "Container", "memory").max?;
    let kibibytes = u64::try_from(max.0 / 1000 / 1024).ok()?;
    kibibytes
        .checked_sub(BASE_MEMORY)
        .map(|left| left / CONNECTION_MEMORY)
        .filter(|connections| *connections > 0)
}

/// Tells where the pod as a whole would be too large with the agent.
fn of_the_pod(draft: &mut Draft, sizes: [(&str, Size); 2]) {
    for (name, size) in sizes {
        let Some(max) = range(draft, "Pod", name).max else { continue };
        let spec = &draft.template().spec;
        let sidecars = spec.init_containers.iter().filter(|container| container.is_sidecar());
        let of_one = range(draft, "Container", name);
        let own = spec.containers.iter().chain(sidecars).filter_map(|container| {
            let limit = of_one.filled(&container.resources, name, true);
            limit.or_else(|| of_one.filled(&container.resources, name, false))
        });
        let own = own.fold(Quantity::default(), Quantity::and);
        let all = own.and(size.limit.unwrap_or(size.request));
        if all > max {
            let words = format!(
                "a LimitRange allows a pod at most {max} of {name}, and with the agent these have {all}: no new pod is admitted; raise it"
            );
            draft.note(Rule::LimitRange, words);
        }
    }
}

fn quality(spec: &PodSpec) -> Quality {
    let mut all = spec.containers.iter().chain(&spec.init_containers).map(|container| &container.resources);
    if spec.is_best_effort() {
        Quality::BestEffort
    } else if all.all(is_guaranteed) {
        Quality::Guaranteed
    } else {
        Quality::Burstable
    }
}

/// Whether limits are set and requests equal them; a request that is missing is set to the limit by the API server.
fn is_guaranteed(resources: &Resources) -> bool {
    ["cpu", "memory"].iter().all(|key| {
        let amount = |map: &Map<String, Value>| map.get(*key).and_then(Quantity::of);
        let limit = amount(&resources.limits);
        limit.is_some() && (!resources.requests.contains_key(*key) || amount(&resources.requests) == limit)
    })
}
