// SPDX-License-Identifier: Apache-2.0
//! The judge: whether an image in an OCI layout is what it claims to be, and whether this
//! device may run it.
//!
//! Promised: nothing that was not judged reaches the engine; each byte that is used was hashed
//! and compared with the digest that led to it; the checks come in one fixed order, cheap ones
//! before dear ones, so that the first refusal is the same everywhere; memory is bounded by the
//! caller's two document buffers, however large the image is.
//!
//! How: [`judge`] follows the documents from the layout's marker to the layers and hashes the
//! blobs. The executable layer is left to [`read_executable`], which reads it into the buffer
//! it runs from and hashes that buffer, and to [`load`], which asks the engine. So a container's
//! start reads its code once, and what was hashed is what runs.

use core::ops::ControlFlow;

use ocre_oci::json::{self, Caps};
use ocre_oci::{
    Config, ConfigType, Descriptor, DigestRef, Entry, Error, ErrorKind, Format, INDEX_MEDIA_TYPE,
    Index, Layer, LayerKind, Layout, Manifest, ManifestType, MediaType, Platform, Sha256, Text,
    Warning,
};

use super::content;
use super::permission::Permissions;
use super::verdict::{Code, Finding, Part, Place, Report, write_cut};
use super::{Content, Image, Loadable, aot};
use crate::limits::{MAX_INDEX_DEPTH, MAX_TITLE, PAGE_BYTES};
use crate::port::{Engine, External, HostModule, IMPORTED_MEMORY, LoadError, Storage};

/// The annotation that gives a layer its file name.
pub const TITLE: &str = "org.opencontainers.image.title";

/// An OCI layout on a storage.
#[derive(Debug)]
pub struct Source<'a, S> {
    /// Where its files are.
    pub storage: &'a S,
    /// The layout's folder.
    pub root: &'a str,
}

impl<S> Clone for Source<'_, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for Source<'_, S> {}

/// Which of a layout's images is meant. All that is given must fit.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Selector<'a> {
    /// The index entry's `org.opencontainers.image.ref.name`. A name without a tag also means
    /// the one with the tag `latest`.
    pub name: Option<&'a str>,
    /// The manifest's digest, also where an index leads to it.
    pub digest: Option<Sha256>,
}

/// Which AOT code may run. A digest proves integrity, not origin, and the engine trusts AOT
/// code with everything.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AotPolicy<'a> {
    /// None.
    Deny,
    /// Only layers of these digests.
    Pinned(&'a [Sha256]),
    /// Any.
    Allow,
}

/// What this device takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Policy<'a> {
    /// Which AOT code may run.
    pub aot: AotPolicy<'a>,
    /// Also AOT code that can't be stopped before it returns by itself.
    pub uninterruptible: bool,
    /// Portable code is taken where there is a choice; otherwise AOT code is.
    pub prefer_portable: bool,
    /// Most bytes that an image's layers have together.
    pub image_bytes: u64,
    /// Most bytes of linear memory.
    pub memory_bytes: u32,
}

/// Buffers for documents. Their lengths are the caps on documents.
#[derive(Debug)]
pub struct Workspace<'a> {
    /// For an index or a manifest.
    pub document: &'a mut [u8],
    /// For an image config, and then for hashing: a larger one hashes faster.
    pub config: &'a mut [u8],
}

/// Judges an image's documents, and its layers but for the code in the executable one.
///
/// Each refusal and warning goes to `report`, in the order of the checks. Where `report` lets it
/// go on, the judge does so as far as what it has read makes sense. `true` only if nothing was
/// refused, and then `image` is the image.
pub fn judge<S: Storage, E: Engine>(
    source: Source<'_, S>,
    selector: Selector<'_>,
    engine: &E,
    policy: &Policy<'_>,
    workspace: Workspace<'_>,
    report: Report<'_>,
    image: &mut Image,
) -> bool {
    *image = Image::blank();
    let mut judge = Judge {
        source,
        engine,
        policy,
        report,
        refused: false,
    };
    let Workspace { document, config } = workspace;
    let judged = judge.image(selector, document, config, image);
    judged == ControlFlow::Continue(Some(())) && !judge.refused
}

/// Reads an image's executable layer into memory of the engine's, and hashes it there.
///
/// # Errors
/// As [`content::open`] and [`content::Opened::read`], and `out-of-memory`.
pub fn read_executable<S: Storage, E: Engine>(
    source: Source<'_, S>,
    engine: &E,
    executable: &Content,
) -> Result<E::Code, Code> {
    let opened = content::open(source.storage, source.root, executable)?;
    let size = usize::try_from(executable.size).map_err(|_| Code::OutOfMemory)?;
    let mut code = engine.allocate(size).ok_or(Code::OutOfMemory)?;
    opened.read(&mut code)?;
    Ok(code)
}

/// Loads an executable layer that [`read_executable`] has read, if it is what the image says
/// and what this build and `policy` take. `explain` gets further words on a refusal.
///
/// # Errors
/// In this order: `layer-magic`, `layer-component`, `aot-policy`, `aot-version`, `aot-target`,
/// what the layer's annotations say, `wasm-invalid`, `wasm-feature`, `wasm-limit`, `out-of-memory`,
/// `wasm-import`,
/// `config-entry-point`, `wasm-entry-signature`, `limit-memory`.
pub fn load<'code, E: Engine>(
    engine: &E,
    code: &'code mut [u8],
    image: &Loadable,
    policy: &Policy<'_>,
    explain: &mut dyn FnMut(&str),
) -> Result<E::Module<'code>, Code> {
    check_code(engine, code, image, policy)?;
    let module = engine.load(code, explain).map_err(|error| match error {
        LoadError::Invalid | LoadError::Unsupported => Code::WasmInvalid,
        LoadError::Feature => Code::WasmFeature,
        LoadError::Limit => Code::WasmLimit,
        LoadError::OutOfMemory => Code::OutOfMemory,
    })?;
    check_module(engine, &module, image, policy, explain)?;
    Ok(module)
}

/// Where a refusal by [`read_executable`] or [`load`] is.
pub const fn place(code: Code, image: &Image) -> Place<'static> {
    match code {
        Code::Document(_) => Place::Whole(Part::Config),
        _ => Place::Layer(image.executable_layer as usize),
    }
}

fn check_code<E: Engine>(
    engine: &E,
    code: &[u8],
    image: &Loadable,
    policy: &Policy<'_>,
) -> Result<(), Code> {
    match image.format {
        Format::Wasm => match code.split_first_chunk::<4>().ok_or(Code::LayerMagic)? {
            (b"\0asm", [1, 0, 0, 0, ..]) => Ok(()),
            (b"\0asm", [_, _, 1, 0, ..]) => Err(Code::LayerComponent),
            (b"\0asm", _) => Err(Code::WasmInvalid),
            _ => Err(Code::LayerMagic),
        },
        Format::Aot => {
            if !code.starts_with(&aot::MAGIC) {
                return Err(Code::LayerMagic);
            }
            let allowed = match policy.aot {
                AotPolicy::Deny => false,
                AotPolicy::Pinned(digests) => digests.contains(&image.content.digest),
                AotPolicy::Allow => true,
            };
            if !allowed {
                return Err(Code::AotPolicy);
            }
            engine
                .aot_target()
                .ok_or(Code::AotTarget)?
                .check_header(code)?;
            image.aot_annotations
        }
    }
}

fn check_module<E: Engine>(
    engine: &E,
    module: &E::Module<'_>,
    image: &Loadable,
    policy: &Policy<'_>,
    explain: &mut dyn FnMut(&str),
) -> Result<(), Code> {
    let mut unknown = false;
    engine.imports(module, &mut |module, name, what| {
        let memory = matches!(what, External::Memory { .. }) && (module, name) == IMPORTED_MEMORY;
        let offered = memory
            || HostModule::find(engine.host_functions(), module, name).is_some_and(
                |(_, function)| {
                    let declared = function.signature.to_bytes();
                    matches!(what, External::Function { signature }
                        if signature.as_bytes() == declared)
                },
            );
        if !offered && !unknown {
            unknown = true;
            explain(module);
            explain(".");
            explain(name);
        }
    });
    if unknown {
        return Err(Code::WasmImport);
    }
    let mut entry = Err(Code::Document(ErrorKind::ConfigEntryPoint));
    engine.exports(module, &mut |name, what| {
        if name == image.entry_point {
            entry = match what {
                External::Function {
                    signature: "()" | "()i",
                } => Ok(()),
                _ => Err(Code::WasmEntrySignature),
            };
        }
    });
    if entry.is_err() {
        explain(&image.entry_point);
    }
    entry?;
    let minimum = u64::from(engine.minimum_pages(module)).saturating_mul(PAGE_BYTES);
    if minimum > u64::from(policy.memory_bytes) {
        let mut words = heapless::String::<64>::new();
        let (least, unit) = match minimum.div_ceil(1 << 20) {
            0 | 1 => (minimum >> 10, 'K'),
            megabytes => (megabytes, 'M'),
        };
        let allowed = policy.memory_bytes;
        let wanted =
            format_args!("{minimum} bytes wanted, {allowed} allowed: --memory {least}{unit}");
        write_cut(&mut words, wanted);
        explain(&words);
        return Err(Code::LimitMemory);
    }
    Ok(())
}

struct Judge<'a, 'r, S, E> {
    source: Source<'a, S>,
    engine: &'a E,
    policy: &'a Policy<'a>,
    report: Report<'r>,
    refused: bool,
}

/// `Break`: whoever listens has heard enough. `Continue(None)`: refused, and on with what does
/// not need it.
type Step<T> = ControlFlow<(), Option<T>>;

impl<S: Storage, E: Engine> Judge<'_, '_, S, E> {
    fn refuse<T>(&mut self, code: Code, at: Place<'_>) -> Step<T> {
        self.tell(code, at).map_continue(|()| None)
    }

    #[inline(never)] // for each kind of step alike
    fn tell(&mut self, code: Code, at: Place<'_>) -> ControlFlow<()> {
        self.refused = true;
        (self.report)(Finding::Refusal(code), at, "")
    }

    fn check<T>(&mut self, result: Result<T, Code>, at: Place<'_>) -> Step<T> {
        match result {
            Ok(value) => ControlFlow::Continue(Some(value)),
            Err(code) => self.refuse(code, at),
        }
    }

    /// Runs a document's own checks, which hand over each error by themselves.
    fn document(
        &mut self,
        part: Part,
        document: &[u8],
        check: impl FnOnce(&mut dyn FnMut(Error) -> ControlFlow<()>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        check(&mut |error| {
            let at = Place::Value {
                part,
                document,
                offset: error.offset,
            };
            self.tell(Code::Document(error.kind), at)
        })
    }

    fn parse<'d>(&mut self, part: Part, document: &'d [u8]) -> Step<json::Value<'d>> {
        match json::parse(document, &caps(document)) {
            Ok(value) => ControlFlow::Continue(Some(value)),
            Err(error) => {
                let at = Place::Value {
                    part,
                    document,
                    offset: error.offset,
                };
                self.refuse(Code::Document(error.kind), at)
            }
        }
    }

    fn image(
        &mut self,
        selector: Selector<'_>,
        document: &mut [u8],
        config: &mut [u8],
        image: &mut Image,
    ) -> Step<()> {
        self.layout(document)?;
        let Some((chosen, document)) = self.select(selector, document)? else {
            return ControlFlow::Continue(None);
        };
        let Some(value) = self.parse(Part::Manifest, document)? else {
            return ControlFlow::Continue(None);
        };
        let described_as = MediaType::parse(chosen.manifest_type.name()).ok();
        self.document(Part::Manifest, document, |report| {
            Manifest::check(value, described_as, report)
        })?;
        let Ok(manifest) = Manifest::parse(value, described_as) else {
            return ControlFlow::Continue(None);
        };
        for warning in manifest.warnings().iter() {
            (self.report)(Finding::Warning(warning), Place::Whole(Part::Manifest), "")?;
        }
        image.manifest = chosen.content;
        let settings = self.config(&manifest, document, config, image)?;
        let layers = self.layers(&manifest, document, config, image)?;
        ControlFlow::Continue(settings.and(layers))
    }

    fn layout(&mut self, buffer: &mut [u8]) -> ControlFlow<()> {
        let Some(bytes) =
            self.root_file("oci-layout", Code::LayoutMissing, Part::Layout, buffer)?
        else {
            return ControlFlow::Continue(());
        };
        let Some(value) = self.parse(Part::Layout, bytes)? else {
            return ControlFlow::Continue(());
        };
        self.document(Part::Layout, bytes, |report| match Layout::parse(value) {
            Ok(_) => ControlFlow::Continue(()),
            Err(error) => report(error),
        })
    }

    /// Reads a file that has a name instead of a digest.
    fn root_file<'b>(
        &mut self,
        name: &str,
        missing: Code,
        part: Part,
        buffer: &'b mut [u8],
    ) -> Step<&'b [u8]> {
        let bytes = content::read_named(self.source, name, missing, buffer);
        self.check(bytes, Place::Whole(part))
    }

    /// Finds the manifest through the index, and the indexes it leads to, and reads it.
    fn select<'b>(
        &mut self,
        selector: Selector<'_>,
        buffer: &'b mut [u8],
    ) -> Step<(Chosen, &'b [u8])> {
        let mut index_bytes =
            match self.root_file("index.json", Code::IndexMissing, Part::Index, buffer)? {
                Some(bytes) => bytes.len(),
                None => return ControlFlow::Continue(None),
            };
        // The name leads to an entry of the outermost index; what is inside it has none.
        let mut name = selector.name;
        for _ in 0..MAX_INDEX_DEPTH {
            let index = buffer.get(..index_bytes).unwrap_or_default();
            let Some(entry) = self.choose(Selector { name, ..selector }, index)? else {
                return ControlFlow::Continue(None);
            };
            let part = entry.part();
            // The entry's place is lost once the document replaces the index in the buffer.
            let at = Place::Value {
                part: Part::Index,
                document: index,
                offset: entry.offset,
            };
            let opened = content::open(self.source.storage, self.source.root, &entry.content);
            let Some(opened) = self.check(opened, at)? else {
                return ControlFlow::Continue(None);
            };
            let read = opened.read_document(&mut *buffer).map(<[u8]>::len);
            let Some(document) = self.check(read, Place::Whole(part))? else {
                return ControlFlow::Continue(None);
            };
            if let Some(manifest_type) = entry.manifest_type {
                let bytes = buffer.get(..document).unwrap_or_default();
                let chosen = Chosen {
                    content: entry.content,
                    manifest_type,
                };
                return ControlFlow::Continue(Some((chosen, bytes)));
            }
            index_bytes = document;
            name = None;
        }
        self.refuse(Code::IndexNestedTooDeep, Place::Whole(Part::Index))
    }

    /// The one entry of an index that is meant, else the best of several for this machine.
    fn choose(&mut self, selector: Selector<'_>, document: &[u8]) -> Step<IndexEntry> {
        let Some(value) = self.parse(Part::Index, document)? else {
            return ControlFlow::Continue(None);
        };
        self.document(Part::Index, document, |report| Index::check(value, report))?;
        let Ok(index) = Index::parse(value) else {
            return ControlFlow::Continue(None);
        };
        let whole = Place::Whole(Part::Index);
        if index.manifests().next().is_none() {
            return self.refuse(Code::IndexEmpty, whole);
        }
        let mut first: Option<Descriptor<'_>> = None;
        let mut alike = true;
        let mut best: Option<(u8, Descriptor<'_>)> = None;
        let mut ambiguous = false;
        for entry in index.manifests() {
            if !selector.takes(&entry) {
                continue;
            }
            let descriptor = match entry.descriptor() {
                Ok(descriptor) => descriptor,
                // A damaged entry must not keep the others from being used by their names.
                Err(error) => {
                    let at = Place::Value {
                        part: Part::Index,
                        document,
                        offset: error.offset,
                    };
                    return self.refuse(Code::Document(error.kind), at);
                }
            };
            alike &= first.is_none_or(|first| first.digest == descriptor.digest);
            first = first.or(Some(descriptor));
            let Some(rank) = self.rank(descriptor.platform()) else {
                continue;
            };
            match best {
                Some((highest, _)) if highest > rank => {}
                Some((highest, same)) if highest == rank => {
                    ambiguous |= same.digest != descriptor.digest;
                }
                _ => (best, ambiguous) = (Some((rank, descriptor)), false),
            }
        }
        match (first, best) {
            (None, _) => self.refuse(Code::ReferenceNotFound, whole),
            (Some(descriptor), _) if alike => self.entry(descriptor, document),
            (_, None) => self.refuse(Code::PlatformNone, whole),
            (_, Some(_)) if ambiguous => self.refuse(Code::ReferenceAmbiguous, whole),
            (_, Some((_, descriptor))) => self.entry(descriptor, document),
        }
    }

    /// How well an index entry suits this machine; `None` where it does not.
    fn rank(&self, platform: Option<Platform<'_>>) -> Option<u8> {
        let Some(platform) = platform else {
            return Some(0);
        };
        if !["wasip1", "ocre"].iter().any(|os| platform.os == **os) {
            return None;
        }
        if platform.architecture == *aot::PORTABLE {
            return self
                .engine
                .interprets()
                .then_some(if self.policy.prefer_portable { 3 } else { 1 });
        }
        let target = self
            .engine
            .aot_target()
            .filter(|_| self.policy.aot != AotPolicy::Deny)?;
        (platform.architecture == *target.name).then_some(2)
    }

    fn entry(&mut self, descriptor: Descriptor<'_>, document: &[u8]) -> Step<IndexEntry> {
        let offset = descriptor.value().offset();
        let at = Place::Value {
            part: Part::Index,
            document,
            offset,
        };
        let manifest_type = ManifestType::of(descriptor.media_type);
        if manifest_type.is_none() && descriptor.media_type != *INDEX_MEDIA_TYPE {
            return self.refuse(Code::Document(ErrorKind::MediaTypeUnsupported), at);
        }
        let Some(content) = self.check(content_of(&descriptor), at)? else {
            return ControlFlow::Continue(None);
        };
        ControlFlow::Continue(Some(IndexEntry {
            content,
            manifest_type,
            offset,
        }))
    }

    fn config(
        &mut self,
        manifest: &Manifest<'_>,
        manifest_bytes: &[u8],
        buffer: &mut [u8],
        image: &mut Image,
    ) -> Step<()> {
        let descriptor = manifest.config();
        let at = Place::Value {
            part: Part::Manifest,
            document: manifest_bytes,
            offset: descriptor.value().offset(),
        };
        let opened = content_of(&descriptor)
            .and_then(|content| content::open(self.source.storage, self.source.root, &content));
        let Some(opened) = self.check(opened, at)? else {
            return ControlFlow::Continue(None);
        };
        let config_type = manifest.config_type();
        if matches!(config_type, ConfigType::Empty | ConfigType::Unsupported) {
            self.check(opened.verify(buffer), Place::Whole(Part::Config))?;
            return self.refuse(Code::Document(ErrorKind::ConfigUnsupported), at);
        }
        let read = opened.read_document(buffer);
        let Some(document) = self.check(read, Place::Whole(Part::Config))? else {
            return ControlFlow::Continue(None);
        };
        let Some(value) = self.parse(Part::Config, document)? else {
            return ControlFlow::Continue(None);
        };
        self.document(Part::Config, document, |report| {
            Config::check(value, config_type, manifest, report)
        })?;
        let Ok(config) = Config::parse(value, config_type, manifest) else {
            return ControlFlow::Continue(None);
        };
        if !config.names_entry_point() {
            let warning = Finding::Warning(Warning::ConfigEntryPointAbsent);
            (self.report)(warning, Place::Whole(Part::Config), "")?;
        }
        self.document(Part::Config, document, |report| {
            config.check_permissions(|name| permissions(name).is_some(), report)
        })?;
        let settled = settle(&config, image).ok_or(Code::LimitCapacity);
        self.check(settled, Place::Whole(Part::Config))
    }

    /// `buffer` is for hashing.
    fn layers(
        &mut self,
        manifest: &Manifest<'_>,
        document: &[u8],
        buffer: &mut [u8],
        image: &mut Image,
    ) -> Step<()> {
        let executable = manifest
            .executable()
            .map_err(|error| (error.kind, error.offset));
        if let Err((kind, offset)) = executable {
            let at = Place::Value {
                part: Part::Manifest,
                document,
                offset,
            };
            self.tell(Code::Document(kind), at)?;
        }
        let mut sum = 0_u64;
        for layer in manifest.layers() {
            let found = content_of(&layer.descriptor).and_then(|content| {
                content::stat(self.source.storage, self.source.root, &content)?;
                sum = sum.saturating_add(content.size);
                if sum > self.policy.image_bytes {
                    Err(Code::LimitImage)
                } else {
                    Ok(())
                }
            });
            self.check(found, Place::Layer(layer.index))?;
        }
        for layer in manifest.layers().filter(|layer| !layer.is_executable()) {
            let opened = content_of(&layer.descriptor).and_then(|content| {
                let opened = content::open(self.source.storage, self.source.root, &content)?;
                Ok((content, opened))
            });
            // What is wrong with its digest or its folder entry is told already.
            if opened.is_err() && self.refused {
                continue;
            }
            let blob = opened.and_then(|(content, opened)| {
                opened.verify(buffer)?;
                let title = title(&layer).ok_or(Code::LimitCapacity)?;
                let pushed = image.blobs.push(content, &title);
                pushed.map_err(|_| Code::LimitCapacity)
            });
            self.check(blob, Place::Layer(layer.index))?;
        }
        let Ok(layer) = executable else {
            return ControlFlow::Continue(None);
        };
        let (Ok(executable), LayerKind::Executable { format, .. }) =
            (content_of(&layer.descriptor), layer.kind)
        else {
            return ControlFlow::Continue(None);
        };
        image.executable = executable;
        // There are no more blobs than `MAX_BLOBS` beside it.
        image.executable_layer = u8::try_from(layer.index).unwrap_or(u8::MAX);
        image.format = format;
        image.aot_annotations = match (format, self.engine.aot_target()) {
            (Format::Wasm, _) => Ok(()),
            (Format::Aot, None) => Err(Code::AotTarget),
            (Format::Aot, Some(target)) => target
                .check_annotations(layer.descriptor.annotations(), self.policy.uninterruptible),
        };
        ControlFlow::Continue(Some(()))
    }
}

/// The manifest that was found.
struct Chosen {
    content: Content,
    manifest_type: ManifestType,
}

/// What an index entry leads to.
struct IndexEntry {
    content: Content,
    /// `None`: another index.
    manifest_type: Option<ManifestType>,
    offset: u32,
}

impl IndexEntry {
    fn part(&self) -> Part {
        if self.manifest_type.is_some() {
            Part::Manifest
        } else {
            Part::Index
        }
    }
}

/// Takes over what a config settles; `None` where something is longer than this device takes.
fn settle(config: &Config<'_>, image: &mut Image) -> Option<()> {
    for variable in config.env() {
        variable.write_to(&mut image.environment).ok()?;
        image.environment.push('\0').ok()?;
    }
    for name in config.permissions() {
        if let Some(asked) = permissions(name) {
            image.permissions = image.permissions.union(asked);
        }
    }
    image.entry_point = config.entry_point().to_heapless()?;
    Some(())
}

impl Selector<'_> {
    /// Whether the entry has the name that is given, if one is.
    pub fn names(&self, entry: &Entry<'_>) -> bool {
        self.name.is_none_or(|name| {
            let found = entry.reference_name();
            found.is_some_and(|found| means(name, found))
        })
    }

    fn takes(&self, entry: &Entry<'_>) -> bool {
        // An index is taken whatever its digest: what is meant may lie in it.
        let digested = self.digest.is_none_or(|digest| {
            entry.descriptor().is_ok_and(|found| {
                found.digest == DigestRef::Sha256(digest) || found.media_type == *INDEX_MEDIA_TYPE
            })
        });
        self.names(entry) && digested
    }
}

/// Whether a name that somebody typed means a tag of an index.
pub(super) fn means(name: &str, tag: Text<'_>) -> bool {
    let tagged = name.chars().chain(":latest".chars());
    // A colon in front of a slash belongs to a port.
    let has_tag = name
        .rsplit('/')
        .next()
        .is_some_and(|last| last.contains(':'));
    tag == *name || (!has_tag && tag.chars().eq(tagged))
}

/// What a descriptor leads to.
///
/// # Errors
/// `digest-unsupported`.
pub(super) fn content_of(descriptor: &Descriptor<'_>) -> Result<Content, Code> {
    match descriptor.digest {
        DigestRef::Sha256(digest) => Ok(Content {
            digest,
            size: descriptor.size,
        }),
        DigestRef::Other(_) => Err(Code::DigestUnsupported),
    }
}

fn permissions(name: Text<'_>) -> Option<Permissions> {
    Permissions::named(|known| name == *known)
}

fn title(layer: &Layer<'_>) -> Option<heapless::String<MAX_TITLE>> {
    match layer.descriptor.annotations().get(TITLE) {
        Some(title) => title.to_heapless(),
        None => Some(heapless::String::new()),
    }
}

/// The caps on a document that was read into `buffer`.
pub(super) fn caps(buffer: &[u8]) -> Caps {
    Caps {
        bytes: u32::try_from(buffer.len()).unwrap_or(u32::MAX),
        ..Caps::default()
    }
}
