//! Names, labels and annotations.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::values::nullable;

/// What is read of an object's `metadata`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Meta {
    /// Its name.
    pub name: Option<String>,
    /// The beginning of its name, where the API server makes the rest.
    pub generate_name: Option<String>,
    /// Its namespace; without one it goes wherever it is applied to.
    pub namespace: Option<String>,
    /// Its labels.
    #[serde(default, deserialize_with = "nullable")]
    pub labels: BTreeMap<String, String>,
    /// Its annotations.
    #[serde(default, deserialize_with = "nullable")]
    pub annotations: BTreeMap<String, String>,
}

impl Meta {
    /// What messages call it.
    pub fn shown_name(&self) -> &str {
        self.name.as_deref().or(self.generate_name.as_deref()).unwrap_or("(without a name)")
    }

    /// An annotation's value.
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.annotations.get(key).map(String::as_str)
    }
}
