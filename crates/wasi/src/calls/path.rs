// SPDX-License-Identifier: Apache-2.0
//! Calls by path: `path_*`.

use ocre::folders;
use ocre::limits::MAX_PATH;
use ocre::port::path::Path;
use ocre::port::{EntryKind, Metadata, OpenMode, Storage, StorageError};

use super::descriptor::{ANY_FLAGS, check_times, filestat, narrow, times, with_attributes};
use crate::Wasi;
use crate::errno::{Errno, Error};
use crate::links::{self, FollowLinks, resolve_links};
use crate::memory::{Memory, write_words};
use crate::path::{self, MAX_GIVEN, MAX_RELATIVE, RelativePath, is_within, resolve};
use crate::quota::file;
use crate::rights;
use crate::table::{DescriptorTarget, FileTree, OpenDescriptor, OpenFile};
use crate::tree;

/// `oflags`.
const CREAT: u16 = 1 << 0;
const DIRECTORY: u16 = 1 << 1;
const EXCL: u16 = 1 << 2;
const TRUNC: u16 = 1 << 3;

/// Rights that open a file for writing, on POSIX storages.
const WRITES: u32 = rights::FD_WRITE | rights::FD_ALLOCATE | rights::FD_FILESTAT_SET_SIZE;

/// `lookupflags`: a link at the end of the path is followed.
const fn follow(lookup: u32) -> FollowLinks {
    if lookup & 1 == 0 {
        FollowLinks::Slash
    } else {
        FollowLinks::Always
    }
}

/// Resolved path in a tree, with its rights.
struct Located {
    tree: FileTree,
    path: RelativePath,
    /// True where the path can only mean a folder, by its form.
    folder: bool,
    /// Rights for descriptors opened at the path.
    inheriting: u32,
}

impl Located {
    /// Checks that the entry can be changed.
    ///
    /// # Errors
    /// `Rofs` in a read-only tree; `Inval` for a top folder.
    fn check_writable(&self) -> Result<(), Errno> {
        if self.tree.is_read_only() {
            return Err(Errno::Rofs);
        }
        if self.path.is_empty() {
            return Err(Errno::Inval);
        }
        Ok(())
    }
}

impl<S: Storage> Wasi<'_, S> {
    fn locate(
        &mut self,
        memory: &Memory<'_>,
        fd: u32,
        right: u32,
        (path, length): (u32, u32),
        follow: FollowLinks,
    ) -> Result<Located, Errno> {
        let given = memory.bytes(path, length)?;
        let (storage, guest) = (self.storage, self.guest);
        let (tree, base, inheriting) = self.table.folder(fd, right)?;
        let check_folder = &mut |path: &str| match tree::metadata(storage, guest, tree, path)?.kind
        {
            EntryKind::Directory => Ok(()),
            EntryKind::File | EntryKind::Symlink => Err(Errno::Notdir),
        };
        let resolved = if S::POSIX {
            let read_link = &mut |path: &str, buffer: &mut [u8]| {
                tree::read_link(storage, guest, tree, path, buffer)
            };
            resolve_links(base, given, follow, check_folder, read_link)?
        } else {
            resolve(base, given, check_folder)?
        };
        Ok(Located {
            tree,
            path: resolved.path,
            folder: resolved.folder,
            inheriting,
        })
    }

    /// Metadata at a path as the guest sees it, unsynced writes included.
    fn metadata(&mut self, located: &Located) -> Result<Metadata, Errno> {
        if let Some(index) = self.find_file(located)
            && !located.folder
            && let Some(open) = &mut self.table.node(index)?.file
        {
            return Ok(Metadata {
                kind: EntryKind::File,
                size: self.storage.size(open.file())?,
            });
        }
        let found = tree::metadata(self.storage, self.guest, located.tree, &located.path)?;
        if located.folder && found.kind != EntryKind::Directory {
            return Err(Errno::Notdir);
        }
        Ok(found)
    }

    /// Node of an open file that must not be opened again. There is none on POSIX storages, where
    /// each descriptor has a separate handle.
    fn find_file(&self, located: &Located) -> Option<usize> {
        if S::POSIX {
            return None;
        }
        self.table.find_file(located.tree, &located.path)
    }

    fn partition_path(&self, located: &Located) -> Result<Path, Errno> {
        tree::partition_path(self.guest, located.tree, &located.path)
    }

    pub(crate) fn path_create_directory(
        &mut self,
        memory: &mut Memory<'_>,
        fd: u32,
        path: u32,
        length: u32,
    ) -> Result<(), Error> {
        let right = rights::PATH_CREATE_DIRECTORY;
        let located = self.locate(memory, fd, right, (path, length), FollowLinks::Never)?;
        if located.path.is_empty() {
            return Err(Errno::Exist.into());
        }
        located.check_writable()?;
        let path = self.partition_path(&located)?;
        let folder = Metadata {
            kind: EntryKind::Directory,
            size: 0,
        };
        if self.metadata(&located).is_err() {
            self.quota.admit(None, folder)?;
        }
        self.storage.create_dir(&path)?;
        self.quota.count_change(None, Some(folder));
        Ok(())
    }

    pub(crate) fn path_filestat_get(
        &mut self,
        memory: &mut Memory<'_>,
        fd: u32,
        lookup: u32,
        path: u32,
        length: u32,
        stat: u32,
    ) -> Result<(), Error> {
        memory.check(stat, 1, 64)?;
        let right = rights::PATH_FILESTAT_GET;
        let located = self.locate(memory, fd, right, (path, length), follow(lookup))?;
        let found = self.metadata(&located)?;
        let number = tree::number(located.tree, &located.path, "");
        let mut record = filestat(number, &found);
        if S::POSIX {
            let path = self.partition_path(&located)?;
            record = with_attributes(record, &self.storage.attributes(&path)?);
        }
        Ok(write_words(memory, stat, &record)?)
    }

    /// Works on POSIX storages only: a file of littlefs has no times.
    #[allow(clippy::too_many_arguments)] // preview 1 has them
    pub(crate) fn path_filestat_set_times(
        &mut self,
        memory: &mut Memory<'_>,
        fd: u32,
        lookup: u32,
        path: u32,
        length: u32,
        accessed: u64,
        modified: u64,
        which: u32,
    ) -> Result<(), Error> {
        check_times(which)?;
        let right = rights::PATH_FILESTAT_SET_TIMES;
        let located = self.locate(memory, fd, right, (path, length), follow(lookup))?;
        self.metadata(&located)?;
        if !S::POSIX {
            return Err(Errno::Notsup.into());
        }
        if located.tree.is_read_only() {
            return Err(Errno::Rofs.into());
        }
        let path = self.partition_path(&located)?;
        let times = times(accessed, modified, which);
        Ok(self.storage.set_times(&path, times)?)
    }

    #[allow(clippy::too_many_arguments)] // preview 1 has them
    pub(crate) fn path_link(
        &mut self,
        memory: &mut Memory<'_>,
        old_fd: u32,
        lookup: u32,
        old_path: u32,
        old_length: u32,
        new_fd: u32,
        new_path: u32,
        new_length: u32,
    ) -> Result<(), Error> {
        if lookup != 0 {
            return Err(Errno::Inval.into());
        }
        let right = rights::PATH_LINK_SOURCE;
        let old = (old_path, old_length);
        let old = self.locate(memory, old_fd, right, old, FollowLinks::Slash)?;
        let found = self.metadata(&old)?;
        if found.kind == EntryKind::Directory {
            return Err(Errno::Perm.into());
        }
        let right = rights::PATH_LINK_TARGET;
        let new = self.locate_link(memory, new_fd, right, (new_path, new_length))?;
        if !S::POSIX {
            return Err(Errno::Notsup.into());
        }
        if old.tree != new.tree {
            return Err(Errno::Xdev.into());
        }
        self.quota.admit(None, found)?;
        let (from, to) = (self.partition_path(&old)?, self.partition_path(&new)?);
        self.storage.hard_link(&from, &to)?;
        self.quota.count_change(None, Some(found));
        Ok(())
    }

    /// Locates a link to create; an error where the storage is not POSIX.
    fn locate_link(
        &mut self,
        memory: &Memory<'_>,
        fd: u32,
        right: u32,
        path: (u32, u32),
    ) -> Result<Located, Errno> {
        let located = self.locate(memory, fd, right, path, FollowLinks::Never)?;
        match self.metadata(&located) {
            Ok(_) => return Err(Errno::Exist),
            Err(Errno::Noent) if located.folder => return Err(Errno::Noent),
            Err(Errno::Noent) if !S::POSIX => return Err(Errno::Notsup),
            Err(Errno::Noent) => {}
            Err(errno) => return Err(errno),
        }
        located.check_writable()?;
        Ok(located)
    }

    pub(crate) fn path_symlink(
        &mut self,
        memory: &mut Memory<'_>,
        old_path: u32,
        old_length: u32,
        fd: u32,
        new_path: u32,
        new_length: u32,
    ) -> Result<(), Error> {
        let target = memory.bytes(old_path, old_length)?;
        let new = (new_path, new_length);
        let new = self.locate_link(memory, fd, rights::PATH_SYMLINK, new)?;
        if !S::POSIX {
            return Err(Errno::Notsup.into());
        }
        let target = links::check_target(&new.path, target)?;
        let link = file(0);
        self.quota.admit(None, link)?;
        self.storage.symlink(target, &self.partition_path(&new)?)?;
        self.quota.count_change(None, Some(link));
        Ok(())
    }

    #[allow(clippy::too_many_arguments)] // preview 1 has them
    pub(crate) fn path_readlink(
        &mut self,
        memory: &mut Memory<'_>,
        fd: u32,
        path: u32,
        length: u32,
        buffer: u32,
        buffer_length: u32,
        used: u32,
    ) -> Result<(), Error> {
        let right = rights::PATH_READLINK;
        let located = self.locate(memory, fd, right, (path, length), FollowLinks::Slash)?;
        if self.metadata(&located)?.kind != EntryKind::Symlink || !S::POSIX {
            return Err(Errno::Inval.into());
        }
        memory.check(buffer, buffer_length, 1)?;
        memory.check(used, 1, 4)?;
        let mut target = [0; MAX_GIVEN + 1];
        let (storage, tree) = (self.storage, located.tree);
        let length = tree::read_link(storage, self.guest, tree, &located.path, &mut target)?;
        let target = target
            .get(..length.ok_or(Errno::Inval)?)
            .unwrap_or_default();
        // A target outside would tell the names of the PC's folders.
        let target = path::check(target)?.as_bytes();
        let room = usize::try_from(buffer_length).unwrap_or(usize::MAX);
        let shown = target.get(..room).unwrap_or(target);
        memory.write(buffer, shown)?;
        let length = u32::try_from(shown.len()).map_err(|_| Errno::Fault)?;
        Ok(memory.write_u32(used, length)?)
    }

    #[allow(clippy::too_many_arguments)] // preview 1 has them
    pub(crate) fn path_open(
        &mut self,
        memory: &mut Memory<'_>,
        fd: u32,
        lookup: u32,
        path: u32,
        length: u32,
        oflags: u32,
        rights: u64,
        inheriting: u64,
        flags: u32,
        opened: u32,
    ) -> Result<(), Error> {
        memory.check(opened, 1, 4)?;
        let (oflags, flags) = (narrow(oflags)?, narrow(flags)?);
        if flags & !ANY_FLAGS != 0 || oflags & !(CREAT | DIRECTORY | EXCL | TRUNC) != 0 {
            return Err(Errno::Inval.into());
        }
        let mut needed = rights::PATH_OPEN;
        if oflags & CREAT != 0 {
            needed |= rights::PATH_CREATE_FILE;
        }
        if oflags & TRUNC != 0 {
            needed |= rights::PATH_FILESTAT_SET_SIZE;
        }
        let exclusive = oflags & (CREAT | EXCL) == CREAT | EXCL;
        let follow = if exclusive {
            FollowLinks::Slash
        } else {
            follow(lookup)
        };
        let mut located = self.locate(memory, fd, needed, (path, length), follow)?;
        let (rights, inheriting) = (rights::known(rights), rights::known(inheriting));
        if (rights | inheriting) & !located.inheriting != 0 {
            return Err(Errno::Notcapable.into());
        }
        self.table.check_room()?;
        located.folder |= oflags & DIRECTORY != 0;
        let found = match self.metadata(&located) {
            Ok(found) => Some(found),
            Err(Errno::Noent) if oflags & CREAT != 0 && !located.folder => None,
            Err(errno) => return Err(errno.into()),
        };
        if found.is_some() && exclusive {
            return Err(Errno::Exist.into());
        }
        if S::POSIX && found.is_some_and(|found| found.kind == EntryKind::Symlink) {
            return Err(Errno::Loop.into());
        }
        let folder = found.is_some_and(|found| found.kind == EntryKind::Directory);
        let allowed = if folder {
            let made = oflags & (TRUNC | CREAT) != 0 && oflags & DIRECTORY == 0;
            if made || rights & rights::FD_WRITE != 0 {
                return Err(Errno::Isdir.into());
            }
            rights::FOLDER
        } else if located.tree.is_read_only() {
            rights::FILE & !rights::CHANGE
        } else {
            rights::FILE
        };
        let target = if folder && located.path.is_empty() {
            DescriptorTarget::Top(located.tree)
        } else {
            let file = if folder {
                None
            } else {
                self.open_file(&located, found, oflags, rights)?
            };
            DescriptorTarget::Node(match self.find_file(&located) {
                Some(index) => index,
                None => self.table.add_node(located.tree, located.path, file)?,
            })
        };
        let opened_fd = self.table.add(OpenDescriptor {
            target,
            rights: rights & allowed,
            inheriting,
            flags,
            offset: 0,
            preopened: false,
        })?;
        Ok(memory.write_u32(opened, opened_fd)?)
    }

    /// Opens or creates a file; `None` where it is open already, and is only truncated.
    fn open_file(
        &mut self,
        located: &Located,
        found: Option<Metadata>,
        oflags: u16,
        rights: u32,
    ) -> Result<Option<OpenFile<S::File>>, Error> {
        let read_only = located.tree.is_read_only();
        let truncate = oflags & TRUNC != 0;
        let create = found.is_none();
        if read_only && (truncate || create || rights & rights::FD_WRITE != 0) {
            return Err(Errno::Rofs.into());
        }
        let new = found.filter(|_| !truncate).unwrap_or(file(0));
        self.quota.admit(found, new)?;
        if let Some(index) = self.find_file(located) {
            if truncate && let Some(open) = &mut self.table.node(index)?.file {
                self.storage.truncate(open.file(), 0)?;
                self.quota.count_change(found, Some(new));
            }
            return Ok(None);
        }
        let path = match located.tree {
            FileTree::Image => tree::blob_path(self.guest, &located.path)?,
            _ => self.partition_path(located)?,
        };
        let mode = if read_only {
            OpenMode::READ
        } else if S::POSIX {
            let write = truncate || create || rights & WRITES != 0;
            OpenMode {
                read: rights & rights::FD_READ != 0 || !write,
                write,
                create,
                exclusive: oflags & EXCL != 0,
                truncate,
                append: false,
            }
        } else {
            // The only handle serves all descriptors, so it also writes.
            OpenMode {
                read: true,
                write: true,
                create,
                exclusive: false,
                truncate,
                append: false,
            }
        };
        let open = OpenFile::new(self.storage.open(&path, mode)?);
        self.quota.count_change(found, Some(new));
        Ok(Some(open))
    }

    pub(crate) fn path_remove_directory(
        &mut self,
        memory: &mut Memory<'_>,
        fd: u32,
        path: u32,
        length: u32,
    ) -> Result<(), Error> {
        let right = rights::PATH_REMOVE_DIRECTORY;
        let located = self.locate(memory, fd, right, (path, length), FollowLinks::Never)?;
        located.check_writable()?;
        if self.metadata(&located)?.kind != EntryKind::Directory {
            return Err(Errno::Notdir.into());
        }
        self.remove(&located)
    }

    /// Removes a file or an empty folder.
    fn remove(&mut self, located: &Located) -> Result<(), Error> {
        let found = self.metadata(located)?;
        self.storage.remove(&self.partition_path(located)?)?;
        self.quota.count_change(Some(found), None);
        Ok(())
    }

    pub(crate) fn path_unlink_file(
        &mut self,
        memory: &mut Memory<'_>,
        fd: u32,
        path: u32,
        length: u32,
    ) -> Result<(), Error> {
        let right = rights::PATH_UNLINK_FILE;
        let located = self.locate(memory, fd, right, (path, length), FollowLinks::Never)?;
        located.check_writable()?;
        if self.metadata(&located)?.kind == EntryKind::Directory {
            return Err(Errno::Isdir.into());
        }
        self.check_closed(&located)?;
        self.remove(&located)
    }

    /// Checks that a file is closed: an open handle would go on reading blocks that are given to
    /// other files.
    fn check_closed(&self, located: &Located) -> Result<(), Errno> {
        match self.find_file(located) {
            Some(_) => Err(Errno::Busy),
            None => Ok(()),
        }
    }

    #[allow(clippy::too_many_arguments)] // preview 1 has them
    pub(crate) fn path_rename(
        &mut self,
        memory: &mut Memory<'_>,
        old_fd: u32,
        old_path: u32,
        old_length: u32,
        new_fd: u32,
        new_path: u32,
        new_length: u32,
    ) -> Result<(), Error> {
        let right = rights::PATH_RENAME_SOURCE;
        let old = (old_path, old_length);
        let old = self.locate(memory, old_fd, right, old, FollowLinks::Never)?;
        let right = rights::PATH_RENAME_TARGET;
        let new = (new_path, new_length);
        let mut new = self.locate(memory, new_fd, right, new, FollowLinks::Never)?;
        if old.tree != new.tree {
            return Err(Errno::Xdev.into());
        }
        old.check_writable()?;
        new.check_writable()?;
        let folder = self.metadata(&old)?.kind == EntryKind::Directory;
        // A folder may be renamed to a path that ends with `/`, where nothing is yet.
        new.folder &= !folder;
        let replaced = match self.metadata(&new) {
            Ok(found) if (found.kind == EntryKind::Directory) != folder => {
                let errno = if folder { Errno::Notdir } else { Errno::Isdir };
                return Err(errno.into());
            }
            Ok(found) => Some(found),
            Err(Errno::Noent) if new.folder => return Err(Errno::Notdir.into()),
            Err(Errno::Noent) => None,
            Err(errno) => return Err(errno.into()),
        };
        if old.path == new.path {
            return Ok(());
        }
        if folder && is_within(&new.path, &old.path) {
            return Err(Errno::Inval.into());
        }
        self.check_closed(&old)?;
        self.check_closed(&new)?;
        self.table.moves(old.tree, &old.path, &new.path, false)?;
        let from = self.partition_path(&old)?;
        let to = self.partition_path(&new)?;
        if folder {
            self.check_depth(&old, &from, &to)?;
        }
        match self.storage.rename(&from, &to) {
            Ok(()) => {
                self.quota.count_change(replaced, None);
                Ok(self.table.moves(old.tree, &old.path, &new.path, true)?)
            }
            Err(StorageError::Exists) => Err(Errno::Notempty.into()),
            Err(error) => Err(error.into()),
        }
    }

    /// Refuses to move a folder to a longer path if a path in it would become too long: neither the
    /// guest nor a tool could name that entry any more.
    fn check_depth(&self, old: &Located, from: &str, to: &str) -> Result<(), Error> {
        let more = to.len().saturating_sub(from.len());
        if more == 0 {
            return Ok(());
        }
        let top = from.len().saturating_sub(old.path.len());
        let limit = top.saturating_add(MAX_RELATIVE).min(MAX_PATH);
        let found = folders::survey(self.storage, from, 1, &|| self.guest.check().is_err())?;
        self.guest.check()?;
        if found.longest.saturating_add(more) <= limit {
            Ok(())
        } else {
            Err(Errno::Nametoolong.into())
        }
    }
}
