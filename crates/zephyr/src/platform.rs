// SPDX-License-Identifier: Apache-2.0
//! The only runtime of a firmware: the core's supervisor, as a static.

use core::cell::UnsafeCell;
use core::mem::MaybeUninit;
use core::sync::atomic::{AtomicU8, Ordering};

use lock_api::Mutex;
use ocre::container::table::Handle;
use ocre::container::{Guest, ZeroedOption, record};
use ocre::image::JudgedImage;
use ocre::image::judge::{Policy, Workspace};
use ocre::image::verdict::{Finding, Location, Verdict};
use ocre::limits::{MAX_CONFIG, MAX_DOCUMENT};
use ocre::port::host_functions::Pair;
use ocre::port::{Clock, Console, Entropy, Host, HostModule, Threads};
use ocre::supervisor::{CreateError, CreateRequest, Platform, Supervisor};
use ocre_guest_api::{Bus, GuestApi, Ports};
use ocre_wamr::{EngineOptions, WamrEngine};
use ocre_wasi::Wasi;

use crate::device::ZephyrDevice;
use crate::lock::Lock;
use crate::sys::{self, defines};
use crate::trust::TRUST;
use crate::{config, log, target};

/// The supervisor of this firmware.
pub type Runtime = Supervisor<ZephyrDevice>;

static RUNTIME: Runtime = Supervisor::new(ZephyrDevice);

/// Buffers for the documents of images, for one user at a time.
pub(crate) struct ZephyrDocuments {
    document: [u8; MAX_DOCUMENT],
    config: [u8; MAX_CONFIG],
    /// Image that is judged, or was last: it is large for a caller's stack.
    judged: ZeroedOption<JudgedImage>,
}

impl ZephyrDocuments {
    /// Workspace to judge an image in, and the image that was judged last.
    pub(crate) fn judging(&mut self) -> (Workspace<'_>, &mut JudgedImage) {
        let workspace = Workspace {
            document: &mut self.document,
            config: &mut self.config,
        };
        (
            workspace,
            self.judged.get_or_insert_with(JudgedImage::blank),
        )
    }

    pub(crate) fn workspace(&mut self) -> Workspace<'_> {
        self.judging().0
    }
}

pub(crate) static DOCUMENTS: Mutex<Lock, ZephyrDocuments> = Mutex::from_raw(
    <Lock as lock_api::RawMutex>::INIT,
    ZephyrDocuments {
        document: [0; MAX_DOCUMENT],
        config: [0; MAX_CONFIG],
        judged: ZeroedOption::None,
    },
);

// ---------------------------------------------------------------- host functions

/// The host functions of every container.
static FUNCTIONS: [HostModule; 2] = [ocre_wasi::MODULE, ocre_guest_api::MODULE];

static BUS: Bus<Lock> = Bus::new();

// ---------------------------------------------------------------- the engine

const NEW: u8 = 0;
const STARTING: u8 = 1;
const READY: u8 = 2;
const BROKEN: u8 = 3;

struct EngineCell {
    state: AtomicU8,
    engine: UnsafeCell<MaybeUninit<WamrEngine>>,
}

// SAFETY: the engine is written once, before `state` becomes ready, and only read later.
unsafe impl Sync for EngineCell {}

static ENGINE: EngineCell = EngineCell {
    state: AtomicU8::new(NEW),
    engine: UnsafeCell::new(MaybeUninit::uninit()),
};

/// The engine's heap, aligned as it wants it.
#[repr(align(16))]
struct Heap(UnsafeCell<[u8; config::HEAP_SIZE as usize]>);

// SAFETY: taken once, by the thread that moves the engine's state from new to starting.
unsafe impl Sync for Heap {}

static HEAP: Heap = Heap(UnsafeCell::new([0; config::HEAP_SIZE as usize]));

/// Errno of a partition that can't be read, the same number in every libc.
const IO: i32 = -5;

/// Reason why the runtime does not start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum InitError {
    /// The runtime runs, another thread is starting it, or the engine has failed to start.
    Busy,
    /// The partition does not mount, can't be read or can't be formatted: with C's negative errno.
    Mount(i32),
    /// The heap is too small for the engine.
    Engine,
}

/// Takes the start of the runtime, so that no other thread starts it or formats the partition.
/// Returns the state where that is not possible.
#[inline(always)] // one exchange
fn take_start() -> Result<u8, u8> {
    let state = &ENGINE.state;
    state.compare_exchange(NEW, STARTING, Ordering::SeqCst, Ordering::SeqCst)
}

/// Gives the start back after an error of the partition: it can be tried again.
fn give_back(errno: i32) -> Result<(), InitError> {
    ENGINE.state.store(NEW, Ordering::SeqCst);
    Err(InitError::Mount(errno))
}

/// Formats the partition, before [`init`] has succeeded.
///
/// # Errors
/// `Busy` or `Mount`.
pub fn format() -> Result<(), InitError> {
    take_start().map_err(|_| InitError::Busy)?;
    // SAFETY: takes nothing; the runtime has not mounted the partition.
    let status = unsafe { sys::ocre_port_format() };
    let given_back = give_back(status);
    if status == 0 { Ok(()) } else { given_back }
}

/// Mounts the partition and starts the engine, unless that is done.
///
/// # Errors
/// See [`InitError`].
pub fn init() -> Result<(), InitError> {
    match take_start() {
        Ok(_) => {}
        Err(READY) => return Ok(()),
        Err(_) => return Err(InitError::Busy),
    }
    log::start();
    if config::MOUNT {
        // SAFETY: takes nothing.
        let status = unsafe { sys::ocre_port_mount() };
        if status != 0 {
            return give_back(status);
        }
    }
    const {
        assert!(
            MAX_DOCUMENT >= record::MAX_BYTES,
            "OCRE_DOCUMENT_SIZE is too small"
        )
    };
    if RUNTIME.boot(&mut DOCUMENTS.lock().document).is_err() {
        if config::MOUNT {
            // SAFETY: takes nothing. Where it fails, so will the mount of the next try.
            unsafe { sys::ocre_port_unmount() };
        }
        return give_back(IO);
    }
    // SAFETY: only the first to get here does, and it keeps the heap.
    let heap = unsafe { &mut *HEAP.0.get() };
    let engine = WamrEngine::start(
        &FUNCTIONS,
        EngineOptions {
            pool: Some(heap),
            limit_bytes: 0,
            host_stack_bytes: config::HOST_STACK_SIZE as u32,
            aot: target::TARGET,
            aot_elsewhere: false,
        },
    );
    match engine {
        Ok(engine) => {
            // SAFETY: no thread reads it before `state` becomes ready.
            unsafe { (*ENGINE.engine.get()).write(engine) };
            ENGINE.state.store(READY, Ordering::SeqCst);
            RUNTIME.resume();
            Ok(())
        }
        Err(_) => {
            ENGINE.state.store(BROKEN, Ordering::SeqCst);
            Err(InitError::Engine)
        }
    }
}

/// Creates a container of an image, which is judged first, with the firmware's document buffers.
/// `verdict` gets the findings.
///
/// # Errors
/// See [`Supervisor::create_from`].
pub fn create(
    runtime: &Runtime,
    request: &mut CreateRequest<'_>,
    verdict: &mut Verdict,
) -> Result<Handle, CreateError> {
    let mut documents = DOCUMENTS.lock();
    let (workspace, judged) = documents.judging();
    let mut report =
        |finding: Finding, at: Location<'_>, detail: &str| verdict.note(finding, at, detail);
    runtime.create_from(request, workspace, &mut report, judged)
}

/// The runtime, once [`init`] has succeeded.
pub fn runtime() -> Option<&'static Runtime> {
    (ENGINE.state.load(Ordering::SeqCst) == READY).then_some(&RUNTIME)
}

defines!(port::ocre_thread_main);

/// Entry point of a container's thread.
#[unsafe(no_mangle)]
extern "C" fn ocre_thread_main(slot: u32) {
    if let Ok(slot) = u8::try_from(slot) {
        RUNTIME.thread_main(slot);
    }
}

// ---------------------------------------------------------------- the platform

impl Platform for ZephyrDevice {
    type RawMutex = Lock;
    type Storage = Self;
    type Engine = WamrEngine;

    fn storage(&self) -> &Self {
        self
    }

    fn engine(&self) -> &WamrEngine {
        assert!(runtime().is_some(), "the runtime is used before its start");
        // SAFETY: written before the state became ready, and never again.
        unsafe { (*ENGINE.engine.get()).assume_init_ref() }
    }

    fn clock(&self) -> &dyn Clock {
        self
    }

    fn entropy(&self) -> &dyn Entropy {
        self
    }

    fn console(&self) -> &dyn Console {
        self
    }

    fn threads(&self) -> &dyn Threads {
        self
    }

    fn policy(&self) -> Policy<'_> {
        Policy {
            trust: &TRUST,
            uninterruptible: config::AOT_UNINTERRUPTIBLE,
            prefer_portable: false,
            image_bytes: config::IMAGE_SIZE_LIMIT as u64,
            memory_bytes: config::MEMORY_LIMIT as u32,
        }
    }

    fn with_host(&self, guest: &dyn Guest, run: &mut dyn FnMut(&mut dyn Host)) {
        let mut wasi = Wasi::new(self, self, self, guest);
        let ports = Ports {
            clock: self,
            threads: self,
            // Constants, so that parts that are left out are not linked.
            gpio: if config::GPIO { Some(self) } else { None },
            sensors: if config::SENSORS { Some(self) } else { None },
            machine: config::MACHINE,
        };
        let mut api = GuestApi::new(&BUS, ports, guest);
        run(&mut Pair {
            first: &mut wasi,
            split: ocre_wasi::FUNCTIONS.len(),
            second: &mut api,
        });
        api.close();
        wasi.close();
    }

    fn with_documents(&self, run: &mut dyn FnMut(Workspace<'_>, &mut JudgedImage)) {
        let mut documents = DOCUMENTS.lock();
        let (workspace, judged) = documents.judging();
        run(workspace, judged);
    }
}
