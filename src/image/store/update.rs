// SPDX-License-Identifier: Apache-2.0
//! Updates that are tried out: a tag keeps what it led to before, until what it leads to works.
//!
//! # What is stored
//!
//! An entry of the index that an import replaces stays there, without its name but with the
//! annotation [`PREVIOUS`], whose text is the tag. While there is such an entry, the tag is *on
//! trial*, and [`FAILURES`] of that entry says how often what it leads to has failed by now. Each
//! step is one replacement of the index:
//!
//! | what happens | the tag | what it led to before |
//! |---|---|---|
//! | an import of something else | leads to that | is kept; where the tag was on trial already, what was kept stays |
//! | an import of what was kept | leads to that | nothing is kept |
//! | it works | | is forgotten |
//! | it fails | | is kept, and counts |
//! | it fails the last time | leads to what was kept | nothing is kept |

use ocre_oci::{Entry, Index, REF_NAME, Sha256};

use super::{Error, Store};
use crate::image::judge::{Selector, means};
use crate::limits::MAX_UPDATE_FAILURES;
use crate::port::Storage;

/// The annotation of an index's entry that says which tag has led to it before.
pub const PREVIOUS: &str = "dev.ocre.previous";
/// The annotation, beside [`PREVIOUS`], that says how often what came after it has failed.
pub const FAILURES: &str = "dev.ocre.failures";

/// What a tag leads to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tagged {
    /// In short: another number where the tag leads to something else. Never 0.
    pub mark: u64,
    /// Whether what it led to before is kept.
    pub on_trial: bool,
}

/// What has become of a tag on trial.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tried {
    /// It is not on trial, or leads to something else by now.
    Nothing,
    /// What it leads to works.
    Works,
    /// What it leads to has failed so often.
    Failed(u8),
    /// It leads to what it did before.
    TakenBack,
}

impl<S: Storage> Store<'_, S> {
    /// What the tag of that name leads to, if there is one.
    ///
    /// # Errors
    /// As [`index`](Self::index).
    pub fn tagged(&mut self, name: &str) -> Result<Option<Tagged>, Error> {
        Ok(tagged(&self.index()?, name))
    }

    /// Takes in how what a tag leads to, known by its mark, has done. Writes only where the tag
    /// is on trial.
    ///
    /// # Errors
    /// As [`index`](Self::index).
    pub fn tried(&mut self, name: &str, mark: u64, works: bool) -> Result<Tried, Error> {
        let index = self.index();
        let index = index.as_ref().map_err(|error| *error)?;
        let on_trial = true;
        if tagged(index, name) != Some(Tagged { mark, on_trial }) {
            return Ok(Tried::Nothing);
        }
        let counted = index
            .manifests()
            .filter(|entry| was(entry, name))
            .filter_map(|entry| entry.annotation(FAILURES)?.as_plain()?.parse::<u8>().ok())
            .max();
        let failures = counted.unwrap_or(0).saturating_add(1);
        let back = !works && failures >= MAX_UPDATE_FAILURES;
        let current = Selector {
            name: Some(name),
            digest: None,
        };
        self.rewrite(
            &mut |entries, _, entry| {
                let previous = entry.annotation(PREVIOUS);
                match previous.filter(|tag| means(name, *tag)) {
                    Some(_) if works => return Ok(false),
                    Some(tag) if back => entries.annotated(
                        entry,
                        &[(PREVIOUS, None), (FAILURES, None), (REF_NAME, Some(&tag))],
                    ),
                    Some(_) => entries.annotated(entry, &[(FAILURES, Some(&failures))]),
                    None if back && current.names(entry) => return Ok(false),
                    None => entries.copy(entry.value()),
                }?;
                Ok(true)
            },
            &mut |_, _| Ok(0),
        )?;
        Ok(match (works, back) {
            (true, _) => Tried::Works,
            (_, true) => Tried::TakenBack,
            _ => Tried::Failed(failures),
        })
    }

    /// Forgets what tags led to before: what they lead to now is good.
    ///
    /// # Errors
    /// As [`index`](Self::index).
    pub fn forget_previous(&mut self) -> Result<(), Error> {
        let is_kept = |entry: &Entry<'_>| entry.annotation(PREVIOUS).is_some();
        if !self.index()?.manifests().any(|entry| is_kept(&entry)) {
            return Ok(());
        }
        self.keep(&|_, entry| !is_kept(entry))
    }
}

/// Whether the tag of that name led to an entry before.
pub(super) fn was(entry: &Entry<'_>, name: &str) -> bool {
    entry
        .annotation(PREVIOUS)
        .is_some_and(|tag| means(name, tag))
}

fn tagged(index: &Index<'_>, name: &str) -> Option<Tagged> {
    let selector = Selector {
        name: Some(name),
        digest: None,
    };
    let mark = mark(&mut index.manifests().filter(|entry| selector.names(entry)))?;
    let on_trial = index.manifests().any(|entry| was(&entry, name));
    Some(Tagged { mark, on_trial })
}

/// One number for the digests of several entries; none for no entries.
pub(super) fn mark<'e>(entries: &mut dyn Iterator<Item = Entry<'e>>) -> Option<u64> {
    let mut mark = None;
    for entry in entries {
        let found = entry.descriptor().ok();
        let digest = found.and_then(|found| found.digest.sha256());
        let Sha256([a, b, c, d, e, f, g, h, ..]) = digest.unwrap_or(Sha256([0; 32]));
        let digest = u64::from_le_bytes([a, b, c, d, e, f, g, h]);
        mark = Some((mark.unwrap_or(0_u64).rotate_left(1) ^ digest).max(1));
    }
    mark
}
