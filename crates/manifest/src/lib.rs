//! Kubernetes objects joined into workloads and paths; edits of their text that keep every other byte; inject.
//!
//! ```text
//!  text ──▶ objects ──▶ workload ──▶ paths ──▶ inject ──▶ edits of the text
//!  bytes    what each   which of     how long  what a      (or one refusal, and
//!  with     one says    them meet    a change  drain       nothing is changed)
//!  places               a pod        travels   needs
//! ```

pub mod files;
pub mod inject;
pub mod objects;
pub mod paths;
pub mod text;
pub mod workload;

mod duration;
