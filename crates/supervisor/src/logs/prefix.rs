//! Lines of several instances in one stream: who said it stands before each, in a colour that stays with the instance.

use std::collections::HashMap;

use super::Line;

/// Readable on dark and on light; red is left for what is wrong.
const COLORS: [&str; 6] = ["\x1b[36m", "\x1b[32m", "\x1b[33m", "\x1b[35m", "\x1b[34m", "\x1b[96m"];
const DIM: &str = "\x1b[2m";
const RESET: &str = "\x1b[0m";

/// Gives each instance its prefix.
#[derive(Debug)]
pub struct Prefixes {
    color: bool,
    width: usize,
    order: HashMap<String, usize>,
}

// === impl Prefixes ===

impl Prefixes {
    /// With colours or without.
    pub fn new(color: bool) -> Self {
        Self { color, width: 0, order: HashMap::new() }
    }

    /// The line as it is shown, without its end.
    pub fn render(&mut self, instance: &str, line: &Line) -> String {
        let next = self.order.len();
        let order = *self.order.entry(instance.to_owned()).or_insert(next);
        self.width = self.width.max(instance.chars().count());
        let (width, text) = (self.width, &line.text);
        if !self.color {
            return format!("{instance:width$} | {text}");
        }
        let color = COLORS[order % COLORS.len()];
        // A line that turns a colour on and never off must not colour what follows it.
        let reset = if text.contains('\x1b') { RESET } else { "" };
        if line.ours {
            return format!("{color}{instance:width$} |{RESET} {DIM}{text}{RESET}");
        }
        format!("{color}{instance:width$} |{RESET} {text}{reset}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Line {
        Line { text: text.to_owned(), ours: false }
    }

    #[test]
    fn prefixes_are_as_wide_as_the_longest_name_so_far() {
        let mut prefixes = Prefixes::new(false);
        assert_eq!(prefixes.render("app-9", &line("hello")), "app-9 | hello");
        assert_eq!(prefixes.render("app-10", &line("hello")), "app-10 | hello");
        assert_eq!(prefixes.render("app-9", &line("")), "app-9  | ");
    }

    #[test]
    fn an_instance_keeps_its_colour_and_cannot_colour_the_next_line() {
        let mut prefixes = Prefixes::new(true);
        let first = prefixes.render("app-1", &line("\x1b[31mred"));
        let other = prefixes.render("app-2", &line("x"));
        assert!(first.ends_with(RESET));
        assert_eq!(&prefixes.render("app-1", &line("y"))[..5], &first[..5]);
        assert_ne!(&other[..5], &first[..5]);
    }
}
