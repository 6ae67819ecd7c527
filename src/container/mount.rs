// SPDX-License-Identifier: Apache-2.0
//! Mounts: folders of the partition that a container has besides its own.
//!
//! Promised: a mount is never the partition's root folder, nor a folder of the runtime. While a
//! container runs that may write to a folder, no other container runs that has the folder, one in
//! it or one around it. So no file that one container writes is open in another, which littlefs
//! does not keep consistent.

use heapless::String;

use super::texts::push;
use super::{Error, data};
use crate::folders::create_if_absent;
use crate::image::sequence;
use crate::limits::{MAX_MOUNTS, MAX_MOUNTS_TEXT};
use crate::port::{EntryKind, Storage, StorageError, path};

/// Folders of the partition that are the runtime's own, with all that is in them.
pub const RESERVED: [&str; 4] = [data::ROOT, "/blobs", "/containers", sequence::FOLDER];

/// Path at which a container finds its image's blobs; nothing else is mounted there.
pub const IMAGE: &str = "/image";

/// A container's mounts as they were given, each followed by a NUL.
pub type Mounts = String<MAX_MOUNTS_TEXT, u8>;

/// A folder of the partition in a container.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mount<'a> {
    /// The folder on the partition.
    pub source: &'a str,
    /// Path in the container.
    pub at: &'a str,
    /// True where the container may not change the content.
    pub read_only: bool,
}

impl<'a> Mount<'a> {
    /// Splits `SRC:DST[:ro|:rw]`, without checking the paths. Neither holds a colon.
    fn split(text: &'a str) -> Option<Self> {
        let (source, rest) = text.split_once(':')?;
        let (at, read_only) = match rest.split_once(':') {
            None => (rest, false),
            Some((at, "ro")) => (at, true),
            Some((at, "rw")) => (at, false),
            Some(_) => return None,
        };
        Some(Self {
            source,
            at,
            read_only,
        })
    }

    /// Reads `SRC:DST[:ro|:rw]`.
    ///
    /// # Errors
    /// [`Error::MountSyntax`], [`Error::MountSource`], [`Error::MountTarget`].
    pub fn parse(text: &'a str) -> Result<Self, Error> {
        let mount = Self::split(text).ok_or(Error::MountSyntax)?;
        for path in [mount.source, mount.at] {
            path::check(path).map_err(|_| Error::MountSyntax)?;
        }
        let reserved = |folder: &&str| path::is_within(mount.source, folder);
        if mount.source == "/" || RESERVED.iter().any(reserved) {
            return Err(Error::MountSource);
        }
        if mount.at == "/" || path::is_within(mount.at, IMAGE) {
            return Err(Error::MountTarget);
        }
        Ok(mount)
    }

    /// True where the two mounts must not be in use at once.
    fn excludes(&self, other: &Self) -> bool {
        !(self.read_only && other.read_only)
            && (path::is_within(self.source, other.source)
                || path::is_within(other.source, self.source))
    }
}

/// Returns a container's mounts, in the order in which they were given.
pub fn iter(mounts: &str) -> MountIter<'_> {
    MountIter(mounts)
}

/// Iterator that [`iter`] returns.
#[derive(Clone, Debug)]
pub struct MountIter<'a>(&'a str);

impl<'a> Iterator for MountIter<'a> {
    type Item = Mount<'a>;

    // A device has this function once, for all loops over mounts.
    #[inline(never)]
    fn next(&mut self) -> Option<Mount<'a>> {
        loop {
            let (first, rest) = self.0.split_once('\0')?;
            self.0 = rest;
            if let Some(mount) = Mount::split(first) {
                return Some(mount);
            }
        }
    }
}

/// True where containers with these mounts must not run at once.
pub fn exclude(mounts: &str, others: &str) -> bool {
    iter(mounts).any(|mount| iter(others).any(|other| mount.excludes(&other)))
}

/// Parses mounts, each `SRC:DST[:ro]`, into `mounts`.
///
/// # Errors
/// The errors of [`Mount::parse`]; [`Error::MountTarget`] where two are at one place, or one file
/// could be reached through two; [`Error::MountsTooMany`].
pub fn list(given: &[&str], mounts: &mut Mounts) -> Result<(), Error> {
    mounts.clear();
    for (before, text) in given.iter().enumerate() {
        let mount = Mount::parse(text)?;
        if iter(mounts).any(|other| other.at == mount.at || mount.excludes(&other)) {
            return Err(Error::MountTarget);
        }
        if before >= MAX_MOUNTS || push(mounts, text).is_none() {
            return Err(Error::MountsTooMany);
        }
    }
    Ok(())
}

/// Makes the missing folders of the mounts.
///
/// # Errors
/// The storage's own; `storage-not-directory` where one is a file.
pub fn create<S: Storage>(storage: &S, mounts: &str) -> Result<(), StorageError> {
    for Mount { source, .. } in iter(mounts) {
        // The folders around it come first.
        for (end, byte) in source.bytes().enumerate().skip(1) {
            if byte == b'/' {
                create_if_absent(storage, source.get(..end).unwrap_or_default())?;
            }
        }
        create_if_absent(storage, source)?;
        if storage.metadata(source)?.kind != EntryKind::Directory {
            return Err(StorageError::NotDirectory);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(given: &[&str]) -> Result<Mounts, Error> {
        let mut mounts = Mounts::new();
        super::list(given, &mut mounts)?;
        Ok(mounts)
    }

    #[test]
    fn a_mount_is_a_folder_a_place_and_whether_it_can_be_changed() {
        let mount = Mount::parse("/shared/in:/in:ro").unwrap();
        assert_eq!((mount.source, mount.at), ("/shared/in", "/in"));
        assert!(mount.read_only);
        assert!(!Mount::parse("/shared:/a/b").unwrap().read_only);
        assert!(!Mount::parse("/shared:/a/b:rw").unwrap().read_only);
        for bad in [
            "",
            "/a",
            "/a:",
            ":/a",
            "a:/a",
            "/a:b",
            "/a:/b:",
            "/a:/b:rx",
            "/a:/b:rw:ro",
            "/a:/b:ro:ro",
            "/a/../data:/b",
            "/a//b:/b",
            "/a:/b/",
            "/a\0:/b",
        ] {
            assert_eq!(Mount::parse(bad), Err(Error::MountSyntax), "{bad:?}");
        }
    }

    #[test]
    fn nothing_of_the_runtimes_own_is_mounted() {
        for source in [
            "/",
            "/data",
            "/data/other",
            "/blobs",
            "/blobs/sha256",
            "/containers",
            "/sequences",
        ] {
            let mut text: String<64> = String::try_from(source).unwrap();
            text.push_str(":/a").unwrap();
            assert_eq!(Mount::parse(&text), Err(Error::MountSource), "{source}");
        }
        assert!(Mount::parse("/data2:/a").is_ok());
        for at in ["/a:/", "/a:/image", "/a:/image/b"] {
            assert_eq!(Mount::parse(at), Err(Error::MountTarget), "{at}");
        }
    }

    #[test]
    fn no_file_is_reached_through_two_mounts_of_which_one_can_change_it() {
        for bad in [
            ["/a:/x", "/b:/x"],
            ["/a:/x", "/a:/y"],
            ["/a:/x:ro", "/a/b:/y"],
            ["/a/b:/x", "/a:/y:ro"],
        ] {
            assert_eq!(list(&bad), Err(Error::MountTarget), "{bad:?}");
        }
        assert!(list(&["/a:/x:ro", "/a/b:/y:ro", "/ab:/z"]).is_ok());
        assert!(exclude("/a:/x\0", "/b:/x\0/a/b:/y:ro\0"));
        assert!(!exclude("/a:/x:ro\0", "/a:/x:ro\0"));
        assert!(!exclude("/a:/x\0", ""));
    }

    #[test]
    fn mounts_that_are_too_many_are_refused_not_cut() {
        let five = ["/a:/a", "/b:/b", "/c:/c", "/d:/d", "/e:/e"];
        assert_eq!(list(&five[..MAX_MOUNTS]).unwrap().len(), 6 * MAX_MOUNTS);
        assert_eq!(list(&five), Err(Error::MountsTooMany));
        let mut long: String<{ MAX_MOUNTS_TEXT + 8 }> = String::try_from("/a:/").unwrap();
        while long.len() < MAX_MOUNTS_TEXT {
            long.push('x').unwrap();
        }
        assert_eq!(list(&[&long]), Err(Error::MountsTooMany));
        long.pop();
        assert!(list(&[&long]).is_ok());
    }
}
