//! What is decided about one workload: edits, notes and refusals, collected before anything is changed.

use std::collections::BTreeMap;

use segue_yaml::{Diagnostic, Edit, Place, Pointer, Position, Stream};
use serde_json::Value;

use super::Options;
use crate::notes::{Note, Rule, Words};
use crate::objects::{Address, Object, Template};
use crate::rules::{Change, Finding, Severity};
use crate::workload::Workload;

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

    /// Of an object, once: several workloads may have the same to say of it.
    pub(super) fn note(&mut self, rule: Rule, object: &Object, words: impl Into<Words>) {
        self.say(Note::of(rule, (object, &Pointer::root()), words));
    }

    /// Of the input as a whole.
    pub(super) fn note_of_all(&mut self, rule: Rule, words: impl Into<Words>) {
        self.say(Note::of_all(rule, words));
    }

    pub(super) fn say(&mut self, note: Note) {
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
                self.say(note);
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
        for note in others.notes.drain(..) {
            self.say(note);
        }
    }

    /// An object that can't be used as it is, at a place below its root.
    pub(super) fn refuse(
        &mut self,
        rule: Rule,
        streams: &[Stream],
        (object, below): (&Object, &Pointer),
        (message, help): (String, String),
    ) {
        let stream = &streams[object.address.file];
        let start = Place { line: 1, column: 1, span: 0..0 };
        let place = object.place(streams, below).unwrap_or(start);
        let diagnostic = stream.diagnostic(&place, message).about(object.to_string());
        self.refusals.push(diagnostic.rule(rule.id()).help(help));
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

    pub(super) fn note(&mut self, rule: Rule, words: impl Into<Words>) {
        self.note_at(rule, &Pointer::root(), words);
    }

    /// The same of a part of the workload.
    pub(super) fn note_at(&mut self, rule: Rule, below: &Pointer, words: impl Into<Words>) {
        self.decisions.say(Note::of(rule, (self.workload.object, below), words));
    }

    /// By a rule of its own, or [`Rule::NotInjectable`].
    pub(super) fn refuse(
        &mut self,
        rule: Rule,
        below: &Pointer,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        let at = (self.workload.object, below);
        self.decisions.refuse(rule, self.streams, at, (message.into(), help.into()));
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
