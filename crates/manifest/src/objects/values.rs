//! How single values are read.

use segue_yaml::{Pointer, Step};
use serde::Deserialize;
use serde_json::Value;

/// The value below a pointer.
pub(super) fn value_at<'v>(value: &'v Value, below: &Pointer) -> Option<&'v Value> {
    below.steps().iter().try_fold(value, |value, step| match step {
        Step::Key(key) => value.get(key),
        Step::Index(index) => value.get(index),
    })
}

/// For fields that may be `null` where a list or a mapping belongs: YAML writes an empty one so.
pub(super) fn nullable<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// For ports that may be 0 where none is meant.
pub(super) fn port<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<u16>, D::Error> {
    Ok(Option::deserialize(deserializer)?.filter(|number| *number > 0))
}

/// Whether a port's protocol is TCP, which it is where nothing is said.
pub(super) fn is_tcp(protocol: Option<&str>) -> bool {
    protocol.is_none_or(|protocol| protocol.is_empty() || protocol == "TCP")
}
