// SPDX-License-Identifier: Apache-2.0
//! File system in memory that keeps littlefs's promises and nothing more: unsynced data is lost
//! when the power goes, and a chosen change fails.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ocre::port::{
    EntryKind, Metadata, OpenMode, SeekFrom, Space, Storage, StorageError, path as rules,
};

/// Effect of the fault on the chosen change.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum InjectedFault {
    /// Power cut: the change does not happen, and nothing works any more.
    Cut,
    /// Single error; the change does not happen.
    Once(StorageError),
}

/// Content of each file; `None` for a folder.
type MemoryEntries = BTreeMap<String, Option<Vec<u8>>>;

#[derive(Clone)]
struct MemoryState {
    entries: MemoryEntries,
    capacity: u64,
    /// Changes until the fault, and the fault.
    fault: Option<(u32, InjectedFault)>,
    faulted: bool,
    off: bool,
}

/// File system in memory.
pub struct MemoryStorage(Mutex<MemoryState>);

impl Clone for MemoryStorage {
    fn clone(&self) -> Self {
        Self(Mutex::new(self.state().clone()))
    }
}

/// Open file: a copy of the content, until it is synced.
pub struct MemoryFile {
    path: String,
    mode: OpenMode,
    content: Vec<u8>,
    position: usize,
}

impl MemoryStorage {
    /// Creates a file system that takes so many bytes of content.
    pub fn new(capacity: u64) -> Self {
        let entries = MemoryEntries::from([("/".to_owned(), None)]);
        Self(Mutex::new(MemoryState {
            entries,
            capacity,
            fault: None,
            faulted: false,
            off: false,
        }))
    }

    fn state(&self) -> MutexGuard<'_, MemoryState> {
        // A test that has failed may look at the files.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Arms a fault for the change after `changes` others.
    pub fn arm(&self, changes: u32, fault: InjectedFault) {
        self.state().fault = Some((changes, fault));
    }

    /// Restarts after a fault. Returns true if there was one since the last call.
    pub fn recover(&self) -> bool {
        let mut state = self.state();
        state.off = false;
        std::mem::take(&mut state.faulted)
    }

    /// Disarms a fault that has not come yet.
    pub fn disarm(&self) {
        self.state().fault = None;
    }
}

fn split(path: &str) -> (&str, &str) {
    match path.rsplit_once('/') {
        Some(("", name)) => ("/", name),
        Some(parts) => parts,
        None => unreachable!("paths are absolute"),
    }
}

impl MemoryState {
    fn powered(&self) -> Result<(), StorageError> {
        if self.off {
            Err(StorageError::Io)
        } else {
            Ok(())
        }
    }

    /// Begins a change of the stored data.
    fn change(&mut self) -> Result<(), StorageError> {
        self.powered()?;
        match self.fault.take() {
            Some((0, fault)) => {
                self.faulted = true;
                self.off = fault == InjectedFault::Cut;
                match fault {
                    InjectedFault::Cut => Err(StorageError::Io),
                    InjectedFault::Once(error) => Err(error),
                }
            }
            Some((left, fault)) => {
                self.fault = Some((left - 1, fault));
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn find(&self, path: &str) -> Result<&Option<Vec<u8>>, StorageError> {
        self.powered()?;
        rules::check(path)?;
        if let Some(entry) = self.entries.get(path) {
            return Ok(entry);
        }
        self.parent(path)?;
        Err(StorageError::NotFound)
    }

    /// Checks that all folders above a path exist.
    fn parent(&self, path: &str) -> Result<(), StorageError> {
        let (mut parent, _) = split(path);
        loop {
            match self.entries.get(parent) {
                Some(None) if parent == split(path).0 => return Ok(()),
                Some(None) => return Err(StorageError::NotFound),
                Some(Some(_)) => return Err(StorageError::NotDirectory),
                None => parent = split(parent).0,
            }
        }
    }

    fn is_empty(&self, folder: &str) -> bool {
        !self
            .entries
            .keys()
            .any(|path| path != "/" && split(path).0 == folder)
    }

    fn free(&self) -> u64 {
        let used: u64 = self
            .entries
            .values()
            .flatten()
            .map(|bytes| bytes.len() as u64)
            .sum();
        self.capacity.saturating_sub(used)
    }
}

impl Storage for MemoryStorage {
    type File = MemoryFile;

    fn open(&self, path: &str, mode: OpenMode) -> Result<MemoryFile, StorageError> {
        let mut state = self.state();
        let content = match state.find(path) {
            _ if !mode.is_valid() => return Err(StorageError::Invalid),
            Ok(None) => return Err(StorageError::IsDirectory),
            Ok(Some(_)) if mode.create && mode.exclusive => return Err(StorageError::Exists),
            Ok(Some(_)) if mode.truncate => Vec::new(),
            Ok(Some(content)) => content.clone(),
            Err(StorageError::NotFound) if mode.create => {
                state.parent(path)?;
                state.change()?;
                state.entries.insert(path.to_owned(), Some(Vec::new()));
                Vec::new()
            }
            Err(error) => return Err(error),
        };
        Ok(MemoryFile {
            path: path.to_owned(),
            mode,
            content,
            position: 0,
        })
    }

    fn read(&self, file: &mut MemoryFile, buffer: &mut [u8]) -> Result<usize, StorageError> {
        self.state().powered()?;
        if !file.mode.read {
            return Err(StorageError::Invalid);
        }
        let rest = file.content.get(file.position..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        file.position += count;
        Ok(count)
    }

    fn write(&self, file: &mut MemoryFile, bytes: &[u8]) -> Result<(), StorageError> {
        if !file.mode.write {
            return Err(StorageError::Invalid);
        }
        let state = self.state();
        state.powered()?;
        if file.mode.append {
            file.position = file.content.len();
        }
        let end = file.position + bytes.len();
        if end > file.content.len() && !bytes.is_empty() {
            if end as u64 > state.free() {
                return Err(StorageError::NoSpace);
            }
            file.content.resize(end, 0);
        }
        if let Some(place) = file.content.get_mut(file.position..end) {
            place.copy_from_slice(bytes);
            file.position = end;
        }
        Ok(())
    }

    fn seek(&self, file: &mut MemoryFile, to: SeekFrom) -> Result<u64, StorageError> {
        let (base, offset) = match to {
            SeekFrom::Start(position) => (position, 0),
            SeekFrom::Current(offset) => (file.position as u64, offset),
            SeekFrom::End(offset) => (file.content.len() as u64, offset),
        };
        let position = base
            .checked_add_signed(offset)
            .filter(|&at| at <= i32::MAX as u64);
        file.position = position.ok_or(StorageError::Invalid)? as usize;
        Ok(file.position as u64)
    }

    fn size(&self, file: &mut MemoryFile) -> Result<u64, StorageError> {
        Ok(file.content.len() as u64)
    }

    fn truncate(&self, file: &mut MemoryFile, size: u64) -> Result<(), StorageError> {
        if !file.mode.write {
            return Err(StorageError::Invalid);
        }
        file.content.resize(size as usize, 0);
        Ok(())
    }

    fn sync(&self, file: &mut MemoryFile) -> Result<(), StorageError> {
        if file.mode.write {
            let mut state = self.state();
            state.change()?;
            if let Some(Some(content)) = state.entries.get_mut(&file.path) {
                content.clone_from(&file.content);
            }
        }
        Ok(())
    }

    fn close(&self, mut file: MemoryFile) -> Result<(), StorageError> {
        self.sync(&mut file)
    }

    fn metadata(&self, path: &str) -> Result<Metadata, StorageError> {
        Ok(metadata(self.state().find(path)?))
    }

    fn create_dir(&self, path: &str) -> Result<(), StorageError> {
        let mut state = self.state();
        match state.find(path) {
            Ok(_) => return Err(StorageError::Exists),
            Err(StorageError::NotFound) => state.parent(path)?,
            Err(error) => return Err(error),
        }
        state.change()?;
        state.entries.insert(path.to_owned(), None);
        Ok(())
    }

    fn remove(&self, path: &str) -> Result<(), StorageError> {
        let mut state = self.state();
        match state.find(path)? {
            None if path == "/" => return Err(StorageError::Invalid),
            None if !state.is_empty(path) => return Err(StorageError::NotEmpty),
            _ => {}
        }
        state.change()?;
        state.entries.remove(path);
        Ok(())
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), StorageError> {
        rules::check_rename(from, to)?;
        let mut state = self.state();
        let is_file = state.find(from)?.is_some();
        match state.find(to) {
            Ok(None) if is_file => return Err(StorageError::IsDirectory),
            Ok(Some(_)) if !is_file => return Err(StorageError::NotDirectory),
            Ok(None) if from != to && !state.is_empty(to) => return Err(StorageError::NotEmpty),
            Ok(_) => {}
            Err(StorageError::NotFound) => state.parent(to)?,
            Err(error) => return Err(error),
        }
        state.change()?;
        let inside = format!("{from}/");
        let moved: Vec<String> = state
            .entries
            .keys()
            .filter(|path| *path == from || path.starts_with(&inside))
            .cloned()
            .collect();
        for path in moved {
            let content = state.entries.remove(&path).flatten();
            let new = format!("{to}{}", &path[from.len()..]);
            state.entries.insert(new, content);
        }
        Ok(())
    }

    fn read_dir(
        &self,
        path: &str,
        entry: &mut dyn FnMut(&str, Metadata) -> bool,
    ) -> Result<(), StorageError> {
        let state = self.state();
        if state.find(path)?.is_some() {
            return Err(StorageError::NotDirectory);
        }
        let listed: Vec<(String, Metadata)> = state
            .entries
            .iter()
            .filter(|(found, _)| *found != "/" && split(found).0 == path)
            .map(|(found, content)| (split(found).1.to_owned(), metadata(content)))
            .collect();
        // The callback may use the storage.
        drop(state);
        for (name, metadata) in listed {
            if !entry(&name, metadata) {
                break;
            }
        }
        Ok(())
    }

    fn space(&self) -> Result<Space, StorageError> {
        let state = self.state();
        state.powered()?;
        Ok(Space {
            total: state.capacity,
            free: state.free(),
        })
    }
}

fn metadata(entry: &Option<Vec<u8>>) -> Metadata {
    match entry {
        Some(content) => Metadata {
            kind: EntryKind::File,
            size: content.len() as u64,
        },
        None => Metadata {
            kind: EntryKind::Directory,
            size: 0,
        },
    }
}
