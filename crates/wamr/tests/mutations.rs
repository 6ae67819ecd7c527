// SPDX-License-Identifier: Apache-2.0
//! Damaged modules are refused or run within their limits; they never take the process down.
//! Deterministic. `OCRE_MUTATIONS` sets how many are tried; worth most with the C code built
//! under a sanitizer (see `build.rs` of ocre-wamr-sys).

mod common;

use common::{PAGE, PROGRAM, Recorder, assemble, engine};
use ocre::port::{Engine as _, Program};
use ocre_wamr::RunInterrupt;

/// Every section, and an instruction of every family.
const GUEST: &str = r#"(module
    (type $t (func (param i32) (result i32)))
    (import "env" "write" (func $write (param i32 i32)))
    (import "other" "add" (func $add (param i32 i32) (result i32)))
    (memory (export "memory") 1 3)
    (table (export "table") 4 8 funcref)
    (global $g (mut i32) (i32.const 7))
    (global (export "constant") i64 (i64.const -3))
    (elem (i32.const 0) $f $f)
    (elem $passive func $f $loop)
    (data (i32.const 8) "abcdefgh")
    (data $more "passive")
    (start $init)
    (func $init (memory.init $more (i32.const 64) (i32.const 0) (i32.const 7)))
    (func $f (type $t) (i32.mul (local.get 0) (i32.const 3)))
    (func $loop (type $t) (local i32 i64 f32 f64)
        (block $out
            (loop $again
                (br_if $out (i32.ge_u (local.get 1) (local.get 0)))
                (local.set 1 (i32.add (local.get 1) (i32.const 1)))
                (local.set 2 (i64.add (local.get 2) (i64.extend_i32_u (local.get 1))))
                (local.set 4 (f64.add (local.get 4) (f64.convert_i32_s (local.get 1))))
                (local.set 3 (f32.demote_f64 (local.get 4)))
                (br $again)))
        (select (local.get 1) (i32.wrap_i64 (local.get 2)) (f32.gt (local.get 3) (f32.const 2))))
    (func $pair (param i32) (result i32 i64) (local.get 0) (i64.const 5))
    (func (export "_start") (result i32) (local i32)
        (call $write (i32.const 8) (i32.const 8))
        (i32.store8 offset=3 (i32.const 100) (i32.const 255))
        (memory.copy (i32.const 200) (i32.const 8) (i32.const 8))
        (memory.fill (i32.const 300) (i32.const 1) (i32.const 16))
        (table.init $passive (i32.const 2) (i32.const 0) (i32.const 2))
        (drop (memory.grow (i32.const 1)))
        (drop (table.grow (ref.func $f) (i32.const 1)))
        (drop (ref.is_null (table.get 0 (i32.const 1))))
        (call $pair (i32.const 1)) (drop) (drop)
        (block (block (block (br_table 0 1 2 (i32.const 1)))))
        (local.set 0 (call_indirect (type $t) (i32.const 9) (i32.const 3)))
        (if (result i32) (i32.eqz (local.get 0))
            (then (call $add (i32.load offset=4 (i32.const 8)) (global.get $g)))
            (else (i32.popcnt (i32.trunc_sat_f32_s (f32.const 3.5))))))
)"#;

/// xorshift64*: the same numbers on every machine.
struct MutationRng(u64);

impl MutationRng {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % limit
    }
}

fn mutate(code: &mut Vec<u8>, chance: &mut MutationRng) {
    for _ in 0..=chance.below(4) {
        if code.is_empty() {
            return;
        }
        let at = chance.below(code.len());
        match chance.below(7) {
            0 => code[at] ^= 1 << chance.below(8),
            1 => code[at] = chance.below(256) as u8,
            2 => code[at] = [0, 1, 0x7f, 0x80, 0xff, 0x0b, 0x40, 0x70][chance.below(8)],
            3 => code.truncate(at),
            4 => drop(code.remove(at)),
            5 => code.insert(at, chance.below(256) as u8),
            _ => {
                let length = chance.below(16).min(code.len() - at);
                let piece = code[at..at + length].to_vec();
                let to = chance.below(code.len());
                code.splice(to..to, piece);
            }
        }
    }
}

#[test]
fn damaged_modules_never_take_the_process_down() {
    let tries = std::env::var("OCRE_MUTATIONS").map_or(20_000, |n| n.parse().expect("a number"));
    let valid = assemble(GUEST);
    let mut chance = MutationRng(0x9e37_79b9_7f4a_7c15);
    let program = Program {
        memory_bytes: 4 * PAGE,
        instructions: Some(20_000),
        ..PROGRAM
    };
    let (mut loaded, mut ran) = (0, 0);
    for number in 0..tries {
        let mut code = valid.clone();
        if number > 0 {
            mutate(&mut code, &mut chance);
        }
        if let Ok(path) = std::env::var("OCRE_MUTATION_FILE") {
            std::fs::write(path, &code).expect("a file for the mutation about to be tried");
        }
        let memory = engine().code(&code).expect("memory");
        let Ok(module) = engine().load(memory, &mut |_| ()) else {
            assert_ne!(number, 0, "the valid module");
            continue;
        };
        loaded += 1;
        engine().imports(&module, &mut |_, _, _| ());
        engine().exports(&module, &mut |_, _| ());
        let mut host = Recorder::default();
        let result = engine().run(
            module,
            &program,
            &mut host,
            &RunInterrupt::default(),
            &mut || (),
        );
        ran += u32::from(result.is_ok());
    }
    println!("{tries} modules, {loaded} loaded, {ran} ran");
    assert!(loaded > 1 && ran > 1, "some damage must be harmless");
}
