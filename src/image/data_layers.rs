// SPDX-License-Identifier: Apache-2.0
//! Data layers: layers of an image that are never executed and that its containers can read.
//!
//! Titles lie one after the other in one buffer, because most are short, and lengths are kept in 32
//! bits, because the partition has no longer files: every container has a copy of all of them.

use heapless::{String, Vec};

use ocre_oci::Sha256;

use super::Content;
use crate::limits::{MAX_BLOBS, MAX_TITLE, MAX_TITLES};

/// A blob of an image.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DataLayer<'a> {
    /// Digest and size.
    pub content: Content,
    /// File name under `/image`: its `org.opencontainers.image.title`, empty without one.
    pub title: &'a str,
}

/// All blobs of an image, in the manifest's order.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct DataLayers {
    contents: Vec<(Sha256, u32), MAX_BLOBS, u8>,
    /// Titles, each followed by a NUL.
    titles: String<MAX_TITLES, u16>,
}

/// There is no room for another blob, or the title or the size is too large.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Full;

impl DataLayers {
    /// Creates an empty list.
    pub const fn new() -> Self {
        Self {
            contents: Vec::new(),
            titles: String::new(),
        }
    }

    /// Adds a blob. A title with a NUL, which is no file's name, is left out.
    ///
    /// # Errors
    /// `Full`, with nothing changed.
    pub fn push(&mut self, content: Content, title: &str) -> Result<(), Full> {
        let title = if title.contains('\0') { "" } else { title };
        let free = self.titles.capacity().saturating_sub(self.titles.len());
        if title.len() > MAX_TITLE || title.len() >= free {
            return Err(Full);
        }
        let size = u32::try_from(content.size).map_err(|_| Full)?;
        let content = (content.digest, size);
        self.contents.push(content).map_err(|_| Full)?;
        self.titles.push_str(title).map_err(|_| Full)?;
        self.titles.push('\0').map_err(|_| Full)
    }

    /// Iterates over the blobs.
    pub fn iter(&self) -> DataLayerIter<'_> {
        DataLayerIter {
            contents: &self.contents,
            titles: &self.titles,
        }
    }

    /// Returns the blob at an index.
    pub fn get(&self, index: usize) -> Option<DataLayer<'_>> {
        self.iter().nth(index)
    }

    /// Number of blobs.
    pub fn len(&self) -> usize {
        self.contents.len()
    }

    /// True where there are no blobs.
    pub fn is_empty(&self) -> bool {
        self.contents.is_empty()
    }

    /// Removes all blobs.
    pub fn clear(&mut self) {
        self.contents.clear();
        self.titles.clear();
    }

    /// Copies `other` into `self`.
    pub(crate) fn copy_from(&mut self, other: &Self) {
        self.clear();
        // Both have the same capacity.
        let _ = self.contents.extend_from_slice(&other.contents);
        let _ = self.titles.push_str(&other.titles);
    }
}

/// Iterator that [`DataLayers::iter`] returns.
#[derive(Clone, Debug)]
pub struct DataLayerIter<'a> {
    contents: &'a [(Sha256, u32)],
    titles: &'a str,
}

impl<'a> Iterator for DataLayerIter<'a> {
    type Item = DataLayer<'a>;

    // A device has this function once, for all loops over blobs.
    #[inline(never)]
    fn next(&mut self) -> Option<DataLayer<'a>> {
        let ((digest, size), contents) = self.contents.split_first()?;
        let (title, titles) = self.titles.split_once('\0')?;
        self.contents = contents;
        self.titles = titles;
        Some(DataLayer {
            content: Content {
                digest: *digest,
                size: (*size).into(),
            },
            title,
        })
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;

    fn content(size: u64) -> Content {
        let digest = Sha256([u8::try_from(size).unwrap(); 32]);
        Content { digest, size }
    }

    #[test]
    fn each_keeps_its_content_and_its_title() {
        let mut blobs = DataLayers::new();
        for (size, title) in [(1, "a"), (2, ""), (3, "c d"), (4, "with\0nul")] {
            blobs.push(content(size), title).unwrap();
        }
        let found: std::vec::Vec<_> = blobs
            .iter()
            .map(|blob| (blob.content.size, blob.title))
            .collect();
        assert_eq!(found, [(1, "a"), (2, ""), (3, "c d"), (4, "")]);
        let mut copy = DataLayers::new();
        copy.push(content(9), "gone").unwrap();
        copy.copy_from(&blobs);
        assert_eq!(copy, blobs);
    }

    #[test]
    fn one_more_than_fit_changes_nothing() {
        let mut blobs = DataLayers::new();
        while blobs.push(content(1), "").is_ok() {}
        assert_eq!(blobs.len(), MAX_BLOBS);

        let longest = Content {
            size: u32::MAX.into(),
            ..content(1)
        };
        let longer = Content {
            size: longest.size + 1,
            ..longest
        };
        let mut lengths = DataLayers::new();
        assert_eq!(lengths.push(longer, ""), Err(Full));
        assert_eq!(lengths, DataLayers::new());
        lengths.push(longest, "").unwrap();
        assert_eq!(lengths.get(0).unwrap().content, longest);

        let mut titles = DataLayers::new();
        let long = "t".repeat(MAX_TITLE);
        assert_eq!(titles.push(content(1), &std::format!("{long}t")), Err(Full));
        while titles.push(content(1), &long).is_ok() {}
        let before = titles.clone();
        assert_eq!(titles.push(content(1), &long), Err(Full));
        assert_eq!(titles, before);
        assert_eq!(titles.len(), MAX_TITLES / (MAX_TITLE + 1));
    }
}
