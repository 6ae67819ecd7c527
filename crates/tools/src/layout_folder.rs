// SPDX-License-Identifier: Apache-2.0
//! A layout on the PC that an image is copied to.
//!
//! Promised: content gets its digest for a name only when it has been hashed and is whole; the
//! index has the old or the new image at any instant; one process at a time writes a layout.
//! The part of a blob that an interrupted copy has written stays in a file named `.part-HEX`; the
//! next copy hashes it again and continues it.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;

use ocre::image::Content;
use ocre::image::blob::verify;
use ocre::port::StorageError;
use ocre_files::LockedFile;
use ocre_oci::write;
use ocre_pc::directory::Directory;
use ocre_registry::{
    Blob, ContentOpener, Error, ImageDocument, RegistryCode, Role, Sink, Verified,
};

use crate::failure::{Failure, folder_advice};
use crate::layout_index::{MAX_INDEX, document, with_document, write_file};
use crate::pack::LayoutTarget;
use sha2::Digest as _;

/// Size of a buffer, in bytes.
const BUFFER: usize = 128 * 1024;

/// Number of buffers between reader and writer.
const BUFFERS: usize = 3;

/// A layout's folder, and the name that an image gets in it.
pub struct LayoutFolder {
    folder: PathBuf,
    layout: Directory,
    name: Option<String>,
    durable: bool,
    /// Lock of the layout, held until this is dropped.
    _lock: LockedFile,
}

impl LayoutFolder {
    /// Opens a layout, or makes one in an empty or new folder. A folder with other files is
    /// refused. Without `durable`, a power cut may leave content that does not match its digest.
    ///
    /// # Errors
    /// `layout-missing`, `layout-locked`, `io`.
    pub fn open(
        folder: &Path,
        name: Option<String>,
        durable: bool,
        what: &str,
    ) -> Result<Self, Failure> {
        LayoutTarget::of(folder, what)?;
        let io = |error| Failure::io(what, &error);
        fs::create_dir_all(folder.join("blobs/sha256")).map_err(io)?;
        let marker = folder.join("oci-layout");
        if !marker.exists() {
            fs::write(&marker, document(write::layout)).map_err(io)?;
        }
        let marker = ocre_files::open(&marker).map_err(io)?;
        let lock = LockedFile::exclusive(marker).map_err(|error| match error {
            TryLockError::WouldBlock => {
                let hints = "wait for the other process, or stop it";
                Failure::new(what, "layout-locked", hints)
                    .at(folder.display())
                    .because("another process writes to the layout")
            }
            TryLockError::Error(error) => io(error),
        })?;
        let layout = Directory::open(folder).map_err(|error| Failure::folder(what, error))?;
        Ok(Self {
            folder: folder.to_owned(),
            layout: if durable { layout } else { layout.fleeting() },
            name,
            durable,
            _lock: lock,
        })
    }

    fn failed(&self, error: io::Error) -> Error {
        Error::of_io(error, self.folder.display())
    }

    /// Continues or begins the part of a blob.
    fn fill(&self, part: &mut File, blob: &Blob, open: ContentOpener<'_>) -> Result<(), Error> {
        let failed = |error| self.failed(error);
        let mut hasher = sha2::Sha256::new();
        let mut have = part.metadata().map_err(failed)?.len();
        if have > blob.size {
            part.set_len(0).map_err(failed)?;
            have = 0;
        }
        part.rewind().map_err(failed)?;
        let mut buffer = vec![0; BUFFER];
        let mut left = have;
        while left > 0 {
            let most = buffer
                .len()
                .min(usize::try_from(left).unwrap_or(usize::MAX));
            let count = part.read(&mut buffer[..most]).map_err(failed)?;
            if count == 0 {
                return Err(failed(io::ErrorKind::UnexpectedEof.into()));
            }
            hasher.update(&buffer[..count]);
            left -= count as u64;
        }
        let content = Verified::resumed(open(have)?, blob, hasher, have);
        pour(content, part).map_err(failed)
    }
}

/// Copies content to a file; another thread reads and hashes ahead.
fn pour(mut content: impl Read + Send, to: &mut File) -> io::Result<()> {
    let (empty, to_fill) = mpsc::sync_channel(BUFFERS);
    let (full, to_write) = mpsc::sync_channel::<(Vec<u8>, usize)>(BUFFERS);
    for _ in 0..BUFFERS {
        // There is room for them all.
        let _ = empty.send(vec![0; BUFFER]);
    }
    thread::scope(|scope| {
        let reader = scope.spawn(move || -> io::Result<()> {
            // After a failed write no more buffers come back.
            while let Ok(mut buffer) = to_fill.recv() {
                let count = content.read(&mut buffer)?;
                if count == 0 || full.send((buffer, count)).is_err() {
                    break;
                }
            }
            Ok(())
        });
        let written = to_write.iter().try_for_each(|(buffer, count)| {
            to.write_all(&buffer[..count])?;
            // A reader that has ended takes none.
            let _ = empty.send(buffer);
            Ok(())
        });
        drop((empty, to_write));
        let read = match reader.join() {
            Ok(read) => read,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        // A failed reader has ended the writing too, so its error comes first.
        read.and(written)
    })
}

impl Sink for LayoutFolder {
    fn has(&self, blob: &Blob, _: Option<(&str, &str)>) -> Result<bool, Error> {
        let content = Content {
            digest: blob.digest,
            size: blob.size,
        };
        // A damaged blob is replaced.
        Ok(verify(&self.layout, "/", &content, &mut vec![0; BUFFER]).is_ok())
    }

    fn put(&self, blob: &Blob, open: ContentOpener<'_>) -> Result<(), Error> {
        let hex = blob.digest.hex();
        let path = self.folder.join(format!(".part-{hex}"));
        let opened = ocre_files::open_or_create(&path);
        let mut part = opened.map_err(|error| self.failed(error))?;
        let resumed = part.metadata().is_ok_and(|found| found.len() > 0);
        let mut filled = self.fill(&mut part, blob, open);
        let is_wrong = |filled: &Result<(), Error>| {
            let wrong = [RegistryCode::DigestMismatch, RegistryCode::SizeMismatch];
            matches!(filled, Err(error) if wrong.contains(&error.code()))
        };
        if resumed && is_wrong(&filled) {
            // The old part may be damaged.
            part.set_len(0).map_err(|error| self.failed(error))?;
            filled = self.fill(&mut part, blob, open);
        }
        if is_wrong(&filled) {
            // A wrong part can't be continued. Only the refusal counts.
            let _ = fs::remove_file(&path);
        }
        filled?;
        let finish = || {
            if self.durable {
                part.sync_all()?;
            }
            fs::rename(&path, self.folder.join(format!("blobs/sha256/{hex}")))
        };
        finish().map_err(|error| self.failed(error))
    }

    fn put_document(&self, document: &ImageDocument, role: Role) -> Result<(), Error> {
        let storage = |error: StorageError| {
            let code = RegistryCode::Place(error.code(), folder_advice(error));
            Error::new(code, self.folder.display())
        };
        let hex = document.digest.hex();
        write_file(
            &self.layout,
            &format!("/blobs/sha256/{hex}"),
            &document.bytes,
        )
        .map_err(storage)?;
        if role == Role::Part {
            return Ok(());
        }
        let path = self.folder.join("index.json");
        let index = match ocre_files::read(&path, MAX_INDEX as u64) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self::document(|out| write::index(out, |_| Ok(()))).into_bytes()
            }
            read => read.map_err(|error| self.failed(error))?,
        };
        let text = with_document(&index, document, role, self.name.as_deref())?;
        write_file(&self.layout, "/index.json", text.as_bytes()).map_err(storage)
    }
}
