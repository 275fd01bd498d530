//! One item of a `List` cut out of its document, which keeps no other: so an edit of an object reads that object again, and not
//! the whole list with it. Its place is `.items[0]` then.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::Value;

use crate::lines::line_start;
use crate::pointer::{Pointer, Step};
use crate::read::Kind;
use crate::stream::{Stream, parse};

const ITEMS: &str = "items";

/// The items of a stream's only document, each with its whole lines.
#[derive(Debug)]
pub struct Items<'s> {
    whole: &'s Stream,
    lines: Vec<Range<usize>>,
}

impl<'s> Items<'s> {
    /// `None` if there are no two items, or if they don't stand below each other in lines of their own.
    pub fn of(whole: &'s Stream) -> Option<Self> {
        let [document] = whole.documents() else { return None };
        let (text, tree) = (whole.text(), &document.tree);
        let found = tree.find(&Pointer::keys([ITEMS]))?;
        let Kind::Sequence { flow: false, items } = &tree.node(found.node).kind else { return None };
        let (_, last) = items.last().filter(|_| items.len() > 1)?;
        let behind = tree.node(*last).span.end;
        let end = text[behind..].find('\n').map_or(text.len(), |newline| behind + newline + 1);
        let mut starts = Vec::with_capacity(items.len() + 1);
        for (dash, _) in items {
            let start = line_start(text, *dash);
            let alone = text[start..*dash].trim_start_matches(' ').is_empty();
            starts.push(Some(start).filter(|_| alone)?);
        }
        starts.push(end);
        let lines: Vec<_> = starts.windows(2).map(|pair| pair[0]..pair[1]).collect();
        lines.iter().all(|range| range.start < range.end).then_some(Self { whole, lines })
    }

    /// The document with this item alone, as `.items[0]`; `None` if it does not read so as it does among the others.
    pub fn cut_out(&self, index: usize) -> Option<Stream> {
        let (head, tail) = self.around();
        let own = &self.whole.text()[self.lines.get(index)?.clone()];
        let part = parse(self.whole.name(), &[head, own, tail].concat()).ok()?;
        let same = |items: &[Value], alone: &[Value]| matches!(alone, [one] if Some(one) == items.get(index));
        is_list_like(self.whole, &part, same).then_some(part)
    }

    /// The document with these items, by their indices, in the place of its own; `None` if it does not read as its items do.
    pub fn put_back(&self, parts: &BTreeMap<usize, Stream>) -> Option<Stream> {
        let (head, tail) = self.around();
        let mut text = String::with_capacity(2 * self.whole.text().len());
        text.push_str(head);
        for (index, range) in self.lines.iter().enumerate() {
            text.push_str(match parts.get(&index) {
                Some(part) => part.text().strip_prefix(head)?.strip_suffix(tail)?,
                None => &self.whole.text()[range.clone()],
            });
        }
        text.push_str(tail);
        let after = parse(self.whole.name(), &text).ok()?;
        let item_of = |index: usize| parts.get(&index).map(|part| &part.documents()[0].json()[ITEMS][0]);
        let same = |old: &[Value], new: &[Value]| {
            let pairs = || old.iter().zip(new).enumerate();
            old.len() == new.len() && pairs().all(|(index, (old, new))| new == item_of(index).unwrap_or(old))
        };
        is_list_like(self.whole, &after, same).then_some(after)
    }

    /// Which item lies on the way to a value below it; `None` if none does.
    pub fn index_on(way: &Pointer) -> Option<usize> {
        match way.steps() {
            [Step::Key(items), Step::Index(index), _, ..] if items == ITEMS => Some(*index),
            _ => None,
        }
    }

    /// The same way through another item.
    pub(crate) fn through(way: &Pointer, index: usize) -> Pointer {
        let mut steps = way.steps().to_vec();
        if Self::index_on(way).is_some() {
            steps[1] = Step::Index(index);
        }
        Pointer(steps)
    }

    /// What stands before the first item, and behind the last.
    fn around(&self) -> (&str, &str) {
        let (from, to) = match &self.lines[..] {
            [first, .., last] => (first.start, last.end),
            _ => (0, 0),
        };
        (&self.whole.text()[..from], &self.whole.text()[to..])
    }
}

/// Whether two documents differ in their items alone, and in these as they may.
fn is_list_like(before: &Stream, after: &Stream, items: impl Fn(&[Value], &[Value]) -> bool) -> bool {
    let ([before], [after]) = (before.documents(), after.documents()) else { return false };
    let (Some(before), Some(after)) = (before.json().as_object(), after.json().as_object()) else {
        return false;
    };
    let list = before.get(ITEMS).and_then(Value::as_array).zip(after.get(ITEMS).and_then(Value::as_array));
    before.len() == after.len()
        && before.iter().filter(|(key, _)| *key != ITEMS).all(|(key, value)| after.get(key) == Some(value))
        && list.is_some_and(|(before, after)| items(before, after))
}
