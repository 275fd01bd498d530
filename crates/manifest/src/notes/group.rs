//! What is true of several objects is said once, with their names.

use super::{Note, Rule, Urgency};
use crate::objects::Address;

/// What is said once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group<'n> {
    /// Which rule says it.
    pub rule: Rule,
    /// What it says, without objects and details.
    pub text: &'n str,
    /// Of which objects, in the order of the files; each with its detail.
    pub notes: Vec<&'n Note>,
}

impl Group<'_> {
    /// The sentence, with the detail that several have in common.
    pub fn sentence(&self) -> String {
        if self.has_one_detail() { self.notes[0].message() } else { self.text.to_owned() }
    }

    /// Each object once, with its details where these differ, such as `Deployment shop/web (port 8080; port 9090)`; the details alone of
    /// what is about the input as a whole.
    pub fn subjects(&self) -> Vec<String> {
        let said_once = self.has_one_detail();
        let mut subjects: Vec<(&str, Option<&Address>, Vec<&str>)> = Vec::new();
        for note in &self.notes {
            let detail = note.detail.as_deref().filter(|_| !said_once);
            let (subject, detail) = match note.object.as_deref() {
                Some(object) => (Some(object), detail),
                None => (detail, None),
            };
            let Some(subject) = subject else { continue };
            match subjects.last_mut() {
                // Several files may have an object of that name.
                Some((last, place, details)) if *last == subject && *place == note.address() => {
                    details.extend(detail.filter(|own| !details.contains(own)));
                }
                _ => subjects.push((subject, note.address(), detail.into_iter().collect())),
            }
        }
        let shown = |(subject, _, details): (&str, _, Vec<&str>)| match details.as_slice() {
            [] => subject.to_owned(),
            details => format!("{subject} ({})", details.join("; ")),
        };
        subjects.into_iter().map(shown).collect()
    }

    /// The same parted by details, in the order in which each comes first, where several objects have one: each detail, with its own
    /// objects. Else one part with all subjects, and no detail.
    pub fn parts(&self) -> Vec<(Option<&str>, Vec<String>)> {
        let subjects = self.subjects();
        let mut parts: Vec<(&str, Vec<&Note>)> = Vec::new();
        for note in &self.notes {
            let detail = note.detail.as_deref().unwrap_or_default();
            match parts.iter_mut().find(|(known, _)| *known == detail) {
                Some((_, notes)) => notes.push(note),
                None => parts.push((detail, vec![note])),
            }
        }
        if parts.len() < 2
            || parts.len() >= subjects.len()
            || parts.iter().any(|(detail, _)| detail.is_empty())
        {
            return vec![(None, subjects)];
        }
        let objects = |notes: Vec<&Note>| notes.iter().filter_map(|note| note.object.clone()).collect();
        parts.into_iter().map(|(detail, notes)| (Some(detail), objects(notes))).collect()
    }

    fn has_one_detail(&self) -> bool {
        self.notes.len() > 1 && self.notes.iter().all(|note| note.detail == self.notes[0].detail)
    }
}

/// Sorts notes: what needs doing first, then by the order of the files; what is about no object last.
pub fn in_order(notes: &mut [Note]) {
    // Within one object they stay as they were decided.
    notes.sort_by(|one, other| place(one).cmp(&place(other)));
}

fn place(note: &Note) -> (Urgency, bool, Option<&Address>) {
    (note.rule.urgency(), note.address().is_none(), note.address())
}

/// Puts together what says the same, in the order in which each is said first.
pub fn grouped(notes: &[Note]) -> Vec<Group<'_>> {
    let mut groups: Vec<Group> = Vec::new();
    for note in notes {
        let same = |group: &&mut Group| group.rule == note.rule && group.text == note.text;
        match groups.iter_mut().find(same) {
            Some(group) => group.notes.push(note),
            None => groups.push(Group { rule: note.rule, text: &note.text, notes: vec![note] }),
        }
    }
    groups
}
