// SPDX-License-Identifier: Apache-2.0
//! Circles between the modules of a crate: in no folder may two modules lead to each other, over
//! any number of others.
//!
//! Arrows are paths of imports and of code, outside of tests. A path to a re-export leads to the
//! module that declares the item. An arrow between two modules counts for their folders too, up to
//! the folder that both are in; arrows between a module and its own parts are free.

use std::collections::{BTreeMap, BTreeSet};

use syn::visit::{self, Visit};
use syn::{Attribute, Item, ItemMod, ItemUse, Meta, UseTree, Visibility};

use crate::BrokenRule;
use crate::repository::{FILES, File};

/// Module of a crate, as the names from the crate's root.
type ModulePath = Vec<String>;

/// Imports and paths of the modules of one crate.
#[derive(Default)]
struct Crate {
    modules: BTreeSet<ModulePath>,
    /// Target of each name that a module re-exports.
    exports: BTreeMap<(ModulePath, String), ModulePath>,
    /// Path in full and the module that it stands in.
    paths: BTreeSet<(ModulePath, ModulePath)>,
}

/// Reader of one file.
struct ModuleReader<'a> {
    crate_: &'a mut Crate,
    module: ModulePath,
}

impl ModuleReader<'_> {
    /// Path from the crate's root, of one that begins with `crate`, `self` or `super`.
    fn absolute(&self, segments: &[String]) -> Option<ModulePath> {
        let mut from = self.module.clone();
        let mut rest = segments;
        match rest.first()?.as_str() {
            "crate" => from.clear(),
            "self" => {}
            "super" => {
                from.pop();
            }
            // A module of this file is named without `self` too.
            name => {
                from.push(name.to_owned());
                self.crate_.modules.contains(&from).then_some(())?;
            }
        }
        rest = rest.split_first()?.1;
        while let Some((first, others)) = rest.split_first()
            && first == "super"
        {
            from.pop();
            rest = others;
        }
        from.extend(rest.iter().cloned());
        Some(from)
    }

    fn path(&mut self, segments: &[String]) {
        if let Some(path) = self.absolute(segments) {
            self.crate_.paths.insert((self.module.clone(), path));
        }
    }

    fn import(&mut self, tree: &UseTree, before: &mut Vec<String>, is_export: bool) {
        let (name, segment) = match tree {
            UseTree::Path(path) => {
                before.push(path.ident.to_string());
                self.import(&path.tree, before, is_export);
                before.pop();
                return;
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.import(tree, before, is_export);
                }
                return;
            }
            UseTree::Glob(_) => (None, None),
            UseTree::Name(name) => (Some(&name.ident), Some(&name.ident)),
            UseTree::Rename(name) => (Some(&name.rename), Some(&name.ident)),
        };
        let mut segments = before.clone();
        segments.extend(
            segment
                .map(ToString::to_string)
                .filter(|name| name != "self"),
        );
        if is_export && let (Some(name), Some(path)) = (name, self.absolute(&segments)) {
            let export = (self.module.clone(), name.to_string());
            self.crate_.exports.insert(export, path);
        } else {
            self.path(&segments);
        }
    }
}

impl<'ast> Visit<'ast> for ModuleReader<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        if !is_for_tests(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        if item.content.is_some() {
            self.module.push(item.ident.to_string());
            self.crate_.modules.insert(self.module.clone());
            visit::visit_item_mod(self, item);
            self.module.pop();
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        let is_export = !matches!(item.vis, Visibility::Inherited);
        self.import(&item.tree, &mut Vec::new(), is_export);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<String> = path.segments.iter().map(|s| s.ident.to_string()).collect();
        if matches!(segments[0].as_str(), "crate" | "self" | "super") && segments.len() > 1 {
            self.path(&segments);
        }
        visit::visit_path(self, path);
    }
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Mod(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        _ => &[],
    }
}

fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        Meta::List(list) if list.path.is_ident("cfg") => {
            let condition = list.tokens.to_string();
            condition == "test" || condition.starts_with("all (test")
        }
        _ => false,
    })
}

impl Crate {
    /// Declaring module of a path.
    fn target(&self, path: &[String]) -> ModulePath {
        let mut path = path.to_vec();
        // Re-exports of re-exports end; a circle of them does not compile.
        for _ in 0..16 {
            let mut length = path.len();
            while !self.modules.contains(&path[..length]) && length > 0 {
                length -= 1;
            }
            let module = path[..length].to_vec();
            let Some(name) = path.get(length) else {
                return module;
            };
            match self.exports.get(&(module.clone(), name.clone())) {
                Some(to) if *to != path => {
                    let rest = path[length + 1..].to_vec();
                    path = to.iter().cloned().chain(rest).collect();
                }
                _ => return module,
            }
        }
        path
    }

    /// Arrows between the modules of each folder, with an example of a path.
    fn arrows(&self) -> BTreeMap<ModulePath, BTreeMap<(String, String), String>> {
        let mut folders: BTreeMap<ModulePath, BTreeMap<(String, String), String>> = BTreeMap::new();
        for (from, path) in &self.paths {
            let to = self.target(path);
            let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
            if let (Some(a), Some(b)) = (from.get(shared), to.get(shared)) {
                folders
                    .entry(from[..shared].to_vec())
                    .or_default()
                    .entry((a.clone(), b.clone()))
                    .or_insert_with(|| format!("{}: {}", from.join("::"), path.join("::")));
            }
        }
        folders
    }
}

/// Modules that the arrows lead to from `start`, over any number of others.
fn reached<'a>(
    arrows: &'a BTreeMap<(String, String), String>,
    start: &'a str,
) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut next = vec![start];
    while let Some(module) = next.pop() {
        for (_, to) in arrows.keys().filter(|(from, _)| from == module) {
            if reached.insert(to.as_str()) {
                next.push(to);
            }
        }
    }
    reached
}

/// Folder of the sources of a crate and the module's names below it.
fn place(path: &str) -> Option<(&str, ModulePath)> {
    let (crate_, inside) = match path.strip_prefix("src/") {
        Some(inside) => ("", inside),
        None => path.split_once("/src/")?,
    };
    let module = inside.strip_suffix(".rs")?;
    let names = module.split('/').map(ToOwned::to_owned);
    let is_root = ["lib", "main"].contains(&module);
    Some((crate_, if is_root { Vec::new() } else { names.collect() }))
}

fn findings(files: &[File]) -> Vec<BrokenRule> {
    let mut crates: BTreeMap<&str, Crate> = BTreeMap::new();
    let sources: Vec<_> = files
        .iter()
        .filter_map(|file| {
            let (name, module) = place(&file.path)?;
            Some((name, module, syn::parse_file(&file.text).ok()?))
        })
        .collect();
    for (name, module, _) in &sources {
        let crate_ = crates.entry(*name).or_default();
        crate_.modules.insert(module.clone());
    }
    for (name, module, syntax) in &sources {
        let crate_ = crates.entry(*name).or_default();
        let module = module.clone();
        ModuleReader { crate_, module }.visit_file(syntax);
    }
    let mut findings = Vec::new();
    for (name, crate_) in &crates {
        for (folder, arrows) in crate_.arrows() {
            for ((from, to), example) in &arrows {
                if reached(&arrows, to).contains(from.as_str()) {
                    let folder = folder.join("::");
                    findings.push(format!(
                        "{name}: {folder}: {from} -> {to} closes a circle ({example})"
                    ));
                }
            }
        }
    }
    findings
}

#[test]
fn no_modules_lead_to_each_other() {
    crate::assert_none(findings(&FILES));
}

#[cfg(test)]
mod planted {
    use super::*;

    fn crate_(files: &[(&str, &str)]) -> Vec<BrokenRule> {
        let files: Vec<File> = files
            .iter()
            .map(|(path, text)| File {
                path: format!("crates/x/src/{path}"),
                text: (*text).to_owned(),
            })
            .collect();
        findings(&files)
    }

    #[test]
    fn arrows_one_way_are_free() {
        crate::assert_none(crate_(&[
            ("lib.rs", "mod a; mod b; mod c;"),
            ("a.rs", "use crate::b::B; use super::c;"),
            ("b.rs", "use crate::c::C;"),
            ("c.rs", "#[cfg(test)] mod tests { use crate::a::A; }"),
        ]));
    }

    #[test]
    fn a_circle_is_found_over_others_and_re_exports() {
        let found = crate_(&[
            ("lib.rs", "mod a; mod b; mod c; pub use a::A;"),
            ("a.rs", "use crate::b::B;"),
            ("b.rs", "fn f() { crate::c::g(); }"),
            ("c.rs", "use crate::{A, d};"),
        ]);
        assert_eq!(found.len(), 3, "{found:?}");
    }

    #[test]
    fn folders_count_for_their_parts() {
        let found = crate_(&[
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "mod inner;"),
            ("a/inner.rs", "use crate::b::B; use super::A;"),
            ("b.rs", "use crate::a::A;"),
        ]);
        assert_eq!(found.len(), 2, "{found:?}");
    }
}
