//! Taking back what was injected, by the records of the objects.

use std::collections::{BTreeMap, BTreeSet};

use segue_yaml::{Diagnostic, Edit, Items, Pointer, Stream, edit, parse, undo};

use super::draft::Decisions;
use super::left::{Left, Stuck};
use super::read::read;
use super::record::{self, Record, place};
use super::redirect::taken_back;
use super::refused::Refused;
use crate::names::{AGENT, PLAN_VARIABLE, RECORD_ANNOTATION, REDIRECT};
use crate::notes::{Note, Rule};
use crate::objects::{Address, Container, Object, Template};

/// The objects of one file that are to be taken back: each one's document, and its root in it.
type Wanted = BTreeSet<(usize, Pointer)>;

/// What could not be taken back: its document and root, and why.
type Stubborn = (usize, Pointer, Vec<Diagnostic>);

/// Takes back what was injected into the objects that `which` picks, but for those that are left. What someone has changed since
/// is left, and told; but our own containers go whatever they hold.
pub(super) fn revert(
    streams: &[Stream],
    left: &Left,
    notes: &mut Vec<Note>,
    which: impl Fn(&Object, &Record) -> bool,
) -> Result<Vec<Stream>, Stuck> {
    let mut wanted = vec![Wanted::new(); streams.len()];
    for object in read(streams)?.iter().filter(|object| !left.contains_key(&object.address)) {
        match Record::of(object) {
            Ok(Some(record)) if which(object, &record) => {
                let Address { file, document, root } = &object.address;
                wanted[*file].insert((*document, root.clone()));
            }
            Ok(_) => {}
            Err(error) => {
                let mut decisions = Decisions::default();
                let message = format!("its record can't be read: {error}");
                let help = "restore the annotation as it was written, or take out by hand what was injected";
                decisions.refuse(
                    Rule::RecordUnreadable,
                    streams,
                    (object, &place()),
                    (message, help.to_owned()),
                );
                return Err(Stuck::one(object.address.clone(), decisions.refusals));
            }
        }
    }
    let mut after = Vec::new();
    for (file, (stream, wanted)) in streams.iter().zip(wanted).enumerate() {
        let mut said = Vec::new();
        let stream = match by_documents(stream, &mut said, &wanted) {
            Some(stream) => stream,
            None => whole(stream, &mut said, &wanted).map_err(|(document, root, diagnostics)| {
                Stuck::one(Address { file, document, root }, diagnostics)
            })?,
        };
        take(notes, said, |address| address.file = file);
        after.push(stream);
    }
    Ok(after)
}

/// Takes what was said of a part of the input, once it is told where that part stands in the whole.
fn take(notes: &mut Vec<Note>, mut said: Vec<Note>, place: impl Fn(&mut Address)) {
    for note in &mut said {
        note.move_to(&place);
    }
    notes.append(&mut said);
}

/// The same, each document by itself, and of a `List` each item, so that a long file is not read again for each of its objects;
/// `None` if that does not come to the same.
fn by_documents(stream: &Stream, notes: &mut Vec<Note>, wanted: &Wanted) -> Option<Stream> {
    let mut roots: BTreeMap<usize, Vec<Pointer>> = BTreeMap::new();
    for (document, root) in wanted {
        roots.entry(*document).or_default().push(root.clone());
    }
    if roots.is_empty() {
        return Some(stream.clone());
    }
    let (mut parts, mut said) = (BTreeMap::new(), Vec::new());
    for (document, roots) in roots {
        let part = stream.cut_out(document)?;
        let mut own = Vec::new();
        // A refusal is told by its place in the whole.
        let after = match by_items(&part, &roots, &mut own) {
            Some(after) => after,
            None => whole(&part, &mut own, &roots.into_iter().map(|root| (0, root)).collect()).ok()?,
        };
        take(&mut said, own, |address| address.document = document);
        parts.insert(document, after);
    }
    let back = stream.put_back(&parts)?;
    notes.append(&mut said);
    Some(back)
}

fn by_items(document: &Stream, roots: &[Pointer], notes: &mut Vec<Note>) -> Option<Stream> {
    let items = Items::of(document)?;
    let (mut parts, mut said) = (BTreeMap::new(), Vec::new());
    for root in roots {
        // A value below it, as an item's are; an item that is a list itself stays one.
        let index = Items::index_on(&root.then("kind")).filter(|_| root.steps().len() == 2)?;
        // Cut out it is the first.
        let alone = Wanted::from([(0, Pointer::keys(["items"]).then(0))]);
        let mut own = Vec::new();
        parts.insert(index, whole(&items.cut_out(index)?, &mut own, &alone).ok()?);
        take(&mut said, own, |address| address.root = root.clone());
    }
    let back = items.put_back(&parts)?;
    notes.append(&mut said);
    Some(back)
}

fn whole(stream: &Stream, notes: &mut Vec<Note>, wanted: &Wanted) -> Result<Stream, Stubborn> {
    let mut stream = stream.clone();
    for (document, root) in wanted {
        let stubborn = |refused: Refused| (*document, root.clone(), refused.0);
        stream = one(&stream, notes, *document, root).map_err(stubborn)?;
    }
    Ok(stream)
}

/// Takes back what was injected into one object.
fn one(stream: &Stream, notes: &mut Vec<Note>, document: usize, root: &Pointer) -> Result<Stream, Refused> {
    let Some(object) = find(stream, document, root)? else { return Ok(stream.clone()) };
    let Ok(Some(record)) = Record::of(&object) else { return Ok(stream.clone()) };
    let stream = &taken_back::as_written(stream, &object)?;
    let undos = taken_back::without_second_handlers(record::undo_at(&record, root), &object);
    let undone = undo(stream, document, &undos)?;
    let stream = parse(stream.name(), &undone.text)?;
    let has_record = |now: Object| now.meta.annotations.contains_key(RECORD_ANNOTATION);
    if find(&stream, document, root)?.is_some_and(has_record) {
        let help = "take out by hand what was injected, the annotation too".to_owned();
        let message = "its record does not fit it any more: it could not be taken out".to_owned();
        let mut decisions = Decisions::default();
        let streams = std::slice::from_ref(&stream);
        decisions.refuse(Rule::RecordUnreadable, streams, (&object, &place()), (message, help));
        return Err(Refused(decisions.refusals));
    }
    let (stream, gone) = without_agent(&stream, &object)?;
    for skipped in undone.skipped.into_iter().filter(|one| !gone.contains(&one.at)) {
        let below = skipped.at.steps().get(root.steps().len()..).unwrap_or_default();
        let below = Pointer(below.to_vec());
        let words = (below.to_string(), format!("it is left as it is: {}", skipped.reason));
        notes.push(Note::of(Rule::NotUndone, (&object, &below), words));
    }
    Ok(stream)
}

fn find(stream: &Stream, document: usize, root: &Pointer) -> Result<Option<Object>, Refused> {
    let at = |object: &Object| object.address.document == document && object.address.root == *root;
    Ok(read(std::slice::from_ref(stream))?.into_iter().find(at))
}

/// Removes our containers where they are still there, and answers where they were.
fn without_agent(stream: &Stream, object: &Object) -> Result<(Stream, Vec<Pointer>), Refused> {
    let streams = std::slice::from_ref(stream);
    let Address { document, root, .. } = &object.address;
    let Some(now) = find(stream, *document, root)? else { return Ok((stream.clone(), Vec::new())) };
    let template = Template::of(&now).map_err(|error| Refused::misshapen(streams, &now.address, &error))?;
    let Some(template) = template else { return Ok((stream.clone(), Vec::new())) };
    let spec_at = now.pointer(&template.spec_at());
    let init = template.spec.init_containers.iter().enumerate();
    let is_agent = |one: &Container| one.name == AGENT && one.env_value(PLAN_VARIABLE).is_some();
    let ours = init.filter(|(_, one)| is_agent(one) || one.name == REDIRECT);
    let list = spec_at.then("initContainers");
    let found: Vec<_> = ours.map(|(index, _)| list.then(index)).collect();
    if found.is_empty() {
        return Ok((stream.clone(), found));
    }
    // A list that held only these is of ours too.
    let alone = found.len() == template.spec.init_containers.len();
    let gone = if alone { vec![list] } else { found.iter().rev().cloned().collect() };
    let edits: Vec<_> = gone.into_iter().map(|at| (now.address.document, Edit::Remove { at })).collect();
    let edited = edit(stream, &edits)?;
    Ok((parse(stream.name(), &edited.text)?, found))
}
