//! What of the machine a spec is held to.

use std::path::PathBuf;

use super::user::Accounts;

/// Where a spec is read, and who reads it.
pub(super) struct Surroundings {
    /// The spec file's folder.
    pub(super) base: PathBuf,
    /// Where programs are looked for, unless the spec's own environment says it.
    pub(super) path: String,
    /// Who runs this.
    pub(super) uid: u32,
    pub(super) accounts: Accounts,
}

// === impl Surroundings ===

impl Surroundings {
    /// A path as the spec says it: relative to its own folder.
    pub(super) fn path_of(&self, text: &str) -> PathBuf {
        self.base.join(text).components().collect()
    }
}
