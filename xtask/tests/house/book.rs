// SPDX-License-Identifier: Apache-2.0
//! The table of contents of the site, `docs/SUMMARY.md`, lists each page of `docs/` once, and no
//! other page.

use crate::BrokenRule;
use crate::repository::{FILES, text};

const FOLDER: &str = "docs/";
const CONTENTS: &str = "docs/SUMMARY.md";

/// Pages that the table of contents links to, from the folder of the table.
fn listed(contents: &str) -> Vec<&str> {
    contents
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'))
        .map(|(page, _)| page)
        .collect()
}

fn findings(contents: &str, pages: &[&str]) -> Vec<BrokenRule> {
    let listed = listed(contents);
    let count = |page: &str| listed.iter().filter(|listed| **listed == page).count();
    let missing = pages
        .iter()
        .filter(|page| count(page) != 1)
        .map(|page| format!("{CONTENTS}: lists {page} {} times", count(page)));
    let unknown = listed
        .iter()
        .filter(|page| !pages.contains(page))
        .map(|page| format!("{CONTENTS}: there is no {page}"));
    missing.chain(unknown).collect()
}

#[test]
fn the_contents_list_every_page_once() {
    let pages: Vec<&str> = FILES
        .iter()
        .filter(|file| file.path != CONTENTS && file.path.ends_with(".md"))
        .filter_map(|file| file.path.strip_prefix(FOLDER))
        .collect();
    assert!(pages.len() > 10, "git lists no pages");
    crate::assert_none(findings(text(CONTENTS), &pages));
}

#[cfg(test)]
mod planted {
    use super::*;

    #[test]
    fn a_missing_a_repeated_and_an_unknown_page_are_found() {
        let contents = "# Summary\n\n- [A](a.md)\n  - [B](b/c.md)\n";
        crate::assert_none(findings(contents, &["a.md", "b/c.md"]));
        crate::assert_one(findings(contents, &["a.md", "b/c.md", "d.md"]), "d.md 0");
        crate::assert_one(findings(contents, &["a.md"]), "no b/c.md");
        let twice = format!("{contents}- [A](a.md)\n");
        crate::assert_one(findings(&twice, &["a.md", "b/c.md"]), "a.md 2");
    }
}
