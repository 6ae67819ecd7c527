// SPDX-License-Identifier: Apache-2.0
//! Modules to read, out of arbitrary bytes: the bytes themselves behind a preamble or without
//! one, or a generated module, as it is or with some of its bytes changed.

use libfuzzer_sys::arbitrary::{Result, Unstructured};
use ocre_module_reader::wasm::{self, ModuleRefusal, WasmFault};
use wasm_smith::{Config, Module};
use wasmparser::{Validator, WasmFeatures};

/// Most bytes that are changed in a generated module.
const CHANGES: usize = 4;

/// A module, or something like one.
pub fn module(data: &[u8]) -> Vec<u8> {
    let Some((&mode, rest)) = data.split_first() else {
        return Vec::new();
    };
    match mode % 4 {
        0 => rest.to_vec(),
        1 => [&wasm::PREAMBLE[..], rest].concat(),
        mode => {
            let mut source = Unstructured::new(rest);
            let mut changes = Vec::new();
            if mode == 3 {
                changes = (0..CHANGES)
                    .map_while(|_| source.arbitrary::<(u16, u8)>().ok())
                    .collect();
            }
            let mut module = generate(&mut source).unwrap_or_default();
            for (at, byte) in changes {
                let length = module.len().max(1);
                if let Some(place) = module.get_mut(usize::from(at) % length) {
                    *place = byte;
                }
            }
            module
        }
    }
}

/// A valid module, of features that the engine has and now and then of one that it lacks.
fn generate(source: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let mut config = Config {
        tail_call_enabled: true,
        extended_const_enabled: true,
        reference_types_enabled: true,
        bulk_memory_enabled: true,
        multi_value_enabled: true,
        sign_extension_ops_enabled: true,
        saturating_float_to_int_enabled: true,
        max_tables: 4,
        max_imports: 8,
        allow_start_export: true,
        simd_enabled: false,
        relaxed_simd_enabled: false,
        exceptions_enabled: false,
        gc_enabled: false,
        threads_enabled: false,
        memory64_enabled: false,
        max_memories: 1,
        wide_arithmetic_enabled: false,
        ..Config::default()
    };
    match source.arbitrary::<u8>()? {
        0 => config.simd_enabled = true,
        1 => config.exceptions_enabled = true,
        2 => config.gc_enabled = true,
        3 => config.threads_enabled = true,
        4 => config.memory64_enabled = true,
        5 => config.max_memories = 3,
        6 => config.wide_arithmetic_enabled = true,
        _ => {}
    }
    Ok(Module::new(config, source)?.to_bytes())
}

/// Reads a module.
pub fn read(module: &[u8]) -> std::result::Result<(), ModuleRefusal> {
    let words = wasm::scratch_words(module);
    assert!(words <= module.len() + wasm::limits::NESTING as usize + 2);
    let result = wasm::check(module, &mut vec![0; words]);
    if let Err(refusal) = result {
        assert!(refusal.offset <= module.len(), "{refusal}");
    }
    result
}

/// Panics where a module is refused for anything but a limit, and another validator accepts it.
#[allow(
    dead_code,
    reason = "the target `loader` bounds allocations, this validator does not"
)]
pub fn compare(module: &[u8], result: std::result::Result<(), ModuleRefusal>) {
    if let Err(refusal) = result {
        let limited = matches!(refusal.fault, WasmFault::Limit(..));
        assert!(limited || !is_valid(module), "refused: {refusal}");
    }
}

/// True where a module is valid within the features of the engine.
fn is_valid(module: &[u8]) -> bool {
    let features = WasmFeatures::MUTABLE_GLOBAL
        | WasmFeatures::SATURATING_FLOAT_TO_INT
        | WasmFeatures::SIGN_EXTENSION
        | WasmFeatures::REFERENCE_TYPES
        | WasmFeatures::CALL_INDIRECT_OVERLONG
        | WasmFeatures::MULTI_VALUE
        | WasmFeatures::BULK_MEMORY
        | WasmFeatures::BULK_MEMORY_OPT
        | WasmFeatures::FLOATS
        | WasmFeatures::GC_TYPES
        | WasmFeatures::TAIL_CALL
        | WasmFeatures::EXTENDED_CONST;
    Validator::new_with_features(features)
        .validate_all(module)
        .is_ok()
}
