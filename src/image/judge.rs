// SPDX-License-Identifier: Apache-2.0
//! The judge: checks that an image in an OCI layout is what it claims to be, and that this device
//! may run it.
//!
//! Promised: nothing that was not judged reaches the engine; each byte that is used was hashed and
//! compared with the digest that led to it; the checks come in one fixed order, cheap ones before
//! expensive ones, so that the first refusal is the same everywhere; memory is bounded by the
//! caller's two document buffers, however large the image is.
//!
//! Design: [`judge`] follows the documents from the layout's marker to the layers and hashes the
//! blobs. The executable layer is left to [`read_executable`], which reads it into the buffer it
//! runs from and hashes that buffer, and to [`load`], which asks the engine. So a container's start
//! reads its code once, and what was hashed is what runs.

use core::ops::ControlFlow;

use ocre_oci::json;
use ocre_oci::{
    Config, ConfigType, Descriptor, DigestRef, Entry, Error, ErrorKind, Format, INDEX_MEDIA_TYPE,
    ImagePlatform, Index, Layer, LayerKind, Layout, Manifest, ManifestType, MediaType, Reference,
    Sha256, Text, Warning,
};
use ocre_signature::SEQUENCE;

use super::blob::{self, Opened, caps, content_of};
use super::judged::{JudgedImage, TagEntries, fingerprint};
use super::permission::Permissions;
use super::sequence::SequenceRecords;
use super::signature_entry::belongs_to_image;
use super::trust::{self, Trust, TrustRefusal};
use super::verdict::{Code, Finding, Location, Part, Report, write_cut};
use super::{Content, Image, Loadable, OciLayout, aot};
use crate::limits::{MAX_INDEX_DEPTH, MAX_TITLE, PAGE_BYTES, SIGNATURES};
use crate::port::{Engine, External, HostModule, IMPORTED_MEMORY, LoadError, Storage};

/// The annotation that gives a layer its file name.
pub const TITLE: &str = "org.opencontainers.image.title";

/// Selects an image of a layout. Every field that is given must fit.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Selector<'a> {
    /// `org.opencontainers.image.ref.name` of the index entry. A name without a tag also selects
    /// the tag `latest`.
    pub name: Option<&'a str>,
    /// Digest of the manifest, also where an index leads to it.
    pub digest: Option<Sha256>,
}

/// Policy of this device.
#[derive(Clone, Copy, Debug)]
pub struct Policy<'a> {
    /// Trust in the origin of images.
    pub trust: &'a Trust<'a>,
    /// True where AOT code may run that can't be interrupted.
    pub uninterruptible: bool,
    /// True where portable code is preferred to AOT code.
    pub prefer_portable: bool,
    /// Most bytes of an image's layers together.
    pub image_bytes: u64,
    /// Most bytes of linear memory.
    pub memory_bytes: u32,
}

/// Buffers for documents. Their lengths are the caps on documents.
#[derive(Debug)]
pub struct Workspace<'a> {
    /// Buffer for an index or a manifest.
    pub document: &'a mut [u8],
    /// Buffer for an image config, and then for hashing: a larger one hashes faster.
    pub config: &'a mut [u8],
}

impl Workspace<'_> {
    /// Lends the buffers for a shorter time.
    pub fn lend(&mut self) -> Workspace<'_> {
        Workspace {
            document: &mut *self.document,
            config: &mut *self.config,
        }
    }
}

/// Judges an image's documents, and its layers but for the code in the executable one.
///
/// Each refusal and warning goes to `report`, in the order of the checks. If `report` does not
/// break, the judge goes on as far as the documents make sense. Returns `true` only if nothing was
/// refused; then `image` is the image.
///
/// ```
/// use ocre::image::judge::{Selector, Workspace, judge};
/// use ocre::image::verdict::Verdict;
/// use ocre::image::{Image, OciLayout};
///
/// # mod device { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/device.rs")); }
/// // A storage with an image, and the engine and the policy of a PC.
/// # let storage = device::disk_with_image();
/// # let engine = ocre_pc::platform::engine().unwrap();
/// # let policy = ocre_pc::platform::POLICY;
/// let mut verdict = Verdict::new(false);
/// let mut image = Image::blank();
/// let accepted = judge(
///     OciLayout { storage: &storage, root: "/" },
///     Selector { name: Some("seven:1"), digest: None },
///     &engine,
///     &policy,
///     Workspace { document: &mut [0; 4096], config: &mut [0; 4096] },
///     &mut |finding, at, detail| verdict.note(finding, at, detail),
///     &mut image,
/// );
/// assert!(accepted, "{:?} at {}", verdict.code(), verdict.at());
/// assert_eq!(image.entry_point, "_start");
/// ```
pub fn judge<S: Storage, E: Engine>(
    source: OciLayout<'_, S>,
    selector: Selector<'_>,
    engine: &E,
    policy: &Policy<'_>,
    workspace: Workspace<'_>,
    report: Report<'_>,
    image: &mut Image,
) -> bool {
    judge_selected(
        source, selector, None, engine, policy, workspace, report, image,
    )
}

/// Judges an image as [`judge`] does, unless it is the one in `judged` and its tag still leads there.
pub fn judge_again<S: Storage, E: Engine>(
    source: OciLayout<'_, S>,
    selector: Selector<'_>,
    engine: &E,
    policy: &Policy<'_>,
    mut workspace: Workspace<'_>,
    report: Report<'_>,
    judged: &mut JudgedImage,
) -> bool {
    let mut judge = Judge::new(source, engine, policy, report);
    if judge.is_judged(selector, workspace.lend().document, judged) {
        return judge.guard(selector, &judged.image).is_ok();
    }
    let accepted = judge.judge(selector, None, workspace, judged.reset());
    judged.entries = judge.entries.filter(|_| accepted);
    judged.warned = judge.warned;
    accepted
}

/// Judges the image of a manifest as [`judge`] does, also where no entry of the index leads to the
/// manifest any more.
pub fn judge_manifest<S: Storage, E: Engine>(
    source: OciLayout<'_, S>,
    manifest: Content,
    engine: &E,
    policy: &Policy<'_>,
    workspace: Workspace<'_>,
    report: Report<'_>,
    image: &mut Image,
) -> bool {
    let manifest = Some(&manifest);
    judge_selected(
        source,
        Selector::default(),
        manifest,
        engine,
        policy,
        workspace,
        report,
        image,
    )
}

/// Judges the image of `manifest`; without one, of the selected manifest.
#[expect(
    clippy::too_many_arguments,
    reason = "those of a public function and one more"
)]
fn judge_selected<S: Storage, E: Engine>(
    source: OciLayout<'_, S>,
    selector: Selector<'_>,
    manifest: Option<&Content>,
    engine: &E,
    policy: &Policy<'_>,
    workspace: Workspace<'_>,
    report: Report<'_>,
    image: &mut Image,
) -> bool {
    *image = Image::blank();
    Judge::new(source, engine, policy, report).judge(selector, manifest, workspace, image)
}

/// Reads an image's executable layer into memory of the engine, and hashes it there.
///
/// # Errors
/// As [`blob::open`] and [`blob::Opened::read`], and `out-of-memory`.
pub fn read_executable<S: Storage, E: Engine>(
    source: OciLayout<'_, S>,
    engine: &E,
    executable: &Content,
) -> Result<E::Code, Code> {
    let opened = blob::open(source.storage, source.root, executable)?;
    let size = usize::try_from(executable.size).map_err(|_| Code::OutOfMemory)?;
    let mut code = engine.allocate(size).ok_or(Code::OutOfMemory)?;
    opened.read(&mut code)?;
    Ok(code)
}

/// Loads an executable layer that [`read_executable`] has read, if it fits the image, this build
/// and `policy`. `explain` gets the details of a refusal.
///
/// # Errors
/// In this order: `layer-magic`, `layer-component`, `aot-version`, `aot-target`, the refusal by the
/// layer's annotations, the refusals of [`Trust::check`], `wasm-invalid`, `wasm-feature`, `wasm-limit`,
/// `out-of-memory`, `wasm-import`, `config-entry-point`, `wasm-entry-signature`, `limit-memory`.
pub fn load<E: Engine>(
    engine: &E,
    code: E::Code,
    image: &Loadable,
    policy: &Policy<'_>,
    explain: &mut dyn FnMut(&str),
) -> Result<E::Module, Code> {
    check_code(engine, &code, image, policy)?;
    // A module is large, and mapping its error would copy it.
    let module = match engine.load(code, explain) {
        Ok(module) => module,
        Err(LoadError::Invalid | LoadError::Unsupported) => return Err(Code::WasmInvalid),
        Err(LoadError::Feature) => return Err(Code::WasmFeature),
        Err(LoadError::Limit) => return Err(Code::WasmLimit),
        Err(LoadError::OutOfMemory) => return Err(Code::OutOfMemory),
    };
    check_module(engine, &module, image, policy, explain)?;
    Ok(module)
}

/// Location of a refusal by [`read_executable`] or [`load`].
pub const fn place(code: Code, image: &Image) -> Location<'static> {
    match code {
        Code::Document(_) => Location::Whole(Part::Config),
        _ => Location::Layer(image.executable_layer as usize),
    }
}

/// Checks an executable layer by what the engine need not load: its magic, the policy for AOT code,
/// its target and the annotations.
pub(super) fn check_code<E: Engine>(
    engine: &E,
    code: &[u8],
    image: &Loadable,
    policy: &Policy<'_>,
) -> Result<(), Code> {
    match image.format {
        Format::Wasm if !engine.interprets() => Err(Code::PlatformNone),
        Format::Wasm => match code.split_first_chunk::<4>().ok_or(Code::LayerMagic)? {
            (b"\0asm", [1, 0, 0, 0, ..]) => policy.trust.check(image.identity()),
            (b"\0asm", [_, _, 1, 0, ..]) => Err(Code::LayerComponent),
            (b"\0asm", _) => Err(Code::WasmInvalid),
            _ => Err(Code::LayerMagic),
        },
        Format::Aot => {
            if !code.starts_with(&aot::MAGIC) {
                return Err(Code::LayerMagic);
            }
            let target = engine.aot_target().ok_or(Code::AotUnsupported)?;
            aot::check_header(target, code)?;
            image.admission?;
            policy.trust.check(image.identity())
        }
    }
}

fn check_module<E: Engine>(
    engine: &E,
    module: &E::Module,
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
    source: OciLayout<'a, S>,
    engine: &'a E,
    policy: &'a Policy<'a>,
    report: Report<'r>,
    refused: bool,
    warned: bool,
    /// Entries of the tag, once its index was read.
    entries: Option<TagEntries>,
}

/// Result of a step. `Err(Break)`: `report` wants no more. `Err(Continue)`: refused; steps that do
/// not need this one go on.
type StepResult<T> = Result<T, ControlFlow<()>>;

/// Goes on after a refusal, unless `report` wants no more.
fn go_on(step: StepResult<()>) -> StepResult<()> {
    match step {
        Err(ControlFlow::Break(())) => step,
        _ => Ok(()),
    }
}

// No step is inlined into another.
impl<'a, 'r, S: Storage, E: Engine> Judge<'a, 'r, S, E> {
    fn new(
        source: OciLayout<'a, S>,
        engine: &'a E,
        policy: &'a Policy<'a>,
        report: Report<'r>,
    ) -> Self {
        Self {
            source,
            engine,
            policy,
            report,
            refused: false,
            warned: false,
            entries: None,
        }
    }

    /// Judges into a blank image.
    #[inline(never)]
    fn judge(
        &mut self,
        selector: Selector<'_>,
        manifest: Option<&Content>,
        workspace: Workspace<'_>,
        image: &mut Image,
    ) -> bool {
        let Workspace { document, config } = workspace;
        let judged = self.image(selector, manifest, document, config, image);
        judged.is_ok() && !self.refused
    }

    /// True where the tag leads to the judged image. Reports nothing.
    fn is_judged(&self, selector: Selector<'_>, document: &mut [u8], judged: &JudgedImage) -> bool {
        if judged.entries.is_none() || judged.warned || SIGNATURES && self.policy.trust.each_start {
            return false;
        }
        let mut quiet = |_: Finding, _: Location<'_>, _: &str| ControlFlow::Break(());
        let mut judge = Judge::new(self.source, self.engine, self.policy, &mut quiet);
        let index = judge.root_file("index.json", Code::IndexMissing, Part::Index, document);
        let chosen = index.and_then(|index| judge.choose(selector, index));
        chosen.is_ok() && judge.entries == judged.entries
    }

    #[inline(never)]
    fn tell(&mut self, code: Code, at: Location<'_>) -> ControlFlow<()> {
        self.refused = true;
        (self.report)(Finding::Refusal(code), at, "")
    }

    /// Reports a fault of a value in a document.
    #[inline(never)]
    fn tell_value(&mut self, part: Part, document: &[u8], error: Error) -> ControlFlow<()> {
        let at = Location::Value {
            part,
            document,
            offset: error.offset,
        };
        self.tell(Code::Document(error.kind), at)
    }

    fn check<T>(&mut self, result: Result<T, Code>, at: Location<'_>) -> StepResult<T> {
        result.map_err(|code| self.tell(code, at))
    }

    /// Runs a document's own checks, which hand over each error.
    fn document(
        &mut self,
        part: Part,
        document: &[u8],
        check: impl FnOnce(&mut dyn FnMut(Error) -> ControlFlow<()>) -> ControlFlow<()>,
    ) -> StepResult<()> {
        let checked = check(&mut |error| self.tell_value(part, document, error));
        go_on(Err(checked))
    }

    #[inline(never)]
    fn parse<'d>(&mut self, part: Part, document: &'d [u8]) -> StepResult<json::Value<'d>> {
        json::parse(document, &caps(document))
            .map_err(|error| self.tell_value(part, document, error))
    }

    fn image(
        &mut self,
        selector: Selector<'_>,
        manifest: Option<&Content>,
        document: &mut [u8],
        config: &mut [u8],
        image: &mut Image,
    ) -> StepResult<()> {
        go_on(self.layout(document))?;
        let manifest_type = self.documents(selector, manifest, document, config, image)?;
        if self.refused {
            return REFUSED;
        }
        if !SIGNATURES {
            return Ok(());
        }
        self.provenance(manifest_type, Workspace { document, config }, image)?;
        self.guard(selector, image)
    }

    /// Checks the sequence of an image that is selected by a tag.
    fn guard(&mut self, selector: Selector<'_>, image: &Image) -> StepResult<()> {
        match selector.name.filter(|_| SIGNATURES) {
            Some(tag) => self.sequence(tag, image),
            None => Ok(()),
        }
    }

    /// Judges the documents, and the layers but for the code in the executable one.
    fn documents(
        &mut self,
        selector: Selector<'_>,
        manifest: Option<&Content>,
        document: &mut [u8],
        config: &mut [u8],
        image: &mut Image,
    ) -> StepResult<ManifestType> {
        let (manifest_type, document) = match manifest.filter(|_| SIGNATURES) {
            Some(content) => self.manifest(*content, document, image)?,
            None => self.select(selector, document, image)?,
        };
        let value = self.parse(Part::Manifest, document)?;
        let described_as = MediaType::parse(manifest_type.name()).ok();
        self.document(Part::Manifest, document, |report| {
            Manifest::check(value, described_as, report)
        })?;
        let Ok(manifest) = Manifest::parse(value, described_as) else {
            return Err(ControlFlow::Continue(()));
        };
        for warning in manifest.warnings().iter() {
            self.warn(warning, Part::Manifest)?;
        }
        go_on(self.config(&manifest, document, config, image))?;
        self.layers(&manifest, document, config, image)?;
        Ok(manifest_type)
    }

    /// Reads a manifest whose content is known.
    fn manifest<'b>(
        &mut self,
        content: Content,
        buffer: &'b mut [u8],
        image: &mut Image,
    ) -> StepResult<(ManifestType, &'b [u8])> {
        let read = blob::read_document(self.source, &content, buffer);
        let bytes = self.check(read, Location::Whole(Part::Manifest))?;
        image.manifest = content;
        let named = self.parse(Part::Manifest, bytes)?.get("mediaType");
        let named = named.and_then(|value| MediaType::parse(value.text().ok()?.as_plain()?).ok());
        let manifest_type = named.and_then(ManifestType::of);
        Ok((manifest_type.unwrap_or(ManifestType::Oci), bytes))
    }

    /// Checks the header of AOT code, whose digest is not compared yet.
    fn header(&self, image: &Image, buffer: &mut [u8]) -> Result<(), Code> {
        let Some(target) = self.engine.aot_target() else {
            return Err(Code::AotUnsupported);
        };
        let storage = self.source.storage;
        let mut file = blob::open(storage, self.source.root, &image.executable)?.into_file();
        let count = storage.read(&mut file, buffer)?;
        storage.close(file)?;
        let code = buffer.get(..count).unwrap_or_default();
        if code.starts_with(&aot::MAGIC) {
            aot::check_header(target, code)
        } else {
            Err(Code::LayerMagic)
        }
    }

    /// Verifies the origin of an image whose documents are accepted.
    #[inline(never)]
    fn provenance(
        &mut self,
        manifest_type: ManifestType,
        workspace: Workspace<'_>,
        image: &mut Image,
    ) -> StepResult<()> {
        // Code that does not fit is refused for that, without the cost of a signature.
        if image.admission.is_err() {
            return Ok(());
        }
        let trust = self.policy.trust;
        if trust.verifies_code_of(image.format) {
            let header = self.header(image, &mut *workspace.config);
            self.check(header, Location::Layer(image.executable_layer.into()))?;
        }
        match trust::provenance(
            self.source,
            trust,
            image,
            manifest_type,
            workspace.document,
            workspace.config,
        ) {
            Ok((provenance, sequence)) => {
                image.admission = Ok(provenance);
                image.sequence = sequence;
            }
            Err(TrustRefusal { code, at }) => {
                return Err(self.tell(code, Location::Signature(at)));
            }
        }
        let at = match trust.check(image.identity()) {
            Ok(()) => return Ok(()),
            Err(code @ Code::SignatureMissing) => (code, Location::Signature("")),
            Err(code) => (code, Location::Layer(image.executable_layer.into())),
        };
        Err(self.tell(at.0, at.1))
    }

    /// Checks that an image is not older than one of its name that has worked.
    #[inline(never)]
    fn sequence(&mut self, tag: &str, image: &Image) -> StepResult<()> {
        let trust = self.policy.trust;
        if !trust.guards_sequence(image.identity()) {
            return Ok(());
        }
        let records = SequenceRecords {
            layout: self.source,
            counter: trust.counter,
        };
        let at = Location::Signature(SEQUENCE);
        self.check(records.check(tag, image.sequence), at)
    }

    fn warn(&mut self, warning: Warning, part: Part) -> StepResult<()> {
        self.warned = true;
        go_on(Err((self.report)(
            Finding::Warning(warning),
            Location::Whole(part),
            "",
        )))
    }

    #[inline(never)]
    fn layout(&mut self, buffer: &mut [u8]) -> StepResult<()> {
        let bytes = self.root_file("oci-layout", Code::LayoutMissing, Part::Layout, buffer)?;
        let value = self.parse(Part::Layout, bytes)?;
        match Layout::parse(value) {
            Ok(_) => Ok(()),
            Err(error) => Err(self.tell_value(Part::Layout, bytes, error)),
        }
    }

    /// Reads a file that has a name instead of a digest.
    fn root_file<'b>(
        &mut self,
        name: &str,
        missing: Code,
        part: Part,
        buffer: &'b mut [u8],
    ) -> StepResult<&'b [u8]> {
        let bytes = blob::read_named(self.source, name, missing, buffer);
        self.check(bytes, Location::Whole(part))
    }

    /// Finds the manifest through the index and the indexes in it, and reads the manifest.
    #[inline(never)]
    fn select<'b>(
        &mut self,
        selector: Selector<'_>,
        buffer: &'b mut [u8],
        image: &mut Image,
    ) -> StepResult<(ManifestType, &'b [u8])> {
        let mut length = self
            .root_file("index.json", Code::IndexMissing, Part::Index, buffer)?
            .len();
        // The name selects an entry of the outermost index; entries of the indexes in it have none.
        let mut name = selector.name;
        for _ in 0..MAX_INDEX_DEPTH {
            let index = buffer.get(..length).unwrap_or_default();
            let entry = self.choose(Selector { name, ..selector }, index)?;
            // The entry's location is lost once the document replaces the index in the buffer.
            let at = Location::Value {
                part: Part::Index,
                document: index,
                offset: entry.offset,
            };
            let opened = blob::open(self.source.storage, self.source.root, &entry.content);
            let opened = match opened {
                Ok(opened) => opened,
                Err(code) => return Err(self.tell(code, at)),
            };
            let read = opened.read_document(&mut *buffer).map(<[u8]>::len);
            length = self.check(read, Location::Whole(entry.part()))?;
            if let Some(manifest_type) = entry.manifest_type {
                image.manifest = entry.content;
                let bytes = buffer.get(..length).unwrap_or_default();
                return Ok((manifest_type, bytes));
            }
            name = None;
        }
        Err(self.tell(Code::IndexNestedTooDeep, Location::Whole(Part::Index)))
    }

    /// Chooses the entry of an index that is selected, or the best of several for this machine.
    #[inline(never)]
    fn choose(&mut self, selector: Selector<'_>, document: &[u8]) -> StepResult<IndexEntry> {
        let value = self.parse(Part::Index, document)?;
        self.document(Part::Index, document, |report| Index::check(value, report))?;
        let Ok(index) = Index::parse(value) else {
            return Err(ControlFlow::Continue(()));
        };
        let mut choice = Choice::default();
        let mut empty = true;
        for entry in index.manifests() {
            empty = false;
            let skipped = || belongs_to_image(&entry) && selector == Selector::default();
            if !selector.takes(&entry) || skipped() {
                continue;
            }
            match entry.descriptor() {
                Ok(descriptor) => choice.add(&descriptor, self.rank(descriptor.platform())),
                // A damaged entry must not keep the others from being used by their names.
                Err(error) => return Err(self.tell_value(Part::Index, document, error)),
            }
        }
        let chosen = if empty {
            Err(Code::IndexEmpty)
        } else {
            choice.chosen()
        };
        let descriptor = self.check(chosen, Location::Whole(Part::Index))?;
        let entry = self.entry(descriptor, document)?;
        // The outermost index alone has names.
        if selector.name.is_some() && selector.digest.is_none() {
            let mut named = index.manifests().filter(|entry| selector.names(entry));
            self.entries = fingerprint(&mut named).map(|fingerprint| TagEntries {
                chosen: entry.content.digest,
                fingerprint,
                prefer_portable: self.policy.prefer_portable,
            });
        }
        Ok(entry)
    }

    /// Rank of an index entry on this machine, the best with the highest; `None` where it can't
    /// run.
    fn rank(&self, platform: Option<ImagePlatform<'_>>) -> Option<u8> {
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
            .filter(|_| self.policy.trust.takes_aot())?;
        (platform.architecture == *target.name).then_some(2)
    }

    fn entry(&mut self, descriptor: &Descriptor<'_>, document: &[u8]) -> StepResult<IndexEntry> {
        let offset = descriptor.value().offset();
        let manifest_type = ManifestType::of(descriptor.media_type);
        let content = if manifest_type.is_none() && descriptor.media_type != *INDEX_MEDIA_TYPE {
            Err(Code::Document(ErrorKind::MediaTypeUnsupported))
        } else {
            content_of(descriptor)
        };
        let at = Location::Value {
            part: Part::Index,
            document,
            offset,
        };
        match content {
            Ok(content) => Ok(IndexEntry {
                content,
                manifest_type,
                offset,
            }),
            Err(code) => Err(self.tell(code, at)),
        }
    }

    #[inline(never)]
    fn config(
        &mut self,
        manifest: &Manifest<'_>,
        manifest_bytes: &[u8],
        buffer: &mut [u8],
        image: &mut Image,
    ) -> StepResult<()> {
        let descriptor = manifest.config();
        let at = Location::Value {
            part: Part::Manifest,
            document: manifest_bytes,
            offset: descriptor.value().offset(),
        };
        let whole = Location::Whole(Part::Config);
        let opened = match self.open(&descriptor) {
            Ok(opened) => opened,
            Err(code) => return Err(self.tell(code, at)),
        };
        let config_type = manifest.config_type();
        if matches!(config_type, ConfigType::Empty | ConfigType::Unsupported) {
            let verified = opened.verify(buffer);
            go_on(self.check(verified, whole))?;
            return Err(self.tell(Code::Document(ErrorKind::ConfigUnsupported), at));
        }
        let read = opened.read_document(buffer);
        let document = self.check(read, whole)?;
        let value = self.parse(Part::Config, document)?;
        self.document(Part::Config, document, |report| {
            Config::check(value, config_type, manifest, report)
        })?;
        let Ok(config) = Config::parse(value, config_type, manifest) else {
            return REFUSED;
        };
        if !config.names_entry_point() {
            self.warn(Warning::ConfigEntryPointAbsent, Part::Config)?;
        }
        self.document(Part::Config, document, |report| {
            config.check_permissions(|name| permissions(name).is_some(), report)
        })?;
        let copied = copy_config(&config, image).ok_or(Code::LimitCapacity);
        self.check(copied, whole)
    }

    /// Judges the layers; `buffer` is for hashing.
    #[inline(never)]
    fn layers(
        &mut self,
        manifest: &Manifest<'_>,
        document: &[u8],
        buffer: &mut [u8],
        image: &mut Image,
    ) -> StepResult<()> {
        let executable = manifest.executable();
        if let Err(error) = executable {
            go_on(Err(self.tell_value(Part::Manifest, document, error)))?;
        }
        let mut sum = 0_u64;
        for layer in manifest.layers() {
            let found = self.stat(&layer.descriptor, &mut sum);
            go_on(self.check(found, Location::Layer(layer.index)))?;
        }
        for layer in manifest.layers() {
            if !layer.is_executable() {
                let added = self.add_blob(&layer, buffer, image);
                go_on(self.check(added, Location::Layer(layer.index)))?;
            }
        }
        match executable {
            Ok(layer) => self.executable(&layer, image),
            Err(_) => REFUSED,
        }
    }

    /// Opens the content of a descriptor.
    #[inline(never)]
    fn open(&self, descriptor: &Descriptor<'_>) -> Result<Opened<'a, S>, Code> {
        let content = content_of(descriptor)?;
        blob::open(self.source.storage, self.source.root, &content)
    }

    /// Checks that a layer exists, and adds its size to `sum`, which has a limit.
    #[inline(never)]
    fn stat(&self, descriptor: &Descriptor<'_>, sum: &mut u64) -> Result<(), Code> {
        let content = content_of(descriptor)?;
        blob::stat(self.source.storage, self.source.root, &content)?;
        *sum = sum.saturating_add(content.size);
        if *sum > self.policy.image_bytes {
            return Err(Code::LimitImage);
        }
        Ok(())
    }

    /// Hashes a layer that is not executed, and adds it to the image's blobs.
    #[inline(never)]
    fn add_blob(
        &self,
        layer: &Layer<'_>,
        buffer: &mut [u8],
        image: &mut Image,
    ) -> Result<(), Code> {
        let opened = match self.open(&layer.descriptor) {
            // A fault of its digest or its folder entry is reported already.
            Err(_) if self.refused => return Ok(()),
            opened => opened?,
        };
        let content = opened.content();
        opened.verify(buffer)?;
        let Some(title) = title(layer) else {
            return Err(Code::LimitCapacity);
        };
        let pushed = image.blobs.push(content, &title);
        pushed.map_err(|_| Code::LimitCapacity)
    }

    #[inline(never)]
    fn executable(&self, layer: &Layer<'_>, image: &mut Image) -> StepResult<()> {
        let (Ok(executable), LayerKind::Executable { format, .. }) =
            (content_of(&layer.descriptor), layer.kind)
        else {
            return REFUSED;
        };
        image.executable = executable;
        // There are no more blobs than `MAX_BLOBS` beside it.
        image.executable_layer = u8::try_from(layer.index).unwrap_or(u8::MAX);
        image.format = format;
        let annotations = match (format, self.engine.aot_target()) {
            (Format::Wasm, _) => Ok(()),
            (Format::Aot, None) => Err(Code::AotUnsupported),
            (Format::Aot, Some(target)) => aot::check_annotations(
                target,
                layer.descriptor.annotations(),
                self.policy.uninterruptible,
            ),
        };
        if let Err(code) = annotations {
            image.admission = Err(code);
        }
        Ok(())
    }
}

/// Result of a step that has reported its refusal.
const REFUSED: StepResult<()> = Err(ControlFlow::Continue(()));

/// Selected entries of an index.
#[derive(Default)]
struct Choice<'a> {
    first: Option<Descriptor<'a>>,
    /// True where some have other digests than the first.
    differ: bool,
    best: Option<Descriptor<'a>>,
    rank: u8,
    /// True where some have other digests than the best, and the same rank.
    ambiguous: bool,
}

impl<'a> Choice<'a> {
    /// Adds an entry, with its rank on this machine, if it has one.
    #[inline(never)]
    fn add(&mut self, descriptor: &Descriptor<'a>, rank: Option<u8>) {
        let first = self.first.get_or_insert(*descriptor);
        self.differ |= first.digest != descriptor.digest;
        let Some(rank) = rank else {
            return;
        };
        match &self.best {
            Some(_) if self.rank > rank => {}
            Some(best) if self.rank == rank => self.ambiguous |= best.digest != descriptor.digest,
            _ => {
                self.best = Some(*descriptor);
                self.rank = rank;
                self.ambiguous = false;
            }
        }
    }

    /// Returns the only content, or the best of several.
    fn chosen(&self) -> Result<&Descriptor<'a>, Code> {
        let first = self.first.as_ref().ok_or(Code::ReferenceNotFound)?;
        if !self.differ {
            return Ok(first);
        }
        let best = self.best.as_ref().ok_or(Code::PlatformNone)?;
        if self.ambiguous {
            return Err(Code::ReferenceAmbiguous);
        }
        Ok(best)
    }
}

/// Content and type of an index entry.
struct IndexEntry {
    content: Content,
    /// `None` for another index.
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

/// Copies the config to the image; `None` where something is longer than this device takes.
fn copy_config(config: &Config<'_>, image: &mut Image) -> Option<()> {
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

impl<'a> Selector<'a> {
    /// Parses a typed name: `name`, `name:tag`, either with `@` and a digest, or a digest alone.
    ///
    /// ```
    /// use ocre::image::judge::Selector;
    /// use ocre::image::verdict::Code;
    ///
    /// assert_eq!(Selector::parse("app:1")?.name, Some("app:1"));
    /// let digest = "sha256:7d865e959b2466918c9863afca942d0fb89d7c9ac0c99bafc3749504ded97730";
    /// assert!(Selector::parse(digest)?.digest.is_some());
    /// assert_eq!(Selector::parse("App").unwrap_err().as_str(), "reference-syntax");
    /// # Ok::<(), Code>(())
    /// ```
    ///
    /// # Errors
    /// `reference-syntax`, `digest-syntax`, `digest-unsupported`.
    pub fn parse(text: &'a str) -> Result<Self, Code> {
        if let Ok(digest) = text.parse() {
            return Ok(Self {
                name: None,
                digest: Some(digest),
            });
        }
        let reference = Reference::parse(text).map_err(|error| Code::Document(error.kind))?;
        let digest = match reference.digest() {
            None => None,
            Some(DigestRef::Sha256(digest)) => Some(digest),
            Some(DigestRef::Other(_)) => return Err(Code::DigestUnsupported),
        };
        let (name, _) = text.split_once('@').unwrap_or((text, ""));
        Ok(Self {
            name: Some(name),
            digest,
        })
    }

    /// True where the entry has the selector's name, or the selector has none.
    pub fn names(&self, entry: &Entry<'_>) -> bool {
        self.name.is_none_or(|name| {
            let found = entry.reference_name();
            found.is_some_and(|found| means(name, found))
        })
    }

    fn takes(&self, entry: &Entry<'_>) -> bool {
        // An index is taken whatever its digest: the selected manifest may lie in it.
        let digested = self.digest.is_none_or(|digest| {
            entry.descriptor().is_ok_and(|found| {
                found.digest == DigestRef::Sha256(digest) || found.media_type == *INDEX_MEDIA_TYPE
            })
        });
        self.names(entry) && digested
    }
}

/// True where a typed name means a tag of an index.
pub(super) fn means(name: &str, tag: Text<'_>) -> bool {
    let tagged = name.chars().chain(":latest".chars());
    // A colon in front of a slash belongs to a port.
    let last = name.bytes().rfind(|byte| matches!(byte, b'/' | b':'));
    let has_tag = last == Some(b':');
    tag == *name || (!has_tag && tag.chars().eq(tagged))
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
