// SPDX-License-Identifier: Apache-2.0
//! The PC as a [`Platform`]: WAMR, std's threads and clock, the system's randomness, and a
//! terminal, around a storage of the caller's choice.

pub mod bare;
pub mod console;
mod devices;
mod threads;

use std::sync::{Arc, OnceLock, Weak};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use ocre::container::{Guest, record};
use ocre::image::JudgedImage;
use ocre::image::judge::{Policy, Workspace};
use ocre::image::permission::Permissions;
use ocre::image::trust::Trust;
use ocre::port::AotTarget;
use ocre::port::devices::{DeviceError, Pin, PinView, Simulated};
use ocre::port::host_functions::Pair;
use ocre::port::{Clock, Console, Entropy, Host, HostModule, Storage, StorageError, Threads};
use ocre::supervisor::Platform;
use ocre::supervisor::Supervisor;
use ocre_guest_api::{Bus, GuestApi, Ports};
use ocre_wamr::{EngineError, PC_TARGET, WamrEngine};
use ocre_wasi::Wasi;
use parking_lot::{Mutex, MutexGuard};

pub use console::Terminal;
pub use devices::Devices;
use threads::{PcThreads, ThreadBody};

/// Default policy of a PC for images.
pub const POLICY: Policy<'static> = Policy {
    trust: &Trust::ANY,
    uninterruptible: false,
    prefer_portable: false,
    image_bytes: 64 * 1024 * 1024,
    memory_bytes: 256 * 1024 * 1024,
};

/// Most bytes that the engine takes for modules and their code, without linear memories: many
/// times the needs of the largest image, and little enough for the PC's other programs.
const ENGINE_BYTES: u32 = 1 << 30;

/// Bytes that the engine keeps for host functions in the stack of each container's thread.
const HOST_STACK: u32 = 64 * 1024;

const WASI: usize = ocre_wasi::FUNCTIONS.len();

/// The host functions of every container.
static FUNCTIONS: [HostModule; 2] = [ocre_wasi::MODULE, ocre_guest_api::MODULE];

/// The PC, with its containers on a storage.
pub struct Pc<S> {
    storage: S,
    engine: WamrEngine,
    clock: PcClock,
    threads: PcThreads,
    console: Box<dyn Console + Send + Sync>,
    policy: Policy<'static>,
    devices: Devices,
    bus: Bus<parking_lot::RawMutex>,
    documents: Mutex<PcDocuments>,
    /// Permissions whose lack made calls of guests fail.
    denied: Mutex<Permissions>,
    /// True where there is neither a date nor randomness.
    timeless: bool,
}

/// Largest index or manifest, in bytes. Larger than on a small device: an index of some hundred
/// images fits.
pub const MAX_DOCUMENT: usize = 64 * 1024;
/// Largest image config, in bytes.
pub const MAX_CONFIG: usize = 16 * 1024;

/// Buffers for the documents of images, for one user at a time.
#[derive(Debug)]
pub struct PcDocuments {
    document: Vec<u8>,
    config: Vec<u8>,
    judged: Box<JudgedImage>,
}

impl PcDocuments {
    /// The buffers.
    pub fn workspace(&mut self) -> Workspace<'_> {
        self.judging().0
    }

    /// The buffers, and the image that was judged last.
    pub fn judging(&mut self) -> (Workspace<'_>, &mut JudgedImage) {
        let workspace = Workspace {
            document: &mut self.document,
            config: &mut self.config,
        };
        (workspace, &mut self.judged)
    }
}

/// Further settings of a PC.
struct Preparation {
    document: usize,
    config: usize,
    timeless: bool,
}

/// A PC with its containers. The thread of a running container keeps the value alive.
pub type Device<S> = Supervisor<Pc<S>>;

/// Reasons why a PC can't be switched on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BootError {
    /// The engine does not start.
    Engine(EngineError),
    /// The records of containers can't be read.
    Storage(StorageError),
}

impl<S: Storage + Send + Sync + 'static> Pc<S> {
    /// Switches a PC on and restores the containers that have a record on its storage. Several can
    /// be on at once in one process; they share its engine.
    ///
    /// # Errors
    /// The engine's error, the same at each call; errors of the storage.
    pub fn boot(
        storage: S,
        console: Box<dyn Console + Send + Sync>,
        policy: Policy<'static>,
    ) -> Result<Arc<Device<S>>, BootError> {
        let engine = engine().map_err(BootError::Engine)?;
        let preparation = Preparation {
            document: MAX_DOCUMENT,
            config: MAX_CONFIG,
            timeless: false,
        };
        Self::with_engine(storage, engine, console, policy, preparation)
    }

    /// Switches on a stand-in for a device whose storage is prepared. It judges as a device with
    /// AOT code for `target` does. It has neither a date nor randomness, so that the content of
    /// its storage depends on its input alone. The process's engine keeps `target` from then on;
    /// `document` and `config` are the sizes of the buffers for documents, in bytes.
    ///
    /// # Errors
    /// As [`boot`](Self::boot).
    pub fn prepare(
        storage: S,
        console: Box<dyn Console + Send + Sync>,
        policy: Policy<'static>,
        target: Option<&'static AotTarget>,
        [document, config]: [usize; 2],
    ) -> Result<Arc<Device<S>>, BootError> {
        let engine = engine_for(target).map_err(BootError::Engine)?;
        let preparation = Preparation {
            document,
            config,
            timeless: true,
        };
        Self::with_engine(storage, engine, console, policy, preparation)
    }

    fn with_engine(
        storage: S,
        engine: WamrEngine,
        console: Box<dyn Console + Send + Sync>,
        policy: Policy<'static>,
        preparation: Preparation,
    ) -> Result<Arc<Device<S>>, BootError> {
        let boot = Instant::now();
        let device = Arc::new_cyclic(|device: &Weak<Device<S>>| {
            let device = device.clone();
            let body = move |slot| {
                let device = device.upgrade()?;
                let body: ThreadBody = Box::new(move || device.thread_main(slot));
                Some(body)
            };
            Supervisor::new(Self {
                storage,
                engine,
                clock: PcClock {
                    boot,
                    dated: !preparation.timeless,
                },
                threads: PcThreads::new(boot, body),
                console,
                policy,
                devices: Devices::new(),
                bus: Bus::new(),
                documents: Mutex::new(PcDocuments {
                    document: vec![0; preparation.document],
                    config: vec![0; preparation.config],
                    judged: Box::new(JudgedImage::blank()),
                }),
                denied: Mutex::default(),
                timeless: preparation.timeless,
            })
        });
        let mut buffer = [0; record::MAX_BYTES];
        device.boot(&mut buffer).map_err(BootError::Storage)?;
        Ok(device)
    }

    /// Locks the buffers for documents of images, for one user of the image store at a time.
    pub fn documents(&self) -> MutexGuard<'_, PcDocuments> {
        self.documents.lock()
    }

    /// Takes the permissions whose lack made calls of guests fail since the last call.
    pub fn take_denied(&self) -> Permissions {
        std::mem::take(&mut self.denied.lock())
    }

    /// Pins and sensors of the PC.
    pub fn devices(&self) -> &Devices {
        &self.devices
    }
}

impl<S> Simulated for Pc<S> {
    fn pins(&self, show: &mut dyn FnMut(PinView<'_>)) {
        self.devices.pins().into_iter().for_each(show);
    }

    fn drive(&self, pin: Pin, active: bool) -> Result<(), DeviceError> {
        if let Some(watcher) = self.devices.drive(pin, active)? {
            self.threads.wake(watcher);
        }
        Ok(())
    }

    fn channels(&self, show: &mut dyn FnMut(&str, &str, i64)) {
        for (sensor, channel, millionths) in self.devices.channels() {
            show(sensor, channel, millionths);
        }
    }

    fn set_channel(&self, sensor: &str, channel: &str, millionths: i64) -> Result<(), DeviceError> {
        self.devices.set_channel(sensor, channel, millionths)
    }
}

/// The process's engine, with the host functions.
///
/// # Errors
/// The engine's error, the same at each call.
pub fn engine() -> Result<WamrEngine, EngineError> {
    engine_for(PC_TARGET)
}

/// The process's engine, of a device that takes AOT code for `target`. The first call decides
/// `target`.
///
/// # Errors
/// As [`engine`].
pub fn engine_for(target: Option<&'static AotTarget>) -> Result<WamrEngine, EngineError> {
    static ENGINE: OnceLock<Result<WamrEngine, EngineError>> = OnceLock::new();
    *ENGINE.get_or_init(|| {
        let options = ocre_wamr::EngineOptions {
            pool: None,
            limit_bytes: ENGINE_BYTES,
            host_stack_bytes: HOST_STACK,
            aot: target,
            aot_elsewhere: target != PC_TARGET,
        };
        WamrEngine::start(&FUNCTIONS, options)
    })
}

impl<S: Storage + Send + Sync + 'static> Platform for Pc<S> {
    type RawMutex = parking_lot::RawMutex;
    type Storage = S;
    type Engine = WamrEngine;

    fn storage(&self) -> &S {
        &self.storage
    }

    fn engine(&self) -> &WamrEngine {
        &self.engine
    }

    fn clock(&self) -> &dyn Clock {
        &self.clock
    }

    fn entropy(&self) -> &dyn Entropy {
        if self.timeless {
            &NoEntropy
        } else {
            &PcEntropy
        }
    }

    fn console(&self) -> &dyn Console {
        &*self.console
    }

    fn threads(&self) -> &dyn Threads {
        &self.threads
    }

    fn simulated(&self) -> Option<&dyn Simulated> {
        Some(self)
    }

    fn policy(&self) -> Policy<'_> {
        self.policy
    }

    fn with_host(&self, guest: &dyn Guest, run: &mut dyn FnMut(&mut dyn Host)) {
        let mut wasi = Wasi::new(&self.storage, &self.clock, &PcEntropy, guest);
        let ports = ports(&self.clock, &self.threads, &self.devices);
        let mut api = GuestApi::new(&self.bus, ports, guest);
        run(&mut Pair {
            first: &mut wasi,
            split: WASI,
            second: &mut api,
        });
        let mut denied = self.denied.lock();
        *denied = denied.union(api.denied());
        drop(denied);
        api.close();
        wasi.close();
    }

    fn with_documents(&self, run: &mut dyn FnMut(Workspace<'_>, &mut JudgedImage)) {
        let mut documents = self.documents();
        let (workspace, judged) = documents.judging();
        run(workspace, judged);
    }
}

/// The simulated device, for the functions of the guest API.
fn ports<'a>(clock: &'a PcClock, threads: &'a PcThreads, devices: &'a Devices) -> Ports<'a> {
    Ports {
        clock,
        threads,
        gpio: Some(devices),
        sensors: Some(devices),
        machine: std::env::consts::ARCH,
    }
}

#[derive(Clone, Copy, Debug)]
struct PcClock {
    boot: Instant,
    /// True where the clock knows the date.
    dated: bool,
}

impl PcClock {
    /// Makes a clock that boots now.
    fn new() -> Self {
        Self {
            boot: Instant::now(),
            dated: true,
        }
    }
}

impl Clock for PcClock {
    fn uptime_us(&self) -> u64 {
        u64::try_from(self.boot.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    fn wall_ns(&self) -> Option<u64> {
        if !self.dated {
            return None;
        }
        let since = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
        u64::try_from(since.as_nanos()).ok()
    }
}

/// The system's randomness.
struct PcEntropy;

impl Entropy for PcEntropy {
    fn fill(&self, buffer: &mut [u8]) -> bool {
        getrandom::fill(buffer).is_ok()
    }
}

/// No randomness.
struct NoEntropy;

impl Entropy for NoEntropy {
    fn fill(&self, _: &mut [u8]) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {

    use super::*;

    #[test]
    fn the_clock_keeps_its_promises() {
        ocre_conformance::clock(&PcClock::new()).unwrap();
    }

    #[test]
    fn the_pins_and_sensors_keep_their_promises() {
        let devices = Devices::new();
        let (output, input) = (Pin { port: 1, line: 0 }, Pin { port: 1, line: 1 });
        ocre_conformance::gpio(&devices, output, input).unwrap();
        ocre_conformance::sensors(&devices).unwrap();
    }

    #[test]
    fn the_entropy_keeps_its_promises() {
        ocre_conformance::entropy(&PcEntropy).unwrap();
    }
}
