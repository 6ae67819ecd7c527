// SPDX-License-Identifier: Apache-2.0
//! Results of `compile` on every target, without running the code.
#![cfg(have_llvm)]

use ocre_aot::{CompileOptions, Error, Target, compile};

/// A loop over memory, a recursion, floats and an indirect call.
const MODULE: &str = r#"(module
  (memory (export "memory") 1)
  (table 2 funcref)
  (elem (i32.const 0) $fib $sum)
  (type $unary (func (param i32) (result i32)))
  (func $fib (export "fib") (type $unary)
    (if (result i32) (i32.lt_u (local.get 0) (i32.const 2))
      (then (local.get 0))
      (else (i32.add
        (call $fib (i32.sub (local.get 0) (i32.const 1)))
        (call $fib (i32.sub (local.get 0) (i32.const 2)))))))
  (func $sum (export "sum") (type $unary) (local i32)
    (loop $again
      (local.set 1 (i32.add (local.get 1) (i32.load (local.get 0))))
      (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 4)))))
    (local.get 1))
  (func (export "half") (param f64) (result f64)
    (f64.div (local.get 0) (f64.const 2)))
  (func (export "pick") (param i32 i32) (result i32)
    (call_indirect (type $unary) (local.get 1) (local.get 0))))"#;

fn module() -> Vec<u8> {
    wat::parse_str(MODULE).expect("the module is well-formed")
}

fn u16_at(file: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([file[at], file[at + 1]])
}

#[test]
fn every_target_is_named_in_the_header() {
    const ELF_I386: u16 = 3;
    const ELF_ARM: u16 = 40;
    const ELF_X86_64: u16 = 62;
    const ELF_RISCV: u16 = 243;

    for target in Target::ALL {
        let (machine, arch) = match target {
            Target::X86_64 => (ELF_X86_64, "x86_64"),
            Target::I386 => (ELF_I386, "i386"),
            Target::Thumbv7m => (ELF_ARM, "thumbv7"),
            Target::Thumbv7em | Target::Thumbv7emHard => (ELF_ARM, "thumbv7em"),
            Target::Thumbv8m | Target::Thumbv8mHard => (ELF_ARM, "thumbv8m.main"),
            Target::Riscv32 => (ELF_RISCV, "riscv32"),
            _ => unreachable!("a target without a row here"),
        };
        let file = compile(&module(), &CompileOptions::new(target)).expect("compiles");

        assert_eq!(&file[..8], b"\0aot\x06\0\0\0", "{target}");
        // The first section is the target's: type 0, 48 bytes.
        assert_eq!(&file[8..16], &[0, 0, 0, 0, 48, 0, 0, 0], "{target}");
        let is_64_bit = u16_at(&file, 16) & 2 != 0;
        assert_eq!(is_64_bit, target.pointer_bits() == 64, "{target}");
        assert_eq!(u16_at(&file, 22), machine, "{target}");
        let name: Vec<u8> = file[48..64]
            .iter()
            .copied()
            .take_while(|&byte| byte != 0)
            .collect();
        assert_eq!(name, arch.as_bytes(), "{target}");
        assert!(target.triple().starts_with(arch), "{target}");
    }
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    for target in Target::ALL {
        let options = CompileOptions::new(target);
        let first = compile(&module(), &options);
        // Something else in between must leave no trace.
        compile(&module(), &CompileOptions::new(Target::I386)).expect("compiles");
        assert_eq!(first, compile(&module(), &options), "{target}");
    }
}

#[test]
fn a_bad_module_is_refused_in_the_loaders_words() {
    let options = CompileOptions::new(Target::X86_64);
    let mut cut = module();
    cut.truncate(20);
    for bytes in [&b""[..], b"\0asm", b"not wasm at all", &cut] {
        let error = compile(bytes, &options).expect_err("refused");
        assert!(matches!(error, Error::BadWasm(_)), "{error:?}");
    }
    let Err(Error::BadWasm(text)) = compile(b"\0aot\x06\0\0\0", &options) else {
        panic!("AOT code was taken for wasm");
    };
    assert!(text.contains("magic"), "{text}");
}

#[test]
fn a_bad_module_does_not_spoil_the_next() {
    let options = CompileOptions::new(Target::Thumbv7m);
    let good = compile(&module(), &options).expect("compiles");
    compile(b"\0asm\x01\0\0\0\xff", &options).expect_err("refused");
    assert_eq!(compile(&module(), &options), Ok(good));
}

#[test]
fn an_empty_module_compiles() {
    for target in Target::ALL {
        compile(b"\0asm\x01\0\0\0", &CompileOptions::new(target)).expect("compiles");
    }
}

#[test]
fn a_cpu_that_llvm_does_not_know_is_refused() {
    let mut options = CompileOptions::new(Target::X86_64);
    options.cpu = Some("cortex-m3".into());
    let error = compile(&module(), &options).expect_err("refused");
    assert!(matches!(error, Error::Unsupported(_)), "{error:?}");
}

#[test]
fn what_a_file_is_annotated_with_is_what_the_judge_takes() {
    let known = ocre::port::AotTarget::ALL;
    assert_eq!(known.len(), Target::ALL.len());
    for (target, known) in Target::ALL.into_iter().zip(known) {
        let annotations = CompileOptions::new(target).annotations();
        let expected = [known.name, known.cpus[0], known.abi, known.wamr, "true"];
        assert_eq!(annotations.map(|(_, value)| value), expected);
        assert_eq!(target.arch(), known.arch);
        assert_eq!(target.pointer_bits() == 64, known.wide);
    }
}

/// LLVM removes parameters that a body does not use, but the checks in its loop need one: exec_env.
#[test]
fn loops_that_touch_nothing_are_checked_on_every_target() {
    for body in [
        "(loop (br 0))",
        "(loop (br_if 0 (i32.eqz (local.get 0))))",
        "(loop (local.set 0 (i32.add (local.get 0) (i32.const 3))) (br_if 0 (local.get 0)))",
    ] {
        let text = format!(
            r#"(module
              (func $endless (param i32) {body})
              (func (export "_start") (call $endless (i32.const 1)) (call $endless (i32.const 2))))"#
        );
        let wasm = wat::parse_str(&text).expect("the module is well-formed");
        for target in Target::ALL {
            for opt_level in 0..=3 {
                let mut options = CompileOptions::new(target);
                options.opt_level = opt_level;
                assert!(
                    compile(&wasm, &options).is_ok(),
                    "{target} {opt_level} {body}"
                );
            }
        }
    }
}
