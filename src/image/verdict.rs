// SPDX-License-Identifier: Apache-2.0
//! Verdicts: the results of judging an image.
//!
//! Every refusal has one stable code and a location; `docs/errors.md` has a hint for each code.
//! Findings are handed over one by one, while the document they point into is still in memory; the
//! listener decides whether the judge goes on.

use core::fmt;
use core::ops::ControlFlow;

use heapless::String;
use heapless::string::StringView;
use ocre_oci::codes::word;
use ocre_oci::{ErrorKind, Warning, Warnings, json};
use ocre_signature::Rule as SignatureRule;

use crate::limits::SIGNATURES;
use crate::port::StorageError;

/// Reason for the refusal of an image.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Code {
    /// A document is malformed.
    Document(ErrorKind),
    /// The partition could not be read.
    Storage(StorageError),
    /// There is no `oci-layout` file: this is no OCI image layout.
    LayoutMissing,
    /// There is no `index.json`.
    IndexMissing,
    /// The index names no manifest.
    IndexEmpty,
    /// Indexes are nested deeper than [`MAX_INDEX_DEPTH`](crate::limits::MAX_INDEX_DEPTH).
    IndexNestedTooDeep,
    /// The index has no entry of that name or digest.
    ReferenceNotFound,
    /// Several entries fit equally well.
    ReferenceAmbiguous,
    /// None of several entries is for this machine.
    PlatformNone,
    /// A digest of an algorithm other than sha256, which can't be verified.
    DigestUnsupported,
    /// The content does not hash to its descriptor's digest.
    DigestMismatch,
    /// The content is not as long as its descriptor says.
    SizeMismatch,
    /// The content that a descriptor names is not there.
    BlobMissing,
    /// The layers together are larger than this device takes.
    LimitImage,
    /// More layers, or a longer name or environment, than this device takes.
    LimitCapacity,
    /// The executable layer does not begin as its media type says.
    LayerMagic,
    /// The executable layer is a WebAssembly component.
    LayerComponent,
    /// The policy of this device runs only images with pinned digests.
    DigestNotPinned,
    /// The image has no signature, and the policy of this device asks for one.
    SignatureMissing,
    /// The image's signature does not hold.
    Signature(SignatureRule),
    /// The image is older than one of that name that has worked.
    Rollback,
    /// AOT code, which this build or this processor does not run.
    AotUnsupported,
    /// This device's policy does not run this AOT code.
    AotPolicy,
    /// AOT code for another version of the engine.
    AotVersion,
    /// AOT code for another machine.
    AotTarget,
    /// AOT code without the annotations of its target.
    AotMetadata,
    /// AOT code for another calling convention.
    AotAbi,
    /// AOT code, which does not count its instructions, for a container with a limit on them.
    AotInstructions,
    /// The engine does not accept the code.
    WasmInvalid,
    /// The code uses a feature of WebAssembly that the engine lacks.
    WasmFeature,
    /// The code exceeds a limit of the engine.
    WasmLimit,
    /// The module imports something that this build does not offer.
    WasmImport,
    /// The entry point takes parameters, or returns something other than one i32.
    WasmEntrySignature,
    /// The module needs more linear memory than the container may have.
    LimitMemory,
    /// The container's stack is too small for the engine.
    LimitStack,
    /// No memory left on the device to load the code.
    OutOfMemory,
}

/// Party that can do something about a refusal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// The maker of the image, or its transport.
    Image,
    /// The caller: another reference, policy or limit would do.
    Caller,
    /// The device: its flash or its memory.
    Device,
}

impl Code {
    /// All codes that are neither a document's, nor of an image's origin, nor the storage's.
    pub const OWN: [Self; 30] = [
        Self::LayoutMissing,
        Self::IndexMissing,
        Self::IndexEmpty,
        Self::IndexNestedTooDeep,
        Self::ReferenceNotFound,
        Self::ReferenceAmbiguous,
        Self::PlatformNone,
        Self::DigestUnsupported,
        Self::DigestMismatch,
        Self::SizeMismatch,
        Self::BlobMissing,
        Self::LimitImage,
        Self::LimitCapacity,
        Self::LayerMagic,
        Self::LayerComponent,
        Self::AotUnsupported,
        Self::AotPolicy,
        Self::AotVersion,
        Self::AotTarget,
        Self::AotMetadata,
        Self::AotAbi,
        Self::AotInstructions,
        Self::WasmInvalid,
        Self::WasmFeature,
        Self::WasmLimit,
        Self::WasmImport,
        Self::WasmEntrySignature,
        Self::LimitMemory,
        Self::LimitStack,
        Self::OutOfMemory,
    ];

    /// Codes of the origin of an image that are no signature's.
    pub const OF_ORIGIN: [Self; 3] = [
        Self::DigestNotPinned,
        Self::SignatureMissing,
        Self::Rollback,
    ];

    /// Strings of [`Self::OWN`], in the same order.
    const WORDS: &str = "layout-missing index-missing index-empty index-nested-too-deep reference-not-found \
        reference-ambiguous platform-none digest-unsupported digest-mismatch size-mismatch \
        blob-missing limit-image limit-capacity layer-magic layer-component aot-unsupported \
        aot-policy aot-version aot-target aot-metadata aot-abi aot-instructions wasm-invalid wasm-feature \
        wasm-limit wasm-import wasm-entry-signature limit-memory limit-stack out-of-memory";

    /// All codes, in no order that matters.
    pub fn all() -> impl Iterator<Item = Self> {
        let signatures = SignatureRule::ALL.iter().copied().map(Self::Signature);
        let origin = Self::OF_ORIGIN.iter().copied().chain(signatures);
        Self::of_every_build().chain(origin)
    }

    fn of_every_build() -> impl Iterator<Item = Self> {
        let documents = ErrorKind::ALL.iter().copied().map(Self::Document);
        let storage = StorageError::ALL.iter().copied().map(Self::Storage);
        Self::OWN.iter().copied().chain(documents).chain(storage)
    }

    /// Finds the code with that string.
    pub fn from_name(name: &str) -> Option<Self> {
        let is_named = |code: &Self| code.as_str() == name;
        if SIGNATURES {
            Self::all().find(is_named)
        } else {
            Self::of_every_build().find(is_named)
        }
    }

    /// The stable string.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Document(kind) => kind.code(),
            Self::Storage(error) => error.code(),
            Self::Signature(rule) if SIGNATURES => rule.code(),
            Self::DigestNotPinned if SIGNATURES => "digest-not-pinned",
            Self::SignatureMissing if SIGNATURES => "signature-missing",
            Self::Rollback if SIGNATURES => "rollback",
            own => {
                let place = Self::OWN.iter().position(|code| *code == own);
                word(Self::WORDS, place.unwrap_or(usize::MAX))
            }
        }
    }

    /// Party that can do something about the refusal.
    pub const fn fault(self) -> Fault {
        match self {
            Self::Storage(_) | Self::OutOfMemory => Fault::Device,
            Self::ReferenceNotFound
            | Self::ReferenceAmbiguous
            | Self::PlatformNone
            | Self::LimitImage
            | Self::LimitCapacity
            | Self::DigestNotPinned
            | Self::SignatureMissing
            | Self::Rollback
            | Self::Signature(SignatureRule::Key)
            | Self::AotUnsupported
            | Self::AotPolicy
            | Self::AotTarget
            | Self::AotAbi
            | Self::AotInstructions
            | Self::LimitMemory
            | Self::LimitStack => Fault::Caller,
            _ => Fault::Image,
        }
    }

    /// True where an image with this fault may still be kept, listed and inspected: its bytes are
    /// as its digests say, but it can't run here.
    pub const fn may_be_stored(self) -> bool {
        matches!(
            self,
            Self::Document(ErrorKind::ConfigUnsupported)
                | Self::DigestNotPinned
                | Self::SignatureMissing
                | Self::Rollback
                | Self::Signature(_)
                | Self::AotUnsupported
                | Self::AotPolicy
                | Self::AotVersion
                | Self::AotTarget
                | Self::AotAbi
                | Self::LimitMemory
                | Self::PlatformNone
        )
    }
}

impl From<ocre_oci::Error> for Code {
    fn from(error: ocre_oci::Error) -> Self {
        Self::Document(error.kind)
    }
}

impl From<StorageError> for Code {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Document of an image.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// `oci-layout`.
    Layout,
    /// `index.json`, or an index it leads to.
    Index,
    /// The image manifest.
    Manifest,
    /// The image config.
    Config,
}

impl Part {
    const fn name(self) -> &'static str {
        match self {
            Self::Layout => "oci-layout",
            Self::Index => "index",
            Self::Manifest => "manifest",
            Self::Config => "config",
        }
    }
}

/// Location of a finding. Displays as the document's name and a JSON pointer (RFC 6901) into it:
/// `manifest/layers/0/digest`.
#[derive(Clone, Copy, Debug)]
pub enum Location<'a> {
    /// A document as a whole.
    Whole(Part),
    /// The value at, or around, a byte of a document.
    Value {
        /// The document.
        part: Part,
        /// Bytes of the document.
        document: &'a [u8],
        /// Offset of the byte.
        offset: u32,
    },
    /// The content of a layer, counted from 0.
    Layer(usize),
    /// A part of a signature; all of it where the text is empty.
    Signature(&'static str),
}

impl fmt::Display for Location<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Whole(part) => f.write_str(part.name()),
            Self::Value {
                part,
                document,
                offset,
            } => {
                write!(f, "{}{}", part.name(), json::pointer(document, offset))
            }
            Self::Layer(index) => write!(f, "{}/layers/{index}", Part::Manifest.name()),
            Self::Signature(_) if !SIGNATURES => Ok(()),
            Self::Signature("") => f.write_str("signature"),
            Self::Signature(part) => write!(f, "signature/{part}"),
        }
    }
}

/// Finding of the judge: a refusal or a warning.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Finding {
    /// The image can't be run.
    Refusal(Code),
    /// The image can be run, and could be better made.
    Warning(Warning),
}

impl Finding {
    /// The stable string.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Refusal(code) => code.as_str(),
            Self::Warning(warning) => warning.code(),
        }
    }
}

/// Listener of the judge. Takes a finding, its location and its detail (the engine's message, the
/// name of an import), empty where there is none. `Break` ends the judging.
pub type Report<'r> = &'r mut dyn FnMut(Finding, Location<'_>, &str) -> ControlFlow<()>;

/// The verdict on an image: its first refusal, and every warning up to there.
///
/// ```
/// use ocre::image::verdict::{Code, Finding, Location, Verdict};
/// use ocre_oci::Warning;
///
/// let mut verdict = Verdict::new(false);
/// let _ = verdict.note(Finding::Warning(Warning::ALL[0]), Location::Layer(0), "");
/// assert_eq!(verdict.word(), "warnings");
/// let _ = verdict.note(Finding::Refusal(Code::DigestMismatch), Location::Layer(0), "");
/// assert_eq!(verdict.word(), "rejected");
/// assert_eq!(verdict.code(), Some("digest-mismatch"));
/// assert_eq!(verdict.at(), "manifest/layers/0");
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Verdict {
    strict: bool,
    refusal: Option<Finding>,
    at: String<96>,
    detail: String<96>,
    warnings: Warnings,
}

impl Verdict {
    /// No verdict yet. `strict` makes every warning a refusal.
    #[inline(never)]
    pub fn new(strict: bool) -> Self {
        Self {
            strict,
            ..Self::default()
        }
    }

    /// Takes a finding; a [`Report`] passes its arguments here. `Break` after a refusal.
    pub fn note(&mut self, finding: Finding, at: Location<'_>, detail: &str) -> ControlFlow<()> {
        if let Finding::Warning(warning) = finding
            && !self.strict
        {
            self.warnings.insert(warning);
            return ControlFlow::Continue(());
        }
        if self.refusal.is_none() {
            self.refusal = Some(finding);
            write_cut(&mut self.at, format_args!("{at}"));
            write_cut(&mut self.detail, format_args!("{detail}"));
        }
        ControlFlow::Break(())
    }

    /// The stable string of the refusal.
    pub fn code(&self) -> Option<&'static str> {
        self.refusal.map(Finding::as_str)
    }

    /// Refusal; `None` where the image is accepted.
    pub const fn refusal(&self) -> Option<Finding> {
        self.refusal
    }

    /// Location of the refusal; empty without one.
    pub fn at(&self) -> &str {
        &self.at
    }

    /// Detail of the refusal; often empty.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// Warnings on the image.
    pub const fn warnings(&self) -> Warnings {
        self.warnings
    }

    /// Word for the verdict: `ok`, `warnings` or `rejected`.
    pub fn word(&self) -> &'static str {
        match self.refusal {
            Some(_) => "rejected",
            None if self.warnings.is_empty() => "ok",
            None => "warnings",
        }
    }
}

/// Writes as much as fits, cut at a character.
#[inline(never)]
pub fn write_cut(target: &mut StringView, text: fmt::Arguments<'_>) {
    struct Cut<'a>(&'a mut StringView);
    impl fmt::Write for Cut<'_> {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            text.chars()
                .try_for_each(|char| self.0.push(char).map_err(|_| fmt::Error))
        }
    }
    // An error means that the rest was cut, as intended.
    let _ = fmt::write(&mut Cut(target), text);
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::Code;

    #[test]
    fn each_own_code_is_that_of_its_variant() {
        for code in Code::OWN.into_iter().chain(Code::OF_ORIGIN) {
            let mut wanted = std::string::String::new();
            for character in std::format!("{code:?}").chars() {
                if character.is_uppercase() && !wanted.is_empty() {
                    wanted.push('-');
                }
                wanted.extend(character.to_lowercase());
            }
            assert_eq!(code.as_str(), wanted);
        }
    }
}
