// SPDX-License-Identifier: Apache-2.0
//! WASI's functions with arbitrary arguments over a live guest memory.
//!
//! An input is a list of calls, and of changes of the memory between them, as a hostile guest would
//! make them. Whatever they are: nothing panics; each answer is an errno of preview 1; the storage
//! is asked only for the container's files, and only read where they are read-only; the files take
//! no more room than their limit; and once killed no call goes on.
//!
//! Some inputs run over folders of the PC, with links in them that lead out: the files outside stay
//! as they are, and none of their content gets into the guest's memory.
#![no_main]

#[path = "calls/input.rs"]
mod input;

#[path = "calls/outside.rs"]
mod outside;

use std::cell::{Cell, RefCell};

use input::{CallInput, STRIDE};
use libfuzzer_sys::fuzz_target;
use ocre::container::{Guest, Killed, Limits, Name, Options, Spec, data, mount};
use ocre::image::blob::blob_path;
use ocre::image::permission::Permissions;
use ocre::image::trust::Provenance;
use ocre::image::{Content, DataLayers, Image};
use ocre::port::{
    Clock, ConsoleError, Entropy, EntryKind, Host, HostExit, Metadata, OpenMode, SeekFrom, Slot,
    Space, Storage, StorageError, Stream,
};
use ocre_conformance::memory::{InjectedFault, MemoryFile, MemoryStorage};
use ocre_oci::{Format, Sha256};
use ocre_wasi::{FUNCTIONS, Wasi};
use outside::{Outside, SECRET};

/// Bytes of linear memory, a multiple of the stride of addresses.
const MEMORY: usize = 8192;
/// Most calls of one input.
const CALLS: usize = 48;
/// Most bytes of the container's files.
const DISK: u32 = 40 * 1024;
/// The highest errno of preview 1.
const LAST_ERRNO: u64 = 76;

/// Texts that a guest could write into its memory at the places from 36 on: ways out of a folder.
const WAYS: [&[u8]; 12] = [
    b"out",
    b"out/secret",
    b"abs/secret",
    b"file",
    b"new",
    b"self",
    b"d/up/out/secret",
    b"../outside/secret",
    b"../outside",
    b"d/../out",
    b"/proc/self/root",
    b"c/c/c/c",
];

/// Texts that a guest could write into its memory, each at a separate place.
const TEXTS: [&[u8]; 15] = [
    b"a",
    b"b",
    b"d/a",
    b"d/b",
    b"d/e/a",
    b"../x/secret",
    b"/data/x/secret",
    b"d/../a",
    b"./d/.",
    b"words",
    b"..\0a",
    b"a/",
    b"\xff\xfe",
    b"e//f/../../a",
    b"in/out/in/out/in/out/in/out/in/out/in/out/in/out/in/out/in/out/",
];

// ---------------------------------------------------------------- the container

struct FuzzWorld {
    storage: MemoryStorage,
    name: Name,
    spec: Spec,
    blob: String,
}

fn put(storage: &MemoryStorage, path: &str, bytes: &[u8]) {
    let mut file = storage.open(path, OpenMode::REWRITE).expect("a new file");
    storage.write(&mut file, bytes).expect("there is room");
    storage.close(file).expect("there is room");
}

fn world() -> FuzzWorld {
    let storage = MemoryStorage::new(64 * 1024);
    let content = |bytes: &[u8]| Content {
        digest: Sha256::of(bytes),
        size: bytes.len() as u64,
    };
    let words = content(b"some words");
    let blob = blob_path("/", &words.digest).expect("it is short");
    for folder in [
        "/blobs",
        "/blobs/sha256",
        "/data",
        "/data/x",
        "/other",
        "/shared",
    ] {
        storage.create_dir(folder).expect("it is new");
    }
    put(&storage, &blob, b"some words");
    put(&storage, "/data/x/secret", b"a secret");
    put(&storage, "/other/secret", b"a secret");
    let name = Name::parse("c").expect("it is a name");
    data::create(&storage, &name, false).expect("there is room");
    put(&storage, "/data/c/b", b"a file that is there");
    let mut blobs = DataLayers::new();
    blobs.push(words, "words").expect("there is room");
    let image = Image {
        manifest: content(b"manifest"),
        executable: content(b"code"),
        executable_layer: 0,
        format: Format::Wasm,
        admission: Ok(Provenance::UNKNOWN),
        sequence: ocre::image::sequence::Sequence::NONE,
        entry_point: "_start".try_into().expect("it is short"),
        environment: Default::default(),
        permissions: Permissions::default(),
        blobs,
    };
    let options = Options {
        arguments: &["one"],
        environment: &["A=1"],
        mounts: &["/shared:/shared", "/readonly:/readonly:ro"],
        limits: Limits {
            disk_bytes: Some(DISK),
            ..Limits::default()
        },
        ..Options::default()
    };
    let mut spec = Spec::blank();
    spec.resolve(&name, &image, &options)
        .expect("it is well formed");
    mount::create(&storage, &spec.mounts).expect("there is room");
    put(&storage, "/readonly/a", b"to be read");
    FuzzWorld {
        storage,
        name,
        spec,
        blob: blob.as_str().to_owned(),
    }
}

/// Container, as its host functions see it: its time passes only while it sleeps.
struct FuzzContainer<'a> {
    world: &'a FuzzWorld,
    now_us: Cell<u64>,
    doom_us: u64,
    checks: Cell<u32>,
    input: RefCell<&'a [u8]>,
}

impl<'a> FuzzContainer<'a> {
    /// Creates a container that is killed at a time made of `doom`.
    fn new(world: &'a FuzzWorld, doom: u8) -> Self {
        Self {
            world,
            now_us: Cell::new(1_000_000),
            doom_us: 1_000_000 + (u64::from(doom) << 14) + 1,
            checks: Cell::new(0),
            input: RefCell::new(&TEXTS[14][..usize::from(doom % 32)]),
        }
    }
}

impl Guest for FuzzContainer<'_> {
    fn name(&self) -> &Name {
        &self.world.name
    }

    fn slot(&self) -> Slot {
        0
    }

    fn spec(&self, show: &mut dyn FnMut(&Spec)) {
        show(&self.world.spec);
    }

    fn write(&self, _: Stream, bytes: &[u8]) -> Result<(), ConsoleError> {
        assert!(bytes.len() <= MEMORY);
        Ok(())
    }

    fn read(&self, buffer: &mut [u8]) -> Option<usize> {
        let mut input = self.input.borrow_mut();
        let count = input.len().min(buffer.len()).min(3);
        let (now, later) = input.split_at(count);
        buffer[..count].copy_from_slice(now);
        *input = later;
        (count > 0 || self.now_us.get().is_multiple_of(2)).then_some(count)
    }

    fn sleep(&self, until_us: Option<u64>) -> Result<(), Killed> {
        self.check()?;
        let until = until_us.expect("nothing would end this sleep");
        self.now_us
            .set(self.now_us.get().max(until).saturating_add(1));
        self.check()
    }

    fn check(&self) -> Result<(), Killed> {
        self.checks.set(self.checks.get() + 1);
        if self.now_us.get() >= self.doom_us || self.checks.get() > 4096 {
            Err(Killed)
        } else {
            Ok(())
        }
    }
}

impl Clock for FuzzContainer<'_> {
    fn uptime_us(&self) -> u64 {
        self.now_us.get()
    }

    fn wall_ns(&self) -> Option<u64> {
        self.doom_us.is_multiple_of(2).then_some(1 << 60)
    }
}

impl Entropy for FuzzContainer<'_> {
    fn fill(&self, buffer: &mut [u8]) -> bool {
        buffer.fill(0xa5);
        !self.doom_us.is_multiple_of(3)
    }
}

/// Storage that checks that only the container's files are asked for.
struct WatchedStorage<'a> {
    inner: MemoryStorage,
    blob: &'a str,
}

fn is_in(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

impl WatchedStorage<'_> {
    /// Checks that the path is in the container's own folder or in its writable mount; not one of
    /// these folders, if `inside`.
    fn changes(&self, path: &str, inside: bool) {
        let own = ["/data/c", "/shared"];
        assert!(
            own.iter()
                .any(|own| is_in(path, own) && !(inside && path == *own)),
            "{path} is changed"
        );
    }

    fn reads(&self, path: &str) {
        if path != self.blob && !is_in(path, "/readonly") {
            self.changes(path, false);
        }
    }
}

impl Storage for WatchedStorage<'_> {
    type File = MemoryFile;

    fn open(&self, path: &str, mode: OpenMode) -> Result<MemoryFile, StorageError> {
        if mode.write {
            self.changes(path, true);
        } else {
            self.reads(path);
        }
        self.inner.open(path, mode)
    }

    fn read(&self, file: &mut MemoryFile, buffer: &mut [u8]) -> Result<usize, StorageError> {
        self.inner.read(file, buffer)
    }

    fn write(&self, file: &mut MemoryFile, bytes: &[u8]) -> Result<(), StorageError> {
        self.inner.write(file, bytes)
    }

    fn seek(&self, file: &mut MemoryFile, to: SeekFrom) -> Result<u64, StorageError> {
        self.inner.seek(file, to)
    }

    fn size(&self, file: &mut MemoryFile) -> Result<u64, StorageError> {
        self.inner.size(file)
    }

    fn truncate(&self, file: &mut MemoryFile, size: u64) -> Result<(), StorageError> {
        self.inner.truncate(file, size)
    }

    fn sync(&self, file: &mut MemoryFile) -> Result<(), StorageError> {
        self.inner.sync(file)
    }

    fn close(&self, file: MemoryFile) -> Result<(), StorageError> {
        self.inner.close(file)
    }

    fn metadata(&self, path: &str) -> Result<Metadata, StorageError> {
        self.reads(path);
        self.inner.metadata(path)
    }

    fn create_dir(&self, path: &str) -> Result<(), StorageError> {
        self.changes(path, true);
        self.inner.create_dir(path)
    }

    fn remove(&self, path: &str) -> Result<(), StorageError> {
        self.changes(path, true);
        self.inner.remove(path)
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), StorageError> {
        self.changes(from, true);
        self.changes(to, true);
        self.inner.rename(from, to)
    }

    fn read_dir(
        &self,
        path: &str,
        entry: &mut dyn FnMut(&str, Metadata) -> bool,
    ) -> Result<(), StorageError> {
        self.reads(path);
        self.inner.read_dir(path, entry)
    }

    fn block_bytes(&self) -> u32 {
        512
    }

    fn space(&self) -> Result<Space, StorageError> {
        self.inner.space()
    }
}

/// Bytes that the files below a folder count as.
fn usage(storage: &MemoryStorage, folder: &str) -> u64 {
    let mut entries = Vec::new();
    storage
        .read_dir(folder, &mut |name, metadata| {
            entries.push((format!("{folder}/{name}"), metadata));
            true
        })
        .expect("it is a folder");
    let cost = |(path, metadata): (String, Metadata)| match metadata.kind {
        EntryKind::File | EntryKind::Symlink => metadata.size.div_ceil(512).max(1) * 512,
        EntryKind::Directory => 1024 + usage(storage, &path),
    };
    entries.into_iter().map(cost).sum()
}

// ---------------------------------------------------------------- the calls

/// A guest's memory with the texts, a list of buffers and subscriptions.
fn guest_memory() -> Vec<u8> {
    let mut bytes = vec![0; MEMORY];
    let mut put = |at: usize, what: &[u8]| bytes[at..at + what.len()].copy_from_slice(what);
    for (index, text) in TEXTS.iter().enumerate() {
        put(index * STRIDE as usize, text);
    }
    for (index, way) in (36..).zip(WAYS) {
        put(index * STRIDE as usize, way);
    }
    // Buffers, at place 16: of 16 bytes, of none, of 1,000, of more than there is room for.
    for (index, (address, length)) in [(4096, 16), (0, 0), (5000, 1000), (8000, 1 << 31)]
        .into_iter()
        .enumerate()
    {
        put(1024 + index * 8, &u32::to_le_bytes(address));
        put(1028 + index * 8, &u32::to_le_bytes(length));
    }
    // Subscriptions, at place 32: to a time, to input, to output.
    for kind in 0..3_u8 {
        let at = 2048 + usize::from(kind) * 48;
        put(at, &[kind + 1]);
        put(at + 8, &[kind]);
        put(at + 16, &[kind.saturating_sub(1)]);
        put(at + 24, &5000_u64.to_le_bytes());
    }
    bytes
}

thread_local! {
    static WORLD: (FuzzWorld, Vec<u8>) = (world(), guest_memory());
    static OUTSIDE: (Outside, FuzzWorld) = (Outside::new(), bare_world());
}

/// The world of a module without a container, over the folders of [`Outside`].
fn bare_world() -> FuzzWorld {
    let mut world = world();
    world.spec.mounts = "/0:/\0/1:/readonly:ro\0".try_into().expect("it is short");
    world.spec.limits.disk_bytes = Some(1024 * 1024);
    world
}

fuzz_target!(|bytes: &[u8]| {
    WORLD.with(|(world, memory)| run(world, memory.clone(), CallInput(bytes)));
});

fn run(world: &FuzzWorld, mut memory: Vec<u8>, mut input: CallInput<'_>) {
    let (Some(doom), Some(fault)) = (input.byte(), input.byte()) else {
        return;
    };
    if (0x40..0x80).contains(&fault) {
        OUTSIDE.with(|(outside, world)| {
            outside.reset();
            let solo = FuzzContainer::new(world, doom);
            let storage = outside.storage();
            let mut wasi = Wasi::bare(&storage, &solo, &solo, &solo);
            call(&mut wasi, &solo, &mut memory, &mut input);
            wasi.close();
            outside.check();
            let leaked = memory.windows(SECRET.len()).any(|bytes| bytes == SECRET);
            assert!(!leaked, "what is outside was read");
        });
        return;
    }
    let solo = FuzzContainer::new(world, doom);
    let storage = WatchedStorage {
        inner: world.storage.clone(),
        blob: &world.blob,
    };
    if fault > 0x80 {
        let fails = InjectedFault::Once(StorageError::Io);
        storage.inner.arm(u32::from(fault & 0x1f), fails);
    }
    let mut wasi = Wasi::new(&storage, &solo, &solo, &solo);
    call(&mut wasi, &solo, &mut memory, &mut input);
    wasi.close();
    storage.inner.recover();
    let used = usage(&storage.inner, "/data/c") + usage(&storage.inner, "/shared");
    assert!(used <= DISK.into(), "the files take {used} bytes");
}

fn call<S: Storage>(
    wasi: &mut Wasi<'_, S>,
    solo: &FuzzContainer<'_>,
    memory: &mut [u8],
    input: &mut CallInput<'_>,
) {
    for _ in 0..CALLS {
        let Some(function) = input.byte() else { break };
        let function = usize::from(function);
        let Some(called) = FUNCTIONS.get(function) else {
            if input.scribble((function % 8) as u8, memory).is_none() {
                break;
            }
            continue;
        };
        let mut arguments = [0; 16];
        for place in &mut arguments[..called.types().0.len()] {
            *place = input.argument(MEMORY).unwrap_or_default();
        }
        let was_killed = solo.check().is_err();
        match wasi.call(function, memory, &mut arguments) {
            Ok(()) => {
                assert!(!was_killed, "{} goes on", called.name());
                assert!(
                    called.types().1.is_empty() || arguments[0] <= LAST_ERRNO,
                    "{} answers {}",
                    called.name(),
                    arguments[0]
                );
            }
            Err(HostExit::Stopped) => {
                assert!(solo.check().is_err(), "{} ends for nothing", called.name());
                break;
            }
            Err(HostExit::Exit(_)) => {
                assert_eq!(called.name(), "proc_exit");
                break;
            }
            Err(HostExit::Trap(trap)) => panic!("{} traps: {}", called.name(), trap.code()),
        }
    }
}
