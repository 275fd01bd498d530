//! Running a program to its end, with what it said when that is not the end it should have had.

use std::io::Write;
use std::process::{Command, ExitStatus, Output, Stdio};

use anyhow::Context;

/// A program that ended with anything but success.
#[derive(Debug)]
pub struct Failed {
    /// The words that it was started with.
    pub command: String,
    /// How it ended.
    pub status: ExitStatus,
    /// What it wrote to stderr, and to stdout where that was all.
    pub said: String,
}

impl std::error::Error for Failed {}

impl std::fmt::Display for Failed {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "`{}` ended with {}: {}", self.command, self.status, self.said)
    }
}

/// Runs a program to its end and returns what it wrote to stdout; [`Failed`] says what it said instead.
pub fn run(command: &mut Command) -> anyhow::Result<String> {
    command.stdin(Stdio::null());
    let output = command.output().with_context(|| format!("cannot run `{}`", words(command)))?;
    judge(command, &output)
}

/// [`run`] with something to read on its standard input.
pub(crate) fn run_with_input(command: &mut Command, input: &str) -> anyhow::Result<String> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().with_context(|| format!("cannot run `{}`", words(command)))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that ends before it has read all says why on its own.
        let _ = stdin.write_all(input.as_bytes());
    }
    let output = child.wait_with_output()?;
    judge(command, &output)
}

/// The words of a command, as one would type them.
pub(crate) fn words(command: &Command) -> String {
    std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| word.to_string_lossy().into_owned())
        .collect::<Vec<_>>()
        .join(" ")
}

fn judge(command: &Command, output: &Output) -> anyhow::Result<String> {
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(stdout);
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    let said = if stderr.trim().is_empty() { stdout.trim() } else { stderr.trim() }.to_owned();
    Err(Failed { command: words(command), status: output.status, said }.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_program_is_named_with_what_it_said() {
        let error = run(Command::new("sh").args(["-c", "echo no >&2; exit 3"])).unwrap_err();
        let failed = error.downcast_ref::<Failed>().unwrap();
        assert_eq!((failed.status.code(), failed.said.as_str()), (Some(3), "no"));
        assert!(error.to_string().starts_with("`sh -c echo no"), "{error}");
    }

    #[test]
    fn input_is_read_and_output_is_returned() {
        assert_eq!(run_with_input(&mut Command::new("cat"), "words").unwrap(), "words");
    }
}
