// SPDX-License-Identifier: Apache-2.0
//! Copies an image from one place to another: its blobs first, then its documents from the
//! innermost to the outermost, which gets the name.

use std::collections::{HashMap, HashSet};
use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use ocre_oci::json::{self, Caps, Elements, Value};
use ocre_oci::write;
use ocre_oci::{Descriptor, ErrorKind, INDEX_MEDIA_TYPE, ManifestType, Sha256};

use crate::blob::Blob;
use crate::error::{Error, RegistryCode};
use crate::hashing::Verified;
use crate::referrer::{CopiedReferrers, Referrer, artifact_type};

/// Most bytes of one document. The distribution specification requires that a registry takes at
/// least as many.
pub const MAX_DOCUMENT: usize = 4 << 20;

/// Most bytes of all documents of one image, which are kept in memory.
const MAX_DOCUMENTS: usize = 64 << 20;

/// Most indexes on the way to a manifest, as for an image that is judged.
const MAX_DEPTH: usize = 4;

/// Most blobs that an image names.
const MAX_BLOBS: usize = 100_000;

const DOCKER_INDEX: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";

/// Limits for reading documents of these types.
pub fn document_caps() -> Caps {
    Caps {
        bytes: MAX_DOCUMENT as u32,
        depth: Caps::MAX_DEPTH,
        entries: u16::MAX,
    }
}

/// A manifest or an index.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ImageDocument {
    /// Media type.
    pub media_type: String,
    /// JSON text.
    pub bytes: Vec<u8>,
    /// Digest of the text.
    pub digest: Sha256,
}

impl ImageDocument {
    /// Computes the digest.
    pub fn new(media_type: String, bytes: Vec<u8>) -> Self {
        let digest = Sha256::of(&bytes);
        Self {
            media_type,
            bytes,
            digest,
        }
    }

    /// Digest and size of the document.
    pub fn blob(&self) -> Blob {
        Blob {
            digest: self.digest,
            size: self.bytes.len() as u64,
        }
    }

    /// Parses the JSON.
    ///
    /// # Errors
    /// Errors of the JSON.
    pub fn parse(&self) -> Result<Value<'_>, Error> {
        json::parse(&self.bytes, &document_caps()).map_err(|error| self.wrong(error))
    }

    fn wrong(&self, error: ocre_oci::Error) -> Error {
        Error::of_document(error, &self.bytes, self.digest)
    }

    fn refused(&self, value: Value<'_>, code: RegistryCode) -> Error {
        let place = json::pointer(&self.bytes, value.offset());
        Error::new(code, format_args!("{}{place}", self.digest))
    }

    fn is_index(&self) -> bool {
        [INDEX_MEDIA_TYPE, DOCKER_INDEX].contains(&&*self.media_type)
    }

    fn is_manifest(&self) -> bool {
        [
            ManifestType::Oci.name(),
            ManifestType::Ocre.name(),
            DOCKER_MANIFEST,
        ]
        .contains(&&*self.media_type)
    }
}

/// Media types of documents that are understood, for the header `Accept`.
pub(crate) const ACCEPTED: [&str; 5] = [
    ManifestType::Oci.name(),
    INDEX_MEDIA_TYPE,
    ManifestType::Ocre.name(),
    DOCKER_MANIFEST,
    DOCKER_INDEX,
];

/// Reader of content.
pub type ContentReader<'a> = Box<dyn Read + Send + 'a>;

/// Place that an image is copied from. The receiver checks all content.
pub trait Source: Sync {
    /// Document that the name of the image leads to.
    ///
    /// # Errors
    /// Missing document; errors of the place.
    fn root(&self) -> Result<ImageDocument, Error>;

    /// Document that another one names.
    ///
    /// # Errors
    /// As [`root`](Self::root).
    fn document(&self, media_type: &str, content: &Blob) -> Result<ImageDocument, Error>;

    /// Opens content, from `from` bytes on.
    ///
    /// # Errors
    /// `blob-missing`, and errors of the place.
    fn open(&self, blob: &Blob, from: u64) -> Result<ContentReader<'_>, Error>;

    /// Referrers of a document; none where the place has no list of them.
    ///
    /// # Errors
    /// Errors of the place.
    fn referrers(&self, subject: &Sha256) -> Result<Vec<Referrer>, Error>;

    /// Host and repository, where the source is a registry.
    fn repository(&self) -> Option<(&str, &str)> {
        None
    }
}

/// Place that an image is copied to.
pub trait Sink: Sync {
    /// Most blobs in parallel. A sink that takes one at a time gets them in the order of the
    /// image's documents.
    fn most_at_once(&self) -> usize {
        usize::MAX
    }

    /// True where the content is complete in the sink, or where the sink mounts it from the
    /// repository `from` without an upload.
    ///
    /// # Errors
    /// Errors of the place.
    fn has(&self, blob: &Blob, from: Option<(&str, &str)>) -> Result<bool, Error>;

    /// Stores content. `open` opens it from a number of bytes on, any number of times; the bytes
    /// are not checked yet.
    ///
    /// # Errors
    /// `digest-mismatch`, `size-mismatch`, errors of `open` and of the place.
    fn put(&self, blob: &Blob, open: ContentOpener<'_>) -> Result<(), Error>;

    /// Stores a document.
    ///
    /// # Errors
    /// Errors of the place.
    fn put_document(&self, document: &ImageDocument, role: Role) -> Result<(), Error>;
}

/// Opens content from a number of bytes on.
pub type ContentOpener<'a> = &'a (dyn Fn(u64) -> Result<ContentReader<'a>, Error> + Sync);

/// Role of a document in the sink.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// Part of another document.
    Part,
    /// Document that gets the name.
    Root,
    /// Document about another one in the sink.
    Referrer,
}

/// Platform of an image, as in an index.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PlatformName {
    os: String,
    architecture: String,
    variant: Option<String>,
}

impl PlatformName {
    /// Parses `OS/ARCHITECTURE[/VARIANT]`; `None` for any other form.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('/');
        let mut part = || {
            parts
                .next()
                .filter(|part| !part.is_empty())
                .map(str::to_owned)
        };
        let platform = Self {
            os: part()?,
            architecture: part()?,
            variant: part(),
        };
        (text.matches('/').count() == 1 + usize::from(platform.variant.is_some()))
            .then_some(platform)
    }

    fn fits(&self, found: Value<'_>) -> bool {
        let has = |name: &str, wanted: &str| {
            let text = found.get(name).and_then(|value| value.text().ok());
            text.is_some_and(|text| text == *wanted)
        };
        has("os", &self.os)
            && has("architecture", &self.architecture)
            && self
                .variant
                .as_ref()
                .is_none_or(|variant| has("variant", variant))
    }
}

/// Progress of a copy, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CopyProgress {
    /// Bytes done.
    pub done: u64,
    /// Bytes of all blobs.
    pub total: u64,
}

/// Options of a copy.
pub struct CopyOptions<'a> {
    /// Platform to copy; `None` copies the whole image.
    pub platform: Option<PlatformName>,
    /// Referrers to copy with the image.
    pub referrers: CopiedReferrers<'a>,
    /// Most blobs in parallel.
    pub parallel: usize,
    /// Callback for progress, called from several threads.
    pub progress: &'a (dyn Fn(CopyProgress) + Sync),
}

/// Result of a copy.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Copied {
    /// Digest of the document that has the name.
    pub digest: Sha256,
    /// Media type of that document.
    pub media_type: String,
    /// Number of referrers copied.
    pub referrers: usize,
}

/// Copies an image.
///
/// ```no_run
/// use ocre_registry::{
///     Access, Client, ClientSettings, CopiedReferrers, CopyOptions, DockerConfig, ImageName,
///     Repository, copy,
/// };
///
/// let from = ImageName::parse("registry.example/team/app:1")?;
/// let to = ImageName::parse("localhost:5000/app:1")?;
/// let client = Client::new(ClientSettings::default(), DockerConfig::of_user()?);
/// let from = Repository::new(&client, &from, Access::Pull, None)?;
/// let to = Repository::new(&client, &to, Access::Push, None)?;
/// let options = CopyOptions {
///     platform: None,
///     referrers: CopiedReferrers::OfTypes(&["application/vnd.cncf.notary.signature"]),
///     parallel: 4,
///     progress: &|progress| println!("{} of {} bytes", progress.done, progress.total),
/// };
/// println!("{}", copy(&from, &to, &options)?.digest);
/// # Ok::<(), ocre_registry::Error>(())
/// ```
///
/// # Errors
/// `platform-none`; errors of a document or of either place. Then the image has no name in the
/// sink, unless it had one before.
pub fn copy(from: &dyn Source, to: &dyn Sink, options: &CopyOptions<'_>) -> Result<Copied, Error> {
    let mut root = from.root()?;
    if let Some(platform) = &options.platform {
        root = choose(from, root, platform)?;
    }
    let mut plan = Plan::default();
    plan.add(from, &root, 0)?;
    let (media_type, digest) = (root.media_type.clone(), root.digest);
    plan.keep(root, Role::Root)?;
    plan.add_referrers(from, options.referrers)?;
    carry(from, to, &plan.blobs, options)?;
    for (document, role) in &plan.documents {
        to.put_document(document, *role)?;
    }
    let referrers = plan
        .documents
        .iter()
        .filter(|(_, role)| *role == Role::Referrer);
    Ok(Copied {
        digest,
        media_type,
        referrers: referrers.count(),
    })
}

/// Documents of an image: those that the named document leads to, and that document last.
///
/// # Errors
/// Errors of a document or of the place.
pub fn documents(from: &dyn Source) -> Result<Vec<ImageDocument>, Error> {
    let root = from.root()?;
    let mut plan = Plan::default();
    plan.add(from, &root, 0)?;
    plan.keep(root, Role::Root)?;
    let documents = plan.documents.into_iter();
    Ok(documents.map(|(document, _)| document).collect())
}

/// Finds the manifest of an image: the image itself, or the entry of an index for `platform`;
/// without a platform, the only entry.
///
/// # Errors
/// `platform-none` where no entry or several match; errors of a document or of the place.
pub fn manifest(
    from: &dyn Source,
    platform: Option<&PlatformName>,
) -> Result<ImageDocument, Error> {
    let mut found = from.root()?;
    for _ in 0..=MAX_DEPTH {
        if let Some(platform) = platform {
            found = choose(from, found, platform)?;
        } else if found.is_index() {
            let root = found.parse()?;
            let mut entries = Elements::of(root.get("manifests"));
            let (Some(only), None) = (entries.next(), entries.next()) else {
                let detail = "the index has several parts, or none";
                return Err(Error::new(RegistryCode::PlatformNone, found.digest).because(detail));
            };
            let (media_type, content) = described(&found, only)?;
            found = document(from, &media_type, &content)?;
        }
        if found.is_manifest() {
            return Ok(found);
        }
        if !found.is_index() {
            let code = RegistryCode::Document(ErrorKind::MediaTypeUnsupported);
            return Err(Error::new(code, found.digest).because(&found.media_type));
        }
    }
    Err(Error::new(RegistryCode::IndexNestedTooDeep, found.digest))
}

/// Finds the entry of an index for a platform; the first of several, as the image specification
/// says. A document that is no index is returned unchanged.
fn choose(
    from: &dyn Source,
    index: ImageDocument,
    platform: &PlatformName,
) -> Result<ImageDocument, Error> {
    if !index.is_index() {
        return Ok(index);
    }
    let root = index.parse()?;
    let mut entries = Elements::of(root.get("manifests"));
    let chosen = entries
        .find(|entry| {
            entry
                .get("platform")
                .is_some_and(|found| platform.fits(found))
        })
        .ok_or_else(|| Error::new(RegistryCode::PlatformNone, index.digest))?;
    let (media_type, content) = described(&index, chosen)?;
    document(from, &media_type, &content)
}

/// Media type and content of a descriptor in a document.
fn described(document: &ImageDocument, value: Value<'_>) -> Result<(String, Blob), Error> {
    let descriptor = Descriptor::parse(value).map_err(|error| document.wrong(error))?;
    let digest = descriptor.digest.sha256();
    let digest = digest.ok_or_else(|| document.refused(value, RegistryCode::DigestUnsupported))?;
    let size = descriptor.size;
    Ok((descriptor.media_type.to_string(), Blob { digest, size }))
}

/// Gets a document, and checks it against its descriptor.
fn document(from: &dyn Source, media_type: &str, content: &Blob) -> Result<ImageDocument, Error> {
    if content.size > MAX_DOCUMENT as u64 {
        let detail = format!("{} bytes, of at most {MAX_DOCUMENT}", content.size);
        let kind = ErrorKind::DocumentTooLarge;
        return Err(Error::new(RegistryCode::Document(kind), content.digest).because(detail));
    }
    let found = from.document(media_type, content)?;
    if found.bytes.len() as u64 != content.size {
        return Err(crate::hashing::wrong_size(
            content,
            found.bytes.len() as u64,
        ));
    }
    if found.digest != content.digest {
        let detail = format!("it is {}", found.digest);
        return Err(Error::new(RegistryCode::DigestMismatch, content.digest).because(detail));
    }
    Ok(found)
}

/// Content to copy: blobs in any order, documents in the order of the list.
#[derive(Default)]
struct Plan {
    blobs: Vec<Blob>,
    documents: Vec<(ImageDocument, Role)>,
    sizes: HashMap<Sha256, u64>,
    seen: HashSet<Sha256>,
    bytes: usize,
}

impl Plan {
    /// Adds everything that a document leads to, but not the document.
    fn add(
        &mut self,
        from: &dyn Source,
        document: &ImageDocument,
        depth: usize,
    ) -> Result<(), Error> {
        self.seen.insert(document.digest);
        let root = document.parse()?;
        if document.is_manifest() {
            let layers = Elements::of(root.get("layers"));
            for value in root.get("config").into_iter().chain(layers) {
                let (_, blob) = described(document, value)?;
                self.add_blob(document, value, blob)?;
            }
            return Ok(());
        }
        if !document.is_index() {
            let code = RegistryCode::Document(ErrorKind::MediaTypeUnsupported);
            return Err(Error::new(code, document.digest).because(&document.media_type));
        }
        if depth == MAX_DEPTH {
            return Err(Error::new(
                RegistryCode::IndexNestedTooDeep,
                document.digest,
            ));
        }
        for value in Elements::of(root.get("manifests")) {
            let (media_type, content) = described(document, value)?;
            if self.seen.contains(&content.digest) {
                continue;
            }
            let part = self::document(from, &media_type, &content)?;
            self.add(from, &part, depth + 1)?;
            self.keep(part, Role::Part)?;
        }
        Ok(())
    }

    fn add_blob(
        &mut self,
        document: &ImageDocument,
        at: Value<'_>,
        blob: Blob,
    ) -> Result<(), Error> {
        match self.sizes.insert(blob.digest, blob.size) {
            None if self.blobs.len() == MAX_BLOBS => {
                Err(document.refused(at, RegistryCode::Document(ErrorKind::TooManyEntries)))
            }
            None => {
                self.blobs.push(blob);
                Ok(())
            }
            Some(size) if size != blob.size => {
                Err(document.refused(at, RegistryCode::SizeMismatch))
            }
            Some(_) => Ok(()),
        }
    }

    fn keep(&mut self, document: ImageDocument, role: Role) -> Result<(), Error> {
        self.bytes += document.bytes.len();
        if self.bytes > MAX_DOCUMENTS {
            let code = RegistryCode::Document(ErrorKind::DocumentTooLarge);
            let detail = format!("the documents have more than {MAX_DOCUMENTS} bytes together");
            return Err(Error::new(code, document.digest).because(detail));
        }
        self.documents.push((document, role));
        Ok(())
    }

    /// Adds the chosen referrers of the planned documents; of all referrers, also their own.
    fn add_referrers(
        &mut self,
        from: &dyn Source,
        chosen: CopiedReferrers<'_>,
    ) -> Result<(), Error> {
        let mut place = 0;
        while let Some((subject, role)) = self.documents.get(place) {
            let is_referrer = *role == Role::Referrer;
            if chosen.is_none() || (is_referrer && chosen != CopiedReferrers::All) {
                return Ok(());
            }
            place += 1;
            let subject = subject.digest;
            for referrer in from.referrers(&subject)? {
                self.add_referrer(from, &referrer, chosen)?;
            }
        }
        Ok(())
    }

    fn add_referrer(
        &mut self,
        from: &dyn Source,
        referrer: &Referrer,
        chosen: CopiedReferrers<'_>,
    ) -> Result<(), Error> {
        let Referrer {
            media_type,
            content,
            artifact_type: told,
        } = referrer;
        let is_other = told.as_ref().is_some_and(|told| !chosen.takes(told));
        if is_other || self.seen.contains(&content.digest) {
            return Ok(());
        }
        let referrer = document(from, media_type, content)?;
        if told.is_none() && chosen != CopiedReferrers::All {
            let own = artifact_type(referrer.parse()?);
            if !own.is_some_and(|own| chosen.takes(&own.to_string())) {
                return Ok(());
            }
        }
        self.add(from, &referrer, 0)?;
        self.keep(referrer, Role::Referrer)
    }
}

/// State shared by the threads of a copy.
struct CopyState<'a> {
    stop: AtomicBool,
    done: AtomicU64,
    total: u64,
    progress: &'a (dyn Fn(CopyProgress) + Sync),
}

impl CopyState<'_> {
    fn add(&self, bytes: u64) {
        let done = self.done.fetch_add(bytes, Ordering::Relaxed) + bytes;
        (self.progress)(CopyProgress {
            done: done.min(self.total),
            total: self.total,
        });
    }
}

/// Copies blobs, several in parallel; the first that fails ends the others.
fn carry(
    from: &dyn Source,
    to: &dyn Sink,
    blobs: &[Blob],
    options: &CopyOptions<'_>,
) -> Result<(), Error> {
    let shared = CopyState {
        stop: AtomicBool::new(false),
        done: AtomicU64::new(0),
        total: blobs
            .iter()
            .map(|blob| blob.size)
            .fold(0, u64::saturating_add),
        progress: options.progress,
    };
    let next = AtomicUsize::new(0);
    let failed = Mutex::new(None);
    let work = || {
        while !shared.stop.load(Ordering::Relaxed)
            && let Some(blob) = blobs.get(next.fetch_add(1, Ordering::Relaxed))
        {
            if let Err(error) = carry_one(from, to, blob, &shared) {
                shared.stop.store(true, Ordering::Relaxed);
                failed
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .get_or_insert(error);
            }
        }
    };
    thread::scope(|scope| {
        // This thread is one of them.
        for _ in 1..options.parallel.min(blobs.len()).min(to.most_at_once()) {
            scope.spawn(work);
        }
        work();
    });
    match failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        None => Ok(()),
        Some(error) => Err(error),
    }
}

fn carry_one(
    from: &dyn Source,
    to: &dyn Sink,
    blob: &Blob,
    shared: &CopyState<'_>,
) -> Result<(), Error> {
    if to.has(blob, from.repository())? {
        shared.add(blob.size);
        return Ok(());
    }
    // Bytes that are sent again are not counted again.
    let counted = AtomicU64::new(0);
    let open = |start: u64| {
        let skipped = start.saturating_sub(counted.fetch_max(start, Ordering::Relaxed));
        shared.add(skipped);
        Ok(Box::new(ProgressReader {
            inner: from.open(blob, start)?,
            position: start,
            counted: &counted,
            shared,
        }) as ContentReader<'_>)
    };
    to.put(blob, &open)
}

/// Reader that reports progress, and ends where another blob has failed.
struct ProgressReader<'a> {
    inner: ContentReader<'a>,
    position: u64,
    counted: &'a AtomicU64,
    shared: &'a CopyState<'a>,
}

impl Read for ProgressReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.shared.stop.load(Ordering::Relaxed) {
            // The error is not shown: the first failure is.
            return Err(io::Error::other("another blob failed"));
        }
        let count = self.inner.read(buffer)?;
        self.position += count as u64;
        let before = self.counted.fetch_max(self.position, Ordering::Relaxed);
        let new = self.position.saturating_sub(before);
        if new > 0 {
            self.shared.add(new);
        }
        Ok(count)
    }
}

/// Opens content that is checked while it is read from its beginning.
pub(crate) fn verified<'a>(
    blob: &Blob,
    open: ContentOpener<'a>,
) -> Result<ContentReader<'a>, Error> {
    Ok(Box::new(Verified::new(open(0)?, blob)))
}

/// Digest of a document's `subject`: the document that it refers to.
///
/// # Errors
/// Errors of the document.
pub fn subject(document: &ImageDocument) -> Result<Option<Sha256>, Error> {
    match document.parse()?.get("subject") {
        None => Ok(None),
        Some(subject) => Ok(Some(described(document, subject)?.1.digest)),
    }
}

/// Descriptor of a document in a list of referrers, as JSON (distribution specification, "Listing
/// Referrers").
///
/// # Errors
/// Errors of the document.
pub fn referrer_descriptor(document: &ImageDocument) -> Result<String, Error> {
    let root = document.parse()?;
    let artifact_type = artifact_type(root);
    let mut text = String::new();
    // Writing to a String does not fail.
    let _ = write::object(&mut text, |out| {
        out.string("mediaType", &document.media_type);
        out.display("digest", &document.digest);
        out.unsigned("size", document.bytes.len() as u64);
        if let Some(artifact_type) = artifact_type {
            out.display("artifactType", &artifact_type);
        }
        if let Some(annotations) = root.get("annotations") {
            out.copy(&"annotations", annotations);
        }
    });
    Ok(text)
}
