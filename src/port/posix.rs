// SPDX-License-Identifier: Apache-2.0
//! File attributes and times, of storages with [`Storage::POSIX`](super::Storage::POSIX).

/// Attributes of an entry besides its kind and size. Times are nanoseconds since 1970-01-01 UTC,
/// and 0 for what lies before.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Attributes {
    /// Number of the file system that the entry is on.
    pub device: u64,
    /// Number of the entry on its file system.
    pub inode: u64,
    /// Count of hard links.
    pub links: u64,
    /// Time of the last read.
    pub accessed_ns: u64,
    /// Time of the last write.
    pub modified_ns: u64,
    /// Time of the last change of content or attributes.
    pub changed_ns: u64,
}

/// New value of one time of an entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SetTime {
    /// Leaves the time alone.
    Keep,
    /// Sets the time to the present.
    Now,
    /// Sets the time to nanoseconds since 1970-01-01 UTC.
    At(u64),
}

/// New times of an entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Times {
    /// Time of the last read.
    pub accessed: SetTime,
    /// Time of the last write.
    pub modified: SetTime,
}
