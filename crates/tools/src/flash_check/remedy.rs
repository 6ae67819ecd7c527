// SPDX-License-Identifier: Apache-2.0
//! Remedies for findings.

use ocre::container::Name;

/// Remedy for a finding. None removes whole files, unless their removal was written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Removes a file whose removal was written down.
    Remove(String),
    /// Removes a container's folder whose removal was written down or that is empty, and keeps any
    /// other.
    PutAway(Name),
    /// Moves an entry to `/lost+found`.
    Keep(String),
    /// Moves an entry back to its place, which is free.
    Restore {
        /// Present path.
        from: String,
        /// Path that it belongs to.
        to: String,
    },
    /// Ends an interrupted write of a file.
    Recover {
        /// Folder; the root is empty.
        folder: &'static str,
        /// Name in that folder.
        name: String,
    },
    /// Writes the layout's marker.
    Marker,
    /// Makes the index of the images in the store.
    Index,
}
