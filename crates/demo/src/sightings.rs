//! What `segue status -o json` showed last, and what has happened since: the marks of the last row's picture.

use std::collections::BTreeMap;

use segue_probe::MarkKind;
use serde_json::Value;

/// Every instance with how it was last seen.
#[derive(Debug, Default)]
pub(crate) struct Sightings(BTreeMap<String, Seen>);

#[derive(Debug, Default)]
struct Seen {
    state: String,
    version: String,
}

/// A step of an instance's life.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) kind: MarkKind,
    pub(crate) instance: String,
    pub(crate) version: String,
}

// === impl Sightings ===

impl Sightings {
    /// The first look.
    pub(crate) fn of(status: &Value) -> Self {
        let instances = status["instances"].as_array().into_iter().flatten();
        let text = |instance: &Value, key: &str| instance[key].as_str().unwrap_or_default().to_owned();
        let seen = |instance| {
            (
                text(instance, "id"),
                Seen { state: text(instance, "state"), version: text(instance, "version") },
            )
        };
        Self(instances.map(seen).collect())
    }

    /// How many take requests.
    pub(crate) fn serving(&self) -> usize {
        self.0.values().filter(|seen| seen.state == "serving").count()
    }

    /// What has happened since the last look, instance by instance; nothing at the first.
    pub(crate) fn update(&mut self, status: &Value) -> Vec<Step> {
        if self.0.is_empty() {
            *self = Self::of(status);
            return Vec::new();
        }
        let before = std::mem::replace(self, Self::of(status));
        let came =
            self.0.iter().map(|(id, now)| (id, &now.version, state(before.0.get(id)), now.state.as_str()));
        let gone = before.0.iter().filter(|(id, _)| !self.0.contains_key(*id));
        let gone = gone.map(|(id, seen)| (id, &seen.version, seen.state.as_str(), "ended"));
        came.chain(gone)
            .flat_map(|(instance, version, from, to)| {
                let step = |kind| Step { kind, instance: instance.clone(), version: version.clone() };
                passed(from, to).into_iter().map(step)
            })
            .collect()
    }
}

fn state(seen: Option<&Seen>) -> &str {
    seen.map_or("", |seen| &seen.state)
}

/// What lies on the way from one state to another, also when a state between was not seen.
fn passed(from: &str, to: &str) -> Vec<MarkKind> {
    let rank = |state: &str| match state {
        "serving" | "unready" => 1,
        "draining" | "stopping" => 2,
        "ended" => 3,
        _ => 0,
    };
    let way = [MarkKind::Ready, MarkKind::Withdrawn, MarkKind::Stopped];
    way.into_iter()
        .zip(1..)
        .filter(|(_, step)| (rank(from) + 1..=rank(to)).contains(step))
        .map(|(kind, _)| kind)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn status(instances: &[(&str, &str)]) -> Value {
        let instances: Vec<_> =
            instances.iter().map(|(id, state)| json!({"id": id, "state": state, "version": "v1"})).collect();
        json!({ "instances": instances })
    }

    fn step(kind: MarkKind, instance: &str) -> Step {
        Step { kind, instance: instance.to_owned(), version: "v1".to_owned() }
    }

    #[test]
    fn an_instance_is_marked_once_for_each_step_of_its_life() {
        use MarkKind::{Ready, Stopped, Withdrawn};
        let mut sightings = Sightings::of(&status(&[("web-1", "serving")]));
        assert_eq!(sightings.update(&status(&[("web-1", "serving"), ("web-2", "starting")])), []);
        assert_eq!(
            sightings.update(&status(&[("web-1", "draining"), ("web-2", "serving")])),
            [step(Withdrawn, "web-1"), step(Ready, "web-2")]
        );
        assert_eq!(sightings.update(&status(&[("web-1", "stopping"), ("web-2", "serving")])), []);
        assert_eq!(sightings.update(&status(&[("web-2", "serving")])), [step(Stopped, "web-1")]);
        assert_eq!(sightings.serving(), 1);
        assert_eq!(sightings.update(&status(&[])), [step(Withdrawn, "web-2"), step(Stopped, "web-2")]);
    }

    #[test]
    fn no_status_is_no_instance() {
        assert_eq!(Sightings::of(&Value::Null).serving(), 0);
    }
}
