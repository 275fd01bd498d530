//! Reads the modules of one crate, file by file, as they declare each other.

use std::path::{Path, PathBuf};

use anyhow::Context;
use syn::visit::{self, Visit};

use super::module::{Import, Mention, Module, Modules, Place};
use super::words;

/// Gives a file's text; `None` where there is no such file.
pub(super) type Read<'a> = &'a dyn Fn(&Path) -> Option<String>;

/// Reads the crate whose first file this is.
pub(super) fn read(root: &Path, files: Read<'_>) -> anyhow::Result<Modules> {
    let mut reader =
        Reader { files, modules: Modules::new(), at: Place::new(), below: folder(root), error: None };
    reader.file(root);
    match reader.error {
        Some(error) => Err(error),
        None => Ok(reader.modules),
    }
}

struct Reader<'a> {
    files: Read<'a>,
    modules: Modules,
    /// The module that is being read.
    at: Place,
    /// The folder of the files that it declares.
    below: PathBuf,
    error: Option<anyhow::Error>,
}

impl Reader<'_> {
    fn module(&mut self) -> &mut Module {
        self.modules.entry(self.at.clone()).or_default()
    }

    fn file(&mut self, path: &Path) {
        match self.parse(path) {
            Ok(file) => {
                self.module().file = path.into();
                visit::visit_file(self, &file);
            }
            Err(error) => self.error = self.error.take().or(Some(error)),
        }
    }

    fn parse(&self, path: &Path) -> anyhow::Result<syn::File> {
        let text = (self.files)(path).with_context(|| format!("cannot read {}", path.display()))?;
        syn::parse_file(&text).with_context(|| format!("{} is not Rust", path.display()))
    }

    /// Reads a module's own items, or the file that it lies in.
    fn child(&mut self, item: &syn::ItemMod) {
        let name = item.ident.to_string();
        let around = (self.below.clone(), self.module().file.clone());
        self.at.push(name.clone());
        if let Some((_, items)) = &item.content {
            self.module().file = around.1;
            self.below.push(&name);
            for item in items {
                self.visit_item(item);
            }
        } else {
            let path = match words::path_attribute(&item.attrs) {
                Some(named) => around.1.parent().unwrap_or(Path::new("")).join(named),
                None => Some(self.below.join(format!("{name}.rs")))
                    .filter(|path| (self.files)(path).is_some())
                    .unwrap_or_else(|| self.below.join(&name).join("mod.rs")),
            };
            self.below = if path.ends_with("mod.rs") { folder(&path) } else { self.below.join(&name) };
            self.file(&path);
        }
        self.at.pop();
        self.below = around.0;
    }

    fn import(&mut self, tree: &syn::UseTree, before: &[String], is_public: bool) {
        let mut path = before.to_vec();
        let (ident, name) = match tree {
            syn::UseTree::Path(tree) => {
                path.push(tree.ident.to_string());
                return self.import(&tree.tree, &path, is_public);
            }
            syn::UseTree::Group(group) => {
                for tree in &group.items {
                    self.import(tree, before, is_public);
                }
                return;
            }
            syn::UseTree::Glob(glob) => {
                let line = glob.star_token.spans[0].start().line;
                return self.module().imports.push(Import { path, name: None, is_public, line });
            }
            syn::UseTree::Name(tree) => (&tree.ident, &tree.ident),
            syn::UseTree::Rename(tree) => (&tree.ident, &tree.rename),
        };
        if ident != "self" {
            path.push(ident.to_string());
        }
        // `use a::{self}` names a by its own name.
        let name = if name == "self" { before.last().cloned() } else { Some(name.to_string()) };
        self.module().imports.push(Import { path, name, is_public, line: ident.span().start().line });
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        if words::is_for_tests(words::attributes(item)) {
            return;
        }
        match item {
            syn::Item::Mod(item) => self.child(item),
            syn::Item::Use(item) => {
                let is_public = !matches!(item.vis, syn::Visibility::Inherited);
                self.import(&item.tree, &[], is_public);
            }
            item => {
                self.module().items.extend(words::name(item).map(ToString::to_string));
                visit::visit_item(self, item);
            }
        }
    }

    fn visit_impl_item(&mut self, item: &'ast syn::ImplItem) {
        let is_for_tests = match item {
            syn::ImplItem::Fn(item) => words::is_for_tests(&item.attrs),
            syn::ImplItem::Const(item) => words::is_for_tests(&item.attrs),
            _ => false,
        };
        if !is_for_tests {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_field(&mut self, field: &'ast syn::Field) {
        if !words::is_for_tests(&field.attrs) {
            visit::visit_field(self, field);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if let (None, Some(first)) = (&path.leading_colon, path.segments.first()) {
            let line = first.ident.span().start().line;
            self.module().mentions.push(Mention { path: names, line });
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        self.module().mentions.extend(words::paths(&item.tokens));
        visit::visit_macro(self, item);
    }

    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        if let syn::Meta::List(list) = &attribute.meta {
            self.module().mentions.extend(words::paths(&list.tokens));
        }
    }
}

/// The folder of the modules that a crate's first file, or a `mod.rs`, declares.
fn folder(path: &Path) -> PathBuf {
    path.parent().unwrap_or(Path::new("")).to_owned()
}
