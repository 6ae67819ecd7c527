// SPDX-License-Identifier: Apache-2.0
//! Rights of a descriptor: preview 1's `rights`, one bit for each.

/// Synchronise a file's data.
pub const FD_DATASYNC: u32 = 1 << 0;
/// Read.
pub const FD_READ: u32 = 1 << 1;
/// Move the position.
pub const FD_SEEK: u32 = 1 << 2;
/// Change the descriptor's flags.
pub const FD_FDSTAT_SET_FLAGS: u32 = 1 << 3;
/// Synchronise a file.
pub const FD_SYNC: u32 = 1 << 4;
/// Get the position.
pub const FD_TELL: u32 = 1 << 5;
/// Write.
pub const FD_WRITE: u32 = 1 << 6;
/// Advise on the use of a file.
pub const FD_ADVISE: u32 = 1 << 7;
/// Reserve room.
pub const FD_ALLOCATE: u32 = 1 << 8;
/// Make a folder in the folder.
pub const PATH_CREATE_DIRECTORY: u32 = 1 << 9;
/// Make a file in the folder.
pub const PATH_CREATE_FILE: u32 = 1 << 10;
/// Make a hard link to an entry of the folder.
pub const PATH_LINK_SOURCE: u32 = 1 << 11;
/// Make a hard link in the folder.
pub const PATH_LINK_TARGET: u32 = 1 << 12;
/// Open an entry of the folder.
pub const PATH_OPEN: u32 = 1 << 13;
/// List the folder.
pub const FD_READDIR: u32 = 1 << 14;
/// Read a link in the folder.
pub const PATH_READLINK: u32 = 1 << 15;
/// Rename an entry of the folder.
pub const PATH_RENAME_SOURCE: u32 = 1 << 16;
/// Rename an entry into the folder.
pub const PATH_RENAME_TARGET: u32 = 1 << 17;
/// Get attributes of an entry of the folder.
pub const PATH_FILESTAT_GET: u32 = 1 << 18;
/// Truncate a file in the folder when opening it.
pub const PATH_FILESTAT_SET_SIZE: u32 = 1 << 19;
/// Set the times of an entry of the folder.
pub const PATH_FILESTAT_SET_TIMES: u32 = 1 << 20;
/// Get the descriptor's attributes.
pub const FD_FILESTAT_GET: u32 = 1 << 21;
/// Truncate or extend the file.
pub const FD_FILESTAT_SET_SIZE: u32 = 1 << 22;
/// Set the times of the file or folder.
pub const FD_FILESTAT_SET_TIMES: u32 = 1 << 23;
/// Make a symbolic link in the folder.
pub const PATH_SYMLINK: u32 = 1 << 24;
/// Remove a folder in the folder.
pub const PATH_REMOVE_DIRECTORY: u32 = 1 << 25;
/// Remove a file in the folder.
pub const PATH_UNLINK_FILE: u32 = 1 << 26;
/// Wait until the descriptor can be read or written.
pub const POLL_FD_READWRITE: u32 = 1 << 27;

/// All rights of preview 1.
pub const ALL: u32 = (1 << 30) - 1;

/// Known rights among the bits that a guest gives.
pub fn known(rights: u64) -> u32 {
    u32::try_from(rights & u64::from(ALL)).unwrap_or(ALL)
}

/// Rights for a file.
pub const FILE: u32 = FD_DATASYNC
    | FD_READ
    | FD_SEEK
    | FD_FDSTAT_SET_FLAGS
    | FD_SYNC
    | FD_TELL
    | FD_WRITE
    | FD_ADVISE
    | FD_ALLOCATE
    | FD_FILESTAT_GET
    | FD_FILESTAT_SET_SIZE
    | FD_FILESTAT_SET_TIMES
    | POLL_FD_READWRITE;

/// Rights that change a file.
pub const CHANGE: u32 = FD_WRITE | FD_ALLOCATE | FD_FILESTAT_SET_SIZE;

/// Rights for a folder: all but those for files only.
pub const FOLDER: u32 = ALL
    & !(FD_READ
        | FD_SEEK
        | FD_TELL
        | FD_WRITE
        | FD_ADVISE
        | FD_ALLOCATE
        | FD_FILESTAT_SET_SIZE
        | POLL_FD_READWRITE
        | 1 << 28
        | 1 << 29);

/// Rights for a console: no position, which is how guests recognise one.
pub const CONSOLE: u32 =
    FD_READ | FD_WRITE | FD_FDSTAT_SET_FLAGS | FD_FILESTAT_GET | POLL_FD_READWRITE;
