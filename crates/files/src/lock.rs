// SPDX-License-Identifier: Apache-2.0
//! Locks on open files.

use std::fs::{File, TryLockError};
use std::ops::{Deref, DerefMut};

/// An open file with an advisory lock, which ends when this is dropped.
///
/// Closing the file alone would leave the lock to a process that another thread is starting at
/// that moment: the child holds a copy of the descriptor until its program begins.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let path = std::env::temp_dir().join(format!("lock-{}", std::process::id()));
/// # std::fs::write(&path, b"")?;
/// use ocre_files::{LockedFile, open_to_write};
///
/// let first = LockedFile::exclusive(open_to_write(&path)?)?;
/// assert!(LockedFile::shared(open_to_write(&path)?).is_err());
/// drop(first);
/// LockedFile::shared(open_to_write(&path)?)?;
/// # std::fs::remove_file(&path)?;
/// # Ok(())
/// # }
/// ```
pub struct LockedFile(File);

impl LockedFile {
    /// Locks a file for one holder.
    ///
    /// # Errors
    /// [`TryLockError::WouldBlock`] while another holds a lock, and those of the file system.
    pub fn exclusive(file: File) -> Result<Self, TryLockError> {
        file.try_lock()?;
        Ok(Self(file))
    }

    /// Locks a file for any number of holders that share it.
    ///
    /// # Errors
    /// As [`exclusive`](Self::exclusive), for another's exclusive lock.
    pub fn shared(file: File) -> Result<Self, TryLockError> {
        file.try_lock_shared()?;
        Ok(Self(file))
    }
}

impl Deref for LockedFile {
    type Target = File;

    fn deref(&self) -> &File {
        &self.0
    }
}

impl DerefMut for LockedFile {
    fn deref_mut(&mut self) -> &mut File {
        &mut self.0
    }
}

impl Drop for LockedFile {
    fn drop(&mut self) {
        // An error leaves the lock to the closing of the file.
        let _ = self.0.unlock();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn file(name: &str) -> (PathBuf, impl Fn() -> File) {
        let path = std::env::temp_dir().join(format!("ocre-{name}-{}", std::process::id()));
        std::fs::write(&path, b"").unwrap();
        let to_open = path.clone();
        (path, move || crate::open_to_write(&to_open).unwrap())
    }

    #[test]
    fn a_copy_of_the_descriptor_does_not_keep_the_lock() {
        let (path, open) = file("copied");
        for lock in [LockedFile::exclusive, LockedFile::shared] {
            let held = lock(open()).unwrap();
            // A process that is being started holds such a copy.
            let copy = held.try_clone().unwrap();
            assert!(LockedFile::exclusive(open()).is_err());
            drop(held);
            assert!(LockedFile::exclusive(open()).is_ok());
            drop(copy);
        }
        std::fs::remove_file(path).unwrap();
    }
}
