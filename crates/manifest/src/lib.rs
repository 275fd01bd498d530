//! Kubernetes objects joined into workloads and paths; inject.
//!
//! ```text
//!  texts, read ──▶ objects ──▶ workload ──▶ paths ──▶ inject ──▶ edits of the texts,
//!  by segue-yaml   what each   which of     how long  what a      made by segue-yaml
//!  with places     one says    them meet    a change  drain       (or one refusal, and
//!                              a pod        travels   needs       nothing is changed)
//! ```

pub mod files;
pub mod inject;
pub mod objects;
pub mod paths;
pub mod workload;

mod duration;
