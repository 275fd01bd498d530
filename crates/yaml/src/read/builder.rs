//! Builds the trees. The parser says what each scalar is and where it begins; the rest is found in the text between.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use saphyr_parser::{Event, Parser, ScalarStyle, Span, StrInput, Tag};

use super::broken::{Broken, broken};
use super::part::Part;
use super::scalar;
use super::tree::{Documents, Entry, Kind, Node, NodeId, Tree};
use super::trivia::Trivia;
use crate::diagnostic::Diagnostic;

/// How deep a document may be nested.
const DEEPEST: usize = 200;

pub(super) struct Builder<'t> {
    part: &'t Part<'t>,
    text: &'t str,
    /// What the parser reads: the text itself or the normalised one.
    normalised: &'t str,
    trivia: Trivia<'t>,
    parser: Parser<'t, StrInput<'t>>,
    /// The byte of each character, and the text's length.
    bytes: Vec<usize>,
    nodes: Vec<Node>,
    /// Of the current document: anchors that are complete, by the parser's number.
    anchors: BTreeMap<usize, NodeId>,
    /// Anchors whose nodes are still being read.
    open: BTreeSet<usize>,
    depth: usize,
    /// How many flow collections are open.
    flow: usize,
}

type Parsed<'t> = (Event<'t>, Span);

impl<'t> Builder<'t> {
    pub(super) fn new(part: &'t Part<'t>, normalised: &'t str) -> Self {
        let text = part.text();
        let bytes = normalised.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        Self {
            part,
            text,
            normalised,
            trivia: Trivia(text),
            parser: Parser::new_from_str(normalised),
            bytes,
            nodes: Vec::new(),
            anchors: BTreeMap::new(),
            open: BTreeSet::new(),
            depth: 0,
            flow: 0,
        }
    }

    pub(super) fn stream(mut self) -> Result<Documents, Broken> {
        let mut documents = Documents::new();
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::DocumentStart(explicit) => {
                    let start = self.span(span).start;
                    if let Some((before, _)) = documents.last_mut() {
                        before.end = start;
                    }
                    let from = if explicit { start + "---".len() } else { start };
                    self.anchors.clear();
                    self.open.clear();
                    let (event, span) = self.next()?;
                    let root = self.node(event, span, from)?;
                    let nodes = std::mem::take(&mut self.nodes);
                    documents.push((start..self.text.len(), Tree { nodes, root }));
                }
                Event::StreamEnd => return Ok(documents),
                _ => {}
            }
        }
    }

    fn next(&mut self) -> Result<Parsed<'t>, Broken> {
        match self.parser.next_event() {
            Some(Ok(parsed)) => Ok(parsed),
            Some(Err(error)) => {
                let at = self.bytes.get(error.marker().index()).copied().unwrap_or(self.text.len());
                Err(broken(self.part, at, error))
            }
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    /// A node, whose first byte is at or behind `from` with only space and comments between.
    fn node(&mut self, event: Event<'t>, span: Span, from: usize) -> Result<NodeId, Broken> {
        self.depth += 1;
        if self.depth > DEEPEST {
            let wrong = self.wrong(self.span(span), format!("nested deeper than {DEEPEST} levels"));
            return Err(wrong.help("no Kubernetes object is nested so deep").into());
        }
        let id = match event {
            Event::Alias(anchor) => self.alias(anchor, span)?,
            Event::Scalar(value, style, anchor, tag) => {
                let node = self.scalar(&value, style, anchor != 0, tag.as_deref(), span, from)?;
                self.add(node, anchor)
            }
            Event::SequenceStart(anchor, _) => {
                self.open.insert(anchor);
                let node = self.sequence(span, from)?;
                self.add(node, anchor)
            }
            Event::MappingStart(anchor, _) => {
                self.open.insert(anchor);
                let node = self.mapping(span, from)?;
                self.add(node, anchor)
            }
            _ => return Err(self.wrong(self.span(span), "no value stands where one must be").into()),
        };
        self.depth -= 1;
        Ok(id)
    }

    fn add(&mut self, node: Node, anchor: usize) -> NodeId {
        self.nodes.push(node);
        if anchor != 0 {
            self.open.remove(&anchor);
            self.anchors.insert(anchor, self.nodes.len() - 1);
        }
        self.nodes.len() - 1
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Result<NodeId, Broken> {
        let span = self.span(span);
        if self.open.contains(&anchor) {
            let wrong = self.wrong(span, "an alias refers to a value that it is itself a part of");
            return Err(wrong.help("write out what it stands for").into());
        }
        let Some(target) = self.anchors.get(&anchor).copied() else {
            let wrong = self.wrong(span, "an alias refers to an anchor of another document");
            return Err(wrong
                .help("an anchor is known in its own document only: write the value out")
                .into());
        };
        self.nodes[target].aliased = true;
        Ok(self.add(Node { span, kind: Kind::Alias(target), aliased: false }, 0))
    }

    fn scalar(
        &self,
        value: &str,
        style: ScalarStyle,
        anchored: bool,
        tag: Option<&Tag>,
        span: Span,
        from: usize,
    ) -> Result<Node, Broken> {
        let there = self.span(span);
        let plain = style == ScalarStyle::Plain;
        let quote = match style {
            ScalarStyle::SingleQuoted => Some('\''),
            ScalarStyle::DoubleQuoted => Some('"'),
            _ => None,
        };
        let block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
        let value = if block { self.trivia.without_missing_break(value, there.end) } else { value };
        let span = if block {
            self.trivia.skip_space(from)..self.trivia.end_of_block_scalar(from, there.end)
        } else if plain && value.is_empty() && !anchored && tag.is_none() {
            from..from
        } else if let Some(quote) = quote {
            there.start..self.trivia.end_of_quotes(there.start, quote)
        } else {
            there
        };
        let tag = tag.map(|tag| if tag.is_yaml_core_schema() { tag.suffix.as_str() } else { "other" });
        let own = self.text.get(span.clone()).filter(|own| self.normalised.get(span.clone()) != Some(*own));
        let own = own.map(|own| {
            let properties = self.trivia.behind_properties(span.start) - span.start;
            // There may be nothing but properties.
            own.get(properties..).unwrap_or_default()
        });
        let own = match own {
            Some(own) if quote.is_some() => {
                let told = |info| self.wrong(span.clone(), format!("not YAML: {info}"));
                Some(scalar::quoted(own).map_err(told)?)
            }
            Some(own) if plain => Some(scalar::plain(own)),
            _ => None,
        };
        let value = own.as_deref().unwrap_or(value);
        let kind = Kind::Scalar { value: scalar::value(value, plain, tag), quote, block };
        Ok(Node { span, kind, aliased: false })
    }

    fn sequence(&mut self, span: Span, from: usize) -> Result<Node, Broken> {
        let there = self.span(span);
        let start = self.trivia.skip_space(from);
        let content = self.trivia.behind_properties(start);
        let flow = !there.is_empty() && self.text[content..].starts_with('[');
        let mut end = content;
        let mut from = content + usize::from(flow);
        let mut items = Vec::new();
        self.flow += usize::from(flow);
        loop {
            let (event, span) = self.next()?;
            if event == Event::SequenceEnd {
                if flow {
                    let told = self.span(span).start + 1;
                    end = self.trivia.behind_bracket(from, ']').unwrap_or(told);
                }
                break;
            }
            let begins = self.trivia.skip_space(from);
            let node = self.node(event, span, if flow { begins } else { begins + 1 })?;
            let node_span = self.nodes[node].span.clone();
            end = node_span.end;
            items.push((begins, node));
            from = if flow { self.trivia.behind_comma(end) } else { end };
        }
        self.flow -= usize::from(flow);
        Ok(Node { span: start..end, kind: Kind::Sequence { flow, items }, aliased: false })
    }

    fn mapping(&mut self, span: Span, from: usize) -> Result<Node, Broken> {
        let there = self.span(span);
        let start = self.trivia.skip_space(from);
        let content = self.trivia.behind_properties(start);
        let braces = !there.is_empty() && self.text[content..].starts_with('{');
        let mut end = content;
        let mut from = content + usize::from(braces);
        let bare = !braces && self.flow > 0;
        let flow = braces || bare;
        let mut entries = Vec::new();
        self.flow += usize::from(flow);
        loop {
            let (event, span) = self.next()?;
            if event == Event::MappingEnd {
                if braces {
                    let told = self.span(span).start + 1;
                    end = self.trivia.behind_bracket(from, '}').unwrap_or(told);
                }
                break;
            }
            let entry = self.entry(event, span, from)?;
            end = self.nodes[entry.value].span.end.max(entry.after_colon);
            from = if braces { self.trivia.behind_comma(end) } else { end };
            entries.push(entry);
        }
        self.flow -= usize::from(flow);
        Ok(Node { span: start..end, kind: Kind::Mapping { flow, bare, entries }, aliased: false })
    }

    fn entry(&mut self, event: Event<'t>, span: Span, from: usize) -> Result<Entry, Broken> {
        let start = self.trivia.skip_space(from);
        let plain_key = matches!(event, Event::Scalar(_, ScalarStyle::Plain, ..));
        let question = self.text[start..].starts_with('?');
        let key = self.node(event, span, if question { start + 1 } else { start })?;
        let key_span = self.nodes[key].span.clone();
        let key = match &self.nodes[key].kind {
            Kind::Scalar { value, .. } => scalar::key_text(value),
            Kind::Alias(target) => match &self.nodes[*target].kind {
                Kind::Scalar { value, .. } => scalar::key_text(value),
                _ => None,
            },
            _ => None,
        };
        let Some(key) = key else {
            let wrong = self.wrong(key_span, "a key must be a text");
            return Err(wrong.help("quote it, if it was meant as a text").into());
        };
        let colon = self.trivia.skip_space(key_span.end);
        let has_colon = self.text[colon..].starts_with(':');
        let after_colon = if has_colon { colon + 1 } else { key_span.end };
        let (event, span) = self.next()?;
        let value = self.node(event, span, after_colon)?;
        let merge = plain_key && key == "<<";
        Ok(Entry { key, start, after_colon, merge, key_span, value })
    }

    fn span(&self, span: Span) -> Range<usize> {
        let byte = |index: usize| self.bytes.get(index).copied().unwrap_or(self.text.len());
        byte(span.start.index())..byte(span.end.index()).max(byte(span.start.index()))
    }

    fn wrong(&self, span: Range<usize>, message: impl Into<String>) -> Diagnostic {
        self.part.wrong(span, message)
    }
}
