//! What a body takes of a buffer.

/// How many bytes of a buffer belong to a body, and whether it ends with them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// How many bytes.
    pub length: usize,
    /// Whether the body ends with them.
    pub ends: bool,
}
