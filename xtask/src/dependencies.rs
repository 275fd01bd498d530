//! `cargo xtask dependencies`: each one is used, and what comes with it may be given away.
//!
//! `cargo-machete` finds those that no code names, `cargo-deny` reads licences and origins (`deny.toml`).

use crate::command::succeed;
use crate::programs::{self, Program};

const MACHETE: Program = Program { name: "cargo-machete", version: "0.9.2" };
const DENY: Program = Program { name: "cargo-deny", version: "0.20.2" };

pub(crate) fn run() -> anyhow::Result<()> {
    succeed(programs::of(MACHETE)?.arg("--skip-target-dir"))?;
    let checks = ["check", "--hide-inclusion-graph", "licenses", "bans", "sources"];
    succeed(programs::of(DENY)?.arg("--locked").args(checks))
}
