//! Another value in the place of one.

use serde_json::Value;

use super::render;
use super::replace::Splice;
use super::style::Style;
use crate::lines::{column, line_end};
use crate::read::{Found, Kind, Node};
use crate::stream::Document;
use crate::value::is_nested;

/// What holds a value in block style.
enum Holder {
    /// A key in this column; its colon ends here.
    Key { column: usize, behind: usize },
    /// A dash in this column; it ends here.
    Dash { column: usize, behind: usize },
    /// Nothing.
    Document,
}

pub(super) fn splices(text: &str, document: &Document, found: &Found, value: &Value) -> Vec<Splice> {
    let style = Style::near(text, document, found);
    let node = document.tree.node(found.node);
    let quote = match &node.kind {
        Kind::Scalar { quote, .. } => *quote,
        _ => None,
    };
    if style.is_flow(document, found) {
        let new = match value {
            Value::String(_) if !style.json => render::inline(value, true, quote),
            _ => render::flow(value, style.json),
        };
        return vec![in_place(node, &new)];
    }
    let holder = holder(text, document, found);
    let one = match &holder {
        Holder::Document => {
            let new = if is_nested(value) {
                render::block(value, 0, &style)
            } else {
                render::inline(value, false, quote)
            };
            Splice::new(node.span.clone(), new)
        }
        Holder::Key { behind, .. } | Holder::Dash { behind, .. } if !is_nested(value) => {
            let new = render::inline(value, false, quote);
            if is_inline(node) {
                in_place(node, &new)
            } else {
                Splice::new(*behind..node.span.end, format!(" {new}{}", header_comment(text, *behind, node)))
            }
        }
        Holder::Key { column, behind } => {
            let below = render::below(value, *column, &style);
            if is_inline(node) {
                let end = line_end(text, node.span.end);
                let rest = text[node.span.end..end].trim_end();
                Splice::new(*behind..end, format!("{rest}{below}"))
            } else {
                Splice::new(*behind..node.span.end, format!("{}{below}", header_comment(text, *behind, node)))
            }
        }
        Holder::Dash { column, behind } => {
            Splice::new(*behind..node.span.end, format!(" {}", render::block(value, column + 2, &style)))
        }
    };
    vec![one]
}

fn holder(text: &str, document: &Document, found: &Found) -> Holder {
    let Some((holder, index)) = found.parent else { return Holder::Document };
    match &document.tree.node(holder).kind {
        Kind::Mapping { entries, .. } => {
            let entry = &entries[index];
            Holder::Key { column: column(text, entry.start), behind: entry.after_colon }
        }
        Kind::Sequence { items, .. } => {
            Holder::Dash { column: column(text, items[index].0), behind: items[index].0 + 1 }
        }
        _ => Holder::Document,
    }
}

/// The value's own bytes; where there are none, behind a space.
fn in_place(node: &Node, new: &str) -> Splice {
    let new = if node.span.is_empty() { format!(" {new}") } else { new.to_owned() };
    Splice::new(node.span.clone(), new)
}

/// Whether a value stands on its key's line.
fn is_inline(node: &Node) -> bool {
    match node.kind {
        Kind::Scalar { block, .. } => !block,
        Kind::Sequence { flow, .. } | Kind::Mapping { flow, .. } => flow,
        Kind::Alias(_) => true,
    }
}

/// The comment between a colon and a value that begins on a later line, or behind a block scalar's header; with a space
/// before it.
fn header_comment(text: &str, behind: usize, node: &Node) -> String {
    let line = &text[behind..line_end(text, behind)];
    let value_is_here = node.span.start < behind + line.len() && !matches!(node.kind, Kind::Scalar { .. });
    match line.find(" #").or_else(|| line.find("\t#")) {
        Some(comment) if !value_is_here => format!(" {}", line[comment + 1..].trim_end()),
        _ => String::new(),
    }
}
