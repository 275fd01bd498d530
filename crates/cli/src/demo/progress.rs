//! What is going on, on stderr: one line that is written over again on a terminal, one per step elsewhere.

use std::io::{self, IsTerminal, Write};

/// Where progress is told.
#[derive(Debug)]
pub(super) struct Line {
    terminal: bool,
    shown: bool,
}

impl Line {
    pub(super) fn new() -> Self {
        Self { terminal: io::stderr().is_terminal(), shown: false }
    }

    /// The state of the moment; only a terminal gets it.
    pub(super) fn now(&mut self, text: &str) {
        if self.terminal {
            let text = cut(text, usize::from(width()));
            write(&format!("\r\u{1b}[K{text}"));
            self.shown = true;
        }
    }

    /// Something that stays.
    pub(super) fn say(&mut self, text: &str) {
        self.clear();
        write(&format!("{text}\n"));
    }

    /// Takes the moment's line away.
    pub(super) fn clear(&mut self) {
        if std::mem::take(&mut self.shown) {
            write("\r\u{1b}[K");
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.clear();
    }
}

fn width() -> u16 {
    rustix::termios::tcgetwinsize(io::stderr()).map_or(80, |size| size.ws_col)
}

/// A line that wraps could not be written over.
fn cut(text: &str, width: usize) -> &str {
    text.char_indices().nth(width.saturating_sub(1)).map_or(text, |(end, _)| &text[..end])
}

fn write(text: &str) {
    let mut stderr = io::stderr().lock();
    // Progress that nobody can see is no reason to stop.
    let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_cut_before_it_wraps() {
        assert_eq!(cut("1→2→3", 4), "1→2");
        assert_eq!(cut("short", 80), "short");
        assert_eq!(cut("none", 0), "");
    }
}
