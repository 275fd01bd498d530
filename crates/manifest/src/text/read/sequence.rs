//! JSON objects behind each other, which need no `---` between them at the beginning of a text: as Kubernetes' reader divides it.

use std::ops::Range;

use serde::de::IgnoredAny;
use serde_json::Deserializer;

const SPACE: [char; 4] = [' ', '\t', '\r', '\n'];

/// The parts of a text that are read each by itself.
pub(crate) fn parts(text: &str) -> Vec<&str> {
    places(text).map_or_else(|| vec![text], |places| places.into_iter().map(|place| &text[place]).collect())
}

/// A text in parts that are read each by itself: two or more JSON values, or one and YAML behind it. `None` if it is neither, and
/// then it is one part or none.
pub(super) fn places(text: &str) -> Option<Vec<Range<usize>>> {
    let skip_space = |at: usize| text.len() - text[at..].trim_start_matches(SPACE).len();
    let mut start = skip_space(0);
    if !text[start..].starts_with('{') {
        return None;
    }
    let mut parts = Vec::new();
    let mut values = Deserializer::from_str(text).into_iter::<IgnoredAny>();
    loop {
        match values.next() {
            Some(Ok(_)) => {
                let end = values.byte_offset();
                parts.push(start..end);
                start = skip_space(end);
            }
            Some(Err(_)) => break,
            None => return Some(parts).filter(|parts| parts.len() > 1),
        }
    }
    // What is no JSON behind more than one value is refused there.
    let [only] = parts.as_slice() else { return None };
    let behind = &text[only.end..];
    let space = &behind[..behind.len() - behind.trim_start_matches(SPACE).len()];
    let rest = only.end + space.find('\n').map_or(space.len(), |newline| newline + 1);
    Some(vec![only.clone(), rest..text.len()])
}
