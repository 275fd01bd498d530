//! Values together with where they stand in the file.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::ops::Range;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer};
use serde_saphyr::{Location, Spanned};

/// A value and its bytes in the file.
#[derive(Clone, Debug)]
pub(super) struct At<T> {
    pub(super) value: T,
    pub(super) span: Range<usize>,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for At<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<T>::deserialize(deserializer)?;
        Ok(Self { value: spanned.value, span: bytes(&spanned.referenced) })
    }
}

/// For maps whose keys know their place: two keys of the same text are the same key.
impl<T: Ord> Ord for At<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.value.cmp(&other.value)
    }
}

impl<T: Ord> PartialOrd for At<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T: PartialEq> PartialEq for At<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<T: Eq> Eq for At<T> {}

/// In the schema a value is what it is without its place.
impl<T: JsonSchema> JsonSchema for At<T> {
    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// The bytes of a location; an empty range at the beginning if it is unknown.
pub(super) fn bytes(location: &Location) -> Range<usize> {
    let span = location.span();
    let start = span.byte_offset().and_then(|start| usize::try_from(start).ok()).unwrap_or(0);
    let length = span.byte_len().and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
    start..start + length
}

/// The bytes of a line and a column, both from 1 and counted in characters: an empty range, at the end of the line or of
/// the text where it has no more.
pub(super) fn line_and_column(text: &str, line: u64, column: u64) -> Range<usize> {
    let skip = |count: u64| usize::try_from(count.saturating_sub(1)).unwrap_or(usize::MAX);
    let start: usize = text.split_inclusive('\n').take(skip(line)).map(str::len).sum();
    let rest = text[start..].lines().next().unwrap_or_default();
    let start = start + rest.char_indices().nth(skip(column)).map_or(rest.len(), |(at, _)| at);
    start..start
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_of_the_same_text_are_the_same_wherever_they_stand() {
        let at = |value: &'static str, start: usize| At { value, span: start..start + 1 };
        assert_eq!(at("a", 0), at("a", 7));
        assert_ne!(at("a", 0), at("b", 0));
        assert!(at("a", 9) < at("b", 0));
    }

    #[test]
    fn a_line_and_a_column_are_found_as_far_as_the_text_goes() {
        let text = "ab\nwörter\n\nlast";
        let places = [(1, 1, 0), (1, 2, 1), (2, 1, 3), (2, 3, 6), (2, 99, 10), (3, 1, 11), (4, 4, 15)];
        for (line, column, at) in places {
            assert_eq!(line_and_column(text, line, column), at..at, "{line}:{column}");
        }
        assert_eq!(line_and_column(text, 9, 1), text.len()..text.len());
    }

    #[test]
    fn in_the_schema_a_value_is_what_it_is_without_its_place() {
        assert_eq!(At::<String>::schema_id(), String::schema_id());
        assert_eq!(At::<String>::schema_name(), String::schema_name());
    }
}
