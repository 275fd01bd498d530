//! A key or an item taken out.

use serde_json::{Value, json};

use super::replace::Splice;
use super::set;
use crate::lines::{begins_its_line, behind_break, line_end, line_start};
use crate::pointer::Pointer;
use crate::read::{Found, Kind};
use crate::stream::Document;

pub(super) fn splices(text: &str, document: &Document, at: &Pointer, found: &Found) -> Vec<Splice> {
    let tree = &document.tree;
    let Some((holder, index)) = found.parent else { return Vec::new() };
    let (flow, children): (bool, Vec<(usize, usize)>) = match &tree.node(holder).kind {
        Kind::Mapping { flow, entries, .. } => (
            *flow,
            entries
                .iter()
                .map(|entry| (entry.start, tree.node(entry.value).span.end.max(entry.after_colon)))
                .collect(),
        ),
        Kind::Sequence { flow, items } => (
            *flow,
            items
                .iter()
                .map(|(start, item)| {
                    let least = if *flow { *start } else { start + 1 };
                    (*start, tree.node(*item).span.end.max(least))
                })
                .collect(),
        ),
        _ => return Vec::new(),
    };
    let (start, end) = children[index];
    if children.len() == 1 {
        let Some((holder, _)) = at.split_last() else { return Vec::new() };
        let Some(found) = tree.find(&holder) else { return Vec::new() };
        let empty: Value = match tree.node(found.node).kind {
            Kind::Sequence { .. } => json!([]),
            _ => json!({}),
        };
        return set::splices(text, document, &found, &empty);
    }
    let range = match children.get(index + 1) {
        Some((next, _)) if flow || !begins_its_line(text, start) => start..*next,
        None if flow => children[index - 1].1..end,
        _ => {
            let line = line_end(text, end);
            let begin = line_start(text, start);
            let end = behind_break(text, line);
            // The text's last line has no line break of its own: the one before it goes.
            if end > line { begin..end } else { line_end(text, begin.saturating_sub(1))..line }
        }
    };
    vec![Splice::new(range, "")]
}
