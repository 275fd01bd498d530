//! `segue keeper DIR`: what `segue up` runs for each instance; not for people.
//!
//! A keeper lives as long as its instance, so it does without the memory that the other commands' arguments take: it is
//! looked for before they are parsed.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

/// Runs the instance of that folder and keeps its output, if that is what was asked for.
pub(crate) fn run_if_asked(args: &[OsString]) -> Option<ExitCode> {
    match args {
        [_, command, dir] if command == "keeper" => Some(segue_supervisor::keeper::main(Path::new(dir))),
        _ => None,
    }
}
