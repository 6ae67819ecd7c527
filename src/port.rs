// SPDX-License-Identifier: Apache-2.0
//! Contracts with the platform: all that the core asks of the outside.
//!
//! A platform (a PC, Zephyr) implements these traits once; nothing above them knows which one it
//! runs on. Every method takes `&self` and may be called from any thread, and takes the locks that
//! it needs inside. No method may panic, whatever its arguments.

pub mod conformance;
pub mod devices;
pub mod host;
pub mod memory;
pub mod path;
pub mod posix;

use core::ffi::CStr;
use core::ops::DerefMut;

use crate::container::Guest;
use crate::image::Image;
use crate::image::aot::Target;
use crate::image::judge::{Policy, Workspace};
use crate::limits::MAX_CONTAINERS;

pub use posix::{Attributes, SetTime, Times};

// ---------------------------------------------------------------- storage

ocre_oci::coded_enum! {
    /// Reason why a storage operation failed.
    pub enum StorageError {
        /// No entry has that path, or a folder above it is missing.
        NotFound = "storage-not-found",
        /// An entry with that path is there already.
        Exists = "storage-exists",
        /// A file stands where a folder is needed.
        NotDirectory = "storage-not-directory",
        /// A folder stands where a file is needed.
        IsDirectory = "storage-is-directory",
        /// The folder to be removed still has entries.
        NotEmpty = "storage-not-empty",
        /// The partition is full.
        NoSpace = "storage-full",
        /// A name, or the whole path, is longer than the file system takes.
        NameTooLong = "storage-name-too-long",
        /// The argument makes no sense for this file (a seek before its start, say).
        Invalid = "storage-invalid",
        /// Out of memory, or of open files.
        NoMemory = "storage-out-of-memory",
        /// The file system's own structures are damaged.
        Corrupt = "storage-corrupt",
        /// The device did not carry the operation out.
        Io = "storage-io",
        /// The file system does not offer the operation.
        Unsupported = "storage-unsupported",
        /// The file system's permissions do not allow the operation.
        Denied = "storage-denied",
    }
}

/// Kind of the entry at a path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A folder.
    Directory,
    /// A symbolic link. Only a [`Storage::POSIX`] file system has them.
    Symlink,
}

/// Metadata of an entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Metadata {
    /// Kind of the entry.
    pub kind: EntryKind,
    /// Bytes in a file; 0 for anything else.
    pub size: u64,
}

/// Mode of an open file. The default is not valid: see [`is_valid`](Self::is_valid).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct OpenMode {
    /// Reading is allowed.
    pub read: bool,
    /// Writing is allowed.
    pub write: bool,
    /// A missing file is made.
    pub create: bool,
    /// With `create`: a file that is there already is [`StorageError::Exists`].
    pub exclusive: bool,
    /// The file is cut to 0 bytes.
    pub truncate: bool,
    /// Every write goes to the file's end.
    pub append: bool,
}

impl OpenMode {
    /// Read a file that must be there.
    pub const READ: Self = Self {
        read: true,
        write: false,
        create: false,
        exclusive: false,
        truncate: false,
        append: false,
    };
    /// Write a file from empty, making it where it is missing.
    pub const REWRITE: Self = Self {
        read: false,
        write: true,
        create: true,
        exclusive: false,
        truncate: true,
        append: false,
    };

    /// True for a mode that reads or writes, and that writes if it creates, truncates or appends.
    /// Any other mode is [`StorageError::Invalid`].
    pub const fn is_valid(self) -> bool {
        self.write || (self.read && !self.create && !self.truncate && !self.append)
    }
}

/// Origin and offset of a seek, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SeekFrom {
    /// From the file's first byte.
    Start(u64),
    /// From the present position.
    Current(i64),
    /// From one past the file's last byte.
    End(i64),
}

/// Space on the partition, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Space {
    /// Size of the partition.
    pub total: u64,
    /// Space that is not in use, rounded down to whole blocks.
    pub free: u64,
}

/// A file system with littlefs's promises: unsynced data may be lost at a power cut, a rename
/// replaces its target atomically, and a file that was written but neither synced nor closed keeps
/// its old content.
///
/// Paths are absolute, `/`-separated, without `.` and `..`, UTF-8, at most
/// [`MAX_PATH`](crate::limits::MAX_PATH) bytes; the root is `/`. [`path::check`] is that rule.
pub trait Storage {
    /// An open file. Dropping one that was not closed discards what was not synced.
    type File: Send;

    /// Support for the methods of the last section, and POSIX's rules for open files: one can be
    /// opened several times, removed, renamed and replaced. Unsynced writes are then seen by
    /// others at once, instead of what littlefs promises.
    const POSIX: bool = false;

    /// Opens a file.
    fn open(&self, path: &str, mode: OpenMode) -> Result<Self::File, StorageError>;
    /// Reads up to `buffer.len()` bytes at the file's position; 0 only at its end.
    fn read(&self, file: &mut Self::File, buffer: &mut [u8]) -> Result<usize, StorageError>;
    /// Shows the rest of a file in pieces, none of them empty, and leaves the position at its end.
    /// `piece` does not use the storage. A port that has no better place reads into `buffer`; an
    /// empty one is [`StorageError::Invalid`].
    fn stream(
        &self,
        file: &mut Self::File,
        buffer: &mut [u8],
        piece: &mut dyn FnMut(&[u8]),
    ) -> Result<(), StorageError> {
        stream_through(self, file, buffer, piece)
    }
    /// Writes all of `bytes` at the file's position, or fails.
    fn write(&self, file: &mut Self::File, bytes: &[u8]) -> Result<(), StorageError>;
    /// Moves the position and returns it, in bytes from the start.
    fn seek(&self, file: &mut Self::File, to: SeekFrom) -> Result<u64, StorageError>;
    /// Returns the file's size in bytes, with the bytes written through this handle.
    fn size(&self, file: &mut Self::File) -> Result<u64, StorageError>;
    /// Cuts or extends (with zeros) the file to `size` bytes; the position stays.
    fn truncate(&self, file: &mut Self::File, size: u64) -> Result<(), StorageError>;
    /// Makes everything written so far survive a power cut.
    fn sync(&self, file: &mut Self::File) -> Result<(), StorageError>;
    /// Syncs and closes.
    fn close(&self, file: Self::File) -> Result<(), StorageError>;

    /// Returns the metadata of the entry at a path.
    fn metadata(&self, path: &str) -> Result<Metadata, StorageError>;
    /// Makes one folder; the folder above it must be there.
    fn create_dir(&self, path: &str) -> Result<(), StorageError>;
    /// Removes a file or an empty folder.
    fn remove(&self, path: &str) -> Result<(), StorageError>;
    /// Renames, atomically replacing a file (or an empty folder) at `to`.
    fn rename(&self, from: &str, to: &str) -> Result<(), StorageError>;
    /// Calls `entry` for each name in a folder (never `.` or `..`), in no promised order,
    /// until it returns `false`. Entries may be neither added nor removed meanwhile.
    fn read_dir(
        &self,
        path: &str,
        entry: &mut dyn FnMut(&str, Metadata) -> bool,
    ) -> Result<(), StorageError>;
    /// [`read_dir`](Self::read_dir) without sizes, for a port that knows kinds sooner.
    fn read_names(
        &self,
        path: &str,
        entry: &mut dyn FnMut(&str, EntryKind) -> bool,
    ) -> Result<(), StorageError> {
        self.read_dir(path, &mut |name, metadata| entry(name, metadata.kind))
    }
    /// Block size, in bytes: the space of a file is a multiple of it.
    fn block_bytes(&self) -> u32 {
        4096
    }
    /// Returns the space on the partition.
    fn space(&self) -> Result<Space, StorageError>;

    // Only for POSIX file systems; nothing calls these of any other.

    /// Attributes of the entry at a path; of a symbolic link itself.
    fn attributes(&self, path: &str) -> Result<Attributes, StorageError> {
        let _ = path;
        Err(StorageError::Unsupported)
    }
    /// Attributes of an open file.
    fn file_attributes(&self, file: &mut Self::File) -> Result<Attributes, StorageError> {
        let _ = file;
        Err(StorageError::Unsupported)
    }
    /// Sets the times of the entry at a path; of a symbolic link itself.
    fn set_times(&self, path: &str, times: Times) -> Result<(), StorageError> {
        let _ = (path, times);
        Err(StorageError::Unsupported)
    }
    /// Sets the times of an open file.
    fn set_file_times(&self, file: &mut Self::File, times: Times) -> Result<(), StorageError> {
        let _ = (file, times);
        Err(StorageError::Unsupported)
    }
    /// Reserves room for `length` bytes of a file from `offset` on, extending a shorter file.
    fn allocate(
        &self,
        file: &mut Self::File,
        offset: u64,
        length: u64,
    ) -> Result<(), StorageError> {
        let _ = (file, offset, length);
        Err(StorageError::Unsupported)
    }
    /// Copies the target of a symbolic link into `buffer`, as much as fits, and returns its
    /// length. [`StorageError::Invalid`] for any other entry.
    fn read_link(&self, path: &str, buffer: &mut [u8]) -> Result<usize, StorageError> {
        let _ = (path, buffer);
        Err(StorageError::Unsupported)
    }
    /// Makes a symbolic link at `path`. The target is not checked.
    fn symlink(&self, target: &str, path: &str) -> Result<(), StorageError> {
        let _ = (target, path);
        Err(StorageError::Unsupported)
    }
    /// Makes a second name, `to`, for the file or symbolic link at `from`.
    fn hard_link(&self, from: &str, to: &str) -> Result<(), StorageError> {
        let _ = (from, to);
        Err(StorageError::Unsupported)
    }
}

/// Implements [`Storage::stream`] by reading into `buffer`: for a port whose better way does not
/// apply to a file.
///
/// # Errors
/// `Invalid`, or the errors of [`Storage::read`].
pub fn stream_through<S: Storage + ?Sized>(
    storage: &S,
    file: &mut S::File,
    buffer: &mut [u8],
    piece: &mut dyn FnMut(&[u8]),
) -> Result<(), StorageError> {
    if buffer.is_empty() {
        return Err(StorageError::Invalid);
    }
    loop {
        let count = storage.read(file, buffer)?;
        match buffer.get(..count) {
            Some([]) => return Ok(()),
            Some(bytes) => piece(bytes),
            None => return Err(StorageError::Io),
        }
    }
}

// ---------------------------------------------------------------- time and chance

/// Clock of a platform.
pub trait Clock {
    /// Microseconds since boot; never goes back.
    fn uptime_us(&self) -> u64;
    /// Nanoseconds since 1970-01-01 UTC, where the platform knows the date.
    fn wall_ns(&self) -> Option<u64>;
}

/// Random bytes.
pub trait Entropy {
    /// Fills `buffer`; `false` where the platform has no source of randomness.
    fn fill(&self, buffer: &mut [u8]) -> bool;
}

/// Reason why output did not reach the console.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ConsoleError {
    /// The reader is gone: a pipe without its other end.
    Closed,
    /// The file that output is redirected to has no space left.
    Full,
    /// Any other failure.
    Io,
}

/// The terminal, or its replacement, of the attached containers.
pub trait Console {
    /// Shows bytes of a container's stdout or stderr: all of them, or an error.
    fn write(&self, stream: Stream, bytes: &[u8]) -> Result<(), ConsoleError>;
    /// Takes typed bytes without waiting: `None` when none are there yet, 0 at the end of input.
    fn read(&self, buffer: &mut [u8]) -> Option<usize>;
}

/// Output of a container.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stream {
    /// File descriptor 1.
    Stdout,
    /// File descriptor 2.
    Stderr,
}

// ---------------------------------------------------------------- threads

/// Number of a thread: the containers have 0 … `MAX_CONTAINERS` - 1, and [`WATCHDOG`] is the
/// supervisor's own.
pub type Slot = u8;

/// The slot of the thread that ends runs at their time limit. The thread must run while guests
/// compute, so it is more urgent than any of them.
pub const WATCHDOG: Slot = MAX_CONTAINERS as Slot;

/// Requirements of a container's thread.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ThreadSpec<'a> {
    /// The container's name; a platform may shorten it.
    pub name: &'a str,
    /// Native stack, in bytes; a platform may give more.
    pub stack_bytes: u32,
    /// Priority: 0 is the most urgent of the containers'. Means nothing for the [`WATCHDOG`].
    pub priority: u8,
}

/// Threads, and the two ways they wait.
///
/// Both waits are free of lost wake-ups: a notification that arrives before the wait ends it.
pub trait Threads {
    /// Starts a thread that calls [`Supervisor::thread_main`](crate::supervisor::Supervisor)
    /// with `slot` and then ends. `false` when there is no memory or no stack for one.
    ///
    /// The slot's earlier thread may still be on its way out of that call: where both would
    /// use one stack, this waits for it.
    fn spawn(&self, slot: Slot, spec: &ThreadSpec<'_>) -> bool;
    /// Waits until [`wake`](Self::wake) is called for `slot` or uptime reaches `until_us`; where
    /// that is now or past, lets other threads run first. Called by the slot's own thread only.
    /// `true` when woken.
    fn sleep(&self, slot: Slot, until_us: Option<u64>) -> bool;
    /// Ends the present or next [`sleep`](Self::sleep) of `slot`.
    fn wake(&self, slot: Slot);
    /// Waits until [`announce`](Self::announce) was called more than `seen` times in all, or uptime
    /// reaches `until_us`. Returns the number of those calls.
    fn await_change(&self, seen: u32, until_us: Option<u64>) -> u32;
    /// Tells every [`await_change`](Self::await_change) that some container's state changed.
    fn announce(&self);
    /// Computing time of the present or last thread of `slot`, in microseconds; `None` where it is
    /// not counted. Called while the thread exists.
    fn computed_us(&self, slot: Slot) -> Option<u64> {
        let _ = slot;
        None
    }
    /// Feeds the platform's own watchdog. Returns the time until the next call is due, in
    /// microseconds; `None` where there is no such watchdog.
    fn beat(&self) -> Option<u32> {
        None
    }
}

// ---------------------------------------------------------------- engine

/// Host functions that guests may import from one module. One static table of them serves all
/// containers, because the engine registers host functions per process; the caller's grants are
/// checked at each call.
///
/// C strings, so that an engine written in C uses them where they are.
#[derive(Clone, Copy, Debug)]
pub struct HostModule {
    /// Module name of the import.
    pub name: &'static CStr,
    /// Functions of the module. They are numbered through all modules of a table.
    pub functions: &'static [HostFunction],
}

impl HostModule {
    /// Finds the function `name` of the module `module`, and its number.
    pub fn find(modules: &[Self], module: &str, name: &str) -> Option<(usize, HostFunction)> {
        let mut first = 0_usize;
        for one in modules {
            if one.name.to_bytes() == module.as_bytes() {
                let mut functions = (first..).zip(one.functions);
                return functions
                    .find(|(_, function)| function.name.to_bytes() == name.as_bytes())
                    .map(|(number, function)| (number, *function));
            }
            first = first.saturating_add(one.functions.len());
        }
        None
    }
}

/// A host function.
#[derive(Clone, Copy, Debug)]
pub struct HostFunction {
    /// Field name of the import.
    pub name: &'static CStr,
    /// Type, as [`host::signature`] writes it: at most 16 parameters and one result.
    pub signature: &'static CStr,
}

impl HostFunction {
    /// Field name of the import.
    pub fn name(&self) -> &'static str {
        self.name.to_str().unwrap_or_default()
    }

    /// Returns the letters of the parameters, and the letter of the result.
    pub fn types(&self) -> (&'static str, &'static str) {
        let signature = self.signature.to_str().unwrap_or_default();
        let inside = signature.strip_prefix('(').unwrap_or_default();
        inside.split_once(')').unwrap_or_default()
    }
}

/// Type of an import or export of a loaded module.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum External<'a> {
    /// A function.
    Function {
        /// Type, with the letters of [`host::signature`], and `?` for a vector or a reference.
        /// Parameters and results behind the 16th are cut off, and a `?` takes their place.
        signature: &'a str,
    },
    /// A linear memory.
    Memory {
        /// Pages of 64 KiB at the start.
        minimum_pages: u32,
    },
    /// A table.
    Table,
    /// A global.
    Global,
}

/// Names of the one memory that a module may import, as compilers give them; the engine makes that
/// memory for the instance, like a memory of the module.
pub const IMPORTED_MEMORY: (&str, &str) = ("env", "memory");

/// Reason why the engine did not accept code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LoadError {
    /// The engine's validator or loader rejects the bytes.
    Invalid,
    /// No memory to load it.
    OutOfMemory,
    /// This build of the engine has no support for that kind of code.
    Unsupported,
    /// The module uses a feature of WebAssembly that the engine lacks.
    Feature,
    /// The module exceeds a limit of the engine.
    Limit,
}

/// Reason why a loaded module did not get as far as its entry point.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StartError {
    /// An import is no host function of this build, or has another signature.
    Link,
    /// The module's memory does not fit the container's limit.
    MemoryLimit,
    /// No memory left on the machine.
    OutOfMemory,
    /// The entry point is not exported, or its signature is not `() -> ()` or `() -> i32`.
    Entry,
    /// Instantiation failed otherwise (a data segment outside the memory, say).
    Instantiate,
    /// The thread's stack is smaller than the engine needs.
    Stack,
}

ocre_oci::coded_enum! {
    /// Reason why the engine stopped a guest.
    pub enum Trap {
        /// The `unreachable` instruction.
        Unreachable = "trap-unreachable",
        /// A load or store outside linear memory.
        MemoryOutOfBounds = "trap-memory-out-of-bounds",
        /// A table access outside the table, or an uninitialised element.
        TableOutOfBounds = "trap-table-out-of-bounds",
        /// An indirect call with the wrong signature.
        IndirectCallType = "trap-indirect-call-type",
        /// Integer division by zero.
        DivideByZero = "trap-divide-by-zero",
        /// Integer overflow in a division or conversion.
        IntegerOverflow = "trap-integer-overflow",
        /// A float without an integer value was converted.
        InvalidConversion = "trap-invalid-conversion",
        /// The wasm or native stack is used up.
        StackOverflow = "trap-stack-overflow",
        /// The engine had no memory for an operation that must not fail.
        OutOfMemory = "trap-out-of-memory",
        /// The instruction budget is used up.
        InstructionLimit = "trap-instruction-limit",
        /// A host function refused its arguments in a way that no errno can express.
        Host = "trap-host",
        /// Anything else the engine reports.
        Other = "trap-other",
    }
}

impl Trap {
    /// Finds the trap with that code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|trap| trap.code() == code)
    }
}

/// End of a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exit {
    /// The entry point returned (code 0, or its i32 result) or the guest called `proc_exit`.
    Code(i32),
    /// The guest trapped.
    Trap(Trap),
    /// [`Stop::stop`] ended the run.
    Stopped,
}

/// Answer of a host function that ends the run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Halt {
    /// The guest ends with this exit code.
    Exit(i32),
    /// The guest traps.
    Trap(Trap),
    /// The container is being stopped.
    Stopped,
}

/// Host functions of a run, which the engine calls when the guest calls an import.
pub trait Host {
    /// Calls the `function`-th entry of the engine's table of [host functions](HostModule).
    ///
    /// `memory` is the guest's whole linear memory. `arguments` holds one parameter in each
    /// element (a 32-bit one in the low half); a result is written to the first element, and
    /// there is always at least one.
    fn call(
        &mut self,
        function: usize,
        memory: &mut [u8],
        arguments: &mut [u64],
    ) -> Result<(), Halt>;

    /// Size of the host buffer of the `function`-th entry, in bytes: linear memory, besides the
    /// guest's own, for a guest that imports this function.
    fn room_for(&self, function: usize) -> u32 {
        let _ = function;
        0
    }

    /// Hands over the host buffer that [`room_for`](Self::room_for) asked for, before the guest
    /// runs. The buffer lies in linear memory, and the guest does not know its address.
    fn give_room(&mut self, function: usize, address: u32, bytes: u32) {
        let _ = (function, address, bytes);
    }
}

/// Entry point and limits of a run.
#[derive(Clone, Copy, Debug)]
pub struct Program<'a> {
    /// Exported function to call.
    pub entry: &'a str,
    /// Most bytes of linear memory; at least one page of 64 KiB is counted for a guest
    /// that does not let its memory shrink.
    pub memory_bytes: u32,
    /// Bytes of the engine's stack for interpreted frames (operands and locals).
    pub stack_bytes: u32,
    /// Most instructions an interpreted guest may execute.
    pub instructions: Option<u64>,
}

/// Ends or holds a run from another thread. No method blocks on anything that a guest can hold.
pub trait Stop: Send + Sync {
    /// Initial value, without requests. A constant, so that the supervisor can be a static.
    const NEW: Self;

    /// Makes the run that uses this end soon with [`Exit::Stopped`], even if it has yet to begin,
    /// or is held.
    fn stop(&self);
    /// Holds the run that uses this at its guest's next safe point: a loop, a call, a host call
    /// from before its beginning to after its end, or its first instruction where it has yet
    /// to begin.
    fn hold(&self);
    /// Lets the run go on.
    fn release(&self);
    /// Bytes of the run's linear memory, also after its end; the most that it had, because a memory
    /// only grows. 0 before there is an instance.
    fn memory_bytes(&self) -> u32;
    /// Forgets all requests so far. Called only while no run uses this.
    fn reset(&self);
}

/// Runs WebAssembly.
pub trait Engine {
    /// Memory for one executable layer, from the heap that containers live in.
    type Code: DerefMut<Target = [u8]> + Send;
    /// Loaded code. It keeps, and may have changed, the bytes it was loaded from.
    type Module<'code>;
    /// Object that ends or holds a run.
    type Stopper: Stop;

    /// Allocates memory for `bytes` of code, zeroed; `None` when there is none.
    fn allocate(&self, bytes: usize) -> Option<Self::Code>;
    /// Target of the AOT code that this build runs; `None` where AOT is left out.
    fn aot_target(&self) -> Option<&'static Target>;
    /// True where this build has the interpreter.
    fn interprets(&self) -> bool;
    /// The host functions that guests can import.
    fn host_functions(&self) -> &'static [HostModule];

    /// Loads and validates wasm or AOT code. `explain` gets the engine's message on failure.
    fn load<'code>(
        &self,
        code: &'code mut [u8],
        explain: &mut dyn FnMut(&str),
    ) -> Result<Self::Module<'code>, LoadError>;
    /// Shows each import as (module, name, type).
    fn imports(&self, module: &Self::Module<'_>, import: &mut dyn FnMut(&str, &str, External<'_>));
    /// Shows each export as (name, type).
    fn exports(&self, module: &Self::Module<'_>, export: &mut dyn FnMut(&str, External<'_>));
    /// Pages of 64 KiB that the module's memory starts with; 0 without one.
    fn minimum_pages(&self, module: &Self::Module<'_>) -> u32;
    /// Instantiates the module, with the host's buffers, calls `started`, and only then runs guest
    /// code on this thread: the start function, if there is one, and the entry point to its end.
    /// Everything the run took is given back before this returns.
    fn run(
        &self,
        module: &mut Self::Module<'_>,
        program: &Program<'_>,
        host: &mut dyn Host,
        stopper: &Self::Stopper,
        started: &mut dyn FnMut(),
    ) -> Result<Exit, StartError>;
}

// ---------------------------------------------------------------- platform

/// All of the above, for one device.
pub trait Platform {
    /// The kind of lock that the runtime's own short critical sections use.
    type RawMutex: lock_api::RawMutex;
    /// The partition.
    type Storage: Storage;
    /// The engine.
    type Engine: Engine;

    /// The partition. The image store's layout is in its root folder.
    fn storage(&self) -> &Self::Storage;
    /// The engine.
    fn engine(&self) -> &Self::Engine;
    /// The clock.
    fn clock(&self) -> &dyn Clock;
    /// The source of random bytes.
    fn entropy(&self) -> &dyn Entropy;
    /// The console of attached containers.
    fn console(&self) -> &dyn Console;
    /// The threads.
    fn threads(&self) -> &dyn Threads;
    /// Pins and sensors that a command can drive; `None` where they are real.
    fn simulated(&self) -> Option<&dyn devices::Simulated> {
        None
    }
    /// Policy of this device for images.
    fn policy(&self) -> Policy<'_>;
    /// Makes the host functions for one run of a container, calls `run` with them once, and
    /// gives back what they hold.
    fn with_host(&self, guest: &dyn Guest, run: &mut dyn FnMut(&mut dyn Host));
    /// Lends the buffers for the documents of images, and room for an image, to one user of the
    /// image store at a time. Calls `run` once.
    fn with_documents(&self, run: &mut dyn FnMut(Workspace<'_>, &mut Image));
}
