//! One document cut out of its stream: so an edit reads that document again, and not all the others with it.

use std::collections::BTreeMap;
use std::ops::Range;

use super::complaint::{Refusal, line_start};
use super::stream::{Stream, parse};

/// The whole lines of a document; `None` if it does not read alone as it does among the others (tag directives stand before
/// its `---`).
pub(crate) fn cut_out(stream: &Stream, document: usize) -> Option<Stream> {
    let part = parse(stream.name(), &stream.text()[lines(stream, document)?]).ok()?;
    let same =
        part.documents().len() == 1 && part.documents()[0].json() == stream.documents()[document].json();
    same.then_some(part)
}

/// The stream with these documents in the place of its own; `None` if the whole does not read as its parts do.
pub(crate) fn put_back(stream: &Stream, parts: &BTreeMap<usize, Stream>) -> Option<Stream> {
    let mut text = String::with_capacity(stream.text().len());
    let mut copied = 0;
    for (document, part) in parts {
        let range = lines(stream, *document)?;
        text.push_str(stream.text().get(copied..range.start)?);
        text.push_str(part.text());
        copied = range.end;
    }
    text.push_str(&stream.text()[copied..]);
    let whole = parse(stream.name(), &text).ok()?;
    let same = whole.documents().len() == stream.documents().len()
        && whole.documents().iter().zip(stream.documents()).enumerate().all(|(index, (new, old))| {
            parts.get(&index).map_or_else(
                || {
                    new.json() == old.json()
                        && whole.text()[new.span.clone()] == stream.text()[old.span.clone()]
                },
                |part| new.json() == part.documents()[0].json(),
            )
        });
    same.then_some(whole)
}

/// A refusal in a part, told as one in its stream.
pub(super) fn in_stream(mut refusal: Refusal, stream: &Stream, document: usize) -> Refusal {
    let start = lines(stream, document).map_or(0, |range| range.start);
    refusal.0.line += stream.text()[..start].matches('\n').count();
    let count = stream.documents().len();
    if count > 1 {
        refusal.0.help = Some(format!("nothing was changed (this is document {} of {count})", document + 1));
    }
    refusal
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
