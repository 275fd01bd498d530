//! What a rule finds: a value that says what is wrong and what would mend it, and that changes nothing by itself.

use segue_yaml::{Diagnostic, Edit, Place, Pointer, Position, Stream};
use serde_json::Value;

use crate::notes::{Note, Origin, Rule, Words};
use crate::objects::{Address, Object};

/// How much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing; or something that only comes with the agent.
    Info,
    /// As it is, requests may be lost when pods are replaced.
    Warning,
    /// No edit mends it, and no drain helps as long as it is so: `inject` refuses the workload.
    Error,
}

/// An edit, and the object that it is made in.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Which object.
    pub address: Address,
    /// What becomes of it; its pointer is from the document's root.
    pub edit: Edit,
}

impl Change {
    /// A value of an object gets another, or is made.
    pub(crate) fn put(object: &Object, below: &Pointer, value: Value) -> Self {
        let at = object.pointer(below);
        let edit = match object.value(below) {
            Some(_) => Edit::Set { at, value },
            None => Edit::Insert { at, value, position: Position::Last },
        };
        Self { address: object.address.clone(), edit }
    }

    /// A new item of an object's sequence, which is made where it is missing.
    pub(crate) fn add(object: &Object, sequence: &Pointer, value: Value, position: Position) -> Self {
        let at = object.pointer(sequence).then(0);
        Self { address: object.address.clone(), edit: Edit::Insert { at, value, position } }
    }
}

/// What a rule finds.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// Which rule.
    pub rule: Rule,
    /// How much it matters.
    pub severity: Severity,
    /// The object, such as `Deployment shop/web`.
    pub object: String,
    /// Where it comes from.
    pub origin: Origin,
    /// What is wrong, in words.
    pub what: String,
    /// What would be right, where no edit makes it so.
    pub help: Option<String>,
    /// How the number that would be right comes about.
    pub sum: Option<String>,
    /// What mends it, in the order in which it is made.
    pub edits: Vec<Change>,
    /// What is to be said of it once these are made.
    pub notes: Vec<Note>,
}

impl Finding {
    pub(super) fn of(
        rule: Rule,
        severity: Severity,
        (object, below): (&Object, &Pointer),
        what: impl Into<String>,
    ) -> Self {
        Self {
            rule,
            severity,
            object: object.to_string(),
            origin: Origin::File { address: object.address.clone(), below: below.clone() },
            what: what.into(),
            help: None,
            sum: None,
            edits: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// What is wrong is all that there is to say.
    pub(super) fn told(
        rule: Rule,
        severity: Severity,
        place: (&Object, &Pointer),
        words: impl Into<Words>,
    ) -> Self {
        let words = words.into();
        Self::of(rule, severity, place, words.to_string()).note(words)
    }

    /// What can't be mended.
    pub(super) fn error(
        rule: Rule,
        place: (&Object, &Pointer),
        what: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self { help: Some(help.into()), ..Self::of(rule, Severity::Error, place, what) }
    }

    pub(super) fn sum(self, sum: impl Into<String>) -> Self {
        Self { sum: Some(sum.into()), ..self }
    }

    pub(super) fn note(mut self, words: impl Into<Words>) -> Self {
        self.notes.push(Note::at(self.rule, self.object.clone(), self.origin.clone(), words));
        self
    }

    pub(super) fn mended_by(mut self, change: Change) -> Self {
        self.edits.push(change);
        self
    }

    /// For people: what is wrong, with its place in these texts.
    pub fn diagnostic(&self, streams: &[Stream]) -> Diagnostic {
        let Origin::File { address, .. } = &self.origin;
        let start = Place { line: 1, column: 1, span: 0..0 };
        let place = self.origin.place(streams).unwrap_or(start);
        let diagnostic = streams[address.file].diagnostic(&place, self.what.as_str());
        let diagnostic = diagnostic.about(self.object.as_str()).rule(self.rule.id());
        match &self.help {
            Some(help) => diagnostic.help(help.as_str()),
            None => diagnostic,
        }
    }
}
