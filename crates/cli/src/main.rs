//! The command `segue`: parses, calls a library, prints. What a command does lives in the crates below it.
//!
//! Exit codes: 0 as asked; 1 the answer is no; 2 wrong use or broken input.

#![allow(clippy::needless_pass_by_value, reason = "a command owns its arguments")]

mod cli;
mod clock;
mod commands;
mod duration;
mod logging;
mod output;
mod service;

use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<_> = std::env::args_os().collect();
    if let Some(code) = commands::keeper::run_if_asked(&args) {
        return code;
    }
    let cli = match cli::parse(args) {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    output::choose_color(cli.color);
    match cli.command.run() {
        Ok(code) => code,
        Err(error) if output::reader_is_gone(&error) => output::READER_GONE.into(),
        Err(error) => {
            output::error(&error);
            ExitCode::from(2)
        }
    }
}
