//! The modules of one crate: what each one defines, imports and mentions.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// Where a module stands in its crate: the names from the root down.
pub(super) type Place = Vec<String>;

/// The modules of a crate by their places. Test code is not among them.
pub(super) type Modules = BTreeMap<Place, Module>;

#[derive(Debug, Default)]
pub(super) struct Module {
    /// An inline module lives in the file of the one around it.
    pub(super) file: PathBuf,
    pub(super) items: BTreeSet<String>,
    pub(super) imports: Vec<Import>,
    pub(super) mentions: Vec<Mention>,
}

/// One name that a `use` brings in, or all names of a module.
#[derive(Debug)]
pub(super) struct Import {
    pub(super) path: Vec<String>,
    /// `None`: a glob.
    pub(super) name: Option<String>,
    pub(super) is_public: bool,
    pub(super) line: usize,
}

/// A path in code that is no `use`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mention {
    pub(super) path: Vec<String>,
    pub(super) line: usize,
}
