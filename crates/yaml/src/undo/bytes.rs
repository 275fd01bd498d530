//! Taking an edit back by its bytes: what it wrote is still there as it was written, and becomes what it replaced.

use std::ops::Range;

use serde_json::Value;

use super::kept::{EditKind, Undo};
use super::{digest, locate};
use crate::splice::{Splice, checked};
use crate::stream::Stream;
use crate::value::{self, Change};

/// The text without the edit; `None` if its bytes are not what was written, or the result does not read as it should.
pub(super) fn restored(now: &Stream, document: usize, undo: &Undo) -> Option<Stream> {
    let range = written(now, document, undo)?;
    let json = now.documents()[document].json();
    let expected = inverse(undo, json)?.applied_to(json)?;
    checked(now, document, &Splice::new(range, undo.was.as_str()), &expected).ok()
}

/// The bytes that the edit wrote.
fn written(now: &Stream, index: usize, undo: &Undo) -> Option<Range<usize>> {
    let document = now.documents().get(index)?;
    let from = locate::anchor_of(undo, document.json()).ok()?;
    let anchor = document.tree.entry_start(&document.tree.find(&from)?);
    let start = moved(anchor, undo.head)?;
    let end = if undo.takes_anything() && undo.kind != EditKind::Remove {
        let at = locate::value_of(undo, document.json()).ok()?;
        // What others have put beside it would go with it.
        let mut made = (undo.top..at.steps().len()).map(|depth| at.first(depth));
        if !made.all(|holder| locate::is_alone_in(document.json(), &holder)) {
            return None;
        }
        let found = document.tree.find(&at)?;
        let behind = document.tree.node(found.node).span.end;
        let end = moved(behind, undo.tail)?;
        let separate = |from, to| now.text().get(from..to).is_none_or(is_separator);
        if !(separate(start, anchor) && separate(behind, end)) {
            return None;
        }
        end
    } else {
        start.checked_add(undo.length)?
    };
    let written = now.text().get(start..end)?;
    let cuts_break = now.text()[..start].ends_with('\r') && written.starts_with('\n');
    let same = !cuts_break && undo.bytes.as_ref().is_none_or(|bytes| digest::text(written) == *bytes);
    same.then_some(start..end)
}

/// Whether it is what an edit writes around a value: nothing; or a comma or one line break, and space, on either side; or brackets.
/// Of an edit whose bytes may have become any this alone tells that the text has not been laid out anew.
fn is_separator(text: &str) -> bool {
    let rest = text.trim_start_matches(['}', ']']);
    let rest = rest.strip_prefix(',').unwrap_or(rest);
    let set_apart = rest.len() < text.len() || rest.is_empty() || rest.starts_with(['\r', '\n']);
    set_apart && rest.trim_matches([' ', '\r', '\n', '\t']).is_empty()
}

/// The change of the value that takes the edit back.
fn inverse(undo: &Undo, json: &Value) -> Option<Change> {
    let at = locate::value_of(undo, json).ok()?;
    let top = at.first(undo.top);
    Some(match (undo.kind, &undo.old) {
        (EditKind::Remove, Some(old)) => Change::Insert(top, old.clone()),
        (_, Some(old)) => Change::Set(top, old.clone()),
        (_, None) => {
            value::at(json, &top)?;
            Change::Remove(top)
        }
    })
}

fn moved(at: usize, by: i64) -> Option<usize> {
    at.checked_add_signed(isize::try_from(by).ok()?)
}
