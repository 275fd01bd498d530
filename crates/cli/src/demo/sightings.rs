//! What `segue status -o json` showed last, and what has happened since: the marks of the last row's picture.

use std::collections::BTreeMap;

use segue_probe::MarkKind;
use serde_json::Value;

/// Every instance with the state that it was last seen in.
#[derive(Debug, Default)]
pub(super) struct Sightings(BTreeMap<String, String>);

// === impl Sightings ===

impl Sightings {
    /// The first look.
    pub(super) fn of(status: &Value) -> Self {
        let instances = status["instances"].as_array().into_iter().flatten();
        let text = |instance: &Value, key: &str| instance[key].as_str().unwrap_or_default().to_owned();
        Self(instances.map(|instance| (text(instance, "id"), text(instance, "state"))).collect())
    }

    /// How many take requests.
    pub(super) fn serving(&self) -> usize {
        self.0.values().filter(|state| *state == "serving").count()
    }

    /// What has happened since the last look, instance by instance.
    pub(super) fn update(&mut self, status: &Value) -> Vec<(MarkKind, String)> {
        let before = std::mem::replace(self, Self::of(status));
        let mut marks = Vec::new();
        for (id, state) in &self.0 {
            let known = before.0.get(id).map_or("", String::as_str);
            marks.extend(passed(known, state).into_iter().map(|kind| (kind, id.clone())));
        }
        for (id, known) in &before.0 {
            if !self.0.contains_key(id) {
                marks.extend(passed(known, "ended").into_iter().map(|kind| (kind, id.clone())));
            }
        }
        marks
    }
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
            instances.iter().map(|(id, state)| json!({"id": id, "state": state})).collect();
        json!({ "instances": instances })
    }

    #[test]
    fn an_instance_is_marked_once_for_each_step_of_its_life() {
        let mut sightings = Sightings::of(&status(&[("web-1", "serving")]));
        let one = "web-1".to_owned();
        let two = "web-2".to_owned();
        assert_eq!(sightings.update(&status(&[("web-1", "serving"), ("web-2", "starting")])), []);
        assert_eq!(
            sightings.update(&status(&[("web-1", "draining"), ("web-2", "serving")])),
            [(MarkKind::Withdrawn, one.clone()), (MarkKind::Ready, two.clone())]
        );
        assert_eq!(sightings.update(&status(&[("web-1", "stopping"), ("web-2", "serving")])), []);
        assert_eq!(sightings.update(&status(&[("web-2", "serving")])), [(MarkKind::Stopped, one)]);
        assert_eq!(sightings.serving(), 1);
        assert_eq!(
            sightings.update(&status(&[])),
            [(MarkKind::Withdrawn, two.clone()), (MarkKind::Stopped, two)]
        );
    }

    #[test]
    fn no_status_is_no_instance() {
        assert_eq!(Sightings::of(&Value::Null).serving(), 0);
    }
}
