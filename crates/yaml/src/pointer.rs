//! The way from a document's root to a value in it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One step down: into a mapping by its key, or into a sequence by its index.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Step {
    /// A sequence's item, counted from 0.
    Index(usize),
    /// A mapping's key.
    Key(String),
}

impl From<&str> for Step {
    fn from(key: &str) -> Self {
        Self::Key(key.to_owned())
    }
}

impl From<String> for Step {
    fn from(key: String) -> Self {
        Self::Key(key)
    }
}

impl From<usize> for Step {
    fn from(index: usize) -> Self {
        Self::Index(index)
    }
}

/// The steps from a document's root to a value. Displays as `.spec.template.spec.containers[0]`; as JSON it is the list
/// of its steps.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pointer(pub Vec<Step>);

impl Pointer {
    /// The document's root.
    pub fn root() -> Self {
        Self::default()
    }

    /// A way down mappings only.
    pub fn keys<'k>(keys: impl IntoIterator<Item = &'k str>) -> Self {
        Self(keys.into_iter().map(Step::from).collect())
    }

    /// This way and one step more.
    #[must_use]
    pub fn then(&self, step: impl Into<Step>) -> Self {
        let mut steps = self.0.clone();
        steps.push(step.into());
        Self(steps)
    }

    /// The way to what holds this value, and the last step; `None` at the root.
    pub fn split_last(&self) -> Option<(Self, &Step)> {
        let (last, before) = self.0.split_last()?;
        Some((Self(before.to_vec()), last))
    }

    /// The way of its first steps alone.
    pub(crate) fn first(&self, count: usize) -> Self {
        Self(self.0.iter().take(count).cloned().collect())
    }

    /// Its steps.
    pub fn steps(&self) -> &[Step] {
        &self.0
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str(".");
        }
        for step in &self.0 {
            match step {
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Key(key) if is_word(key) => write!(f, ".{key}")?,
                Step::Key(key) => write!(f, "[{key:?}]")?,
            }
        }
        Ok(())
    }
}

fn is_word(key: &str) -> bool {
    !key.is_empty() && key.chars().all(|letter| letter.is_alphanumeric() || letter == '_' || letter == '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_reads_like_a_path_in_kubernetes_messages() {
        let pointer = Pointer::keys(["spec", "containers"]).then(0).then("lifecycle");
        assert_eq!(pointer.to_string(), ".spec.containers[0].lifecycle");
        let annotation = Pointer::keys(["metadata", "annotations", "segue.dev/plan"]);
        assert_eq!(annotation.to_string(), ".metadata.annotations[\"segue.dev/plan\"]");
        assert_eq!(Pointer::root().to_string(), ".");
    }

    #[test]
    fn as_json_a_pointer_is_the_list_of_its_steps() {
        let pointer = Pointer::keys(["items"]).then(3).then("0");
        let json = serde_json::to_string(&pointer).unwrap();
        assert_eq!(json, r#"["items",3,"0"]"#);
        assert_eq!(serde_json::from_str::<Pointer>(&json).unwrap(), pointer);
    }
}
