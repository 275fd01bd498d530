//! Which pods a selector picks: those that have *all* of what it asks for.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::values::nullable;

/// A label selector.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Selector {
    /// Labels that must be there with that value.
    #[serde(default, deserialize_with = "nullable")]
    pub match_labels: BTreeMap<String, String>,
    /// Further conditions.
    #[serde(default, deserialize_with = "nullable")]
    pub match_expressions: Vec<Expression>,
}

/// One condition on one label.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Expression {
    /// The label.
    pub key: String,
    /// `In`, `NotIn`, `Exists` or `DoesNotExist`.
    pub operator: String,
    /// What `In` and `NotIn` compare with.
    #[serde(default, deserialize_with = "nullable")]
    pub values: Vec<String>,
}

impl Selector {
    /// Whether it picks an object with these labels. An empty selector picks everything.
    pub fn picks(&self, labels: &BTreeMap<String, String>) -> bool {
        has_all(labels, &self.match_labels) && self.match_expressions.iter().all(|one| one.holds(labels))
    }
}

impl Expression {
    /// An operator that is not known counts as met: rather one policy too many is looked at.
    pub(super) fn holds(&self, labels: &BTreeMap<String, String>) -> bool {
        let value = labels.get(&self.key);
        match self.operator.as_str() {
            "In" => value.is_some_and(|value| self.values.contains(value)),
            "NotIn" => value.is_none_or(|value| !self.values.contains(value)),
            "DoesNotExist" => value.is_none(),
            "Exists" => value.is_some(),
            _ => true,
        }
    }
}

/// Whether all of `wanted` is in `labels`.
fn has_all(labels: &BTreeMap<String, String>, wanted: &BTreeMap<String, String>) -> bool {
    wanted.iter().all(|(key, value)| labels.get(key) == Some(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn every_label_and_every_expression_must_hold() {
        let selector: Selector = serde_json::from_str(
            r#"{"matchLabels":{"app":"web"},"matchExpressions":[
                {"key":"tier","operator":"In","values":["front","edge"]},
                {"key":"track","operator":"NotIn","values":["canary"]},
                {"key":"app","operator":"Exists"},
                {"key":"legacy","operator":"DoesNotExist","values":null}]}"#,
        )
        .unwrap();
        let good = [("app", "web"), ("tier", "edge"), ("track", "stable")];
        assert!(selector.picks(&labels(&good)));
        for wrong in [("app", "api"), ("tier", "back"), ("track", "canary"), ("legacy", "")] {
            let mut labels = labels(&good);
            labels.insert(wrong.0.to_owned(), wrong.1.to_owned());
            assert!(!selector.picks(&labels), "{wrong:?}");
        }
        assert!(!selector.picks(&labels(&good[..1])), "In needs the label");
    }

    #[test]
    fn an_empty_selector_picks_everything() {
        assert!(Selector::default().picks(&labels(&[])));
    }
}
