// SPDX-License-Identifier: Apache-2.0
//! Hint for each code: the last column of `docs/errors.md`, which a test compares.
//!
//! The compiler asks for the hint of each new code. The texts are short: they lie in the flash of a
//! device, and a build may leave them out.

use ocre_oci::{ErrorKind, Warning};

use crate::container::state::{Failure, Refusal};
use crate::container::{Error, record};
use crate::image::store;
use crate::image::verdict::{Code, Finding};
use crate::limits::HINTS;
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
            Code::LayoutMissing => "name the folder of an OCI image layout, not a folder above or inside it",
            Code::IndexMissing => "copy the whole layout again",
            Code::IndexEmpty => "make one with `ocre build --import`, get one with `ocre image pull` or `ocre image import`",
            Code::IndexNestedTooDeep => "name the image directly in `index.json`",
            Code::ReferenceNotFound => "see `ocre image ls`; get one with `ocre build --import`, `ocre image pull` or `ocre image import`",
            Code::ReferenceAmbiguous => "give a tag or a digest",
            Code::PlatformNone => "add the portable module, or AOT code for this machine, with `ocre image pack`",
            Code::DigestUnsupported => "pack the image with sha256 digests",
            Code::DigestMismatch => "copy the image again: it was damaged, or changed",
            Code::SizeMismatch => "copy the image again: it was cut, or changed",
            Code::BlobMissing => "copy the image again, with all of its blobs",
            Code::LimitImage => "make the image smaller, or raise the device's limit",
            Code::LimitCapacity => "shorten them, or raise the device's capacity",
            Code::LayerMagic => "correct the media type, or take the right file",
            Code::LayerComponent => "compile a core module for `wasm32-wasip1`",
            Code::AotPolicy => "allow it in the device's policy, or compile it interruptibly with `ocre aot`",
            Code::AotVersion => "compile it again with this version's `ocre aot`",
            Code::AotTarget => "compile it with `ocre aot --target` for this one",
            Code::AotMetadata => "compile with `ocre aot` and pack with `ocre image pack`",
            Code::AotAbi => "compile it with the target whose ABI is the firmware's",
            Code::WasmInvalid => "compile it again; the detail says what is wrong, and at which byte",
            Code::WasmFeature => "compile it without that feature; the detail names it",
            Code::WasmLimit => "split what the detail names over several functions or modules",
            Code::WasmImport => "link it for WASI preview 1 and Ocre's guest API alone; the detail names the import",
            Code::WasmEntrySignature => "name a function without parameters",
            Code::LimitMemory => "link with less initial memory, or raise `--memory`",
            Code::LimitStack => "raise `--stack`",
            Code::OutOfMemory => "stop another container, or give the heap more memory",
        }
        else {
            Code::Document(kind) => document(kind),
            Code::Storage(error) => storage(error),
        }
    }
}

/// For a document that breaks a rule of its own.
pub fn document(kind: ErrorKind) -> &'static str {
    texts! {
        match kind {
            ErrorKind::JsonSyntax => "write it again with a tool instead of by hand",
            ErrorKind::JsonUtf8 => "save it as UTF-8",
            ErrorKind::JsonDuplicateKey => "remove one of them",
            ErrorKind::JsonTrailingData => "cut the file after the closing brace",
            ErrorKind::DocumentTooLarge => "remove annotations, or raise the device's capacity",
            ErrorKind::DocumentTooDeep => "remove levels that nothing needs",
            ErrorKind::TooManyEntries => "remove entries, or split the index",
            ErrorKind::FieldMissing => "add the member; the place is that of the object without it",
            ErrorKind::FieldType => "write it as the image specification says: a size is a plain integer",
            ErrorKind::SchemaVersion => "convert the image to OCI or Docker schema 2",
            ErrorKind::LayoutVersion => "write the layout again with a tool that follows image-spec 1.0",
            ErrorKind::MediaTypeSyntax => "remove parameters and spaces",
            ErrorKind::MediaTypeUnsupported => "push the image as an OCI image manifest",
            ErrorKind::MediaTypeMismatch => "make both the same",
            ErrorKind::DigestSyntax => "give sha256 with 64 lower-case hex digits",
            ErrorKind::SizeRange => "correct the number",
            ErrorKind::DataMismatch => "remove `data`, or pack the image again",
            ErrorKind::UrlSyntax => "give it with its scheme",
            ErrorKind::AnnotationType => "put the value in quotes",
            ErrorKind::ConfigUnsupported => "pack with `ocre image pack`, or push with `--config \
             FILE:application/vnd.wasm.config.v0+json`",
            ErrorKind::ConfigArchitecture => "set it to `wasm`; AOT code has it too",
            ErrorKind::ConfigOs => "compile for WASI preview 1: this engine runs no components",
            ErrorKind::ConfigLayerDigests => "pack the image again",
            ErrorKind::ConfigEntryPoint => "name an exported function with `--entry`; `_start` for a WASI program",
            ErrorKind::ConfigConflict => "keep one of the spellings",
            ErrorKind::ConfigEnv => "give it a name and an equals sign",
            ErrorKind::ConfigPermission => "use `gpio`, `messaging`, `network`, `sensors` or `timers`",
            ErrorKind::LayerNone => "give the code's layer the type `application/wasm`",
            ErrorKind::LayerMany => "pack each as an image of its own, in one index",
            ErrorKind::ArtifactTypeMissing => "add `artifactType`, or a config",
            ErrorKind::ReferenceSyntax => "spell it so: lower-case name, at most 128 characters of tag",
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
        Warning::ManifestMediaTypeAbsent => "add it",
        Warning::LayerMediaTypeAlias => {
            "use `application/wasm` or `application/vnd.ocre.image.layer.v1.wasm+aot`"
        }
        Warning::DialectMixed => "keep to one",
        Warning::ConfigEntryPointAbsent => {
            "name it as `module.entryPoint`, as `ocre image pack` does"
        }
    }
}

/// For a partition that does not do what is asked.
pub fn storage(error: StorageError) -> &'static str {
    texts! {
        match error {
            StorageError::NotFound | StorageError::NotDirectory | StorageError::IsDirectory => "look at the path",
            StorageError::Exists => "choose another name, or remove it first",
            StorageError::NotEmpty => "remove them first",
            StorageError::NoSpace => "remove images with `ocre image rm` and `prune`, or what /lost+found has",
            StorageError::NameTooLong => "shorten it",
            StorageError::Invalid => "give an absolute path, such as `/folder/file`",
            StorageError::NoMemory => "stop a container",
            StorageError::Corrupt => "restore the partition from a copy; nothing was written to it",
            StorageError::Io => "check the device, or the flash file's permissions",
            StorageError::Unsupported => "use a file system that has it",
            StorageError::Denied => "check the permissions",
        }
    }
}

/// For a guest that the engine stopped.
pub fn trap(trap: Trap) -> &'static str {
    texts! {
        match trap {
            Trap::Unreachable => "read what the guest wrote last",
            Trap::MemoryOutOfBounds | Trap::TableOutOfBounds | Trap::IndirectCallType | Trap::DivideByZero | Trap::IntegerOverflow | Trap::InvalidConversion | Trap::Host => "debug the guest",
            Trap::StackOverflow => "recurse less, or raise `--stack`",
            Trap::OutOfMemory => "stop another container",
            Trap::InstructionLimit => "raise the limit",
            Trap::Other => "read the runtime's log",
        }
    }
}

/// For what is not done with a container.
pub fn container(error: Error) -> &'static str {
    texts! {
        match error {
            Error::NotFound => "see which there are with `ocre ps -a`",
            Error::NameSyntax => "use up to 32 of `a-z`, `0-9`, `.`, `_`, `-`, a letter or digit first",
            Error::NameTaken => "choose another name, or remove that container with `ocre rm`",
            Error::RecordUnreadable => "boot the release that wrote it, or remove it with its files with `ocre rm -f`",
            Error::NameNeeded => "give it a name with `--name`",
            Error::TableFull => "remove one that has ended with `ocre rm`",
            Error::ArgumentSyntax => "leave the NUL out",
            Error::ArgumentsTooLong | Error::EnvironmentTooLong => "give fewer or shorter ones, or raise the device's capacity",
            Error::EnvironmentSyntax => "give each variable as `NAME=value`",
            Error::MountSyntax => "give each as `SRC:DST`, or `SRC:DST:ro`, with absolute, plain paths",
            Error::MountSource => "mount a folder that is none of `/`, `/data`, `/blobs`, `/containers`",
            Error::MountTarget => "give each folder one place, and none at `/` or in `/image`",
            Error::MountsTooMany => "mount fewer folders, or shorten their paths",
            Error::MountInUse => "stop the container that has the folder, or mount it with `:ro` in both",
            Error::TimedOut => "wait again, or kill it with `ocre kill`",
        }
        else {
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
        record::Error::Damaged => "remove it with its files with `ocre rm -f`",
        record::Error::Version => "boot the release that wrote it",
        record::Error::Storage(error) => storage(error),
    }
}

/// For what does not suit a container's state.
pub fn state(refusal: Refusal) -> &'static str {
    if !HINTS {
        return "";
    }
    match refusal {
        Refusal::Running => "stop it first with `ocre stop`, or remove it with `ocre rm -f`",
        Refusal::Paused => "let it go on first, or remove it with `ocre rm -f`",
        Refusal::NotRunning => "see its state with `ocre ps -a`, start it with `ocre start`",
        Refusal::NotPaused => "see its state with `ocre ps -a`",
        Refusal::NotStarted => "start it with `ocre start`",
    }
}

/// For a start that failed.
pub fn failure(failure: Failure) -> &'static str {
    if !HINTS {
        return "";
    }
    match failure {
        Failure::Image(code) => refusal(code),
        Failure::DataMissing => "look for it with `ocre flash check`",
        Failure::Instantiate => {
            "debug the module: its data or elements do not fit its memory or tables"
        }
        Failure::Thread => "stop another container, or give this one a smaller `--stack`",
    }
}
