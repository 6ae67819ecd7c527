// SPDX-License-Identifier: Apache-2.0
//! What each code means and what to do about it: the one text behind every failed command and
//! behind `docs/errors.md`.
//!
//! Whoever adds a code has to answer here, because the compiler asks for it. The texts are short:
//! they lie in the flash of a device.

use ocre_oci::{ErrorKind, Warning};

use crate::image::verdict::{Code, Finding};
use crate::port::{StorageError, Trap};

/// For what the judge found.
pub const fn finding(finding: Finding) -> &'static str {
    match finding {
        Finding::Refusal(code) => refusal(code),
        Finding::Warning(warning) => self::warning(warning),
    }
}

/// For a refusal of an image.
pub const fn refusal(code: Code) -> &'static str {
    match code {
        Code::Document(kind) => document(kind),
        Code::Storage(error) => storage(error),
        Code::LayoutMissing => {
            "There is no oci-layout file. Name the folder of an OCI image layout."
        }
        Code::IndexMissing => "There is no index.json. The layout is incomplete: copy it again.",
        Code::IndexEmpty => "The index names no image. Pack or copy one into it.",
        Code::IndexNestedTooDeep => {
            "Indexes lie too deep in one another. Name the manifest by its digest, or flatten them."
        }
        Code::ReferenceNotFound => {
            "No image has that name or digest. List the names that are there."
        }
        Code::ReferenceAmbiguous => {
            "Several images fit equally well. Add a tag, or @ and a digest."
        }
        Code::PlatformNone => {
            "No variant of the image is for this machine. Add a portable one, or one for it."
        }
        Code::DigestUnsupported => {
            "Only sha256 can be verified here. Make the image again with sha256 digests."
        }
        Code::DigestMismatch => {
            "The content was changed or damaged. Do not use it: copy the image again."
        }
        Code::SizeMismatch => {
            "The content is not as long as its descriptor says. Copy the image again."
        }
        Code::BlobMissing => {
            "Content that the image names is not there. Copy the image again, with all its blobs."
        }
        Code::LimitImage => "The layers are larger than this device takes. Make the image smaller.",
        Code::LimitCapacity => {
            "More layers, or a longer name or environment, than this device takes. Shorten them."
        }
        Code::LayerMagic => {
            "The executable layer is not what its media type says. Pack the right file."
        }
        Code::LayerComponent => {
            "The layer is a component. Build a core module, for the target wasm32-wasip1."
        }
        Code::AotPolicy => {
            "The policy here runs no such AOT code. If you trust it, allow it or pin its digest; \
             and build it interruptible."
        }
        Code::AotVersion => "The AOT code is for another version of the engine. Compile it again.",
        Code::AotTarget => "The AOT code is for another machine. Compile it for this one.",
        Code::AotMetadata => {
            "The AOT layer lacks its dev.ocre.aot annotations. Pack it with `ocre image pack`."
        }
        Code::AotAbi => "The AOT code is for another calling convention. Compile it for this one.",
        Code::WasmInvalid => {
            "The engine does not accept the code. Build it again, without newer wasm features."
        }
        Code::WasmImport => {
            "The module imports what this build does not offer. Build it for WASI preview 1."
        }
        Code::WasmEntrySignature => {
            "The entry point must take nothing and return nothing or one i32. Name another."
        }
        Code::LimitMemory => {
            "The module starts with more memory than the limit. Raise --memory, or link it smaller."
        }
        Code::LimitStack => "The stack is too small for the engine. Raise --stack.",
        Code::OutOfMemory => {
            "No memory is left to load the code. Stop another container, or make the image smaller."
        }
    }
}

/// For a document that breaks a rule of its own.
pub const fn document(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::JsonSyntax => "The document is not JSON. Copy or make the image again.",
        ErrorKind::JsonUtf8 => "The document is not UTF-8. Write it as UTF-8.",
        ErrorKind::JsonDuplicateKey => "An object has one name twice. Remove one of the two.",
        ErrorKind::JsonTrailingData => "Something follows the document. Remove it.",
        ErrorKind::DocumentTooLarge => {
            "The document is larger than this device reads. Leave out annotations, or split it."
        }
        ErrorKind::DocumentTooDeep => "The document is nested too deep. Flatten it.",
        ErrorKind::TooManyEntries => "An object or array is too long. Split it.",
        ErrorKind::FieldMissing => "A required member is absent. Add it.",
        ErrorKind::FieldType => "The value has the wrong JSON type. See the OCI specification.",
        ErrorKind::SchemaVersion => {
            "Only schemaVersion 2 is read. Make the image with current tools."
        }
        ErrorKind::LayoutVersion => "Only imageLayoutVersion 1.0.0 is read.",
        ErrorKind::MediaTypeSyntax => "The media type is not of the form type/subtype. Correct it.",
        ErrorKind::MediaTypeUnsupported => {
            "This media type is not accepted here. Use one of those that the documentation lists."
        }
        ErrorKind::MediaTypeMismatch => {
            "The document's mediaType is not its descriptor's. Make both the same."
        }
        ErrorKind::DigestSyntax => {
            "The digest is not well formed: sha256: and 64 lower-case hex digits."
        }
        ErrorKind::SizeRange => "The size is no integer from 0 to 2^63-1. Correct it.",
        ErrorKind::DataMismatch => {
            "The embedded data is not what digest and size say. Correct or remove it."
        }
        ErrorKind::UrlSyntax => "This is no absolute URI. Correct or remove it.",
        ErrorKind::AnnotationType => "An annotation must be a string. Put it in quotes.",
        ErrorKind::ConfigUnsupported => {
            "An image with this type of config can be kept, not run. Pack it with a wasm config."
        }
        ErrorKind::ConfigArchitecture => "The config's architecture must be wasm.",
        ErrorKind::ConfigOs => {
            "The config's os must be wasip1, or ocre in Ocre's own dialect; wasip2 is not run."
        }
        ErrorKind::ConfigLayerDigests => {
            "layerDigests must be the manifest's layers in the same order. Pack the image again."
        }
        ErrorKind::ConfigEntryPoint => {
            "The entry point is not named, or not exported by the module. Name one that is."
        }
        ErrorKind::ConfigConflict => {
            "One setting has two spellings with different values. Remove one."
        }
        ErrorKind::ConfigEnv => "An environment entry must be NAME=value.",
        ErrorKind::ConfigPermission => {
            "The image asks for a permission that does not exist. Correct its spelling."
        }
        ErrorKind::LayerNone => "No layer is executable. Add one with a wasm media type.",
        ErrorKind::LayerMany => {
            "Only one layer may be executable. Put variants in an index, a manifest for each."
        }
        ErrorKind::ArtifactTypeMissing => "An empty config needs an artifactType. Add it.",
        ErrorKind::ReferenceSyntax => {
            "A reference is NAME, NAME:TAG or either with @ and a digest; names are lower-case."
        }
    }
}

/// For what is odd and accepted.
pub const fn warning(warning: Warning) -> &'static str {
    match warning {
        Warning::ManifestMediaTypeAbsent => "The manifest should say its mediaType. Add it.",
        Warning::LayerMediaTypeAlias => {
            "The layer has the media type of an example. Use application/wasm."
        }
        Warning::DialectMixed => "Names of both dialects are mixed. Keep to one.",
    }
}

/// For a partition that does not do what is asked.
pub const fn storage(error: StorageError) -> &'static str {
    match error {
        StorageError::NotFound => "A file or folder is not there. Check the path.",
        StorageError::Exists => "A file of that name is there already. Use another name.",
        StorageError::NotDirectory => "A file stands where a folder is needed. Check the path.",
        StorageError::IsDirectory => "A folder stands where a file is needed. Check the path.",
        StorageError::NotEmpty => "The folder still has entries. Remove them first.",
        StorageError::NoSpace => {
            "The partition is full. Remove images or containers, then run `image prune`."
        }
        StorageError::NameTooLong => "The path is too long. Use a shorter one.",
        StorageError::Invalid => "The storage can't do that to this file. Report this as a bug.",
        StorageError::NoMemory => "No memory for another open file. Stop a container.",
        StorageError::Corrupt => {
            "The file system is damaged. Restore the partition from a copy, or format it."
        }
        StorageError::Io => "The storage could not be read or written. Check the device.",
    }
}

/// For a guest that the engine stopped.
pub const fn trap(trap: Trap) -> &'static str {
    match trap {
        Trap::Unreachable => "The guest gave up (a panic or an abort). See its log.",
        Trap::MemoryOutOfBounds => "The guest used memory outside its own. This is a bug in it.",
        Trap::TableOutOfBounds | Trap::IndirectCallType => {
            "The guest called through a bad function pointer. This is a bug in it."
        }
        Trap::DivideByZero => "The guest divided by zero. This is a bug in it.",
        Trap::IntegerOverflow | Trap::InvalidConversion => {
            "A number did not fit its type. This is a bug in the guest."
        }
        Trap::StackOverflow => "The guest recursed too deep. Raise --stack, or correct it.",
        Trap::OutOfMemory => "The engine ran out of memory. Stop another container.",
        Trap::InstructionLimit => "The guest used up its instructions. Raise the limit.",
        Trap::Host => "The guest called a host function with arguments that make no sense.",
        Trap::Other => "The engine stopped the guest. See its log.",
    }
}
