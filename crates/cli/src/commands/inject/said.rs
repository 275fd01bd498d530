//! What there is to know, for people: what needs doing first, and what is true of several objects once, with their names.

use std::fmt;

use segue_manifest::notes::{Group, Note, Urgency, grouped};

/// Names are laid out for so many columns where nobody knows how many there are.
const COLUMNS: usize = 80;

/// All notes, under what each asks of the reader.
pub(super) struct Said<'n> {
    pub(super) notes: &'n [Note],
    /// The terminal's width; without one a sentence is one line.
    pub(super) width: Option<usize>,
}

impl fmt::Display for Said<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let groups = grouped(self.notes);
        let mut sections = Vec::new();
        for urgency in Urgency::ALL {
            let own: Vec<String> = groups
                .iter()
                .filter(|one| one.rule.urgency() == urgency)
                .map(|one| self.entry(one))
                .collect();
            if !own.is_empty() {
                sections.push(format!("{}:\n{}", heading(urgency), own.join("\n")));
            }
        }
        f.write_str(&sections.join("\n\n"))
    }
}

impl Said<'_> {
    /// One that holds for one object, or for none: a sentence. One that holds for several: the sentence, and their names below it.
    fn entry(&self, group: &Group) -> String {
        let sentence = |text: &str| match self.width {
            Some(width) => filled(text.split(' '), " ", ("  ", "    "), width),
            None => format!("  {text}"),
        };
        match group.subjects().as_slice() {
            [] => sentence(&group.sentence()),
            [one] => sentence(&format!("{one}: {}", group.sentence())),
            _ => {
                let parts = group.parts().into_iter().map(|(detail, names)| self.names(detail, &names));
                format!("{}\n{}", sentence(&group.sentence()), parts.collect::<Vec<_>>().join("\n"))
            }
        }
    }

    fn names(&self, detail: Option<&str>, names: &[String]) -> String {
        let first = detail.map_or_else(|| "      ".to_owned(), |detail| format!("      {detail}: "));
        let next = if detail.is_some() { "        " } else { "      " };
        filled(names.iter().map(String::as_str), ", ", (&first, next), self.width.unwrap_or(COLUMNS))
    }
}

fn heading(urgency: Urgency) -> &'static str {
    match urgency {
        Urgency::Refused => "Refused",
        Urgency::ToDo => "To do",
        Urgency::NoPromise => "No promise holds",
        Urgency::WorthKnowing => "Worth knowing",
    }
}

/// Parts behind each other in lines of so many columns; a part is never broken.
fn filled<'p>(
    parts: impl Iterator<Item = &'p str>,
    between: &str,
    (first, next): (&str, &str),
    width: usize,
) -> String {
    let columns = |text: &str| text.chars().count();
    let mut lines = vec![first.to_owned()];
    let mut is_new = true;
    for part in parts {
        let line = lines.last_mut().expect("there is one");
        // What stands between two parts ends its line.
        if !is_new && columns(line) + columns(between) + columns(part) + columns(between.trim_end()) > width {
            line.push_str(between.trim_end());
            lines.push(format!("{next}{part}"));
        } else {
            line.push_str(if is_new { "" } else { between });
            line.push_str(part);
        }
        is_new = false;
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_fill_their_lines_and_are_never_broken() {
        let names = ["Pod a", "Pod bb", "Deployment shop/a-very-long-name", "Pod c"];
        let lines = filled(names.into_iter(), ", ", ("  ", "    "), 20);
        assert_eq!(lines, "  Pod a, Pod bb,\n    Deployment shop/a-very-long-name,\n    Pod c");
        assert_eq!(filled("a wörd".split(' '), " ", ("", " "), 6), "a wörd");
        assert_eq!(filled("a wörd".split(' '), " ", ("", " "), 5), "a\n wörd");
    }
}
