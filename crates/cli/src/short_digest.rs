// SPDX-License-Identifier: Apache-2.0
//! Short digests: at least 7 hex digits from the beginning of a digest, with or without `sha256:`,
//! that only one image of the flash has. An image of that name comes first.

use ocre::image::OciLayout;
use ocre::image::blob::read_named;
use ocre::image::judge::Selector;
use ocre::image::verdict::Code;
use ocre::port::Storage;
use ocre_oci::json::{self, Caps};
use ocre_oci::{Index, Sha256};
use ocre_pc::platform::MAX_DOCUMENT;

use super::command_line::CommandLine;

/// Least number of digits: fewer are more likely a name.
const LEAST: usize = 7;

/// Replaces a short digest of an image by the whole one, in a command line of the core.
pub fn expand<S: Storage>(line: &mut CommandLine, storage: &S) {
    if let Some(image) = line.image() {
        let image = resolve(image, storage);
        line.set_image(image);
    }
}

/// Returns the whole digest, if `text` is the beginning of one; else `text`.
pub fn resolve<S: Storage>(text: &str, storage: &S) -> String {
    let digits = text.strip_prefix("sha256:").unwrap_or(text);
    let short = (LEAST..64).contains(&digits.len())
        && digits
            .bytes()
            .all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
    match found(text, digits, storage).filter(|_| short) {
        Some(digest) => digest.to_string(),
        None => text.to_owned(),
    }
}

/// Finds the only digest with these first digits, unless `text` is the name of an image.
fn found<S: Storage>(text: &str, digits: &str, storage: &S) -> Option<Sha256> {
    let source = OciLayout { storage, root: "/" };
    let mut buffer = vec![0; MAX_DOCUMENT];
    let index = read_named(source, "index.json", Code::IndexMissing, &mut buffer).ok()?;
    let index = Index::parse(json::parse(index, &Caps::default()).ok()?).ok()?;
    let named = Selector {
        name: Some(text),
        digest: None,
    };
    let mut found = None;
    for entry in index.manifests() {
        if named.names(&entry) {
            return None;
        }
        let digest = entry.descriptor().ok().and_then(|one| one.digest.sha256());
        match digest.filter(|digest| digest.hex().to_string().starts_with(digits)) {
            Some(digest) if found.is_some_and(|other| other != digest) => return None,
            Some(digest) => found = Some(digest),
            None => {}
        }
    }
    found
}
