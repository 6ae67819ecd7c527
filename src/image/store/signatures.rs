// SPDX-License-Identifier: Apache-2.0
//! Signatures of images in a layout: manifests with the `artifactType` of a signature, whose
//! `subject` is a manifest or an index of the layout.
//!
//! In the store a signature is an entry of `index.json` without a name, with its `artifactType`.
//! Another layout may also have it as an entry without `artifactType`, and in the list of an
//! image's referrers, an index with the name `sha256-HEX`.

use core::mem;

use heapless::Vec;
use ocre_oci::json;
use ocre_oci::write::Array;
use ocre_oci::{Entry, ErrorKind, INDEX_MEDIA_TYPE, Index, Manifest, ManifestType, Sha256};

use super::walk::{Damage, Document};
use super::{EntryFilter, Error, INDEX, Numbers, walk_selected};
use crate::image::Content;
use crate::image::OciLayout;
use crate::image::blob::{caps, content_of, read_document, read_named};
use crate::image::signature_entry::{is_signature, listed_subject, type_of_manifest};
use crate::image::verdict::Code;
use crate::limits::MAX_SIGNATURES;
use crate::port::Storage;

/// Manifest of a signature.
#[derive(Clone, Copy)]
pub(super) struct StoredSignature {
    content: Content,
    artifact_type: &'static str,
}

impl StoredSignature {
    /// Returns the document of the signature.
    pub const fn document(&self) -> Document {
        Document {
            content: self.content,
            is_index: false,
        }
    }

    /// True where an entry of the store's index is this signature.
    pub fn is(&self, entry: &Entry<'_>) -> bool {
        let same = |digest| digest == self.content.digest;
        is_signature(entry) && entry.descriptor().is_ok_and(|found| same(found.digest))
    }

    /// Writes the entry of the store's index.
    pub fn write(&self, entries: &mut Array<'_, '_>) {
        entries.object(|out| {
            out.string("mediaType", ManifestType::Oci.name());
            out.display("digest", &self.content.digest);
            out.unsigned("size", self.content.size);
            out.string("artifactType", self.artifact_type);
        });
    }
}

/// Signatures of one image.
pub(super) type ImageSignatures = Vec<StoredSignature, MAX_SIGNATURES>;

/// Purpose of an entry, by the entry alone.
enum EntryPurpose {
    Signature,
    /// Perhaps a signature: the manifest says so.
    Manifest,
    /// List of the referrers of a subject.
    List(Sha256),
    Other,
}

/// Entry of an index, with its content or the reason why there is none.
struct SignatureCandidate {
    content: Result<Content, Code>,
    purpose: EntryPurpose,
}

impl SignatureCandidate {
    fn of(entry: &Entry<'_>) -> Self {
        let descriptor = entry.descriptor();
        let has_type = |wanted: &str| {
            let found = descriptor.as_ref();
            found.is_ok_and(|found| found.media_type == *wanted)
        };
        let told = entry.value().get("artifactType").is_some();
        let purpose = match listed_subject(entry) {
            _ if is_signature(entry) => EntryPurpose::Signature,
            Some(subject) if has_type(INDEX_MEDIA_TYPE) => EntryPurpose::List(subject),
            _ if !told && has_type(ManifestType::Oci.name()) => EntryPurpose::Manifest,
            _ => EntryPurpose::Other,
        };
        let content = match &descriptor {
            Ok(descriptor) => content_of(descriptor),
            Err(error) => Err((*error).into()),
        };
        Self { content, purpose }
    }

    /// Reads a manifest: the signature and its subject; `None` for anything else.
    fn read<S: Storage>(
        &self,
        source: OciLayout<'_, S>,
        buffer: &mut [u8],
    ) -> Result<Option<(StoredSignature, Sha256)>, Code> {
        let content = self.content?;
        let bytes = read_document(source, &content, buffer)?;
        let manifest = Manifest::parse(json::parse(bytes, &caps(bytes))?, None)?;
        let artifact_type = type_of_manifest(&manifest);
        let subject = manifest.subject().and_then(|found| found.digest.sha256());
        Ok(artifact_type.zip(subject).map(|(artifact_type, subject)| {
            let signature = StoredSignature {
                content,
                artifact_type,
            };
            (signature, subject)
        }))
    }
}

/// Returns an entry of a list of referrers, or of the layout's own index; `None` after the last.
fn nth<S: Storage>(
    source: OciLayout<'_, S>,
    list: Option<&Content>,
    place: usize,
    buffer: &mut [u8],
) -> Result<Option<SignatureCandidate>, Error> {
    let bytes = match list {
        None => read_named(source, INDEX, Code::IndexMissing, buffer),
        Some(list) => read_document(source, list, buffer),
    }?;
    let index = Index::parse(json::parse(bytes, &caps(bytes))?)?;
    Ok(index
        .manifests()
        .nth(place)
        .as_ref()
        .map(SignatureCandidate::of))
}

/// True where a wanted entry is the document with that digest, or leads to it.
fn leads_to<S: Storage>(
    source: OciLayout<'_, S>,
    wanted: EntryFilter<'_>,
    digest: &Sha256,
    buffer: &mut [u8],
) -> Result<bool, Error> {
    // An error ends the walk.
    let mut compare = |content: &Content| match content.digest == *digest {
        true => Err(Error::InUse),
        false => Ok(()),
    };
    match walk_selected(source, wanted, Damage::Skip, buffer, &mut compare) {
        Ok(()) => Ok(false),
        Err(Error::InUse) => Ok(true),
        Err(error) => Err(error),
    }
}

/// Finds the signatures of all documents that wanted entries of a layout lead to, each once.
///
/// # Errors
/// Faults of a signature, by its entry, and of a list of an image's referrers: the image that a
/// damaged signature belongs to is unknown. `too-many-entries` above [`MAX_SIGNATURES`]; the
/// storage's own.
pub(super) fn of_images<S: Storage>(
    source: OciLayout<'_, S>,
    wanted: EntryFilter<'_>,
    buffer: &mut [u8],
) -> Result<ImageSignatures, Error> {
    let mut found = ImageSignatures::new();
    let (mut list, mut place, mut after) = (None, 0_usize, 0_usize);
    loop {
        let Some(candidate) = nth(source, list.as_ref(), place, buffer)? else {
            if list.take().is_none() {
                return Ok(found);
            }
            place = after;
            continue;
        };
        place = place.saturating_add(1);
        let read = match candidate.purpose {
            // A list has no lists.
            EntryPurpose::List(subject) if list.is_none() => {
                if leads_to(source, wanted, &subject, buffer)? {
                    list = Some(candidate.content?);
                    after = mem::take(&mut place);
                }
                continue;
            }
            EntryPurpose::Signature => candidate.read(source, buffer)?,
            EntryPurpose::Manifest => match candidate.read(source, buffer) {
                Err(code @ Code::Storage(_)) => return Err(code.into()),
                // Another image may be damaged.
                read => read.unwrap_or_default(),
            },
            _ => continue,
        };
        if let Some((signature, subject)) = read
            && !found.iter().any(|other| other.content == signature.content)
            && leads_to(source, wanted, &subject, buffer)?
        {
            let many = Code::Document(ErrorKind::TooManyEntries);
            found.push(signature).map_err(|_| many)?;
        }
    }
}

/// Visits a signature of the store: its place in the index; the digests of its manifest and its
/// subject, `None` where the signature is damaged; and the buffer.
type SignatureVisit<'v> =
    &'v mut dyn FnMut(usize, Option<(Sha256, Sha256)>, &mut [u8]) -> Result<(), Error>;

/// Calls `visit` with each signature in the store.
#[inline(never)]
fn each_stored<S: Storage>(
    source: OciLayout<'_, S>,
    buffer: &mut [u8],
    visit: SignatureVisit<'_>,
) -> Result<(), Error> {
    for place in 0_usize.. {
        let Some(candidate) = nth(source, None, place, buffer)? else {
            break;
        };
        if !matches!(candidate.purpose, EntryPurpose::Signature) {
            continue;
        }
        let read = match candidate.read(source, buffer) {
            Err(code @ Code::Storage(_)) => return Err(code.into()),
            read => read.unwrap_or_default(),
        };
        let digests = read.map(|(signature, subject)| (signature.content.digest, subject));
        visit(place, digests, buffer)?;
    }
    Ok(())
}

/// Tells the digest of each signature in the store whose subject is a document that wanted entries
/// lead to.
///
/// # Errors
/// As [`Store::index`](super::Store::index).
pub(super) fn tell_of<S: Storage>(
    source: OciLayout<'_, S>,
    wanted: EntryFilter<'_>,
    buffer: &mut [u8],
    tell: &mut dyn FnMut(&Sha256),
) -> Result<(), Error> {
    each_stored(source, buffer, &mut |_, digests, buffer| {
        if let Some((signature, subject)) = digests
            && leads_to(source, wanted, &subject, buffer)?
        {
            tell(&signature);
        }
        Ok(())
    })
}

/// Signatures of the store without an image, by the places of their entries in the index.
pub(super) struct Orphans(Numbers);

impl Orphans {
    /// Finds the signatures whose subject is not `in_use`, and to whose subject no entry leads that
    /// `stays`. A damaged signature is one of them.
    ///
    /// # Errors
    /// As [`Store::index`](super::Store::index).
    pub fn find<S: Storage>(
        source: OciLayout<'_, S>,
        in_use: &[Sha256],
        stays: EntryFilter<'_>,
        buffer: &mut [u8],
    ) -> Result<Self, Error> {
        let mut orphans = Self(Numbers::default());
        let images =
            |index: &Index<'_>, entry: &Entry<'_>| !is_signature(entry) && stays(index, entry);
        each_stored(source, buffer, &mut |place, digests, buffer| {
            let has_image = match &digests {
                None => false,
                Some((_, subject)) => {
                    in_use.contains(subject) || leads_to(source, &images, subject, buffer)?
                }
            };
            if let Some(word) = orphans.0.get_mut(place / 32).filter(|_| !has_image) {
                *word |= 1 << (place % 32);
            }
            Ok(())
        })?;
        Ok(orphans)
    }

    /// True where there are none.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    /// True for an entry that is one of them.
    pub fn contains(&self, index: &Index<'_>, entry: &Entry<'_>) -> bool {
        let offset = entry.value().offset();
        let before = |other: &Entry<'_>| other.value().offset() < offset;
        let place = index.manifests().take_while(before).count();
        let word = self.0.get(place / 32);
        word.is_some_and(|word| word & (1 << (place % 32)) != 0)
    }
}
