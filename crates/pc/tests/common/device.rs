// SPDX-License-Identifier: Apache-2.0
//! A PC with a flash in memory, images put straight onto it, and a console that tests read.
#![allow(dead_code, reason = "each test program uses its own part")]

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use ocre::container::state::RunResult;
use ocre::container::table::Handle;
use ocre::container::{Error, Options};
use ocre::image::aot::MAGIC as AOT_MAGIC;
use ocre::image::blob::blob_path;
use ocre::image::permission::Permissions;
use ocre::image::trust::Provenance;
use ocre::image::{Content, DataLayers, Image};
use ocre::limits::MAX_LOG_RECORD;
use ocre::port::{Clock, Console, ConsoleError, OpenMode, Storage, StorageError, Stream};
use ocre::supervisor::Platform;
use ocre_aot::Target;
use ocre_oci::{Format, Sha256};
use ocre_pc::flash::{Geometry, RamFlash};
use ocre_pc::littlefs::LittleFs;
use ocre_pc::platform::{Device, POLICY, Pc};
use ocre_wamr::PC_TARGET;

pub type RamPartition = LittleFs<RamFlash>;

type ConsoleWrite = (Stream, Vec<u8>);

/// Console of a test: output of the containers, and their future input.
#[derive(Clone, Default)]
pub struct FakeConsole {
    written: Arc<Mutex<Vec<ConsoleWrite>>>,
    typed: Arc<Mutex<VecDeque<u8>>>,
    ended: Arc<Mutex<bool>>,
    refuses: Arc<Mutex<Option<ConsoleError>>>,
}

impl FakeConsole {
    pub fn type_in(&self, text: &str) {
        self.typed.lock().unwrap().extend(text.as_bytes());
    }

    /// Makes the console refuse all further output.
    pub fn refuse(&self, error: ConsoleError) {
        *self.refuses.lock().unwrap() = Some(error);
    }

    pub fn end_input(&self) {
        *self.ended.lock().unwrap() = true;
    }

    pub fn text(&self, stream: Stream) -> String {
        let written = self.written.lock().unwrap();
        let of_stream = written.iter().filter(|(one, _)| *one == stream);
        let bytes: Vec<u8> = of_stream.flat_map(|(_, bytes)| bytes.clone()).collect();
        String::from_utf8(bytes).unwrap()
    }
}

impl Console for FakeConsole {
    fn write(&self, stream: Stream, bytes: &[u8]) -> Result<(), ConsoleError> {
        if let Some(error) = *self.refuses.lock().unwrap() {
            return Err(error);
        }
        self.written.lock().unwrap().push((stream, bytes.to_vec()));
        Ok(())
    }

    fn read(&self, buffer: &mut [u8]) -> Option<usize> {
        let mut typed = self.typed.lock().unwrap();
        if typed.is_empty() {
            return self.ended.lock().unwrap().then_some(0);
        }
        let count = typed.len().min(buffer.len());
        for (to, from) in buffer.iter_mut().zip(typed.drain(..count)) {
            *to = from;
        }
        Some(count)
    }
}

/// A device that is on, and its console.
pub struct TestDevice {
    pub device: Arc<Device<RamPartition>>,
    pub console: FakeConsole,
    pub disk: RamPartition,
}

pub fn disk() -> RamPartition {
    let (flash, formatted) = LittleFs::format(RamFlash::new(Geometry::default()));
    formatted.expect("memory takes a file system");
    LittleFs::mount(flash)
        .map_err(|(_, error)| error)
        .expect("the flash mounts")
}

pub fn boot() -> TestDevice {
    boot_on(disk())
}

pub fn boot_on(disk: RamPartition) -> TestDevice {
    let console = FakeConsole::default();
    let device = Pc::boot(disk.clone(), Box::new(console.clone()), POLICY).expect("an engine");
    TestDevice {
        device,
        console,
        disk,
    }
}

/// Reads a guest that `cargo xtask guests` has built.
pub fn guest(name: &str) -> Vec<u8> {
    let built = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/guests");
    let folder = std::env::var_os("OCRE_GUESTS").map_or(built, PathBuf::from);
    let path = folder.join(name).with_extension("wasm");
    std::fs::read(&path)
        .unwrap_or_else(|error| panic!("{}: {error}; run cargo xtask guests", path.display()))
}

/// Assembles a guest from text.
pub fn assemble(text: &str) -> Vec<u8> {
    wat::parse_str(text).expect("the test's module is well-formed")
}

/// A guest that makes the file `kept`, writes to it and to its output, and grows its memory. Small,
/// so that there are few allocations to fail.
pub fn busy() -> Vec<u8> {
    assemble(
        r#"(module
            (import "wasi_snapshot_preview1" "path_open" (func $path_open
                (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "fd_write" (func $fd_write
                (param i32 i32 i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
            (memory (export "memory") 1 3)
            (data (i32.const 0) "\10\00\00\00\05\00\00\00hello...hellokept")
            (table 4 funcref)
            (elem (i32.const 0) $twice)
            (func $twice (param i32) (result i32) (i32.mul (local.get 0) (i32.const 2)))
            (func (export "_start")
                (if (call $path_open (i32.const 3) (i32.const 0) (i32.const 21) (i32.const 4)
                        (i32.const 1) (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 48))
                    (then (call $proc_exit (i32.const 1))))
                (if (call $fd_write (i32.load (i32.const 48)) (i32.const 0) (i32.const 1)
                        (i32.const 52))
                    (then (call $proc_exit (i32.const 2))))
                (if (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 52))
                    (then (call $proc_exit (i32.const 3))))
                (if (i32.ne (i32.const 84)
                        (call_indirect (param i32) (result i32) (i32.const 42) (i32.const 0)))
                    (then unreachable))
                (if (i32.eq (memory.grow (i32.const 1)) (i32.const -1))
                    (then (call $proc_exit (i32.const 4))))))"#,
    )
}

/// Compiles AOT code for this machine; `None` where this build has no compiler for it.
pub fn compile(code: &[u8]) -> Option<Vec<u8>> {
    let target = Target::ALL
        .into_iter()
        .find(|target| Some(target.name()) == PC_TARGET.map(|known| known.name))?;
    match ocre_aot::compile(code, &ocre_aot::CompileOptions::new(target)) {
        Ok(code) => Some(code),
        Err(ocre_aot::Error::NoLlvm) => None,
        Err(error) => panic!("{error}"),
    }
}

pub fn write_file(storage: &impl Storage, path: &str, bytes: &[u8]) {
    let mut file = storage.open(path, OpenMode::REWRITE).expect("room");
    storage.write(&mut file, bytes).expect("room");
    storage.close(file).expect("room");
}

pub fn read_file(storage: &impl Storage, path: &str) -> Result<Vec<u8>, StorageError> {
    let size = usize::try_from(storage.metadata(path)?.size).unwrap();
    let mut bytes = vec![0; size];
    let count = ocre::image::blob::read_file(storage, path, &mut bytes)?;
    assert_eq!(count, size);
    Ok(bytes)
}

/// Puts content onto the partition, as the store does.
pub fn put(storage: &impl Storage, bytes: &[u8]) -> Content {
    for folder in ["/blobs", "/blobs/sha256"] {
        match storage.create_dir(folder) {
            Ok(()) | Err(StorageError::Exists) => {}
            Err(error) => panic!("{folder}: {error}"),
        }
    }
    let digest = Sha256::of(bytes);
    write_file(storage, &blob_path("/", &digest).unwrap(), bytes);
    Content {
        digest,
        size: bytes.len() as u64,
    }
}

/// A judged image of that code on the partition.
pub fn image(storage: &impl Storage, code: &[u8]) -> Image {
    let executable = put(storage, code);
    Image {
        manifest: executable,
        executable,
        executable_layer: 0,
        format: if code.starts_with(&AOT_MAGIC) {
            Format::Aot
        } else {
            Format::Wasm
        },
        admission: Ok(Provenance::UNKNOWN),
        sequence: ocre::image::sequence::Sequence::NONE,
        entry_point: "_start".try_into().unwrap(),
        environment: heapless::String::new(),
        permissions: Permissions::default(),
        blobs: DataLayers::new(),
    }
}

pub fn with_blob(storage: &impl Storage, mut image: Image, title: &str, bytes: &[u8]) -> Image {
    image.blobs.push(put(storage, bytes), title).unwrap();
    image
}

impl TestDevice {
    pub fn image(&self, code: &[u8]) -> Image {
        image(&self.disk, code)
    }

    pub fn create(&self, name: &str, code: &[u8], options: &Options<'_>) -> Handle {
        let created = self.device.create(Some(name), &self.image(code), options);
        created.unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Creates and starts a container.
    pub fn start(&self, name: &str, code: &[u8], options: &Options<'_>) -> Handle {
        let handle = self.create(name, code, options);
        self.device.start(handle).expect("it starts");
        handle
    }

    /// Waits for the end of a run, at most a minute: no run here takes a second.
    pub fn end(&self, handle: Handle) -> RunResult {
        let minute = self.now() + 60_000_000;
        self.device
            .wait(handle, Some(minute))
            .expect("the run ends")
    }

    /// Creates and starts a container, and waits for the end of its run.
    pub fn run(&self, name: &str, code: &[u8], arguments: &[&str]) -> (Handle, RunResult) {
        let options = Options {
            arguments,
            ..Options::default()
        };
        let handle = self.start(name, code, &options);
        (handle, self.end(handle))
    }

    pub fn now(&self) -> u64 {
        let clock: &dyn Clock = self.device.platform().clock();
        clock.uptime_us()
    }

    /// Text of one stream in a container's log.
    pub fn log(&self, handle: Handle, stream: Stream) -> String {
        let mut cursor = self.device.log_cursor(handle, None).unwrap();
        let mut buffer = [0; MAX_LOG_RECORD];
        let mut bytes = Vec::new();
        while let Some(record) = self
            .device
            .read_log(handle, &mut cursor, &mut buffer)
            .unwrap()
        {
            if record.stream == stream {
                bytes.extend_from_slice(&buffer[..record.length]);
            }
        }
        String::from_utf8(bytes).unwrap()
    }

    pub fn output(&self, handle: Handle) -> String {
        self.log(handle, Stream::Stdout)
    }

    /// Waits until a container has written something that ends with `text`.
    pub fn await_output(&self, handle: Handle, text: &str) {
        let minute = self.now() + 60_000_000;
        let mut cursor = self.device.log_cursor(handle, None).unwrap();
        let mut buffer = [0; MAX_LOG_RECORD];
        let mut seen = String::new();
        while !seen.ends_with(text) {
            self.device
                .await_log(handle, cursor, Some(minute))
                .expect("it is there");
            let record = self
                .device
                .read_log(handle, &mut cursor, &mut buffer)
                .unwrap();
            let record = record.unwrap_or_else(|| panic!("ended after {seen:?}"));
            seen.push_str(str::from_utf8(&buffer[..record.length]).unwrap());
        }
    }

    pub fn state(&self, handle: Handle) -> Result<String, Error> {
        Ok(self.device.status(handle)?.state.to_string())
    }
}
