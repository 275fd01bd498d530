//! Tests of this crate with real processes, in one binary.

mod parts;
