// SPDX-License-Identifier: Apache-2.0
//! The sentence that explains a code: the middle column of `docs/errors.md`, read from that
//! document. Firmware leaves it out.

use crate::limits::SENTENCES;

const DOCUMENT: &str = include_str!("../../docs/errors.md");

/// The sentence of a code; empty for a code that the document does not list, and in builds
/// without sentences.
pub fn sentence(code: &str) -> &'static str {
    if SENTENCES { row(DOCUMENT, code) } else { "" }
}

/// The second column of a code's row in a document with tables of codes; empty where there is
/// none.
pub fn row<'d>(document: &'d str, code: &str) -> &'d str {
    let of_code = |line: &'d str| {
        let (found, cells) = line.strip_prefix("| `")?.split_once("` | ")?;
        (found == code).then(|| cells.split(" | ").next().unwrap_or_default())
    };
    document.lines().find_map(of_code).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_explained_by_its_row() {
        let document = "# A\n\n| code | what | do |\n|---|---|---|\n| `a-b` | is so | do |\n| `a` | is not | do |\n";
        assert_eq!(row(document, "a-b"), "is so");
        assert_eq!(row(document, "a"), "is not");
        assert_eq!(row(document, "b"), "");
        assert_eq!(sentence("index-missing"), "the layout has no `index.json`");
    }
}
