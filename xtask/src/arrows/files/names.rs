//! Which module a path leads to: through `crate`, `self` and `super`, children, imports and re-exports.

use super::module::{Modules, Place};

/// What a path names.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Named {
    Module(Place),
    /// Something that the module at this place defines.
    Item(Place),
}

/// How many imports of imports are followed: `use a::a;` alone would never end.
const DEEPEST: u8 = 16;

/// What a path in the module `at` names; nothing where that is not in this crate.
pub(super) fn resolve(modules: &Modules, at: &Place, path: &[String]) -> Option<Named> {
    resolve_below(modules, at, path, DEEPEST)
}

fn resolve_below(modules: &Modules, at: &Place, path: &[String], depth: u8) -> Option<Named> {
    let mut at = at.clone();
    let mut rest = path;
    while let [first, more @ ..] = rest {
        match first.as_str() {
            "crate" => at.clear(),
            "self" => {}
            "super" => drop(at.pop()),
            _ => break,
        }
        rest = more;
    }
    walk(modules, at, rest, depth)
}

/// Follows names from a module on.
fn walk(modules: &Modules, mut at: Place, mut rest: &[String], depth: u8) -> Option<Named> {
    let depth = depth.checked_sub(1)?;
    while let [name, more @ ..] = rest {
        let module = modules.get(&at)?;
        let child: Place = at.iter().chain([name]).cloned().collect();
        // A function may have its module's name; whoever goes on behind the name means the module.
        let is_child = modules.contains_key(&child) && !(more.is_empty() && module.items.contains(name));
        if is_child {
            (at, rest) = (child, more);
        } else if module.items.contains(name) {
            return Some(Named::Item(at));
        } else {
            let named = module.imports.iter().filter(|import| import.name.as_ref() == Some(name));
            let globs = module.imports.iter().filter(|import| import.name.is_none());
            let named = named.filter_map(|import| match resolve_below(modules, &at, &import.path, depth)? {
                Named::Module(place) => walk(modules, place, more, depth),
                item @ Named::Item(_) => Some(item),
            });
            let globs = globs.filter_map(|glob| match resolve_below(modules, &at, &glob.path, depth)? {
                Named::Module(place) if place != at => walk(modules, place, rest, depth),
                // The names of an enum's variants are not read.
                _ => None,
            });
            return named.chain(globs).next();
        }
    }
    Some(Named::Module(at))
}
