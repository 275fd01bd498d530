//! One range of bytes replaced, and the look at what came of it.

use std::ops::Range;

use serde_json::Value;

use crate::read::is_json;
use crate::stream::{Stream, parse};

/// These bytes become this text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Splice {
    pub(crate) range: Range<usize>,
    pub(crate) text: String,
}

impl Splice {
    pub(crate) fn new(range: Range<usize>, text: impl Into<String>) -> Self {
        Self { range, text: text.into() }
    }

    pub(crate) fn insert(at: usize, text: impl Into<String>) -> Self {
        Self::new(at..at, text)
    }

    fn apply(&self, text: &str) -> String {
        let mut new = String::with_capacity(text.len() + self.text.len());
        new.push_str(&text[..self.range.start]);
        new.push_str(&self.text);
        new.push_str(&text[self.range.end..]);
        new
    }
}

/// Makes the splice and reads the whole text again: the document must read as expected, and be JSON if it was, and all others
/// must be the same bytes; else why not.
pub(crate) fn checked(
    stream: &Stream,
    document: usize,
    splice: &Splice,
    expected: &Value,
) -> Result<Stream, String> {
    let after = parse(stream.name(), &splice.apply(stream.text()))
        .map_err(|error| format!("the result would not be readable ({})", error.0.message))?;
    if after.documents().len() != stream.documents().len() {
        return Err(String::from("the documents would be divided otherwise"));
    }
    for (index, (old, new)) in stream.documents().iter().zip(after.documents()).enumerate() {
        if index != document && stream.text()[old.span.clone()] != after.text()[new.span.clone()] {
            return Err(String::from("another document would change too"));
        }
    }
    if after.documents()[document].json() != expected {
        return Err(String::from("the result would not read as was meant"));
    }
    let own = |stream: &Stream| is_json(&stream.text()[stream.documents()[document].span.clone()]);
    if own(stream) && !own(&after) {
        return Err(String::from("the result would not be JSON any more"));
    }
    Ok(after)
}
