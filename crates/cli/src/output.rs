//! How results and errors reach the terminal: colour, width, tables, and a reader that goes away.
//!
//! Results go to stdout through [`write`] (or the macro `outln!`), which gives an error instead of a panic when
//! the reader has gone (`segue status | head -1`); `main` then ends quietly.

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::sync::OnceLock;

use comfy_table::{Attribute, Cell, CellAlignment, ContentArrangement, Table, presets};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// The exit code when nobody reads the output any more: what a shell shows for a program ended by SIGPIPE.
pub(crate) const READER_GONE: u8 = 128 + 13;

static COLOR: OnceLock<Color> = OnceLock::new();

/// When to use colour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless NO_COLOR is set
    #[default]
    Auto,
    /// Also into files and pipes
    Always,
    /// Nowhere
    Never,
}

/// Sets what `--color` said, once, before anything is printed.
pub(crate) fn choose_color(color: Color) {
    // A second call could only say the same: the flag is read once.
    let _ = COLOR.set(color);
}

/// Whether stdout gets colour.
pub(crate) fn stdout_has_color() -> bool {
    has_color(io::stdout().is_terminal())
}

/// Whether stderr gets colour.
pub(crate) fn stderr_has_color() -> bool {
    has_color(io::stderr().is_terminal())
}

/// Whether somebody reads stdout on a terminal.
pub(crate) fn stdout_is_terminal() -> bool {
    io::stdout().is_terminal()
}

fn has_color(terminal: bool) -> bool {
    let flag = COLOR.get().copied().unwrap_or_default();
    decide_color(flag, |name| std::env::var(name).ok(), terminal)
}

/// Flag, then NO_COLOR, then CLICOLOR_FORCE, then whether it is a terminal that can.
fn decide_color(flag: Color, variable: impl Fn(&str) -> Option<String>, terminal: bool) -> bool {
    match flag {
        Color::Always => return true,
        Color::Never => return false,
        Color::Auto => {}
    }
    if variable("NO_COLOR").is_some_and(|value| !value.is_empty()) {
        return false;
    }
    if variable("CLICOLOR_FORCE").is_some_and(|value| value != "0") {
        return true;
    }
    terminal && variable("TERM").is_none_or(|value| value != "dumb")
}

/// The width to lay text out for: the terminal's (or COLUMNS where that is set); none for a file or a pipe.
pub(crate) fn width() -> Option<u16> {
    if let Some(columns) = std::env::var("COLUMNS").ok().and_then(|value| value.parse().ok()) {
        return Some(columns);
    }
    columns_of(&io::stdout())
}

/// The width to lay out what is said on stderr, if somebody reads it on a terminal: in a file or a pipe a sentence is a line.
pub(crate) fn stderr_width() -> Option<usize> {
    columns_of(&io::stderr()).map(usize::from)
}

fn columns_of(stream: &(impl IsTerminal + AsFd)) -> Option<u16> {
    if !stream.is_terminal() {
        return None;
    }
    rustix::termios::tcgetwinsize(stream).ok().map(|size| size.ws_col).filter(|columns| *columns > 0)
}

/// An empty table in the one style of this command: no rules, a bold head, wrapped to the terminal.
pub(crate) fn table(head: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    if let Some(columns) = width() {
        table.set_width(columns);
    } else {
        table.set_content_arrangement(ContentArrangement::Disabled);
    }
    if stdout_has_color() {
        table.enforce_styling();
    } else {
        table.force_no_tty();
    }
    table.set_header(head.iter().map(|name| Cell::new(name).add_attribute(Attribute::Bold)));
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table
}

/// Numbers stand right-aligned in the given columns of a table.
pub(crate) fn align_right(table: &mut Table, columns: &[usize]) {
    for index in columns {
        if let Some(column) = table.column_mut(*index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}

/// Writes a result to stdout, whole.
pub(crate) fn write(bytes: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(bytes)?;
    stdout.flush()
}

/// Writes one line of a result to stdout; `outln!` is the comfortable form.
pub(crate) fn line(text: fmt::Arguments<'_>) -> io::Result<()> {
    write(format!("{text}\n").as_bytes())
}

/// `println!` that gives an `io::Result` instead of a panic when the reader has gone.
macro_rules! outln {
    ($($text:tt)*) => { $crate::output::line(format_args!($($text)*)) };
}
pub(crate) use outln;

/// Whether an error only says that the reader of stdout has gone away.
pub(crate) fn reader_is_gone(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// Says an error and what caused it, on stderr.
pub(crate) fn error(error: &anyhow::Error) {
    let label = if stderr_has_color() { "\u{1b}[1;31merror:\u{1b}[0m" } else { "error:" };
    // Nobody is left to be told if stderr is closed.
    let _ = writeln!(io::stderr(), "{label} {}", chain(error));
}

/// Says something that a reader should know beside a result, on stderr.
pub(crate) fn note(text: impl fmt::Display) {
    // Nobody is left to be told if stderr is closed.
    let _ = io::stderr().write_all(format!("{text}\n").as_bytes());
}

/// A message that is written over again on stderr, where that is a terminal that can; taken away when dropped.
/// `template` is `{wide_msg}` for one line, cut to the terminal's width, or `{msg}` for several.
pub(crate) fn live(template: &str) -> ProgressBar {
    // Whoever has something to show knows how often; a last state must not be held back.
    let target = ProgressDrawTarget::stderr_with_hz(u8::MAX);
    let style = ProgressStyle::with_template(template).expect("a template of ours");
    ProgressBar::with_draw_target(None, target).with_style(style)
}

/// The error and its causes in one line; a cause that stands at the end already is not said again.
fn chain(error: &anyhow::Error) -> String {
    let mut said = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if said.is_empty() {
            said = cause;
        } else if !said.ends_with(&cause) {
            said = format!("{said}: {cause}");
        }
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_said_once() {
        let cause = || anyhow::anyhow!("permission denied");
        assert_eq!(
            chain(&cause().context("cannot read web.yaml")),
            "cannot read web.yaml: permission denied"
        );
        assert_eq!(chain(&cause().context("web.yaml: permission denied")), "web.yaml: permission denied");
    }

    fn decide(flag: Color, set: &[(&str, &str)], terminal: bool) -> bool {
        let variable =
            |name: &str| set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        decide_color(flag, variable, terminal)
    }

    #[test]
    fn the_flag_beats_the_environment_and_the_environment_beats_the_terminal() {
        assert!(decide(Color::Always, &[("NO_COLOR", "1")], false));
        assert!(!decide(Color::Never, &[("CLICOLOR_FORCE", "1")], true));
        assert!(!decide(Color::Auto, &[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")], true));
        assert!(decide(Color::Auto, &[("CLICOLOR_FORCE", "1")], false));
        assert!(!decide(Color::Auto, &[("CLICOLOR_FORCE", "0")], false));
        assert!(decide(Color::Auto, &[("NO_COLOR", "")], true));
        assert!(!decide(Color::Auto, &[("TERM", "dumb")], true));
    }

    #[test]
    fn a_broken_pipe_is_found_below_its_context() {
        let gone =
            anyhow::Error::from(io::Error::from(io::ErrorKind::BrokenPipe)).context("writing the table");
        assert!(reader_is_gone(&gone));
        assert!(!reader_is_gone(&anyhow::anyhow!("no such file")));
    }
}
