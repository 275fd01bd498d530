//! JSON in a text. Objects behind each other need no `---` between them at its beginning: it is divided as Kubernetes' reader does it.

use std::ops::Range;

use serde::de::IgnoredAny;
use serde_json::Deserializer;

const SPACE: [char; 4] = [' ', '\t', '\r', '\n'];

/// What can't begin a document, and is what a mistake in JSON leaves behind an object.
const LEFT_OVER: [char; 4] = [',', ':', ']', '}'];

/// How a text is divided.
pub(super) enum Division {
    /// Not at all, or by YAML's own marks.
    Yaml,
    /// Two or more JSON values, or one and YAML behind it, each read by itself.
    Parts(Vec<Range<usize>>),
    /// Behind a JSON object stands there what is none.
    Broken(usize),
}

/// Whether a document's text is JSON.
pub(crate) fn is_json(text: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(text.trim_start_matches('\u{feff}')).is_ok()
}

/// The parts of a text that are read each by itself: JSON objects that stand behind each other without a `---`, and what stands
/// behind a single one; of any other text the whole.
///
/// Who puts texts together to one stream must write the `---` between these parts: Kubernetes' reader does without it only in a
/// text that holds nothing but JSON.
pub fn parts(text: &str) -> Vec<&str> {
    match division(text) {
        Division::Parts(places) => places.into_iter().map(|place| &text[place]).collect(),
        _ => vec![text],
    }
}

/// How a text is divided. A byte order mark before all of it is none of it.
pub(super) fn division(text: &str) -> Division {
    let skip_space = |at: usize| text.len() - text[at..].trim_start_matches(SPACE).len();
    let begin = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let mut start = skip_space(begin);
    if !text[start..].starts_with('{') {
        return Division::Yaml;
    }
    let mut parts = Vec::new();
    let mut values = Deserializer::from_str(&text[begin..]).into_iter::<IgnoredAny>();
    loop {
        match values.next() {
            Some(Ok(_)) => {
                let end = begin + values.byte_offset();
                parts.push(start..end);
                start = skip_space(end);
            }
            Some(Err(_)) => break,
            None if parts.len() > 1 => return Division::Parts(parts),
            None => return Division::Yaml,
        }
    }
    let [only] = parts.as_slice() else {
        return if parts.is_empty() { Division::Yaml } else { Division::Broken(start) };
    };
    if text[start..].starts_with(LEFT_OVER) {
        return Division::Broken(start);
    }
    let behind = &text[only.end..];
    let space = &behind[..behind.len() - behind.trim_start_matches(SPACE).len()];
    let rest = only.end + space.find('\n').map_or(space.len(), |newline| newline + 1);
    Division::Parts(vec![only.clone(), rest..text.len()])
}
