//! One document as a tree in which every node knows its bytes.

use std::ops::Range;

use serde_json::{Map, Value};

use crate::pointer::Pointer;

/// Where a node lies in its tree.
pub(crate) type NodeId = usize;

/// How many values a document may have once its aliases are resolved: more is a bomb, not a manifest.
const MOST_VALUES: usize = 1_000_000;

/// A node and its bytes.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    /// From its anchor or tag, or its first byte, to behind its last. Block collections end with their last child, block
    /// scalars with the last byte of their text.
    pub(crate) span: Range<usize>,
    /// What it is.
    pub(crate) kind: Kind,
    /// Whether an alias refers to it.
    pub(crate) aliased: bool,
}

/// What a node is.
#[derive(Debug, Clone)]
pub(crate) enum Kind {
    /// A text or anything else without children; `value` is how it reads.
    Scalar { value: Value, quote: Option<char>, block: bool },
    /// A reference to another node.
    Alias(NodeId),
    /// A list: each item with where it begins (its dash, in block style).
    Sequence { flow: bool, items: Vec<(usize, NodeId)> },
    /// Keys with values. A `bare` one is the single pair in `[a: b]`.
    Mapping { flow: bool, bare: bool, entries: Vec<Entry> },
}

/// A key and its value.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// The key as text.
    pub(crate) key: String,
    /// Where the entry begins: its key, or the `?` before it.
    pub(crate) start: usize,
    /// Behind the colon, or behind the key where there is none.
    pub(crate) after_colon: usize,
    /// Whether it is a merge key.
    pub(crate) merge: bool,
    /// The bytes of the key.
    pub(crate) key_span: Range<usize>,
    /// Its value.
    pub(crate) value: NodeId,
}

/// The bytes of each document, to the beginning of the next, and its tree.
pub(super) type Documents = Vec<(Range<usize>, Tree)>;

/// One document.
#[derive(Debug, Clone)]
pub(crate) struct Tree {
    pub(crate) nodes: Vec<Node>,
    pub(crate) root: NodeId,
}

impl Tree {
    pub(crate) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id]
    }

    /// Every place is so many bytes later.
    pub(super) fn shift(&mut self, by: usize) {
        let shift = |span: &mut Range<usize>| *span = span.start + by..span.end + by;
        for node in &mut self.nodes {
            shift(&mut node.span);
            match &mut node.kind {
                Kind::Sequence { items, .. } => items.iter_mut().for_each(|(start, _)| *start += by),
                Kind::Mapping { entries, .. } => {
                    for entry in entries {
                        entry.start += by;
                        entry.after_colon += by;
                        shift(&mut entry.key_span);
                    }
                }
                Kind::Scalar { .. } | Kind::Alias(_) => {}
            }
        }
    }

    /// Behind all aliases.
    pub(crate) fn behind(&self, id: NodeId) -> NodeId {
        match self.nodes[id].kind {
            Kind::Alias(target) => self.behind(target),
            _ => id,
        }
    }

    /// The mappings that a mapping's merge keys name, the first one winning; each with where the merge key stands.
    pub(super) fn merged(&self, holder: NodeId) -> impl Iterator<Item = (Range<usize>, NodeId)> + '_ {
        let entries = match &self.nodes[holder].kind {
            Kind::Mapping { entries, .. } => entries.as_slice(),
            _ => &[],
        };
        entries.iter().filter(|entry| entry.merge).flat_map(|entry| {
            let value = self.behind(entry.value);
            let sources = match &self.nodes[value].kind {
                Kind::Sequence { items, .. } => items.iter().map(|(_, item)| self.behind(*item)).collect(),
                _ => vec![value],
            };
            sources.into_iter().map(|source| (entry.key_span.clone(), source))
        })
    }

    /// The whole value, with aliases and merge keys resolved; `None` if it would be absurdly large.
    pub(crate) fn json(&self) -> Option<Value> {
        self.value(self.root, &mut MOST_VALUES.clone())
    }

    fn value(&self, id: NodeId, left: &mut usize) -> Option<Value> {
        *left = left.checked_sub(1)?;
        Some(match &self.nodes[id].kind {
            Kind::Scalar { value, .. } => value.clone(),
            Kind::Alias(target) => self.value(*target, left)?,
            Kind::Sequence { items, .. } => {
                Value::Array(items.iter().map(|(_, item)| self.value(*item, left)).collect::<Option<_>>()?)
            }
            Kind::Mapping { entries, .. } => {
                let mut object = Map::new();
                for entry in entries.iter().filter(|entry| !entry.merge) {
                    object.insert(entry.key.clone(), self.value(entry.value, left)?);
                }
                for (_, source) in self.merged(id) {
                    if let Value::Object(more) = self.value(source, left)? {
                        for (key, value) in more {
                            object.entry(key).or_insert(value);
                        }
                    }
                }
                Value::Object(object)
            }
        })
    }

    /// Calls `each` with every mapping's pointer and entries, those behind aliases left out.
    pub(crate) fn each_mapping(&self, each: &mut impl FnMut(&Pointer, &[Entry])) {
        self.walk(self.root, &Pointer::root(), each);
    }

    fn walk(&self, id: NodeId, at: &Pointer, each: &mut impl FnMut(&Pointer, &[Entry])) {
        match &self.nodes[id].kind {
            Kind::Sequence { items, .. } => {
                for (index, (_, item)) in items.iter().enumerate() {
                    self.walk(*item, &at.then(index), each);
                }
            }
            Kind::Mapping { entries, .. } => {
                each(at, entries);
                for entry in entries {
                    self.walk(entry.value, &at.then(entry.key.as_str()), each);
                }
            }
            Kind::Scalar { .. } | Kind::Alias(_) => {}
        }
    }
}
