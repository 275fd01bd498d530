//! The arguments of the command, all of them: what can be said, not what is then done.

use std::ffi::{OsStr, OsString};
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::commands;
use crate::output::Color;

/// Wider help than this is hard to read; narrower terminals get it wrapped to their width.
const WIDEST_HELP: usize = 100;

/// Upgrade applications without dropping a request.
#[derive(Debug, Parser)]
#[command(name = "segue", version, max_term_width = WIDEST_HELP, arg_required_else_help = true)]
pub(crate) struct Cli {
    /// When to use colour; NO_COLOR and CLICOLOR_FORCE are honoured
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    pub(crate) color: Color,

    #[command(subcommand)]
    pub(crate) command: Command,
}

/// One command each; its arguments and its code are in `commands/NAME.rs`.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Up(commands::up::Args),
    Deploy(commands::deploy::Args),
    Rollback(commands::rollback::Args),
    Status(commands::status::Args),
    Logs(commands::logs::Args),
    Down(commands::down::Args),
    Completions(commands::completions::Args),
    Demo(commands::demo::Args),
    Probe(Box<commands::probe::Args>),
    Inject(Box<commands::inject::Args>),
    Schema(commands::schema::Args),
    #[command(hide = true)]
    Sample(commands::sample::Args),
}

impl Command {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Up(args) => commands::up::run(args),
            Self::Deploy(args) => commands::deploy::run(args),
            Self::Rollback(args) => commands::rollback::run(args),
            Self::Status(args) => commands::status::run(args),
            Self::Logs(args) => commands::logs::run(args),
            Self::Down(args) => commands::down::run(args),
            Self::Completions(args) => commands::completions::run(args, Cli::command()),
            Self::Demo(args) => commands::demo::run(args),
            Self::Schema(args) => commands::schema::run(args),
            Self::Probe(args) => commands::probe::run(*args),
            Self::Inject(args) => commands::inject::run(*args),
            Self::Sample(args) => commands::sample::run(args),
        }
    }
}

/// The parsed arguments; or, when help was asked for or the use was wrong, the code to exit with after saying so.
pub(crate) fn parse(args: Vec<OsString>) -> Result<Cli, ExitCode> {
    let color = match color_asked_for(&args) {
        Color::Auto => clap::ColorChoice::Auto,
        Color::Always => clap::ColorChoice::Always,
        Color::Never => clap::ColorChoice::Never,
    };
    Cli::command()
        .color(color)
        .try_get_matches_from(args)
        .and_then(|matches| Cli::from_arg_matches(&matches))
        .map_err(|error| {
            // Nobody is left to be told if even this cannot be written.
            let _ = error.print();
            u8::try_from(error.exit_code()).unwrap_or(2).into()
        })
}

/// Help and usage errors are printed before the arguments are known, so the flag is looked for by hand.
fn color_asked_for(args: &[OsString]) -> Color {
    let mut asked = Color::Auto;
    let mut args = args.iter().map(OsString::as_os_str).take_while(|arg| *arg != "--");
    while let Some(arg) = args.next() {
        let value = if arg == "--color" {
            args.next().and_then(OsStr::to_str)
        } else {
            arg.to_str().and_then(|arg| arg.strip_prefix("--color="))
        };
        asked = match value {
            Some("always") => Color::Always,
            Some("never") => Color::Never,
            _ => asked,
        };
    }
    asked
}

#[cfg(test)]
mod flags;

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        line.split_whitespace().map(OsString::from).collect()
    }

    #[test]
    fn the_arguments_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_color_flag_is_seen_in_both_spellings_and_not_after_a_double_dash() {
        assert_eq!(color_asked_for(&words("segue --color never")), Color::Never);
        assert_eq!(color_asked_for(&words("segue completions --color=always bash")), Color::Always);
        assert_eq!(color_asked_for(&words("segue -- --color never")), Color::Auto);
    }
}
