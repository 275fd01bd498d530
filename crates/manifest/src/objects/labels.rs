//! The labels that a workload's pods have, as far as its object tells.
//!
//! A template does not have them all: controllers add some, and write some of those into Services that lead to a part of the
//! pods (Argo Rollouts does so in the live Service). So a selector as a live cluster has it is read without those labels.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Kind, Object, Selector};

/// A StatefulSet's pod's own name, `NAME-ORDINAL`.
const POD_NAME: &str = "statefulset.kubernetes.io/pod-name";

/// What controllers add to the pods of every revision.
const OF_CONTROLLERS: [&str; 6] = [
    "pod-template-hash",
    "rollouts-pod-template-hash",
    "controller-revision-hash",
    "pod-template-generation",
    "apps.kubernetes.io/pod-index",
    POD_NAME,
];

/// Where a Rollout keeps labels that only some of its pods have.
const OF_ROLLOUTS: [&str; 4] = [
    "/spec/strategy/canary/canaryMetadata/labels",
    "/spec/strategy/canary/stableMetadata/labels",
    "/spec/strategy/blueGreen/activeMetadata/labels",
    "/spec/strategy/blueGreen/previewMetadata/labels",
];

type Labels = BTreeMap<String, String>;

/// The labels of a workload's pods.
#[derive(Debug, Clone, Default)]
pub struct PodLabels {
    /// Every set that some of them have.
    sets: Vec<Labels>,
    /// The name of their StatefulSet.
    stateful_set: Option<String>,
}

impl PodLabels {
    /// The labels of this object's pods, whose template has these.
    pub(super) fn of(object: &Object, template: &Labels) -> Self {
        let mut sets = vec![template.clone()];
        let more = OF_ROLLOUTS.iter().filter(|_| object.kind == Kind::Rollout);
        for more in more.filter_map(|at| Labels::deserialize(object.json.pointer(at)?).ok()) {
            sets.push(template.clone().into_iter().chain(more).collect());
        }
        let stateful_set = object.meta.name.clone().filter(|_| object.kind == Kind::StatefulSet);
        Self { sets, stateful_set }
    }

    /// Whether a selector picks any of the pods. An empty selector picks all.
    pub fn picked_by(&self, selector: &Selector) -> bool {
        self.sets.iter().any(|labels| {
            let expressions = selector.match_expressions.iter();
            self.has(labels, &selector.match_labels)
                && expressions.into_iter().all(|one| self.is_unknown(labels, &one.key) || one.holds(labels))
        })
    }

    /// Whether a Service's selector picks any of the pods: by controllers' labels alone only if they name them.
    pub(super) fn picked_by_service(&self, wanted: &Labels) -> bool {
        let tells = |key: &String| key == POD_NAME || !OF_CONTROLLERS.contains(&key.as_str());
        wanted.keys().any(tells) && self.sets.iter().any(|labels| self.has(labels, wanted))
    }

    fn has(&self, labels: &Labels, wanted: &Labels) -> bool {
        wanted.iter().all(|(key, value)| match labels.get(key) {
            Some(own) => own == value,
            None if key == POD_NAME => self.is_pod(value),
            None => self.is_unknown(labels, key),
        })
    }

    /// Whether the pods have a label of which the template says nothing.
    fn is_unknown(&self, labels: &Labels, key: &str) -> bool {
        let there = key != POD_NAME || self.stateful_set.is_some();
        there && OF_CONTROLLERS.contains(&key) && !labels.contains_key(key)
    }

    fn is_pod(&self, name: &str) -> bool {
        let split = name.rsplit_once('-');
        split.is_some_and(|(set, ordinal)| {
            self.stateful_set.as_deref() == Some(set) && ordinal.chars().all(|digit| digit.is_ascii_digit())
        })
    }
}
