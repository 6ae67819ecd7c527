// SPDX-License-Identifier: Apache-2.0
//! Calls on open descriptors: `fd_*`.

use heapless::Vec;
use heapless::vec::VecView;
use ocre::port::path::join;
use ocre::port::{Attributes, EntryKind, Metadata, SetTime, Storage, StorageError, Stream, Times};

use crate::Wasi;
use crate::errno::{Errno, Error};
use crate::memory::{Buffers, Memory, write_words};
use crate::quota::file;
use crate::rights;
use crate::table::{DescriptorTarget, FileTree, OpenDescriptor};
use crate::tree;

/// `filetype`.
const CHARACTER_DEVICE: u8 = 2;
const DIRECTORY: u8 = 3;
const REGULAR_FILE: u8 = 4;
const SYMBOLIC_LINK: u8 = 7;

/// `fdflags`: every write goes to the end.
pub(super) const APPEND: u16 = 1 << 0;
const DSYNC: u16 = 1 << 1;
/// `fdflags`: no call waits.
const NONBLOCK: u16 = 1 << 2;
const SYNC: u16 = 1 << 4;
/// `fdflags`: all of them.
pub(super) const ANY_FLAGS: u16 = (1 << 5) - 1;

/// Bytes to read or write between two checks for a kill.
const PIECE: u32 = 4096;

/// Interval of polling the console for input that a guest waits for, in microseconds.
const INPUT_INTERVAL_US: u64 = 20_000;

/// Number of words in an entry's header, as `fd_readdir` writes it.
const DIRENT: usize = 3;

/// Longest position: each fits the signed number of `fd_seek`.
const MAX_OFFSET: u64 = i64::MAX as u64;

/// `filetype` of an entry.
const fn file_type(kind: EntryKind) -> u8 {
    match kind {
        EntryKind::File => REGULAR_FILE,
        EntryKind::Directory => DIRECTORY,
        EntryKind::Symlink => SYMBOLIC_LINK,
    }
}

/// Words of a `filestat`: device, inode, file type, links, size, and three times.
pub(super) type FileStat = [u64; 8];

/// `filestat` of an entry.
pub(super) fn filestat(number: u64, metadata: &Metadata) -> FileStat {
    filestat_of(number, file_type(metadata.kind), metadata.size)
}

fn filestat_of(number: u64, file_type: u8, size: u64) -> FileStat {
    [0, number, file_type.into(), 1, size, 0, 0, 0]
}

/// Converts a 16-bit number, which the engine passes in 32 bits.
///
/// # Errors
/// `Inval`.
pub(super) fn narrow(number: u32) -> Result<u16, Errno> {
    u16::try_from(number).map_err(|_| Errno::Inval)
}

/// Checks `fstflags`: each of the two times is set to a value, set to now, or kept.
///
/// # Errors
/// `Inval`.
pub(super) const fn check_times(which: u32) -> Result<(), Errno> {
    match which {
        0..16 if which & 0b11 != 0b11 && which & 0b1100 != 0b1100 => Ok(()),
        _ => Err(Errno::Inval),
    }
}

/// Times to set, from checked `fstflags`.
pub(super) const fn times(accessed: u64, modified: u64, which: u32) -> Times {
    Times {
        accessed: time(accessed, which),
        modified: time(modified, which >> 2),
    }
}

const fn time(given: u64, which: u32) -> SetTime {
    match which & 0b11 {
        0b01 => SetTime::At(given),
        0b10 => SetTime::Now,
        _ => SetTime::Keep,
    }
}

/// Adds the attributes of POSIX storages to a `filestat`.
pub(super) fn with_attributes(record: FileStat, found: &Attributes) -> FileStat {
    let [_, _, file_type, _, size, ..] = record;
    [
        found.device,
        found.inode,
        file_type,
        found.links,
        size,
        found.accessed_ns,
        found.modified_ns,
        found.changed_ns,
    ]
}

impl<S: Storage> Wasi<'_, S> {
    pub(crate) fn fd_advise(
        &mut self,
        _: &mut Memory<'_>,
        fd: u32,
        _offset: u64,
        _length: u64,
        advice: u32,
    ) -> Result<(), Error> {
        self.table.file(fd, rights::FD_ADVISE)?;
        // Six kinds of advice, all accepted and ignored.
        if advice < 6 {
            Ok(())
        } else {
            Err(Errno::Inval.into())
        }
    }

    /// Works on POSIX storages only: littlefs can't reserve room.
    pub(crate) fn fd_allocate(
        &mut self,
        _: &mut Memory<'_>,
        fd: u32,
        offset: u64,
        length: u64,
    ) -> Result<(), Error> {
        let (_, open) = self.table.file(fd, rights::FD_ALLOCATE)?;
        if !S::POSIX {
            return Err(Errno::Notsup.into());
        }
        let end = offset.checked_add(length).filter(|end| *end <= MAX_OFFSET);
        let end = end.ok_or(Errno::Fbig)?;
        if length == 0 {
            return Err(Errno::Inval.into());
        }
        let old = self.storage.size(open.file())?;
        let new = old.max(end);
        self.quota.admit(Some(file(old)), file(new))?;
        self.storage.allocate(open.file(), offset, length)?;
        self.quota.count_change(Some(file(old)), Some(file(new)));
        Ok(())
    }

    pub(crate) fn fd_close(&mut self, _: &mut Memory<'_>, fd: u32) -> Result<(), Error> {
        let last = self.table.remove(fd)?;
        self.close_file(last)
    }

    fn close_file(&self, file: Option<S::File>) -> Result<(), Error> {
        match file {
            Some(file) => Ok(self.storage.close(file)?),
            None => Ok(()),
        }
    }

    pub(crate) fn fd_datasync(&mut self, _: &mut Memory<'_>, fd: u32) -> Result<(), Error> {
        self.sync(fd, rights::FD_DATASYNC)
    }

    pub(crate) fn fd_sync(&mut self, _: &mut Memory<'_>, fd: u32) -> Result<(), Error> {
        self.sync(fd, rights::FD_SYNC)
    }

    fn sync(&mut self, fd: u32, right: u32) -> Result<(), Error> {
        let target = self.table.with_right(fd, right)?.target;
        match self.table.file(fd, right) {
            Ok((_, open)) => Ok(self.storage.sync(open.file())?),
            // A folder's entries are on flash as soon as they are made.
            Err(Errno::Badf)
                if matches!(target, DescriptorTarget::Top(_) | DescriptorTarget::Node(_)) =>
            {
                Ok(())
            }
            Err(errno) => Err(errno.into()),
        }
    }

    pub(crate) fn fd_fdstat_get(
        &mut self,
        memory: &mut Memory<'_>,
        fd: u32,
        stat: u32,
    ) -> Result<(), Error> {
        let descriptor = *self.table.descriptor(fd)?;
        let file_type = u64::from(self.type_of(&descriptor)?);
        let record = [
            file_type | u64::from(descriptor.flags) << 16,
            descriptor.rights.into(),
            descriptor.inheriting.into(),
        ];
        Ok(write_words(memory, stat, &record)?)
    }

    fn type_of(&mut self, descriptor: &OpenDescriptor) -> Result<u8, Errno> {
        Ok(match descriptor.target {
            DescriptorTarget::Input | DescriptorTarget::Output(_) => CHARACTER_DEVICE,
            DescriptorTarget::Node(index) if self.table.node(index)?.file.is_some() => REGULAR_FILE,
            DescriptorTarget::Top(_) | DescriptorTarget::Node(_) => DIRECTORY,
        })
    }

    pub(crate) fn fd_fdstat_set_flags(
        &mut self,
        _: &mut Memory<'_>,
        fd: u32,
        flags: u32,
    ) -> Result<(), Error> {
        let flags = narrow(flags)?;
        let descriptor = self.table.with_right(fd, rights::FD_FDSTAT_SET_FLAGS)?;
        if flags & !ANY_FLAGS != 0 {
            return Err(Errno::Inval.into());
        }
        descriptor.flags = flags;
        Ok(())
    }

    pub(crate) fn fd_fdstat_set_rights(
        &mut self,
        _: &mut Memory<'_>,
        fd: u32,
        rights: u64,
        inheriting: u64,
    ) -> Result<(), Error> {
        let descriptor = self.table.descriptor(fd)?;
        // Rights can be given up, never won.
        let more = rights & !u64::from(descriptor.rights);
        if more | inheriting & !u64::from(descriptor.inheriting) != 0 {
            return Err(Errno::Notcapable.into());
        }
        descriptor.rights = rights::known(rights);
        descriptor.inheriting = rights::known(inheriting);
        Ok(())
    }

    pub(crate) fn fd_filestat_get(
        &mut self,
        memory: &mut Memory<'_>,
        fd: u32,
        stat: u32,
    ) -> Result<(), Error> {
        memory.check(stat, 1, 64)?;
        let descriptor = *self.table.with_right(fd, rights::FD_FILESTAT_GET)?;
        let (number, file_type, size) = match descriptor.target {
            DescriptorTarget::Input | DescriptorTarget::Output(_) => (0, CHARACTER_DEVICE, 0),
            DescriptorTarget::Top(tree) => (tree::number(tree, "", ""), DIRECTORY, 0),
            DescriptorTarget::Node(index) => {
                let node = self.table.node(index)?;
                let number = tree::number(node.tree, &node.path, "");
                match &mut node.file {
                    Some(open) => (number, REGULAR_FILE, self.storage.size(open.file())?),
                    None => (number, DIRECTORY, 0),
                }
            }
        };
        let mut record = filestat_of(number, file_type, size);
        if S::POSIX {
            record = match self.attributes(descriptor.target)? {
                Some(found) => with_attributes(record, &found),
                None => record,
            };
        }
        Ok(write_words(memory, stat, &record)?)
    }

    /// POSIX attributes of a descriptor's entry; `None` for a console.
    fn attributes(&mut self, target: DescriptorTarget) -> Result<Option<Attributes>, Errno> {
        let (tree, path) = match target {
            DescriptorTarget::Input | DescriptorTarget::Output(_) => return Ok(None),
            DescriptorTarget::Top(tree) => (tree, ""),
            DescriptorTarget::Node(index) => {
                let node = self.table.node(index)?;
                if let Some(open) = &mut node.file {
                    return Ok(Some(self.storage.file_attributes(open.file())?));
                }
                (node.tree, &*node.path)
            }
        };
        let path = tree::partition_path(self.guest, tree, path)?;
        Ok(Some(self.storage.attributes(&path)?))
    }

    pub(crate) fn fd_filestat_set_size(
        &mut self,
        _: &mut Memory<'_>,
        fd: u32,
        size: u64,
    ) -> Result<(), Error> {
        let right = rights::FD_FILESTAT_SET_SIZE;
        self.grow(fd, right, size)?;
        let (_, open) = self.table.file(fd, right)?;
        let now = self.storage.size(open.file())?;
        self.storage.truncate(open.file(), size)?;
        self.quota.count_change(Some(file(now)), Some(file(size)));
        Ok(())
    }

    /// Extends a file to `size`, if it is shorter. littlefs writes all the zeros, so there it grows
    /// in pieces. Without enough room the file stays as it is, as littlefs would forget earlier
    /// writes.
    fn grow(&mut self, fd: u32, right: u32, size: u64) -> Result<(), Error> {
        let storage = self.storage;
        let (_, open) = self.table.file(fd, right)?;
        let mut now = storage.size(open.file())?;
        if now >= size {
            return Ok(());
        }
        self.quota.admit(Some(file(now)), file(size))?;
        if size.saturating_sub(now) > storage.space()?.free {
            return Err(Errno::Nospc.into());
        }
        while now < size {
            self.guest.check()?;
            let more = if S::POSIX {
                size
            } else {
                now.saturating_add(PIECE.into()).min(size)
            };
            let (_, open) = self.table.file(fd, right)?;
            storage.truncate(open.file(), more)?;
            self.quota.count_change(Some(file(now)), Some(file(more)));
            now = more;
        }
        Ok(())
    }

    /// Works on POSIX storages only: a file of littlefs has no times.
    pub(crate) fn fd_filestat_set_times(
        &mut self,
        _: &mut Memory<'_>,
        fd: u32,
        accessed: u64,
        modified: u64,
        which: u32,
    ) -> Result<(), Error> {
        check_times(which)?;
        let right = rights::FD_FILESTAT_SET_TIMES;
        let target = self.table.with_right(fd, right)?.target;
        if !S::POSIX {
            return Err(Errno::Notsup.into());
        }
        let times = times(accessed, modified, which);
        let (tree, path) = match target {
            DescriptorTarget::Input | DescriptorTarget::Output(_) => {
                return Err(Errno::Notsup.into());
            }
            DescriptorTarget::Top(tree) => (tree, crate::path::RelativePath::new()),
            DescriptorTarget::Node(index) => {
                let node = self.table.node(index)?;
                if let (Some(open), false) = (&mut node.file, node.tree.is_read_only()) {
                    return Ok(self.storage.set_file_times(open.file(), times)?);
                }
                (node.tree, node.path.clone())
            }
        };
        if tree.is_read_only() {
            return Err(Errno::Rofs.into());
        }
        let path = tree::partition_path(self.guest, tree, &path)?;
        Ok(self.storage.set_times(&path, times)?)
    }

    pub(crate) fn fd_prestat_get(
        &mut self,
        memory: &mut Memory<'_>,
        fd: u32,
        prestat: u32,
    ) -> Result<(), Error> {
        let mut length = 0;
        self.show_preopened(fd, &mut |name| length = name.len())?;
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        // The lower half is the kind, 0 for a folder, of which there is only this one.
        let record = [u64::from(length) << 32];
        Ok(write_words(memory, prestat, &record)?)
    }

    pub(crate) fn fd_prestat_dir_name(
        &mut self,
        memory: &mut Memory<'_>,
        fd: u32,
        path: u32,
        length: u32,
    ) -> Result<(), Error> {
        let mut written = Err(Errno::Nametoolong);
        self.show_preopened(fd, &mut |name| {
            if usize::try_from(length).is_ok_and(|length| length >= name.len()) {
                written = memory.write(path, name.as_bytes()).map_err(Errno::from);
            }
        })?;
        Ok(written?)
    }

    /// Shows the path of a top folder in the guest.
    ///
    /// # Errors
    /// `Badf` for a descriptor that the guest has opened: it ends the guest's search for top
    /// folders.
    fn show_preopened(&mut self, fd: u32, show: &mut dyn FnMut(&str)) -> Result<(), Errno> {
        match *self.table.descriptor(fd)? {
            OpenDescriptor {
                preopened: true,
                target: DescriptorTarget::Top(tree),
                ..
            } => tree::show_mounted_at(self.guest, tree, show),
            _ => return Err(Errno::Badf),
        }
        Ok(())
    }

    pub(crate) fn fd_read(
        &mut self,
        memory: &mut Memory<'_>,
        fd: u32,
        list: u32,
        count: u32,
        read: u32,
    ) -> Result<(), Error> {
        let buffers = Buffers::new(memory, list, count, read)?;
        let descriptor = *self.table.with_right(fd, rights::FD_READ)?;
        let total = match descriptor.target {
            DescriptorTarget::Input => self.read_input(&descriptor, memory, buffers)?,
            DescriptorTarget::Output(_) | DescriptorTarget::Top(_) => {
                return Err(Errno::Badf.into());
            }
            DescriptorTarget::Node(_) => {
                let total = self.read_file(memory, fd, buffers, descriptor.offset)?;
                let (descriptor, _) = self.table.file(fd, rights::FD_READ)?;
                descriptor.offset = descriptor.offset.saturating_add(total.into());
                total
            }
        };
        Ok(memory.write_u32(read, total)?)
    }

    pub(crate) fn fd_pread(
        &mut self,
        memory: &mut Memory<'_>,
        fd: u32,
        list: u32,
        count: u32,
        offset: u64,
        read: u32,
    ) -> Result<(), Error> {
        let buffers = Buffers::new(memory, list, count, read)?;
        self.check_position(fd, rights::FD_READ | rights::FD_SEEK)?;
        let total = self.read_file(memory, fd, buffers, offset)?;
        Ok(memory.write_u32(read, total)?)
    }

    /// Checks that a descriptor has a position; a console has none.
    fn check_position(&mut self, fd: u32, right: u32) -> Result<(), Errno> {
        match self.table.descriptor(fd)?.target {
            DescriptorTarget::Input | DescriptorTarget::Output(_) => Err(Errno::Spipe),
            DescriptorTarget::Top(_) | DescriptorTarget::Node(_) => {
                self.table.file(fd, right).map(|_| ())
            }
        }
    }

    /// Reads console input, at least one byte, into the first buffer that has room.
    fn read_input(
        &mut self,
        descriptor: &OpenDescriptor,
        memory: &mut Memory<'_>,
        mut buffers: Buffers,
    ) -> Result<u32, Error> {
        let (address, length) = buffers.next(memory, u32::MAX)?;
        if length == 0 {
            return Ok(0);
        }
        let buffer = memory.bytes_mut(address, length)?;
        let (first, rest) = match self.typed.take() {
            Some(byte) => match buffer.split_first_mut() {
                Some((first, rest)) => {
                    *first = byte;
                    (1, rest)
                }
                None => return Ok(0),
            },
            None => (0, buffer),
        };
        loop {
            match self.guest.read(rest) {
                Some(more) => return Ok(more.saturating_add(first).try_into().unwrap_or(length)),
                None if first > 0 => return Ok(1),
                None if descriptor.flags & NONBLOCK != 0 => return Err(Errno::Again.into()),
                None => {
                    let later = self.clock.uptime_us().saturating_add(INPUT_INTERVAL_US);
                    self.guest.sleep(Some(later))?;
                }
            }
        }
    }

    /// Reads from a file at `offset` until the buffers are full or the file ends.
    fn read_file(
        &mut self,
        memory: &mut Memory<'_>,
        fd: u32,
        mut buffers: Buffers,
        offset: u64,
    ) -> Result<u32, Error> {
        let mut total = 0_u32;
        loop {
            let (address, length) = buffers.next(memory, PIECE)?;
            if length == 0 {
                return Ok(total);
            }
            self.guest.check()?;
            let buffer = memory.bytes_mut(address, length)?;
            let (_, open) = self.table.file(fd, rights::FD_READ)?;
            let from = offset.saturating_add(total.into());
            let read = match open.read(self.storage, from, buffer) {
                Ok(read) => u32::try_from(read).map_err(|_| Errno::Io)?,
                // Bytes read before must not be lost: the error comes again.
                Err(_) if total > 0 => return Ok(total),
                Err(error) => return Err(error.into()),
            };
            total = total.saturating_add(read);
            if read < length {
                return Ok(total);
            }
        }
    }

    pub(crate) fn fd_write(
        &mut self,
        memory: &mut Memory<'_>,
        fd: u32,
        list: u32,
        count: u32,
        written: u32,
    ) -> Result<(), Error> {
        let buffers = Buffers::new(memory, list, count, written)?;
        let descriptor = *self.table.with_right(fd, rights::FD_WRITE)?;
        let total = match descriptor.target {
            DescriptorTarget::Input | DescriptorTarget::Top(_) => return Err(Errno::Badf.into()),
            DescriptorTarget::Output(stream) => self.write_output(memory, stream, buffers)?,
            DescriptorTarget::Node(_) => {
                let (_, open) = self.table.file(fd, rights::FD_WRITE)?;
                let offset = if descriptor.flags & APPEND != 0 {
                    self.storage.size(open.file())?
                } else {
                    descriptor.offset
                };
                let total = self.write_file(memory, fd, buffers, offset)?;
                let (descriptor, _) = self.table.file(fd, rights::FD_WRITE)?;
                descriptor.offset = offset.saturating_add(total.into());
                total
            }
        };
        Ok(memory.write_u32(written, total)?)
    }

    /// Writes all buffers to an output, or as much as it took before an error: the next write meets
    /// that error again.
    fn write_output(
        &self,
        memory: &Memory<'_>,
        stream: Stream,
        mut buffers: Buffers,
    ) -> Result<u32, Error> {
        let mut total = 0_u32;
        loop {
            let (address, length) = buffers.next(memory, PIECE)?;
            if length == 0 {
                return Ok(total);
            }
            self.guest.check()?;
            match self.guest.write(stream, memory.bytes(address, length)?) {
                Ok(()) => total = total.saturating_add(length),
                Err(_) if total > 0 => return Ok(total),
                Err(error) => return Err(Errno::from(error).into()),
            }
        }
    }

    pub(crate) fn fd_pwrite(
        &mut self,
        memory: &mut Memory<'_>,
        fd: u32,
        list: u32,
        count: u32,
        offset: u64,
        written: u32,
    ) -> Result<(), Error> {
        let buffers = Buffers::new(memory, list, count, written)?;
        self.check_position(fd, rights::FD_WRITE | rights::FD_SEEK)?;
        let total = self.write_file(memory, fd, buffers, offset)?;
        Ok(memory.write_u32(written, total)?)
    }

    /// Writes all buffers to a file at `offset`, or as much as there is room for.
    fn write_file(
        &mut self,
        memory: &Memory<'_>,
        fd: u32,
        mut buffers: Buffers,
        offset: u64,
    ) -> Result<u32, Error> {
        let mut total = 0_u32;
        loop {
            let (address, length) = buffers.next(memory, PIECE)?;
            if length == 0 {
                break;
            }
            if total == 0 {
                self.grow(fd, rights::FD_WRITE, offset)?;
            }
            self.guest.check()?;
            let to = offset.saturating_add(total.into());
            match self.write_piece(fd, to, memory.bytes(address, length)?) {
                Ok(()) => total = total.saturating_add(length),
                Err(_) if total > 0 => return Ok(total),
                Err(errno) => return Err(errno.into()),
            }
        }
        let (descriptor, open) = self.table.file(fd, rights::FD_WRITE)?;
        if descriptor.flags & (SYNC | DSYNC) != 0 {
            self.storage.sync(open.file())?;
        }
        Ok(total)
    }

    fn write_piece(&mut self, fd: u32, to: u64, piece: &[u8]) -> Result<(), Errno> {
        let (_, open) = self.table.file(fd, rights::FD_WRITE)?;
        let old = self.storage.size(open.file())?;
        let length = u64::try_from(piece.len()).map_err(|_| Errno::Fault)?;
        let new = old.max(to.saturating_add(length));
        self.quota.admit(Some(file(old)), file(new))?;
        let written = open.write(self.storage, to, piece);
        // After a failed write, the file's size counts; where it is unknown, the largest possible.
        let new = self.storage.size(open.file()).unwrap_or(new);
        self.quota.count_change(Some(file(old)), Some(file(new)));
        Ok(written?)
    }

    /// Lists entries in the order of a number made from their names, which is also the cookie: a
    /// guest that removes listed entries, and then goes on, misses none.
    pub(crate) fn fd_readdir(
        &mut self,
        memory: &mut Memory<'_>,
        fd: u32,
        buffer: u32,
        length: u32,
        cookie: u64,
        used: u32,
    ) -> Result<(), Error> {
        memory.check(used, 1, 4)?;
        memory.check(buffer, length, 1)?;
        let (tree, path, _) = self.table.folder(fd, rights::FD_READDIR)?;
        let path = entry_name(path).ok_or(Errno::Nametoolong)?;
        let listing = Listing { tree, path, cookie };
        // A folder of a PC may have very many entries, and its stack has room for several.
        let filled = if S::POSIX {
            self.list(memory, listing, (buffer, length), &mut Vec::<_, 64>::new())?
        } else {
            self.list(memory, listing, (buffer, length), &mut Vec::<_, 1>::new())?
        };
        Ok(memory.write_u32(used, filled)?)
    }

    /// Writes entries up to `length` bytes, and returns the length. Each pass over the folder finds
    /// as many entries as `next` can hold.
    fn list(
        &self,
        memory: &mut Memory<'_>,
        mut listing: Listing,
        (buffer, length): (u32, u32),
        next: &mut VecView<DirectoryEntry>,
    ) -> Result<u32, Error> {
        let mut filled = 0_u32;
        while filled < length {
            self.guest.check()?;
            self.next_entries(&listing, next)?;
            if next.is_empty() {
                break;
            }
            for entry in next.iter() {
                listing.cookie = entry.cookie;
                let name = entry.name.as_bytes();
                let name_bytes = u32::try_from(name.len()).unwrap_or(u32::MAX);
                let file_type = u64::from(entry.file_type);
                let header: [u64; DIRENT] = [
                    entry.cookie,
                    entry.number,
                    u64::from(name_bytes) | file_type << 32,
                ];
                let header = header.map(u64::to_le_bytes);
                for part in [header.as_flattened(), name] {
                    // An entry that does not fit is cut: a full buffer tells the guest that there
                    // are more.
                    let at = buffer.saturating_add(filled);
                    let room = usize::try_from(length.saturating_sub(filled));
                    let part = part.get(..room.unwrap_or(usize::MAX)).unwrap_or(part);
                    memory.write(at, part)?;
                    filled = filled.saturating_add(u32::try_from(part.len()).unwrap_or(u32::MAX));
                }
            }
        }
        Ok(filled)
    }

    /// Finds the entries with the lowest cookies above that of the listing, in order.
    fn next_entries(
        &self,
        listing: &Listing,
        next: &mut VecView<DirectoryEntry>,
    ) -> Result<(), Errno> {
        let Listing { tree, path, cookie } = listing;
        next.clear();
        // The folder itself and its parent come first.
        for (dots, name) in [(1, "."), (2, "..")] {
            if *cookie < dots {
                let number = tree::number(*tree, path, "");
                keep_lowest(next, dots, number, name, EntryKind::Directory);
                break;
            }
        }
        if next.is_empty() {
            tree::entries(self.storage, self.guest, *tree, path, &mut |name, kind| {
                let number = tree::number(*tree, path, name);
                if number.max(3) > *cookie {
                    keep_lowest(next, number.max(3), number, name, kind);
                }
            })?;
        }
        if S::POSIX {
            for entry in next.iter_mut() {
                let inode = self.inode(*tree, path, &entry.name)?;
                entry.number = inode.unwrap_or(entry.number);
            }
        }
        Ok(())
    }

    /// Inode of an entry; `None` for one that is gone meanwhile.
    fn inode(&self, tree: FileTree, folder: &str, name: &str) -> Result<Option<u64>, Errno> {
        let folder = tree::partition_path(self.guest, tree, folder)?;
        let path = match name {
            "." | ".." => folder,
            name => join(&folder, name)?,
        };
        match self.storage.attributes(&path) {
            Ok(found) => Ok(Some(found.inode)),
            Err(StorageError::NotFound) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    pub(crate) fn fd_renumber(
        &mut self,
        _: &mut Memory<'_>,
        from: u32,
        to: u32,
    ) -> Result<(), Error> {
        let last = self.table.renumber(from, to)?;
        self.close_file(last)
    }

    pub(crate) fn fd_seek(
        &mut self,
        memory: &mut Memory<'_>,
        fd: u32,
        by: u64,
        whence: u32,
        position: u32,
    ) -> Result<(), Error> {
        memory.check(position, 1, 8)?;
        let by = by.cast_signed();
        // A query of the position needs a lesser right than a move.
        let right = if by == 0 && whence == 1 {
            rights::FD_TELL
        } else {
            rights::FD_SEEK
        };
        self.check_position(fd, right)?;
        let (descriptor, open) = self.table.file(fd, right)?;
        let from = match whence {
            0 => 0,
            1 => descriptor.offset,
            2 => self.storage.size(open.file())?,
            _ => return Err(Errno::Inval.into()),
        };
        let to = from
            .checked_add_signed(by)
            .filter(|to| *to <= MAX_OFFSET)
            .ok_or(Errno::Inval)?;
        descriptor.offset = to;
        Ok(memory.write_u64(position, to)?)
    }

    pub(crate) fn fd_tell(
        &mut self,
        memory: &mut Memory<'_>,
        fd: u32,
        position: u32,
    ) -> Result<(), Error> {
        self.check_position(fd, rights::FD_TELL)?;
        let (descriptor, _) = self.table.file(fd, rights::FD_TELL)?;
        Ok(memory.write_u64(position, descriptor.offset)?)
    }
}

/// Folder, and the position of its listing.
struct Listing {
    tree: FileTree,
    path: crate::path::RelativePath,
    /// Cookie of the last entry.
    cookie: u64,
}

/// Entry of a folder.
struct DirectoryEntry {
    cookie: u64,
    number: u64,
    name: crate::path::RelativePath,
    file_type: u8,
}

/// Inserts an entry among those with the lowest cookies, unless it is listed, or the list is full
/// of lower ones. Skips a name that is too long for this build's paths: it can't be used anyway.
fn keep_lowest(
    lowest: &mut VecView<DirectoryEntry>,
    cookie: u64,
    number: u64,
    name: &str,
    kind: EntryKind,
) {
    let place = lowest.iter().position(|entry| entry.cookie >= cookie);
    let place = place.unwrap_or(lowest.len());
    let listed = lowest.get(place).is_some_and(|at| at.cookie == cookie);
    if listed || place == lowest.capacity() {
        return;
    }
    let Some(name) = entry_name(name) else {
        return;
    };
    if lowest.is_full() {
        lowest.pop();
    }
    let entry = DirectoryEntry {
        cookie,
        number,
        name,
        file_type: file_type(kind),
    };
    // There is room now.
    let _ = lowest.insert(place, entry);
}

fn entry_name(name: &str) -> Option<crate::path::RelativePath> {
    name.try_into().ok()
}
