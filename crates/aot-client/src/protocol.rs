// SPDX-License-Identifier: Apache-2.0
//! The exchange between `ocre` and `ocre-aot`, for both ends.
//!
//! `ocre` starts `ocre-aot` with its own [`RELEASE`] and the options as arguments, and writes the
//! length of the module and the module to its stdin. `ocre-aot` answers on its stdout with its
//! [`RELEASE`] in the first line, a head in the second, and the bytes that the head announces.
//! `ocre` keeps stdin open: once it is closed, nobody waits for the answer.
//!
//! Only the first line is the same in all releases.

use std::ffi::OsString;
use std::io::{self, BufRead, Read, Write};

use crate::{CompileOptions, Error};

/// First line of an answer, and first argument of a request: the release of a program, and the
/// release of WAMR for which it compiles.
pub const RELEASE: &str = concat!("ocre-aot ", env!("CARGO_PKG_VERSION"), " for WAMR 2.4.3");

/// Beginning of [`RELEASE`] that all releases have.
pub const NAME: &str = "ocre-aot ";

/// Most bytes in an answer, behind its head. Many times the largest file that fits into an image.
pub const MAX_ANSWER: u64 = 1 << 30;

/// Most bytes in a line of an answer, with its end.
const MAX_LINE: u64 = 128;

/// The arguments that ask for a compilation.
#[must_use]
pub fn arguments(options: &CompileOptions) -> [String; 5] {
    [
        RELEASE.to_owned(),
        options.target.name().to_owned(),
        options.cpu().to_owned(),
        options.opt_level.to_string(),
        checks(options)
            .filter_map(|(on, name)| on.then_some(name))
            .collect(),
    ]
}

/// Checks of a compilation, with a letter for each.
fn checks(options: &CompileOptions) -> impl Iterator<Item = (bool, char)> {
    [
        (options.bounds_checks, 'b'),
        (options.stack_checks, 's'),
        (options.kill_checks, 'k'),
        (options.kill_proof, 'p'),
    ]
    .into_iter()
}

/// The options in arguments that [`arguments`] made in this release; `None` for others.
#[must_use]
pub fn options(arguments: &[OsString]) -> Option<CompileOptions> {
    let words: Vec<&str> = arguments
        .iter()
        .map(|word| word.to_str())
        .collect::<Option<_>>()?;
    let [RELEASE, target, cpu, opt_level, checks] = words[..] else {
        return None;
    };
    Some(CompileOptions {
        target: target.parse().ok()?,
        cpu: Some(cpu.to_owned()),
        opt_level: opt_level.parse().ok()?,
        bounds_checks: checks.contains('b'),
        stack_checks: checks.contains('s'),
        kill_checks: checks.contains('k'),
        kill_proof: checks.contains('p'),
    })
}

/// Writes a module.
///
/// # Errors
/// Errors of `to`.
pub fn write_module(to: &mut impl Write, wasm: &[u8]) -> io::Result<()> {
    to.write_all(&(wasm.len() as u64).to_le_bytes())?;
    to.write_all(wasm)?;
    to.flush()
}

/// Reads a module.
///
/// # Errors
/// Errors of `from`; `UnexpectedEof` where the module is cut short.
pub fn read_module(from: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut length = [0; 8];
    from.read_exact(&mut length)?;
    read_bytes(from, u64::from_le_bytes(length))
}

/// Reads a number of bytes. Memory is taken as they come.
fn read_bytes(from: &mut impl Read, length: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(length).read_to_end(&mut bytes)?;
    if bytes.len() as u64 == length {
        Ok(bytes)
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

/// Writes the first line of an answer.
///
/// # Errors
/// Errors of `to`.
pub fn write_release(to: &mut impl Write) -> io::Result<()> {
    writeln!(to, "{RELEASE}")?;
    to.flush()
}

/// Writes the rest of an answer.
///
/// # Errors
/// Errors of `to`.
pub fn write_answer(to: &mut impl Write, answer: &Result<Vec<u8>, Error>) -> io::Result<()> {
    let (code, bytes) = match answer {
        Ok(file) => (COMPILED, &**file),
        Err(error) => (error.code(), error.text().as_bytes()),
    };
    writeln!(to, "{code} {}", bytes.len())?;
    to.write_all(bytes)?;
    to.flush()
}

/// Word of the head in front of a file.
const COMPILED: &str = "compiled";

/// Faults of an answer.
#[derive(Debug)]
pub enum AnswerFault {
    /// The first line is that of another release.
    Release(String),
    /// The answer is none of this protocol, or cut short; in words.
    Malformed(&'static str),
    /// The answer can't be read.
    Io(io::Error),
}

impl From<io::Error> for AnswerFault {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Malformed(CUT_SHORT),
            _ => Self::Io(error),
        }
    }
}

const CUT_SHORT: &str = "its answer is incomplete";
const FOREIGN: &str = "its answer is not one of a compiler";

/// Reads an answer: the file, or the error of the compiler.
///
/// # Errors
/// See [`AnswerFault`].
pub fn read_answer(from: &mut impl BufRead) -> Result<Result<Vec<u8>, Error>, AnswerFault> {
    let release = read_line(from)?;
    if release != RELEASE {
        return Err(match release.starts_with(NAME) {
            true => AnswerFault::Release(release),
            false => AnswerFault::Malformed(FOREIGN),
        });
    }
    let head = read_line(from)?;
    let (code, length) = head
        .split_once(' ')
        .ok_or(AnswerFault::Malformed(FOREIGN))?;
    let length = length.parse().ok().filter(|length| *length <= MAX_ANSWER);
    let bytes = read_bytes(from, length.ok_or(AnswerFault::Malformed(FOREIGN))?)?;
    if code == COMPILED {
        return Ok(Ok(bytes));
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let error = Error::of(code, text).ok_or(AnswerFault::Malformed(FOREIGN))?;
    Ok(Err(error))
}

/// Reads a line, without its end.
fn read_line(from: &mut impl BufRead) -> Result<String, AnswerFault> {
    let mut line = Vec::new();
    from.take(MAX_LINE).read_until(b'\n', &mut line)?;
    match line.pop() {
        Some(b'\n') => String::from_utf8(line).map_err(|_| AnswerFault::Malformed(FOREIGN)),
        Some(_) if line.len() as u64 + 1 == MAX_LINE => Err(AnswerFault::Malformed(FOREIGN)),
        _ => Err(AnswerFault::Malformed(CUT_SHORT)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Target, WAMR_VERSION};

    fn answer(bytes: &[u8]) -> Result<Result<Vec<u8>, Error>, String> {
        read_answer(&mut &*bytes).map_err(|fault| match fault {
            AnswerFault::Release(release) => format!("release {release}"),
            AnswerFault::Malformed(words) => words.to_owned(),
            AnswerFault::Io(error) => error.to_string(),
        })
    }

    fn written(result: &Result<Vec<u8>, Error>) -> Vec<u8> {
        let mut bytes = Vec::new();
        write_release(&mut bytes).unwrap();
        write_answer(&mut bytes, result).unwrap();
        bytes
    }

    fn results() -> Vec<Result<Vec<u8>, Error>> {
        vec![
            Ok(Vec::new()),
            Ok(b"\0aot\n\n".to_vec()),
            Err(Error::NoLlvm),
            Err(Error::BadWasm("no magic\nat 1".to_owned())),
            Err(Error::Import("env.t".to_owned())),
            Err(Error::Unsupported(String::new())),
            Err(Error::Codegen("c".to_owned())),
            Err(Error::Uninterruptible("f".to_owned())),
            Err(Error::OutOfMemory),
        ]
    }

    #[test]
    fn the_release_names_the_engine() {
        assert!(RELEASE.ends_with(WAMR_VERSION) && RELEASE.starts_with(NAME));
        assert!((RELEASE.len() as u64) < MAX_LINE);
    }

    #[test]
    fn options_survive_the_exchange() {
        for target in Target::ALL {
            for bits in 0..16_u8 {
                let given = CompileOptions {
                    cpu: Some("x y".to_owned()),
                    opt_level: bits % 4,
                    bounds_checks: bits & 1 != 0,
                    stack_checks: bits & 2 != 0,
                    kill_checks: bits & 4 != 0,
                    kill_proof: bits & 8 != 0,
                    ..CompileOptions::new(target)
                };
                let words = arguments(&given).map(OsString::from);
                assert_eq!(options(&words), Some(given));
            }
        }
    }

    #[test]
    fn other_arguments_are_no_options() {
        let words = arguments(&CompileOptions::new(Target::X86_64)).map(OsString::from);
        for at in [0, 1, 3] {
            let mut changed = words.clone();
            changed[at] = "9x".into();
            assert_eq!(options(&changed), None, "{at}");
        }
        assert_eq!(options(&words[..4]), None);
        assert_eq!(options(&[]), None);
    }

    #[test]
    fn a_module_survives_the_exchange_and_a_part_is_refused() {
        let mut bytes = Vec::new();
        write_module(&mut bytes, b"\0asm").unwrap();
        assert_eq!(read_module(&mut &*bytes).unwrap(), b"\0asm");
        for length in 0..bytes.len() {
            let cut = read_module(&mut &bytes[..length]).unwrap_err();
            assert_eq!(cut.kind(), io::ErrorKind::UnexpectedEof);
        }
        // A length without its bytes takes no memory.
        assert!(read_module(&mut &[0xff; 8][..]).is_err());
    }

    #[test]
    fn each_answer_survives_the_exchange_and_a_part_is_refused() {
        for result in results() {
            let bytes = written(&result);
            assert_eq!(answer(&bytes), Ok(result));
            for length in 0..bytes.len() {
                assert_eq!(
                    answer(&bytes[..length]),
                    Err(CUT_SHORT.to_owned()),
                    "{length}"
                );
            }
        }
    }

    #[test]
    fn another_release_is_told_from_something_else() {
        let other = "ocre-aot 9.9.9 for WAMR 3";
        assert_eq!(
            answer(format!("{other}\ncompiled 0\n").as_bytes()),
            Err(format!("release {other}"))
        );
        let endless = "x".repeat(1000);
        let too_long = format!("{RELEASE}\ncompiled {}\n", MAX_ANSWER + 1);
        for text in [
            "hello\n",
            "\n",
            &endless,
            &format!("{RELEASE}\n\n"),
            &format!("{RELEASE}\ncompiled\n"),
            &format!("{RELEASE}\ncompiled -1\n"),
            &format!("{RELEASE}\nother 0\n"),
            &too_long,
        ] {
            assert_eq!(answer(text.as_bytes()), Err(FOREIGN.to_owned()), "{text:?}");
        }
        assert_eq!(answer(b"\xff\n"), Err(FOREIGN.to_owned()));
    }
}
