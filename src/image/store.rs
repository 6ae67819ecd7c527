// SPDX-License-Identifier: Apache-2.0
//! The store: the images on the partition.
//!
//! # Files
//!
//! The store is an OCI image layout: `oci-layout`, `index.json` and
//! `blobs/sha256/<hex>`. An entry of `index.json` whose annotation
//! `org.opencontainers.image.ref.name` is `name:tag` is a *tag*. An entry with the `artifactType`
//! of a signature is a *signature* of the image that its `subject` names. A blob is *used* if an
//! entry leads to it, or the manifest of a container does.
//!
//! # Power cuts
//!
//! The power may go at any instant, in the middle of a program or erase. Then:
//!
//! - **Every file under `blobs/sha256` with the name of a digest is whole**: its bytes were
//!   hashed while they were written, and it got its name only once they were synced.
//! - **Tags change all at once.** `index.json` is the old one or the new one.
//! - **A tag never leads to a blob that is not there**: blobs are stored before the tag is
//!   written, and removed after it is gone.
//!
//! So each operation has two outcomes, and which of them a cut left is visible in the tags:
//!
//! | operation | before | after | a cut may also leave |
//! |---|---|---|---|
//! | [`Store::open`] | | a layout, with no tags if there was none | parts of an empty layout |
//! | [`Store::import`] | no tag, or its old one | the tag, its content and its signatures, and the old image with its own, until the new one is [tried out](update) | blobs that nothing uses |
//! | [`Store::tried`] | a tag on trial | as in [its table](update); the signatures of an image that is forgotten stay until a removal or [`Store::prune`], as its blobs may | |
//! | [`Store::remove`] | the tag | no tag, no signatures of images that are gone, and no blobs that only these used | blobs that nothing uses |
//! | [`Store::prune`] | signatures without an image, blobs that nothing uses | none | the signatures or none, some of the blobs |
//!
//! A signature has an image if an entry leads to its subject, or a container was created from that.
//! Entries of signatures change with the tags, in the same replacement of `index.json`.
//!
//! Each operation can be repeated after a cut, and then completes. Blobs that nothing uses take
//! room and do no harm: a repeated import uses them, [`Store::prune`] removes them, and nothing
//! else does. A file whose name begins with `.new` may be left too; the next [`Store::open`]
//! [recovers](atomic::recover) it.
//!
//! # Damage
//!
//! An index that is not found where there are blobs is `index-missing`: it is not made anew, so
//! that nothing takes the blobs for unused ones.
//!
//! An operation that *fails*, for lack of room or because the source is not what it claims to
//! be, leaves what a cut before its last step would leave. Room for rewriting the index is
//! never given to blobs, so that an image can be removed from a full partition.
//!
//! # How
//!
//! [`atomic::replace`] writes every file. Nothing is kept in memory between operations; the caller
//! lends one buffer for documents, whose length caps them. An operation needs exclusive use of the
//! store; callers that share it take a lock.

mod signatures;
pub mod update;
mod walk;

use core::fmt;

use heapless::{String, Vec};
use ocre_oci::json::{self, Caps};
use ocre_oci::write::{self, Array};
use ocre_oci::{Entry, Hasher, Index, Layout, REF_NAME, Reference, Sha256};

use self::signatures::Orphans;
use self::update::{FAILURES, PREVIOUS, was};
use self::walk::{Damage, Document, walk};
use super::Content;
use super::OciLayout;
use super::blob::{self, append_blob, caps, content_of, read_named};
use super::judge::Selector;
use super::judged::fingerprint;
use super::signature_entry::belongs_to_image;
use super::verdict::Code;
use crate::atomic::{self, AtomicWriter};
use crate::limits::{COPY_BUFFER, SIGNATURES};
use crate::port::exists;
use crate::port::path::{Path, append, join};
use crate::port::{EntryKind, Storage, StorageError};

/// Reason why an operation failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Error {
    /// The image or the store is not found, incomplete or damaged, or the partition failed: with a
    /// code of the judge.
    Image(Code),
    /// A container was created from the image.
    InUse,
    /// The index would be too large to be read.
    IndexFull,
}

impl Error {
    /// The stable code, as `docs/errors.md` lists it.
    pub fn code(self) -> &'static str {
        match self {
            Self::Image(code) => code.as_str(),
            Self::InUse => "image-in-use",
            Self::IndexFull => "index-full",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl core::error::Error for Error {}

impl From<Code> for Error {
    fn from(code: Code) -> Self {
        Self::Image(code)
    }
}

impl From<StorageError> for Error {
    fn from(error: StorageError) -> Self {
        Self::Image(Code::Storage(error))
    }
}

impl From<ocre_oci::Error> for Error {
    fn from(error: ocre_oci::Error) -> Self {
        Self::Image(error.into())
    }
}

/// A tag as the index spells it: `name:tag`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tag(String<{ Reference::MAX_NAME + 1 + Reference::MAX_TAG }>);

impl Tag {
    /// Returns the tag of a reference, `latest` where it has none. The reference's digest is no
    /// part of it.
    pub fn new(reference: &Reference<'_>) -> Self {
        let mut text = String::new();
        // A reference is within the lengths that the capacity is made of.
        let _ = fmt::write(
            &mut text,
            format_args!(
                "{}:{}",
                reference.name(),
                reference.tag().unwrap_or("latest")
            ),
        );
        Self(text)
    }

    /// Text of the tag.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Progress of an import.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Progress {
    /// Bytes stored so far.
    pub done: u64,
    /// Bytes of all blobs, each counted as often as the image names it.
    pub total: u64,
}

/// Blobs that were removed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Freed {
    /// Number of blobs.
    pub blobs: u32,
    /// Bytes of their content; the file system frees whole blocks.
    pub bytes: u64,
}

/// Number of blobs that are looked for in one walk over all documents.
const BATCH: usize = 16;

/// Number of blobs, the first in the order of their digests, that [`Store::remove`] may free. The
/// others stay until [`Store::prune`].
pub const MOST_BLOBS: usize = 512;

/// Blobs by their numbers in the order of the digests, one bit each.
type Numbers = [u32; MOST_BLOBS / 32];

/// Purpose of a pass over all blobs.
enum Sweep<'s> {
    /// Notes the used blobs.
    Note(&'s mut Numbers),
    /// Removes the noted blobs that are unused.
    FreeOf(&'s Numbers),
    /// Removes the unused blobs, and tells of each.
    Free(&'s mut dyn FnMut(&Content)),
}

/// The images on a storage.
///
/// ```
/// use ocre::image::OciLayout;
/// use ocre::image::judge::Selector;
/// use ocre::image::store::{Store, Tag};
/// use ocre_oci::Reference;
///
/// # mod device { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/device.rs")); }
/// // An empty storage, and another one with an image.
/// # let (storage, other) = (device::disk(), device::disk_with_image());
/// let named = |name| Selector { name: Some(name), digest: None };
/// let mut document = [0; 4096];
/// let mut store = Store::open(&storage, "/", &mut document)?;
///
/// let from = OciLayout { storage: &other, root: "/" };
/// let tag = Tag::new(&Reference::parse("app:1")?);
/// store.import(from, named("seven:1"), &tag, &mut |progress| {
///     println!("{} of {} bytes", progress.done, progress.total);
/// })?;
/// assert!(store.find(named("app:1")).is_ok());
///
/// let freed = store.remove(named("app:1"), &[])?;
/// assert_eq!(freed.blobs, 3); // the manifest, the config and the code
/// # Ok::<(), ocre::image::store::Error>(())
/// ```
pub struct Store<'a, S> {
    source: OciLayout<'a, S>,
    document: &'a mut [u8],
}

impl<'a, S: Storage> Store<'a, S> {
    /// Opens the store in the folder `root`: makes the missing parts of an empty one, and recovers
    /// from a power cut. `document` is at least as long as the largest document.
    ///
    /// # Errors
    /// A fault of the layout's marker, or the storage's own.
    pub fn open(storage: &'a S, root: &'a str, document: &'a mut [u8]) -> Result<Self, Error> {
        let source = OciLayout { storage, root };
        let blobs = join(root, "blobs")?;
        let folder = join(root, BLOBS)?;
        for path in [root, &blobs, &folder] {
            match storage.create_dir(path) {
                Ok(()) | Err(StorageError::Exists) => {}
                Err(error) => return Err(error.into()),
            }
        }
        atomic::recover(storage, root.trim_end_matches('/'), INDEX);
        atomic::recover_all(storage, &folder)?;
        if is_missing(source, INDEX)? {
            let mut blob = Path::new();
            if !atomic::next_entry(storage, &folder, &mut blob, &|_, _| true)? {
                write_index(source, document.len(), &mut |_| Ok(0))?;
            }
        }
        // Last, so that a folder with a marker has the rest.
        if is_missing(source, LAYOUT)? {
            let path = join(root, LAYOUT)?;
            atomic::replace(storage, &path, &mut |output| output.format(write::layout))?;
        }
        let marker = read_named(source, LAYOUT, Code::LayoutMissing, document)?;
        Layout::parse(json::parse(marker, &caps(marker))?)?;
        Ok(Self { source, document })
    }

    /// Returns a store that was [opened](Self::open) before, since the last power cut.
    pub const fn opened(storage: &'a S, root: &'a str, document: &'a mut [u8]) -> Self {
        Self {
            source: OciLayout { storage, root },
            document,
        }
    }

    /// Reads the index: its [`manifests`](Index::manifests) are the tags, and entries without one,
    /// signatures among them.
    ///
    /// # Errors
    /// `index-missing`, a fault of the index, or the storage's own.
    pub fn index(&mut self) -> Result<Index<'_>, Error> {
        read_index(self.source, self.document)
    }

    /// Finds the manifest or index of a tag or a digest; the first of several.
    ///
    /// # Errors
    /// As [`index`](Self::index); `reference-not-found`.
    pub fn find(&mut self, selector: Selector<'_>) -> Result<Content, Error> {
        let index = self.index();
        let index = index.as_ref().map_err(|error| *error)?;
        let mut selected = index.manifests().filter(|entry| selects(selector, entry));
        let entry = selected.next().ok_or(Code::ReferenceNotFound)?;
        let descriptor = entry.descriptor();
        Ok(content_of(descriptor.as_ref().map_err(|error| *error)?)?)
    }

    /// Tells the digest of the manifest of each signature of an image, of all its variants. Damaged
    /// signatures are left out.
    ///
    /// # Errors
    /// As [`index`](Self::index).
    pub fn signatures(
        &mut self,
        selector: Selector<'_>,
        tell: &mut dyn FnMut(&Sha256),
    ) -> Result<(), Error> {
        let wanted = |_: &Index<'_>, entry: &Entry<'_>| selects(selector, entry);
        signatures::tell_of(self.source, &wanted, self.document, tell)
    }

    /// Copies an image from another layout and tags it. A tag of that name is replaced, and its old
    /// image is kept until the new one [works](update).
    ///
    /// The entries that `selector` selects in the other layout's index are copied whole: all
    /// variants of an image, and all manifests of an index, with the signatures of each that the
    /// other layout has. They need not run here. Content that is here already is hashed and, if it
    /// is whole, not copied.
    ///
    /// # Errors
    /// Faults of the other layout, its signatures included; `index-empty`, `reference-not-found`,
    /// and `reference-ambiguous` where several names are selected; `too-many-entries` for more than
    /// [`MAX_SIGNATURES`](crate::limits::MAX_SIGNATURES); `digest-mismatch` and `size-mismatch`
    /// where a blob changes while it is read; `storage-full`; `index-full`.
    pub fn import<F: Storage>(
        &mut self,
        from: OciLayout<'_, F>,
        selector: Selector<'_>,
        tag: &Tag,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(), Error> {
        let reserve = self.reserve();
        let mut total = 0_u64;
        let mut add = |content: &Content| {
            total = total.saturating_add(content.size);
            Ok(())
        };
        check_selection(from, selector, self.document)?;
        let wanted = |_: &Index<'_>, entry: &Entry<'_>| selects(selector, entry);
        let mut signatures = signatures::of_images(from, &wanted, self.document)?;
        let mut walk_all = |visit: &mut dyn FnMut(&Content) -> Result<(), Error>| {
            walk_selected(from, &wanted, Damage::Refuse, self.document, visit)?;
            for signature in &signatures {
                let document = signature.document();
                walk(from, document, Damage::Refuse, self.document, visit)?;
            }
            Ok::<(), Error>(())
        };
        walk_all(&mut add)?;

        let mut done = 0_u64;
        progress(Progress { done, total });
        let to = self.source;
        let mut copy = |content: &Content| {
            copy(from, to, reserve, content, &mut |bytes| {
                progress(Progress {
                    done: done.saturating_add(bytes),
                    total,
                });
            })?;
            done = done.saturating_add(content.size);
            progress(Progress { done, total });
            Ok(())
        };
        walk_all(&mut copy)?;

        let tag = tag.as_str();
        // Other tools leave `latest` out.
        let bare = tag.strip_suffix(":latest").unwrap_or(tag);
        let named = |entry: &Entry<'_>| {
            let name = entry.reference_name();
            name.is_some_and(|name| name == *tag || name == *bare)
        };
        let selected = |entry: &Entry<'_>| selects(selector, entry);
        let new = fingerprint(
            &mut read_index(from, self.document)?
                .manifests()
                .filter(selected),
        );
        let index = self.index()?;
        let old = fingerprint(&mut index.manifests().filter(named));
        let kept = fingerprint(&mut index.manifests().filter(|entry| was(entry, tag)));
        signatures.retain(|signature| !index.manifests().any(|entry| signature.is(&entry)));
        self.rewrite(
            &mut |entries, _, entry| {
                match (was(entry, tag), named(entry)) {
                    (true, _) if kept == new => return Ok(false),
                    // The new image has not failed yet.
                    (true, _) if old != new => entries.annotated(entry, &[(FAILURES, None)]),
                    (false, true) if kept.is_some() || old == new => return Ok(false),
                    (false, true) => {
                        entries.annotated(entry, &[(REF_NAME, None), (PREVIOUS, Some(&tag))])
                    }
                    _ => entries.copy(entry.value()),
                }?;
                Ok(true)
            },
            &mut |entries, buffer| {
                let index = read_index(from, buffer)?;
                // Before the tag, so that a repeated import changes nothing.
                for signature in &signatures {
                    signature.write(entries);
                }
                let mut count = signatures.len();
                for entry in index.manifests().filter(selected) {
                    let changed: &[(_, Option<&dyn fmt::Display>)] =
                        &[(PREVIOUS, None), (FAILURES, None), (REF_NAME, Some(&tag))];
                    entries.annotated(&entry, changed).map_err(unwritten)?;
                    count = count.saturating_add(1);
                }
                Ok(count)
            },
        )
    }

    /// Stores a blob, which is unused until a stored document names it. Content that is here
    /// already is hashed; it is written only if it is damaged. `source` fills a buffer and returns
    /// the number of bytes, 0 at the end.
    ///
    /// # Errors
    /// `digest-mismatch` or `size-mismatch` where the bytes are not that content,
    /// `storage-full`, and the errors of `source`.
    pub fn put(
        &mut self,
        content: &Content,
        source: &mut dyn FnMut(&mut [u8]) -> Result<usize, Error>,
    ) -> Result<(), Error> {
        put(self.source, self.reserve(), content, source)
    }

    /// Removes a tag, or the entries of a digest, the signatures whose images are gone then, and the
    /// blobs that only they used, up to [`MOST_BLOBS`]. `in_use` are the manifests that containers
    /// were created from.
    ///
    /// # Errors
    /// `reference-not-found`; `image-in-use`; as [`index`](Self::index).
    pub fn remove(&mut self, selector: Selector<'_>, in_use: &[Sha256]) -> Result<Freed, Error> {
        check_selection(self.source, selector, self.document)?;
        let mut used = |content: &Content| {
            if in_use.contains(&content.digest) {
                Err(Error::InUse)
            } else {
                Ok(())
            }
        };
        let selected = |_: &Index<'_>, entry: &Entry<'_>| selects(selector, entry);
        walk_selected(
            self.source,
            &selected,
            Damage::Skip,
            self.document,
            &mut used,
        )?;
        let mut used = [0; MOST_BLOBS / 32];
        self.sweep(in_use, Sweep::Note(&mut used))?;
        let stays = |index: &Index<'_>, entry: &Entry<'_>| {
            // A tag's previous image goes with the tag.
            let previous = entry.annotation(PREVIOUS);
            let mut going = index.manifests().filter(|other| selects(selector, other));
            !selects(selector, entry)
                && previous
                    .is_none_or(|tag| !going.any(|other| other.reference_name() == Some(tag)))
        };
        if SIGNATURES {
            let orphans = Orphans::find(self.source, in_use, &stays, self.document)?;
            self.keep(&|index, entry| stays(index, entry) && !orphans.contains(index, entry))?;
        } else {
            self.keep(&stays)?;
        }
        self.sweep(in_use, Sweep::FreeOf(&used))
    }

    /// Removes every signature without an image, then every unused blob. `in_use` are the manifests
    /// that containers were created from. A damaged document uses nothing: its image must be
    /// imported again anyway, which brings the removed blobs back.
    ///
    /// # Errors
    /// As [`index`](Self::index).
    pub fn prune(&mut self, in_use: &[Sha256]) -> Result<Freed, Error> {
        self.prune_and_tell(in_use, &mut |_| {})
    }

    /// [`prune`](Self::prune)s, and tells of each blob before it is removed.
    ///
    /// # Errors
    /// As [`index`](Self::index).
    pub fn prune_and_tell(
        &mut self,
        in_use: &[Sha256],
        tell: &mut dyn FnMut(&Content),
    ) -> Result<Freed, Error> {
        if SIGNATURES {
            let orphans = Orphans::find(self.source, in_use, &|_, _| true, self.document)?;
            if !orphans.is_empty() {
                self.keep(&|index, entry| !orphans.contains(index, entry))?;
            }
        }
        self.sweep(in_use, Sweep::Free(tell))
    }

    /// Goes through all blobs in the order of the digests, and checks for each whether it is used.
    #[inline(never)]
    fn sweep(&mut self, in_use: &[Sha256], mut sweep: Sweep<'_>) -> Result<Freed, Error> {
        let mut freed = Freed::default();
        let mut after = None;
        let mut number = 0_usize;
        let mut batch = Vec::new();
        loop {
            self.blobs_after(after, &mut batch)?;
            let Some(last) = batch.last() else {
                return Ok(freed);
            };
            after = Some(last.content.digest);
            self.set_used(&mut batch, in_use)?;
            for blob in &batch {
                let (word, bit) = (number / 32, 1 << (number % 32));
                number = number.saturating_add(1);
                let frees = match &mut sweep {
                    Sweep::Note(used) => {
                        if let Some(word) = used.get_mut(word).filter(|_| blob.used) {
                            *word |= bit;
                        }
                        false
                    }
                    Sweep::FreeOf(used) => used.get(word).is_some_and(|word| word & bit != 0),
                    Sweep::Free(_) => true,
                };
                if !frees || blob.used {
                    continue;
                }
                if let Sweep::Free(tell) = &mut sweep {
                    tell(&blob.content);
                }
                let mut path = Path::new();
                append_blob(&mut path, self.source.root, &blob.content.digest)?;
                self.source.storage.remove(&path)?;
                freed.blobs = freed.blobs.saturating_add(1);
                freed.bytes = freed.bytes.saturating_add(blob.content.size);
            }
        }
    }

    /// Fills `batch` with the blobs whose digests come next after `after`.
    fn blobs_after(
        &self,
        after: Option<Sha256>,
        batch: &mut Vec<StoredBlob, BATCH>,
    ) -> Result<(), Error> {
        batch.clear();
        let folder = join(self.source.root, BLOBS)?;
        self.source
            .storage
            .read_dir(&folder, &mut |name, metadata| {
                let digest = Sha256::from_hex(name).ok();
                let wanted = digest.filter(|digest| after.is_none_or(|after| *digest > after));
                if let (Some(digest), EntryKind::File) = (wanted, metadata.kind) {
                    let content = Content {
                        digest,
                        size: metadata.size,
                    };
                    let place = batch.partition_point(|blob| blob.content.digest < digest);
                    if batch.is_full() && place < BATCH {
                        batch.pop();
                    }
                    // If the batch is full of smaller digests, this one comes in a later batch.
                    let _ = batch.insert(
                        place,
                        StoredBlob {
                            content,
                            used: false,
                        },
                    );
                }
                true
            })?;
        Ok(())
    }

    /// Marks the used blobs of a sorted batch.
    fn set_used(
        &mut self,
        batch: &mut Vec<StoredBlob, BATCH>,
        in_use: &[Sha256],
    ) -> Result<(), Error> {
        let source = self.source;
        let mut set_used = |content: &Content| {
            let found = batch.binary_search_by(|blob| blob.content.digest.cmp(&content.digest));
            if let Some(blob) = found.ok().and_then(|place| batch.get_mut(place)) {
                blob.used = true;
            }
            Ok(())
        };
        let all = &|_: &Index<'_>, _: &Entry<'_>| true;
        walk_selected(source, all, Damage::Skip, self.document, &mut set_used)?;
        for digest in in_use {
            let mut path = Path::new();
            append_blob(&mut path, source.root, digest)?;
            let size = match source.storage.metadata(&path) {
                Err(StorageError::NotFound) => continue,
                found => found?.size,
            };
            let content = Content {
                digest: *digest,
                size,
            };
            let document = Document {
                content,
                is_index: false,
            };
            walk(source, document, Damage::Skip, self.document, &mut set_used)?;
        }
        Ok(())
    }

    /// Replaces the index by one with the entries that `keep` selects.
    fn keep(&mut self, keep: EntryFilter<'_>) -> Result<(), Error> {
        self.rewrite(
            &mut |entries, index, entry| {
                let kept = keep(index, entry);
                if kept {
                    entries.copy(entry.value())?;
                }
                Ok(kept)
            },
            &mut |_, _| Ok(0),
        )
    }

    /// Replaces the index by one with the entries that `copy` and `add` write. `add` may use the
    /// document buffer, and returns the number of its entries.
    #[inline(never)]
    fn rewrite(&mut self, copy: Copying<'_>, add: Adding<'_>) -> Result<(), Error> {
        let Self { source, document } = self;
        write_index(*source, document.len(), &mut |entries| {
            let index = read_index(*source, document);
            let index = index.as_ref().map_err(|error| *error)?;
            let mut kept = 0_usize;
            for entry in index.manifests() {
                let copied = copy(entries, index, &entry).map_err(unwritten)?;
                kept = kept.saturating_add(copied.into());
            }
            Ok(kept.saturating_add(add(entries, document)?))
        })
    }

    /// Space that blobs leave free for the old and the new index, in bytes; on a small partition, a
    /// [part](RESERVED_PART) of the partition.
    fn reserve(&self) -> u64 {
        u64::try_from(self.document.len())
            .unwrap_or(u64::MAX)
            .saturating_mul(2)
    }
}

/// Largest reserve for the index: one part of the partition in this many.
const RESERVED_PART: u64 = 8;

const LAYOUT: &str = "oci-layout";
const INDEX: &str = "index.json";
const BLOBS: &str = "blobs/sha256";

/// Selects entries of an index.
type EntryFilter<'w> = &'w dyn Fn(&Index<'_>, &Entry<'_>) -> bool;

/// Writes an entry of the old index to the new one. Returns true where it wrote one.
type Copying<'c> =
    &'c mut dyn FnMut(&mut Array<'_, '_>, &Index<'_>, &Entry<'_>) -> Result<bool, fmt::Error>;

/// Writes further entries of a new index, with a buffer for documents. Returns their number.
type Adding<'a> = &'a mut dyn FnMut(&mut Array<'_, '_>, &mut [u8]) -> Result<usize, Error>;

/// Error of formatting, which fails only where the output does, which has the reason.
fn unwritten(_: fmt::Error) -> Error {
    StorageError::Io.into()
}

/// A blob of the store.
struct StoredBlob {
    content: Content,
    used: bool,
}

fn is_missing<S: Storage>(source: OciLayout<'_, S>, name: &str) -> Result<bool, StorageError> {
    let mut path = Path::new();
    append(&mut path, &[source.root.trim_end_matches('/'), "/", name])?;
    Ok(!exists(source.storage, &path)?)
}

fn read_index<'b, S: Storage>(
    source: OciLayout<'_, S>,
    buffer: &'b mut [u8],
) -> Result<Index<'b>, Error> {
    let bytes = read_named(source, INDEX, Code::IndexMissing, buffer)?;
    Ok(Index::parse(json::parse(bytes, &caps(bytes))?)?)
}

/// Replaces a file as [`atomic::replace`] does, with errors of `fill` that are not the storage's.
#[inline(never)]
fn replace<S: Storage>(
    storage: &S,
    path: &str,
    fill: &mut dyn FnMut(&mut AtomicWriter<'_, S>) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut filled = Ok(());
    let replaced = atomic::replace(storage, path, &mut |output| {
        filled = fill(output);
        filled.map_err(|_| StorageError::Io)
    });
    filled?;
    Ok(replaced?)
}

/// Writes an index of at most `room` bytes, with the entries that `fill` writes and counts.
#[inline(never)]
fn write_index<S: Storage>(
    source: OciLayout<'_, S>,
    room: usize,
    fill: &mut dyn FnMut(&mut Array<'_, '_>) -> Result<usize, Error>,
) -> Result<(), Error> {
    let path = join(source.root, INDEX)?;
    replace(source.storage, &path, &mut |output| {
        let mut count = Ok(0);
        output.format(|text| {
            write::index(text, |entries| {
                count = fill(entries);
                count.map(drop).map_err(|_| fmt::Error)
            })
        })?;
        let fits = count? <= usize::from(Caps::default().entries)
            && usize::try_from(output.written()).is_ok_and(|written| written <= room);
        if fits { Ok(()) } else { Err(Error::IndexFull) }
    })
}

/// True where a selector selects the entry itself, not a document in it.
fn selects(selector: Selector<'_>, entry: &Entry<'_>) -> bool {
    let has = |digest| entry.descriptor().is_ok_and(|found| found.digest == digest);
    selector.names(entry)
        && selector.digest.is_none_or(has)
        && (!belongs_to_image(entry) || selector != Selector::default())
}

/// Checks that the selected entries are one image.
fn check_selection<S: Storage>(
    source: OciLayout<'_, S>,
    selector: Selector<'_>,
    buffer: &mut [u8],
) -> Result<(), Error> {
    let index = read_index(source, buffer);
    let index = index.as_ref().map_err(|error| *error)?;
    if index.manifests().next().is_none() {
        return Err(Code::IndexEmpty.into());
    }
    let mut names = index
        .manifests()
        .filter(|entry| selects(selector, entry))
        .map(|entry| entry.reference_name());
    let first = names.next().ok_or(Code::ReferenceNotFound)?;
    if names.all(|name| name == first) {
        Ok(())
    } else {
        Err(Code::ReferenceAmbiguous.into())
    }
}

/// [`walk`]s from each wanted entry.
fn walk_selected<S: Storage>(
    source: OciLayout<'_, S>,
    wanted: EntryFilter<'_>,
    damage: Damage,
    buffer: &mut [u8],
    visit: &mut dyn FnMut(&Content) -> Result<(), Error>,
) -> Result<(), Error> {
    for place in 0_usize.. {
        let Some(found) = nth_selected(source, wanted, place, buffer)? else {
            break;
        };
        match found {
            Ok(document) => walk(source, document, damage, buffer, visit)?,
            Err(code) if damage == Damage::Refuse => return Err(code.into()),
            Err(_) => {}
        }
    }
    Ok(())
}

fn nth_selected<S: Storage>(
    source: OciLayout<'_, S>,
    wanted: EntryFilter<'_>,
    place: usize,
    buffer: &mut [u8],
) -> Result<Option<Result<Document, Code>>, Error> {
    let index = read_index(source, buffer);
    let index = index.as_ref().map_err(|error| *error)?;
    let mut selected = index.manifests().filter(|entry| wanted(index, entry));
    let entry = selected.nth(place);
    Ok(entry.map(|entry| Document::of(&entry.descriptor()?)))
}

/// Copies one blob; `progress` gets the number of its bytes that are read.
fn copy<F: Storage, S: Storage>(
    from: OciLayout<'_, F>,
    to: OciLayout<'_, S>,
    reserve: u64,
    content: &Content,
    progress: &mut dyn FnMut(u64),
) -> Result<(), Error> {
    let mut file = blob::open(from.storage, from.root, content)?.into_file();
    let mut done = 0_u64;
    put(to, reserve, content, &mut |buffer| {
        let count = from.storage.read(&mut file, buffer)?;
        done = done.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        progress(done);
        Ok(count)
    })?;
    Ok(from.storage.close(file)?)
}

fn put<S: Storage>(
    to: OciLayout<'_, S>,
    reserve: u64,
    content: &Content,
    source: &mut dyn FnMut(&mut [u8]) -> Result<usize, Error>,
) -> Result<(), Error> {
    let mut buffer = [0; COPY_BUFFER];
    match blob::verify(to.storage, to.root, content, &mut buffer) {
        Ok(()) => return Ok(()),
        // A damaged file is replaced.
        Err(Code::Storage(error)) if error != StorageError::Corrupt => return Err(error.into()),
        Err(_) => {}
    }
    let space = to.storage.space()?;
    let reserve = reserve.min(space.total / RESERVED_PART);
    if space.free < content.size.saturating_add(reserve) {
        return Err(StorageError::NoSpace.into());
    }
    let mut path = Path::new();
    append_blob(&mut path, to.root, &content.digest)?;
    replace(to.storage, &path, &mut |output| {
        let mut hasher = Hasher::default();
        loop {
            let count = source(&mut buffer)?;
            let bytes = buffer.get(..count).unwrap_or_default();
            if bytes.is_empty() {
                break;
            }
            hasher.update(bytes);
            output.write(bytes)?;
            if output.written() > content.size {
                return Err(Code::SizeMismatch.into());
            }
        }
        if output.written() != content.size {
            Err(Code::SizeMismatch.into())
        } else if hasher.finish() != content.digest {
            Err(Code::DigestMismatch.into())
        } else {
            Ok(())
        }
    })
}
