// SPDX-License-Identifier: Apache-2.0
//! WASI preview 1, function by function, as a guest would call them, on a real littlefs.

#[path = "common/device.rs"]
mod device;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, VecDeque};

use device::{RamPartition, image, put, read_file, with_blob, write_file};
use ocre::container::{Guest, Killed, Limits, Name, Options, Spec, data, mount};
use ocre::folders;
use ocre::image::blob::blob_path;
use ocre::limits::MAX_PATH;
use ocre::port::{
    Clock, ConsoleError, Entropy, EntryKind, Host, HostExit, Slot, Storage, StorageError, Stream,
};
use ocre_pc::flash::{Geometry, RamFlash};
use ocre_pc::littlefs::LittleFs;
use ocre_wasi::{FUNCTIONS, MODULE, Wasi};

// Preview 1's numbers, written out here so that a wrong one in the crate is seen.
const AGAIN: u64 = 6;
const BADF: u64 = 8;
const IO: u64 = 29;
const BUSY: u64 = 10;
const DQUOT: u64 = 19;
const EXIST: u64 = 20;
const FAULT: u64 = 21;
const INVAL: u64 = 28;
const ISDIR: u64 = 31;
const MFILE: u64 = 33;
const NAMETOOLONG: u64 = 37;
const NOENT: u64 = 44;
const NOSPC: u64 = 51;
const PIPE: u64 = 64;
const NOSYS: u64 = 52;
const NOTDIR: u64 = 54;
const NOTEMPTY: u64 = 55;
const NOTSOCK: u64 = 57;
const NOTSUP: u64 = 58;
const PERM: u64 = 63;
const ROFS: u64 = 69;
const SPIPE: u64 = 70;
const XDEV: u64 = 75;
const NOTCAPABLE: u64 = 76;

const CREAT: u64 = 1;
const DIRECTORY: u64 = 2;
const EXCL: u64 = 4;
const TRUNC: u64 = 8;

const APPEND: u64 = 1;
const NONBLOCK: u64 = 4;

const READ: u64 = 1 << 1;
const WRITE: u64 = 1 << 6;
const ALL: u64 = (1 << 30) - 1;

/// Descriptors of the two top folders, and of the first mount.
const DATA: u64 = 3;
const IMAGE: u64 = 4;
const MOUNT: u64 = 5;

/// Addresses in the guest's memory that calls read and write.
const PATH: u32 = 0x1000;
const OTHER_PATH: u32 = 0x2000;
const RESULT: u32 = 0x3000;
const LIST: u32 = 0x4000;
const BUFFER: u32 = 0x8000;
const MEMORY: usize = 0x2_0000;

/// A container without a supervisor, whose time passes only while it sleeps.
struct SoloContainer {
    name: Name,
    spec: Spec,
    now_us: Cell<u64>,
    wall_ns: Cell<Option<u64>>,
    killed: Cell<bool>,
    output: RefCell<Vec<(Stream, Vec<u8>)>>,
    input: RefCell<VecDeque<u8>>,
    input_ended: Cell<bool>,
    slept_until: RefCell<Vec<Option<u64>>>,
    /// Time of the kill, in microseconds.
    doom_us: Cell<Option<u64>>,
    /// Number of checks before the one that finds the container killed.
    checks_left: Cell<Option<u32>>,
    /// Number of pieces of output before the console refuses more, and its error.
    refuses: Cell<Option<(usize, ConsoleError)>>,
}

impl SoloContainer {
    fn new(disk: &RamPartition, options: &Options<'_>) -> Self {
        let name = Name::parse("solo").unwrap();
        let image = image(disk, b"code");
        let image = with_blob(disk, image, "words.txt", b"some words");
        let image = with_blob(disk, image, "../escape", b"a title that is no name");
        let options = Options {
            arguments: &["one", "two words"],
            environment: &["A=1", "B="],
            ..*options
        };
        let mut spec = Spec::blank();
        spec.resolve(&name, &image, &options).unwrap();
        if disk.metadata(&data::folder(&name)).is_err() {
            data::create(disk, &name, false).unwrap();
        }
        mount::create(disk, &spec.mounts).unwrap();
        Self {
            name,
            spec,
            now_us: Cell::new(1_000_000),
            wall_ns: Cell::new(None),
            killed: Cell::new(false),
            output: RefCell::default(),
            input: RefCell::default(),
            input_ended: Cell::new(false),
            slept_until: RefCell::default(),
            doom_us: Cell::new(None),
            checks_left: Cell::new(None),
            refuses: Cell::new(None),
        }
    }

    fn written(&self, stream: Stream) -> Vec<u8> {
        let output = self.output.borrow();
        let of_stream = output.iter().filter(|(one, _)| *one == stream);
        of_stream.flat_map(|(_, bytes)| bytes.clone()).collect()
    }
}

impl Guest for SoloContainer {
    fn name(&self) -> &Name {
        &self.name
    }

    fn slot(&self) -> Slot {
        0
    }

    fn spec(&self, show: &mut dyn FnMut(&Spec)) {
        show(&self.spec);
    }

    fn write(&self, stream: Stream, bytes: &[u8]) -> Result<(), ConsoleError> {
        let refused = self
            .refuses
            .get()
            .filter(|(room, _)| self.output.borrow().len() >= *room);
        if let Some((_, error)) = refused {
            return Err(error);
        }
        self.output.borrow_mut().push((stream, bytes.to_vec()));
        Ok(())
    }

    fn read(&self, buffer: &mut [u8]) -> Option<usize> {
        let mut input = self.input.borrow_mut();
        if input.is_empty() {
            return self.input_ended.get().then_some(0);
        }
        let count = input.len().min(buffer.len());
        for (to, from) in buffer.iter_mut().zip(input.drain(..count)) {
            *to = from;
        }
        Some(count)
    }

    fn sleep(&self, until_us: Option<u64>) -> Result<(), Killed> {
        self.check()?;
        self.slept_until.borrow_mut().push(until_us);
        let until = until_us.expect("nothing would end this sleep");
        self.now_us.set(self.now_us.get().max(until));
        if self.doom_us.get().is_some_and(|doom| doom <= until) {
            self.killed.set(true);
        }
        self.check()
    }

    fn check(&self) -> Result<(), Killed> {
        if let Some(left) = self.checks_left.get() {
            self.checks_left.set(Some(left.saturating_sub(1)));
            if left == 0 {
                return Err(Killed);
            }
        }
        if self.killed.get() {
            Err(Killed)
        } else {
            Ok(())
        }
    }
}

impl Clock for SoloContainer {
    fn uptime_us(&self) -> u64 {
        self.now_us.get()
    }

    fn wall_ns(&self) -> Option<u64> {
        self.wall_ns.get()
    }
}

impl Entropy for SoloContainer {
    fn fill(&self, buffer: &mut [u8]) -> bool {
        buffer.fill(0xa5);
        true
    }
}

/// A guest's side of WASI.
struct WasiProgram<'a> {
    wasi: Wasi<'a, RamPartition>,
    memory: Vec<u8>,
}

fn disk() -> RamPartition {
    let geometry = Geometry::new(4096, 64).unwrap();
    let (flash, formatted) = LittleFs::format(RamFlash::new(geometry));
    formatted.unwrap();
    LittleFs::mount(flash).map_err(|(_, error)| error).unwrap()
}

/// Runs `act` as the guest of a new container.
fn with_program<T>(
    act: impl FnOnce(&mut WasiProgram<'_>, &RamPartition, &SoloContainer) -> T,
) -> T {
    run_on(&disk(), &Options::default(), act)
}

/// The same on an existing partition, with other options.
fn run_on<T>(
    disk: &RamPartition,
    options: &Options<'_>,
    act: impl FnOnce(&mut WasiProgram<'_>, &RamPartition, &SoloContainer) -> T,
) -> T {
    let solo = SoloContainer::new(disk, options);
    let mut program = WasiProgram {
        wasi: Wasi::new(disk, &solo, &solo, &solo),
        memory: vec![0; MEMORY],
    };
    let result = act(&mut program, disk, &solo);
    program.wasi.close();
    result
}

impl WasiProgram<'_> {
    fn try_call(&mut self, name: &str, arguments: &[u64]) -> Result<u64, HostExit> {
        let index = FUNCTIONS
            .iter()
            .position(|function| function.name() == name);
        let index = index.unwrap_or_else(|| panic!("{name} is not there"));
        assert_eq!(FUNCTIONS[index].types().0.len(), arguments.len(), "{name}");
        let mut values = arguments.to_vec();
        values.resize(arguments.len().max(1), 0);
        self.wasi.call(index, &mut self.memory, &mut values)?;
        Ok(values[0])
    }

    /// The errno, 0 for success.
    fn call(&mut self, name: &str, arguments: &[u64]) -> u64 {
        self.try_call(name, arguments).expect("it goes on")
    }

    fn ok(&mut self, name: &str, arguments: &[u64]) {
        assert_eq!(self.call(name, arguments), 0, "{name} {arguments:?}");
    }

    fn put(&mut self, address: u32, bytes: &[u8]) {
        self.memory[address as usize..][..bytes.len()].copy_from_slice(bytes);
    }

    fn get(&self, address: u32, length: usize) -> &[u8] {
        &self.memory[address as usize..][..length]
    }

    fn u32_at(&self, address: u32) -> u32 {
        u32::from_le_bytes(self.get(address, 4).try_into().unwrap())
    }

    fn u64_at(&self, address: u32) -> u64 {
        u64::from_le_bytes(self.get(address, 8).try_into().unwrap())
    }

    fn path(&mut self, path: &str) -> [u64; 2] {
        self.put(PATH, path.as_bytes());
        [PATH.into(), path.len() as u64]
    }

    fn other_path(&mut self, path: &str) -> [u64; 2] {
        self.put(OTHER_PATH, path.as_bytes());
        [OTHER_PATH.into(), path.len() as u64]
    }

    fn try_open(
        &mut self,
        fd: u64,
        path: &str,
        oflags: u64,
        rights: u64,
        flags: u64,
    ) -> Result<u64, u64> {
        let [at, length] = self.path(path);
        let result = u64::from(RESULT);
        let errno = self.call(
            "path_open",
            &[fd, 0, at, length, oflags, rights, 0, flags, result],
        );
        if errno == 0 {
            Ok(self.u32_at(RESULT).into())
        } else {
            Err(errno)
        }
    }

    /// Opens with every right that files have.
    fn open(&mut self, path: &str, oflags: u64) -> u64 {
        let opened = self.try_open(DATA, path, oflags, ALL, 0);
        opened.unwrap_or_else(|errno| panic!("{path}: {errno}"))
    }

    fn open_folder(&mut self, fd: u64, path: &str) -> Result<u64, u64> {
        let [at, length] = self.path(path);
        let result = u64::from(RESULT);
        let folder = ALL & !(READ | WRITE);
        let errno = self.call(
            "path_open",
            &[fd, 0, at, length, DIRECTORY, folder, ALL, 0, result],
        );
        if errno == 0 {
            Ok(self.u32_at(RESULT).into())
        } else {
            Err(errno)
        }
    }

    /// Writes a list at `LIST` with a single buffer at `BUFFER`; returns its arguments.
    fn one_buffer(&mut self, length: usize) -> [u64; 2] {
        self.put(LIST, &BUFFER.to_le_bytes());
        self.put(LIST + 4, &u32::try_from(length).unwrap().to_le_bytes());
        [LIST.into(), 1]
    }

    fn write(&mut self, fd: u64, bytes: &[u8]) -> Result<u32, u64> {
        self.put(BUFFER, bytes);
        let [list, count] = self.one_buffer(bytes.len());
        match self.call("fd_write", &[fd, list, count, RESULT.into()]) {
            0 => Ok(self.u32_at(RESULT)),
            errno => Err(errno),
        }
    }

    fn read(&mut self, fd: u64, length: usize) -> Result<Vec<u8>, u64> {
        let [list, count] = self.one_buffer(length);
        match self.call("fd_read", &[fd, list, count, RESULT.into()]) {
            0 => Ok(self.get(BUFFER, self.u32_at(RESULT) as usize).to_vec()),
            errno => Err(errno),
        }
    }

    fn seek(&mut self, fd: u64, by: i64, whence: u64) -> Result<u64, u64> {
        let by = by.cast_unsigned();
        match self.call("fd_seek", &[fd, by, whence, RESULT.into()]) {
            0 => Ok(self.u64_at(RESULT)),
            errno => Err(errno),
        }
    }

    fn close(&mut self, fd: u64) {
        self.ok("fd_close", &[fd]);
    }

    fn by_path(&mut self, name: &str, fd: u64, path: &str) -> u64 {
        let [at, length] = self.path(path);
        self.call(name, &[fd, at, length])
    }

    fn rename(&mut self, from: &str, to: &str) -> u64 {
        self.rename_at(DATA, from, DATA, to)
    }

    fn rename_at(&mut self, old: u64, from: &str, new: u64, to: &str) -> u64 {
        let [from, from_length] = self.path(from);
        let [to, to_length] = self.other_path(to);
        self.call("path_rename", &[old, from, from_length, new, to, to_length])
    }

    /// File type and size of the entry at a path.
    fn stat(&mut self, fd: u64, path: &str) -> Result<(u8, u64), u64> {
        let [at, length] = self.path(path);
        match self.call("path_filestat_get", &[fd, 1, at, length, RESULT.into()]) {
            0 => Ok((self.get(RESULT + 16, 1)[0], self.u64_at(RESULT + 32))),
            errno => Err(errno),
        }
    }

    /// A folder's entries: (name, filetype, cookie), asked for with buffers of `room` bytes.
    fn list(&mut self, fd: u64, room: u32) -> Vec<(String, u8, u64)> {
        let mut entries = Vec::new();
        let mut cookie = 0;
        loop {
            let [buffer, result] = [BUFFER, RESULT].map(u64::from);
            self.ok("fd_readdir", &[fd, buffer, room.into(), cookie, result]);
            let used = self.u32_at(RESULT);
            assert!(used <= room);
            let bytes = self.get(BUFFER, used as usize).to_vec();
            let mut rest = &bytes[..];
            while let Some((header, more)) = rest.split_at_checked(24) {
                let length = u32::from_le_bytes(header[16..20].try_into().unwrap()) as usize;
                let Some((name, more)) = more.split_at_checked(length) else {
                    break;
                };
                rest = more;
                cookie = u64::from_le_bytes(header[..8].try_into().unwrap());
                let name = String::from_utf8(name.to_vec()).unwrap();
                entries.push((name, header[20], cookie));
            }
            if used < room {
                return entries;
            }
        }
    }

    fn names(&mut self, fd: u64, room: u32) -> BTreeSet<String> {
        let entries = self.list(fd, room);
        let count = entries.len();
        let names: BTreeSet<String> = entries.into_iter().map(|(name, ..)| name).collect();
        assert_eq!(names.len(), count, "a name came twice");
        names
    }
}

fn set<const N: usize>(names: [&str; N]) -> BTreeSet<String> {
    names.map(String::from).into()
}

// ---------------------------------------------------------------- the table

#[test]
fn every_function_of_preview_1_is_there_with_its_signature() {
    // i: i32, I: i64; in preview 1's own order of types, without the result, which is one i32.
    let preview1 = "args_get ii args_sizes_get ii clock_res_get ii clock_time_get iIi \
        environ_get ii environ_sizes_get ii fd_advise iIIi fd_allocate iII fd_close i \
        fd_datasync i fd_fdstat_get ii fd_fdstat_set_flags ii fd_fdstat_set_rights iII \
        fd_filestat_get ii fd_filestat_set_size iI fd_filestat_set_times iIIi fd_pread iiiIi \
        fd_prestat_dir_name iii fd_prestat_get ii fd_pwrite iiiIi fd_read iiii \
        fd_readdir iiiIi fd_renumber ii fd_seek iIii fd_sync i fd_tell ii fd_write iiii \
        path_create_directory iii path_filestat_get iiiii path_filestat_set_times iiiiIIi \
        path_link iiiiiii path_open iiiiiIIii path_readlink iiiiii \
        path_remove_directory iii path_rename iiiiii path_symlink iiiii path_unlink_file iii \
        poll_oneoff iiii proc_exit i proc_raise i random_get ii sched_yield - \
        sock_accept iii sock_recv iiiiii sock_send iiiii sock_shutdown ii";
    let words: Vec<&str> = preview1.split_whitespace().collect();
    let expected: BTreeSet<(String, String)> = words
        .chunks(2)
        .map(|pair| (pair[0].into(), pair[1].replace('-', "")))
        .collect();
    let offered = FUNCTIONS.iter().map(|function| {
        let (parameters, results) = function.types();
        let exits = function.name() == "proc_exit";
        assert_eq!(results, if exits { "" } else { "i" }, "{}", function.name());
        (function.name().into(), parameters.into())
    });
    assert_eq!(offered.collect::<BTreeSet<_>>(), expected);
    assert_eq!(MODULE.name, c"wasi_snapshot_preview1");
    assert_eq!(FUNCTIONS.len(), expected.len());
}

#[test]
fn every_function_has_its_row_in_the_documentation() {
    let documented = include_str!("../../../docs/wasi.md");
    let section = documented.split("## The functions").nth(1).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter_map(|line| {
        let (name, what) = line.strip_prefix("| `")?.split_once("` | ")?;
        assert!(what.len() > " |".len(), "{name} is not explained");
        Some(name)
    });
    let rows: Vec<&str> = rows.collect();
    let offered: Vec<&str> = FUNCTIONS.iter().map(|function| function.name()).collect();
    assert_eq!(rows, offered);
    let limit = format!("| {} | `mfile` |", ocre::limits::MAX_OPEN_FILES);
    assert!(documented.contains(&limit), "{limit}");
}

#[test]
fn what_can_not_be_offered_says_so() {
    with_program(|program, _, _| {
        let file = program.open("file", CREAT);
        for (name, arguments, errno) in [
            ("proc_raise", vec![2], NOSYS),
            ("sock_shutdown", vec![1, 0], NOTSOCK),
            ("sock_shutdown", vec![99, 0], BADF),
            ("sock_accept", vec![file, 0, 0], NOTSOCK),
            ("sock_recv", vec![file, 0, 0, 0, 0, 0], NOTSOCK),
            ("sock_send", vec![file, 0, 0, 0, 0], NOTSOCK),
            ("fd_allocate", vec![file, 0, 10], NOTSUP),
            ("fd_filestat_set_times", vec![file, 0, 0, 5], NOTSUP),
            ("fd_filestat_set_times", vec![file, 0, 0, 3], INVAL),
            ("fd_filestat_set_times", vec![file, 0, 0, 12], INVAL),
            ("fd_filestat_set_times", vec![file, 0, 0, 16], INVAL),
            ("fd_filestat_set_times", vec![0, 0, 0, 5], NOTCAPABLE),
        ] {
            assert_eq!(program.call(name, &arguments), errno, "{name}");
        }
        for (path, errno) in [("file", NOTSUP), ("none", NOENT), ("..", PERM)] {
            let [at, length] = program.path(path);
            let times = [DATA, 1, at, length, 0, 0, 5];
            assert_eq!(program.call("path_filestat_set_times", &times), errno);
        }
        // Links can't be made, and existing entries are in their way.
        for (path, errno) in [
            ("link", NOTSUP),
            ("file", EXIST),
            ("file/", NOTDIR),
            ("link/", NOENT),
            ("none/link", NOTSUP),
            ("../link", PERM),
        ] {
            let [old, old_length] = program.path("file");
            let [new, new_length] = program.other_path(path);
            let link = [DATA, 0, old, old_length, DATA, new, new_length];
            assert_eq!(program.call("path_link", &link), errno, "{path}");
            let symlink = [old, old_length, DATA, new, new_length];
            assert_eq!(program.call("path_symlink", &symlink), errno, "{path}");
        }
        let [dot, one] = program.path(".");
        let of_folder = [DATA, 0, dot, one, DATA, dot, one];
        assert_eq!(program.call("path_link", &of_folder), PERM);
        let following = [DATA, 1, dot, one, DATA, dot, one];
        assert_eq!(program.call("path_link", &following), INVAL);
        let [at, length] = program.path("file");
        let readlink = [DATA, at, length, 0, 0, 0];
        assert_eq!(program.call("path_readlink", &readlink), INVAL);
    });
}

// ---------------------------------------------------------------- process

#[test]
fn arguments_and_environment_come_with_their_sizes_and_addresses() {
    with_program(|program, _, _| {
        for (kind, expected) in [("args", "solo\0one\0two words\0"), ("environ", "A=1\0B=\0")] {
            let sizes = [RESULT, RESULT + 4].map(u64::from);
            program.ok(&format!("{kind}_sizes_get"), &sizes);
            let count = program.u32_at(RESULT);
            assert_eq!(program.u32_at(RESULT + 4) as usize, expected.len());
            program.ok(&format!("{kind}_get"), &[LIST, BUFFER].map(u64::from));
            assert_eq!(program.get(BUFFER, expected.len()), expected.as_bytes());
            let starts = expected.split_inclusive('\0').scan(BUFFER, |start, text| {
                let this = *start;
                *start += text.len() as u32;
                Some(this)
            });
            let starts: Vec<u32> = starts.collect();
            assert_eq!(starts.len(), count as usize);
            for (index, start) in (0..).zip(starts) {
                assert_eq!(program.u32_at(LIST + 4 * index), start, "{kind}");
            }
        }
    });
}

#[test]
fn an_exit_ends_the_run_with_its_code() {
    with_program(|program, _, _| {
        assert_eq!(program.try_call("proc_exit", &[3]), Err(HostExit::Exit(3)));
        let minus_one = u64::from(u32::MAX);
        assert_eq!(
            program.try_call("proc_exit", &[minus_one]),
            Err(HostExit::Exit(-1))
        );
    });
}

#[test]
fn random_bytes_fill_what_was_asked_for_and_nothing_else() {
    with_program(|program, _, _| {
        program.ok("random_get", &[BUFFER.into(), 5000]);
        assert!(program.get(BUFFER, 5000).iter().all(|byte| *byte == 0xa5));
        assert_eq!(program.get(BUFFER - 1, 1), [0]);
        assert_eq!(program.get(BUFFER + 5000, 1), [0]);
        assert_eq!(program.call("random_get", &[MEMORY as u64 - 1, 2]), FAULT);
    });
}

#[test]
fn a_container_that_is_killed_gets_no_further_call() {
    with_program(|program, _, solo| {
        solo.killed.set(true);
        for function in FUNCTIONS {
            let arguments = vec![0; function.types().0.len()];
            assert_eq!(
                program.try_call(function.name(), &arguments),
                Err(HostExit::Stopped),
                "{}",
                function.name()
            );
        }
    });
}

// ---------------------------------------------------------------- time

#[test]
fn clocks_tell_uptime_and_the_date_where_it_is_known() {
    with_program(|program, _, solo| {
        let time = |program: &mut WasiProgram<'_>, clock| {
            program.ok("clock_time_get", &[clock, 1, RESULT.into()]);
            program.u64_at(RESULT)
        };
        assert_eq!(time(program, 1), 1_000_000_000);
        assert_eq!(time(program, 0), 1_000_000_000);
        solo.wall_ns.set(Some(1_700_000_000_000_000_000));
        assert_eq!(time(program, 0), 1_700_000_000_000_000_000);
        program.ok("clock_res_get", &[1, RESULT.into()]);
        assert_eq!(program.u64_at(RESULT), 1000);
        for unknown in [2, 3, 99] {
            let arguments = [unknown, 1, RESULT.into()];
            assert_eq!(program.call("clock_time_get", &arguments), INVAL);
            assert_eq!(
                program.call("clock_res_get", &[unknown, RESULT.into()]),
                INVAL
            );
        }
    });
}

/// A `subscription` to a clock, or to a descriptor.
fn on_clock(userdata: u64, clock: u32, timeout_ns: u64, absolute: bool) -> [u8; 48] {
    let mut bytes = [0; 48];
    bytes[..8].copy_from_slice(&userdata.to_le_bytes());
    bytes[16..20].copy_from_slice(&clock.to_le_bytes());
    bytes[24..32].copy_from_slice(&timeout_ns.to_le_bytes());
    bytes[40] = u8::from(absolute);
    bytes
}

fn on_descriptor(userdata: u64, write: bool, fd: u32) -> [u8; 48] {
    let mut bytes = [0; 48];
    bytes[..8].copy_from_slice(&userdata.to_le_bytes());
    bytes[8] = if write { 2 } else { 1 };
    bytes[16..20].copy_from_slice(&fd.to_le_bytes());
    bytes
}

/// (userdata, error, type, bytes, flags)
type PollResult = (u64, u16, u8, u64, u16);

fn try_poll(
    program: &mut WasiProgram<'_>,
    subscriptions: &[[u8; 48]],
) -> Result<Vec<PollResult>, HostExit> {
    program.put(LIST, &subscriptions.concat());
    let count = subscriptions.len() as u64;
    let arguments = [LIST.into(), BUFFER.into(), count, RESULT.into()];
    let errno = program.try_call("poll_oneoff", &arguments)?;
    assert_eq!(errno, 0);
    let events = (0..program.u32_at(RESULT)).map(|index| {
        let at = BUFFER + 32 * index;
        let u16_at = |at| u16::from_le_bytes(program.get(at, 2).try_into().unwrap());
        (
            program.u64_at(at),
            u16_at(at + 8),
            program.get(at + 10, 1)[0],
            program.u64_at(at + 16),
            u16_at(at + 24),
        )
    });
    Ok(events.collect())
}

fn poll(program: &mut WasiProgram<'_>, subscriptions: &[[u8; 48]]) -> Vec<PollResult> {
    try_poll(program, subscriptions).expect("it goes on")
}

#[test]
fn a_poll_waits_for_the_first_of_its_times() {
    with_program(|program, _, solo| {
        let events = poll(
            program,
            &[
                on_clock(1, 1, 5_000_000, false),
                on_clock(2, 1, 2_000_001, false),
                on_clock(3, 1, 9_000_000, false),
            ],
        );
        assert_eq!(events, [(2, 0, 0, 0, 0)]);
        // Rounded up: never too early.
        assert_eq!(*solo.slept_until.borrow(), [Some(1_002_001)]);
    });
}

#[test]
fn a_poll_for_a_time_that_is_past_does_not_wait() {
    with_program(|program, _, solo| {
        solo.wall_ns.set(Some(77_000));
        let events = poll(
            program,
            &[
                on_clock(1, 1, 0, false),
                on_clock(2, 1, 999_999_999, true),
                on_clock(3, 0, 77_000, true),
                on_clock(4, 0, u64::MAX, true),
            ],
        );
        let userdata: Vec<u64> = events.iter().map(|event| event.0).collect();
        assert_eq!(userdata, [1, 2, 3]);
        assert!(solo.slept_until.borrow().is_empty());
    });
}

#[test]
fn a_poll_for_a_date_waits_until_then() {
    with_program(|program, _, solo| {
        solo.wall_ns.set(None);
        let events = poll(program, &[on_clock(9, 0, 1_500_000_000, true)]);
        assert_eq!(events, [(9, 0, 0, 0, 0)]);
        assert_eq!(*solo.slept_until.borrow(), [Some(1_500_000)]);
    });
}

#[test]
fn a_poll_sees_input_and_its_end_and_what_can_be_written() {
    with_program(|program, _, solo| {
        solo.input.borrow_mut().extend(b"xy");
        let file = u32::try_from(program.open("file", CREAT)).unwrap();
        program.write(file.into(), b"12345").unwrap();
        program.seek(file.into(), 2, 0).unwrap();
        let events = poll(
            program,
            &[
                on_descriptor(1, false, 0),
                on_descriptor(2, true, 1),
                on_descriptor(3, false, file),
                on_descriptor(4, true, file),
                on_descriptor(5, true, 0),
                on_descriptor(6, false, 2),
                on_descriptor(7, false, 99),
                on_clock(8, 1, 1, false),
            ],
        );
        let badf = u16::try_from(BADF).unwrap();
        assert_eq!(
            events,
            [
                (1, 0, 1, 1, 0),
                (2, 0, 2, 0, 0),
                (3, 0, 1, 3, 0),
                (4, 0, 2, 0, 0),
                (5, badf, 2, 0, 0),
                (6, badf, 1, 0, 0),
                (7, badf, 1, 0, 0),
            ]
        );
        // The byte that the poll read ahead is still in the input.
        assert_eq!(program.read(0, 10).unwrap(), b"xy");
        solo.input_ended.set(true);
        assert_eq!(
            poll(program, &[on_descriptor(1, false, 0)]),
            [(1, 0, 1, 0, 1)]
        );
        assert_eq!(program.read(0, 10).unwrap(), b"");
    });
}

#[test]
fn a_poll_for_input_gives_up_at_its_time_or_when_killed() {
    with_program(|program, _, solo| {
        let subscriptions = [
            on_descriptor(1, false, 0),
            on_clock(2, 1, 1_000_000_000, false),
        ];
        assert_eq!(poll(program, &subscriptions), [(2, 0, 0, 0, 0)]);
        assert_eq!(solo.now_us.get(), 2_000_000);
        solo.doom_us.set(Some(2_500_000));
        assert_eq!(try_poll(program, &subscriptions), Err(HostExit::Stopped));
    });
}

#[test]
fn a_poll_that_makes_no_sense_is_refused() {
    with_program(|program, _, _| {
        let mut unknown = on_clock(1, 1, 0, false);
        unknown[8] = 3;
        program.put(LIST, &unknown);
        let [list, buffer, result] = [LIST, BUFFER, RESULT].map(u64::from);
        let end = MEMORY as u64;
        for (arguments, errno) in [
            ([list, buffer, 1, result], INVAL),
            ([list, buffer, 0, result], INVAL),
            ([end - 47, buffer, 1, result], FAULT),
            ([list, end - 31, 1, result], FAULT),
            ([list, buffer, 1, end - 3], FAULT),
            ([list, buffer, u32::MAX.into(), result], FAULT),
        ] {
            assert_eq!(program.call("poll_oneoff", &arguments), errno);
        }
    });
}

#[test]
fn a_yield_lets_others_run() {
    with_program(|program, _, solo| {
        program.ok("sched_yield", &[]);
        assert_eq!(*solo.slept_until.borrow(), [Some(1_000_000)]);
    });
}

// ---------------------------------------------------------------- input and output

#[test]
fn output_that_nobody_takes_is_an_error_of_its_kind_but_what_went_before_it_is_counted() {
    for (error, errno) in [
        (ConsoleError::Closed, PIPE),
        (ConsoleError::Full, NOSPC),
        (ConsoleError::Io, IO),
    ] {
        with_program(|program, _, solo| {
            program.put(BUFFER, &[b'x'; 0x3000]);
            solo.refuses.set(Some((2, error)));
            // Two pieces of 4 KiB are taken.
            assert_eq!(program.write(1, &[b'x'; 0x3000]), Ok(0x2000));
            for fd in [1, 2] {
                assert_eq!(program.write(fd, b"x"), Err(errno), "{error:?}");
            }
            solo.refuses.set(None);
            assert_eq!(program.write(1, b"x"), Ok(1));
        });
    }
}

#[test]
fn output_goes_where_it_was_written_to_all_buffers_in_order() {
    with_program(|program, _, solo| {
        program.put(BUFFER, b"one two three");
        let entries = [(BUFFER, 4_u32), (BUFFER, 0), (BUFFER + 8, 5)];
        for (index, (address, length)) in (0..).zip(entries) {
            program.put(LIST + 8 * index, &address.to_le_bytes());
            program.put(LIST + 8 * index + 4, &length.to_le_bytes());
        }
        for fd in [1, 2, 1] {
            program.ok("fd_write", &[fd, LIST.into(), 3, RESULT.into()]);
            assert_eq!(program.u32_at(RESULT), 9);
        }
        assert_eq!(solo.written(Stream::Stdout), b"one threeone three");
        assert_eq!(solo.written(Stream::Stderr), b"one three");
        assert_eq!(program.write(0, b"x"), Err(BADF));
        assert_eq!(program.read(1, 1), Err(BADF));
    });
}

#[test]
fn a_read_of_input_waits_unless_told_otherwise() {
    with_program(|program, _, solo| {
        solo.doom_us.set(Some(1_100_000));
        let [list, count] = program.one_buffer(10);
        let arguments = [0, list, count, RESULT.into()];
        assert_eq!(
            program.try_call("fd_read", &arguments),
            Err(HostExit::Stopped)
        );
        assert!(!solo.slept_until.borrow().is_empty());
        solo.killed.set(false);
        program.ok("fd_fdstat_set_flags", &[0, NONBLOCK]);
        assert_eq!(program.read(0, 10), Err(AGAIN));
        solo.input.borrow_mut().extend(b"typed");
        assert_eq!(program.read(0, 2).unwrap(), b"ty");
        assert_eq!(program.read(0, 0).unwrap(), b"");
        assert_eq!(program.read(0, 10).unwrap(), b"ped");
    });
}

#[test]
fn a_console_has_no_position_and_is_known_by_that() {
    with_program(|program, _, _| {
        for fd in [0, 1, 2] {
            program.ok("fd_fdstat_get", &[fd, RESULT.into()]);
            assert_eq!(program.get(RESULT, 1), [2]);
            assert_eq!(program.u64_at(RESULT + 8) & 0b10_0100, 0);
            assert_eq!(program.seek(fd, 0, 0), Err(SPIPE));
            assert_eq!(program.call("fd_tell", &[fd, RESULT.into()]), SPIPE);
        }
    });
}

// ---------------------------------------------------------------- files

#[test]
fn the_top_folders_are_listed_and_then_the_list_ends() {
    with_program(|program, _, _| {
        for (fd, name) in [(DATA, "/"), (IMAGE, "/image")] {
            program.ok("fd_prestat_get", &[fd, RESULT.into()]);
            assert_eq!(program.get(RESULT, 1), [0]);
            assert_eq!(program.u32_at(RESULT + 4) as usize, name.len());
            let length = name.len() as u64;
            program.ok("fd_prestat_dir_name", &[fd, BUFFER.into(), length]);
            assert_eq!(program.get(BUFFER, name.len()), name.as_bytes());
            let short = [fd, BUFFER.into(), length - 1];
            assert_eq!(program.call("fd_prestat_dir_name", &short), NAMETOOLONG);
        }
        program.open("file", CREAT);
        for fd in [0, 5, 6] {
            assert_eq!(program.call("fd_prestat_get", &[fd, RESULT.into()]), BADF);
        }
    });
}

#[test]
fn what_is_written_is_read_and_is_on_the_partition_once_closed() {
    with_program(|program, disk, _| {
        let file = program.open("file", CREAT);
        assert_eq!(program.write(file, b"hello, world"), Ok(12));
        assert_eq!(program.seek(file, -5, 2), Ok(7));
        assert_eq!(program.read(file, 100).unwrap(), b"world");
        assert_eq!(program.read(file, 100).unwrap(), b"");
        assert_eq!(program.seek(file, 0, 1), Ok(12));
        program.ok("fd_tell", &[file, RESULT.into()]);
        assert_eq!(program.u64_at(RESULT), 12);
        assert_eq!(program.stat(DATA, "file"), Ok((4, 12)));
        program.close(file);
        assert_eq!(read_file(disk, "/data/solo/file").unwrap(), b"hello, world");
        assert_eq!(program.call("fd_close", &[file]), BADF);
    });
}

#[test]
fn a_seek_lands_where_it_may_and_nowhere_else() {
    with_program(|program, _, _| {
        let file = program.open("file", CREAT);
        program.write(file, b"12345").unwrap();
        for (by, whence) in [(-1, 0), (-6, 1), (-6, 2), (i64::MIN, 1), (i64::MAX, 1)] {
            assert_eq!(program.seek(file, by, whence), Err(INVAL), "{by} {whence}");
        }
        assert_eq!(program.seek(file, 0, 3), Err(INVAL));
        assert_eq!(program.seek(file, 0, 1), Ok(5));
        assert_eq!(program.seek(file, i64::MAX, 0), Ok(i64::MAX as u64));
        assert_eq!(program.read(file, 1).unwrap(), b"");
        assert_eq!(program.write(file, b"x"), Err(NOSPC));
        assert_eq!(program.seek(file, 7, 0), Ok(7));
        assert_eq!(program.write(file, b"8"), Ok(1));
        assert_eq!(program.seek(file, 0, 0), Ok(0));
        assert_eq!(program.read(file, 100).unwrap(), b"12345\0\x008");
        assert_eq!(program.seek(DATA, 0, 0), Err(BADF));
    });
}

#[test]
fn a_read_or_write_at_a_place_leaves_the_position_alone() {
    with_program(|program, _, _| {
        let file = program.open("file", CREAT);
        program.write(file, b"abcdef").unwrap();
        program.seek(file, 1, 0).unwrap();
        program.put(BUFFER, b"XY");
        let [list, count] = program.one_buffer(2);
        program.ok("fd_pwrite", &[file, list, count, 3, RESULT.into()]);
        assert_eq!(program.u32_at(RESULT), 2);
        program.ok("fd_pread", &[file, list, count, 2, RESULT.into()]);
        assert_eq!(program.get(BUFFER, 2), b"cX");
        assert_eq!(program.read(file, 100).unwrap(), b"bcXYf");
        assert_eq!(
            program.call("fd_pread", &[0, list, count, 0, RESULT.into()]),
            SPIPE
        );
    });
}

#[test]
fn an_appending_descriptor_writes_at_the_end_wherever_it_is() {
    with_program(|program, _, _| {
        let file = program.open("file", CREAT);
        program.write(file, b"start").unwrap();
        let appending = program.try_open(DATA, "file", 0, ALL, APPEND).unwrap();
        assert_eq!(program.write(appending, b"+1"), Ok(2));
        program.seek(file, 0, 0).unwrap();
        program.write(file, b"S").unwrap();
        program.seek(appending, 0, 0).unwrap();
        assert_eq!(program.write(appending, b"+2"), Ok(2));
        program.seek(file, 0, 0).unwrap();
        assert_eq!(program.read(file, 100).unwrap(), b"Start+1+2");
        // The flag can be taken off.
        program.ok("fd_fdstat_set_flags", &[appending, 0]);
        program.seek(appending, 1, 0).unwrap();
        program.write(appending, b"T").unwrap();
        assert_eq!(program.call("fd_fdstat_set_flags", &[appending, 32]), INVAL);
        program.seek(file, 0, 0).unwrap();
        assert_eq!(program.read(file, 5).unwrap(), b"STart");
    });
}

#[test]
fn a_file_opened_twice_is_one_file_with_two_positions() {
    with_program(|program, disk, _| {
        let one = program.open("file", CREAT);
        let two = program.open("file", 0);
        program.write(one, b"seen at once").unwrap();
        assert_eq!(program.read(two, 4).unwrap(), b"seen");
        program.write(two, b" AT").unwrap();
        assert_eq!(program.seek(one, 0, 1), Ok(12));
        program.close(one);
        assert_eq!(program.read(two, 100).unwrap(), b" once");
        // Cut by a third, through which the second sees the end.
        let three = program.open("file", TRUNC);
        assert_eq!(program.read(two, 100).unwrap(), b"");
        program.close(three);
        program.close(two);
        assert_eq!(read_file(disk, "/data/solo/file").unwrap(), b"");
    });
}

#[test]
fn a_size_is_set_and_what_is_new_is_zero() {
    with_program(|program, disk, solo| {
        let file = program.open("file", CREAT);
        program.write(file, b"12345").unwrap();
        program.ok("fd_filestat_set_size", &[file, 2]);
        program.ok("fd_filestat_set_size", &[file, 10_000]);
        program.ok("fd_filestat_get", &[file, RESULT.into()]);
        assert_eq!(program.u64_at(RESULT + 32), 10_000);
        for too_large in [1 << 20, 1 << 40, u64::MAX] {
            let arguments = [file, too_large];
            assert_eq!(program.call("fd_filestat_set_size", &arguments), NOSPC);
        }
        program.close(file);
        let mut expected = vec![0; 10_000];
        expected[..2].copy_from_slice(b"12");
        assert_eq!(read_file(disk, "/data/solo/file").unwrap(), expected);
        assert!(!solo.killed.get());
    });
}

#[test]
fn a_full_partition_says_so() {
    with_program(|program, disk, _| {
        let small = program.open("small", CREAT);
        program.write(small, b"kept").unwrap();
        program.close(small);
        let file = program.open("file", CREAT);
        let piece = vec![7; 16 * 1024];
        let errno = loop {
            match program.write(file, &piece) {
                Ok(count) => assert!(count > 0),
                Err(errno) => break errno,
            }
        };
        assert_eq!(errno, NOSPC);
        assert_eq!(program.call("fd_close", &[file]), NOSPC);
        assert_eq!(program.by_path("path_unlink_file", DATA, "file"), 0);
        assert_eq!(read_file(disk, "/data/solo/small").unwrap(), b"kept");
        let again = program.open("again", CREAT);
        assert_eq!(program.write(again, &piece), Ok(16 * 1024));
    });
}

#[test]
fn opening_does_what_its_flags_say() {
    with_program(|program, _, _| {
        let rights = ALL;
        assert_eq!(program.try_open(DATA, "file", 0, rights, 0), Err(NOENT));
        assert_eq!(
            program.try_open(DATA, "none/file", CREAT, rights, 0),
            Err(NOENT)
        );
        let file = program
            .try_open(DATA, "file", CREAT | EXCL, rights, 0)
            .unwrap();
        program.write(file, b"12345").unwrap();
        program.close(file);
        assert_eq!(
            program.try_open(DATA, "file", CREAT | EXCL, rights, 0),
            Err(EXIST)
        );
        let file = program.open("file", CREAT);
        assert_eq!(program.read(file, 9).unwrap(), b"12345");
        program.close(file);
        let file = program.open("file", TRUNC);
        assert_eq!(program.read(file, 9).unwrap(), b"");
        program.close(file);
        assert_eq!(program.try_open(DATA, "file", DIRECTORY, 0, 0), Err(NOTDIR));
        assert_eq!(program.try_open(DATA, "file/", 0, 0, 0), Err(NOTDIR));
        assert_eq!(program.try_open(DATA, "file/x", 0, 0, 0), Err(NOTDIR));
        assert_eq!(program.try_open(DATA, "file/..", 0, 0, 0), Err(NOTDIR));
        assert_eq!(program.try_open(DATA, "new/", CREAT, rights, 0), Err(NOENT));
        assert_eq!(program.by_path("path_create_directory", DATA, "dir"), 0);
        assert_eq!(program.try_open(DATA, "dir", 0, rights, 0), Err(ISDIR));
        assert_eq!(program.try_open(DATA, "dir", CREAT, 0, 0), Err(ISDIR));
        assert!(program.try_open(DATA, "dir", 0, 0, 0).is_ok());
        assert_eq!(program.try_open(DATA, "x", 16, rights, 0), Err(INVAL));
        assert_eq!(program.try_open(DATA, "x", CREAT, rights, 32), Err(INVAL));
        assert_eq!(program.stat(DATA, "x"), Err(NOENT));
    });
}

#[test]
fn so_many_files_can_be_open_and_closing_one_makes_room() {
    with_program(|program, _, _| {
        let mut open = Vec::new();
        let errno = loop {
            let path = format!("file{}", open.len());
            match program.try_open(DATA, &path, CREAT, ALL, 0) {
                Ok(fd) => open.push(fd),
                Err(errno) => break errno,
            }
        };
        assert_eq!(errno, MFILE);
        assert_eq!(open.len(), ocre::limits::MAX_OPEN_FILES);
        // Nothing was made that could not be opened.
        assert_eq!(
            program.stat(DATA, &format!("file{}", open.len())),
            Err(NOENT)
        );
        let last = open.pop().unwrap();
        program.close(last);
        assert_eq!(program.try_open(DATA, "one", CREAT, WRITE, 0), Ok(last));
    });
}

#[test]
fn a_descriptor_can_take_anothers_number() {
    with_program(|program, disk, _| {
        let one = program.open("one", CREAT);
        let two = program.open("two", CREAT);
        program.write(one, b"1").unwrap();
        program.write(two, b"2").unwrap();
        program.ok("fd_renumber", &[two, one]);
        assert_eq!(read_file(disk, "/data/solo/one").unwrap(), b"1");
        assert_eq!(program.write(two, b"x"), Err(BADF));
        program.write(one, b"2").unwrap();
        program.ok("fd_renumber", &[one, one]);
        assert_eq!(program.call("fd_renumber", &[one, 99]), BADF);
        assert_eq!(program.call("fd_renumber", &[99, one]), BADF);
        // stdout into the file.
        program.ok("fd_renumber", &[one, 1]);
        program.write(1, b"3").unwrap();
        program.close(1);
        assert_eq!(read_file(disk, "/data/solo/two").unwrap(), b"223");
    });
}

#[test]
fn rights_can_be_given_up_and_not_won() {
    with_program(|program, _, _| {
        let file = program.try_open(DATA, "file", CREAT, WRITE, 0).unwrap();
        assert_eq!(program.read(file, 1), Err(NOTCAPABLE));
        program.ok("fd_fdstat_get", &[file, RESULT.into()]);
        assert_eq!(program.u64_at(RESULT + 8), WRITE);
        assert_eq!(
            program.call("fd_fdstat_set_rights", &[file, READ | WRITE, 0]),
            NOTCAPABLE
        );
        program.ok("fd_fdstat_set_rights", &[file, 0, 0]);
        assert_eq!(program.write(file, b"x"), Err(NOTCAPABLE));
    });
}

#[test]
fn what_a_folder_does_not_hand_on_is_not_had_through_it() {
    with_program(|program, _, _| {
        program.ok("fd_fdstat_get", &[DATA, RESULT.into()]);
        let rights = program.u64_at(RESULT + 8);
        program.open("file", CREAT);
        program.ok("fd_fdstat_set_rights", &[DATA, rights, READ]);
        assert!(program.try_open(DATA, "file", 0, READ, 0).is_ok());
        assert_eq!(program.try_open(DATA, "file", 0, WRITE, 0), Err(NOTCAPABLE));
        assert_eq!(
            program.try_open(DATA, "file", 0, READ | WRITE, 0),
            Err(NOTCAPABLE)
        );
        let making = 1 << 9;
        program.ok("fd_fdstat_set_rights", &[DATA, rights & !making, READ]);
        assert_eq!(
            program.by_path("path_create_directory", DATA, "dir"),
            NOTCAPABLE
        );
    });
}

// ---------------------------------------------------------------- folders

#[test]
fn folders_are_made_listed_and_removed() {
    with_program(|program, disk, _| {
        for path in ["dir", "dir/sub"] {
            assert_eq!(program.by_path("path_create_directory", DATA, path), 0);
        }
        assert_eq!(program.by_path("path_create_directory", DATA, "dir"), EXIST);
        assert_eq!(program.by_path("path_create_directory", DATA, "."), EXIST);
        assert_eq!(
            program.by_path("path_create_directory", DATA, "no/sub"),
            NOENT
        );
        let file = program.open("dir/file", CREAT);
        program.close(file);
        let folder = program.open_folder(DATA, "dir").unwrap();
        let mut entries = program.list(folder, 4096);
        entries.sort();
        let kinds: Vec<(&str, u8)> = entries
            .iter()
            .map(|(name, kind, _)| (&**name, *kind))
            .collect();
        assert_eq!(kinds, [(".", 3), ("..", 3), ("file", 4), ("sub", 3)]);
        assert_eq!(program.stat(DATA, "dir"), Ok((3, 0)));
        assert_eq!(
            program.by_path("path_remove_directory", DATA, "dir"),
            NOTEMPTY
        );
        assert_eq!(
            program.by_path("path_remove_directory", DATA, "dir/file"),
            NOTDIR
        );
        assert_eq!(program.by_path("path_unlink_file", DATA, "dir/sub"), ISDIR);
        assert_eq!(program.by_path("path_unlink_file", folder, "file"), 0);
        assert_eq!(program.by_path("path_remove_directory", folder, "sub"), 0);
        assert_eq!(program.by_path("path_remove_directory", DATA, "dir/"), 0);
        assert_eq!(program.by_path("path_remove_directory", DATA, "dir"), NOENT);
        assert_eq!(program.by_path("path_remove_directory", DATA, "."), INVAL);
        assert_eq!(
            disk.metadata("/data/solo").unwrap().kind,
            EntryKind::Directory
        );
    });
}

#[test]
fn a_listing_in_small_pieces_misses_nothing_whatever_is_removed_meanwhile() {
    with_program(|program, _, _| {
        let names: BTreeSet<String> = (0..40).map(|index| format!("file-{index}")).collect();
        for name in &names {
            let file = program.open(name, CREAT);
            program.close(file);
        }
        let mut expected = names.clone();
        expected.extend(set([".", ".."]));
        for room in [40, 64, 100, 333, 4096] {
            assert_eq!(program.names(DATA, room), expected, "{room}");
        }
        // As a program removes a folder: ask for some, remove them, and go on.
        let mut cookie = 0;
        let mut removed = BTreeSet::new();
        loop {
            let [buffer, result] = [BUFFER, RESULT].map(u64::from);
            program.ok("fd_readdir", &[DATA, buffer, 100, cookie, result]);
            let used = program.u32_at(RESULT) as usize;
            let bytes = program.get(BUFFER, used).to_vec();
            let length = u32::from_le_bytes(bytes[16..20].try_into().unwrap()) as usize;
            cookie = u64::from_le_bytes(bytes[..8].try_into().unwrap());
            let name = String::from_utf8(bytes[24..24 + length].to_vec()).unwrap();
            if !name.starts_with('.') {
                assert_eq!(program.by_path("path_unlink_file", DATA, &name), 0);
                removed.insert(name);
            }
            if used < 100 && used == 24 + length {
                break;
            }
        }
        assert_eq!(removed, names);
        assert_eq!(program.names(DATA, 4096), set([".", ".."]));
    });
}

#[test]
fn a_listing_that_does_not_fit_is_cut_and_fills_its_buffer() {
    with_program(|program, _, _| {
        let file = program.open("a-name-of-some-length", CREAT);
        program.close(file);
        for room in 0..60_u32 {
            let [buffer, result] = [BUFFER, RESULT].map(u64::from);
            program.ok("fd_readdir", &[DATA, buffer, room.into(), 0, result]);
            assert_eq!(program.u32_at(RESULT), room);
        }
        let end = MEMORY as u64;
        assert_eq!(
            program.call("fd_readdir", &[DATA, end - 9, 10, 0, RESULT.into()]),
            FAULT
        );
        assert_eq!(
            program.call("fd_readdir", &[0, 0, 10, 0, RESULT.into()]),
            NOTDIR
        );
    });
}

#[test]
fn numbers_of_entries_are_those_that_stat_tells() {
    with_program(|program, _, _| {
        let file = program.open("file", CREAT);
        program.ok("fd_filestat_get", &[file, RESULT.into()]);
        let number = program.u64_at(RESULT + 8);
        program.stat(DATA, "./file").unwrap();
        assert_eq!(program.u64_at(RESULT + 8), number);
        let [buffer, result] = [BUFFER, RESULT].map(u64::from);
        program.ok("fd_readdir", &[DATA, buffer, 4096, 2, result]);
        assert_eq!(program.u64_at(BUFFER + 8), number);
        program.stat(DATA, ".").unwrap();
        assert_ne!(program.u64_at(RESULT + 8), number);
    });
}

// ---------------------------------------------------------------- removing and renaming

#[test]
fn a_file_that_is_open_is_neither_removed_nor_renamed_nor_replaced() {
    with_program(|program, disk, _| {
        let file = program.open("file", CREAT);
        program.write(file, b"mine").unwrap();
        let other = program.open("other", CREAT);
        program.close(other);
        assert_eq!(program.by_path("path_unlink_file", DATA, "file"), BUSY);
        assert_eq!(program.rename("file", "new"), BUSY);
        assert_eq!(program.rename("other", "file"), BUSY);
        assert_eq!(program.rename("file", "file"), 0);
        program.seek(file, 0, 0).unwrap();
        assert_eq!(program.read(file, 9).unwrap(), b"mine");
        program.close(file);
        assert_eq!(program.rename("file", "new"), 0);
        assert_eq!(program.rename("other", "new"), 0);
        assert_eq!(read_file(disk, "/data/solo/new").unwrap(), b"");
        assert_eq!(program.by_path("path_unlink_file", DATA, "new"), 0);
        assert_eq!(program.by_path("path_unlink_file", DATA, "new"), NOENT);
    });
}

#[test]
fn what_is_open_in_a_folder_goes_with_it() {
    with_program(|program, disk, _| {
        for path in ["old", "old/sub", "older"] {
            assert_eq!(program.by_path("path_create_directory", DATA, path), 0);
        }
        let file = program.open("old/sub/file", CREAT);
        let beside = program.open("older/file", CREAT);
        let folder = program.open_folder(DATA, "old/sub").unwrap();
        assert_eq!(program.rename("old", "new"), 0);
        program.write(file, b"moved").unwrap();
        program.write(beside, b"not moved").unwrap();
        assert_eq!(program.stat(folder, "file"), Ok((4, 5)));
        assert_eq!(program.stat(DATA, "new/sub/file"), Ok((4, 5)));
        assert_eq!(program.stat(DATA, "old/sub/file"), Err(NOENT));
        // Found as open under its new name.
        assert_eq!(program.by_path("path_unlink_file", folder, "file"), BUSY);
        program.close(file);
        program.close(beside);
        assert_eq!(
            read_file(disk, "/data/solo/new/sub/file").unwrap(),
            b"moved"
        );
        assert_eq!(
            read_file(disk, "/data/solo/older/file").unwrap(),
            b"not moved"
        );
    });
}

#[test]
fn a_rename_goes_where_it_makes_sense() {
    with_program(|program, _, _| {
        for path in ["dir", "dir/sub", "empty", "full", "full/sub"] {
            assert_eq!(program.by_path("path_create_directory", DATA, path), 0);
        }
        let file = program.open("file", CREAT);
        program.close(file);
        assert_eq!(program.rename("none", "new"), NOENT);
        assert_eq!(program.rename("file", "none/file"), NOENT);
        assert_eq!(program.rename("file", "dir"), ISDIR);
        assert_eq!(program.rename("dir", "file"), NOTDIR);
        assert_eq!(program.rename("file", "new/"), NOTDIR);
        assert_eq!(program.rename("file/", "new"), NOTDIR);
        assert_eq!(program.rename("dir", "dir/sub/x"), INVAL);
        assert_eq!(program.rename("dir", "full"), NOTEMPTY);
        assert_eq!(program.rename(".", "new"), INVAL);
        assert_eq!(program.rename("dir", "."), INVAL);
        assert_eq!(program.rename("dir", "dir/"), 0);
        assert_eq!(program.rename("dir", "empty"), 0);
        assert_eq!(program.stat(DATA, "empty/sub"), Ok((3, 0)));
        assert_eq!(program.rename("empty", "new/"), 0);
        assert_eq!(program.stat(DATA, "new/sub"), Ok((3, 0)));
        let long = "x".repeat(100);
        assert_eq!(program.rename("new", &long), 0);
        let deep = program.open_folder(DATA, &format!("{long}/sub")).unwrap();
        let longer = format!("full/{}", "y".repeat(115));
        assert_eq!(program.rename(&long, &longer), NAMETOOLONG);
        assert_eq!(program.stat(deep, "."), Ok((3, 0)));
    });
}

#[test]
fn no_rename_makes_a_path_too_long_to_be_named() {
    with_program(|program, disk, _| {
        for path in ["a", "a/b", "c"] {
            assert_eq!(program.by_path("path_create_directory", DATA, path), 0);
        }
        let file = program.open(&format!("a/b/{}", "y".repeat(80)), CREAT);
        program.close(file);
        let long = "x".repeat(41);
        assert_eq!(program.rename("a", &long), NAMETOOLONG);
        assert_eq!(program.rename("a/b", &long), NAMETOOLONG);
        assert_eq!(program.rename("a", &long[..30]), 0);
        assert_eq!(program.rename(&long[..30], "a"), 0);
        // Folders are moved into one another as long as the innermost can be named.
        let (outer, inner) = ("o".repeat(20), "i".repeat(20));
        assert_eq!(program.rename("c", &inner), 0);
        let mut depth = 1;
        loop {
            assert_eq!(program.by_path("path_create_directory", DATA, &outer), 0);
            let errno = program.rename(&inner, &format!("{outer}/{inner}"));
            if errno != 0 {
                assert_eq!(errno, NAMETOOLONG);
                break;
            }
            assert_eq!(program.rename(&outer, &inner), 0);
            depth += 1;
        }
        assert_eq!(depth, 5, "of 21 bytes each, in 121");
        let longest = folders::survey(disk, "/data", 1, &|| false)
            .unwrap()
            .longest;
        assert!(longest <= MAX_PATH, "{longest}");
    });
}

#[test]
fn the_depth_of_a_mount_counts_from_the_top_of_the_partition() {
    let disk = disk();
    let source = format!("/{}", "s".repeat(60));
    let mount = format!("{source}:/shared");
    let options = Options {
        mounts: &[&mount],
        ..Options::default()
    };
    run_on(&disk, &options, |program, _, _| {
        let make = |program: &mut WasiProgram<'_>, path: &str| {
            program.by_path("path_create_directory", MOUNT, path)
        };
        assert_eq!(make(program, "a"), 0);
        assert_eq!(make(program, &format!("a/{}", "y".repeat(80))), 0);
        let longer = |length| "x".repeat(length);
        let rename =
            |program: &mut WasiProgram<'_>, to: &str| program.rename_at(MOUNT, "a", MOUNT, to);
        assert_eq!(rename(program, &longer(28)), NAMETOOLONG);
        assert_eq!(rename(program, &longer(27)), 0);
        assert_eq!(make(program, &longer(109)), NAMETOOLONG);
        assert_eq!(make(program, &longer(108)), 0);
    });
}

#[test]
fn a_container_that_is_killed_stops_looking_for_long_paths() {
    with_program(|program, _, solo| {
        for path in ["a", "a/b", "a/b/c"] {
            assert_eq!(program.by_path("path_create_directory", DATA, path), 0);
        }
        solo.checks_left.set(Some(1));
        let [from, from_length] = program.path("a");
        let [to, to_length] = program.other_path("longer");
        let arguments = [DATA, from, from_length, DATA, to, to_length];
        let ended = program.try_call("path_rename", &arguments);
        assert_eq!(ended, Err(HostExit::Stopped));
        solo.checks_left.set(None);
        assert_eq!(program.stat(DATA, "a/b/c"), Ok((3, 0)));
    });
}

// ---------------------------------------------------------------- the walls

#[test]
fn no_path_function_leads_out_of_its_folder() {
    with_program(|program, disk, _| {
        disk.create_dir("/data/other").unwrap();
        write_file(disk, "/data/other/file", b"not yours");
        write_file(disk, "/index.json", b"not yours");
        assert_eq!(program.by_path("path_create_directory", DATA, "dir"), 0);
        let folder = program.open_folder(DATA, "dir").unwrap();
        let file = program.open("file", CREAT);
        program.close(file);
        for fd in [DATA, IMAGE, folder] {
            for path in [
                "..",
                "../other/file",
                "../../index.json",
                "/data/other/file",
                "/",
                "./../other/file",
                "./.././other",
            ] {
                let [at, length] = program.path(path);
                let result = u64::from(RESULT);
                for (name, arguments) in [
                    ("path_create_directory", vec![fd, at, length]),
                    ("path_filestat_get", vec![fd, 0, at, length, result]),
                    ("path_open", vec![fd, 0, at, length, 0, READ, 0, 0, result]),
                    (
                        "path_open",
                        vec![fd, 0, at, length, CREAT, WRITE, 0, 0, result],
                    ),
                    (
                        "path_open",
                        vec![fd, 0, at, length, DIRECTORY, 0, 0, 0, result],
                    ),
                    (
                        "path_readlink",
                        vec![fd, at, length, BUFFER.into(), 10, result],
                    ),
                    ("path_remove_directory", vec![fd, at, length]),
                    ("path_unlink_file", vec![fd, at, length]),
                ] {
                    assert_eq!(program.call(name, &arguments), PERM, "{name} {path}");
                }
                assert_eq!(program.rename_at(fd, path, DATA, "x"), PERM, "{path}");
                assert_eq!(program.rename_at(DATA, "file", fd, path), PERM, "{path}");
            }
        }
        assert_eq!(program.stat(folder, "../file"), Err(PERM));
        assert_eq!(program.stat(DATA, "dir/../file"), Ok((4, 0)));
        assert_eq!(read_file(disk, "/data/other/file").unwrap(), b"not yours");
    });
}

#[test]
fn the_image_is_read_by_title_or_digest_and_changed_by_nothing() {
    with_program(|program, disk, solo| {
        let hex = |index: usize| {
            solo.spec
                .image
                .blobs
                .get(index)
                .unwrap()
                .content
                .digest
                .hex()
                .to_string()
        };
        let (first, second) = (hex(0), hex(1));
        assert_eq!(
            program.names(IMAGE, 4096),
            set([".", "..", "words.txt", &second])
        );
        for path in ["words.txt", &first, "./words.txt"] {
            let file = program.try_open(IMAGE, path, 0, READ | 1 << 2, 0).unwrap();
            assert_eq!(program.read(file, 100).unwrap(), b"some words");
            program.close(file);
        }
        assert_eq!(program.stat(IMAGE, "words.txt"), Ok((4, 10)));
        assert_eq!(program.stat(IMAGE, &second), Ok((4, 23)));
        assert_eq!(program.stat(IMAGE, "."), Ok((3, 0)));
        assert_eq!(program.stat(IMAGE, "../escape"), Err(PERM));
        assert_eq!(program.stat(IMAGE, "none"), Err(NOENT));
        assert_eq!(program.stat(IMAGE, "words.txt/x"), Err(NOTDIR));
        assert_eq!(program.stat(IMAGE, "words.txt/.."), Err(NOTDIR));
        let executable = solo.spec.image.executable.digest.hex().to_string();
        assert_eq!(program.stat(IMAGE, &executable), Err(NOENT));

        for (oflags, rights) in [(0, WRITE), (TRUNC, READ), (TRUNC, WRITE)] {
            let opened = program.try_open(IMAGE, "words.txt", oflags, rights, 0);
            assert_eq!(opened, Err(ROFS));
        }
        assert_eq!(program.try_open(IMAGE, "new", CREAT, READ, 0), Err(ROFS));
        let file = program
            .try_open(IMAGE, "words.txt", 0, ALL & !WRITE, 0)
            .unwrap();
        assert_eq!(program.write(file, b"x"), Err(NOTCAPABLE));
        assert_eq!(program.call("fd_filestat_set_size", &[file, 0]), NOTCAPABLE);
        program.ok("fd_sync", &[file]);
        assert_eq!(
            program.by_path("path_unlink_file", IMAGE, "words.txt"),
            ROFS
        );
        assert_eq!(
            program.by_path("path_remove_directory", IMAGE, "words.txt"),
            ROFS
        );
        assert_eq!(program.by_path("path_create_directory", IMAGE, "dir"), ROFS);
        assert_eq!(program.rename_at(IMAGE, "words.txt", IMAGE, "x"), ROFS);
        assert_eq!(program.rename_at(IMAGE, "words.txt", DATA, "x"), XDEV);
        assert_eq!(program.rename_at(DATA, "x", IMAGE, "words.txt"), XDEV);
        let path = blob_path("/", &solo.spec.image.blobs.get(0).unwrap().content.digest).unwrap();
        assert_eq!(read_file(disk, &path).unwrap(), b"some words");
    });
}

#[test]
fn a_call_whose_answer_has_nowhere_to_go_does_nothing() {
    with_program(|program, _, solo| {
        let nowhere = MEMORY as u64 - 3;
        let [at, length] = program.path("new");
        for _ in 0..20 {
            let arguments = [DATA, 0, at, length, CREAT, WRITE, 0, 0, nowhere];
            assert_eq!(program.call("path_open", &arguments), FAULT);
        }
        assert_eq!(program.stat(DATA, "new"), Err(NOENT));
        let file = program.open("file", CREAT);
        program.put(BUFFER, b"text");
        let [list, count] = program.one_buffer(4);
        assert_eq!(
            program.call("fd_write", &[file, list, count, nowhere]),
            FAULT
        );
        assert_eq!(program.call("fd_write", &[1, list, count, nowhere]), FAULT);
        assert!(solo.written(Stream::Stdout).is_empty());
        assert_eq!(program.call("fd_seek", &[file, 0, 2, nowhere]), FAULT);
        assert_eq!(program.seek(file, 0, 1), Ok(0));
        solo.input.borrow_mut().extend(b"typed");
        assert_eq!(program.call("fd_read", &[0, list, count, nowhere]), FAULT);
        assert_eq!(program.read(0, 9).unwrap(), b"typed");
    });
}

/// Makes random calls with random arguments: none panics, none changes files of others.
#[test]
fn whatever_a_guest_calls_with_whatever_nothing_else_is_touched() {
    let disk = disk();
    let other = put(&disk, b"another image's");
    disk.create_dir("/data").unwrap();
    disk.create_dir("/data/other").unwrap();
    write_file(&disk, "/data/other/file", b"another container's");
    write_file(&disk, "/index.json", b"the device's");
    let solo = SoloContainer::new(&disk, &Options::default());
    solo.input_ended.set(true);
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move |limit: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as usize % limit
    };
    let paths = [
        "a",
        "b",
        "a/b",
        "a/c",
        "..",
        "../other/file",
        "/index.json",
        ".",
        "a/../b",
        "a/../../b",
        "words.txt",
        "",
        "b/",
    ];
    let mut succeeded = BTreeSet::new();
    for _ in 0..40 {
        let mut program = WasiProgram {
            wasi: Wasi::new(&disk, &solo, &solo, &solo),
            memory: vec![0; MEMORY],
        };
        for _ in 0..600 {
            let path = paths[random(paths.len())];
            program.put(OTHER_PATH, b"c");
            let [at, length] = program.path(path);
            // Two buffers, one of them now and then a lie.
            let lie = [16, 16, 16, 70_000, u32::MAX][random(5)];
            for (index, value) in (0..).zip([BUFFER, 16, BUFFER + 64, lie]) {
                program.put(LIST + 4 * index, &value.to_le_bytes());
            }
            let function = &FUNCTIONS[random(FUNCTIONS.len())];
            if function.name() == "proc_exit" {
                continue;
            }
            let other = OTHER_PATH.into();
            let fd = random(10) as u64;
            let mut arguments = match function.name() {
                "path_open" => vec![DATA, 0, at, length, CREAT, ALL, 0, 0, RESULT.into()],
                "path_filestat_get" => vec![DATA, 0, at, length, RESULT.into()],
                "path_rename" => vec![DATA, at, length, DATA, other, 1],
                name if name.starts_with("path_") => vec![DATA, at, length],
                "fd_read" | "fd_write" => vec![fd, LIST.into(), 2, RESULT.into()],
                "fd_pread" | "fd_pwrite" => vec![fd, LIST.into(), 2, 9, RESULT.into()],
                "fd_readdir" => vec![fd, BUFFER.into(), 99, 0, RESULT.into()],
                "poll_oneoff" => vec![LIST.into(), BUFFER.into(), 2, RESULT.into()],
                name if name.starts_with("fd_") => vec![fd, 10, 0, RESULT.into()],
                _ => vec![1, RESULT.into(), RESULT.into()],
            };
            arguments.resize(function.types().0.len(), 7);
            // As it should be, but for one.
            if let Some(one) = arguments.get_mut(random(3 * function.types().0.len() + 1)) {
                let end = MEMORY as u64 - random(64) as u64;
                let extremes = [0, 1, 5, 4096, end, u32::MAX.into(), ALL, u64::MAX];
                *one = extremes[random(extremes.len())];
            }
            if function.name() == "fd_seek" && arguments[1] < 99 {
                arguments[2] = random(4) as u64;
            }
            if matches!(
                function.name(),
                "fd_fdstat_get" | "fd_tell" | "fd_prestat_get"
            ) {
                arguments[1] = RESULT.into();
            }
            if program.try_call(function.name(), &arguments) == Ok(0) {
                succeeded.insert(function.name());
            }
        }
        program.wasi.close();
    }
    assert!(succeeded.len() > 25, "{succeeded:?}");
    assert_eq!(
        read_file(&disk, "/data/other/file").unwrap(),
        b"another container's"
    );
    assert_eq!(read_file(&disk, "/index.json").unwrap(), b"the device's");
    let path = blob_path("/", &other.digest).unwrap();
    assert_eq!(read_file(&disk, &path).unwrap(), b"another image's");
    let blob = solo.spec.image.blobs.get(0).unwrap().content.digest;
    let path = blob_path("/", &blob).unwrap();
    assert_eq!(read_file(&disk, &path).unwrap(), b"some words");
    for (folder, expected) in [
        ("/", set(["blobs", "data", "index.json"])),
        ("/data", set(["other", "solo"])),
        ("/data/other", set(["file"])),
    ] {
        let mut found = BTreeSet::new();
        let listed = disk.read_dir(folder, &mut |name, _| found.insert(name.to_owned()));
        assert_eq!((listed, found), (Ok(()), expected), "{folder}");
    }
    let removed = data::remove(&disk, &solo.name);
    assert_eq!(removed, Ok(()));
    assert_eq!(disk.metadata("/data/solo"), Err(StorageError::NotFound));
}

// ---------------------------------------------------------------- mounts

/// Options with a writable and a read-only mount.
fn mounted() -> Options<'static> {
    Options {
        mounts: &["/shared/deep:/shared", "/fixed:/a/b:ro"],
        ..Options::default()
    }
}

#[test]
fn a_mount_is_a_top_folder_that_leads_to_its_source() {
    let disk = disk();
    disk.create_dir("/fixed").unwrap();
    write_file(&disk, "/fixed/file", b"to be read");
    run_on(&disk, &mounted(), |program, disk, _| {
        for (fd, at) in [(MOUNT, "/shared"), (MOUNT + 1, "/a/b")] {
            program.ok("fd_prestat_get", &[fd, RESULT.into()]);
            assert_eq!(program.u32_at(RESULT + 4) as usize, at.len());
            let name = [fd, BUFFER.into(), at.len() as u64];
            program.ok("fd_prestat_dir_name", &name);
            assert_eq!(program.get(BUFFER, at.len()), at.as_bytes());
        }
        assert_eq!(
            program.call("fd_prestat_get", &[MOUNT + 2, RESULT.into()]),
            BADF
        );
        let file = program.try_open(MOUNT, "new", CREAT, ALL, 0).unwrap();
        program.write(file, b"shared").unwrap();
        program.close(file);
        assert_eq!(read_file(disk, "/shared/deep/new").unwrap(), b"shared");
        assert_eq!(program.stat(DATA, "new"), Err(NOENT));
        // A file of one tree is no file of another.
        assert_eq!(program.rename_at(MOUNT, "new", DATA, "new"), XDEV);
        assert_eq!(program.rename_at(MOUNT, "new", MOUNT, "d"), 0);
        assert_eq!(program.by_path("path_unlink_file", MOUNT, "d"), 0);
        for out in ["..", "../deep/new", "/fixed/file", "./../.."] {
            assert_eq!(program.try_open(MOUNT, out, CREAT, ALL, 0), Err(PERM));
        }
    });
}

#[test]
fn nothing_is_changed_in_a_mount_that_is_read_only() {
    let disk = disk();
    disk.create_dir("/fixed").unwrap();
    disk.create_dir("/fixed/dir").unwrap();
    write_file(&disk, "/fixed/file", b"to be read");
    run_on(&disk, &mounted(), |program, disk, _| {
        let fixed = MOUNT + 1;
        let rights = ALL & !WRITE;
        let file = program.try_open(fixed, "file", 0, rights, 0).unwrap();
        assert_eq!(program.read(file, 100).unwrap(), b"to be read");
        assert_eq!(program.write(file, b"x"), Err(NOTCAPABLE));
        assert_eq!(program.call("fd_filestat_set_size", &[file, 0]), NOTCAPABLE);
        assert_eq!(program.names(fixed, 4096), set([".", "..", "dir", "file"]));
        for (path, oflags, rights) in [
            ("file", 0, WRITE),
            ("file", TRUNC, READ),
            ("new", CREAT, READ),
        ] {
            let opened = program.try_open(fixed, path, oflags, rights, 0);
            assert_eq!(opened, Err(ROFS), "{path}");
        }
        for (call, path) in [
            ("path_unlink_file", "file"),
            ("path_remove_directory", "dir"),
            ("path_create_directory", "new"),
        ] {
            assert_eq!(program.by_path(call, fixed, path), ROFS, "{call}");
        }
        assert_eq!(program.rename_at(fixed, "file", fixed, "new"), ROFS);
        assert_eq!(read_file(disk, "/fixed/file").unwrap(), b"to be read");
    });
}

// ---------------------------------------------------------------- room

/// Ten blocks.
fn limited() -> Options<'static> {
    Options {
        limits: Limits {
            disk_bytes: Some(10 * 4096),
            ..Limits::default()
        },
        ..Options::default()
    }
}

#[test]
fn files_take_no_more_room_than_they_may() {
    let disk = disk();
    run_on(&disk, &limited(), |program, disk, _| {
        let file = program.open("file", CREAT);
        let piece = vec![7; 4096];
        // The part that fits is written; the rest is not.
        let pieces = (0..20).take_while(|_| program.write(file, &piece).is_ok());
        assert_eq!(pieces.count(), 10);
        assert_eq!(program.write(file, b"x"), Err(DQUOT));
        assert_eq!(program.call("fd_filestat_set_size", &[file, 50_000]), DQUOT);
        assert_eq!(program.try_open(DATA, "new", CREAT, ALL, 0), Err(DQUOT));
        assert_eq!(program.by_path("path_create_directory", DATA, "new"), DQUOT);
        // Within its blocks it may still be changed.
        program.seek(file, 0, 0).unwrap();
        assert_eq!(program.write(file, b"y"), Ok(1));
        // A truncation, a removal or a replacement frees space.
        program.ok("fd_filestat_set_size", &[file, 5 * 4096 + 1]);
        assert_eq!(program.by_path("path_create_directory", DATA, "dir"), 0);
        let other = program.try_open(DATA, "dir/other", CREAT, ALL, 0).unwrap();
        assert_eq!(program.write(other, &piece), Ok(4096));
        assert_eq!(program.write(other, &piece), Ok(4096));
        assert_eq!(program.write(other, &piece), Err(DQUOT));
        program.close(other);
        program.close(file);
        assert_eq!(program.rename("dir/other", "file"), 0);
        assert_eq!(program.by_path("path_remove_directory", DATA, "dir"), 0);
        let file = program.open("file", 0);
        program.seek(file, 0, 2).unwrap();
        assert_eq!(program.write(file, &vec![1; 8 * 4096]), Ok(8 * 4096));
        assert_eq!(program.write(file, b"x"), Err(DQUOT));
        program.close(file);
        assert_eq!(disk.metadata("/data/solo/file").unwrap().size, 10 * 4096);
    });
}

#[test]
fn a_write_that_does_not_fit_is_done_as_far_as_it_does() {
    run_on(&disk(), &limited(), |program, _, _| {
        let file = program.open("file", CREAT);
        let much = vec![7; 12 * 4096];
        assert_eq!(program.write(file, &much), Ok(10 * 4096));
        assert_eq!(program.write(file, &much), Err(DQUOT));
        // A gap before the write does not fit either.
        program.seek(file, 20 * 4096, 0).unwrap();
        assert_eq!(program.write(file, b"x"), Err(DQUOT));
        program.ok("fd_filestat_get", &[file, RESULT.into()]);
        assert_eq!(program.u64_at(RESULT + 32), 10 * 4096);
    });
}

#[test]
fn what_a_run_has_left_counts_in_the_next_one() {
    let disk = disk();
    let both = Options {
        mounts: mounted().mounts,
        ..limited()
    };
    run_on(&disk, &both, |program, _, _| {
        // Folders and files, some in folders of folders: 8 blocks.
        assert_eq!(program.by_path("path_create_directory", DATA, "b"), 0);
        assert_eq!(program.by_path("path_create_directory", DATA, "b/c"), 0);
        for path in ["a", "b/c/x", "c"] {
            let file = program.open(path, CREAT);
            program.write(file, b"small").unwrap();
            program.close(file);
        }
        let file = program.try_open(MOUNT, "x", CREAT, ALL, 0).unwrap();
        program.close(file);
    });
    run_on(&disk, &both, |program, _, _| {
        let file = program.open("new", CREAT);
        let written = program.write(file, &vec![7; 4 * 4096]);
        assert_eq!(written, Ok(2 * 4096));
        assert_eq!(program.write(file, b"x"), Err(DQUOT));
    });
}
