// SPDX-License-Identifier: Apache-2.0
//! Zephyr as the core's platform: time, chance, threads and the console.

use ocre::port::{Clock, Console, ConsoleError, Entropy, Slot, Stream, ThreadSpec, Threads};

use crate::{config, sys};

/// The device that this firmware runs on.
#[derive(Clone, Copy, Debug)]
pub struct ZephyrDevice;

impl Clock for ZephyrDevice {
    fn uptime_us(&self) -> u64 {
        // SAFETY: takes nothing.
        unsafe { sys::ocre_port_uptime_us() }
    }

    fn wall_ns(&self) -> Option<u64> {
        // SAFETY: takes nothing.
        Some(unsafe { sys::ocre_port_wall_ns() }).filter(|&now| now != 0)
    }
}

impl Entropy for ZephyrDevice {
    fn fill(&self, buffer: &mut [u8]) -> bool {
        buffer.chunks_mut(u16::MAX.into()).all(|part| {
            // SAFETY: the part has that many bytes.
            unsafe { sys::ocre_port_random(part.as_mut_ptr(), part.len() as u32) != 0 }
        })
    }
}

impl Console for ZephyrDevice {
    fn write(&self, stream: Stream, bytes: &[u8]) -> Result<(), ConsoleError> {
        let stream = match stream {
            Stream::Stdout => 1,
            Stream::Stderr => 2,
        };
        for part in bytes.chunks(i32::MAX as usize) {
            // SAFETY: the part has that many bytes.
            unsafe { sys::ocre_port_console_write(stream, part.as_ptr(), part.len() as u32) };
        }
        // Zephyr's console and shell report no failure.
        Ok(())
    }

    fn read(&self, buffer: &mut [u8]) -> Option<usize> {
        let bytes = buffer.len().min(i32::MAX as usize) as u32;
        // SAFETY: the buffer has that many bytes.
        usize::try_from(unsafe { sys::ocre_port_console_read(buffer.as_mut_ptr(), bytes) }).ok()
    }
}

impl Threads for ZephyrDevice {
    fn spawn(&self, slot: Slot, spec: &ThreadSpec<'_>) -> bool {
        let name = spec.name.as_bytes();
        // SAFETY: the name has that many bytes.
        unsafe {
            sys::ocre_port_spawn(
                slot.into(),
                name.as_ptr(),
                name.len() as u32,
                spec.stack_bytes,
                spec.priority.into(),
            ) != 0
        }
    }

    fn sleep(&self, slot: Slot, until_us: Option<u64>) -> bool {
        // SAFETY: takes nothing by reference.
        unsafe { sys::ocre_port_sleep(slot.into(), until_us.unwrap_or(sys::NEVER)) != 0 }
    }

    fn wake(&self, slot: Slot) {
        // SAFETY: takes nothing by reference.
        unsafe { sys::ocre_port_wake(slot.into()) };
    }

    fn await_change(&self, seen: u32, until_us: Option<u64>) -> u32 {
        // SAFETY: takes nothing by reference.
        unsafe { sys::ocre_port_await_change(seen, until_us.unwrap_or(sys::NEVER)) }
    }

    fn announce(&self) {
        // SAFETY: takes nothing.
        unsafe { sys::ocre_port_announce() };
    }

    fn computed_us(&self, slot: Slot) -> Option<u64> {
        // SAFETY: takes nothing by reference.
        Some(unsafe { sys::ocre_port_computed_us(slot.into()) }).filter(|us| *us != u64::MAX)
    }

    fn beat(&self) -> Option<u32> {
        // SAFETY: takes nothing.
        config::TASK_WDT.then(|| unsafe { sys::ocre_port_beat() })
    }
}
