// SPDX-License-Identifier: Apache-2.0
//! A module without a container: the same engine and the same WASI, over folders of the PC.
//!
//! Promised: the module runs as in a container, but with the given top folders, and with the
//! program's console. Functions of the guest API are those of the simulated device; a module that
//! imports one for which it has no permission does not run. The module runs on the caller's
//! thread, to its end.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use ocre::container::{Error, Guest, Killed, Limits, Name, Options, Spec};
use ocre::image::judge::{self, Policy};
use ocre::image::permission::Permissions;
use ocre::image::sequence::Sequence;
use ocre::image::trust::Provenance;
use ocre::image::verdict::Code;
use ocre::image::{Content, Image};
use ocre::port::host_functions::Pair;
use ocre::port::{
    Clock as _, Console as _, ConsoleError, Engine as _, Exit, Interrupt as _, Program, Slot,
    StartError, Storage, Stream,
};
use ocre_guest_api::{Bus, GuestApi};
use ocre_oci::{Format, Sha256};
use ocre_wamr::{RunInterrupt, WamrEngine};
use ocre_wasi::Wasi;

use super::threads::PcThreads;
use super::{Devices, PcClock, PcEntropy, Terminal, WASI, console, ports};
use crate::needs::Needs;

/// Time between two checks of the console and of the time limit.
const POLL: Duration = Duration::from_millis(50);

/// Settings of a module's run.
#[derive(Clone, Copy, Debug)]
pub struct Setting<'a> {
    /// Arguments of the module, its own name first.
    pub arguments: &'a [&'a str],
    /// `NAME=value`.
    pub environment: &'a [&'a str],
    /// Mounts of the storage's folders `0`, `1` and so on, in this order; see
    /// [`PosixFolders`](crate::posix_folders::PosixFolders).
    pub folders: &'a [FolderMount<'a>],
    /// Bytes of stack for interpreted frames.
    pub stack_bytes: u32,
    /// Most bytes of linear memory; the policy may lower this.
    pub memory_bytes: u32,
    /// Granted permissions for functions of the guest API.
    pub granted: Permissions,
    /// Longest time of a run.
    pub time_limit: Option<Duration>,
}

/// Mount of a folder in a module.
#[derive(Clone, Copy, Debug)]
pub struct FolderMount<'a> {
    /// Path for the module.
    pub at: &'a str,
    /// True where the module may change nothing in the folder.
    pub read_only: bool,
}

/// Reasons why a module did not run.
#[derive(Clone, Debug)]
pub enum BareRefusal {
    /// Refused arguments, environment or folders.
    Setting(Error),
    /// A refused module: the code, and the engine's words.
    Module(Code, String),
    /// The module imports functions whose permissions were not granted.
    Denied {
        /// The functions, separated by commas.
        imports: String,
        /// The permissions.
        permissions: Permissions,
    },
    /// The module could not be instantiated.
    Instantiate,
}

/// The module as its host functions see it.
struct BareModule {
    name: Name,
    spec: Spec,
    clock: PcClock,
    stopped: AtomicBool,
}

/// Loads a module and runs its `_start`.
///
/// # Errors
/// [`BareRefusal`].
pub fn run<S: Storage>(
    engine: &WamrEngine,
    code: &[u8],
    folders: &S,
    setting: &Setting<'_>,
    policy: &Policy<'_>,
) -> Result<Exit, BareRefusal> {
    let name = Name::parse("module").map_err(BareRefusal::Setting)?;
    let mut image = image(code)?;
    image.permissions = setting.granted;
    let mut module = BareModule {
        spec: spec(&name, image, setting).map_err(BareRefusal::Setting)?,
        name,
        clock: PcClock::new(),
        stopped: AtomicBool::new(false),
    };
    module.spec.limits.memory_bytes = policy.memory_bytes.min(setting.memory_bytes);
    let code = engine.code(code).ok_or_else(|| {
        let words = String::new();
        BareRefusal::Module(Code::OutOfMemory, words)
    })?;
    let mut words = String::new();
    let image = module.spec.image.loadable();
    let loaded = judge::load(engine, code, &image, policy, &mut |more| words += more);
    let loaded = loaded.map_err(|code| BareRefusal::Module(code, words))?;
    let needs = Needs::of(engine, &loaded);
    let permissions = needs.permissions().difference(setting.granted);
    if permissions != Permissions::NONE {
        return Err(BareRefusal::Denied {
            imports: needs.imports_of(permissions),
            permissions,
        });
    }
    let program = Program {
        entry: &module.spec.image.entry_point,
        memory_bytes: module.spec.limits.memory_bytes,
        stack_bytes: module.spec.limits.stack_bytes,
        instructions: None,
    };
    let interrupt = RunInterrupt::NEW;
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
        scope.spawn(|| watch(ended, setting.time_limit, &module.stopped, &interrupt));
        let ended = engine.run(loaded, &program, &mut host, &interrupt, &mut || {});
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
            StartError::Instantiate => return BareRefusal::Instantiate,
        };
        BareRefusal::Module(code, String::new())
    })
}

/// Watches a module until it ends, and stops it at its time limit or when its output fails.
fn watch(
    ended: Receiver<()>,
    time_limit: Option<Duration>,
    stopped: &AtomicBool,
    interrupt: &RunInterrupt,
) {
    let start = Instant::now();
    while ended.recv_timeout(POLL) == Err(RecvTimeoutError::Timeout) {
        if console::is_given_up() || time_limit.is_some_and(|limit| start.elapsed() >= limit) {
            stopped.store(true, Ordering::SeqCst);
            interrupt.stop();
            return;
        }
    }
}

/// Makes the image that a judge would accept for that code.
fn image(code: &[u8]) -> Result<Image, BareRefusal> {
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
        admission: Ok(Provenance::UNKNOWN),
        sequence: Sequence::NONE,
        entry_point: entry_point
            .map_err(|_| BareRefusal::Module(Code::WasmEntrySignature, String::new()))?,
        environment: Default::default(),
        permissions: Default::default(),
        blobs: Default::default(),
    })
}

fn spec(name: &Name, image: Image, setting: &Setting<'_>) -> Result<Spec, Error> {
    let mut spec = Spec::blank();
    spec.resolve(
        name,
        &image,
        &Options {
            arguments: setting.arguments,
            environment: setting.environment,
            limits: Limits {
                stack_bytes: setting.stack_bytes,
                ..Limits::default()
            },
            granted: setting.granted,
            attached: true,
            ..Options::default()
        },
    )?;
    // The first argument is the module's own name instead of the container's.
    let own = spec.arguments.split_once('\0').map_or("", |(_, own)| own);
    spec.arguments = own.try_into().map_err(|_| Error::ArgumentsTooLong)?;
    for (index, FolderMount { at, read_only }) in setting.folders.iter().enumerate() {
        if at.is_empty() || at.contains([':', '\0']) {
            return Err(Error::MountSyntax);
        }
        let mode = if *read_only { ":ro" } else { "" };
        fmt::Write::write_fmt(&mut spec.mounts, format_args!("/{index}:{at}{mode}\0"))
            .map_err(|_| Error::MountsTooMany)?;
    }
    Ok(spec)
}

impl Guest for BareModule {
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

    fn sleep(&self, until_us: Option<u64>) -> Result<(), Killed> {
        loop {
            self.check()?;
            let left = until_us.map(|until| until.saturating_sub(self.clock.uptime_us()));
            match left.map(Duration::from_micros) {
                Some(Duration::ZERO) => {
                    thread::yield_now();
                    return Ok(());
                }
                // In parts, so that the sleep ends soon after a stop.
                left => thread::sleep(left.unwrap_or(POLL).min(POLL)),
            }
        }
    }

    fn check(&self) -> Result<(), Killed> {
        if self.stopped.load(Ordering::SeqCst) {
            Err(Killed)
        } else {
            Ok(())
        }
    }
}
