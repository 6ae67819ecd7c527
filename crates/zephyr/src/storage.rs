// SPDX-License-Identifier: Apache-2.0
//! The partition, through Zephyr's file system API.

use core::ffi::c_void;
use core::mem;
use core::ptr::{self, NonNull};
use core::slice;

use ocre::port::path as rules;
use ocre::port::{EntryKind, Metadata, OpenMode, SeekFrom, Space, Storage, StorageError};

use crate::device::ZephyrDevice;
use crate::sys;

/// Open file. It takes one of `CONFIG_OCRE_OPEN_FILES` places.
#[derive(Debug)]
pub struct ZephyrFile(NonNull<c_void>);

// SAFETY: the file system takes its own locks, and a handle may be used from any thread.
unsafe impl Send for ZephyrFile {}

impl Drop for ZephyrFile {
    fn drop(&mut self) {
        // SAFETY: open, and not used after this.
        unsafe { sys::ocre_port_discard(self.0.as_ptr()) };
    }
}

/// Converts a status of the C port; counts are not negative.
fn check(status: i32) -> Result<usize, StorageError> {
    usize::try_from(status).map_err(|_| match status {
        sys::NOT_FOUND => StorageError::NotFound,
        sys::EXISTS => StorageError::Exists,
        sys::NOT_DIRECTORY => StorageError::NotDirectory,
        sys::IS_DIRECTORY => StorageError::IsDirectory,
        sys::NOT_EMPTY => StorageError::NotEmpty,
        sys::NO_SPACE => StorageError::NoSpace,
        sys::NAME_TOO_LONG => StorageError::NameTooLong,
        sys::INVALID => StorageError::Invalid,
        sys::NO_MEMORY => StorageError::NoMemory,
        sys::CORRUPT => StorageError::Corrupt,
        _ => StorageError::Io,
    })
}

fn done(status: i32) -> Result<(), StorageError> {
    check(status).map(|_| ())
}

/// Length of a path for C; the shim refuses one that long.
fn bytes_of(path: &str) -> u32 {
    u32::try_from(path.len()).unwrap_or(u32::MAX)
}

fn kind(directory: u32) -> EntryKind {
    if directory == 0 {
        EntryKind::File
    } else {
        EntryKind::Directory
    }
}

impl Storage for ZephyrDevice {
    type File = ZephyrFile;

    fn open(&self, path: &str, mode: OpenMode) -> Result<ZephyrFile, StorageError> {
        rules::check(path)?;
        if !mode.is_valid() {
            return Err(StorageError::Invalid);
        }
        let flag = |wanted: bool, flag: u32| if wanted { flag } else { 0 };
        let flags = flag(mode.read, sys::READ)
            | flag(mode.write, sys::WRITE)
            | flag(mode.create, sys::CREATE)
            | flag(mode.create && mode.exclusive, sys::EXCLUSIVE)
            | flag(mode.truncate, sys::TRUNCATE)
            | flag(mode.append, sys::APPEND);
        let mut file = ptr::null_mut();
        // SAFETY: path and place are valid for the call.
        done(unsafe { sys::ocre_port_open(path.as_ptr(), bytes_of(path), flags, &mut file) })?;
        NonNull::new(file).map(ZephyrFile).ok_or(StorageError::Io)
    }

    fn read(&self, file: &mut ZephyrFile, buffer: &mut [u8]) -> Result<usize, StorageError> {
        let bytes = buffer.len().min(i32::MAX as usize) as u32;
        // SAFETY: open; the buffer has that many bytes.
        check(unsafe { sys::ocre_port_read(file.0.as_ptr(), buffer.as_mut_ptr(), bytes) })
    }

    fn write(&self, file: &mut ZephyrFile, bytes: &[u8]) -> Result<(), StorageError> {
        for part in bytes.chunks(i32::MAX as usize) {
            // SAFETY: open; the part has that many bytes.
            let written = check(unsafe {
                sys::ocre_port_write(file.0.as_ptr(), part.as_ptr(), part.len() as u32)
            })?;
            // Zephyr gives a short count where the partition is full.
            if written != part.len() {
                return Err(StorageError::NoSpace);
            }
        }
        Ok(())
    }

    fn seek(&self, file: &mut ZephyrFile, to: SeekFrom) -> Result<u64, StorageError> {
        let (offset, from) = match to {
            SeekFrom::Start(offset) => (
                i64::try_from(offset).map_err(|_| StorageError::Invalid)?,
                sys::SEEK_START,
            ),
            SeekFrom::Current(offset) => (offset, sys::SEEK_CURRENT),
            SeekFrom::End(offset) => (offset, sys::SEEK_END),
        };
        let mut position = 0;
        // SAFETY: open; the place is valid for the call.
        done(unsafe { sys::ocre_port_seek(file.0.as_ptr(), offset, from, &mut position) })?;
        Ok(position)
    }

    fn size(&self, file: &mut ZephyrFile) -> Result<u64, StorageError> {
        let mut size = 0;
        // SAFETY: open; the place is valid for the call.
        done(unsafe { sys::ocre_port_size(file.0.as_ptr(), &mut size) })?;
        Ok(size)
    }

    fn truncate(&self, file: &mut ZephyrFile, size: u64) -> Result<(), StorageError> {
        // SAFETY: open.
        done(unsafe { sys::ocre_port_truncate(file.0.as_ptr(), size) })
    }

    fn sync(&self, file: &mut ZephyrFile) -> Result<(), StorageError> {
        // SAFETY: open.
        done(unsafe { sys::ocre_port_sync(file.0.as_ptr()) })
    }

    fn close(&self, file: ZephyrFile) -> Result<(), StorageError> {
        let handle = file.0;
        mem::forget(file); // closing is its end
        // SAFETY: open, and not used after this.
        done(unsafe { sys::ocre_port_close(handle.as_ptr()) })
    }

    fn metadata(&self, path: &str) -> Result<Metadata, StorageError> {
        rules::check(path)?;
        let (mut directory, mut size) = (0, 0);
        // SAFETY: path and places are valid for the call.
        done(unsafe {
            sys::ocre_port_metadata(path.as_ptr(), bytes_of(path), &mut directory, &mut size)
        })?;
        Ok(Metadata {
            kind: kind(directory),
            size,
        })
    }

    fn create_dir(&self, path: &str) -> Result<(), StorageError> {
        rules::check(path)?;
        // SAFETY: the path is valid for the call.
        done(unsafe { sys::ocre_port_create_dir(path.as_ptr(), bytes_of(path)) })
    }

    fn remove(&self, path: &str) -> Result<(), StorageError> {
        rules::check(path)?;
        // SAFETY: the path is valid for the call.
        done(unsafe { sys::ocre_port_remove(path.as_ptr(), bytes_of(path)) })
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), StorageError> {
        rules::check_rename(from, to)?;
        // SAFETY: the paths are valid for the call.
        done(unsafe {
            sys::ocre_port_rename(from.as_ptr(), bytes_of(from), to.as_ptr(), bytes_of(to))
        })
    }

    fn read_dir(
        &self,
        path: &str,
        entry: &mut dyn FnMut(&str, Metadata) -> bool,
    ) -> Result<(), StorageError> {
        rules::check(path)?;
        let mut entry = entry;
        // SAFETY: the path is valid for the call, and `visit` gets what it expects.
        done(unsafe {
            sys::ocre_port_read_dir(
                path.as_ptr(),
                bytes_of(path),
                Some(visit),
                ptr::from_mut(&mut entry).cast(),
            )
        })
    }

    fn block_bytes(&self) -> u32 {
        // A partition that does not answer now will take no files either.
        statistics().map_or(u32::MAX, |(_, block)| block)
    }

    fn space(&self) -> Result<Space, StorageError> {
        statistics().map(|(space, _)| space)
    }
}

/// Space of the partition, and the size of its blocks in bytes.
fn statistics() -> Result<(Space, u32), StorageError> {
    let (mut total, mut free, mut block) = (0, 0, 0);
    // SAFETY: the places are valid for the call.
    done(unsafe { sys::ocre_port_space(&mut total, &mut free, &mut block) })?;
    Ok((Space { total, free }, block))
}

/// Calls the closure of [`Storage::read_dir`] with an entry. Names that are not UTF-8 are not ours,
/// and are skipped.
///
/// # Safety
/// `context` is a `&mut &mut dyn FnMut(&str, Metadata) -> bool`, and `name` has `name_bytes`.
unsafe extern "C" fn visit(
    context: *mut c_void,
    name: *const u8,
    name_bytes: u32,
    directory: u32,
    size: u64,
) -> i32 {
    // SAFETY: see above.
    let entry = unsafe { &mut *context.cast::<&mut dyn FnMut(&str, Metadata) -> bool>() };
    // SAFETY: see above.
    let name = unsafe { slice::from_raw_parts(name, name_bytes as usize) };
    let kind = kind(directory);
    str::from_utf8(name)
        .map_or(true, |name| entry(name, Metadata { kind, size }))
        .into()
}
