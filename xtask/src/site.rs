// SPDX-License-Identifier: Apache-2.0
//! Builds the project's site in `target/site`: the pages with mdBook, and below `api/` the
//! documentation of the library crates.
//!
//! The site has the folders of the repository, so that a link between files of the repository is
//! right in the site too. Each page in Markdown is in it, and each other file that a page links
//! to, as it is; a linked folder has its files and a list of them. A link within the site that
//! leads nowhere fails the task.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::process::{read, run, step};
use crate::setup;
use crate::workspace::{cargo, root, target_dir, typed};

const CONTENTS: &str = "docs/SUMMARY.md";

/// Folder of the site with the documentation of the crates.
const API: &str = "api";

/// Packages of libraries that are no part of a firmware or a program.
const INTERNAL: [&str; 2] = ["xtask", "ocre-bench"];

/// Files of the site whose links are relative to another place: the page for a missing page, and
/// the frame with the table of contents, which each page has too.
const NO_PLACE: [&str; 2] = ["404.html", "toc.html"];

/// Builds the site.
pub fn site() -> Result<()> {
    setup::all()?;
    let mdbook = setup::book()?;
    let source = target_dir().join("site-source");
    let site = target_dir().join("site");
    for folder in [&source, &site] {
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
    }
    let crates = library_crates()?;
    step("Pages");
    stage(&source, &crates)?;
    run(Command::new(mdbook)
        .arg("build")
        .arg(&source)
        .arg("--dest-dir")
        .arg(&site))?;
    step("Documentation of the crates");
    // The folder may have the documentation of other packages.
    run(cargo().args(["clean", "--doc", "--quiet"]))?;
    let packages = crates.keys().flat_map(|name| ["--package", name.as_str()]);
    run(cargo()
        .args(["doc", "--lib", "--no-deps", "--locked", "--quiet"])
        .args(packages)
        .env("RUSTDOCFLAGS", "-D warnings"))?;
    copy_folder(&target_dir().join("doc"), &site.join(API))?;
    let dead = dead_links(&site)?;
    ensure!(dead.is_empty(), "dead links:\n{}", dead.join("\n"));
    println!("{}", typed(&site.join("index.html")));
    Ok(())
}

/// Libraries of the workspace: package, and name and description of the library.
fn library_crates() -> Result<BTreeMap<String, [String; 2]>> {
    let metadata = read(cargo().args(["metadata", "--format-version=1", "--no-deps", "--locked"]))?;
    Ok(libraries(&serde_json::from_str(&metadata)?))
}

fn libraries(metadata: &Value) -> BTreeMap<String, [String; 2]> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let string = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut libraries = BTreeMap::new();
    for package in list(&metadata["packages"]) {
        let name = string(&package["name"]);
        let targets = list(&package["targets"]);
        let library = targets
            .iter()
            .find(|target| list(&target["kind"]).iter().any(|kind| kind == "lib"));
        if let Some(library) = library
            && !INTERNAL.contains(&&*name)
        {
            let facts = [string(&library["name"]), string(&package["description"])];
            libraries.insert(name, facts);
        }
    }
    libraries
}

/// Writes the input of mdBook: pages, linked files and the table of contents.
fn stage(source: &Path, crates: &BTreeMap<String, [String; 2]>) -> Result<()> {
    let listed = read(
        Command::new("git")
            .args(["ls-files", "--cached", "--others", "--exclude-standard"])
            .current_dir(root()),
    )?;
    let mut files: Vec<&str> = listed
        .lines()
        .filter(|path| *path != CONTENTS && root().join(path).is_file())
        .collect();
    files.sort_unstable();
    files.dedup();
    let pages: Vec<&str> = files
        .iter()
        .copied()
        .filter(|path| path.ends_with(".md"))
        .collect();
    let mut wanted: BTreeSet<&str> = pages.iter().copied().collect();
    let mut titles = BTreeMap::new();
    let mut folders = BTreeSet::new();
    for page in &pages {
        let text = fs::read_to_string(root().join(page)).with_context(|| (*page).to_owned())?;
        titles.insert(*page, title(&text, page));
        for link in links(&text) {
            let Some(path) = resolve(page, link) else {
                continue;
            };
            let below = format!("{path}/");
            wanted.extend(files.iter().filter(|file| **file == path));
            if files.iter().any(|file| file.starts_with(&below)) {
                wanted.extend(files.iter().filter(|file| file.starts_with(&below)));
                folders.insert(path);
            }
        }
    }
    for path in wanted {
        write(&source.join(path), &fs::read(root().join(path))?)?;
    }
    for folder in folders {
        let list = list_of(&folder, &files);
        write(&source.join(&folder).join("index.html"), list.as_bytes())?;
    }
    let contents = fs::read_to_string(root().join(CONTENTS))?;
    let contents = contents_of_site(&contents, &titles);
    write(&source.join("SUMMARY.md"), contents.as_bytes())?;
    write(&source.join("api.md"), api_page(crates).as_bytes())?;
    let book = fs::read(root().join("docs/book.toml"))?;
    write(&source.join("book.toml"), &book)
}

/// Targets of the links in a page, without anchors.
fn links(page: &str) -> Vec<&str> {
    let inline = page.split("](").skip(1);
    inline
        .filter_map(|rest| rest.split_once(')'))
        .filter_map(|(link, _)| link.split('#').next())
        .filter(|link| !link.is_empty() && !link.contains(':'))
        .collect()
}

/// Path in the repository of a link of a page, or nothing for one that leads out of it.
fn resolve(page: &str, link: &str) -> Option<String> {
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in link.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    (!parts.is_empty()).then(|| parts.join("/"))
}

/// First heading of a page.
fn title(text: &str, path: &str) -> String {
    let heading = text.lines().find_map(|line| line.strip_prefix("# "));
    heading.unwrap_or(path).replace('`', "")
}

/// List of the files in a folder, as a page.
fn list_of(folder: &str, files: &[&str]) -> String {
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>{folder}</title>\n\
         <h1>{folder}</h1>\n<ul>\n"
    );
    let below = format!("{folder}/");
    for file in files.iter().filter_map(|file| file.strip_prefix(&below)) {
        let target = match file.strip_suffix(".md") {
            Some(page) => format!("{page}.html"),
            None => file.to_owned(),
        };
        page.push_str(&format!("<li><a href=\"{target}\">{file}</a></li>\n"));
    }
    page.push_str("</ul>\n</html>\n");
    page
}

/// Table of contents of the site: the front page, the pages of `docs/`, those of the other folders
/// by their headings, and the documentation of the crates.
fn contents_of_site(docs: &str, titles: &BTreeMap<&str, String>) -> String {
    let docs = docs
        .split_once("# Summary\n")
        .map_or(docs, |(_, rest)| rest);
    let mut contents = String::from("# Summary\n\n[ocre-rs](README.md)\n");
    contents.push_str(&docs.replace("](", "](docs/"));
    contents.push_str("\n# Project\n\n");
    let mut folders = String::from("\n# Folders\n\n");
    for (path, title) in titles {
        let line = format!("- [{title}]({path})\n");
        if path.contains('/') && !path.starts_with("docs/") {
            folders.push_str(&line);
        } else if !path.contains('/') && *path != "README.md" {
            contents.push_str(&line);
        }
    }
    contents.push_str(&folders);
    contents.push_str("\n# Crates\n\n- [API](api.md)\n");
    contents
}

/// Page with a link to the documentation of each crate.
fn api_page(crates: &BTreeMap<String, [String; 2]>) -> String {
    let mut page = String::from("# API\n\n| crate | |\n|---|---|\n");
    for (package, [library, description]) in crates {
        page.push_str(&format!(
            "| [{package}]({API}/{library}/index.html) | {description} |\n"
        ));
    }
    page
}

/// Links from the site's pages into the site that lead to no file or to no place in it.
fn dead_links(site: &Path) -> Result<Vec<String>> {
    let mut pages = Vec::new();
    html_files(site, &mut pages)?;
    let mut dead = Vec::new();
    for page in pages {
        let name = page.strip_prefix(site)?.to_string_lossy().into_owned();
        if name.starts_with(API) && name != "api.html" || NO_PLACE.contains(&&*name) {
            continue;
        }
        let text = fs::read_to_string(&page).with_context(|| name.clone())?;
        for link in references(&text) {
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = match path {
                "" => Some(name.clone()),
                path => resolve(&name, path),
            };
            if !target.is_some_and(|target| leads(site, &target, anchor)) {
                dead.push(format!("{name}: {link}"));
            }
        }
    }
    Ok(dead)
}

/// True where a path of the site is a file with this anchor, or a folder with a page.
fn leads(site: &Path, path: &str, anchor: &str) -> bool {
    let mut file = site.join(path);
    if file.is_dir() {
        file = file.join("index.html");
    }
    if anchor.is_empty() || !path.ends_with(".html") {
        return file.is_file();
    }
    let text = fs::read_to_string(file).unwrap_or_default();
    text.contains(&format!("id=\"{anchor}\""))
}

/// Values of `href` in a page that are relative.
fn references(page: &str) -> Vec<&str> {
    page.split("href=\"")
        .skip(1)
        .filter_map(|rest| rest.split_once('"'))
        .map(|(link, _)| link)
        .filter(|link| !link.is_empty() && !link.contains(':'))
        .collect()
}

fn html_files(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            html_files(&path, found)?;
        } else if path
            .extension()
            .is_some_and(|extension| extension == "html")
        {
            found.push(path);
        }
    }
    Ok(())
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, bytes).with_context(|| path.display().to_string())
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| from.display().to_string())? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn links_within_the_repository_are_found_without_their_anchors() {
        let page = "[a](b.md#c), [d](https://e/f), [g](#h) and [i](../j/k.rs)";
        assert_eq!(links(page), ["b.md", "../j/k.rs"]);
    }

    #[test]
    fn a_link_is_resolved_from_the_folder_of_its_page() {
        assert_eq!(
            resolve("docs/a.md", "../src/./lib.rs").as_deref(),
            Some("src/lib.rs")
        );
        assert_eq!(resolve("a.md", "docs/").as_deref(), Some("docs"));
        assert_eq!(resolve("a.md", "../b.md"), None);
        assert_eq!(resolve("docs/a.md", ".."), None);
    }

    #[test]
    fn the_contents_have_every_page() {
        let titles = [
            "README.md",
            "SECURITY.md",
            "crates/a/README.md",
            "docs/b.md",
        ]
        .map(|path| (path, title(&format!("x\n# T `{path}`\n"), path)));
        let docs = "<!-- a -->\n# Summary\n\n# Use\n\n- [B](b.md)\n";
        let contents = contents_of_site(docs, &titles.into());
        let lines: Vec<&str> = contents.lines().filter(|line| !line.is_empty()).collect();
        assert_eq!(
            lines,
            [
                "# Summary",
                "[ocre-rs](README.md)",
                "# Use",
                "- [B](docs/b.md)",
                "# Project",
                "- [T SECURITY.md](SECURITY.md)",
                "# Folders",
                "- [T crates/a/README.md](crates/a/README.md)",
                "# Crates",
                "- [API](api.md)",
            ]
        );
    }

    #[test]
    fn libraries_are_those_of_the_product() {
        let package = |name: &str, kind: &str| {
            json!({ "name": name, "description": "d",
                "targets": [{ "kind": ["bin"] }, { "kind": [kind], "name": "l" }] })
        };
        let metadata = json!({ "packages": [
            package("a", "lib"), package("b", "staticlib"), package("xtask", "lib"),
        ] });
        let found = libraries(&metadata);
        assert_eq!(found.len(), 1);
        assert_eq!(found["a"], ["l", "d"]);
        assert!(api_page(&found).contains("[a](api/l/index.html) | d |"));
    }

    #[test]
    fn a_list_links_to_pages_and_files() {
        let list = list_of("a", &["a/b/c.rs", "a/d.md", "e/f.rs"]);
        assert!(list.contains("<a href=\"b/c.rs\">b/c.rs</a>"));
        assert!(list.contains("<a href=\"d.html\">d.md</a>"));
        assert!(!list.contains("f.rs"));
    }

    #[test]
    fn dead_links_and_anchors_are_found() {
        let site = target_dir().join("site-test");
        let page = "<a href=\"b.html#c\"> <a href=\"b.html#d\"> <a href=\"e.rs\"> <a href=\"f\">\
                    <a href=\"https://g\"> <a href=\"#h\">";
        write(&site.join("a.html"), page.as_bytes()).unwrap();
        write(&site.join("b.html"), b"<h1 id=\"c\">").unwrap();
        write(&site.join("f/index.html"), b"").unwrap();
        let dead = dead_links(&site).unwrap();
        assert_eq!(dead, ["a.html: b.html#d", "a.html: e.rs", "a.html: #h"]);
        fs::remove_dir_all(site).unwrap();
    }
}
