//! Edits of a text, all of them or none: each document by itself where that can be, and of a `List` each item.

mod items;

use std::collections::BTreeMap;

use crate::cut;
use crate::diagnostic::Refusal;
use crate::splice::{Edit, apply};
use crate::stream::Stream;
use crate::undo::{self, Undo};

/// What edits made of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    /// The whole new text.
    pub text: String,
    /// How to take each edit back, in the order of the edits.
    pub undo: Vec<Undo>,
}

/// Makes edits, each with the index of its document, in their order. All of them or none.
///
/// Refused, with place and reason: an edit of what is not there; one that others would see too (behind an alias, under an
/// anchor, from a merge key); one on whose way a key stands twice; and any whose result, read again, differs from what was
/// meant or could not be undone to the byte.
///
/// New keys and items are written in the style of their neighbours: block or flow, their indentation and line ends. In new
/// mappings `name` and `image` come first, the other keys in the order of the alphabet.
pub fn edit(stream: &Stream, edits: &[(usize, Edit)]) -> Result<Edited, Refusal> {
    if let Some(edited) = by_parts(stream, edits)? {
        return Ok(edited);
    }
    let mut now = stream.clone();
    let mut undos = Vec::with_capacity(edits.len());
    for (document, edit) in edits {
        let (next, undo) = apply(&now, *document, edit, Undo::of)?;
        now = next;
        undos.push(undo);
    }
    undo::rehearse(stream, &now, edits, &undos)?;
    Ok(Edited { text: now.text().to_owned(), undo: undos })
}

/// The same, each document by itself; `None` if they cannot be taken apart.
fn by_parts(stream: &Stream, edits: &[(usize, Edit)]) -> Result<Option<Edited>, Refusal> {
    let mut by_document: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (order, (document, _)) in edits.iter().enumerate() {
        by_document.entry(*document).or_default().push(order);
    }
    let (mut now, mut before, mut undos) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    for (document, orders) in by_document {
        let Some(part) = stream.cut_out(document) else { return Ok(None) };
        let own: Vec<&Edit> = orders.iter().map(|order| &edits[*order].1).collect();
        let (after, own, back) = match items::edit(&part, &own) {
            Some((after, undos)) => (after, undos, part),
            None => in_document(stream, document, part, &own)?,
        };
        now.insert(document, after);
        before.insert(document, back);
        undos.extend(orders.into_iter().zip(own));
    }
    let Some(whole) = stream.put_back(&now) else { return Ok(None) };
    let exact = whole.put_back(&before).is_some_and(|back| back.text() == stream.text());
    Ok(exact.then(|| Edited { text: whole.text().to_owned(), undo: undos.into_values().collect() }))
}

/// Edits a document that was cut out: what it is then, how that is taken back, and what it is when it was.
fn in_document(
    stream: &Stream,
    document: usize,
    part: Stream,
    edits: &[&Edit],
) -> Result<(Stream, Vec<Undo>, Stream), Refusal> {
    let (mut now, mut undos) = (part, Vec::with_capacity(edits.len()));
    for edit in edits {
        let (next, undo) = apply(&now, 0, edit, Undo::of).map_err(|refusal| {
            // Told by the line of the text as it was given, where it would have been refused there too.
            let at_once = apply(stream, document, edit, Undo::of).err();
            let same = at_once.filter(|at_once| at_once.0.message == refusal.0.message);
            same.unwrap_or_else(|| cut::in_stream(refusal, stream, document))
        })?;
        now = next;
        undos.push(undo);
    }
    let back = undo::all(&now, &undos);
    Ok((now, undos, back))
}
