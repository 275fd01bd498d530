//! Where that comes from of which something is said.

use segue_yaml::{Place, Pointer, Stream};

use crate::objects::Address;

/// Where that comes from of which something was found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Origin {
    /// A text: an object in one of the files, and a part below its root.
    File {
        /// Which object.
        address: Address,
        /// Which part of it.
        below: Pointer,
    },
}

/// A place as people write it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spot {
    /// The file's name.
    pub file: String,
    /// Counted from 1.
    pub line: usize,
    /// Counted from 1, in characters.
    pub column: usize,
}

impl Origin {
    /// Where it is in these texts: its own place, or that of the nearest part above which is there.
    pub fn place(&self, streams: &[Stream]) -> Option<Place> {
        let Self::File { address, below } = self;
        address.place(streams, below)
    }

    /// The same for people.
    pub fn spot(&self, streams: &[Stream]) -> Option<Spot> {
        let Self::File { address, .. } = self;
        let Place { line, column, .. } = self.place(streams)?;
        Some(Spot { file: streams.get(address.file)?.name().to_owned(), line, column })
    }
}
