// SPDX-License-Identifier: Apache-2.0
//! Accepted modules, and the name of each refusal.

use ocre_module_reader::wasm::{ModuleRefusal, PREAMBLE, WasmFault, check, limits, scratch_words};
use wasm_encoder::Encode as _;

fn assemble(text: &str) -> Vec<u8> {
    wat::parse_str(text).expect("the test's own text")
}

fn judge(module: &[u8]) -> Result<(), ModuleRefusal> {
    check(module, &mut vec![0; scratch_words(module)])
}

fn fault(module: &[u8]) -> WasmFault {
    judge(module).expect_err("the module is accepted").fault
}

#[track_caller]
fn accepted(text: &str) {
    assert_eq!(judge(&assemble(text)), Ok(()), "{text}");
}

/// A number in LEB128.
fn leb(number: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    number.encode(&mut bytes);
    bytes
}

fn section(id: u8, body: &[u8]) -> Vec<u8> {
    [&[id][..], &leb(body.len() as u32), body].concat()
}

fn module(sections: &[(u8, &[u8])]) -> Vec<u8> {
    let mut bytes = PREAMBLE.to_vec();
    for (id, body) in sections {
        bytes.extend(section(*id, body));
    }
    bytes
}

/// A module with types, and a function of the first one whose body this is.
fn with_body(types: &[u8], body: &[u8]) -> Vec<u8> {
    let code = [&[1][..], &leb(body.len() as u32), body].concat();
    module(&[(1, types), (3, b"\x01\0"), (10, &code)])
}

const NOTHING: &[u8] = b"\x01\x60\0\0";

#[test]
fn modules_of_compilers_are_accepted() {
    accepted("(module)");
    accepted(
        r#"(module
        (type $pair (func (param i32 i64) (result i64 i32)))
        (import "env" "f" (func $f (param i32)))
        (import "env" "g" (global $g i32))
        (memory (export "memory") 1 2)
        (table 3 funcref) (table 1 externref)
        (global $m (mut i64) (i64.const -1))
        (global f64 (f64.const 1.5)) (global funcref (ref.func $start))
        (start $start)
        (elem (i32.const 0) $f $start) (elem declare func $pair)
        (elem (table 0) (offset (global.get $g)) funcref (ref.null func) (ref.func $f))
        (data (i32.const 8) "x") (data "passive")
        (func $pair (type $pair) (local f32 f64 i32)
            local.get 1 local.get 0 (block (param i64 i32) (result i64 i32) br 0)
            (loop $l (param i64 i32) (result i64 i32) (br_if $l (i32.const 0)))
            (if (param i64 i32) (result i64 i32) (i32.const 1) (then) (else return)))
        (func $start (export "start")
            (block $a (block $b (br_table $a $b $a (i32.load offset=4 (i32.const 0)))))
            (drop (call_indirect (type $pair) (i32.const 1) (i64.const 2) (i32.const 0)))
            drop
            (memory.copy (i32.const 0) (i32.const 1) (i32.const 2))
            (memory.init 1 (i32.const 0) (i32.const 0) (i32.const 0)) (data.drop 1)
            (table.copy (i32.const 0) (i32.const 0) (i32.const 0))
            (drop (table.grow 1 (ref.null extern) (i32.const 1)))
            (drop (select (result funcref) (ref.func $f) (ref.null func) (i32.const 1)))
            (drop (i32.trunc_sat_f64_u (f64.const 1)))
            (drop (memory.grow (i32.extend8_s (i32.const 1))))
            unreachable i32.add drop))"#,
    );
}

#[test]
fn tail_calls_and_extended_constants_are_accepted() {
    accepted(
        r#"(module (import "env" "g" (global $g i32)) (table 1 funcref) (memory 1)
        (func $f (param i32) (result i32) (return_call $f (local.get 0)))
        (func (param i32) (result i32)
            (return_call_indirect (param i32) (result i32) (local.get 0) (i32.const 0)))
        (global i32 (i32.add (global.get $g) (i32.mul (i32.const 2) (i32.const 3))))
        (global i64 (i64.sub (i64.const 2) (i64.const 3)))
        (elem (offset (i32.sub (i32.const 1) (i32.const 1))) $f)
        (data (offset (i32.add (i32.const 1) (i32.const 1))) "x"))"#,
    );
}

#[test]
fn features_are_refused_by_their_names() {
    for (name, text) in [
        ("exception handling", "(module (tag))"),
        ("exception handling", r#"(module (import "a" "b" (tag)))"#),
        ("exception handling", "(module (func (try_table)))"),
        ("exception handling", "(module (func try end))"),
        ("exception handling", "(module (func (param exnref)))"),
        ("SIMD", "(module (func (local v128)))"),
        ("SIMD", "(module (func (drop (v128.const i64x2 0 0))))"),
        ("SIMD", "(module (global v128 (v128.const i64x2 0 0)))"),
        (
            "relaxed SIMD",
            "(module (func unreachable i8x16.relaxed_swizzle drop))",
        ),
        ("threads", "(module (memory 1 1 shared))"),
        ("threads", "(module (memory 1) (func (atomic.fence)))"),
        ("memory64", "(module (memory i64 1))"),
        ("memory64", "(module (table i64 1 funcref))"),
        ("multiple memories", "(module (memory 1) (memory 1))"),
        (
            "multiple memories",
            r#"(module (import "env" "memory" (memory 1)) (memory 1))"#,
        ),
        ("garbage collection", "(module (type (struct)))"),
        ("garbage collection", "(module (type (array i8)))"),
        ("garbage collection", "(module (rec (type (func))))"),
        ("garbage collection", "(module (func (param anyref)))"),
        (
            "garbage collection",
            "(module (func (drop (ref.i31 (i32.const 1)))))",
        ),
        (
            "garbage collection",
            "(module (global $a i32 (i32.const 1)) (global i32 (global.get $a)))",
        ),
        (
            "typed function references",
            "(module (type $t (func)) (func (param (ref $t))))",
        ),
        (
            "typed function references",
            "(module (type $t (func)) (func (call_ref $t (ref.null $t))))",
        ),
        (
            "typed function references",
            "(module (func $f) (table 1 funcref (ref.func $f)))",
        ),
        (
            "wide arithmetic",
            "(module (func unreachable i64.add128 drop drop))",
        ),
        ("custom page sizes", "(module (memory 1 (pagesize 1)))"),
        (
            "stack switching",
            "(module (type $f (func)) (type (cont $f)))",
        ),
        ("component model", "(component)"),
    ] {
        assert_eq!(fault(&assemble(text)), WasmFault::Feature(name), "{text}");
    }
}

#[test]
fn a_refusal_says_where() {
    let module = assemble("(module (func nop nop unreachable i8x16.relaxed_swizzle drop))");
    let refusal = judge(&module).unwrap_err();
    assert_eq!(module[refusal.offset], 0xfd);
    assert_eq!(refusal.fault.code(), "wasm-feature");
    let words = format!("relaxed SIMD, at byte {}", refusal.offset);
    assert_eq!(refusal.to_string(), words);
}

#[test]
fn every_cut_is_refused_or_a_smaller_module() {
    let whole = assemble(
        r#"(module (import "a" "b" (func (param i32))) (memory 1) (data (i32.const 0) "abc")
        (table 1 funcref) (elem (i32.const 0) 0) (global i64 (i64.const 77))
        (func (export "f") (local i32) (call 0 (i32.const 1000000))))"#,
    );
    for length in 0..whole.len() {
        match judge(&whole[..length]) {
            Ok(()) => {}
            Err(refusal) => assert!(refusal.offset <= length, "{refusal}"),
        }
    }
    assert_eq!(judge(&whole), Ok(()));
}

#[test]
fn claimed_counts_are_compared_with_the_bytes() {
    let huge = [0xff, 0xff, 0xff, 0xff, 0x0f];
    let listed = |id: u8, item: &[u8]| {
        let body = [&huge[..], item].concat();
        module(&[(1, NOTHING), (id, &body)])
    };
    for (id, item) in [
        (2, &b"\x01a\x01b\0\0"[..]),
        (3, b"\0"),
        (4, b"\x70\0\x01"),
        (5, b"\0\x01"),
        (6, b"\x7f\0\x41\0\x0b"),
        (7, b"\x06_start\0\0"),
        (9, b"\0\x41\0\x0b\x01\0"),
        (10, b"\x02\0\x0b"),
        (11, b"\0\x41\0\x0b\x01x"),
    ] {
        assert_eq!(
            fault(&listed(id, item)),
            WasmFault::Invalid("count"),
            "{id}"
        );
    }
    let types = [&huge[..], b"\x60\0\0"].concat();
    assert_eq!(fault(&module(&[(1, &types)])), WasmFault::Invalid("count"));
    let parameters = [b"\x01\x60", &huge[..], b"\x7f\0"].concat();
    assert_eq!(
        fault(&module(&[(1, &parameters)])),
        WasmFault::Invalid("count")
    );
    let elements = [b"\x01\x01\0", &huge[..], b"\0"].concat();
    assert_eq!(
        fault(&module(&[(9, &elements)])),
        WasmFault::Invalid("count")
    );
    let targets = [b"\0\x41\0\x0e", &huge[..], b"\0\x0b"].concat();
    let branches = with_body(NOTHING, &targets);
    assert_eq!(fault(&branches), WasmFault::Invalid("count"));
    let locals = [b"\x01", &huge[..], b"\x7e\x0b"].concat();
    let locals = with_body(NOTHING, &locals);
    assert_eq!(fault(&locals), WasmFault::Limit("cells of locals", 16_000));
    // Zero locals, stated very often.
    let groups = [&huge[..], b"\0\x7f\x0b"].concat();
    assert_eq!(
        fault(&with_body(NOTHING, &groups)),
        WasmFault::Invalid("count")
    );
    let data = [b"\x01\x01", &huge[..], b"x"].concat();
    assert_eq!(fault(&module(&[(11, &data)])), WasmFault::Invalid("end"));
    let table = [b"\x01\x70\0", &huge[..]].concat();
    assert_eq!(
        fault(&module(&[(4, &table)])),
        WasmFault::Limit("table elements", limits::TABLE_ELEMENTS)
    );
    let memory = [b"\x01\0", &huge[..]].concat();
    assert_eq!(
        fault(&module(&[(5, &memory)])),
        WasmFault::Invalid("limits")
    );
}

#[test]
fn sections_come_once_and_in_their_order() {
    let section = WasmFault::Invalid("section");
    let empty = &b"\0"[..];
    assert_eq!(fault(&module(&[(1, empty), (1, empty)])), section);
    assert_eq!(fault(&module(&[(3, empty), (1, empty)])), section);
    assert_eq!(fault(&module(&[(10, empty), (12, empty)])), section);
    assert_eq!(fault(&module(&[(11, empty), (10, empty)])), section);
    assert_eq!(fault(&module(&[(14, empty)])), section);
    let custom = (0, &b"\x01n"[..]);
    let sections = [custom, (9, empty), (12, empty), custom, (10, empty), custom];
    assert_eq!(judge(&module(&sections)), Ok(()));
    assert_eq!(judge(&module(&[(12, b"\0"), (11, empty)])), Ok(()));
    assert_eq!(
        fault(&module(&[(12, b"\x01"), (11, empty)])),
        WasmFault::Invalid("count")
    );
    assert_eq!(fault(&module(&[(1, b"\0\0")])), WasmFault::Invalid("size"));
    assert_eq!(
        fault(&module(&[(0, b"\x05ab")])),
        WasmFault::Invalid("count")
    );
    assert_eq!(fault(&module(&[(0, b"")])), WasmFault::Invalid("end"));
    let unfinished = module(&[(1, NOTHING), (3, b"\x01\0")]);
    assert_eq!(fault(&unfinished), WasmFault::Invalid("number of bodies"));
}

#[test]
fn numbers_are_as_long_as_they_may_be() {
    let constant = |bytes: &[u8]| {
        let body = [b"\0", bytes, b"\x1a\x0b"].concat();
        judge(&with_body(NOTHING, &body)).map_err(|refusal| refusal.fault)
    };
    let wrong = Err(WasmFault::Invalid("number"));
    assert_eq!(constant(b"\x41\xff\xff\xff\xff\x07"), Ok(()));
    assert_eq!(constant(b"\x41\x80\x80\x80\x80\x78"), Ok(()));
    assert_eq!(constant(b"\x41\xff\xff\xff\xff\x7f"), Ok(()));
    assert_eq!(constant(b"\x41\xff\xff\xff\xff\x08"), wrong);
    assert_eq!(constant(b"\x41\xff\xff\xff\xff\x0f"), wrong);
    assert_eq!(constant(b"\x41\x80\x80\x80\x80\x80\0"), wrong);
    assert_eq!(
        constant(b"\x42\xff\xff\xff\xff\xff\xff\xff\xff\xff\0"),
        Ok(())
    );
    assert_eq!(
        constant(b"\x42\x80\x80\x80\x80\x80\x80\x80\x80\x80\x7f"),
        Ok(())
    );
    assert_eq!(
        constant(b"\x42\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"),
        wrong
    );
    assert_eq!(
        fault(b"\0asm\x01\0\0\0\x01\x80\x80\x80\x80\x10"),
        WasmFault::Invalid("number")
    );
    // An index that is longer than it must be.
    assert_eq!(
        judge(&module(&[(1, b"\x81\x80\x80\x80\0\x60\0\0")])),
        Ok(())
    );
}

/// Instructions whose immediates may have one byte are read in one step if they have; both ways
/// give the same answer.
#[test]
fn short_and_long_immediates_are_read_alike() {
    let body = |instructions: &[u8]| {
        // A local, two operands below, and bytes behind the instruction.
        let body = [
            b"\x01\x01\x7f\x41\0\x41\0",
            instructions,
            b"\x01\x01\x01\0\x0b",
        ];
        judge(&with_body(NOTHING, &body.concat())).map_err(|refusal| refusal.fault)
    };
    for (short, long) in [
        (&b"\x20\0"[..], &b"\x20\x80\0"[..]),
        (b"\x21\0", b"\x21\x80\x80\0"),
        (b"\x22\0", b"\x22\x80\x80\x80\x80\0"),
        (b"\x28\x02\0", b"\x28\x02\x80\0"),
        (b"\x36\x03\x7f", b"\x36\x83\x80\0\xff\0"),
        (b"\x41\x7f", b"\x41\xff\x7f"),
        (b"\x42\x01", b"\x42\x81\0"),
        (b"\x6a", b"\x41\0\x6a\x6a"),
    ] {
        assert_eq!(body(short), Ok(()), "{short:x?}");
        assert_eq!(body(long), Ok(()), "{long:x?}");
    }
    let operands = Err(WasmFault::Invalid("number of operands"));
    assert_eq!(body(b"\x1a\x1a\x1a"), operands);
    assert_eq!(body(b"\x1b"), operands);
    assert_eq!(body(b"\x1a\x36\0\0"), operands);
    assert_eq!(body(b"\x02\x40\x1a\x0b"), operands);
    // Operands of unreachable code are there.
    assert_eq!(body(b"\x02\x40\0\x1a\x6a\x36\0\0\x0b"), Ok(()));
    for alignment in 4..0x40 {
        let refused = body(&[0x28, alignment, 0]);
        assert_eq!(
            refused,
            Err(WasmFault::Invalid("instruction")),
            "{alignment}"
        );
    }
    // An instruction that the end of the body cuts.
    for cut in [&b"\x20"[..], b"\x28\0", b"\x41", b"\x41\x80"] {
        let module = with_body(NOTHING, &[&b"\x01\x01\x7f\x41\0"[..], cut].concat());
        assert_eq!(fault(&module), WasmFault::Invalid("end"), "{cut:x?}");
    }
}

/// A global of type i32 with this initial value.
fn global(value: &[u8]) -> Vec<u8> {
    let body = [b"\x01\x7f\0", value].concat();
    module(&[
        (1, NOTHING),
        (2, b"\x02\x01a\x01b\x03\x7f\0\x01a\x01c\x03\x7e\x01"),
        (6, &body),
    ])
}

#[test]
fn constant_expressions_are_validated() {
    assert_eq!(judge(&global(b"\x41\0\x0b")), Ok(()));
    assert_eq!(judge(&global(b"\x23\0\x41\x01\x6c\x0b")), Ok(()));
    let wrong = WasmFault::Invalid("constant expression");
    for value in [
        &b"\x0b"[..],
        b"\x6a\x0b",
        b"\x41\0\x6a\x0b",
        b"\x41\0\x42\0\x6a\x0b",
        b"\x42\0\x41\0\x7c\x0b",
        b"\x41\0\x41\0\x0b",
        b"\x41\0\x41\0\x6a\x41\0\x0b",
        b"\x42\0\x0b",
        b"\x43\0\0\0\0\x0b",
        b"\x41\0\x23\x01\x6a\x0b",
        b"\xd0\x70\x0b",
    ] {
        assert_eq!(fault(&global(value)), wrong, "{value:x?}");
    }
    let instruction = WasmFault::Invalid("instruction");
    assert_eq!(fault(&global(b"\x41\0\x41\0\x6d\x0b")), instruction);
    assert_eq!(fault(&global(b"\x01\x41\0\x0b")), instruction);
    assert_eq!(fault(&global(b"\x23\x05\x0b")), WasmFault::Invalid("index"));
    assert_eq!(fault(&global(b"\xd2\0\x0b")), WasmFault::Invalid("index"));
    assert_eq!(fault(&global(b"\x41\0")), WasmFault::Invalid("end"));
    assert_eq!(fault(&global(b"\x44\0\0")), WasmFault::Invalid("end"));
    let chain = |operators: usize| {
        let value = [&b"\x41\0"[..], &b"\x41\x01\x6a".repeat(operators), b"\x0b"].concat();
        judge(&global(&value)).map_err(|refusal| refusal.fault)
    };
    let limit = Err(WasmFault::Limit("constant operators", 16));
    assert_eq!(chain(16), Ok(()));
    assert_eq!(chain(17), limit);
    let nested = |operators: usize| {
        let operands = b"\x41\x01".repeat(operators + 1);
        let value = [&operands[..], &b"\x6b".repeat(operators), b"\x0b"].concat();
        judge(&global(&value)).map_err(|refusal| refusal.fault)
    };
    assert_eq!(nested(16), Ok(()));
    assert_eq!(nested(17), limit);
}

#[test]
fn blocks_are_balanced() {
    let body = |code: &[u8]| {
        let body = [b"\0", code].concat();
        judge(&with_body(b"\x02\x60\0\0\x60\x02\x7f\x7f\x01\x7f", &body))
            .map_err(|refusal| refusal.fault)
    };
    let operands = Err(WasmFault::Invalid("number of operands"));
    assert_eq!(body(b"\x0b"), Ok(()));
    assert_eq!(body(b"\x0b\x0b"), Err(WasmFault::Invalid("size")));
    assert_eq!(body(b"\x02\x40\x0b"), Err(WasmFault::Invalid("end")));
    assert_eq!(body(b"\x1a\x0b"), operands);
    assert_eq!(body(b"\x41\0\x0b"), operands);
    assert_eq!(body(b"\x41\0\x02\x40\x1a\x0b\x0b"), operands);
    assert_eq!(body(b"\x05\x0b"), Err(WasmFault::Invalid("instruction")));
    assert_eq!(
        body(b"\x41\0\x04\x40\x05\x05\x0b\x0b"),
        Err(WasmFault::Invalid("instruction"))
    );
    assert_eq!(body(b"\x0c\x01\x0b"), Err(WasmFault::Invalid("index")));
    assert_eq!(
        body(b"\x02\x40\x0c\x02\x0b\x0b"),
        Err(WasmFault::Invalid("index"))
    );
    assert_eq!(body(b"\x02\x05\x0b\x0b"), Err(WasmFault::Invalid("index")));
    // Behind a branch anything is on the stack, but no more than the block gives.
    assert_eq!(body(b"\x00\x6a\x1a\x0b"), Ok(()));
    assert_eq!(body(b"\x00\x41\0\x0b"), operands);
    assert_eq!(body(b"\x02\x7f\x0c\0\x0b\x1a\x0b"), operands);
    assert_eq!(body(b"\x02\x7f\x00\x0b\x1a\x0b"), Ok(()));
    // Without an else, an if returns its parameters.
    assert_eq!(body(b"\x41\0\x04\x7f\x41\0\x0b\x1a\x0b"), operands);
    assert_eq!(
        body(b"\x41\0\x41\0\x41\0\x04\x01\x6a\x0b\x1a\x0b"),
        operands
    );
    assert_eq!(
        body(b"\x41\0\x41\0\x41\0\x04\x01\x6a\x05\x6a\x0b\x1a\x0b"),
        Ok(())
    );
    // The targets of a table pass alike.
    assert_eq!(
        body(b"\x02\x7f\x41\0\x41\0\x0e\x01\0\x01\x0b\x1a\x0b"),
        Err(WasmFault::Invalid("index"))
    );
}

/// A function with constants of these encodings, each dropped.
fn constants(parts: &[(&[u8], usize)]) -> Vec<u8> {
    let mut body = vec![0];
    for (constant, count) in parts {
        body.extend([constant, &b"\x1a"[..]].concat().repeat(*count));
    }
    body.push(0x0b);
    with_body(NOTHING, &body)
}

#[test]
fn a_full_table_of_constants_is_refused() {
    let full = WasmFault::Limit("cells of constants", 32_000);
    let (i32, i64) = (&b"\x41\x07"[..], &b"\x42\x07"[..]);
    let (f32, f64) = (&b"\x43\0\0\0\0"[..], &b"\x44\0\0\0\0\0\0\0\0"[..]);
    for (constant, most) in [(i32, 32_000), (f32, 32_000), (i64, 16_000), (f64, 16_000)] {
        assert_eq!(judge(&constants(&[(constant, most)])), Ok(()));
        assert_eq!(fault(&constants(&[(constant, most + 1)])), full);
    }
    // The published module: a table that i64s fill, an i32 that is in it, and more of them.
    assert_eq!(fault(&constants(&[(i64, 16_384), (i32, 22)])), full);
    assert_eq!(fault(&constants(&[(i32, 10), (f64, 16_384)])), full);
}

#[test]
fn deep_and_wide_code_is_refused_by_a_limit() {
    let deep = |depth: usize| {
        let body = [
            &b"\0"[..],
            &b"\x02\x40".repeat(depth),
            &b"\x0b".repeat(depth + 1),
        ];
        with_body(NOTHING, &body.concat())
    };
    assert_eq!(judge(&deep(500)), Ok(()));
    assert_eq!(
        fault(&deep(100_000)),
        WasmFault::Limit("nested blocks", 2_000)
    );

    // Operands that nothing takes away.
    let pushes = |count: usize| {
        let body = [&b"\0"[..], &b"\x41\0".repeat(count), b"\x00\x0b"].concat();
        with_body(NOTHING, &body)
    };
    assert_eq!(judge(&pushes(8_000)), Ok(()));
    assert_eq!(fault(&pushes(8_001)), WasmFault::Limit("operands", 8_000));

    // Targets of a table, times the results of the block that they leave.
    let results: usize = 900;
    let wide = [
        &b"\x02\x60\0\0\x60\0"[..],
        &leb(900),
        &b"\x7f".repeat(results),
    ]
    .concat();
    let table = [
        &b"\0\x02\x01"[..],
        &b"\x41\0".repeat(results),
        b"\x41\0\x0e",
        &leb(10_000),
        &[0; 10_001],
        b"\x0b\0\x0b",
    ];
    let wide_table = with_body(&wide, &table.concat());
    let values = |module: &[u8]| {
        let most = limits::module_values(module.len() as u32);
        WasmFault::Limit("values of blocks and calls", most)
    };
    assert_eq!(fault(&wide_table), values(&wide_table));
    // The same by blocks, by branches and by returns that are never reached.
    let blocks = [&b"\0\0"[..], &b"\x02\x01\0\x0b\0".repeat(1_000), b"\x0b"].concat();
    let blocks = with_body(&wide, &blocks);
    assert_eq!(fault(&blocks), values(&blocks));
    let branches = [
        &b"\0\x02\x01\0"[..],
        &b"\x0c\0".repeat(1_000),
        b"\x0b\0\x0b",
    ];
    let branches = with_body(&wide, &branches.concat());
    assert_eq!(fault(&branches), values(&branches));
    let types = [&b"\x01\x60\0"[..], &leb(900), &b"\x7f".repeat(results)].concat();
    for instruction in [&b"\x0f"[..], b"\x10\0\0", b"\x12\0"] {
        let body = [&b"\0\0"[..], &instruction.repeat(1_000), b"\x0b"].concat();
        let module = with_body(&types, &body);
        assert_eq!(fault(&module), values(&module), "{instruction:x?}");
    }
    // Locals of many functions.
    let bodies = b"\x06\x01\xe8\x07\x7f\0\x0b".repeat(50);
    let code = [&leb(50)[..], &bodies].concat();
    let functions = [&leb(50)[..], &[0; 50]].concat();
    let module = module(&[(1, NOTHING), (3, &functions), (10, &code)]);
    let most = limits::module_values(module.len() as u32);
    assert_eq!(
        fault(&module),
        WasmFault::Limit("locals in all functions", most)
    );
}

#[test]
fn repeated_work_of_the_loader_is_limited() {
    let steps = |module: &[u8]| {
        let most = limits::loader_steps(module.len() as u32);
        assert_eq!(fault(module), WasmFault::Limit("loader steps", most));
    };
    // Many operands, and many locals set above them.
    let body = [
        &b"\x01\x01\x7f"[..],
        &b"\x20\0".repeat(4_000),
        &b"\x20\0\x21\0".repeat(10_000),
        b"\0\x0b",
    ];
    steps(&with_body(NOTHING, &body.concat()));
    let body = [
        &b"\0"[..],
        &b"\x41\0".repeat(4_000),
        &b"\x02\x40\x0b".repeat(10_000),
        b"\0\x0b",
    ];
    steps(&with_body(NOTHING, &body.concat()));
    // References to functions, and elements to look for them in.
    let elements = [&b"\x01\x01\0"[..], &leb(20_000), &[0; 20_000]].concat();
    let body = [&b"\0"[..], &b"\xd2\0\x1a".repeat(10_000), b"\x0b"].concat();
    let code = [&b"\x01"[..], &leb(body.len() as u32), &body].concat();
    steps(&module(&[
        (1, NOTHING),
        (3, b"\x01\0"),
        (9, &elements),
        (10, &code),
    ]));
    // Types that differ in the last of many parameters.
    let types = |count: u32| {
        let mut section = leb(count);
        for index in 0..count {
            section.extend(b"\x60\x10");
            section.extend((0..16).map(|bit| 0x7e | (index >> bit & 1) as u8));
            section.push(0);
        }
        module(&[(1, &section)])
    };
    assert_eq!(judge(&types(8_000)), Ok(()));
    assert_eq!(fault(&types(8_001)), WasmFault::Limit("types", 8_000));
    let short = [&leb(8_000)[..], &b"\x60\0\0".repeat(8_000)].concat();
    steps(&module(&[(1, &short)]));
}

#[test]
fn too_little_scratch_memory_is_a_refusal() {
    let module = assemble("(module (func (block (block (block)))) (func) (func))");
    let words = scratch_words(&module);
    assert!(words <= module.len() + limits::NESTING as usize);
    for count in 0..words {
        // No panic; the module decides if the memory suffices.
        let _ = check(&module, &mut vec![0; count]);
    }
    assert!(check(&module, &mut []).is_err());
    assert_eq!(judge(&module), Ok(()));
}

#[test]
fn names_that_the_engine_would_cut_are_refused() {
    let zero = module(&[(1, NOTHING), (2, b"\x01\x03a\0b\x01c\0\0")]);
    assert_eq!(fault(&zero), WasmFault::Limit("zero bytes in a name", 0));
}

#[test]
fn the_documented_limits_are_these() {
    let document = include_str!("../../../docs/modules.md");
    let thousands = |number: u32| match (number / 1_000, number % 1_000) {
        (0, small) => small.to_string(),
        (large, rest) => format!("{large},{rest:03}"),
    };
    for (name, number) in [
        ("types", limits::TYPES),
        ("parameters or results of a type", limits::TYPE_VALUES),
        ("tables", limits::TABLES),
        (
            "elements that its tables start with",
            limits::TABLE_ELEMENTS,
        ),
        (
            "operators of a constant expression",
            limits::CONSTANT_OPERATORS,
        ),
        (
            "cells of 32 bits of its locals; a parameter counts as two",
            limits::LOCAL_CELLS,
        ),
        (
            "cells of 32 bits of its constants, each occurrence counted",
            limits::CONSTANT_CELLS,
        ),
        ("operands on its stack", limits::OPERANDS),
        ("nested blocks", limits::NESTING),
        ("targets of a branch table", limits::BRANCH_TARGETS),
    ] {
        let row = format!("| {name} | {} |", thousands(number));
        assert!(document.contains(&row), "{row}");
    }
    for (name, limit) in [
        (
            "locals in all functions",
            limits::module_values as fn(u32) -> u32,
        ),
        ("steps of the loader that repeat", limits::loader_steps),
    ] {
        let (always, each) = (limit(0), limit(1) - limit(0));
        let row = format!(
            "| {name} | {}, and {each} for each byte |",
            thousands(always)
        );
        assert!(document.contains(&row), "{row}");
    }
}
