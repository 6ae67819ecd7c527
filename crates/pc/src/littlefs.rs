// SPDX-License-Identifier: Apache-2.0
//! littlefs on a [`Flash`]: the device's storage.
//!
//! Promised:
//! - The format is littlefs 2.1 with the limits and sizes of Zephyr's defaults, so that a
//!   partition written here mounts on the device and the other way round.
//! - Handles may be used from several threads at once. They keep the file system mounted.
//!   One that is dropped instead of closed writes nothing.
//! - Damaged flash gives an error, within bounded time. littlefs checks a checksum of its
//!   metadata, but not the data of files. There is no defence against *crafted* flash with
//!   correct checksums: the flash belongs to the device.
//! - No flash is ever formatted unasked.
//!
//! Design: the C library behind a shim, one lock around each call. What littlefs asserts comes back
//! as [`StorageError::Corrupt`]; a chain of blocks that leads round in a circle ends when an
//! operation has used up its reads.

mod superblock;
mod sys;

use std::ffi::{CStr, CString, c_char, c_void};
use std::path::Path;
use std::ptr::{self, NonNull};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ocre::port::{
    EntryKind, Metadata, OpenMode, SeekFrom, Space, Storage, StorageError, path as rules,
    stream_through,
};

use crate::flash::{FileError, FileFlash, Flash, Geometry, OpenedFile, RamFlash};

// Zephyr's defaults for a `zephyr,fstab,littlefs` node.
const READ_BYTES: u32 = 16;
const PROGRAM_BYTES: u32 = 16;
/// Zephyr's cache, and so the largest file that may lie in its folder's own block: a device
/// reads such a file through its cache.
const INLINE_BYTES: u32 = 64;

/// Settings of littlefs that are no part of the format.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tuning {
    /// Bytes of each cache, a power of two from 64 on; never more than a block is used.
    pub cache_bytes: u32,
    /// Bytes of the map of free blocks, a multiple of 8; never more than a bit for each block is
    /// used. For each map full of blocks that are taken the whole file system is walked.
    pub lookahead_bytes: u32,
    /// Rewrites of a block of metadata before it is moved, at least one.
    pub block_cycles: i32,
}

impl Tuning {
    /// Zephyr's defaults.
    pub const DEVICE: Self = Self {
        cache_bytes: 64,
        lookahead_bytes: 32,
        block_cycles: 512,
    };
    /// Larger cache and map, which make a PC faster.
    pub const PC: Self = Self {
        cache_bytes: 4096,
        lookahead_bytes: 32 * 1024,
        ..Self::DEVICE
    };

    const fn is_valid(self) -> bool {
        self.cache_bytes.is_power_of_two()
            && self.cache_bytes >= INLINE_BYTES
            && self.lookahead_bytes >= 8
            && self.lookahead_bytes.is_multiple_of(8)
            && self.block_cycles >= 1
    }
}

/// Most bytes in a file (`LFS_FILE_MAX`), and so the last position in one.
const MAX_FILE: u64 = i32::MAX as u64;

/// Most bytes handed to littlefs in one call, so that the reads of a call stay bounded.
const MAX_TRANSFER: usize = 64 * 1024;

/// Limit of the reads of one operation, as a number of reads of the whole flash. A search for a
/// free block takes a few; a circle of blocks would take any number.
const READS_OF_WHOLE_FLASH: u64 = 256;

/// Context of the callbacks of littlefs.
struct FlashContext<F> {
    flash: F,
    /// Reads that the operation under way may still make.
    reads_left: u64,
}

/// Runs a flash operation for littlefs and returns its status.
///
/// # Safety
/// `context` is the `FlashContext<F>` that [`Volume::contract`] put there, and is used here alone.
unsafe fn operate<F>(
    context: *mut c_void,
    operation: impl FnOnce(&mut FlashContext<F>) -> Option<()>,
) -> i32 {
    // SAFETY: the caller's promise.
    let device = unsafe { &mut *context.cast::<FlashContext<F>>() };
    if operation(device).is_some() { 0 } else { IO }
}

unsafe extern "C" fn device_read<F: Flash>(
    context: *mut c_void,
    block: u32,
    offset: u32,
    buffer: *mut c_void,
    size: u32,
) -> i32 {
    let read = |device: &mut FlashContext<F>| {
        device.reads_left = device.reads_left.checked_sub(1)?;
        // SAFETY: littlefs passes a buffer of `size` bytes that it alone uses.
        let buffer = unsafe { std::slice::from_raw_parts_mut(buffer.cast(), size as usize) };
        device.flash.read(block, offset, buffer).ok()
    };
    // SAFETY: littlefs passes its own context, in a call that holds the volume.
    unsafe { operate(context, read) }
}

unsafe extern "C" fn device_program<F: Flash>(
    context: *mut c_void,
    block: u32,
    offset: u32,
    bytes: *const c_void,
    size: u32,
) -> i32 {
    let program = |device: &mut FlashContext<F>| {
        // SAFETY: littlefs passes `size` readable bytes.
        let bytes = unsafe { std::slice::from_raw_parts(bytes.cast(), size as usize) };
        device.flash.program(block, offset, bytes).ok()
    };
    // SAFETY: as in `device_read`.
    unsafe { operate(context, program) }
}

unsafe extern "C" fn device_erase<F: Flash>(context: *mut c_void, block: u32) -> i32 {
    // SAFETY: as in `device_read`.
    unsafe {
        operate(context, |device: &mut FlashContext<F>| {
            device.flash.erase(block).ok()
        })
    }
}

unsafe extern "C" fn device_sync<F: Flash>(context: *mut c_void) -> i32 {
    // SAFETY: as in `device_read`.
    unsafe {
        operate(context, |device: &mut FlashContext<F>| {
            device.flash.sync().ok()
        })
    }
}

/// A mounted file system, to be used by one thread at a time.
struct Volume<F: Flash> {
    fs: NonNull<sys::Fs>,
    /// Made by `Box::into_raw`; littlefs has the same pointer.
    device: NonNull<FlashContext<F>>,
    geometry: Geometry,
}

// SAFETY: the targets of the pointers belong to the volume alone and are bound to no thread, and
// `F` is `Send`.
unsafe impl<F: Flash> Send for Volume<F> {}

impl<F: Flash> Volume<F> {
    fn contract(
        geometry: Geometry,
        device: NonNull<FlashContext<F>>,
        tuning: Tuning,
    ) -> sys::LfsDevice {
        sys::LfsDevice {
            context: device.as_ptr().cast(),
            read: Some(device_read::<F>),
            program: Some(device_program::<F>),
            erase: Some(device_erase::<F>),
            sync: Some(device_sync::<F>),
            read_size: READ_BYTES,
            program_size: PROGRAM_BYTES,
            block_size: geometry.block_bytes(),
            block_count: geometry.blocks(),
            cache_size: tuning.cache_bytes.min(geometry.block_bytes()),
            inline_max: INLINE_BYTES.min(geometry.block_bytes() / 8),
            lookahead_size: tuning
                .lookahead_bytes
                .min(geometry.blocks().div_ceil(64) * 8),
            block_cycles: tuning.block_cycles,
        }
    }

    fn reads(geometry: Geometry) -> u64 {
        geometry.bytes() / u64::from(READ_BYTES) * READS_OF_WHOLE_FLASH
    }

    /// Runs `operation` on a device that holds `flash`, outside of any volume.
    fn with_device<T>(
        flash: F,
        tuning: Tuning,
        operation: impl FnOnce(&sys::LfsDevice) -> Result<T, StorageError>,
    ) -> (Result<T, StorageError>, NonNull<FlashContext<F>>) {
        let geometry = flash.geometry();
        let device = Box::new(FlashContext {
            flash,
            reads_left: Self::reads(geometry),
        });
        let device = NonNull::from(Box::leak(device));
        (operation(&Self::contract(geometry, device, tuning)), device)
    }

    fn take_flash(device: NonNull<FlashContext<F>>) -> F {
        // SAFETY: made by `Box::leak` in `with_device`, and littlefs has let go of it.
        unsafe { Box::from_raw(device.as_ptr()) }.flash
    }

    fn format(flash: F) -> (F, Result<(), StorageError>) {
        let (formatted, device) = Self::with_device(flash, Tuning::PC, |device| {
            // SAFETY: `device` and its context live until the call returns.
            check(unsafe { sys::ocre_lfs_format(device) }).map(drop)
        });
        (Self::take_flash(device), formatted)
    }

    fn mount(flash: F, tuning: Tuning) -> Result<Self, (F, StorageError)> {
        let geometry = flash.geometry();
        let (mounted, device) = Self::with_device(flash, tuning, |device| {
            let mut fs = ptr::null_mut();
            // SAFETY: the shim copies `device`; its context lives until the volume is dropped.
            check(unsafe { sys::ocre_lfs_mount(device, &mut fs) })?;
            NonNull::new(fs).ok_or(StorageError::Io)
        });
        match mounted {
            Ok(fs) => Ok(Self {
                fs,
                device,
                geometry,
            }),
            Err(error) => Err((Self::take_flash(device), error)),
        }
    }

    fn unmount(self) -> F {
        let device = self.device;
        // SAFETY: no file or folder is open, as each keeps the volume.
        unsafe { sys::ocre_lfs_unmount(self.fs.as_ptr()) };
        std::mem::forget(self);
        Self::take_flash(device)
    }

    /// Makes one call of the shim.
    fn call(&mut self, call: impl FnOnce(*mut sys::Fs) -> i32) -> Result<u32, StorageError> {
        let reads = Self::reads(self.geometry);
        // SAFETY: littlefs uses the device only during a call, and this one has not begun.
        unsafe { self.device.as_mut() }.reads_left = reads;
        let status = call(self.fs.as_ptr());
        // SAFETY: the call is over.
        let reads_left = unsafe { self.device.as_ref() }.reads_left;
        match check(status) {
            Err(StorageError::Io) if reads_left == 0 => Err(StorageError::Corrupt),
            result => result,
        }
    }

    fn flash(&self) -> &F {
        // SAFETY: littlefs uses the device only during a call, which has the volume to itself.
        &unsafe { self.device.as_ref() }.flash
    }

    fn flash_mut(&mut self) -> &mut F {
        // SAFETY: as in `flash`.
        &mut unsafe { self.device.as_mut() }.flash
    }
}

impl<F: Flash> Drop for Volume<F> {
    fn drop(&mut self) {
        // SAFETY: as in `unmount`; the volume is not used after this.
        unsafe { sys::ocre_lfs_unmount(self.fs.as_ptr()) };
        drop(Self::take_flash(self.device));
    }
}

const IO: i32 = -5;

/// littlefs's `enum lfs_error`.
fn check(status: i32) -> Result<u32, StorageError> {
    Err(match status {
        0.. => return Ok(status.unsigned_abs()),
        -2 => StorageError::NotFound,
        -12 => StorageError::NoMemory,
        -17 => StorageError::Exists,
        -20 => StorageError::NotDirectory,
        -21 => StorageError::IsDirectory,
        -22 | -9 => StorageError::Invalid,
        // A file may not grow beyond the file system's largest number.
        -27 | -28 => StorageError::NoSpace,
        -36 => StorageError::NameTooLong,
        -39 => StorageError::NotEmpty,
        -84 => StorageError::Corrupt,
        _ => StorageError::Io,
    })
}

/// A mounted littlefs. Clones share it.
pub struct LittleFs<F: Flash> {
    volume: Arc<Mutex<Volume<F>>>,
}

impl<F: Flash> Clone for LittleFs<F> {
    fn clone(&self) -> Self {
        Self {
            volume: Arc::clone(&self.volume),
        }
    }
}

impl<F: Flash> LittleFs<F> {
    /// Makes an empty file system; the old content of the flash is lost.
    ///
    /// # Errors
    /// Errors of the flash.
    pub fn format(flash: F) -> (F, Result<(), StorageError>) {
        Volume::format(flash)
    }

    /// Mounts the file system on `flash`. Nothing is written.
    ///
    /// # Errors
    /// `Corrupt` where there is none, `Invalid` where it has another version or geometry; with
    /// the flash as it was.
    pub fn mount(flash: F) -> Result<Self, (F, StorageError)> {
        Self::mount_with(flash, Tuning::PC)
    }

    /// Mounts as [`mount`](Self::mount) does, with the settings of `tuning`: tests see the effects
    /// of a device's cache, or of years of wear.
    ///
    /// # Errors
    /// As [`mount`](Self::mount); `Invalid` where `tuning` is.
    pub fn mount_with(flash: F, tuning: Tuning) -> Result<Self, (F, StorageError)> {
        if !tuning.is_valid() {
            return Err((flash, StorageError::Invalid));
        }
        Ok(Self {
            volume: Arc::new(Mutex::new(Volume::mount(flash, tuning)?)),
        })
    }

    /// Returns the flash, or `self` while a clone or an open file exists.
    pub fn unmount(self) -> Result<F, Self> {
        match Arc::try_unwrap(self.volume) {
            Ok(volume) => Ok(volume
                .into_inner()
                .unwrap_or_else(PoisonError::into_inner)
                .unmount()),
            Err(volume) => Err(Self { volume }),
        }
    }

    /// Sizes of the flash.
    pub fn geometry(&self) -> Geometry {
        lock(&self.volume).geometry
    }

    /// Version of the format: major and minor.
    ///
    /// # Errors
    /// `Corrupt`.
    pub fn version(&self) -> Result<(u16, u16), StorageError> {
        let mut version = 0;
        // SAFETY: the file system is mounted.
        let ask = |fs| unsafe { sys::ocre_lfs_version(fs, &mut version) };
        lock(&self.volume).call(ask)?;
        Ok(((version >> 16) as u16, version as u16))
    }

    /// Finishes operations that a power cut has interrupted, as the first write does.
    ///
    /// # Errors
    /// `Corrupt`, or those of the flash.
    pub fn recover(&self) -> Result<(), StorageError> {
        // SAFETY: the file system is mounted.
        let recover = |fs| unsafe { sys::ocre_lfs_recover(fs) };
        lock(&self.volume).call(recover).map(drop)
    }

    /// Lists the blocks of a file's content, in order; none for a small file, which lies in a block
    /// of its folder.
    ///
    /// # Errors
    /// `Corrupt`; `NotFound`, `IsDirectory`.
    pub fn blocks_of(&self, path: &str) -> Result<Vec<u32>, StorageError> {
        let file = Storage::open(self, path, OpenMode::READ)?;
        let mut blocks = Vec::new();
        loop {
            let (mut block, mut offset) = (0, 0);
            // SAFETY: the file is open on this volume.
            let skip = |fs| unsafe { sys::ocre_lfs_skip(fs, file.file, &mut block, &mut offset) };
            if lock(&self.volume).call(skip)? == 0 {
                return Ok(blocks);
            }
            blocks.push(block);
        }
    }

    /// Lists the blocks in use: those of files once for each file, those of folders once or twice.
    ///
    /// # Errors
    /// `Corrupt`.
    pub fn used_blocks(&self) -> Result<Vec<u32>, StorageError> {
        let mut used: Vec<u32> = Vec::new();
        let context = ptr::from_mut(&mut used).cast();
        // SAFETY: the file system is mounted, and `note` gets the vector that it casts back to.
        let list = |fs| unsafe { sys::ocre_lfs_blocks(fs, Some(note), context) };
        lock(&self.volume).call(list)?;
        Ok(used)
    }

    /// Calls `look` with the flash, between two operations.
    pub fn with_flash<T>(&self, look: impl FnOnce(&F) -> T) -> T {
        look(lock(&self.volume).flash())
    }
}

impl LittleFs<FileFlash> {
    /// Makes a flash file with an empty file system. An existing file is left alone.
    ///
    /// # Errors
    /// As [`FileFlash::create`].
    pub fn create(path: &Path, geometry: Geometry) -> Result<Self, FileError> {
        let (memory, formatted) = LittleFs::format(RamFlash::new(geometry));
        formatted.map_err(FileError::Mount)?;
        let flash = FileFlash::create(path, memory)?;
        Self::mount(flash).map_err(|(_, error)| FileError::Mount(error))
    }

    /// Mounts the file system in a flash file. Its geometry is read from the superblock.
    ///
    /// # Errors
    /// Each of [`FileError`]. The file is as it was.
    pub fn open(path: &Path) -> Result<Self, FileError> {
        Self::mount_file(OpenedFile::open(path)?)
    }

    /// As [`open`](Self::open), for reading alone: every write fails. Other processes may read the
    /// file too.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_to_read(path: &Path) -> Result<Self, FileError> {
        Self::mount_file(OpenedFile::open_to_read(path)?)
    }

    /// Changes the size of a flash file to that of its file system, `bytes`, if this only adds or
    /// removes erased bytes. True where the file has that size now.
    ///
    /// # Errors
    /// As [`OpenedFile::open`].
    pub fn fit(path: &Path, bytes: u64) -> Result<bool, FileError> {
        OpenedFile::open(path)?.fit(bytes)
    }

    fn mount_file(mut opened: OpenedFile) -> Result<Self, FileError> {
        let found = opened.size();
        let said = superblock::geometries(|position, buffer| opened.read_at(position, buffer))?;
        let mut failure = FileError::NoFileSystem;
        for geometry in said {
            match opened.into_flash(geometry).map(Self::mount) {
                Ok(Ok(mounted)) => return Ok(mounted),
                Ok(Err((flash, error))) => {
                    failure = FileError::Mount(error);
                    opened = flash.into_opened();
                }
                Err(as_it_was) => {
                    if let FileError::NoFileSystem = failure {
                        failure = FileError::Size {
                            expected: geometry.bytes(),
                            found,
                        };
                    }
                    opened = as_it_was;
                }
            }
        }
        Err(failure)
    }
}

/// Appends the number of a block that is in use.
///
/// # Safety
/// `context` is a `Vec<u32>` that is used here alone.
unsafe extern "C" fn note(context: *mut c_void, block: u32) -> i32 {
    // SAFETY: the caller's promise.
    unsafe { &mut *context.cast::<Vec<u32>>() }.push(block);
    0
}

fn lock<F: Flash>(volume: &Mutex<Volume<F>>) -> MutexGuard<'_, Volume<F>> {
    // A panic in between leaves the volume as littlefs left it: usable.
    volume.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Checks a path and ends it with a NUL.
fn terminated(path: &str) -> Result<CString, StorageError> {
    rules::check(path)?;
    CString::new(path).map_err(|_| StorageError::Invalid)
}

fn metadata(kind: u32, size: u32) -> Metadata {
    if kind == sys::IS_DIR {
        Metadata {
            kind: EntryKind::Directory,
            size: 0,
        }
    } else {
        Metadata {
            kind: EntryKind::File,
            size: size.into(),
        }
    }
}

/// An open file.
pub struct LittleFsFile<F: Flash> {
    volume: Arc<Mutex<Volume<F>>>,
    /// Open on `volume`; null once closed.
    file: *mut sys::LfsFile,
    mode: OpenMode,
    /// Error by which written data was lost, if it was.
    lost: Option<StorageError>,
}

// SAFETY: the file is used under the volume's lock only.
unsafe impl<F: Flash> Send for LittleFsFile<F> {}

impl<F: Flash> LittleFsFile<F> {
    /// Makes one call of the shim about this file.
    fn call(
        &mut self,
        call: impl FnOnce(*mut sys::Fs, *mut sys::LfsFile) -> i32,
    ) -> Result<u32, StorageError> {
        let file = self.file;
        lock(&self.volume).call(|fs| call(fs, file))
    }

    /// Makes a call that changes the file. Once one has failed, littlefs silently drops all written
    /// data, so later calls return that error.
    fn change(
        &mut self,
        call: impl FnOnce(*mut sys::Fs, *mut sys::LfsFile) -> i32,
    ) -> Result<u32, StorageError> {
        if let Some(error) = self.lost {
            return Err(error);
        }
        let result = self.call(call);
        self.lost = result.err();
        result
    }

    /// Makes a call that writes out the file's cache; a change where the file is open for writing.
    fn call_or_change(
        &mut self,
        call: impl FnOnce(*mut sys::Fs, *mut sys::LfsFile) -> i32,
    ) -> Result<u32, StorageError> {
        if self.mode.write {
            self.change(call)
        } else {
            self.call(call)
        }
    }

    /// Passes the rest of the present block to `piece` without copying it, and moves the position
    /// past it. `false` at the end, and where the flash can't lend it.
    fn lend(&mut self, piece: &mut dyn FnMut(&[u8])) -> Result<bool, StorageError> {
        let mut volume = lock(&self.volume);
        if !self.mode.read || !F::LENDS {
            return Ok(false);
        }
        let (mut block, mut offset) = (0, 0);
        let file = self.file;
        // SAFETY: the file is open on this volume.
        let skip = |fs| unsafe { sys::ocre_lfs_skip(fs, file, &mut block, &mut offset) };
        let length = volume.call(skip)? as usize;
        if length == 0 {
            return Ok(false);
        }
        // The list of blocks may lead anywhere, and out of a block.
        let block_bytes = volume.geometry.block_bytes() as usize;
        if block >= volume.geometry.blocks() || offset as usize + length > block_bytes {
            return Err(StorageError::Corrupt);
        }
        let bytes = volume.flash_mut().lend(block, offset, length);
        piece(bytes.map_err(|_| StorageError::Io)?);
        Ok(true)
    }
}

impl<F: Flash> Drop for LittleFsFile<F> {
    fn drop(&mut self) {
        if !self.file.is_null() {
            // SAFETY: the file is open on this volume. Discarding writes nothing, so there
            // is no failure to report.
            let _ = self.call(|fs, file| unsafe { sys::ocre_lfs_close(fs, file, 1) });
        }
    }
}

/// A folder being read. Closed when dropped, even after a panic of the callback.
struct FolderReader<F: Flash> {
    volume: Arc<Mutex<Volume<F>>>,
    dir: *mut sys::LfsDir,
}

impl<F: Flash> FolderReader<F> {
    /// The next entry; `.` and `..` are among them.
    fn next(
        &mut self,
        name: &mut [u8; sys::NAME_MAX + 1],
    ) -> Result<Option<Metadata>, StorageError> {
        let (mut kind, mut size) = (0, 0);
        let (dir, name) = (self.dir, name.as_mut_ptr().cast::<c_char>());
        let more = lock(&self.volume).call(|fs| {
            // SAFETY: the folder is open on this volume, and `name` has the room it takes.
            unsafe { sys::ocre_lfs_dir_read(fs, dir, name, &mut kind, &mut size) }
        })?;
        Ok((more != 0).then(|| metadata(kind, size)))
    }
}

impl<F: Flash> Drop for FolderReader<F> {
    fn drop(&mut self) {
        let dir = self.dir;
        let _ = lock(&self.volume).call(|fs| {
            // SAFETY: the folder is open on this volume, and not used after this.
            unsafe { sys::ocre_lfs_dir_close(fs, dir) };
            0
        });
    }
}

impl<F: Flash> Storage for LittleFs<F> {
    type File = LittleFsFile<F>;

    fn open(&self, path: &str, mode: OpenMode) -> Result<LittleFsFile<F>, StorageError> {
        let path = terminated(path)?;
        if !mode.is_valid() {
            return Err(StorageError::Invalid);
        }
        let bits = [
            (mode.read, sys::READ),
            (mode.write, sys::WRITE),
            (mode.create, sys::CREATE),
            (mode.create && mode.exclusive, sys::EXCLUSIVE),
            (mode.truncate, sys::TRUNCATE),
            (mode.append, sys::APPEND),
        ];
        let bits = bits
            .iter()
            .filter(|(set, _)| *set)
            .fold(0, |all, (_, bit)| all | bit);
        let mut file = ptr::null_mut();
        lock(&self.volume).call(|fs| {
            // SAFETY: the file system is mounted, the path ends with a NUL.
            unsafe { sys::ocre_lfs_open(fs, path.as_ptr(), bits, &mut file) }
        })?;
        Ok(LittleFsFile {
            volume: Arc::clone(&self.volume),
            file,
            mode,
            lost: None,
        })
    }

    fn read(&self, file: &mut LittleFsFile<F>, buffer: &mut [u8]) -> Result<usize, StorageError> {
        if !file.mode.read {
            return Err(StorageError::Invalid);
        }
        let length = buffer.len().min(MAX_TRANSFER);
        let buffer = buffer.as_mut_ptr().cast();
        // SAFETY: the file is open on this volume, `buffer` has at least `length` bytes.
        let read = |fs, file| unsafe { sys::ocre_lfs_read(fs, file, buffer, length as u32) };
        Ok(file.call_or_change(read)? as usize)
    }

    fn stream(
        &self,
        file: &mut LittleFsFile<F>,
        buffer: &mut [u8],
        piece: &mut dyn FnMut(&[u8]),
    ) -> Result<(), StorageError> {
        while file.lend(piece)? {}
        stream_through(self, file, buffer, piece)
    }

    fn write(&self, file: &mut LittleFsFile<F>, bytes: &[u8]) -> Result<(), StorageError> {
        if !file.mode.write {
            return Err(StorageError::Invalid);
        }
        for bytes in bytes.chunks(MAX_TRANSFER) {
            let (bytes, length) = (bytes.as_ptr().cast(), bytes.len() as u32);
            // SAFETY: the file is open on this volume, `bytes` has `length` bytes.
            file.change(|fs, file| unsafe { sys::ocre_lfs_write(fs, file, bytes, length) })?;
        }
        Ok(())
    }

    fn seek(&self, file: &mut LittleFsFile<F>, to: SeekFrom) -> Result<u64, StorageError> {
        let (base, offset) = match to {
            SeekFrom::Start(position) => (position, 0),
            // SAFETY: the file is open on this volume.
            SeekFrom::Current(offset) => (
                file.call(|fs, file| unsafe { sys::ocre_lfs_tell(fs, file) })?
                    .into(),
                offset,
            ),
            SeekFrom::End(offset) => (self.size(file)?, offset),
        };
        let position = base
            .checked_add_signed(offset)
            .filter(|&position| position <= MAX_FILE)
            .ok_or(StorageError::Invalid)?;
        // SAFETY: the file is open on this volume.
        let seek = |fs, file| unsafe { sys::ocre_lfs_seek(fs, file, position as u32) };
        Ok(file.call_or_change(seek)?.into())
    }

    fn size(&self, file: &mut LittleFsFile<F>) -> Result<u64, StorageError> {
        // SAFETY: the file is open on this volume.
        Ok(file
            .call(|fs, file| unsafe { sys::ocre_lfs_size(fs, file) })?
            .into())
    }

    fn truncate(&self, file: &mut LittleFsFile<F>, size: u64) -> Result<(), StorageError> {
        if !file.mode.write {
            return Err(StorageError::Invalid);
        }
        let size = u32::try_from(size)
            .ok()
            .filter(|&size| u64::from(size) <= MAX_FILE);
        let size = size.ok_or(StorageError::NoSpace)?;
        // SAFETY: the file is open on this volume.
        file.change(|fs, file| unsafe { sys::ocre_lfs_truncate(fs, file, size) })
            .map(drop)
    }

    fn sync(&self, file: &mut LittleFsFile<F>) -> Result<(), StorageError> {
        // SAFETY: the file is open on this volume.
        file.change(|fs, file| unsafe { sys::ocre_lfs_sync(fs, file) })
            .map(drop)
    }

    fn close(&self, mut file: LittleFsFile<F>) -> Result<(), StorageError> {
        if let Some(error) = file.lost {
            return Err(error);
        }
        let open = std::mem::replace(&mut file.file, ptr::null_mut());
        // SAFETY: the file is open on this volume, and not used after this.
        let close = |fs| unsafe { sys::ocre_lfs_close(fs, open, 0) };
        lock(&file.volume).call(close).map(drop)
    }

    fn metadata(&self, path: &str) -> Result<Metadata, StorageError> {
        let path = terminated(path)?;
        let (mut kind, mut size) = (0, 0);
        lock(&self.volume).call(|fs| {
            // SAFETY: the file system is mounted, the path ends with a NUL.
            unsafe { sys::ocre_lfs_stat(fs, path.as_ptr(), &mut kind, &mut size) }
        })?;
        Ok(metadata(kind, size))
    }

    fn create_dir(&self, path: &str) -> Result<(), StorageError> {
        let path = terminated(path)?;
        // SAFETY: the file system is mounted, the path ends with a NUL.
        let make = |fs| unsafe { sys::ocre_lfs_mkdir(fs, path.as_ptr()) };
        lock(&self.volume).call(make).map(drop)
    }

    fn remove(&self, path: &str) -> Result<(), StorageError> {
        let path = terminated(path)?;
        // SAFETY: the file system is mounted, the path ends with a NUL.
        let remove = |fs| unsafe { sys::ocre_lfs_remove(fs, path.as_ptr()) };
        lock(&self.volume).call(remove).map(drop)
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), StorageError> {
        rules::check_rename(from, to)?;
        let (from, to) = (terminated(from)?, terminated(to)?);
        // SAFETY: the file system is mounted, both paths end with a NUL.
        let rename = |fs| unsafe { sys::ocre_lfs_rename(fs, from.as_ptr(), to.as_ptr()) };
        lock(&self.volume).call(rename).map(drop)
    }

    fn read_dir(
        &self,
        path: &str,
        entry: &mut dyn FnMut(&str, Metadata) -> bool,
    ) -> Result<(), StorageError> {
        let path = terminated(path)?;
        let mut dir = ptr::null_mut();
        lock(&self.volume).call(|fs| {
            // SAFETY: the file system is mounted, the path ends with a NUL.
            unsafe { sys::ocre_lfs_dir_open(fs, path.as_ptr(), &mut dir) }
        })?;
        let mut dir = FolderReader {
            volume: Arc::clone(&self.volume),
            dir,
        };
        let mut name = [0; sys::NAME_MAX + 1];
        while let Some(metadata) = dir.next(&mut name)? {
            let name = CStr::from_bytes_until_nul(&name).map_err(|_| StorageError::Corrupt)?;
            let name = name.to_str().map_err(|_| StorageError::Corrupt)?;
            // The lock is not held here: the callback may use the file system.
            if name != "." && name != ".." && !entry(name, metadata) {
                break;
            }
        }
        Ok(())
    }

    fn block_bytes(&self) -> u32 {
        lock(&self.volume).geometry.block_bytes()
    }

    fn space(&self) -> Result<Space, StorageError> {
        let mut volume = lock(&self.volume);
        // SAFETY: the file system is mounted.
        let used = volume.call(|fs| unsafe { sys::ocre_lfs_used(fs) })?;
        let free = volume.geometry.blocks().saturating_sub(used);
        Ok(Space {
            total: volume.geometry.bytes(),
            free: u64::from(free) * u64::from(volume.geometry.block_bytes()),
        })
    }
}
