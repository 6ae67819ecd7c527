// SPDX-License-Identifier: Apache-2.0
//! Folders that ORAS has packed: layers that are a tar, mostly compressed with gzip, under the
//! folder's name. Go's client marks them with the annotation `io.deis.oras.content.unpack`,
//! Python's by their media type alone.
//!
//! Promised: a folder gets its name only when it was unpacked whole; its entries are checked like
//! those of every archive, so that nothing is written outside of it.

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek as _};
use std::path::{Path, PathBuf};

use ocre::command::hints;
use ocre::image::OciLayout;
use ocre::image::judge::{Selector, TITLE};
use ocre::image::verdict::Code;
use ocre::port::{EntryKind, OpenMode, Storage, StorageError};
use ocre_oci::{Annotations, Descriptor, Sha256};

use crate::archive::{Archive, ArchiveError, ArchiveFault};
use crate::failure::Failure;
use crate::layout::archive_failure;
use crate::selected_manifest;
use flate2::read::MultiGzDecoder;

/// Annotation that marks a layer as a folder.
const UNPACK: &str = "io.deis.oras.content.unpack";

/// Annotation with the digest of the folder's tar before its compression.
const DIGEST: &str = "io.deis.oras.content.digest";

/// Bytes, and multiple of its own size, that a compressed folder may unpack to.
const MAX_BYTES: u64 = 64 << 20;
const MAX_TIMES: u64 = 200;

/// Media type of a folder.
const MEDIA_TYPE: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// True where a layer is a folder.
pub fn is_folder(layer: &Descriptor<'_>) -> bool {
    let annotations = layer.annotations();
    let text = |name| annotations.get(name).map(|value| value.to_string());
    marked(
        &layer.media_type.to_string(),
        text(UNPACK).as_deref(),
        text(TITLE).as_deref(),
    )
}

/// True where a layer with this media type, mark and title is a folder.
fn marked(media_type: &str, mark: Option<&str>, title: Option<&str>) -> bool {
    let is_archive = |title: &str| {
        let mut endings = [".gz", ".tgz", ".tar"].iter();
        endings.any(|ending| title.ends_with(ending))
    };
    match mark {
        Some(mark) => mark.eq_ignore_ascii_case("true"),
        None => media_type == MEDIA_TYPE && title.is_some_and(|title| !is_archive(title)),
    }
}

/// Digest of a folder's tar, if the layer has it.
pub fn digest(annotations: Annotations<'_>) -> Option<Sha256> {
    annotations.get(DIGEST)?.to_string().parse().ok()
}

/// Titles of the selected image's folders.
pub fn titles<S: Storage>(source: OciLayout<'_, S>, selector: Selector<'_>) -> Vec<String> {
    let manifest = selected_manifest::read(source, selector).unwrap_or_default();
    let layers = manifest["layers"].as_array().cloned().unwrap_or_default();
    let title = |layer: &serde_json::Value| {
        let annotations = &layer["annotations"];
        let (mark, title) = (annotations[UNPACK].as_str(), annotations[TITLE].as_str());
        let media_type = layer["mediaType"].as_str().unwrap_or_default();
        marked(media_type, mark, title).then(|| title.unwrap_or("a layer").to_owned())
    };
    layers.iter().filter_map(title).collect()
}

/// Unpacks the file of a folder to `target`, by way of `scratch`, which must not exist yet.
/// Returns the number of files.
///
/// # Errors
/// `digest-mismatch`; as [`Archive::of_file`]; `io`.
pub fn unpack(
    mut packed: File,
    digest: Option<Sha256>,
    target: &Path,
    scratch: &Path,
    what: &str,
) -> Result<usize, Failure> {
    let io = |error: io::Error| Failure::io(what, &error).at(target.display());
    fs::create_dir(scratch).map_err(io)?;
    let mut plain = plain(&mut packed, &scratch.join("tar"), what)?;
    if let Some(digest) = digest
        && digest_of(&plain).map_err(io)? != digest
    {
        let code = Code::DigestMismatch;
        return Err(Failure::new(what, code.as_str(), hints::refusal(code)).at(target.display()));
    }
    plain.rewind().map_err(io)?;
    let refused = |error: &ArchiveError| archive_failure(what, error);
    let archive = Archive::of_file(plain).map_err(|error| refused(&error))?;
    let name = target.file_name().and_then(|name| name.to_str());
    // ORAS packs a folder with its own name before each entry.
    let root = name.map(|name| format!("/{name}")).filter(|root| {
        let found = archive.metadata(root);
        found.is_ok_and(|found| found.kind == EntryKind::Directory)
    });
    let mut empty = true;
    let listed = archive.read_dir("/", &mut |_, _| {
        empty = false;
        false
    });
    if listed.is_err() || empty {
        let error = ArchiveError::new(ArchiveFault::Format, "").because("the folder is empty");
        return Err(refused(&error));
    }
    let whole = scratch.join("folder");
    let count = copy(&archive, root.as_deref().unwrap_or("/"), &whole).map_err(io)?;
    if let Some(above) = target.parent() {
        fs::create_dir_all(above).map_err(io)?;
    }
    fs::rename(&whole, target).map_err(io)?;
    Ok(count)
}

/// Returns the tar itself, decompressed into a new file where it is compressed.
fn plain(packed: &mut File, scratch: &Path, what: &str) -> Result<File, Failure> {
    let io = |error: io::Error| Failure::io(what, &error);
    let mut magic = [0; 2];
    packed.rewind().map_err(io)?;
    let count = packed.read(&mut magic).map_err(io)?;
    packed.rewind().map_err(io)?;
    if magic[..count] != [0x1f, 0x8b] {
        return packed.try_clone().map_err(io);
    }
    let size = packed.metadata().map_err(io)?.len();
    let most = MAX_BYTES.max(size.saturating_mul(MAX_TIMES));
    let mut plain = ocre_files::create_new(scratch).map_err(io)?;
    let mut decoder = MultiGzDecoder::new(BufReader::new(packed)).take(most + 1);
    let fault = |fault, detail: &dyn std::fmt::Display| {
        archive_failure(what, &ArchiveError::new(fault, "").because(detail))
    };
    match io::copy(&mut decoder, &mut plain) {
        Ok(count) if count > most => Err(fault(
            ArchiveFault::Bomb,
            &format_args!("a folder of more than {most} bytes"),
        )),
        Ok(_) => Ok(plain),
        Err(error) if error.kind() == io::ErrorKind::StorageFull => Err(io(error)),
        Err(error) => Err(fault(ArchiveFault::Format, &error)),
    }
}

fn digest_of(mut file: &File) -> io::Result<Sha256> {
    file.rewind()?;
    let mut hasher = ocre_oci::Hasher::default();
    let mut buffer = vec![0; 128 * 1024];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hasher.finish()),
            count => hasher.update(&buffer[..count]),
        }
    }
}

/// Copies a folder of an archive to a new one of the PC. Returns the number of files.
fn copy(archive: &Archive, root: &str, to: &Path) -> io::Result<usize> {
    let failed = |error: StorageError| io::Error::other(error.code());
    let mut count = 0;
    let mut folders: Vec<(String, PathBuf)> = vec![(root.to_owned(), to.to_owned())];
    while let Some((from, to)) = folders.pop() {
        fs::create_dir(&to)?;
        let mut entries = Vec::new();
        let listed = archive.read_dir(&from, &mut |name, metadata| {
            entries.push((name.to_owned(), metadata.kind));
            true
        });
        listed.map_err(failed)?;
        for (name, kind) in entries {
            let inside = format!("{}/{name}", from.trim_end_matches('/'));
            let place = to.join(&name);
            if kind == EntryKind::Directory {
                folders.push((inside, place));
                continue;
            }
            let mut file = Storage::open(archive, &inside, OpenMode::READ).map_err(failed)?;
            let mut written = ocre_files::create_new(&place)?;
            io::copy(&mut file, &mut written)?;
            count += 1;
        }
    }
    Ok(count)
}
