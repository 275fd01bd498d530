//! Several texts as one stream of documents.

use segue_yaml::parts;

/// The texts as one stream of documents; a single text stays as it is. JSON objects behind each other get a `---` between them: kubectl
/// reads them without one only in a stream that has nothing else.
pub fn one_stream(texts: &[String]) -> String {
    if let [text] = texts {
        return text.clone();
    }
    let mut stream = String::new();
    let parts = texts.iter().flat_map(|text| parts(text)).map(|text| text.trim_start_matches('\u{feff}'));
    for text in parts.filter(|text| !text.trim().is_empty()) {
        if !stream.is_empty() {
            if !stream.ends_with('\n') {
                stream.push('\n');
            }
            // Directives stand before their document's `---`, and only where the document before has ended.
            if begins_with_directive(text) {
                stream.push_str("...\n");
            } else if !text.starts_with("---") {
                stream.push_str("---\n");
            }
        }
        stream.push_str(text);
    }
    stream
}

fn begins_with_directive(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim_end);
    lines
        .find(|line| !line.is_empty() && !line.trim_start().starts_with('#'))
        .is_some_and(|line| line.starts_with('%'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(texts: &[&str]) -> String {
        one_stream(&texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn texts_are_joined_so_that_each_stays_a_document() {
        assert_eq!(joined(&["a: 1", "", "---\nb: 2\n", "c: 3\n"]), "a: 1\n---\nb: 2\n---\nc: 3\n");
        assert_eq!(
            joined(&["a: 1\n", "\u{feff}# ours\n\n%YAML 1.2\n---\nb: 2\n", "%TAG !e! x:\n---\nc: 3\n"]),
            "a: 1\n...\n# ours\n\n%YAML 1.2\n---\nb: 2\n...\n%TAG !e! x:\n---\nc: 3\n"
        );
        assert_eq!(joined(&["a: 1\n", "\u{feff}---\nb: 2\n"]), "a: 1\n---\nb: 2\n");
        assert_eq!(joined(&["\u{feff}a: 1"]), "\u{feff}a: 1");
    }

    #[test]
    fn json_objects_behind_each_other_are_documents_of_their_own_among_others() {
        assert_eq!(joined(&["{\"a\": 1}{\"b\": 2}\n"]), "{\"a\": 1}{\"b\": 2}\n");
        assert_eq!(
            joined(&["{\"a\": 1} {\"b\": 2}\n", "c: 3\n", "{\"d\": 4}\ne: 5\n", "{\"f\": 6}\n---\ng: 7\n"]),
            "{\"a\": 1}\n---\n{\"b\": 2}\n---\nc: 3\n---\n{\"d\": 4}\n---\ne: 5\n---\n{\"f\": 6}\n---\ng: 7\n"
        );
    }
}
