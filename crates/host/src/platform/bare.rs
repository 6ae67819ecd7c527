// SPDX-License-Identifier: Apache-2.0
//! A module without a container: the same engine and the same WASI, over folders of the PC.
//!
//! Promised: the module meets what it would in a container, but that its top folders are those
//! it is given, and its console is the program's. Functions of the guest API are those of the
//! simulated device; a module that imports one for which it has no permission does not run. It
//! runs on the thread that asks for it, to its end.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use ocre::container::{Error, Guest, Name, Options, Spec, Stopped};
use ocre::image::judge::{self, Policy};
use ocre::image::permission::Permissions;
use ocre::image::verdict::Code;
use ocre::image::{Content, Image};
use ocre::port::host::Pair;
use ocre::port::{
    Clock as _, Console as _, ConsoleError, Engine as _, Exit, Program, Slot, StartError, Stop,
    Storage, Stream,
};
use ocre_guest_api::{Bus, GuestApi};
use ocre_oci::{Format, Sha256};
use ocre_wamr::{Engine, Stopper};
use ocre_wasi::Wasi;

use super::threads::PcThreads;
use super::{Devices, PcClock, PcEntropy, Terminal, WASI, console, ports};
use crate::needs::Needs;

/// Time between two looks at the console and at the time limit.
const POLL: Duration = Duration::from_millis(50);

/// What a module is run with.
#[derive(Clone, Copy, Debug)]
pub struct Setting<'a> {
    /// Its arguments, its own name first.
    pub arguments: &'a [&'a str],
    /// `NAME=value`.
    pub environment: &'a [&'a str],
    /// Where it finds the folders of the storage that are named `0`, `1` and so on, as
    /// [`PosixFolders`](crate::posix_folders::PosixFolders) has them.
    pub folders: &'a [Folder<'a>],
    /// Bytes of stack for interpreted frames.
    pub stack_bytes: u32,
    /// Most bytes of linear memory; what the policy has where it is less.
    pub memory_bytes: u32,
    /// Permissions for functions of the guest API.
    pub granted: Permissions,
    /// Longest time that it may run.
    pub time_limit: Option<Duration>,
}

/// Where a module finds a folder.
#[derive(Clone, Copy, Debug)]
pub struct Folder<'a> {
    /// Its path for the module.
    pub at: &'a str,
    /// Nothing in it may be changed.
    pub read_only: bool,
}

/// Why a module did not run.
#[derive(Clone, Debug)]
pub enum Refusal {
    /// Its arguments, environment or folders are refused.
    Setting(Error),
    /// It is refused, with the engine's own words.
    Module(Code, String),
    /// The module imports functions whose permissions were not granted.
    Denied {
        /// The functions, separated by commas.
        imports: String,
        /// The permissions.
        permissions: Permissions,
    },
    /// It could not be instantiated.
    Instantiate,
}

/// The module as its host functions see it.
struct Module {
    name: Name,
    spec: Spec,
    clock: PcClock,
    stopped: AtomicBool,
}

/// Loads a module and runs its `_start`.
///
/// # Errors
/// [`Refusal`].
pub fn run<S: Storage>(
    engine: &Engine,
    code: &[u8],
    folders: &S,
    setting: &Setting<'_>,
    policy: &Policy<'_>,
) -> Result<Exit, Refusal> {
    let name = Name::parse("module").map_err(Refusal::Setting)?;
    let mut image = image(code)?;
    image.permissions = setting.granted;
    let mut module = Module {
        spec: spec(&name, image, setting).map_err(Refusal::Setting)?,
        name,
        clock: PcClock::new(),
        stopped: AtomicBool::new(false),
    };
    module.spec.memory_bytes = policy.memory_bytes.min(setting.memory_bytes);
    let mut code = code.to_vec();
    let mut words = String::new();
    let image = module.spec.image.loadable();
    let loaded = judge::load(engine, &mut code, &image, policy, &mut |more| words += more);
    let mut loaded = loaded.map_err(|code| Refusal::Module(code, words))?;
    let needs = Needs::of(engine, &loaded);
    let permissions = needs.permissions().difference(setting.granted);
    if permissions != Permissions::NONE {
        return Err(Refusal::Denied {
            imports: needs.imports_of(permissions),
            permissions,
        });
    }
    let program = Program {
        entry: &module.spec.image.entry_point,
        memory_bytes: module.spec.memory_bytes,
        stack_bytes: module.spec.stack_bytes,
        instructions: None,
    };
    let stopper = Stopper::NEW;
    let mut wasi = Wasi::bare(folders, &module.clock, &PcEntropy, &module);
    let (devices, bus) = (Devices::new(), Bus::<parking_lot::RawMutex>::new());
    let threads = PcThreads::new(Instant::now(), |_| None);
    let ports = ports(&module.clock, &threads, &devices);
    let mut api = GuestApi::new(&bus, ports, &module);
    let mut host = Pair {
        first: &mut wasi,
        split: WASI,
        second: &mut api,
    };
    let ended = thread::scope(|scope| {
        let (running, ended) = channel();
        scope.spawn(|| watch(ended, setting.time_limit, &module.stopped, &stopper));
        let ended = engine.run(&mut loaded, &program, &mut host, &stopper, &mut || {});
        drop(running);
        ended
    });
    api.close();
    wasi.close();
    ended.map_err(|error| {
        let code = match error {
            StartError::Link => Code::WasmImport,
            StartError::MemoryLimit => Code::LimitMemory,
            StartError::OutOfMemory => Code::OutOfMemory,
            StartError::Entry => Code::WasmEntrySignature,
            StartError::Stack => Code::LimitStack,
            StartError::Instantiate => return Refusal::Instantiate,
        };
        Refusal::Module(code, String::new())
    })
}

/// Stops a module at its time limit, or when nobody takes its output, until it has ended.
fn watch(
    ended: Receiver<()>,
    time_limit: Option<Duration>,
    stopped: &AtomicBool,
    stopper: &Stopper,
) {
    let start = Instant::now();
    while ended.recv_timeout(POLL) == Err(RecvTimeoutError::Timeout) {
        if console::is_given_up() || time_limit.is_some_and(|limit| start.elapsed() >= limit) {
            stopped.store(true, Ordering::SeqCst);
            stopper.stop();
            return;
        }
    }
}

/// What a judge would have found of an image with that code.
fn image(code: &[u8]) -> Result<Image, Refusal> {
    let content = |bytes: &[u8]| Content {
        digest: Sha256::of(bytes),
        size: bytes.len() as u64,
    };
    let entry_point = "_start".try_into();
    Ok(Image {
        manifest: content(&[]),
        executable: content(code),
        executable_layer: 0,
        format: if code.starts_with(&ocre::image::aot::MAGIC) {
            Format::Aot
        } else {
            Format::Wasm
        },
        aot_annotations: Ok(()),
        entry_point: entry_point
            .map_err(|_| Refusal::Module(Code::WasmEntrySignature, String::new()))?,
        environment: Default::default(),
        permissions: Default::default(),
        blobs: Default::default(),
    })
}

fn spec(name: &Name, image: Image, setting: &Setting<'_>) -> Result<Spec, Error> {
    let mut spec = Spec::blank();
    spec.settle(
        name,
        &image,
        &Options {
            arguments: setting.arguments,
            environment: setting.environment,
            stack_bytes: setting.stack_bytes,
            granted: setting.granted,
            attached: true,
            ..Options::default()
        },
    )?;
    // The module's own name is the first, instead of the container's.
    let own = spec.arguments.split_once('\0').map_or("", |(_, own)| own);
    spec.arguments = own.try_into().map_err(|_| Error::ArgumentsTooLong)?;
    for (index, Folder { at, read_only }) in setting.folders.iter().enumerate() {
        if at.is_empty() || at.contains([':', '\0']) {
            return Err(Error::MountSyntax);
        }
        let mode = if *read_only { ":ro" } else { "" };
        fmt::Write::write_fmt(&mut spec.mounts, format_args!("/{index}:{at}{mode}\0"))
            .map_err(|_| Error::MountsTooMany)?;
    }
    Ok(spec)
}

impl Guest for Module {
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
        Terminal.write(stream, bytes)
    }

    fn read(&self, buffer: &mut [u8]) -> Option<usize> {
        Terminal.read(buffer)
    }

    fn sleep(&self, until_us: Option<u64>) -> Result<(), Stopped> {
        loop {
            self.check()?;
            let left = until_us.map(|until| until.saturating_sub(self.clock.uptime_us()));
            match left.map(Duration::from_micros) {
                Some(Duration::ZERO) => {
                    thread::yield_now();
                    return Ok(());
                }
                // In parts, so that it ends soon when it is stopped.
                left => thread::sleep(left.unwrap_or(POLL).min(POLL)),
            }
        }
    }

    fn check(&self) -> Result<(), Stopped> {
        if self.stopped.load(Ordering::SeqCst) {
            Err(Stopped)
        } else {
            Ok(())
        }
    }
}
