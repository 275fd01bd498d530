//! What is true of several objects is said once, with their names.

use super::{Note, Origin, Rule};

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

/// Sorts notes: what needs doing first, then by the order of the files; what is about no object last.
pub fn in_order(notes: &mut [Note]) {
    fn place(note: &Note) -> (bool, Option<&crate::objects::Address>) {
        let address = note.origin.as_ref().map(|Origin::File { address, .. }| address);
        (address.is_none(), address)
    }
    // Within one object they stay as they were decided.
    notes.sort_by(|one, other| (one.rule.urgency(), place(one)).cmp(&(other.rule.urgency(), place(other))));
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
