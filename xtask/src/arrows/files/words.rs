//! What is read from a piece of code without knowing anything of the code around it.

use proc_macro2::{Ident, Spacing, TokenStream, TokenTree};
use syn::{Attribute, Expr, ExprLit, Item, Lit, Meta};

use super::module::Mention;

/// Whether something is compiled for tests alone: `#[cfg(test)]`, also with more conditions.
pub(super) fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        Meta::List(list) if list.path.is_ident("cfg") => {
            let tokens = flat(&list.tokens);
            let has = |word: &str| {
                tokens.iter().any(|token| matches!(token, TokenTree::Ident(ident) if ident == word))
            };
            has("test") && !has("not") && !has("any")
        }
        _ => false,
    })
}

/// The file that `#[path = "…"]` names.
pub(super) fn path_attribute(attributes: &[Attribute]) -> Option<String> {
    attributes.iter().find_map(|attribute| match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("path") => match &pair.value {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value()),
            _ => None,
        },
        _ => None,
    })
}

pub(super) fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// The name that an item defines in its module.
pub(super) fn name(item: &Item) -> Option<&Ident> {
    match item {
        Item::Const(item) => Some(&item.ident),
        Item::Enum(item) => Some(&item.ident),
        Item::Fn(item) => Some(&item.sig.ident),
        Item::Macro(item) => item.ident.as_ref(),
        Item::Static(item) => Some(&item.ident),
        Item::Struct(item) => Some(&item.ident),
        Item::Trait(item) => Some(&item.ident),
        Item::Type(item) => Some(&item.ident),
        Item::Union(item) => Some(&item.ident),
        _ => None,
    }
}

/// The paths of two names and more among the tokens of a macro or an attribute, and such in texts: `with = "super::port"`.
pub(super) fn paths(tokens: &TokenStream) -> Vec<Mention> {
    let mut found: Vec<Mention> = Vec::new();
    let mut path: Vec<String> = Vec::new();
    let mut line = 0;
    let mut colons = 0;
    for token in flat(tokens) {
        match &token {
            TokenTree::Ident(ident) if colons == 2 => path.push(ident.to_string()),
            TokenTree::Punct(punct) if punct.as_char() == ':' && colons < 2 => {
                // The first of two says that it belongs to the next.
                colons = if colons == 1 || punct.spacing() == Spacing::Joint { colons + 1 } else { 0 };
                continue;
            }
            other => {
                found.extend(ended(&mut path, line));
                line = other.span().start().line;
                match other {
                    TokenTree::Ident(ident) => path.push(ident.to_string()),
                    TokenTree::Literal(literal) => found.extend(in_text(&literal.to_string(), line)),
                    _ => {}
                }
            }
        }
        colons = 0;
    }
    found.extend(ended(&mut path, line));
    found
}

fn ended(path: &mut Vec<String>, line: usize) -> Option<Mention> {
    let path = std::mem::take(path);
    (path.len() > 1).then_some(Mention { path, line })
}

fn in_text(literal: &str, line: usize) -> Option<Mention> {
    let text = literal.strip_prefix('"')?.strip_suffix('"')?;
    let is_ours = ["crate::", "super::", "self::"].iter().any(|start| text.starts_with(start));
    is_ours.then(|| Mention { path: text.split("::").map(str::to_owned).collect(), line })
}

/// All tokens, also those inside of brackets, in their order. A bracket's end ends a path as well.
fn flat(tokens: &TokenStream) -> Vec<TokenTree> {
    let mut flattened = Vec::new();
    for token in tokens.clone() {
        if let TokenTree::Group(group) = &token {
            let inside = flat(&group.stream());
            flattened.push(token);
            flattened.extend(inside);
        } else {
            flattened.push(token);
        }
    }
    flattened
}
