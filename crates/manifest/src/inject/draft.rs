//! What is decided about one workload: edits, notes and refusals, collected before anything is changed.

use std::collections::BTreeMap;
use std::fmt;

use segue_yaml::{Diagnostic, Edit, Place, Pointer, Position, Stream};
use serde_json::Value;

use super::Options;
use crate::objects::{Address, Object, Template};
use crate::rules::{Change, Finding, Severity};
use crate::workload::Workload;

/// Something that a reader must know about an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The object, such as `Deployment shop/web`; the file where it is about no object.
    pub about: String,
    /// What there is to know, in sentences.
    pub text: String,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.about, self.text)
    }
}

/// Everything that is decided, over all workloads.
#[derive(Debug, Default)]
pub(super) struct Decisions {
    /// By object, in the order of the files; pointers are from the documents' roots.
    pub(super) edits: BTreeMap<Address, Vec<Edit>>,
    pub(super) notes: Vec<Note>,
    pub(super) refusals: Vec<Diagnostic>,
}

impl Decisions {
    /// An edit of an object, once: several workloads may ask for the same.
    pub(super) fn edit(&mut self, Change { address, edit }: Change) {
        let edits = self.edits.entry(address).or_default();
        if !edits.contains(&edit) {
            edits.push(edit);
        }
    }

    pub(super) fn note(&mut self, about: impl fmt::Display, text: impl Into<String>) {
        let note = Note { about: about.to_string(), text: text.into() };
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// What mends what was found, with what is to be said of it; what can't be mended is a refusal.
    pub(super) fn take(&mut self, streams: &[Stream], findings: impl IntoIterator<Item = Finding>) {
        for finding in findings {
            if finding.severity == Severity::Error {
                self.refusals.push(finding.diagnostic(streams));
            }
            for note in finding.notes {
                self.note(&finding.object, note);
            }
            for change in finding.edits {
                self.edit(change);
            }
        }
    }

    /// The edits of others beside its own, each once.
    pub(super) fn take_edits(&mut self, others: &Self) {
        for (address, edits) in &others.edits {
            let own = self.edits.entry(address.clone()).or_default();
            for edit in edits {
                if !own.contains(edit) {
                    own.push(edit.clone());
                }
            }
        }
    }

    /// The notes of others behind its own, each once.
    pub(super) fn take_notes(&mut self, others: &mut Self) {
        for Note { about, text } in others.notes.drain(..) {
            self.note(about, text);
        }
    }

    /// An object that can't be used as it is, at a place below its root.
    pub(super) fn refuse(
        &mut self,
        streams: &[Stream],
        object: &Object,
        below: &Pointer,
        (message, help): (String, String),
    ) {
        let stream = &streams[object.address.file];
        let start = Place { line: 1, column: 1, span: 0..0 };
        let place = object.place(streams, below).unwrap_or(start);
        self.refusals.push(stream.diagnostic(&place, format!("{object}: {message}")).help(help));
    }
}

/// One workload, and what is decided about it.
pub(super) struct Draft<'d> {
    pub(super) workload: &'d Workload<'d>,
    pub(super) options: &'d Options,
    pub(super) streams: &'d [Stream],
    pub(super) decisions: &'d mut Decisions,
}

impl Draft<'_> {
    pub(super) fn template(&self) -> &Template {
        &self.workload.template
    }

    pub(super) fn note(&mut self, text: impl Into<String>) {
        self.decisions.note(self.workload.object, text);
    }

    pub(super) fn refuse(&mut self, below: &Pointer, message: impl Into<String>, help: impl Into<String>) {
        self.decisions.refuse(self.streams, self.workload.object, below, (message.into(), help.into()));
    }

    /// A value gets another, or is made.
    pub(super) fn put(&mut self, below: &Pointer, value: Value) {
        self.decisions.edit(Change::put(self.workload.object, below, value));
    }

    /// A new item of a sequence, which is made where it is missing.
    pub(super) fn add(&mut self, sequence: &Pointer, value: Value, position: Position) {
        self.decisions.edit(Change::add(self.workload.object, sequence, value, position));
    }

    /// What the rules found.
    pub(super) fn take(&mut self, findings: impl IntoIterator<Item = Finding>) {
        self.decisions.take(self.streams, findings);
    }
}
