// SPDX-License-Identifier: Apache-2.0
//! Trials of updates: a tag keeps its previous image until its new image works.
//!
//! # Annotations
//!
//! An entry of the index that an import replaces stays there, without its name but with the
//! annotation [`PREVIOUS`], whose text is the tag. While there is such an entry, the tag is *on
//! trial*, and [`FAILURES`] of that entry counts the failures of the new image. Each step is one
//! replacement of the index:
//!
//! | event | the tag | the previous image |
//! |---|---|---|
//! | an import of another image | leads to that | is kept; if the tag was on trial already, the image that was kept stays |
//! | an import of the kept image | leads to that | none is kept |
//! | the new image works | | is forgotten |
//! | the new image fails | | is kept, and the failure is counted |
//! | the new image fails for the last time | leads to the kept image | none is kept |
//!
//! The signatures of an image that is kept stay with it. Those of a forgotten one stay until a
//! removal or [`Store::prune`], as a container may still be of that image.

use ocre_oci::{Entry, Index, REF_NAME};

use super::{Error, Store};
use crate::image::judge::{Selector, means};
use crate::image::judged::fingerprint;
use crate::limits::MAX_UPDATE_FAILURES;
use crate::port::Storage;

/// Annotation of an index entry: the tag that led to it before.
pub const PREVIOUS: &str = "dev.ocre.previous";
/// Annotation, beside [`PREVIOUS`]: the number of failures of the new image.
pub const FAILURES: &str = "dev.ocre.failures";

/// Image of a tag.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tagged {
    /// Fingerprint of the image: another number for another image. Never 0.
    pub fingerprint: u64,
    /// True while the tag's previous image is kept.
    pub on_trial: bool,
}

/// Result of a step of a trial.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TrialResult {
    /// The tag is not on trial, or has another image by now.
    Nothing,
    /// The new image works.
    Works,
    /// The new image has failed this often.
    Failed(u8),
    /// The tag has its previous image again.
    TakenBack,
}

impl<S: Storage> Store<'_, S> {
    /// Returns the image of the tag of that name, if there is one.
    ///
    /// # Errors
    /// As [`index`](Self::index).
    pub fn tagged(&mut self, name: &str) -> Result<Option<Tagged>, Error> {
        Ok(tagged(&self.index()?, name))
    }

    /// Records whether the image of a tag, known by its fingerprint, works. Writes only where the
    /// tag is on trial.
    ///
    /// # Errors
    /// As [`index`](Self::index).
    pub fn tried(
        &mut self,
        name: &str,
        fingerprint: u64,
        works: bool,
    ) -> Result<TrialResult, Error> {
        let index = self.index();
        let index = index.as_ref().map_err(|error| *error)?;
        let on_trial = true;
        if tagged(index, name)
            != Some(Tagged {
                fingerprint,
                on_trial,
            })
        {
            return Ok(TrialResult::Nothing);
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
            (true, _) => TrialResult::Works,
            (_, true) => TrialResult::TakenBack,
            _ => TrialResult::Failed(failures),
        })
    }

    /// Forgets the previous images of all tags: their present images are good.
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

/// True where the tag of that name led to an entry before.
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
    let fingerprint = fingerprint(&mut index.manifests().filter(|entry| selector.names(entry)))?;
    let on_trial = index.manifests().any(|entry| was(&entry, name));
    Some(Tagged {
        fingerprint,
        on_trial,
    })
}
