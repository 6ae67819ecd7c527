// SPDX-License-Identifier: Apache-2.0
//! Images made of files, in an OCI layout.
//!
//! Promised: the same input gives the same digests, independent of file names and time; a refused
//! image never gets into the layout; an existing layout keeps its other images, and has the old
//! or the new one at any instant.
//!
//! Design: the image is written to a folder beside the layout, judged there, and only then moved:
//! as a whole where there is no layout yet, else blob by blob, and the index last.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use ocre::command::hints;
use ocre::image::Content;
use ocre::image::OciLayout;
use ocre::image::aot::{ANNOTATION_TARGET, PORTABLE};
use ocre::image::blob::{blob_path, verify};
use ocre::image::examine::Examination;
use ocre::image::judge::{Policy, Selector, TITLE, Workspace};
use ocre::image::permission::Permissions;
use ocre::image::verdict::{Code, Finding, Verdict};
use ocre::port::{Engine, Storage, StorageError};
use ocre_files::MAX_CONTENT;
use ocre_oci::json;
use ocre_oci::write::{self, DescriptorFields};
use ocre_oci::{Entry, INDEX_MEDIA_TYPE, ManifestType, Reference, Sha256};
use ocre_pc::directory::Directory;
use ocre_pc::needs::Needs;

use crate::aot_file::{self, Annotation};
use crate::failure::Failure;
use crate::layout_index::{MAX_INDEX, document, with_entry, write_file};

const CONFIG_TYPE: &str = "application/vnd.wasm.config.v0+json";
const WASM_TYPE: &str = "application/wasm";
const AOT_TYPE: &str = "application/vnd.ocre.image.layer.v1.wasm+aot";
const BLOB_TYPE: &str = "application/octet-stream";
const OS: &str = "wasip1";

/// Content of an image, and the layout that it gets into.
#[derive(Clone, Debug)]
pub struct PackInput {
    /// Portable module.
    pub wasm: Option<PathBuf>,
    /// AOT files, one for each machine.
    pub aot: Vec<PathBuf>,
    /// Data layers.
    pub blobs: Vec<DataFile>,
    /// Name of the exported function that is called on start.
    pub entry: String,
    /// Variables of the environment, as `NAME=value`.
    pub env: Vec<String>,
    /// Names of the permissions that the image asks for.
    pub permissions: Vec<String>,
    /// Name of the image in the layout, with a tag; see [`tag`].
    pub tag: Option<String>,
    /// Folder of the layout, which is made where it is missing.
    pub output: PathBuf,
}

/// A file, and its name in the container.
#[derive(Clone, Debug)]
pub struct DataFile {
    file: PathBuf,
    title: String,
}

impl DataFile {
    /// Parses `FILE[=TITLE]`. A file's name may hold `=` too: an argument that names a file is that
    /// file.
    pub fn parse(argument: OsString) -> Result<Self, String> {
        let bytes = argument.as_bytes();
        let whole = PathBuf::from(&argument);
        let equals = bytes.iter().rposition(|byte| *byte == b'=');
        let (file, title) = match equals.filter(|_| !whole.exists()) {
            Some(at) => (
                PathBuf::from(OsStr::from_bytes(&bytes[..at])),
                Some(OsStr::from_bytes(&bytes[at + 1..])),
            ),
            None => (whole.clone(), whole.file_name()),
        };
        let title = title
            .and_then(OsStr::to_str)
            .filter(|title| {
                !title.is_empty() && !matches!(*title, "." | "..") && !title.contains('/')
            })
            .ok_or("a title is a file name in UTF-8, without a slash")?;
        Ok(Self {
            file,
            title: title.to_owned(),
        })
    }
}

/// Checks the name of an image, and adds the tag `latest` if it has none. The error is a message
/// for the user.
pub fn tag(name: &str) -> Result<String, String> {
    match Reference::parse(name) {
        Ok(reference) if reference.digest().is_some() => Err("a name has no digest".to_owned()),
        Ok(reference) if reference.tag().is_some() => Ok(name.to_owned()),
        Ok(_) => Ok(format!("{name}:latest")),
        Err(error) => Err(hints::document(error.kind).to_owned()),
    }
}

/// Variant of the program for one kind of machine.
struct Variant {
    architecture: String,
    media_type: &'static str,
    code: Vec<u8>,
    annotations: Vec<Annotation>,
}

/// Packed image.
pub struct Packed {
    /// Digest of the image's entry in the layout's index.
    pub digest: Sha256,
    /// Manifests, one for each machine.
    pub manifests: Vec<PackedManifest>,
}

/// A written manifest, and the judge's verdict on it.
pub struct PackedManifest {
    /// Name of the machine, or [`PORTABLE`].
    pub architecture: String,
    /// Digest of the manifest.
    pub digest: Sha256,
    /// Verdict for this PC.
    pub verdict: Verdict,
    /// Needs of the code, where it can be loaded here.
    needs: Option<Needs>,
}

/// Makes an image in its layout.
///
/// # Errors
/// Failures to read and write files; codes of the judge.
pub fn pack<E: Engine>(
    input: &PackInput,
    engine: &E,
    policy: &Policy<'_>,
) -> Result<Packed, Failure> {
    let what = format!("can't pack {}", input.output.display());
    let variants = variants(input)?;
    let mut blobs = Vec::new();
    for blob in &input.blobs {
        blobs.push((blob.title.as_str(), read(&blob.file)?));
    }
    let target = LayoutTarget::of(&input.output, &what)?;
    let staging = Staging::beside(&input.output).map_err(|error| Failure::io(&what, &error))?;
    let stage = open(&staging.0, &what)?;
    let failed = |error| storage_failure(&what, error);

    for folder in ["/blobs", "/blobs/sha256"] {
        stage.create_dir(folder).map_err(failed)?;
    }
    let mut layers = Vec::new();
    for (title, bytes) in &blobs {
        layers.push((*title, put(&stage, bytes).map_err(failed)?));
    }
    let mut manifests = Vec::new();
    for variant in &variants {
        let manifest = put_variant(&stage, variant, &layers, input).map_err(failed)?;
        manifests.push((variant.architecture.as_str(), manifest));
    }
    let entry = put_index(&stage, &manifests, input.tag.as_deref()).map_err(failed)?;

    let manifests = judge_all(&stage, &manifests, engine, policy, &what)?;
    target.take(staging, &stage, &entry, input.tag.as_deref(), &what)?;
    Ok(Packed {
        digest: entry.content.digest,
        manifests,
    })
}

impl Packed {
    /// Imports for which the image asks for no permission, and these permissions; `None` without
    /// such.
    pub fn unasked(&self, input: &PackInput) -> Option<(String, Permissions)> {
        // All variants are one program.
        let needs = self.manifests.iter().find_map(|one| one.needs.as_ref())?;
        let asked = input.permissions.iter();
        let asked = asked.filter_map(|name| Permissions::named(|known| known == name));
        let asked = asked.fold(Permissions::NONE, Permissions::union);
        let missing = needs.permissions().difference(asked);
        (missing != Permissions::NONE).then(|| (needs.imports_of(missing), missing))
    }
}

fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    ocre_files::read(file, MAX_CONTENT)
        .map_err(|error| Failure::io(format!("can't read {}", file.display()), &error))
}

/// Reads the variants, sorted by machine, the portable one first.
fn variants(input: &PackInput) -> Result<Vec<Variant>, Failure> {
    let mut variants = Vec::new();
    for file in &input.aot {
        let code = read(file)?;
        let refuse = |code: Code| {
            let what = format!("can't pack {}", file.display());
            Failure::new(what, code.as_str(), hints::refusal(code))
        };
        if !aot_file::is_aot(&code) {
            return Err(refuse(Code::LayerMagic).because("this is not an AOT file"));
        }
        let annotations = aot_file::annotations(&code).ok_or_else(|| refuse(Code::AotMetadata))?;
        let (_, architecture) = annotations
            .iter()
            .find(|(name, _)| name == ANNOTATION_TARGET)
            .ok_or_else(|| refuse(Code::AotMetadata))?;
        variants.push(Variant {
            architecture: architecture.clone(),
            media_type: AOT_TYPE,
            annotations,
            code,
        });
    }
    variants.sort_by(|one, other| one.architecture.cmp(&other.architecture));
    if let Some(pair) = variants
        .windows(2)
        .find(|pair| pair[0].architecture == pair[1].architecture)
    {
        let what = format!("can't pack two AOT files for {}", pair[0].architecture);
        let code = Code::ReferenceAmbiguous.as_str();
        return Err(Failure::new(
            what,
            code,
            "pack each file under a separate tag",
        ));
    }
    if let Some(file) = &input.wasm {
        let portable = Variant {
            architecture: PORTABLE.to_owned(),
            media_type: WASM_TYPE,
            code: read(file)?,
            annotations: Vec::new(),
        };
        variants.insert(0, portable);
    }
    Ok(variants)
}

/// Writes content under its digest.
fn put(storage: &Directory, bytes: &[u8]) -> Result<Content, StorageError> {
    let content = Content {
        digest: Sha256::of(bytes),
        size: bytes.len() as u64,
    };
    write_file(storage, &blob_path("/", &content.digest)?, bytes)?;
    Ok(content)
}

fn put_variant(
    stage: &Directory,
    variant: &Variant,
    blobs: &[(&str, Content)],
    input: &PackInput,
) -> Result<Content, StorageError> {
    let code = put(stage, &variant.code)?;
    let digests: Vec<Sha256> = std::iter::once(code.digest)
        .chain(blobs.iter().map(|(_, content)| content.digest))
        .collect();
    let config = document(|out| {
        let config = write::ConfigFields {
            layer_digests: &digests,
            entry_point: &input.entry,
            env: &texts(&input.env),
            permissions: &texts(&input.permissions),
        };
        write::config(out, &config)
    });
    let config = put(stage, config.as_bytes())?;
    let code_title = code_title(variant, blobs);
    let own = variant.annotations.iter();
    let annotations: Vec<(&str, &str)> = own
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .chain([(TITLE, &*code_title)])
        .collect();
    let titles: Vec<_> = blobs.iter().map(|(title, _)| [(TITLE, *title)]).collect();
    let blobs = blobs
        .iter()
        .zip(&titles)
        .map(|((_, content), title)| describe(BLOB_TYPE, content, title));
    let layers: Vec<DescriptorFields<'_>> =
        std::iter::once(describe(variant.media_type, &code, &annotations))
            .chain(blobs)
            .collect();
    let manifest =
        document(|out| write::manifest(out, &describe(CONFIG_TYPE, &config, &[]), &layers, &[]));
    put(stage, manifest.as_bytes())
}

/// Title of the code's layer, for tools that unpack the image: always the same, unless a blob has
/// it.
fn code_title(variant: &Variant, blobs: &[(&str, Content)]) -> String {
    let mut title = match variant.media_type {
        AOT_TYPE => "program.aot".to_owned(),
        _ => "program.wasm".to_owned(),
    };
    while blobs.iter().any(|(other, _)| *other == title) {
        title.insert(0, '_');
    }
    title
}

fn texts(list: &[String]) -> Vec<&str> {
    list.iter().map(String::as_str).collect()
}

fn describe<'a>(
    media_type: &'a str,
    content: &Content,
    annotations: write::Pairs<'a>,
) -> DescriptorFields<'a> {
    DescriptorFields {
        media_type,
        digest: content.digest,
        size: content.size,
        annotations,
        platform: None,
    }
}

/// Entry of the layout's index: a descriptor that owns its strings.
struct OwnedDescriptor {
    media_type: &'static str,
    content: Content,
    architecture: Option<String>,
    name: Option<String>,
}

impl OwnedDescriptor {
    fn write(&self, out: &mut write::Array<'_, '_>) -> std::fmt::Result {
        let name = self
            .name
            .as_deref()
            .map(|name| [(ocre_oci::REF_NAME, name)]);
        out.descriptor(&DescriptorFields {
            platform: self.architecture.as_deref().map(|name| (name, OS)),
            annotations: name.as_ref().map_or(&[], |name| name),
            ..describe(self.media_type, &self.content, &[])
        })
    }
}

/// Makes the entry of the image: a single manifest is the image itself, several get a nested
/// index.
fn put_index(
    stage: &Directory,
    manifests: &[(&str, Content)],
    tag: Option<&str>,
) -> Result<OwnedDescriptor, StorageError> {
    let entry = |(architecture, content): &(&str, Content)| OwnedDescriptor {
        media_type: ManifestType::Oci.name(),
        content: *content,
        architecture: Some((*architecture).to_owned()),
        name: None,
    };
    let image = match manifests {
        [only] => entry(only),
        several => {
            let index = document(|out| {
                write::index(out, |out| {
                    several.iter().try_for_each(|one| entry(one).write(out))
                })
            });
            OwnedDescriptor {
                media_type: INDEX_MEDIA_TYPE,
                content: put(stage, index.as_bytes())?,
                architecture: None,
                name: None,
            }
        }
    };
    let image = OwnedDescriptor {
        name: tag.map(str::to_owned),
        ..image
    };
    write_file(stage, "/oci-layout", document(write::layout).as_bytes())?;
    let index = document(|out| write::index(out, |out| image.write(out)));
    write_file(stage, "/index.json", index.as_bytes())?;
    Ok(image)
}

/// Judges the written manifests. Code for another machine is no reason for a refusal.
fn judge_all<E: Engine>(
    stage: &Directory,
    manifests: &[(&str, Content)],
    engine: &E,
    policy: &Policy<'_>,
    what: &str,
) -> Result<Vec<PackedManifest>, Failure> {
    let (mut document, mut config) = (vec![0; MAX_INDEX], vec![0; MAX_INDEX]);
    let mut packed = Vec::new();
    for (architecture, manifest) in manifests {
        let mut verdict = Verdict::new(false);
        let source = OciLayout {
            storage: stage,
            root: "/",
        };
        let mut examination = Examination {
            source,
            selector: Selector {
                name: None,
                digest: Some(manifest.digest),
            },
            engine,
            policy,
            workspace: Workspace {
                document: &mut document,
                config: &mut config,
            },
        };
        let image = examination.judge(&mut |finding, at, detail| verdict.note(finding, at, detail));
        if let Some(Finding::Refusal(code)) = verdict.refusal()
            && !code.may_be_stored()
        {
            let failure = Failure::new(what, code.as_str(), hints::refusal(code));
            return Err(failure.at(verdict.at()).because(verdict.detail()));
        }
        packed.push(PackedManifest {
            architecture: (*architecture).to_owned(),
            digest: manifest.digest,
            verdict,
            needs: image.and_then(|image| Needs::of_image(source, &image, engine, policy)),
        });
    }
    Ok(packed)
}

/// A folder beside the layout, so that a rename can move it there. Removed when it is dropped.
struct Staging(PathBuf);

impl Staging {
    fn beside(layout: &Path) -> std::io::Result<Self> {
        let mut name = OsString::from(".");
        name.push(layout.file_name().unwrap_or(OsStr::new("layout")));
        name.push(format!(".{}", std::process::id()));
        let parent = match layout.parent() {
            Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
            Some(parent) => parent,
            None => layout,
        };
        fs::create_dir_all(parent)?;
        let path = parent.join(name);
        fs::create_dir(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // After the move there is nothing to remove; a rest does no harm.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Content of the path for the layout.
pub(crate) enum LayoutTarget {
    /// Nothing, or an empty folder.
    Free(PathBuf),
    /// A layout, and its index.
    Layout(Directory, Vec<u8>),
}

impl LayoutTarget {
    /// Examines a path; a folder with other files in it is refused.
    pub(crate) fn of(path: &Path, what: &str) -> Result<Self, Failure> {
        let io = |error| Failure::io(what, &error);
        let empty = match fs::read_dir(path) {
            Ok(mut entries) => entries.next().is_none(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self::Free(path.to_owned()));
            }
            Err(error) => return Err(io(error)),
        };
        // A link to a folder stays one.
        let real = path.canonicalize().map_err(io)?;
        if empty {
            return Ok(Self::Free(real));
        }
        if !real.join("oci-layout").is_file() {
            let code = Code::LayoutMissing.as_str();
            let failure = Failure::new(what, code, "name a new folder, or a layout");
            return Err(failure.because("the folder has other files"));
        }
        let index = match ocre_files::read(&real.join("index.json"), MAX_INDEX as u64) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                document(|out| write::index(out, |_| Ok(()))).into_bytes()
            }
            read => read.map_err(io)?,
        };
        Ok(Self::Layout(open(&real, what)?, index))
    }

    /// Moves the staged image to its path.
    fn take(
        self,
        staging: Staging,
        stage: &Directory,
        entry: &OwnedDescriptor,
        name: Option<&str>,
        what: &str,
    ) -> Result<(), Failure> {
        let (layout, index) = match self {
            Self::Free(path) => {
                return fs::rename(&staging.0, path).map_err(|error| Failure::io(what, &error));
            }
            Self::Layout(layout, index) => (layout, index),
        };
        // An image without a name replaces the one without.
        let replaced = |other: &Entry<'_>| match (other.reference_name(), name) {
            (None, None) => true,
            (Some(found), Some(name)) => found == *name,
            _ => false,
        };
        let index = with_entry(&index, replaced, |out| entry.write(out)).map_err(|error| {
            let failure = Failure::new(what, error.kind.code(), hints::document(error.kind));
            failure.at(format_args!("index{}", json::pointer(&index, error.offset)))
        })?;
        copy_blobs(stage, &layout)
            .and_then(|()| write_file(&layout, "/index.json", index.as_bytes()))
            .map_err(|error| storage_failure(what, error))
    }
}

fn copy_blobs(stage: &Directory, layout: &Directory) -> Result<(), StorageError> {
    for folder in ["/blobs", "/blobs/sha256"] {
        match layout.create_dir(folder) {
            Ok(()) | Err(StorageError::Exists) => {}
            Err(error) => return Err(error),
        }
    }
    let mut found = Vec::new();
    stage.read_dir("/blobs/sha256", &mut |name, metadata| {
        found.push((name.to_owned(), metadata.size));
        true
    })?;
    for (name, size) in found {
        let digest = Sha256::from_hex(&name).map_err(|_| StorageError::Invalid)?;
        let mut bytes = vec![0; size as usize];
        // A damaged blob of that name is replaced.
        if verify(layout, "/", &Content { digest, size }, &mut bytes).is_err() {
            let path = blob_path("/", &digest)?;
            let count = ocre::image::blob::read_file(stage, &path, &mut bytes)?;
            write_file(layout, &path, &bytes[..count])?;
        }
    }
    Ok(())
}

fn open(folder: &Path, what: &str) -> Result<Directory, Failure> {
    Directory::open(folder).map_err(|error| storage_failure(what, error))
}

fn storage_failure(what: &str, error: StorageError) -> Failure {
    Failure::folder(what, error)
}
