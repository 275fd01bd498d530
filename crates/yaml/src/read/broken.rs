//! What the parser found wrong in a text, told with what would be right where that can be known.

use saphyr_parser::ScanError;

use super::part::Part;
use crate::diagnostic::TextError;
use crate::lines::line_start;

/// Why a text cannot be read; with the parser's error if it comes from there.
pub(super) struct Broken {
    pub(super) told: TextError,
    pub(super) error: Option<ScanError>,
}

impl<T: Into<TextError>> From<T> for Broken {
    fn from(told: T) -> Self {
        Self { told: told.into(), error: None }
    }
}

/// The parser's error at this byte of a part.
pub(super) fn broken(part: &Part<'_>, at: usize, error: ScanError) -> Broken {
    Broken { told: told(part, at, error.info()), error: Some(error) }
}

fn told(part: &Part<'_>, at: usize, info: &str) -> TextError {
    if let Some(tab) = tab_in_indentation(part.text(), at, info) {
        let wrong = part.wrong(tab..tab + 1, "a tab stands in the indentation");
        return wrong.help("indent with spaces: YAML does not allow tabs there").into();
    }
    if info.contains("byte order mark") {
        return part.misplaced_mark(at..at).into();
    }
    if info.contains("<document start>") && part.text()[at..].starts_with('{') {
        let message = "a JSON object begins behind another, where kubectl does not read it";
        let help =
            "put a line `---` between the objects: they need none only where nothing but JSON is in a file";
        return part.wrong(at..at + 1, message).help(help).into();
    }
    let help = if info.contains("mapping values are not allowed") {
        "put a value that contains `: ` in quotes, or check the indentation of this line"
    } else if info.contains("unknown anchor") {
        "an alias `*name` needs an anchor `&name` before it in the same document"
    } else if info.contains("escape") {
        "in YAML a character is written as it is, or as `\\u` with four digits, or as `\\U` with eight: pairs of `\\u` are JSON's"
    } else if info.contains("quoted scalar") || info.contains("end of stream") {
        "a quote or bracket is opened and never closed"
    } else if info.contains("simple key") || info.contains("did not find expected") {
        "check the indentation of this line and the one before, and whether each key ends with `: `"
    } else {
        "check this line and the one before it"
    };
    part.wrong(at..at, format!("not YAML: {info}")).help(help).into()
}

/// The tab for which the parser refuses a text at a place, if one stands in the indentation there. Some of its errors name the
/// end of the text on a line before, and one names where the next document would begin.
fn tab_in_indentation(text: &str, at: usize, error: &str) -> Option<usize> {
    let own = line_start(text, at);
    let tab = |start: usize| {
        let line = text[start..].lines().next().unwrap_or_default();
        line[..line.len() - line.trim_start().len()].find('\t').map(|tab| start + tab)
    };
    let is_blank = |start: &usize| text[*start..].lines().next().is_none_or(|line| line.trim().is_empty());
    let behind = || {
        let breaks = text[own..].match_indices('\n');
        breaks.map(|(newline, _)| own + newline + 1).find(|start| !is_blank(start))
    };
    let before = || {
        let starts = std::iter::successors(Some(own), |start| Some(line_start(text, start.checked_sub(1)?)));
        starts.skip(1).find(|start| !is_blank(start))
    };
    let other = if error.contains("tab") || error.contains("comment intercepting") {
        behind()
    } else if error.contains("<document start>") {
        before()
    } else {
        None
    };
    tab(own).or_else(|| tab(other?))
}
