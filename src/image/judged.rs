// SPDX-License-Identifier: Apache-2.0
//! The image that was judged last, which need not be judged again while its tag leads to it.

use ocre_oci::{Entry, Sha256};

use super::Image;

/// Entries of the index that a tag led to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct TagEntries {
    /// Digest in the chosen entry.
    pub chosen: Sha256,
    /// Fingerprint of all entries of the tag.
    pub fingerprint: u64,
    /// True where portable code was preferred.
    pub prefer_portable: bool,
}

/// Judged image, with the entries of the index that led to it.
///
/// [`Supervisor::create_from`](crate::supervisor::Supervisor::create_from) takes the image from here
/// if the tag of the next request leads to the same entries: what is named by a digest does not
/// change, and the code is hashed at each start. A verdict with a warning is not kept, so that
/// nobody misses the warning.
#[derive(Debug)]
pub struct JudgedImage {
    pub(super) image: Image,
    /// Entries that led to the image, where it was accepted.
    pub(super) entries: Option<TagEntries>,
    pub(super) warned: bool,
}

impl JudgedImage {
    /// Nothing yet.
    pub const fn blank() -> Self {
        Self {
            image: Image::blank(),
            entries: None,
            warned: false,
        }
    }

    /// Returns the image, which is blank where the last one was refused.
    pub const fn image(&self) -> &Image {
        &self.image
    }

    /// Returns memory for another image.
    #[inline(never)]
    pub fn reset(&mut self) -> &mut Image {
        self.entries = None;
        self.image = Image::blank();
        &mut self.image
    }

    /// Fingerprint of the entries of the tag that led to the image.
    pub(crate) fn fingerprint(&self) -> Option<u64> {
        Some(self.entries?.fingerprint)
    }
}

/// Fingerprint of the digests of several entries; `None` for no entries.
pub(super) fn fingerprint<'e>(entries: &mut dyn Iterator<Item = Entry<'e>>) -> Option<u64> {
    let mut fingerprint = None;
    for entry in entries {
        let found = entry.descriptor().ok();
        let digest = found.and_then(|found| found.digest.sha256());
        let Sha256([a, b, c, d, e, f, g, h, ..]) = digest.unwrap_or(Sha256([0; 32]));
        let digest = u64::from_le_bytes([a, b, c, d, e, f, g, h]);
        fingerprint = Some((fingerprint.unwrap_or(0_u64).rotate_left(1) ^ digest).max(1));
    }
    fingerprint
}
