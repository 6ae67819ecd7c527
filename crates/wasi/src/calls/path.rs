// SPDX-License-Identifier: Apache-2.0
//! What is done by path: `path_*`.

use ocre::image::content::Path;
use ocre::port::{EntryKind, Metadata, OpenMode, Storage, StorageError};

use super::descriptor::{ANY_FLAGS, check_times, filestat, narrow};
use crate::Wasi;
use crate::errno::{Errno, Error};
use crate::memory::Memory;
use crate::path::{RelativePath, is_within, resolve};
use crate::quota::file;
use crate::rights;
use crate::table::{Descriptor, OpenFile, Target, Tree};
use crate::tree;

/// `oflags`.
const CREAT: u16 = 1 << 0;
const DIRECTORY: u16 = 1 << 1;
const EXCL: u16 = 1 << 2;
const TRUNC: u16 = 1 << 3;

/// Where a path leads.
struct Located {
    tree: Tree,
    path: RelativePath,
    /// By its form it can only mean a folder.
    folder: bool,
    /// What what is opened there may be allowed.
    inheriting: u32,
}

impl Located {
    /// For what changes the folder that it is in.
    ///
    /// # Errors
    /// `Rofs` where nothing may be changed; `Inval` for a top folder.
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
        path: u32,
        length: u32,
    ) -> Result<Located, Errno> {
        let given = memory.bytes(path, length)?;
        let (storage, guest) = (self.storage, self.guest);
        let (descriptor, tree, base) = self.table.folder(fd, right)?;
        let resolved = resolve(base, given, &mut |path| match tree::metadata(
            storage, guest, tree, path,
        )?
        .kind
        {
            EntryKind::Directory => Ok(()),
            EntryKind::File => Err(Errno::Notdir),
        })?;
        Ok(Located {
            tree,
            path: resolved.path,
            folder: resolved.folder,
            inheriting: descriptor.inheriting,
        })
    }

    /// What is at a place, as the guest has to see it: with what it wrote and did not sync.
    fn metadata(&mut self, located: &Located) -> Result<Metadata, Errno> {
        if let Some(index) = self.table.find_file(located.tree, &located.path)
            && !located.folder
            && let Some(open) = &mut self.table.node(index)?.file
        {
            return Ok(Metadata {
                kind: EntryKind::File,
                size: self.storage.size(open.file())?,
            });
        }
        let found = tree::metadata(self.storage, self.guest, located.tree, &located.path)?;
        if located.folder && found.kind == EntryKind::File {
            return Err(Errno::Notdir);
        }
        Ok(found)
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
        let located = self.locate(memory, fd, right, path, length)?;
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
        _lookup: u32,
        path: u32,
        length: u32,
        stat: u32,
    ) -> Result<(), Error> {
        memory.check(stat, 1, 64)?;
        let located = self.locate(memory, fd, rights::PATH_FILESTAT_GET, path, length)?;
        let found = self.metadata(&located)?;
        let number = tree::number(located.tree, &located.path, "");
        Ok(memory.write(stat, filestat(number, &found).bytes())?)
    }

    /// Files have no times.
    #[allow(clippy::too_many_arguments)] // preview 1 has them
    pub(crate) fn path_filestat_set_times(
        &mut self,
        memory: &mut Memory<'_>,
        fd: u32,
        _lookup: u32,
        path: u32,
        length: u32,
        _accessed: u64,
        _modified: u64,
        which: u32,
    ) -> Result<(), Error> {
        check_times(which)?;
        let right = rights::PATH_FILESTAT_SET_TIMES;
        let located = self.locate(memory, fd, right, path, length)?;
        self.metadata(&located)?;
        Err(Errno::Notsup.into())
    }

    /// There are no links.
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
        let old = self.locate(memory, old_fd, right, old_path, old_length)?;
        if self.metadata(&old)?.kind == EntryKind::Directory {
            return Err(Errno::Perm.into());
        }
        let right = rights::PATH_LINK_TARGET;
        self.no_link(memory, new_fd, right, new_path, new_length)
    }

    /// What making a link there answers.
    fn no_link(
        &mut self,
        memory: &Memory<'_>,
        fd: u32,
        right: u32,
        path: u32,
        length: u32,
    ) -> Result<(), Error> {
        let located = self.locate(memory, fd, right, path, length)?;
        Err(match self.metadata(&located) {
            Ok(_) => Errno::Exist,
            Err(Errno::Noent) if located.folder => Errno::Noent,
            Err(Errno::Noent) => Errno::Notsup,
            Err(errno) => errno,
        }
        .into())
    }

    /// There are no links.
    pub(crate) fn path_symlink(
        &mut self,
        memory: &mut Memory<'_>,
        old_path: u32,
        old_length: u32,
        fd: u32,
        new_path: u32,
        new_length: u32,
    ) -> Result<(), Error> {
        memory.bytes(old_path, old_length)?;
        self.no_link(memory, fd, rights::PATH_SYMLINK, new_path, new_length)
    }

    /// There are no links, so nothing that is there is one.
    #[allow(clippy::too_many_arguments)] // preview 1 has them
    pub(crate) fn path_readlink(
        &mut self,
        memory: &mut Memory<'_>,
        fd: u32,
        path: u32,
        length: u32,
        _buffer: u32,
        _buffer_length: u32,
        _used: u32,
    ) -> Result<(), Error> {
        let located = self.locate(memory, fd, rights::PATH_READLINK, path, length)?;
        self.metadata(&located)?;
        Err(Errno::Inval.into())
    }

    #[allow(clippy::too_many_arguments)] // preview 1 has them
    pub(crate) fn path_open(
        &mut self,
        memory: &mut Memory<'_>,
        fd: u32,
        _lookup: u32,
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
        let mut located = self.locate(memory, fd, needed, path, length)?;
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
        if found.is_some() && oflags & (CREAT | EXCL) == CREAT | EXCL {
            return Err(Errno::Exist.into());
        }
        let (target, rights) = if found.is_some_and(|found| found.kind == EntryKind::Directory) {
            let made = oflags & (TRUNC | CREAT) != 0 && oflags & DIRECTORY == 0;
            if made || rights & rights::FD_WRITE != 0 {
                return Err(Errno::Isdir.into());
            }
            let target = if located.path.is_empty() {
                Target::Top(located.tree)
            } else {
                let index = self.table.add_node(located.tree, located.path, None);
                Target::Node(index.map_err(|_| Errno::Mfile)?)
            };
            (target, rights & rights::FOLDER)
        } else {
            let allowed = if located.tree.is_read_only() {
                rights::FILE & !rights::CHANGE
            } else {
                rights::FILE
            };
            let index = self.open_file(located, found, oflags, rights)?;
            (Target::Node(index), rights & allowed)
        };
        let opened_fd = self.table.add(Descriptor {
            target,
            rights,
            inheriting,
            flags,
            offset: 0,
            preopened: false,
        })?;
        Ok(memory.write_u32(opened, opened_fd)?)
    }

    /// The node of a file, which is opened or made if it is not open yet.
    fn open_file(
        &mut self,
        located: Located,
        found: Option<Metadata>,
        oflags: u16,
        rights: u32,
    ) -> Result<usize, Error> {
        let truncate = oflags & TRUNC != 0;
        let create = found.is_none();
        let written = truncate || create || rights & rights::FD_WRITE != 0;
        if located.tree.is_read_only() && written {
            return Err(Errno::Rofs.into());
        }
        let new = if truncate { Some(file(0)) } else { found };
        let new = new.unwrap_or(file(0));
        self.quota.admit(found, new)?;
        if let Some(index) = self.table.find_file(located.tree, &located.path) {
            if truncate && let Some(open) = &mut self.table.node(index)?.file {
                self.storage.truncate(open.file(), 0)?;
                self.quota.count_change(found, Some(new));
            }
            return Ok(index);
        }
        let path = match located.tree {
            Tree::Image => tree::blob_path(self.guest, &located.path)?.0,
            _ => self.partition_path(&located)?,
        };
        let mode = if located.tree.is_read_only() {
            OpenMode::READ
        } else {
            // For writing too, whoever opens it first: there is only this one handle.
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
        let added = self.table.add_node(located.tree, located.path, Some(open));
        match added {
            Ok(index) => Ok(index),
            Err(file) => {
                if let Some(file) = file {
                    self.storage.close(file)?;
                }
                Err(Errno::Mfile.into())
            }
        }
    }

    pub(crate) fn path_remove_directory(
        &mut self,
        memory: &mut Memory<'_>,
        fd: u32,
        path: u32,
        length: u32,
    ) -> Result<(), Error> {
        let right = rights::PATH_REMOVE_DIRECTORY;
        let located = self.locate(memory, fd, right, path, length)?;
        located.check_writable()?;
        if self.metadata(&located)?.kind == EntryKind::File {
            return Err(Errno::Notdir.into());
        }
        self.remove(&located)
    }

    /// Removes what is there.
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
        let located = self.locate(memory, fd, right, path, length)?;
        located.check_writable()?;
        if self.metadata(&located)?.kind == EntryKind::Directory {
            return Err(Errno::Isdir.into());
        }
        self.check_closed(&located)?;
        self.remove(&located)
    }

    /// An open file's handle would go on reading blocks that are given to other files.
    fn check_closed(&self, located: &Located) -> Result<(), Errno> {
        match self.table.find_file(located.tree, &located.path) {
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
        let old = self.locate(memory, old_fd, right, old_path, old_length)?;
        let right = rights::PATH_RENAME_TARGET;
        let mut new = self.locate(memory, new_fd, right, new_path, new_length)?;
        if old.tree != new.tree {
            return Err(Errno::Xdev.into());
        }
        old.check_writable()?;
        new.check_writable()?;
        let kind = self.metadata(&old)?.kind;
        // A folder may be renamed to a path that ends with `/`, though nothing is there yet.
        new.folder &= kind == EntryKind::File;
        let replaced = match self.metadata(&new) {
            Ok(found) if found.kind != kind => {
                let errno = match kind {
                    EntryKind::Directory => Errno::Notdir,
                    EntryKind::File => Errno::Isdir,
                };
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
        if kind == EntryKind::Directory && is_within(&new.path, &old.path) {
            return Err(Errno::Inval.into());
        }
        self.check_closed(&old)?;
        self.check_closed(&new)?;
        self.table.moves(old.tree, &old.path, &new.path, false)?;
        let from = self.partition_path(&old)?;
        let to = self.partition_path(&new)?;
        match self.storage.rename(&from, &to) {
            Ok(()) => {
                self.quota.count_change(replaced, None);
                Ok(self.table.moves(old.tree, &old.path, &new.path, true)?)
            }
            Err(StorageError::Exists) => Err(Errno::Notempty.into()),
            Err(error) => Err(error.into()),
        }
    }
}
