// SPDX-License-Identifier: Apache-2.0
//! What may be done with a descriptor: preview 1's `rights`, one bit for each.

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
/// Ask for the position.
pub const FD_TELL: u32 = 1 << 5;
/// Write.
pub const FD_WRITE: u32 = 1 << 6;
/// Say how a file will be used.
pub const FD_ADVISE: u32 = 1 << 7;
/// Reserve room.
pub const FD_ALLOCATE: u32 = 1 << 8;
/// Make a folder in it.
pub const PATH_CREATE_DIRECTORY: u32 = 1 << 9;
/// Make a file in it.
pub const PATH_CREATE_FILE: u32 = 1 << 10;
/// Make a hard link of what is in it.
pub const PATH_LINK_SOURCE: u32 = 1 << 11;
/// Make a hard link in it.
pub const PATH_LINK_TARGET: u32 = 1 << 12;
/// Open what is in it.
pub const PATH_OPEN: u32 = 1 << 13;
/// List it.
pub const FD_READDIR: u32 = 1 << 14;
/// Read a link in it.
pub const PATH_READLINK: u32 = 1 << 15;
/// Rename something in it.
pub const PATH_RENAME_SOURCE: u32 = 1 << 16;
/// Rename something into it.
pub const PATH_RENAME_TARGET: u32 = 1 << 17;
/// Ask what is in it.
pub const PATH_FILESTAT_GET: u32 = 1 << 18;
/// Cut a file in it when opening it.
pub const PATH_FILESTAT_SET_SIZE: u32 = 1 << 19;
/// Set the times of what is in it.
pub const PATH_FILESTAT_SET_TIMES: u32 = 1 << 20;
/// Ask what it is.
pub const FD_FILESTAT_GET: u32 = 1 << 21;
/// Cut or extend it.
pub const FD_FILESTAT_SET_SIZE: u32 = 1 << 22;
/// Set its times.
pub const FD_FILESTAT_SET_TIMES: u32 = 1 << 23;
/// Make a symbolic link in it.
pub const PATH_SYMLINK: u32 = 1 << 24;
/// Remove a folder in it.
pub const PATH_REMOVE_DIRECTORY: u32 = 1 << 25;
/// Remove a file in it.
pub const PATH_UNLINK_FILE: u32 = 1 << 26;
/// Wait until it can be read or written.
pub const POLL_FD_READWRITE: u32 = 1 << 27;

/// Every right that preview 1 has.
pub const ALL: u32 = (1 << 30) - 1;

/// Of a guest's rights, those that there are.
pub fn known(rights: u64) -> u32 {
    u32::try_from(rights & u64::from(ALL)).unwrap_or(ALL)
}

/// What makes sense for a file.
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

/// What changes a file.
pub const CHANGE: u32 = FD_WRITE | FD_ALLOCATE | FD_FILESTAT_SET_SIZE;

/// What makes sense for a folder: all but what only files can.
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

/// What makes sense for a console: no position, which is how guests know one.
pub const CONSOLE: u32 =
    FD_READ | FD_WRITE | FD_FDSTAT_SET_FLAGS | FD_FILESTAT_GET | POLL_FD_READWRITE;
