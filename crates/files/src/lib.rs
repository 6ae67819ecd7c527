// SPDX-License-Identifier: Apache-2.0
//! Bounded reading of the PC's regular files.
//!
//! Every file that a user, a bundle or a layout names is opened here. Guarantees: only a regular
//! file is opened, directly or through links; opening and reading never block on a pipe, device
//! or socket; never more than a caller's cap is read into memory, whatever the size that the
//! file system reports. An architecture rule keeps other ways to open a
//! file out of the crates that use this one.

#![deny(missing_docs)]

mod lock;

pub use lock::LockedFile;

use std::fmt::{self, Display};
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, BufRead, Read};
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::Path;

/// Cap for configuration and project files that people write, in bytes.
pub const MAX_CONFIG: u64 = 1 << 20;

/// Cap for files that a build writes, such as a devicetree, in bytes.
pub const MAX_BUILD_FILE: u64 = 16 << 20;

/// Cap for modules, AOT files and other content that is held in memory, in bytes.
pub const MAX_CONTENT: u64 = 256 << 20;

/// Reason for which a file is not read. [`FileRefusal::of`] finds it in an [`io::Error`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FileRefusal {
    /// The path leads to something other than a regular file.
    NotRegular(FileKind),
    /// The content has more bytes than the cap.
    TooLarge(u64),
}

/// File types other than a regular file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FileKind {
    /// A folder.
    Folder,
    /// A named pipe.
    Pipe,
    /// A block or character device.
    Device,
    /// A socket.
    Socket,
    /// Any other type.
    Other,
}

impl FileRefusal {
    /// The refusal in an error of this crate.
    pub fn of(error: &io::Error) -> Option<Self> {
        error.get_ref()?.downcast_ref().copied()
    }

    /// Stable code, as `docs/errors.md` lists it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotRegular(_) => "file-not-regular",
            Self::TooLarge(_) => "file-too-large",
        }
    }

    /// Remedy: the last column of `docs/errors.md`.
    pub const fn hint(self) -> &'static str {
        match self {
            Self::NotRegular(_) => "name a regular file, or copy the content into one",
            Self::TooLarge(_) => "check that this is the right file",
        }
    }
}

impl Display for FileRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRegular(kind) => {
                let kind = match kind {
                    FileKind::Folder => "a folder",
                    FileKind::Pipe => "a named pipe",
                    FileKind::Device => "a device",
                    FileKind::Socket => "a socket",
                    FileKind::Other => "a special file",
                };
                write!(f, "this is {kind}, not a regular file")
            }
            Self::TooLarge(cap) => write!(f, "more than {cap} bytes"),
        }
    }
}

impl std::error::Error for FileRefusal {}

impl From<FileRefusal> for io::Error {
    fn from(refusal: FileRefusal) -> Self {
        let kind = match refusal {
            FileRefusal::NotRegular(FileKind::Folder) => io::ErrorKind::IsADirectory,
            FileRefusal::NotRegular(_) => io::ErrorKind::InvalidInput,
            FileRefusal::TooLarge(_) => io::ErrorKind::FileTooLarge,
        };
        Self::new(kind, refusal)
    }
}

/// Opens a regular file for reading.
///
/// # Errors
/// [`FileRefusal::NotRegular`], and those of the file system.
pub fn open(path: &Path) -> io::Result<File> {
    open_with(path, OpenOptions::new().read(true))
}

/// Opens a regular file for reading and writing.
///
/// # Errors
/// As [`open`].
pub fn open_to_write(path: &Path) -> io::Result<File> {
    open_with(path, OpenOptions::new().read(true).write(true))
}

/// Opens a regular file for reading and writing, or creates an empty one.
///
/// # Errors
/// As [`open`].
pub fn open_or_create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    open_with(path, &mut options)
}

/// Creates a file for reading and writing; one that exists is left alone.
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`], and those of the file system.
pub fn create_new(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true).open(path)
}

/// Creates a file that only its owner can read and write; one that exists is left alone.
///
/// # Errors
/// As [`create_new`].
pub fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600).open(path)
}

fn open_with(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    // Opening a device can have effects of its own, so the type is checked before too.
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        found => regular(&found?)?,
    }
    // A path that has become a pipe since does not block.
    let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
    let file = options.custom_flags(flags).open(path)?;
    regular(&file.metadata()?)?;
    Ok(file)
}

/// Accepts a regular file alone.
///
/// # Errors
/// [`FileRefusal::NotRegular`].
pub fn regular(found: &Metadata) -> io::Result<()> {
    let kind = found.file_type();
    if kind.is_file() {
        return Ok(());
    }
    Err(FileRefusal::NotRegular(if kind.is_dir() {
        FileKind::Folder
    } else if kind.is_fifo() {
        FileKind::Pipe
    } else if kind.is_char_device() || kind.is_block_device() {
        FileKind::Device
    } else if kind.is_socket() {
        FileKind::Socket
    } else {
        FileKind::Other
    })
    .into())
}

/// Reads a regular file of at most `cap` bytes.
///
/// ```
/// use std::path::Path;
///
/// use ocre_files::{FileKind, FileRefusal};
///
/// let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
/// assert!(ocre_files::read(&manifest, ocre_files::MAX_CONFIG).is_ok());
/// let error = ocre_files::read(&manifest, 10).unwrap_err();
/// assert_eq!(FileRefusal::of(&error), Some(FileRefusal::TooLarge(10)));
/// let error = ocre_files::read(Path::new("/dev/zero"), 10).unwrap_err();
/// assert_eq!(FileRefusal::of(&error), Some(FileRefusal::NotRegular(FileKind::Device)));
/// ```
///
/// # Errors
/// Both of [`FileRefusal`], and those of the file system.
pub fn read(path: &Path, cap: u64) -> io::Result<Vec<u8>> {
    let file = open(path)?;
    // A sparse or growing file reports any size: what is read counts.
    if file.metadata()?.len() > cap {
        return Err(FileRefusal::TooLarge(cap).into());
    }
    read_from(file, cap)
}

/// Reads a regular file of at most `cap` bytes that is UTF-8.
///
/// # Errors
/// As [`read`]; [`io::ErrorKind::InvalidData`] where the content is not UTF-8.
pub fn read_text(path: &Path, cap: u64) -> io::Result<String> {
    String::from_utf8(read(path, cap)?)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "this is not UTF-8"))
}

/// Reads a stream of at most `cap` bytes to its end.
///
/// # Errors
/// [`FileRefusal::TooLarge`], and those of the stream.
pub fn read_from(stream: impl Read, cap: u64) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    let count = stream
        .take(cap.saturating_add(1))
        .read_to_end(&mut content)?;
    if count as u64 > cap {
        return Err(FileRefusal::TooLarge(cap).into());
    }
    Ok(content)
}

/// Appends a line of at most `cap` bytes, its end included; no bytes at the stream's end.
///
/// # Errors
/// As [`read_from`].
pub fn read_line(stream: impl BufRead, line: &mut Vec<u8>, cap: u64) -> io::Result<usize> {
    let count = stream.take(cap.saturating_add(1)).read_until(b'\n', line)?;
    if count as u64 > cap {
        return Err(FileRefusal::TooLarge(cap).into());
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;
    use std::process::Command;

    use super::*;

    fn refused(result: io::Result<Vec<u8>>) -> Option<FileRefusal> {
        FileRefusal::of(&result.err()?)
    }

    #[test]
    fn only_regular_files_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("file"), "abc").unwrap();
        symlink(path("file"), path("link")).unwrap();
        symlink("/dev/zero", path("zero")).unwrap();
        symlink(path("pipe"), path("link to pipe")).unwrap();
        let made = Command::new("mkfifo").arg(path("pipe")).status().unwrap();
        assert!(made.success());
        let _socket = UnixListener::bind(path("socket")).unwrap();

        for name in ["file", "link"] {
            assert_eq!(read(&path(name), 3).unwrap(), b"abc", "{name}");
        }
        for (name, kind) in [
            ("", FileKind::Folder),
            ("pipe", FileKind::Pipe),
            ("link to pipe", FileKind::Pipe),
            ("zero", FileKind::Device),
            ("socket", FileKind::Socket),
        ] {
            let found = refused(read(&path(name), 3));
            assert_eq!(found, Some(FileRefusal::NotRegular(kind)), "{name}");
            assert!(open_to_write(&path(name)).is_err(), "{name}");
            assert!(open_or_create(&path(name)).is_err(), "{name}");
        }
        let missing = read(&path("missing"), 3).unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_file_beyond_its_cap_is_refused_without_reading_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sparse");
        File::create(&path).unwrap().set_len(1 << 42).unwrap();
        assert_eq!(refused(read(&path, 9)), Some(FileRefusal::TooLarge(9)));
        fs::write(&path, "0123456789").unwrap();
        assert_eq!(refused(read(&path, 9)), Some(FileRefusal::TooLarge(9)));
        assert_eq!(read(&path, 10).unwrap().len(), 10);
    }

    #[test]
    fn a_file_without_a_size_is_read_to_its_end() {
        // The kernel's own files report no bytes.
        let path = Path::new("/proc/self/status");
        assert!(read_text(path, MAX_CONFIG).unwrap().contains("Name:"));
        assert_eq!(refused(read(path, 5)), Some(FileRefusal::TooLarge(5)));
    }

    #[test]
    fn a_stream_without_an_end_is_refused() {
        let found = refused(read_from(io::repeat(b'x'), 1000));
        assert_eq!(found, Some(FileRefusal::TooLarge(1000)));
        let mut line = Vec::new();
        let endless = io::BufReader::new(io::repeat(b'x'));
        assert!(read_line(endless, &mut line, 1000).is_err());
        assert_eq!(line.len(), 1001);
        line.clear();
        assert_eq!(read_line(&b"ab\ncd"[..], &mut line, 3).unwrap(), 3);
        assert_eq!(line, b"ab\n");
    }

    #[test]
    fn text_is_utf8() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("text");
        fs::write(&path, b"\xff").unwrap();
        let error = read_text(&path, 9).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }
}
