// SPDX-License-Identifier: Apache-2.0
//! Open descriptors, files and folders of a container.
//!
//! Promised: a file is open on the partition at most once, however many descriptors lead to it,
//! except on [`Storage::POSIX`] storages, where each open makes a handle. littlefs gives blocks
//! that a file no longer needs to other files, while another handle of that file would still read
//! them: two handles could show one container the data of another.
//!
//! Design: a descriptor has its own position, flags and rights and leads to a top folder or to a
//! node; a node is a folder's path, or a file's path with the partition's handle, and counts its
//! descriptors.

use ocre::limits::{MAX_MOUNTS, MAX_OPEN_FILES};
use ocre::port::{SeekFrom, Storage, StorageError, Stream};

use crate::errno::Errno;
use crate::path::{RelativePath, is_within};
use crate::rights;

/// Most trees of files of a container.
pub const TREES: usize = 2 + MAX_MOUNTS;
/// Number of preopened descriptors: stdin, stdout, stderr, and the top folders.
const STANDARD: usize = 3 + TREES;
const MAX_DESCRIPTORS: usize = STANDARD + MAX_OPEN_FILES;

/// Tree of a container's files.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FileTree {
    /// The container's own folder.
    Data,
    /// Blob layers of the image.
    Image,
    /// Mount.
    Mount {
        /// Index of the mount, from 0.
        index: u8,
        /// True where the guest may change nothing in the mount.
        read_only: bool,
    },
}

impl FileTree {
    /// True for a tree that the guest may not change.
    #[inline(never)]
    pub const fn is_read_only(self) -> bool {
        match self {
            Self::Data => false,
            Self::Image => true,
            Self::Mount { read_only, .. } => read_only,
        }
    }
}

/// Target of a descriptor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DescriptorTarget {
    /// Console input.
    Input,
    /// stdout or stderr.
    Output(Stream),
    /// Top folder of a tree.
    Top(FileTree),
    /// A file or another folder.
    Node(usize),
}

/// Open descriptor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OpenDescriptor {
    /// Console, folder or file that the descriptor leads to.
    pub target: DescriptorTarget,
    /// Rights of the descriptor.
    pub rights: u32,
    /// Rights for descriptors opened through this one.
    pub inheriting: u32,
    /// `fdflags`.
    pub flags: u16,
    /// Position in a file, in bytes.
    pub offset: u64,
    /// True for a descriptor that was open before the guest started.
    pub preopened: bool,
}

/// Open file or folder.
#[derive(Debug)]
pub struct Node<F> {
    /// Tree of the file or folder.
    pub tree: FileTree,
    /// Path in the tree.
    pub path: RelativePath,
    /// The file; `None` for a folder.
    pub file: Option<OpenFile<F>>,
    descriptors: usize,
}

/// File that is open on the partition.
#[derive(Debug)]
pub struct OpenFile<F> {
    file: F,
    /// Position of the partition's handle, in bytes; `None` where it is unknown.
    position: Option<u64>,
}

impl<F> OpenFile<F> {
    /// File that was just opened, at position 0.
    pub const fn new(file: F) -> Self {
        Self {
            file,
            position: Some(0),
        }
    }

    /// The partition's handle, for operations that do not depend on its position.
    pub const fn file(&mut self) -> &mut F {
        &mut self.file
    }

    /// Reads at `offset`.
    pub fn read<S: Storage<File = F>>(
        &mut self,
        storage: &S,
        offset: u64,
        buffer: &mut [u8],
    ) -> Result<usize, StorageError> {
        if !S::POSIX && offset >= storage.size(&mut self.file)? {
            return Ok(0);
        }
        self.seek(storage, offset)?;
        let read = storage.read(&mut self.file, buffer);
        self.moved(offset, read.ok());
        read
    }

    /// Writes all of `bytes` at `offset`.
    pub fn write<S: Storage<File = F>>(
        &mut self,
        storage: &S,
        offset: u64,
        bytes: &[u8],
    ) -> Result<(), StorageError> {
        self.seek(storage, offset)?;
        let written = storage.write(&mut self.file, bytes);
        self.moved(offset, written.ok().map(|()| bytes.len()));
        written
    }

    fn seek<S: Storage<File = F>>(&mut self, storage: &S, offset: u64) -> Result<(), StorageError> {
        if self.position != Some(offset) {
            self.position = None;
            storage.seek(&mut self.file, SeekFrom::Start(offset))?;
            self.position = Some(offset);
        }
        Ok(())
    }

    fn moved(&mut self, from: u64, by: Option<usize>) {
        self.position = by.and_then(|by| from.checked_add(by.try_into().ok()?));
    }
}

/// Open descriptors and nodes of a container.
#[derive(Debug)]
pub struct DescriptorTable<F> {
    descriptors: [Option<OpenDescriptor>; MAX_DESCRIPTORS],
    nodes: [Option<Node<F>>; MAX_OPEN_FILES],
}

impl<F> DescriptorTable<F> {
    /// Table with the consoles, and the top folders of `trees`.
    pub fn new(trees: &[FileTree]) -> Self {
        let consoles = [
            DescriptorTarget::Input,
            DescriptorTarget::Output(Stream::Stdout),
            DescriptorTarget::Output(Stream::Stderr),
        ];
        let console = OpenDescriptor {
            target: DescriptorTarget::Input,
            rights: rights::CONSOLE,
            inheriting: 0,
            flags: 0,
            offset: 0,
            preopened: false,
        };
        let folder = OpenDescriptor {
            rights: rights::FOLDER,
            inheriting: rights::ALL,
            preopened: true,
            ..console
        };
        let mut descriptors = [None; MAX_DESCRIPTORS];
        let (first, others) = descriptors.split_at_mut(consoles.len());
        for (slot, target) in first.iter_mut().zip(consoles) {
            *slot = Some(OpenDescriptor { target, ..console });
        }
        for (slot, &tree) in others.iter_mut().zip(trees) {
            let target = DescriptorTarget::Top(tree);
            *slot = Some(OpenDescriptor { target, ..folder });
        }
        Self {
            descriptors,
            nodes: [const { None }; MAX_OPEN_FILES],
        }
    }

    /// Finds an open descriptor.
    ///
    /// # Errors
    /// `Badf`.
    pub fn descriptor(&mut self, fd: u32) -> Result<&mut OpenDescriptor, Errno> {
        slot(&mut self.descriptors, fd)
            .and_then(Option::as_mut)
            .ok_or(Errno::Badf)
    }

    /// Finds an open descriptor with a right.
    ///
    /// # Errors
    /// `Badf`, `Notcapable`.
    pub fn with_right(&mut self, fd: u32, right: u32) -> Result<&mut OpenDescriptor, Errno> {
        let descriptor = self.descriptor(fd)?;
        if descriptor.rights & right == right {
            Ok(descriptor)
        } else {
            Err(Errno::Notcapable)
        }
    }

    /// Node at an index.
    ///
    /// # Errors
    /// `Badf`, which does not happen to an index out of a descriptor.
    pub fn node(&mut self, index: usize) -> Result<&mut Node<F>, Errno> {
        self.nodes
            .get_mut(index)
            .and_then(Option::as_mut)
            .ok_or(Errno::Badf)
    }

    /// Folder of an open descriptor with a right, and the rights for descriptors opened through it.
    ///
    /// # Errors
    /// `Badf`, `Notcapable`, `Notdir`.
    pub fn folder(&mut self, fd: u32, right: u32) -> Result<(FileTree, &str, u32), Errno> {
        let descriptor = *self.descriptor(fd)?;
        let (tree, path) = match descriptor.target {
            DescriptorTarget::Top(tree) => (tree, ""),
            DescriptorTarget::Node(index) => match self.node(index)? {
                Node { file: Some(_), .. } => return Err(Errno::Notdir),
                Node { tree, path, .. } => (*tree, path.as_str()),
            },
            DescriptorTarget::Input | DescriptorTarget::Output(_) => return Err(Errno::Notdir),
        };
        if descriptor.rights & right != right {
            return Err(Errno::Notcapable);
        }
        Ok((tree, path, descriptor.inheriting))
    }

    /// Finds an open descriptor with a right that leads to a file, and that file.
    ///
    /// # Errors
    /// `Badf`, also for a folder or a console; `Notcapable`.
    pub fn file(
        &mut self,
        fd: u32,
        right: u32,
    ) -> Result<(&mut OpenDescriptor, &mut OpenFile<F>), Errno> {
        let descriptor = slot(&mut self.descriptors, fd)
            .and_then(Option::as_mut)
            .ok_or(Errno::Badf)?;
        let DescriptorTarget::Node(index) = descriptor.target else {
            return Err(Errno::Badf);
        };
        let file = self
            .nodes
            .get_mut(index)
            .and_then(Option::as_mut)
            .and_then(|node| node.file.as_mut())
            .ok_or(Errno::Badf)?;
        if descriptor.rights & right != right {
            return Err(Errno::Notcapable);
        }
        Ok((descriptor, file))
    }

    /// Node of an open file.
    pub fn find_file(&self, tree: FileTree, path: &str) -> Option<usize> {
        self.nodes.iter().position(|node| {
            node.as_ref()
                .is_some_and(|node| node.file.is_some() && node.tree == tree && node.path == path)
        })
    }

    /// Checks that a descriptor and a node are free.
    ///
    /// # Errors
    /// `Mfile`.
    pub fn check_room(&self) -> Result<(), Errno> {
        if self.descriptors.iter().any(Option::is_none) && self.nodes.iter().any(Option::is_none) {
            Ok(())
        } else {
            Err(Errno::Mfile)
        }
    }

    /// Adds a node without descriptors.
    ///
    /// # Errors
    /// `Mfile`, which does not happen after [`check_room`](Self::check_room).
    pub fn add_node(
        &mut self,
        tree: FileTree,
        path: RelativePath,
        file: Option<OpenFile<F>>,
    ) -> Result<usize, Errno> {
        let mut slots = self.nodes.iter_mut().enumerate();
        let (index, slot) = slots.find(|(_, slot)| slot.is_none()).ok_or(Errno::Mfile)?;
        *slot = Some(Node {
            tree,
            path,
            file,
            descriptors: 0,
        });
        Ok(index)
    }

    /// Adds a descriptor at the lowest free number.
    ///
    /// # Errors
    /// `Mfile`.
    pub fn add(&mut self, descriptor: OpenDescriptor) -> Result<u32, Errno> {
        let mut slots = (0_u32..).zip(&mut self.descriptors);
        let (fd, slot) = slots.find(|(_, slot)| slot.is_none()).ok_or(Errno::Mfile)?;
        *slot = Some(descriptor);
        if let DescriptorTarget::Node(index) = descriptor.target {
            let node = self.node(index)?;
            node.descriptors = node.descriptors.saturating_add(1);
        }
        Ok(fd)
    }

    /// Removes a descriptor. Returns the file if no other descriptor leads to it.
    ///
    /// # Errors
    /// `Badf`.
    pub fn remove(&mut self, fd: u32) -> Result<Option<F>, Errno> {
        let descriptor = slot(&mut self.descriptors, fd)
            .and_then(Option::take)
            .ok_or(Errno::Badf)?;
        let DescriptorTarget::Node(index) = descriptor.target else {
            return Ok(None);
        };
        let node = self.node(index)?;
        node.descriptors = node.descriptors.saturating_sub(1);
        if node.descriptors > 0 {
            return Ok(None);
        }
        let node = self.nodes.get_mut(index).and_then(Option::take);
        Ok(node.and_then(|node| node.file).map(|open| open.file))
    }

    /// Replaces the descriptor `to` by `from`. Returns the replaced descriptor's file if no other
    /// one leads to it.
    ///
    /// # Errors
    /// `Badf` where one of them is not open.
    pub fn renumber(&mut self, from: u32, to: u32) -> Result<Option<F>, Errno> {
        let moved = *self.descriptor(from)?;
        self.descriptor(to)?;
        if from == to {
            return Ok(None);
        }
        let file = self.remove(to)?;
        for (fd, new) in [(from, None), (to, Some(moved))] {
            if let Some(slot) = slot(&mut self.descriptors, fd) {
                *slot = new;
            }
        }
        Ok(file)
    }

    /// Removes everything, and returns the open files.
    pub fn drain(&mut self) -> impl Iterator<Item = F> {
        self.descriptors = [None; MAX_DESCRIPTORS];
        self.nodes
            .iter_mut()
            .filter_map(|node| Some(node.take()?.file?.file))
    }

    /// Moves the open nodes in the folder `from` of a tree to `to`. Unless `really`, only checks
    /// the paths.
    ///
    /// `Nametoolong` where a path would be too long.
    pub fn moves(
        &mut self,
        tree: FileTree,
        from: &str,
        to: &str,
        really: bool,
    ) -> Result<(), Errno> {
        for node in self.nodes.iter_mut().flatten() {
            if node.tree == tree && is_within(&node.path, from) {
                let path = moved(to, node.path.strip_prefix(from).unwrap_or_default())?;
                if really {
                    node.path = path;
                }
            }
        }
        Ok(())
    }
}

fn moved(to: &str, rest: &str) -> Result<RelativePath, Errno> {
    let mut path = RelativePath::new();
    path.push_str(to)
        .and_then(|()| path.push_str(rest))
        .map_err(|_| Errno::Nametoolong)?;
    Ok(path)
}

fn slot<T>(slots: &mut [T], number: u32) -> Option<&mut T> {
    slots.get_mut(usize::try_from(number).ok()?)
}
