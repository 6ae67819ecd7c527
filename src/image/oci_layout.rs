// SPDX-License-Identifier: Apache-2.0
//! OCI layouts that images are read from.

/// An OCI layout on a storage.
#[derive(Debug)]
pub struct OciLayout<'a, S> {
    /// Storage with the layout.
    pub storage: &'a S,
    /// Folder of the layout.
    pub root: &'a str,
}

impl<S> Clone for OciLayout<'_, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for OciLayout<'_, S> {}
