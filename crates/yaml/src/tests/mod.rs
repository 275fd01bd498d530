//! Tests of the whole: reading, editing and undoing texts.

mod json;
mod messages;
mod normalised;
mod properties;
mod reading;
mod traps;
mod undoing;
mod writer;

use serde_json::Value;

use crate::{Diagnostic, Edit, Edited, Pointer, Position, Step, Stream, edit, parse, undo};

/// `spec.containers.0.name` as a pointer: words of digits are indices.
fn way(dotted: &str) -> Pointer {
    let step = |word: &str| word.parse().map_or_else(|_| Step::from(word), Step::Index);
    Pointer(dotted.split('.').map(step).collect())
}

fn read(text: &str) -> Stream {
    parse("app.yaml", text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn set(at: &str, value: impl Into<Value>) -> Edit {
    Edit::Set { at: way(at), value: value.into() }
}

fn insert(at: &str, value: impl Into<Value>) -> Edit {
    Edit::Insert { at: way(at), value: value.into(), position: Position::Last }
}

fn insert_first(at: &str, value: impl Into<Value>) -> Edit {
    Edit::Insert { at: way(at), value: value.into(), position: Position::First }
}

fn remove(at: &str) -> Edit {
    Edit::Remove { at: way(at) }
}

/// The edits made in the first document; they can be undone to the byte.
fn edited(text: &str, edits: &[Edit]) -> String {
    let edits: Vec<_> = edits.iter().cloned().map(|edit| (0, edit)).collect();
    let Edited { text: new, undo: undos } =
        edit(&read(text), &edits).unwrap_or_else(|refusal| panic!("{refusal}\n{text}"));
    let undone = undo(&read(&new), 0, &undos).unwrap();
    assert_eq!(undone.text, text, "undone");
    assert_eq!(undone.skipped, []);
    new
}

/// Why an edit of the first document is refused: line, column and message.
fn refused(text: &str, edit_: Edit) -> String {
    let refusal = edit(&read(text), &[(0, edit_)]).expect_err("it must be refused");
    let (line, column) = refusal.0.line_and_column().expect("it has a place");
    format!("{line}:{column}: {}", refusal.0.message)
}

/// The line of its place.
fn line_of(diagnostic: &Diagnostic) -> usize {
    diagnostic.line_and_column().expect("it has a place").0
}
