//! Builds the trees. The parser says what each scalar is and where it begins; the rest is found in the text between.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput, Tag};

use super::super::complaint::{Complaint, TextError};
use super::between::Between;
use super::documents::{Documents, Part};
use super::shadow;
use super::tree::{Entry, Kind, Node, NodeId, Tree, key_text, scalar};

/// How deep a document may be nested.
const DEEPEST: usize = 200;

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

pub(super) struct Builder<'t> {
    part: &'t Part<'t>,
    text: &'t str,
    /// What the parser reads: the text or its shadow.
    shadow: &'t str,
    between: Between<'t>,
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
    pub(super) fn new(part: &'t Part<'t>, shadow: &'t str) -> Self {
        let text = part.text();
        let bytes = shadow.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        Self {
            part,
            text,
            shadow,
            between: Between(text),
            parser: Parser::new_from_str(shadow),
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
            Some(Err(error)) => Err(Broken { told: self.broken(&error), error: Some(error) }),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    /// A node, whose first byte is at or behind `from` with only space and comments between.
    fn node(&mut self, event: Event<'t>, span: Span, from: usize) -> Result<NodeId, Broken> {
        self.depth += 1;
        if self.depth > DEEPEST {
            let complaint = self.complaint(self.span(span), format!("nested deeper than {DEEPEST} levels"));
            return Err(complaint.help("no Kubernetes object is nested so deep").into());
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
            _ => return Err(self.complaint(self.span(span), "no value stands where one must be").into()),
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
            let complaint = self.complaint(span, "an alias refers to a value that it is itself a part of");
            return Err(complaint.help("write out what it stands for").into());
        }
        let Some(target) = self.anchors.get(&anchor).copied() else {
            let complaint = self.complaint(span, "an alias refers to an anchor of another document");
            return Err(complaint
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
        let value = if block { self.between.without_missing_break(value, there.end) } else { value };
        let span = if block {
            self.between.skip_space(from)..self.between.end_of_block_scalar(from, there.end)
        } else if plain && value.is_empty() && !anchored && tag.is_none() {
            from..from
        } else if let Some(quote) = quote {
            there.start..self.between.end_of_quotes(there.start, quote)
        } else {
            there
        };
        let tag = tag.map(|tag| if tag.is_yaml_core_schema() { tag.suffix.as_str() } else { "other" });
        let own = self.text.get(span.clone()).filter(|own| self.shadow.get(span.clone()) != Some(*own));
        let own = match own {
            Some(own) if quote.is_some() => {
                let open = self.between.behind_properties(span.start) - span.start;
                let told = |info| self.complaint(span.clone(), format!("not YAML: {info}"));
                Some(shadow::quoted(&own[open..]).map_err(told)?)
            }
            Some(own) if plain => Some(shadow::plain(own)),
            _ => None,
        };
        let value = own.as_deref().unwrap_or(value);
        let kind = Kind::Scalar { value: scalar(value, plain, tag), quote, block };
        Ok(Node { span, kind, aliased: false })
    }

    fn sequence(&mut self, span: Span, from: usize) -> Result<Node, Broken> {
        let there = self.span(span);
        let start = self.between.skip_space(from);
        let content = self.between.behind_properties(start);
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
                    end = self.between.behind_bracket(from, ']').unwrap_or(told);
                }
                break;
            }
            let begins = self.between.skip_space(from);
            let node = self.node(event, span, if flow { begins } else { begins + 1 })?;
            let node_span = self.nodes[node].span.clone();
            end = node_span.end;
            items.push((begins, node));
            from = if flow { self.between.behind_comma(end) } else { end };
        }
        self.flow -= usize::from(flow);
        Ok(Node { span: start..end, kind: Kind::Sequence { flow, items }, aliased: false })
    }

    fn mapping(&mut self, span: Span, from: usize) -> Result<Node, Broken> {
        let there = self.span(span);
        let start = self.between.skip_space(from);
        let content = self.between.behind_properties(start);
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
                    end = self.between.behind_bracket(from, '}').unwrap_or(told);
                }
                break;
            }
            let entry = self.entry(event, span, from)?;
            end = self.nodes[entry.value].span.end.max(entry.after_colon);
            from = if braces { self.between.behind_comma(end) } else { end };
            entries.push(entry);
        }
        self.flow -= usize::from(flow);
        Ok(Node { span: start..end, kind: Kind::Mapping { flow, bare, entries }, aliased: false })
    }

    fn entry(&mut self, event: Event<'t>, span: Span, from: usize) -> Result<Entry, Broken> {
        let start = self.between.skip_space(from);
        let plain_key = matches!(event, Event::Scalar(_, ScalarStyle::Plain, ..));
        let question = self.text[start..].starts_with('?') && self.span(span).start != start;
        let key = self.node(event, span, if question { start + 1 } else { start })?;
        let key_span = self.nodes[key].span.clone();
        let key = match &self.nodes[key].kind {
            Kind::Scalar { value, .. } => key_text(value),
            Kind::Alias(target) => match &self.nodes[*target].kind {
                Kind::Scalar { value, .. } => key_text(value),
                _ => None,
            },
            _ => None,
        };
        let Some(key) = key else {
            let complaint = self.complaint(key_span, "a key must be a text");
            return Err(complaint.help("quote it, if it was meant as a text").into());
        };
        let colon = self.between.skip_space(key_span.end);
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

    fn complaint(&self, span: Range<usize>, message: impl Into<String>) -> Complaint {
        self.part.complaint(span, message)
    }

    /// What the parser found wrong, with what would be right where that can be told.
    fn broken(&self, error: &ScanError) -> TextError {
        let at = self.bytes.get(error.marker().index()).copied().unwrap_or(self.text.len());
        let info = error.info();
        if let Some(tab) = self.between.tab_in_indentation(at, info) {
            let complaint = self.complaint(tab..tab + 1, "a tab stands in the indentation");
            return complaint.help("indent with spaces: YAML does not allow tabs there").into();
        }
        if info.contains("byte order mark") {
            return self.part.misplaced_mark(at..at).into();
        }
        let complaint = self.complaint(at..at, format!("not YAML: {info}"));
        if info.contains("<document start>") && self.text[at..].starts_with('{') {
            let message = "a JSON object begins behind another, where kubectl does not read it";
            let help = "put a line `---` between the objects: they need none only where nothing but JSON is in a file";
            return self.complaint(at..at + 1, message).help(help).into();
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
        complaint.help(help).into()
    }
}
