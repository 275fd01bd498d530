//! One document cut out of its stream: so an edit reads that document again, and not all the others with it.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::diagnostic::Refusal;
use crate::lines::line_start;
use crate::stream::{Stream, parse};

impl Stream {
    /// A document as a stream of its own: its whole lines. `None` if it does not read alone as it does among the others (tag
    /// directives stand before its `---`).
    pub fn cut_out(&self, document: usize) -> Option<Self> {
        let part = parse(self.name(), &self.text()[lines(self, document)?]).ok()?;
        let same =
            part.documents().len() == 1 && part.documents()[0].json() == self.documents()[document].json();
        same.then_some(part)
    }

    /// The stream with these documents, by their indices, in the place of its own; `None` if the whole does not read as its parts
    /// do. Each part is what became of a document that was cut out.
    pub fn put_back(&self, parts: &BTreeMap<usize, Self>) -> Option<Self> {
        let mut text = String::with_capacity(self.text().len());
        let mut copied = 0;
        for (document, part) in parts {
            let range = lines(self, *document)?;
            text.push_str(self.text().get(copied..range.start)?);
            text.push_str(part.text());
            copied = range.end;
        }
        text.push_str(&self.text()[copied..]);
        let whole = parse(self.name(), &text).ok()?;
        let same = whole.documents().len() == self.documents().len()
            && whole.documents().iter().zip(self.documents()).enumerate().all(|(index, (new, old))| {
                parts.get(&index).map_or_else(
                    || {
                        new.json() == old.json()
                            && whole.text()[new.span.clone()] == self.text()[old.span.clone()]
                    },
                    |part| part.documents().first().is_some_and(|own| new.json() == own.json()),
                )
            });
        same.then_some(whole)
    }
}

/// A refusal in a part, told as one in its stream.
pub(crate) fn in_stream(refusal: Refusal, stream: &Stream, document: usize) -> Refusal {
    let start = lines(stream, document).map_or(0, |range| range.start);
    let diagnostic = refusal.0.behind_lines(stream.text()[..start].matches('\n').count());
    let count = stream.documents().len();
    if count == 1 {
        return diagnostic.into();
    }
    diagnostic.help(format!("nothing was changed (this is document {} of {count})", document + 1)).into()
}

fn lines(stream: &Stream, document: usize) -> Option<Range<usize>> {
    let span = &stream.documents().get(document)?.span;
    if document == 0 {
        // An edit that took out the first key told its place from what is first now, over the empty lines before it.
        return Some(0..span.end);
    }
    let start = line_start(stream.text(), span.start);
    // A JSON object may stand behind another on its line.
    let before = stream.text()[start..span.start].trim_start_matches('\u{feff}').trim();
    Some(if before.is_empty() { start } else { span.start }..span.end)
}
