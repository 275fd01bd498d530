//! A new key of a mapping, a new item of a sequence.

use serde_json::Value;

use super::render;
use super::replace::Splice;
use super::style::Style;
use crate::lines::{begins_its_line, column, line_end, line_start};
use crate::read::{Entry, Found, Kind, NodeId, Tree};
use crate::stream::Document;

/// After the last key; where that cannot be (a text without end before it), after an earlier one.
pub(super) fn key(text: &str, document: &Document, found: &Found, key: &str, value: &Value) -> Vec<Splice> {
    let style = Style::near(text, document, found);
    let tree = &document.tree;
    let Kind::Mapping { flow, bare, entries } = &tree.node(found.node).kind else { return Vec::new() };
    if *flow {
        let name = if style.json { Value::from(key).to_string() } else { render::text(key, true, None) };
        let pair = format!("{name}: {}", render::flow(value, style.json));
        let starts: Vec<_> = entries.iter().map(|entry| (entry.start, entry_end(tree, entry))).collect();
        let first = found.node;
        return if *bare {
            Vec::new()
        } else {
            in_flow(text, tree, first, &starts, starts.len(), &pair, &style)
        };
    }
    let Some(first) = entries.first() else { return Vec::new() };
    let indent = column(text, first.start);
    let pair = render::pair(key, value, indent, &style);
    let lead = format!("{}{}", style.newline, " ".repeat(indent));
    let after = entries
        .iter()
        .rev()
        .map(|entry| Splice::insert(line_end(text, entry_end(tree, entry)), format!("{lead}{pair}")));
    after.chain([Splice::insert(first.start, format!("{pair}{lead}"))]).collect()
}

/// Before the item that has this index, or after the last.
pub(super) fn item(
    text: &str,
    document: &Document,
    found: &Found,
    index: usize,
    value: &Value,
) -> Vec<Splice> {
    let style = Style::near(text, document, found);
    let tree = &document.tree;
    let Kind::Sequence { flow, items } = &tree.node(found.node).kind else { return Vec::new() };
    let places: Vec<_> =
        items.iter().map(|(start, item)| (*start, tree.node(*item).span.end.max(*start))).collect();
    if *flow {
        let item = render::flow(value, style.json);
        return in_flow(text, tree, found.node, &places, index, &item, &style);
    }
    let Some((first, _)) = places.first() else { return Vec::new() };
    let indent = column(text, *first);
    let item = render::item(value, indent, &style);
    let lead = format!("{}{}", style.newline, " ".repeat(indent));
    let mut splices = Vec::new();
    if index > 0 {
        // A dash with nothing behind it ends behind itself.
        let (start, end) = places[index - 1];
        splices.push(Splice::insert(line_end(text, end.max(start + 1)), format!("{lead}{item}")));
    } else if let Some(behind) = behind_holder(document, found).filter(|_| begins_its_line(text, *first)) {
        // Above a comment that speaks of the first item.
        splices.push(Splice::insert(line_end(text, behind), format!("{lead}{item}")));
    }
    if let Some((start, _)) = places.get(index) {
        splices.push(Splice::insert(*start, format!("{item}{lead}")));
    }
    splices
}

/// In brackets or braces, before the child that has this index; on a line of its own where its neighbour has one.
fn in_flow(
    text: &str,
    tree: &Tree,
    node: NodeId,
    children: &[(usize, usize)],
    index: usize,
    new: &str,
    style: &Style,
) -> Vec<Splice> {
    let gap = |start: usize| {
        if begins_its_line(text, start) {
            format!("{}{}", style.newline, &text[line_start(text, start)..start])
        } else {
            String::from(" ")
        }
    };
    let splice = match (children.get(index), index.checked_sub(1).and_then(|before| children.get(before))) {
        (_, Some((start, end))) => Splice::insert(*end, format!(",{}{new}", gap(*start))),
        (Some((start, _)), None) => Splice::insert(*start, format!("{new},{}", gap(*start))),
        (None, None) => {
            let span = tree.node(node).span.clone();
            let Some(open) = text[span.clone()].find(['{', '[']) else { return Vec::new() };
            Splice::insert(span.start + open + 1, new)
        }
    };
    vec![splice]
}

fn entry_end(tree: &Tree, entry: &Entry) -> usize {
    tree.node(entry.value).span.end.max(entry.after_colon)
}

/// Behind the colon or dash that holds a collection.
fn behind_holder(document: &Document, found: &Found) -> Option<usize> {
    let (holder, index) = found.parent?;
    match &document.tree.node(holder).kind {
        Kind::Mapping { entries, .. } => Some(entries[index].after_colon),
        Kind::Sequence { items, .. } => Some(items[index].0 + 1),
        _ => None,
    }
}
