//! Probes that ask the agent, on the way back: what the API server adds to them is no change of anybody's, and one that somebody has
//! replaced since keeps what it was given.

use segue_yaml::{Edit, Pointer, Stream, Undo, edit, parse};
use serde_json::Value;

use crate::inject::refused::Refused;
use crate::names::{CONTAINERS, TCP_PROBE};
use crate::objects::{Object, Template};

/// The keys of such a probe's `httpGet` as it is written.
const WRITTEN: [&str; 2] = ["path", "port"];

/// The `httpGet` of a probe of somebody else's container.
struct Asked<'o> {
    get: &'o Value,
    /// Where it stands, below the object's root.
    at: Pointer,
    /// Where its probe stood when ours were not among the init containers, below the document's.
    probe: Pointer,
}

/// The text with these probes as they were written: a live object has `scheme` too.
pub(in crate::inject) fn as_written(stream: &Stream, object: &Object) -> Result<Stream, Refused> {
    let mut edits = Vec::new();
    for Asked { get, at, .. } in asked(object).into_iter().filter(Asked::is_ours) {
        let keys = get.as_object().into_iter().flat_map(serde_json::Map::keys);
        let added = keys.filter(|key| !WRITTEN.contains(&key.as_str()));
        let remove = |key: &String| Edit::Remove { at: object.pointer(&at.then(key.as_str())) };
        edits.extend(added.map(|key| (object.address.document, remove(key))));
    }
    if edits.is_empty() {
        return Ok(stream.clone());
    }
    Ok(parse(stream.name(), &edit(stream, &edits)?.text)?)
}

/// Without those that would put a `tcpSocket` back beside an `httpGet` of somebody else's: a probe has one handler.
pub(in crate::inject) fn without_second_handlers(undos: Vec<Undo>, object: &Object) -> Vec<Undo> {
    let others: Vec<Pointer> = asked(object)
        .into_iter()
        .filter(|one| !one.is_ours())
        .map(|one| one.probe.then("tcpSocket"))
        .collect();
    undos.into_iter().filter(|undo| !others.contains(undo.at())).collect()
}

impl Asked<'_> {
    fn is_ours(&self) -> bool {
        self.get.get("path").and_then(Value::as_str).is_some_and(|path| path.starts_with(TCP_PROBE))
    }
}

fn asked(object: &Object) -> Vec<Asked<'_>> {
    let Ok(Some(template)) = Template::of(object) else { return Vec::new() };
    let mut asked = Vec::new();
    for (list, containers) in
        [("containers", &template.spec.containers), ("initContainers", &template.spec.init_containers)]
    {
        let place = template.spec_at().then(list);
        let theirs =
            containers.iter().enumerate().filter(|(_, one)| !CONTAINERS.contains(&one.name.as_str()));
        for (before, (now, container)) in theirs.enumerate() {
            for (key, _) in container.probes() {
                let at = place.then(now).then(key).then("httpGet");
                let probe = object.pointer(&place.then(before).then(key));
                asked.extend(object.value(&at).map(|get| Asked { get, at, probe }));
            }
        }
    }
    asked
}
