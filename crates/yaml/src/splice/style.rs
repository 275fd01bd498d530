//! The style of a document: what new lines must look like to fit in.

use crate::lines::column;
use crate::read::{Found, Kind, NodeId, Tree, is_json};
use crate::stream::Document;

/// How a document is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Style {
    /// What ends its lines.
    pub(super) newline: &'static str,
    /// How far a mapping in a mapping is indented.
    pub(super) step: usize,
    /// How far a sequence's dashes are indented under their key.
    pub(super) dash: usize,
    /// Whether it is JSON: strict readers must be able to read it afterwards.
    pub(super) json: bool,
}

impl Style {
    /// As the nearest neighbours of a value have it, else as the document has it; two spaces, and dashes under the key,
    /// where it has none.
    pub(super) fn near(text: &str, document: &Document, found: &Found) -> Self {
        let own = &text[document.span.clone()];
        let newline = if own.contains("\r\n") || (!own.contains('\n') && text.contains("\r\n")) {
            "\r\n"
        } else {
            "\n"
        };
        let tree = &document.tree;
        let holder = found.parent.map(|(holder, _)| holder);
        let nearest = [Some(found.node), holder].into_iter().flatten().map(|id| tree.node(id));
        let nodes: Vec<_> = nearest.chain(&tree.nodes).collect();
        let indents = |sequences: bool| {
            nodes.iter().find_map(|node| {
                let Kind::Mapping { flow: false, entries, .. } = &node.kind else { return None };
                let outer = column(text, entries.first()?.start);
                entries.iter().find_map(|entry| {
                    let inner = first_line_of_block(tree, entry.value, sequences)?;
                    column(text, inner).checked_sub(outer)
                })
            })
        };
        let (step, dash) = (indents(false).unwrap_or(2).max(1), indents(true).unwrap_or(0));
        Self { newline, step, dash, json: is_json(own) }
    }

    /// Whether what stands there is, or lies in, a flow collection.
    pub(super) fn is_flow(&self, document: &Document, found: &Found) -> bool {
        self.json
            || found.parent.map_or_else(
                || is_flow_collection(&document.tree, found.node),
                |(holder, _)| is_flow_collection(&document.tree, holder),
            )
    }
}

fn is_flow_collection(tree: &Tree, id: NodeId) -> bool {
    matches!(tree.node(id).kind, Kind::Mapping { flow: true, .. } | Kind::Sequence { flow: true, .. })
}

/// Where the first key or dash of a block collection stands.
fn first_line_of_block(tree: &Tree, id: NodeId, sequences: bool) -> Option<usize> {
    match &tree.node(id).kind {
        Kind::Sequence { flow: false, items } if sequences => items.first().map(|(dash, _)| *dash),
        Kind::Mapping { flow: false, entries, .. } if !sequences => entries.first().map(|entry| entry.start),
        _ => None,
    }
}
