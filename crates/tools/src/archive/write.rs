// SPDX-License-Identifier: Apache-2.0
//! Writing an archive, file by file.
//!
//! Promised: the same files in the same order give the same bytes, independent of user and time;
//! the archive gets its name when it is whole.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use rawzip::{CompressionMethod, ZipArchiveWriter};

use super::error::{ArchiveError, ArchiveFault};
use flate2::Compression;
use flate2::write::DeflateEncoder;

/// Format of an archive that is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ArchiveFormat {
    /// POSIX tar.
    Tar,
    /// Zip, deflated.
    Zip,
}

impl ArchiveFormat {
    /// Format by the file's name: zip for `.zip`, else tar.
    pub fn of(path: &Path) -> Self {
        let extension = path.extension().and_then(|extension| extension.to_str());
        if extension.is_some_and(|extension| extension.eq_ignore_ascii_case("zip")) {
            Self::Zip
        } else {
            Self::Tar
        }
    }
}

/// An archive that is being written.
pub struct ArchiveWriter {
    inner: Option<FormatWriter>,
    temporary: PathBuf,
    path: PathBuf,
}

enum FormatWriter {
    Tar(Box<tar::Builder<File>>),
    Zip(Box<ZipArchiveWriter<File>>),
}

impl ArchiveWriter {
    /// Begins an archive; no file of that name may exist.
    ///
    /// # Errors
    /// `archive-exists`, `io`.
    pub fn create(path: &Path, kind: ArchiveFormat) -> Result<Self, ArchiveError> {
        let io = |error: io::Error| ArchiveError::new(ArchiveFault::Io, "").because(error);
        if fs::symlink_metadata(path).is_ok() {
            return Err(ArchiveError::new(ArchiveFault::Exists, path.display()));
        }
        let mut name = OsString::from(".");
        name.push(path.file_name().unwrap_or_default());
        name.push(format!(".{}", std::process::id()));
        let temporary = path.with_file_name(name);
        let file = ocre_files::create_new(&temporary).map_err(io)?;
        Ok(Self {
            inner: Some(match kind {
                ArchiveFormat::Tar => FormatWriter::Tar(Box::new(tar::Builder::new(file))),
                ArchiveFormat::Zip => FormatWriter::Zip(Box::new(ZipArchiveWriter::new(file))),
            }),
            temporary,
            path: path.to_owned(),
        })
    }

    fn inner(&mut self) -> io::Result<&mut FormatWriter> {
        self.inner
            .as_mut()
            .ok_or_else(|| io::Error::other("it is finished"))
    }

    /// Adds a folder.
    ///
    /// # Errors
    /// Errors of the PC's file system.
    pub fn folder(&mut self, name: &str) -> io::Result<()> {
        match self.inner()? {
            FormatWriter::Tar(tar) => {
                let mut header = header(0, 0o755);
                header.set_entry_type(tar::EntryType::Directory);
                tar.append_data(&mut header, format!("{name}/"), io::empty())
            }
            FormatWriter::Zip(zip) => {
                let made = zip.new_dir(format!("{name}/")).create();
                made.map(drop).map_err(io::Error::other)
            }
        }
    }

    /// Adds a file of `size` bytes, read from `content`.
    ///
    /// # Errors
    /// Errors of `content`, and of the PC's file system.
    pub fn file(&mut self, name: &str, size: u64, content: &mut dyn Read) -> io::Result<()> {
        match self.inner()? {
            FormatWriter::Tar(tar) => {
                let mut counted = CountingReader {
                    inner: content,
                    count: 0,
                };
                tar.append_data(&mut header(size, 0o644), name, &mut counted)?;
                if counted.count != size {
                    let detail = format!("{} bytes, not {size}", counted.count);
                    return Err(io::Error::other(detail));
                }
                Ok(())
            }
            FormatWriter::Zip(zip) => {
                let (mut entry, config) = zip
                    .new_file(name)
                    .compression_method(CompressionMethod::DEFLATE)
                    .start()
                    .map_err(io::Error::other)?;
                let encoder = DeflateEncoder::new(&mut entry, Compression::default());
                let mut writer = config.wrap(encoder);
                io::copy(content, &mut writer)?;
                let (encoder, descriptor) = writer.finish().map_err(io::Error::other)?;
                encoder.finish()?;
                let written = entry.finish(descriptor);
                written.map(drop).map_err(io::Error::other)
            }
        }
    }

    /// Gives the archive its name.
    ///
    /// # Errors
    /// `archive-exists`, `io`.
    pub fn finish(mut self) -> Result<(), ArchiveError> {
        let io = |error: io::Error| ArchiveError::new(ArchiveFault::Io, "").because(error);
        let file = match self.inner.take() {
            Some(FormatWriter::Tar(tar)) => tar.into_inner().map_err(io)?,
            Some(FormatWriter::Zip(zip)) => {
                zip.finish().map_err(|error| io(io::Error::other(error)))?
            }
            None => return Ok(()),
        };
        file.sync_all().map_err(io)?;
        if fs::symlink_metadata(&self.path).is_ok() {
            return Err(ArchiveError::new(ArchiveFault::Exists, self.path.display()));
        }
        fs::rename(&self.temporary, &self.path).map_err(io)
    }
}

impl Drop for ArchiveWriter {
    fn drop(&mut self) {
        // After the rename there is no temporary file.
        let _ = fs::remove_file(&self.temporary);
    }
}

/// Makes a header without user, group and time.
fn header(size: u64, mode: u32) -> tar::Header {
    let mut header = tar::Header::new_ustar();
    header.set_size(size);
    header.set_mode(mode);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    header
}

struct CountingReader<'a> {
    inner: &'a mut dyn Read,
    count: u64,
}

impl Read for CountingReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.count += count as u64;
        Ok(count)
    }
}
