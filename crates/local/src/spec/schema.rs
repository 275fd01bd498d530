//! The JSON Schema of the spec, for editors and for [`super::shape`].

use std::sync::LazyLock;

use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::raw::RawSpec;

static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    settings.into_generator().into_root_schema_for::<RawSpec>().to_value()
});

/// The schema (draft 2020-12).
pub fn schema() -> Value {
    SCHEMA.clone()
}

/// What is said of one key, below `at`.
pub(super) fn property<'a>(at: &'a Value, key: &str) -> Option<&'a Value> {
    at.get("properties")?.get(key)
}

pub(super) fn root() -> &'static Value {
    &SCHEMA
}
