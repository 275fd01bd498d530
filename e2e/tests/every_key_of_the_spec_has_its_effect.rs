//! Every key that `segue schema` names has a case here, and each case sees the key's effect in a running `segue up`.
//!
//! A key that gets no case fails the walk, and so does a case whose key is gone. Each case sets its key to a value whose
//! effect could not be seen with the default: what is waited for comes long before the default would bring it, or never
//! comes with it.

#[path = "every_key/one.rs"]
mod one;

#[path = "every_key/limits.rs"]
mod limits;
#[path = "every_key/process.rs"]
mod process;
#[path = "every_key/upgrade.rs"]
mod upgrade;

use std::collections::{BTreeMap, BTreeSet};
use std::panic::catch_unwind;
use std::sync::Mutex;

use one::Case;
use segue_e2e::Place;
use serde_json::Value;

/// How many cases run at once: most of them wait most of the time.
const AT_ONCE: usize = 6;

fn cases() -> Vec<Case> {
    [process::CASES, upgrade::CASES, limits::CASES].concat()
}

/// The keys of the schema below `at`, those that hold no others, as `limits.idleTimeout`; with their defaults.
fn keys(schema: &Value, at: &str, found: &mut BTreeMap<String, Option<String>>) {
    // What is a kind or null is drawn as a choice of the two.
    let choices = schema["anyOf"].as_array().into_iter().flatten();
    for schema in std::iter::once(schema).chain(choices) {
        for (key, below) in schema["properties"].as_object().into_iter().flatten() {
            let path = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
            let before = found.len();
            keys(below, &path, found);
            if found.len() == before {
                let default = below.get("default").filter(|default| !default.is_null());
                let text = default.map(|default| default.to_string().replace('"', ""));
                found.insert(path, text);
            }
        }
    }
}

fn schema_keys_with_defaults() -> BTreeMap<String, Option<String>> {
    let schema = Place::new().command(&["schema"]);
    let schema = std::process::Command::new(schema.get_program()).arg("schema").output().unwrap();
    let mut found = BTreeMap::new();
    keys(&serde_json::from_slice(&schema.stdout).unwrap(), "", &mut found);
    found
}

#[test]
fn each_key_has_a_case_and_each_case_sees_it() {
    let with_case: BTreeSet<String> = cases().iter().map(|(key, _)| (*key).to_owned()).collect();
    assert_eq!(with_case.len(), cases().len(), "two cases of one key");
    let keys: BTreeSet<String> = schema_keys_with_defaults().into_keys().collect();
    assert_eq!(with_case, keys, "left: those with a case; right: those of the schema");

    // The slow ones begin first. On a busy machine one may take another's time: what fell is tried again by itself.
    let fell = tried(cases(), AT_ONCE);
    let again = cases().into_iter().filter(|(key, _)| fell.contains_key(key)).collect();
    let fell = tried(again, 1);
    assert!(fell.is_empty(), "not seen: {fell:#?}");
}

/// Which cases fell, and what they said.
fn tried(cases: Vec<Case>, at_once: usize) -> BTreeMap<&'static str, Option<String>> {
    let left = Mutex::new(cases.into_iter().rev().collect::<Vec<_>>());
    let fell = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..at_once {
            scope.spawn(|| {
                loop {
                    let next = left.lock().unwrap().pop();
                    let Some((key, sees)) = next else { return };
                    if let Err(panic) = catch_unwind(sees) {
                        let why = panic.downcast_ref::<String>().cloned();
                        let why = why.or_else(|| panic.downcast_ref::<&str>().map(|why| (*why).to_owned()));
                        fell.lock().unwrap().insert(key, why);
                    }
                }
            });
        }
    });
    fell.into_inner().unwrap()
}

#[test]
fn each_key_is_in_the_docs_with_its_default() {
    let docs = [include_str!("../../docs/one-machine.md"), include_str!("../../docs/proxy.md")].concat();
    let packed = docs.replace(' ', "");
    for (key, default) in schema_keys_with_defaults() {
        let last = key.rsplit('.').next().unwrap();
        let named = [format!("`{key}`"), format!("`{last}`"), format!("`{last}:"), format!("limits.{last}`")];
        assert!(named.iter().any(|name| docs.contains(name)), "{key} is not in the docs");
        let Some(default) = default else { continue };
        // A row of its own; beside its name in a row of several; as it is written in a spec.
        let ways =
            [format!("|`{last}`|{default}|"), format!("`{last}`{default}"), format!("{last}:{default}")];
        assert!(ways.iter().any(|way| packed.contains(way)), "{key} is not {default} in the docs");
    }
}
