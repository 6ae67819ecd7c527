// SPDX-License-Identifier: Apache-2.0
//! Changed AOT files: checked by the reader and, with `OCRE_FUZZ_LOAD=1`, loaded and
//! instantiated by WAMR as the engine does it. No code runs: machine code may be changed too.
//!
//! The corpus begins with files that `ocre aot` compiled. Inputs are changed in their numbers, cut
//! and spliced inside of sections whose sizes follow, and get their checksum again, without which
//! the reader would refuse each. Loading finds most with WAMR under the address sanitizer:
//! `CC=clang OCRE_WAMR_SANITIZE=address`.
#![no_main]

use std::env;
use std::sync::LazyLock;

use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};
use ocre::port::{Engine as _, Host, HostExit, HostFunction, HostModule};
use ocre_module_reader::aot::{self, Machine, SEAL_BYTES};
use ocre_wamr::{
    EngineOptions, HostCalls, Instance, InstanceLimits, Module, PC_TARGET, RunInterrupt, WamrEngine,
};

/// Bytes of linear memory, and of stack, that an instance may have.
const MEMORY_BYTES: u32 = 1 << 20;
const STACK_BYTES: u32 = 8 * 1024;

/// Numbers that are wrong somewhere.
const NUMBERS: [u32; 24] = [
    0,
    1,
    2,
    3,
    4,
    5,
    7,
    8,
    15,
    16,
    64,
    100,
    127,
    255,
    256,
    4096,
    0x7fff,
    0xffff,
    0x1_0000,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_fff0,
    0xffff_fffe,
    0xffff_ffff,
];

/// Host functions that the corpus imports.
static MODULES: &[HostModule] = &[HostModule {
    name: c"env",
    functions: &[
        HostFunction {
            name: c"same",
            signature: c"(i)i",
        },
        HostFunction {
            name: c"sum",
            signature: c"(IF)I",
        },
    ],
}];

static ENGINE: LazyLock<Option<WamrEngine>> = LazyLock::new(|| {
    env::var_os("OCRE_FUZZ_LOAD")?;
    let options = EngineOptions {
        aot: PC_TARGET,
        ..EngineOptions::default()
    };
    Some(WamrEngine::start(MODULES, options).expect("no engine"))
});

/// A host that is never called.
struct NoHost;

impl Host for NoHost {
    fn call(&mut self, _: usize, _: &mut [u8], _: &mut [u64]) -> Result<(), HostExit> {
        unreachable!("no code runs")
    }
}

fuzz_target!(|file: &[u8]| {
    let machine = Machine::of(file).unwrap_or(&Machine::ARM);
    let checked = aot::check(file, machine);
    if let Err(error) = checked {
        assert!(error.offset <= file.len(), "{error:?}");
        return;
    }
    let cut = file.len() - 1;
    assert!(aot::check(&file[..cut], machine).is_err(), "cut by a byte");
    if let Some(engine) = &*ENGINE {
        load(engine, file);
    }
});

fn load(engine: &WamrEngine, file: &[u8]) {
    let code = engine.code(file).expect("no memory");
    let Ok(mut module) = engine.load(code, &mut |_| ()) else {
        return;
    };
    describe(&module);
    let limits = InstanceLimits {
        memory_bytes: MEMORY_BYTES,
        stack_bytes: STACK_BYTES,
        reserve_bytes: 0,
        instructions: None,
    };
    let mut host = NoHost;
    let mut calls = HostCalls::new(&mut host);
    let interrupt = RunInterrupt::default();
    drop(Instance::new(&mut module, &limits, &mut calls, &interrupt));
}

/// Asks for all that a judge asks of a module.
fn describe(module: &Module) {
    module.imports(&mut |_, _, _| ());
    module.exports(&mut |_, _| ());
    module.minimum_pages();
    module.function("_start", true);
}

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    let mut chance = FuzzRng(u64::from(seed) | 1 << 40);
    if size < 64 || chance.below(16) == 0 {
        return fuzzer_mutate(data, size, max_size);
    }
    let size = aot::without_seal(&data[..size]).map_or(size, <[u8]>::len);
    let mut file = data[..size].to_vec();
    for _ in 0..=chance.below(3) {
        change(&mut file, &mut chance);
    }
    file.resize(file.len().next_multiple_of(4), 0);
    file.extend(aot::seal(&file));
    if file.len() > max_size {
        return fuzzer_mutate(data, size, max_size);
    }
    data[..file.len()].copy_from_slice(&file);
    file.len()
});

fn change(file: &mut Vec<u8>, chance: &mut FuzzRng) {
    let (start, end) = section(file, chance);
    if end <= start {
        return;
    }
    let at = start + chance.below(end - start);
    let word = at & !3;
    let here = number(file, word).unwrap_or_default();
    match chance.below(8) {
        0 => file[at] ^= 1 << chance.below(8),
        1 => file[at] = chance.below(256) as u8,
        2 => set(file, word, NUMBERS[chance.below(NUMBERS.len())]),
        3 => set(
            file,
            word,
            here.wrapping_add(chance.below(9) as u32).wrapping_sub(4),
        ),
        4 => {
            let other = number(file, (start + chance.below(end - start)) & !3);
            set(file, word, other.unwrap_or_default());
        }
        5 => resize(file, start, |body| {
            let at = (at - start).min(body.len()) & !3;
            let bytes = 4 * (1 + chance.below(8));
            body.drain(at..(at + bytes).min(body.len()));
        }),
        6 => resize(file, start, |body| {
            let at = (at - start).min(body.len()) & !3;
            let bytes = 4 * (1 + chance.below(8));
            let copy = body[at..(at + bytes).min(body.len())].to_vec();
            body.splice(at..at, copy);
        }),
        _ => {
            let bytes = end - at;
            let size = SEAL_BYTES.min(bytes);
            fuzzer_mutate(&mut file[at..at + size], size, size);
        }
    }
}

/// Start and end of the content of a section, seldom of machine code; of all, if there is none.
fn section(file: &[u8], chance: &mut FuzzRng) -> (usize, usize) {
    let mut sections = Vec::new();
    let mut at = 8;
    while let (Some(kind), Some(bytes)) = (number(file, at), number(file, at + 4)) {
        let end = (at + 8).saturating_add(bytes as usize);
        if end > file.len() {
            break;
        }
        sections.push((kind, at + 8, end));
        at = end.next_multiple_of(4);
    }
    if sections.is_empty() || chance.below(32) == 0 {
        return (0, file.len());
    }
    let (kind, start, end) = sections[chance.below(sections.len())];
    match kind {
        2 if chance.below(8) != 0 => (start, (start + 4).min(end)),
        _ => (start, end),
    }
}

/// Changes a section's content, and its size with it.
fn resize(file: &mut Vec<u8>, start: usize, edit: impl FnOnce(&mut Vec<u8>)) {
    let Some(bytes) = start.checked_sub(4).and_then(|at| number(file, at)) else {
        return;
    };
    let end = start.saturating_add(bytes as usize);
    if end > file.len() {
        return;
    }
    let mut body = file[start..end].to_vec();
    edit(&mut body);
    set(file, start - 4, body.len() as u32);
    body.resize(body.len().next_multiple_of(4), 0);
    file.splice(start..end.next_multiple_of(4).min(file.len()), body);
}

fn number(file: &[u8], at: usize) -> Option<u32> {
    let bytes = file.get(at..)?.first_chunk()?;
    Some(u32::from_le_bytes(*bytes))
}

fn set(file: &mut [u8], at: usize, number: u32) {
    if let Some(bytes) = file.get_mut(at..).and_then(<[u8]>::first_chunk_mut) {
        *bytes = number.to_le_bytes();
    }
}

/// xorshift64*: the same numbers on every machine.
struct FuzzRng(u64);

impl FuzzRng {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % limit
    }
}
