// SPDX-License-Identifier: Apache-2.0
//! Walk over all content of a manifest or an index.

use heapless::Vec;
use ocre_oci::json::{self, Elements, Value};
use ocre_oci::{Descriptor, INDEX_MEDIA_TYPE, Index, Manifest};

use super::Error;
use crate::image::Content;
use crate::image::OciLayout;
use crate::image::blob::{caps, content_of, read_document};
use crate::image::verdict::Code;
use crate::limits::MAX_INDEX_DEPTH;
use crate::port::Storage;

/// A manifest or an index.
#[derive(Clone, Copy)]
pub struct Document {
    pub content: Content,
    pub is_index: bool,
}

impl Document {
    /// Returns the document of a descriptor in an index.
    pub fn of(descriptor: &Descriptor<'_>) -> Result<Self, Code> {
        let is_index = descriptor.media_type == *INDEX_MEDIA_TYPE;
        Ok(Self {
            content: content_of(descriptor)?,
            is_index,
        })
    }
}

/// Treatment of a document that is missing, damaged or malformed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Damage {
    /// The walk fails.
    Refuse,
    /// The document leads nowhere, and the walk goes on.
    Skip,
}

/// Document on the way, with the number of its descriptors that were followed.
struct Step {
    document: Document,
    followed: usize,
}

/// Calls `visit` with `root` and then with each content that it leads to, once for each
/// descriptor; a manifest's `subject` is not followed. `buffer` holds one document at a time:
/// a parent is read again after each nested document.
///
/// # Errors
/// The errors of `visit`; the storage's own; and, where damage is refused, the damage.
pub fn walk<S: Storage>(
    source: OciLayout<'_, S>,
    root: Document,
    damage: Damage,
    buffer: &mut [u8],
    visit: &mut dyn FnMut(&Content) -> Result<(), Error>,
) -> Result<(), Error> {
    // The layout's own index is one level, which has no step.
    let mut steps: Vec<Step, { MAX_INDEX_DEPTH as usize }> = Vec::new();
    visit(&root.content)?;
    let mut next = Some(root);
    loop {
        if let Some(document) = next.take()
            && steps
                .push(Step {
                    document,
                    followed: 0,
                })
                .is_err()
            && damage == Damage::Refuse
        {
            return Err(Code::IndexNestedTooDeep.into());
        }
        let Some(step) = steps.last_mut() else {
            return Ok(());
        };
        match read(source, step.document, damage, buffer) {
            Ok(value) => next = follow(value, step, damage, visit)?,
            Err(code @ Code::Storage(_)) => return Err(code.into()),
            Err(code) if damage == Damage::Refuse => return Err(code.into()),
            Err(_) => {}
        }
        if next.is_none() {
            steps.pop();
        }
    }
}

fn read<'b, S: Storage>(
    source: OciLayout<'_, S>,
    document: Document,
    damage: Damage,
    buffer: &'b mut [u8],
) -> Result<Value<'b>, Code> {
    let bytes = read_document(source, &document.content, buffer)?;
    let value = json::parse(bytes, &caps(bytes))?;
    match (damage, document.is_index) {
        (Damage::Skip, _) => {}
        (Damage::Refuse, true) => drop(Index::parse(value)?),
        (Damage::Refuse, false) => drop(Manifest::parse(value, None)?),
    }
    Ok(value)
}

/// Visits the descriptors of a document that were not followed yet, up to and including the first
/// nested document, which is returned.
fn follow(
    value: Value<'_>,
    step: &mut Step,
    damage: Damage,
    visit: &mut dyn FnMut(&Content) -> Result<(), Error>,
) -> Result<Option<Document>, Error> {
    let nested = step.document.is_index;
    let (one, many) = if nested {
        ("", "manifests")
    } else {
        ("config", "layers")
    };
    let many = Elements::of(value.get(many));
    for value in value.get(one).into_iter().chain(many).skip(step.followed) {
        step.followed = step.followed.saturating_add(1);
        let found = match &Descriptor::parse(value) {
            Ok(descriptor) => Document::of(descriptor),
            Err(error) => Err((*error).into()),
        };
        match found {
            Ok(document) => {
                visit(&document.content)?;
                if nested {
                    return Ok(Some(document));
                }
            }
            Err(code) if damage == Damage::Refuse => return Err(code.into()),
            Err(_) => {}
        }
    }
    Ok(None)
}
