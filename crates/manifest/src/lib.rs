//! Kubernetes objects joined into workloads and paths; rules that find; inject.
//!
//! ```text
//!  texts, read ──▶ objects ──▶ workload ──▶ paths ──▶ rules ──▶ inject
//!  by segue-yaml   what each   which of     how long  what is    the edits of what was found,
//!  with places     one says    them meet    a change  wrong      made by segue-yaml (or one
//!                              a pod        travels   of it      refusal, and nothing is changed)
//!                                          └─────────┴──────────┴──▶ notes, for the reader
//! ```

pub mod files;
pub mod inject;
pub mod notes;
pub mod objects;
pub mod paths;
pub mod rules;
pub mod workload;

mod duration;
mod names;
mod ports;
