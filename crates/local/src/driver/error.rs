//! Why a driver cannot begin.

use crate::folder::FolderError;
use crate::state::StateError;

/// Why a driver cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Its folder.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// Its state.
    #[error(transparent)]
    State(#[from] StateError),
    /// This machine.
    #[error("cannot read which boot this is: {0}")]
    Boot(#[source] std::io::Error),
    /// Something else runs.
    #[error(
        "{name} runs {runs} ({instances}), and the file says {asked}: `segue up` with the file of what runs \
         takes it over, `--replace` rolls it to this file, `segue down {name}` ends it"
    )]
    OtherSpec {
        /// The service.
        name: String,
        /// The label of what runs.
        runs: String,
        /// Its instances.
        instances: String,
        /// The label of what was asked for.
        asked: String,
    },
}
