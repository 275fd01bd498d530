//! Logs: `tracing` events as lines on stderr, fit for the one who reads them.
//!
//! A terminal gets a clock and colours; under systemd every line begins with its priority (`<4>`), which journald
//! takes off and keeps, together with the time; anything else (a file, a pipe) gets plain lines.

use std::fmt;
use std::io::{self, IsTerminal};
use std::os::fd::AsFd;

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

use crate::{clock, output};

/// The variable that says what is logged: a level, for all or for a module: `debug`, or `segue_local=debug,info`.
const FILTER_VARIABLE: &str = "SEGUE_LOG";

/// Starts logging for a command that runs for long; `default` is what is logged when SEGUE_LOG says nothing.
pub(crate) fn init(default: Level) {
    let asked = std::env::var(FILTER_VARIABLE).ok();
    let style = Style::of_stderr();
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(io::stderr)
        .with_ansi(matches!(style, Style::Terminal { color: true }))
        // A line that cannot be written is lost; saying so, on that same stderr, would be the end of `segue up`.
        .log_internal_errors(false)
        .event_format(Line { style });
    let started =
        tracing_subscriber::registry().with(targets(asked.as_deref(), default)).with(lines).try_init();
    // Only a second call can fail, and then lines are already being written.
    drop(started);
}

/// What is logged; what cannot be understood is as if it had not been said.
fn targets(asked: Option<&str>, default: Level) -> Targets {
    let asked = asked.filter(|text| !text.trim().is_empty()).and_then(|text| text.parse().ok());
    asked.unwrap_or_else(|| Targets::new().with_default(default))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Terminal { color: bool },
    Journal,
    Plain,
}

impl Style {
    fn of_stderr() -> Self {
        let stderr = io::stderr();
        if is_the_journal(std::env::var("JOURNAL_STREAM").ok().as_deref(), stderr.as_fd()) {
            Self::Journal
        } else if stderr.is_terminal() {
            Self::Terminal { color: output::stderr_has_color() }
        } else {
            Self::Plain
        }
    }
}

/// systemd names the journal's socket as DEVICE:INODE; a child whose stderr was redirected inherits the variable
/// all the same, so the two are compared.
fn is_the_journal(stream: Option<&str>, stderr: impl AsFd) -> bool {
    let Some((device, inode)) = stream.and_then(|stream| stream.split_once(':')) else { return false };
    let (Ok(device), Ok(inode)) = (device.parse::<u64>(), inode.parse::<u64>()) else { return false };
    rustix::fs::fstat(stderr).is_ok_and(|stat| (stat.st_dev, stat.st_ino) == (device, inode))
}

/// Formats one event as one line.
struct Line {
    style: Style,
}

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let level = *event.metadata().level();
        match self.style {
            Style::Journal => write!(writer, "<{}>", priority(level))?,
            Style::Terminal { color } => {
                write!(writer, "{} {} ", clock::wall().strftime("%H:%M:%S%.3f"), label(level, color))?;
            }
            Style::Plain => write!(writer, "{} ", label(level, false))?,
        }
        context.field_format().format_fields(writer.by_ref(), event)?;
        writeln!(writer)
    }
}

/// The number of syslog that journald reads from `<N>`.
fn priority(level: Level) -> u8 {
    match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        Level::DEBUG | Level::TRACE => 7,
    }
}

fn label(level: Level, color: bool) -> &'static str {
    match (level, color) {
        (Level::ERROR, false) => "error",
        (Level::ERROR, true) => "\u{1b}[1;31merror\u{1b}[0m",
        (Level::WARN, false) => "warn ",
        (Level::WARN, true) => "\u{1b}[33mwarn\u{1b}[0m ",
        (Level::INFO, false) => "info ",
        (Level::INFO, true) => "\u{1b}[32minfo\u{1b}[0m ",
        (Level::DEBUG, _) => "debug",
        (Level::TRACE, _) => "trace",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_logged_is_said_by_level_and_module() {
        let logs = |asked, target: &str, level| targets(asked, Level::INFO).would_enable(target, &level);
        for nothing in [None, Some(""), Some("segue_local=loud")] {
            assert!(logs(nothing, "segue_local", Level::INFO) && !logs(nothing, "segue_local", Level::DEBUG));
        }
        let some = Some("segue_local=debug,warn");
        assert!(logs(some, "segue_local::driver", Level::DEBUG) && !logs(some, "segue_local", Level::TRACE));
        assert!(logs(some, "segue_proxy", Level::WARN) && !logs(some, "segue_proxy", Level::INFO));
    }
    use std::sync::{Arc, Mutex};

    fn lines(style: Style) -> String {
        let written = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&written);
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(Level::DEBUG)
            .with_ansi(false)
            .with_writer(move || Sink(Arc::clone(&sink)))
            .event_format(Line { style })
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            tracing::warn!(instance = "web-1", "withdrawn");
        });
        String::from_utf8(written.lock().unwrap().clone()).unwrap()
    }

    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn the_journal_gets_the_priority_and_no_clock() {
        assert_eq!(lines(Style::Journal), "<4>withdrawn instance=\"web-1\"\n");
    }

    #[test]
    fn a_file_gets_a_plain_line() {
        assert_eq!(lines(Style::Plain), "warn  withdrawn instance=\"web-1\"\n");
    }

    #[test]
    fn the_journal_is_believed_only_if_it_is_this_very_stream() {
        let file = tempfile::tempfile().unwrap();
        let stat = rustix::fs::fstat(&file).unwrap();
        assert!(is_the_journal(Some(&format!("{}:{}", stat.st_dev, stat.st_ino)), &file));
        assert!(!is_the_journal(Some(&format!("{}:{}", stat.st_dev, stat.st_ino + 1)), &file));
        assert!(!is_the_journal(Some("nonsense"), &file));
        assert!(!is_the_journal(None, &file));
    }
}
