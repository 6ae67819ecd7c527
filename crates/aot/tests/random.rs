// SPDX-License-Identifier: Apache-2.0
//! Random modules, compiled at each level of optimisation and stopped while they run: every
//! one ends. `OCRE_AOT_RANDOM=2000` makes so many instead of a few, `OCRE_AOT_RANDOM=100..200` those.
#![cfg(all(have_llvm, target_arch = "x86_64"))]

mod guest;

use std::time::Duration;

use guest::{aot_at, stop_after};
use ocre::port::Exit;
use ocre_aot::Error;
use wasm_smith::{Config, Module};

const FEW: u64 = 60;

/// Bytes that are the same for the same seed.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..length)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as u8
        })
        .collect()
}

fn config() -> Config {
    let exports =
        wat::parse_str(r#"(module (func (export "_start")))"#).expect("it is well-formed");
    Config {
        exports: Some(exports),
        bulk_memory_enabled: true,
        multi_value_enabled: true,
        reference_types_enabled: true,
        allow_start_export: true,
        exceptions_enabled: false,
        extended_const_enabled: false,
        gc_enabled: false,
        memory64_enabled: false,
        relaxed_simd_enabled: false,
        simd_enabled: false,
        tail_call_enabled: false,
        threads_enabled: false,
        wide_arithmetic_enabled: false,
        custom_page_sizes_enabled: false,
        shared_everything_threads_enabled: false,
        compact_imports_enabled: false,
        max_imports: 0,
        min_funcs: 4,
        max_funcs: 12,
        max_instructions: 400,
        max_memories: 1,
        min_memories: 1,
        max_memory32_bytes: 4 << 16,
        max_tables: 2,
        max_table_elements: 50_000,
        table_max_size_required: true,
        ..Config::default()
    }
}

fn module(seed: u64) -> Vec<u8> {
    let bytes = noise(seed, 6_000);
    Module::new(config(), &mut arbitrary::Unstructured::new(&bytes))
        .expect("there are bytes enough")
        .to_bytes()
}

#[derive(Default, Debug)]
struct OutcomeCounts {
    by_themselves: u64,
    stopped: u64,
    trapped: u64,
    not_compiled: u64,
    /// Refused at the start: segments do not fit the memory and tables.
    not_started: u64,
}

#[test]
fn every_random_module_ends() {
    let seeds = match std::env::var("OCRE_AOT_RANDOM") {
        Ok(text) => {
            let (first, end) = text.split_once("..").unwrap_or(("0", &text));
            first.parse().expect("a number")..end.parse().expect("a number")
        }
        Err(_) => 0..FEW,
    };
    let modules = seeds.end - seeds.start;
    let mut counts = OutcomeCounts::default();
    let mut worst = Duration::ZERO;
    for seed in seeds {
        let wasm = module(seed);
        if seed % 100 == 0 {
            println!("seed {seed}: {counts:?}");
        }
        for level in 0..=3 {
            let code = match aot_at(&wasm, level) {
                Ok(code) => code,
                Err(Error::Uninterruptible(text)) => panic!("seed {seed}, level {level}: {text}"),
                Err(_) => {
                    counts.not_compiled += 1;
                    continue;
                }
            };
            let ended = stop_after(code, Duration::from_millis(3));
            let (exit, lived_on) =
                ended.unwrap_or_else(|| panic!("seed {seed} at level {level} lives on"));
            worst = worst.max(lived_on);
            match exit {
                Err(_) => counts.not_started += 1,
                Ok(Exit::Code(_)) => counts.by_themselves += 1,
                Ok(Exit::Stopped) => counts.stopped += 1,
                Ok(Exit::Trap(_)) => counts.trapped += 1,
            }
        }
    }
    println!("{modules} modules at 4 levels: {counts:?}; longest life after a stop: {worst:?}");
    assert!(counts.stopped > 0 && counts.trapped > 0, "{counts:?}");
    assert!(counts.not_compiled < modules, "{counts:?}");
}
