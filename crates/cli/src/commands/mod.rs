//! One file per command: `Args`, what can be said to it, and `run`, what it does.

pub(crate) mod completions;
pub(crate) mod demo;
pub(crate) mod deploy;
pub(crate) mod down;
pub(crate) mod inject;
pub(crate) mod keeper;
pub(crate) mod logs;
pub(crate) mod probe;
pub(crate) mod rollback;
pub(crate) mod sample;
pub(crate) mod schema;
pub(crate) mod status;
pub(crate) mod up;
