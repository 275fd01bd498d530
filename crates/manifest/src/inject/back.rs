//! Taking back what was injected, by the records of the objects.

use std::collections::BTreeMap;

use super::draft::{Decisions, Note};
use super::record::{self, Record, place};
use super::{Refused, agent};
use crate::objects::{Object, Template, objects};
use crate::text::{self, Edit, Items, Pointer, Stream};

/// Takes back what was injected into the objects that `which` picks. What someone has changed since is left, and told; but
/// the agent's own container goes whatever it holds.
pub(super) fn take_back(
    streams: &[Stream],
    notes: &mut Vec<Note>,
    which: impl Fn(&Object, &Record) -> bool,
) -> Result<Vec<Stream>, Refused> {
    let mut after = Vec::new();
    for stream in streams {
        let stream = match by_documents(stream, notes, &which)? {
            Some(stream) => stream,
            None => whole(stream, notes, &which)?,
        };
        after.push(stream);
    }
    Ok(after)
}

/// The same, each document by itself, and of a `List` each item, so that a long file is not read again for each of its objects;
/// `None` if that does not come to the same.
fn by_documents(
    stream: &Stream,
    notes: &mut Vec<Note>,
    which: &impl Fn(&Object, &Record) -> bool,
) -> Result<Option<Stream>, Refused> {
    let mut roots: BTreeMap<usize, Vec<Pointer>> = BTreeMap::new();
    for (object, _) in recorded(stream, which)? {
        roots.entry(object.address.document).or_default().push(object.address.root);
    }
    let (mut parts, mut said) = (BTreeMap::new(), Vec::new());
    for (document, roots) in roots {
        let Some(part) = text::cut_out(stream, document) else { return Ok(None) };
        // A refusal is told by its place in the whole.
        let after = match by_items(&part, &roots, &mut said, which) {
            Some(after) => Ok(after),
            None => whole(&part, &mut said, which),
        };
        let Ok(after) = after else { return Ok(None) };
        parts.insert(document, after);
    }
    let back = text::put_back(stream, &parts);
    if back.is_some() {
        notes.append(&mut said);
    }
    Ok(back)
}

fn by_items(
    document: &Stream,
    roots: &[Pointer],
    notes: &mut Vec<Note>,
    which: &impl Fn(&Object, &Record) -> bool,
) -> Option<Stream> {
    let items = Items::of(document)?;
    let (mut parts, mut said) = (BTreeMap::new(), Vec::new());
    for root in roots {
        // A value below it, as an item's are; an item that is a list itself stays one.
        let index = text::item_on(&root.then("kind")).filter(|_| root.steps().len() == 2)?;
        parts.insert(index, whole(&items.cut_out(index)?, &mut said, which).ok()?);
    }
    let back = items.put_back(&parts)?;
    notes.append(&mut said);
    Some(back)
}

fn whole(
    stream: &Stream,
    notes: &mut Vec<Note>,
    which: &impl Fn(&Object, &Record) -> bool,
) -> Result<Stream, Refused> {
    let mut stream = stream.clone();
    while let Some((object, record)) = recorded(&stream, which)?.into_iter().next() {
        let undo = record::undo_at(&record, &object.address.root);
        let undone = text::undo(&stream, object.address.document, &undo)?;
        stream = text::parse(stream.name(), &undone.text)?;
        if recorded(&stream, which)?.iter().any(|(one, _)| one.address == object.address) {
            let help = "take out by hand what was injected, the annotation too".to_owned();
            let message = "its record does not fit it any more: it could not be taken out".to_owned();
            let mut decisions = Decisions::default();
            decisions.refuse(std::slice::from_ref(&stream), &object, &place(), (message, help));
            return Err(Refused(decisions.refusals));
        }
        let (left, gone) = without_agent(&stream, &object)?;
        stream = left;
        for skipped in undone.skipped.into_iter().filter(|one| !gone.contains(&one.at)) {
            let below = skipped.at.steps().get(object.address.root.steps().len()..).unwrap_or_default();
            let text = format!("{} is left as it is: {}", Pointer(below.to_vec()), skipped.reason);
            notes.push(Note { about: object.to_string(), text });
        }
    }
    Ok(stream)
}

/// The objects that have a record which is to be taken back.
fn recorded(
    stream: &Stream,
    which: &impl Fn(&Object, &Record) -> bool,
) -> Result<Vec<(Object, Record)>, Refused> {
    let streams = std::slice::from_ref(stream);
    let objects =
        objects(streams).map_err(|(address, error)| Refused::misshapen(streams, &address, &error))?;
    let mut found = Vec::new();
    for object in objects {
        match Record::of(&object) {
            Ok(Some(record)) if which(&object, &record) => found.push((object, record)),
            Ok(_) => {}
            Err(error) => {
                let mut decisions = Decisions::default();
                let message = format!("its record can't be read: {error}");
                let help = "restore the annotation as it was written, or take out by hand what was injected";
                decisions.refuse(streams, &object, &place(), (message, help.to_owned()));
                return Err(Refused(decisions.refusals));
            }
        }
    }
    Ok(found)
}

/// Removes the agent's container where it is still there, and answers where it was.
fn without_agent(stream: &Stream, object: &Object) -> Result<(Stream, Vec<Pointer>), Refused> {
    let streams = std::slice::from_ref(stream);
    let objects =
        objects(streams).map_err(|(address, error)| Refused::misshapen(streams, &address, &error))?;
    let Some(now) = objects.into_iter().find(|one| one.address == object.address) else {
        return Ok((stream.clone(), Vec::new()));
    };
    let template = Template::of(&now).map_err(|error| Refused::misshapen(streams, &now.address, &error))?;
    let Some(template) = template else { return Ok((stream.clone(), Vec::new())) };
    let spec_at = now.pointer(&template.spec_at());
    let init = template.spec.init_containers.iter().enumerate();
    let agents =
        init.filter(|(_, one)| one.name == agent::NAME && one.env_value(agent::PLAN_VARIABLE).is_some());
    let list = spec_at.then("initContainers");
    let found: Vec<_> = agents.map(|(index, _)| list.then(index)).collect();
    if found.is_empty() {
        return Ok((stream.clone(), found));
    }
    // A list that held only the agent is of ours too.
    let alone = found.len() == template.spec.init_containers.len();
    let gone = if alone { vec![list] } else { found.iter().rev().cloned().collect() };
    let edits: Vec<_> = gone.into_iter().map(|at| (now.address.document, Edit::Remove { at })).collect();
    let edited = text::edit(stream, &edits)?;
    Ok((text::parse(stream.name(), &edited.text)?, found))
}
