// SPDX-License-Identifier: Apache-2.0
//! The guest API's functions with arbitrary arguments over live guest memories.
//!
//! An input is a sequence of actions of three containers: calls, changes of their memories, and
//! events around them. Whatever it is: nothing panics; each answer is a result or an errno; a call
//! changes memory only where its answer goes; a call without its permission is refused, and changes
//! nothing; a returned event lies in memory; no container's pins are changed by another; once
//! killed no call goes on; and nothing outlives its run.
#![no_main]

#[path = "calls/input.rs"]
mod input;

use std::cell::Cell;
use std::ops::Range;

use input::{CallInput, STRIDE};
use libfuzzer_sys::fuzz_target;
use ocre::container::{Guest, Killed, Name, Options, Spec};
use ocre::image::permission::{Permission, Permissions};
use ocre::image::trust::Provenance;
use ocre::image::{Content, Image};
use ocre::limits::INBOX_BYTES;
use ocre::port::devices::{Direction, Pin};
use ocre::port::{Clock, ConsoleError, Host, HostExit, Slot, Stream, ThreadSpec, Threads};
use ocre_guest_api::{Bus, FUNCTIONS, GuestApi, Ports, permission};
use ocre_oci::{Format, Sha256};
use ocre_pc::platform::Devices;
use parking_lot::RawMutex;

/// Bytes of a guest's own memory; the host buffer lies behind it.
const OWN: usize = 4096;
const MEMORY: usize = OWN + INBOX_BYTES;
/// Most actions of one input.
const DEEDS: usize = 64;
/// The highest errno of Linux.
const LAST_ERRNO: i32 = 133;
const PERM: i32 = -1;
const GUESTS: usize = 3;
/// Uptime at the start of the world, in microseconds.
const BEGINNING: u64 = 1_000_000;

/// Texts that a guest could name, each at a separate place.
const TEXTS: [&[u8]; 15] = [
    b"a",
    b"a/b",
    b"a/",
    b"#",
    b"a/+",
    b"+/b/#",
    b"text/plain",
    b"led0",
    b"sw0",
    b"climate",
    b"light",
    b"\xff\xfe",
    b"",
    b"a#",
    b"a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q/r/s/t/u/v/w/x/y/z/0/1/2/3/4",
];

// ---------------------------------------------------------------- the device

/// Device whose time passes only during a sleep, or when the input says so.
struct FuzzDevice {
    now_us: Cell<u64>,
    doom_us: u64,
    bus: Bus<RawMutex>,
    devices: Devices,
}

impl FuzzDevice {
    fn ports(&self) -> Ports<'_> {
        Ports {
            clock: self,
            threads: self,
            gpio: Some(&self.devices),
            sensors: Some(&self.devices),
            machine: "fuzzed",
        }
    }

    fn is_doomed(&self) -> bool {
        self.now_us.get() >= self.doom_us
    }
}

impl Clock for FuzzDevice {
    fn uptime_us(&self) -> u64 {
        self.now_us.get()
    }

    fn wall_ns(&self) -> Option<u64> {
        None
    }
}

impl Threads for FuzzDevice {
    fn spawn(&self, _: Slot, _: &ThreadSpec<'_>) -> bool {
        false
    }

    fn sleep(&self, _: Slot, _: Option<u64>) -> bool {
        false
    }

    fn wake(&self, slot: Slot) {
        assert!(usize::from(slot) < GUESTS, "nobody has slot {slot}");
    }

    fn await_change(&self, seen: u32, _: Option<u64>) -> u32 {
        seen
    }

    fn announce(&self) {}
}

/// Container, as its host functions see it.
struct FuzzTenant<'a> {
    world: &'a FuzzDevice,
    slot: Slot,
    name: &'a Name,
    spec: &'a Spec,
}

impl Guest for FuzzTenant<'_> {
    fn name(&self) -> &Name {
        self.name
    }

    fn slot(&self) -> Slot {
        self.slot
    }

    fn spec(&self, show: &mut dyn FnMut(&Spec)) {
        show(self.spec);
    }

    fn write(&self, _: Stream, _: &[u8]) -> Result<(), ConsoleError> {
        Ok(())
    }

    fn read(&self, _: &mut [u8]) -> Option<usize> {
        Some(0)
    }

    fn sleep(&self, until_us: Option<u64>) -> Result<(), Killed> {
        self.check()?;
        // The kill wakes a guest that sleeps for ever.
        let until_us = until_us.unwrap_or(u64::MAX).min(self.world.doom_us);
        let now_us = &self.world.now_us;
        now_us.set(now_us.get().max(until_us));
        self.check()
    }

    fn check(&self) -> Result<(), Killed> {
        if self.world.is_doomed() {
            Err(Killed)
        } else {
            Ok(())
        }
    }
}

// ---------------------------------------------------------------- the checks

struct FuzzRun<'a> {
    api: GuestApi<'a, RawMutex>,
    granted: Permissions,
    memory: Vec<u8>,
    /// Memory before the call.
    before: Vec<u8>,
}

impl<'a> FuzzRun<'a> {
    fn new(world: &'a FuzzDevice, tenant: &'a FuzzTenant<'a>, memory: &[u8]) -> Self {
        let mut api = GuestApi::new(&world.bus, world.ports(), tenant);
        for function in 0..FUNCTIONS.len() {
            let bytes = api.host_buffer_len(function);
            if bytes != 0 {
                assert_eq!(bytes as usize, INBOX_BYTES);
                api.attach_host_buffer(function, OWN as u32, bytes);
            }
        }
        Self {
            api,
            granted: tenant.spec.image.permissions,
            memory: memory.to_vec(),
            before: memory.to_vec(),
        }
    }

    /// Calls one function; `None` when the guest is at its end.
    fn call(
        &mut self,
        world: &FuzzDevice,
        function: usize,
        input: &mut CallInput<'_>,
    ) -> Option<()> {
        let called = FUNCTIONS[function];
        let mut arguments = [0; 16];
        for place in &mut arguments[..called.types().0.len()] {
            *place = input.argument(OWN).unwrap_or_default();
        }
        let given = arguments;
        let was_doomed = world.is_doomed();
        let pins = world.devices.pins();
        match self.api.call(function, &mut self.memory, &mut arguments) {
            Ok(()) => assert!(!was_doomed, "{} goes on", called.name()),
            Err(HostExit::Stopped) => {
                assert!(world.is_doomed(), "{} ends for nothing", called.name());
                return None;
            }
            Err(halt) => panic!("{}: {halt:?}", called.name()),
        }
        let answer = if called.types().1 == "F" {
            let measured = f64::from_bits(arguments[0]);
            assert!(measured.is_finite(), "{} answers {measured}", called.name());
            measured as i32
        } else {
            u32::try_from(arguments[0])
                .unwrap_or_else(|_| panic!("{} answers {}", called.name(), arguments[0]))
                as i32
        };
        assert!(answer >= -LAST_ERRNO, "{} answers {answer}", called.name());
        let lacks = permission(function).is_some_and(|one| !self.granted.contains(one));
        if lacks {
            assert_eq!(answer, PERM, "{}", called.name());
        }
        if !called.name().starts_with("ocre_gpio") || lacks {
            assert_eq!(pins, world.devices.pins(), "{}", called.name());
        }
        self.check_memory(called.name(), answer, given);
        Some(())
    }

    /// Checks that memory has changed only where the call answers, and that a returned event lies
    /// in memory.
    fn check_memory(&mut self, name: &str, answer: i32, given: [u64; 16]) {
        let place = |index: usize, bytes: usize| {
            let start = given[index] as u32 as usize;
            start..start + bytes
        };
        let answered: Vec<Range<usize>> = match name {
            _ if answer != 0 => Vec::new(),
            "uname" => vec![place(0, 6 * 65)],
            "ocre_get_event" => {
                let fields = (0..6).map(|index| place(index, 4));
                fields.chain(std::iter::once(OWN..MEMORY)).collect()
            }
            _ => Vec::new(),
        };
        if self.memory != self.before {
            for (address, (now, then)) in self.memory.iter().zip(&self.before).enumerate() {
                let allowed = answered.iter().any(|range| range.contains(&address));
                assert!(
                    now == then || allowed,
                    "{name}, which answers {answer}, writes to {address}"
                );
            }
        }
        self.before.copy_from_slice(&self.memory);
    }
}

// ---------------------------------------------------------------- the world before it begins

fn set(members: impl Iterator<Item = Permission>) -> Permissions {
    let mut set = Permissions::NONE;
    members.for_each(|one| set.insert(one));
    set
}

fn specs() -> Vec<(Name, Spec)> {
    let content = Content {
        digest: Sha256::of(b"code"),
        size: 4,
    };
    let image = Image {
        manifest: content,
        executable: content,
        executable_layer: 0,
        format: Format::Wasm,
        admission: Ok(Provenance::UNKNOWN),
        sequence: ocre::image::sequence::Sequence::NONE,
        entry_point: "_start".try_into().expect("it is short"),
        environment: Default::default(),
        permissions: set(Permission::ALL.into_iter()),
        blobs: Default::default(),
    };
    let sets = 0..1_u8 << Permission::ALL.len();
    let spec = |bits: u8| {
        let name = Name::parse(&format!("c{bits}")).expect("it is a name");
        let members = Permission::ALL.into_iter().enumerate();
        let granted = members.filter(|(bit, _)| bits >> bit & 1 != 0);
        let options = Options {
            granted: set(granted.map(|(_, one)| one)),
            ..Options::default()
        };
        let mut spec = Spec::blank();
        spec.resolve(&name, &image, &options)
            .expect("it is well formed");
        (name, spec)
    };
    sets.map(spec).collect()
}

fn guest_memory() -> Vec<u8> {
    let mut bytes = vec![0; MEMORY];
    for (index, text) in TEXTS.iter().enumerate() {
        let at = index * STRIDE as usize;
        bytes[at..at + text.len()].copy_from_slice(text);
    }
    bytes
}

thread_local! {
    static SPECS: (Vec<(Name, Spec)>, Vec<u8>) = (specs(), guest_memory());
}

fuzz_target!(|bytes: &[u8]| {
    SPECS.with(|(specs, memory)| run(specs, memory, CallInput(bytes)));
});

fn run(specs: &[(Name, Spec)], memory: &[u8], mut input: CallInput<'_>) {
    let (Some(doom), Some(some)) = (input.byte(), input.byte()) else {
        return;
    };
    let world = FuzzDevice {
        now_us: Cell::new(BEGINNING),
        doom_us: BEGINNING + (u64::from(doom) << 16) + 1,
        bus: Bus::new(),
        devices: Devices::new(),
    };
    let all = specs.len() - 1;
    // One container may do nothing, one everything, and the input decides about the third.
    let chosen = [all, usize::from(some) % specs.len(), 0];
    let mut slot = 0;
    let tenants = chosen.map(|index| {
        let (name, spec) = &specs[index];
        let tenant = FuzzTenant {
            world: &world,
            slot,
            name,
            spec,
        };
        slot += 1;
        tenant
    });
    let mut runs: Vec<FuzzRun<'_>> = tenants
        .iter()
        .map(|tenant| FuzzRun::new(&world, tenant, memory))
        .collect();
    let mut current = 0;
    for _ in 0..DEEDS {
        let Some(deed) = input.byte() else { break };
        let function = usize::from(deed);
        let run = &mut runs[current];
        if function < FUNCTIONS.len() {
            if run.call(&world, function, &mut input).is_none() {
                break;
            }
            continue;
        }
        let goes_on = match deed % 8 {
            0 | 1 => {
                current = (current + 1) % GUESTS;
                Some(())
            }
            2 => input.byte().map(|pin| {
                let pin = Pin {
                    port: pin >> 6 & 1,
                    line: pin >> 2 & 0xf,
                };
                let active = pin.line.is_multiple_of(2) || deed & 8 != 0;
                let _ = world.devices.drive(pin, active);
            }),
            3 => input.byte().map(|ms| {
                let passed_us = u64::from(ms) * 1000;
                world.now_us.set(world.now_us.get() + passed_us);
            }),
            4 => {
                runs.remove(current).api.close();
                runs.insert(current, FuzzRun::new(&world, &tenants[current], memory));
                Some(())
            }
            _ => {
                let scribbled = input.scribble(deed, &mut run.memory);
                run.before.copy_from_slice(&run.memory);
                scribbled
            }
        };
        if goes_on.is_none() {
            break;
        }
    }
    for run in runs {
        run.api.close();
    }
    let pins = world.devices.pins();
    assert!(pins.iter().all(|seen| seen.direction == Direction::Off));
}
