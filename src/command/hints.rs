// SPDX-License-Identifier: Apache-2.0
//! Hint for each code: the last column of `docs/errors.md`, which a test compares.
//!
//! The compiler asks for the hint of each new code. The texts are short: they lie in the flash of a
//! device, and a build may leave them out.

use ocre_oci::{ErrorKind, Warning};
use ocre_signature::Rule as SignatureRule;

use crate::container::state::{Refusal, StartFailure};
use crate::container::{Error, record};
use crate::image::store;
use crate::image::verdict::{Code, Finding};
use crate::limits::{HINTS, SIGNATURES};
use crate::port::{StorageError, Trap};

/// Chooses a text by a match whose arms are texts, or, behind `else`, expressions.
///
/// The texts are one, in lines: a table of texts takes eight bytes more of flash for each.
macro_rules! texts {
    (
        match $value:ident {
            $($kind:ident::$first:ident $(| $same:ident::$other:ident)* => $text:literal,)*
        }
        $(else { $($pattern:pat => $chosen:expr,)* })?
    ) => {{
        if !HINTS {
            return "";
        }
        enum Line { $($first,)* }
        let line = match $value {
            $($kind::$first $(| $kind::$other)* => Line::$first,)*
            $($($pattern => return $chosen,)*)?
        };
        self::line(concat!($($text, "\n",)*), line as usize)
    }};
}

/// Line number `place` of a text.
#[inline(never)]
fn line(text: &'static str, place: usize) -> &'static str {
    text.split('\n').nth(place).unwrap_or_default()
}

/// For what the judge found.
pub fn finding(finding: Finding) -> &'static str {
    match finding {
        Finding::Refusal(code) => refusal(code),
        Finding::Warning(warning) => self::warning(warning),
    }
}

/// For a refusal of an image.
pub fn refusal(code: Code) -> &'static str {
    texts! {
        match code {
            Code::LayoutMissing => "name the top folder of an OCI image layout",
            Code::IndexMissing => "copy the whole layout again",
            Code::IndexNestedTooDeep => "name the image directly in `index.json`",
            Code::IndexEmpty | Code::ReferenceNotFound => "get an image with `ocre build --import`, `ocre image pull` or `ocre image import`; list images with `ocre image ls`",
            Code::ReferenceAmbiguous => "give a tag or a digest",
            Code::PlatformNone => "pack the portable module too, or AOT code for this machine",
            Code::DigestUnsupported => "pack the image with sha256 digests",
            Code::DigestMismatch | Code::SizeMismatch => "copy the image again: the blob was damaged or changed",
            Code::BlobMissing => "copy the image again, with all blobs",
            Code::LimitImage => "make the image smaller, or raise the device's limit",
            Code::LimitCapacity => "shorten the layers, name or environment, or raise the device's capacity",
            Code::AotInstructions => "leave out `--instructions`",
            Code::LayerMagic => "correct the media type, or pack the right file",
            Code::LayerComponent => "compile a core module for `wasm32-wasip1`",
            Code::AotUnsupported => "add the portable module, or set CONFIG_OCRE_AOT=y",
            Code::AotPolicy => "allow the code in the device's policy, or compile the module with `ocre aot`",
            Code::AotVersion => "compile the module with `ocre aot` of this release",
            Code::AotTarget | Code::AotAbi => "compile the module for this device with `ocre aot --target`",
            Code::AotMetadata => "compile with `ocre aot` and pack with `ocre image pack`",
            Code::WasmInvalid => "compile the module again; the detail has fault and offset",
            Code::WasmFeature => "compile the module without the feature in the detail",
            Code::WasmLimit => "split the part that the detail names",
            Code::WasmImport => "link only WASI preview 1 and Ocre's guest API; the detail names the import",
            Code::WasmEntrySignature => "name an entry point without parameters",
            Code::LimitMemory => "link with less initial memory, or raise `--memory`",
            Code::LimitStack => "raise `--stack`",
            Code::OutOfMemory => "stop another container, or enlarge the heap",
        }
        else {
            Code::DigestNotPinned | Code::SignatureMissing | Code::Rollback | Code::Signature(_) => origin(code),
            Code::Document(kind) => document(kind),
            Code::Storage(error) => storage(error),
        }
    }
}

/// For an image whose origin the policy does not accept.
fn origin(code: Code) -> &'static str {
    if !SIGNATURES {
        return "";
    }
    let rule = match code {
        Code::Signature(rule) => rule,
        Code::DigestNotPinned => return "add the image's digest to the device's configuration",
        Code::Rollback => {
            return "get the newest image of that name; on purpose, `image reset` lets older ones run";
        }
        _ => {
            return "sign the image with `ocre image sign` and a key of the device, and import the \
                    image with the signature";
        }
    };
    texts! {
        match rule {
            SignatureRule::Malformed => "sign the image again, with `ocre image sign`, notation or cosign",
            SignatureRule::Unsupported => "sign with a key on P-256 and SHA-256, by `ocre image sign`, notation or cosign",
            SignatureRule::Target => "sign this image",
            SignatureRule::Expired => "sign the image again",
            SignatureRule::Key => "sign with a key of the device, or add the signer's key to the device's configuration",
            SignatureRule::Invalid => "copy the image and its signature again; if that does not help, do not trust the image",
        }
    }
}

/// For a document that breaks a rule of its own.
pub fn document(kind: ErrorKind) -> &'static str {
    texts! {
        match kind {
            ErrorKind::JsonSyntax => "write the document with a tool, not by hand",
            ErrorKind::JsonUtf8 => "save the document as UTF-8",
            ErrorKind::JsonDuplicateKey => "remove one of the two members",
            ErrorKind::JsonTrailingData => "cut the file after the closing brace",
            ErrorKind::DocumentTooLarge => "remove annotations, or raise the device's capacity",
            ErrorKind::DocumentTooDeep => "reduce the nesting of the document",
            ErrorKind::TooManyEntries => "remove entries, or split the index",
            ErrorKind::FieldMissing => "add the member to the object at the location",
            ErrorKind::FieldType => "use the type of the image specification; a size is a plain integer",
            ErrorKind::SchemaVersion => "convert the image to OCI or Docker schema 2",
            ErrorKind::LayoutVersion => "write the layout with a tool for image-spec 1.0",
            ErrorKind::MediaTypeSyntax => "remove parameters and spaces",
            ErrorKind::MediaTypeUnsupported => "push the image as an OCI image manifest",
            ErrorKind::MediaTypeMismatch => "use the same media type in both",
            ErrorKind::DigestSyntax => "write `sha256:` and 64 lower-case hex digits",
            ErrorKind::SizeRange => "correct the number",
            ErrorKind::DataMismatch => "remove `data`, or pack the image again",
            ErrorKind::UrlSyntax => "add the scheme, such as `https:`",
            ErrorKind::AnnotationType => "put the value in quotes",
            ErrorKind::ConfigUnsupported => "pack with `ocre image pack`, or push with `--config \
             FILE:application/vnd.wasm.config.v0+json`",
            ErrorKind::ConfigArchitecture => "set `architecture` to `wasm`, for AOT code too",
            ErrorKind::ConfigOs => "compile for WASI preview 1: this engine runs no components",
            ErrorKind::ConfigLayerDigests => "pack the image again",
            ErrorKind::ConfigEntryPoint => "name an exported function with `--entry`; `_start` for a WASI program",
            ErrorKind::ConfigConflict => "remove one of the two settings",
            ErrorKind::ConfigEnv => "write the entry as `NAME=value`",
            ErrorKind::ConfigPermission => "use `gpio`, `messaging`, `network`, `sensors` or `timers`",
            ErrorKind::LayerNone => "give the code's layer the type `application/wasm`",
            ErrorKind::LayerMany => "pack one image per executable layer, in one index",
            ErrorKind::ArtifactTypeMissing => "add `artifactType`, or a config",
            ErrorKind::ReferenceSyntax => "use a lower-case name, and a tag of at most 128 characters",
        }
    }
}

/// For the image store.
pub fn store(error: store::Error) -> &'static str {
    if !HINTS {
        return "";
    }
    match error {
        store::Error::Image(code) => refusal(code),
        store::Error::InUse => "remove the container with `ocre rm` first",
        store::Error::IndexFull => {
            "remove tags with `ocre image rm`, or raise the device's capacity"
        }
    }
}

/// For what is odd and accepted.
pub fn warning(warning: Warning) -> &'static str {
    if !HINTS {
        return "";
    }
    match warning {
        Warning::ManifestMediaTypeAbsent => "add `mediaType`",
        Warning::LayerMediaTypeAlias => {
            "use `application/wasm` or `application/vnd.ocre.image.layer.v1.wasm+aot`"
        }
        Warning::DialectMixed => "use the names of one dialect",
        Warning::ConfigEntryPointAbsent => "set `module.entryPoint`, as `ocre image pack` does",
    }
}

/// For a partition that does not do what is asked.
pub fn storage(error: StorageError) -> &'static str {
    texts! {
        match error {
            StorageError::NotFound | StorageError::NotDirectory | StorageError::IsDirectory => "check the path",
            StorageError::Exists => "choose another name, or remove the old entry",
            StorageError::NotEmpty => "remove the entries first",
            StorageError::NoSpace => "remove images with `ocre image rm` and `prune`, or files in /lost+found",
            StorageError::NameTooLong => "shorten the path",
            StorageError::Invalid => "give an absolute path, such as `/folder/file`",
            StorageError::NoMemory => "stop a container",
            StorageError::Corrupt => "restore the partition from a copy; nothing was written to it",
            StorageError::Io => "check the device, or the flash file's permissions",
            StorageError::Unsupported => "use a file system with this operation",
            StorageError::Denied => "check the permissions",
        }
    }
}

/// For a guest that the engine stopped.
pub fn trap(trap: Trap) -> &'static str {
    texts! {
        match trap {
            Trap::Unreachable => "read the guest's last output",
            Trap::MemoryOutOfBounds | Trap::TableOutOfBounds | Trap::IndirectCallType | Trap::DivideByZero | Trap::IntegerOverflow | Trap::InvalidConversion | Trap::Host => "debug the guest",
            Trap::StackOverflow => "recurse less, or raise `--stack`",
            Trap::OutOfMemory => "stop another container",
            Trap::InstructionLimit => "raise `--instructions`",
            Trap::Other => "read the runtime's log",
        }
    }
}

/// For what is not done with a container.
pub fn container(error: Error) -> &'static str {
    texts! {
        match error {
            Error::NotFound => "list containers with `ocre ps -a`",
            Error::NameSyntax => "use up to 32 of `a-z`, `0-9`, `.`, `_`, `-`, a letter or digit first",
            Error::NameTaken => "choose another name, or remove the container with `ocre rm`",
            Error::RecordUnreadable => "boot the release that wrote the record, or remove the container with `ocre rm -f`",
            Error::NameNeeded => "give a name with `--name`",
            Error::TableFull => "remove an ended container with `ocre rm`",
            Error::ArgumentSyntax => "remove the NUL",
            Error::ArgumentsTooLong | Error::EnvironmentTooLong => "shorten the list, or raise the device's capacity",
            Error::EnvironmentSyntax => "write each variable as `NAME=value`",
            Error::MountSyntax => "write each mount as `SRC:DST` or `SRC:DST:ro`, with absolute, plain paths",
            Error::MountSource => "mount another folder than `/`, `/data`, `/blobs`, `/containers` or `/sequences`",
            Error::MountTarget => "mount each folder at a separate path, not at `/` or in `/image`",
            Error::MountsTooMany => "mount fewer folders, or shorten their paths",
            Error::MountInUse => "stop the other container, or mount the folder with `:ro` in both",
            Error::LimitTooLarge => "lower the limit: see `ocre info`",
            Error::TimedOut => "wait again, or kill the container with `ocre kill`",
        }
        else {
            Error::Image(code) => refusal(code),
            Error::State(refusal) => state(refusal),
            Error::Start(failure) => self::failure(failure),
            Error::Storage(error) => storage(error),
        }
    }
}

/// For a record that can't be read.
pub fn record(error: record::Error) -> &'static str {
    if !HINTS {
        return "";
    }
    match error {
        record::Error::Damaged => "remove the container with `ocre rm -f`",
        record::Error::Version => "boot the release that wrote the record",
        record::Error::Storage(error) => storage(error),
    }
}

/// For what does not suit a container's state.
pub fn state(refusal: Refusal) -> &'static str {
    if !HINTS {
        return "";
    }
    match refusal {
        Refusal::Running => "stop the container with `ocre stop`, or remove it with `ocre rm -f`",
        Refusal::Paused => {
            "resume the container with `ocre unpause`, or remove it with `ocre rm -f`"
        }
        Refusal::NotRunning => {
            "check the state with `ocre ps -a`, or start the container with `ocre start`"
        }
        Refusal::NotPaused => "check the state with `ocre ps -a`",
        Refusal::NotStarted => "start the container with `ocre start`",
    }
}

/// For a start that failed.
pub fn failure(failure: StartFailure) -> &'static str {
    if !HINTS {
        return "";
    }
    match failure {
        StartFailure::Image(code) => refusal(code),
        StartFailure::DataMissing => "search for the folder with `ocre flash check`",
        StartFailure::Instantiate => {
            "debug the module: data or elements do not fit the memory or tables"
        }
        StartFailure::Thread => "stop another container, or give this one a smaller `--stack`",
    }
}
