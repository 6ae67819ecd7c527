// SPDX-License-Identifier: Apache-2.0
//! WASI preview 1 for containers.
//!
//! Promised: a guest reaches its own folder, its image's blobs, its mounts, its own output and
//! input, time and random numbers, and nothing else; no address, length, path or descriptor that it
//! makes up does more than give it an errno; a call that waits, or takes long, ends at once when
//! the container is killed. Every function of preview 1 can be imported; one that makes no sense
//! here answers with the errno that preview 1 has for that.
//!
//! Design: [`FUNCTIONS`] is the table for the engine, [`Wasi`] the open descriptors of a run. A
//! call takes its numbers, looks up descriptors in `table`, resolves paths with `path`, and touches
//! guest memory only through `memory`. Files are the partition's, through the ports.
//!
//! Differences from other systems: the calendar begins at 1970 with each boot where the device
//! does not know the date. Where the storage is not [`Storage::POSIX`], a file has no times, so
//! they are 0; there are no links; and a file that is open can be neither removed nor renamed nor
//! replaced ([`Errno::Busy`]).
#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::panic
    )
)]

mod calls;
mod errno;
mod links;
mod memory;
mod path;
mod quota;
mod rights;
mod table;
mod tree;

use heapless::Vec;
use ocre::container::{Guest, mount};
use ocre::limits::MAX_MOUNTS;
use ocre::port::host_functions::{Parameter as _, parameters};
use ocre::port::{Clock, Entropy, Host, HostExit, HostModule, Storage};

pub use errno::Errno;
use errno::Error;
use memory::Memory;
use quota::Quota;
use table::{DescriptorTable, FileTree, TREES};

/// Module that guests import from: its name, and [`FUNCTIONS`].
///
/// ```
/// use ocre::port::HostModule;
///
/// // The table that the engine of a device without other host functions is started with.
/// static FUNCTIONS: [HostModule; 1] = [ocre_wasi::MODULE];
///
/// let found = HostModule::find(&FUNCTIONS, "wasi_snapshot_preview1", "fd_write");
/// let (_, function) = found.unwrap();
/// assert_eq!(function.types(), ("iiii", "i"));
/// ```
pub const MODULE: HostModule = HostModule {
    name: c"wasi_snapshot_preview1",
    functions: FUNCTIONS,
};

/// State of a container's run: descriptors, quota and input.
///
/// ```
/// use ocre::container::Guest;
/// use ocre::port::Host;
/// use ocre::supervisor::Platform;
/// use ocre_wasi::Wasi;
///
/// /// Host functions of one run: a platform calls this from its `with_host`.
/// fn with_host<P: Platform>(device: &P, guest: &dyn Guest, run: &mut dyn FnMut(&mut dyn Host)) {
///     let mut wasi = Wasi::new(device.storage(), device.clock(), device.entropy(), guest);
///     run(&mut wasi);
///     wasi.close();
/// }
/// ```
pub struct Wasi<'a, S: Storage> {
    storage: &'a S,
    clock: &'a dyn Clock,
    entropy: &'a dyn Entropy,
    guest: &'a dyn Guest,
    table: DescriptorTable<S::File>,
    quota: Quota,
    /// Input byte that a poll took to look for input.
    typed: Option<u8>,
}

impl<'a, S: Storage> Wasi<'a, S> {
    /// Starts a run of a container.
    pub fn new(
        storage: &'a S,
        clock: &'a dyn Clock,
        entropy: &'a dyn Entropy,
        guest: &'a dyn Guest,
    ) -> Self {
        Self::with(
            storage,
            clock,
            entropy,
            guest,
            &[FileTree::Data, FileTree::Image],
        )
    }

    /// Starts a run of a module without a container: it has its mounts, and no other folders.
    pub fn bare(
        storage: &'a S,
        clock: &'a dyn Clock,
        entropy: &'a dyn Entropy,
        guest: &'a dyn Guest,
    ) -> Self {
        Self::with(storage, clock, entropy, guest, &[])
    }

    fn with(
        storage: &'a S,
        clock: &'a dyn Clock,
        entropy: &'a dyn Entropy,
        guest: &'a dyn Guest,
        own: &[FileTree],
    ) -> Self {
        let mut trees = Vec::<FileTree, TREES>::new();
        trees.extend(own.iter().copied());
        guest.spec(&mut |spec| {
            for (index, mount) in (0..).zip(mount::iter(&spec.mounts)).take(MAX_MOUNTS) {
                let read_only = mount.read_only;
                // There is room for all of them.
                let _ = trees.push(FileTree::Mount { index, read_only });
            }
        });
        Self {
            storage,
            clock,
            entropy,
            guest,
            table: DescriptorTable::new(&trees),
            quota: Quota::new(storage, guest, &trees),
            typed: None,
        }
    }

    /// Closes the files that the guest has left open, whatever the end of its run. Their content is
    /// kept.
    pub fn close(&mut self) {
        for file in self.table.drain() {
            if let Err(error) = self.storage.close(file) {
                log::error!("container {}: a file is lost: {error}", self.guest.name());
            }
        }
    }
}

impl<S: Storage> Host for Wasi<'_, S> {
    fn call(
        &mut self,
        function: usize,
        memory: &mut [u8],
        arguments: &mut [u64],
    ) -> Result<(), HostExit> {
        self.guest.check()?;
        let parameters = parameters(arguments);
        let answer = match Self::handler(function) {
            Some(handler) => handler(self, &mut Memory::new(memory), &parameters),
            None => Err(Errno::Nosys.into()),
        };
        let errno = match answer {
            Ok(()) => 0,
            Err(Error::Errno(errno)) => errno as u64,
            Err(Error::Exit) => {
                let [code, ..] = parameters;
                return Err(HostExit::Exit(i32::from_argument(code)));
            }
            Err(Error::Stopped) => return Err(HostExit::Stopped),
        };
        if let Some(result) = arguments.first_mut() {
            *result = errno;
        }
        Ok(())
    }
}

ocre::host_functions! {
    /// Functions of preview 1, for the engine; [`Wasi`] is called with an index into the list.
    pub const FUNCTIONS;
    impl ['a, S: Storage] Wasi<'a, S> {
        fn handler -> Result<(), Error>;
        args_get(u32, u32) -> i32;
        args_sizes_get(u32, u32) -> i32;
        environ_get(u32, u32) -> i32;
        environ_sizes_get(u32, u32) -> i32;
        clock_res_get(u32, u32) -> i32;
        clock_time_get(u32, u64, u32) -> i32;
        fd_advise(u32, u64, u64, u32) -> i32;
        fd_allocate(u32, u64, u64) -> i32;
        fd_close(u32) -> i32;
        fd_datasync(u32) -> i32;
        fd_fdstat_get(u32, u32) -> i32;
        fd_fdstat_set_flags(u32, u32) -> i32;
        fd_fdstat_set_rights(u32, u64, u64) -> i32;
        fd_filestat_get(u32, u32) -> i32;
        fd_filestat_set_size(u32, u64) -> i32;
        fd_filestat_set_times(u32, u64, u64, u32) -> i32;
        fd_pread(u32, u32, u32, u64, u32) -> i32;
        fd_prestat_get(u32, u32) -> i32;
        fd_prestat_dir_name(u32, u32, u32) -> i32;
        fd_pwrite(u32, u32, u32, u64, u32) -> i32;
        fd_read(u32, u32, u32, u32) -> i32;
        fd_readdir(u32, u32, u32, u64, u32) -> i32;
        fd_renumber(u32, u32) -> i32;
        fd_seek(u32, u64, u32, u32) -> i32;
        fd_sync(u32) -> i32;
        fd_tell(u32, u32) -> i32;
        fd_write(u32, u32, u32, u32) -> i32;
        path_create_directory(u32, u32, u32) -> i32;
        path_filestat_get(u32, u32, u32, u32, u32) -> i32;
        path_filestat_set_times(u32, u32, u32, u32, u64, u64, u32) -> i32;
        path_link(u32, u32, u32, u32, u32, u32, u32) -> i32;
        path_open(u32, u32, u32, u32, u32, u64, u64, u32, u32) -> i32;
        path_readlink(u32, u32, u32, u32, u32, u32) -> i32;
        path_remove_directory(u32, u32, u32) -> i32;
        path_rename(u32, u32, u32, u32, u32, u32) -> i32;
        path_symlink(u32, u32, u32, u32, u32) -> i32;
        path_unlink_file(u32, u32, u32) -> i32;
        poll_oneoff(u32, u32, u32, u32) -> i32;
        proc_exit(i32);
        proc_raise(u32) -> i32;
        sched_yield() -> i32;
        random_get(u32, u32) -> i32;
        sock_accept(u32, u32, u32) -> i32;
        sock_recv(u32, u32, u32, u32, u32, u32) -> i32;
        sock_send(u32, u32, u32, u32, u32) -> i32;
        sock_shutdown(u32, u32) -> i32;
    }
}
