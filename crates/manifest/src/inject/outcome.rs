//! What came of it: the new texts, and what became of each workload.

use segue_yaml::{Diagnostic, Pointer};

use super::Refused;
use super::left::Left;
use crate::notes::{Note, Origin, in_order};
use crate::objects::Object;

/// What came of it.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// The files' new texts, in their order; a file with nothing to change is as it was.
    pub texts: Vec<String>,
    /// What a reader must know: what needs doing first, and then in the order of the files.
    pub notes: Vec<Note>,
    /// What became of each workload, and of each other object that was refused, in the order of the files.
    pub workloads: Vec<Told>,
    /// How many objects there were in all.
    pub objects: usize,
    /// How many of them were changed.
    pub changed: usize,
}

/// What became of one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The object, such as `Deployment shop/web`.
    pub object: String,
    /// Where it stands.
    pub origin: Origin,
    /// What became of it.
    pub fate: Fate,
}

/// What becomes of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It has the agent.
    Injected,
    /// What was injected is out of it.
    TakenOut,
    /// Nothing was to be done: a note may say why.
    LeftAlone,
    /// It is as it was, byte by byte, for all these reasons.
    Refused(Vec<Diagnostic>),
}

impl Outcome {
    pub(super) fn of(
        texts: Vec<String>,
        mut notes: Vec<Note>,
        workloads: Vec<Told>,
        (objects, changed): (usize, usize),
    ) -> Self {
        in_order(&mut notes);
        Self { texts, notes, workloads, objects, changed }
    }

    /// Everything that speaks against a part of the input, in the order of the files.
    pub fn refused(&self) -> impl Iterator<Item = &Diagnostic> {
        self.workloads.iter().flat_map(|one| match &one.fate {
            Fate::Refused(why) => why.as_slice(),
            _ => &[],
        })
    }

    /// If nothing is `done` it is a refusal of all, where anything was refused.
    pub(super) fn unless_all_is_refused(self, done: bool) -> Result<Self, Refused> {
        let mut why: Vec<Diagnostic> = Vec::new();
        for diagnostic in self.refused() {
            if !why.contains(diagnostic) {
                why.push(diagnostic.clone());
            }
        }
        if !done && !why.is_empty() { Err(Refused(why)) } else { Ok(self) }
    }
}

/// What became of all objects: of those that were refused that, of the others what `fate` says, if there is anything to say.
pub(super) fn told(objects: &[Object], left: &Left, fate: impl Fn(&Object) -> Option<Fate>) -> Vec<Told> {
    let of = |object: &Object| {
        let refused = left.get(&object.address).cloned().map(Fate::Refused);
        let origin = Origin::File { address: object.address.clone(), below: Pointer::root() };
        Some(Told { object: object.to_string(), origin, fate: refused.or_else(|| fate(object))? })
    };
    objects.iter().filter_map(of).collect()
}
