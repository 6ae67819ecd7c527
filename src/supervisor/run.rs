// SPDX-License-Identifier: Apache-2.0
//! A run on the container's thread: from reading the code to the end of the guest.

use core::sync::atomic::{AtomicU32, Ordering};

use super::{Platform, SlotData, Supervisor};
use crate::container::restart::STABLE_US;
use crate::container::state::{Cause, RunResult, StartFailure};
use crate::container::table::{ContainerTimes, Handle, Uptime};
use crate::container::{Guest, Killed, Limits, Name, Spec, data};
use crate::image::OciLayout;
use crate::image::judge::Policy;
use crate::image::verdict::{Code, write_cut};
use crate::image::{EntryPoint, judge};
use crate::limits::SIGNATURES;
use crate::port::{ConsoleError, Engine, Exit, Host, HostExit, Program, Slot, StartError, Stream};
use heapless::String;

impl<P: Platform> Supervisor<P> {
    /// Runs a container's thread. Not inlined, because the watchdog, whose stack is small, comes
    /// the same way.
    #[inline(never)]
    pub(super) fn serve(&self, slot: Slot) {
        let Some(handle) = self.table.lock().at(slot) else {
            return;
        };
        let mut trial = None;
        // First, because a missing folder says nothing of an update.
        let result = self
            .name(handle)
            .and_then(|name| data::check(self.platform.storage(), &name))
            .and_then(|()| self.follow(handle, &mut trial))
            .and_then(|()| self.verify_provenance(handle))
            .and_then(|()| self.run(handle, &mut trial));
        self.finish(handle, result, trial);
    }

    /// Reports the result of a run that has given back everything. `trial` is the fingerprint of
    /// its tag, if that was on trial.
    pub(super) fn finish(
        &self,
        handle: Handle,
        result: Result<Exit, StartFailure>,
        trial: Option<u64>,
    ) {
        let outcome = match result {
            Ok(Exit::Code(code)) => RunResult::Exited(code),
            Ok(Exit::Trap(trap)) => RunResult::Trapped(trap),
            Ok(Exit::Stopped) => {
                let cause = self.status(handle).ok().and_then(|status| status.killed);
                RunResult::Killed(cause.unwrap_or(Cause::Kill))
            }
            Err(failure) => RunResult::Failed(failure),
        };
        if SIGNATURES || trial.is_some() {
            self.judge_run(handle, outcome, trial);
        }
        self.ended(handle, outcome, true);
    }

    /// Runs a container, from reading its code to the guest's end. Gives back all that it takes.
    /// `trial` is taken where the image has shown that it works.
    fn run(&self, handle: Handle, trial: &mut Option<u64>) -> Result<Exit, StartFailure> {
        let engine = self.platform.engine();
        let place = self
            .place(handle.slot())
            .map_err(|_| StartFailure::Thread)?;
        let name = self.name(handle)?;

        let code = self.read(handle)?;
        self.stamp(handle, |times, now| times.read_us = now);
        if place.killed.load(Ordering::SeqCst) {
            return Ok(Exit::Stopped);
        }
        let (module, entry, settings) = self.load(handle, &name, code)?;
        self.stamp(handle, |times, now| times.loaded_us = now);

        let program = Program {
            entry: &entry,
            memory_bytes: settings.limits.memory_bytes,
            stack_bytes: settings.limits.stack_bytes,
            instructions: settings.limits.instructions.map(u64::from),
        };
        let guest = Running {
            supervisor: self,
            place,
            handle,
            name: &name,
            attached: settings.attached,
        };
        let mut module = Some(module);
        let mut result = Err(StartError::OutOfMemory);
        self.platform.with_host(&guest, &mut |host| {
            let Some(module) = module.take() else {
                return;
            };
            let mut counted = CountingHost {
                host,
                calls: &place.host_calls,
                guest: &guest,
                trial: &mut *trial,
                stable_us: if SIGNATURES {
                    self.now().saturating_add(STABLE_US)
                } else {
                    0
                },
            };
            result = engine.run(
                module,
                &program,
                &mut counted,
                &place.interrupt,
                &mut || {
                    self.stamp(handle, |times, now| times.entered_us = now);
                    self.platform.threads().announce();
                },
            );
        });
        result.map_err(|error| match error {
            StartError::Link => StartFailure::Image(Code::WasmImport),
            StartError::MemoryLimit => StartFailure::Image(Code::LimitMemory),
            StartError::OutOfMemory => StartFailure::Image(Code::OutOfMemory),
            StartError::Entry => StartFailure::Image(Code::WasmEntrySignature),
            StartError::Stack => StartFailure::Image(Code::LimitStack),
            StartError::Instantiate => StartFailure::Instantiate,
        })
    }

    // The next two are not inlined, so that their frames do not stay on the stack under the guest.
    // They copy their data, so that no lock is held meanwhile.

    #[inline(never)]
    fn read(&self, handle: Handle) -> Result<<P::Engine as Engine>::Code, StartFailure> {
        let executable = self.spec(handle, |spec| spec.image.executable)?;
        judge::read_executable(self.images(), self.platform.engine(), &executable)
            .map_err(StartFailure::Image)
    }

    #[inline(never)]
    fn load(
        &self,
        handle: Handle,
        name: &Name,
        code: <P::Engine as Engine>::Code,
    ) -> Result<(<P::Engine as Engine>::Module, EntryPoint, Settings), StartFailure> {
        let (image, settings) = self.spec(handle, |spec| {
            let settings = Settings {
                limits: spec.limits,
                attached: spec.attached,
            };
            (spec.image.loadable(), settings)
        })?;
        let policy = Policy {
            memory_bytes: settings.limits.memory_bytes,
            ..self.platform.policy()
        };
        let mut words: String<96> = String::new();
        let mut explain = |more: &str| write_cut(&mut words, format_args!("{more}"));
        let engine = self.platform.engine();
        match judge::load(engine, code, &image, &policy, &mut explain) {
            Ok(module) => Ok((module, image.entry_point, settings)),
            Err(code) => {
                say!(
                    Error,
                    "container {name}: {code}{}{words}",
                    if words.is_empty() { "" } else { ": " }
                );
                Err(StartFailure::Image(code))
            }
        }
    }

    /// Layout of the partition, with the images.
    pub fn images(&self) -> OciLayout<'_, P::Storage> {
        OciLayout {
            storage: self.platform.storage(),
            root: "/",
        }
    }

    // A live container is not removed, so its thread always finds it.

    pub(super) fn spec<T>(
        &self,
        handle: Handle,
        take: impl FnOnce(&Spec) -> T,
    ) -> Result<T, StartFailure> {
        self.with_spec(handle, take)
            .map_err(|_| StartFailure::Thread)
    }

    pub(super) fn name(&self, handle: Handle) -> Result<Name, StartFailure> {
        let mut table = self.table.lock();
        let (name, _) = table.get(handle).map_err(|_| StartFailure::Thread)?;
        Ok(name.clone())
    }

    pub(super) fn stamp(&self, handle: Handle, set: impl FnOnce(&mut ContainerTimes, Uptime)) {
        let now = Uptime::at(self.now());
        if let Ok((_, status)) = self.table.lock().get(handle) {
            set(&mut status.times, now);
        }
    }
}

/// Settings of a run whose code is loaded.
struct Settings {
    limits: Limits,
    attached: bool,
}

/// Host functions whose calls are counted.
struct CountingHost<'a, P: Platform> {
    host: &'a mut dyn Host,
    calls: &'a AtomicU32,
    guest: &'a Running<'a, P>,
    /// Fingerprint of the tag, if that is on trial.
    trial: &'a mut Option<u64>,
    /// Uptime at which the image has shown that it works; `u64::MAX` once that is counted.
    stable_us: u64,
}

impl<P: Platform> Host for CountingHost<'_, P> {
    fn call(
        &mut self,
        function: usize,
        memory: &mut [u8],
        arguments: &mut [u64],
    ) -> Result<(), HostExit> {
        // Only this thread writes the counter.
        let calls = self.calls.load(Ordering::Relaxed).saturating_add(1);
        self.calls.store(calls, Ordering::Relaxed);
        // A service may never end.
        let supervisor = self.guest.supervisor;
        if SIGNATURES && self.stable_us != u64::MAX && supervisor.now() >= self.stable_us {
            self.stable_us = u64::MAX;
            supervisor.worked(self.guest.handle, true, self.trial.take());
        }
        self.host.call(function, memory, arguments)
    }

    fn host_buffer_len(&self, function: usize) -> u32 {
        self.host.host_buffer_len(function)
    }

    fn attach_host_buffer(&mut self, function: usize, address: u32, bytes: u32) {
        self.host.attach_host_buffer(function, address, bytes);
    }
}

/// A running container.
struct Running<'a, P: Platform> {
    supervisor: &'a Supervisor<P>,
    place: &'a SlotData<P>,
    handle: Handle,
    name: &'a Name,
    attached: bool,
}

impl<P: Platform> Guest for Running<'_, P> {
    fn name(&self) -> &Name {
        self.name
    }

    fn slot(&self) -> Slot {
        self.handle.slot()
    }

    fn spec(&self, show: &mut dyn FnMut(&Spec)) {
        // The container's thread is running, so the container exists.
        let _ = self.supervisor.with_spec(self.handle, |spec| show(spec));
    }

    fn write(&self, stream: Stream, bytes: &[u8]) -> Result<(), ConsoleError> {
        let now = self.supervisor.now();
        self.place.log.lock().1.write(stream, now, bytes);
        if self.supervisor.followers.load(Ordering::SeqCst) > 0 {
            self.supervisor.platform.threads().announce();
        }
        if self.attached {
            return self.supervisor.platform.console().write(stream, bytes);
        }
        Ok(())
    }

    fn read(&self, buffer: &mut [u8]) -> Option<usize> {
        if self.attached && !self.place.asked.load(Ordering::SeqCst) {
            self.supervisor.platform.console().read(buffer)
        } else {
            Some(0)
        }
    }

    fn sleep(&self, until_us: Option<u64>) -> Result<(), Killed> {
        self.check()?;
        let threads = self.supervisor.platform.threads();
        threads.sleep(self.handle.slot(), until_us);
        self.check()
    }

    fn check(&self) -> Result<(), Killed> {
        if self.place.killed.load(Ordering::SeqCst) {
            Err(Killed)
        } else {
            Ok(())
        }
    }
}
