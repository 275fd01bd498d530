//! The objects of texts, those in a `List` too.

use segue_yaml::{Pointer, Stream};
use serde_json::Value;

use super::kind::Kind;
use super::meta::Meta;
use super::object::{Address, Object};
use super::shape::{ShapeError, shaped};

/// Every object in these files, in their order; items of a `List` are objects of their own. What is no Kubernetes object
/// (a document without `kind` and `apiVersion`) is none of ours; but a list of objects is an error, for it seems to be one.
pub fn objects(streams: &[Stream]) -> Result<Vec<Object>, (Address, ShapeError)> {
    let mut found = Vec::new();
    for (file, stream) in streams.iter().enumerate() {
        for (document, content) in stream.documents().iter().enumerate() {
            let address = Address { file, document, root: Pointer::root() };
            if is_list_of_objects(content.json()) {
                let at = Pointer::root();
                let what = "a list of objects is no object: kubectl does not read it".to_owned();
                let right = "write the objects as `items` of one with `apiVersion: v1` and `kind: List`, or behind each other, as `jq '.[]'` does";
                return Err((address, ShapeError { at, what, right: right.to_owned() }));
            }
            collect(address, content.json(), None, &mut found)?;
        }
    }
    Ok(found)
}

/// Whether it is a list of what would be objects: other tools have lists there too.
fn is_list_of_objects(json: &Value) -> bool {
    let is_object = |item: &Value| {
        let named = item.pointer("/metadata/name").is_some_and(Value::is_string);
        named || (item.get("apiVersion").is_some() && item.get("kind").is_some())
    };
    json.as_array().is_some_and(|items| items.iter().any(is_object))
}

/// `listed`: what the items of the list around it are, where they do not say it.
fn collect(
    address: Address,
    json: &Value,
    listed: Option<(&str, &str)>,
    found: &mut Vec<Object>,
) -> Result<(), (Address, ShapeError)> {
    let word = |key: &str| json.get(key).and_then(Value::as_str).filter(|word| !word.is_empty());
    let (api_version, kind_name) = match (word("apiVersion"), word("kind"), listed) {
        (Some(api_version), Some(kind_name), _) => (api_version, kind_name),
        (None, None, Some(listed)) if json.is_object() => listed,
        _ => return Ok(()),
    };
    if let Some(kind) = kind_name.strip_suffix("List")
        && let Some(items) = json.get("items").and_then(Value::as_array)
    {
        // The API server leaves both out of a typed list's items.
        let listed = Some((api_version, kind)).filter(|_| !kind.is_empty());
        for (index, item) in items.iter().enumerate() {
            let root = address.root.then("items").then(index);
            collect(Address { root, ..address.clone() }, item, listed, found)?;
        }
        return Ok(());
    }
    let kind = Kind::of(api_version, kind_name);
    let meta = match json.get("metadata") {
        None | Some(Value::Null) => Meta::default(),
        Some(meta) => match shaped(meta, &Pointer::keys(["metadata"])) {
            Ok(meta) => meta,
            // What is not known may keep anything there.
            Err(_) if kind == Kind::Other => Meta::default(),
            Err(error) => return Err((address, error)),
        },
    };
    found.push(Object {
        address,
        kind,
        kind_name: kind_name.to_owned(),
        api_version: api_version.to_owned(),
        meta,
        json: json.clone(),
    });
    Ok(())
}
