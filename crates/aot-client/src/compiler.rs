// SPDX-License-Identifier: Apache-2.0
//! The program `ocre-aot`: where it is, and one run of it.

use std::env;
use std::ffi::OsStr;
use std::fmt;
use std::io::{self, BufReader, Read};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions};

use crate::protocol::{self, AnswerFault};
use crate::{CompileOptions, Error};

/// Name of the program.
const PROGRAM: &str = "ocre-aot";

/// Environment variable that names the program.
const VARIABLE: &str = "OCRE_AOT";

/// Most bytes of the program's errors that are kept.
const MAX_SAID: u64 = 4096;

/// Time that a program has to end after it has closed its output, so that the reason is known.
const TIME_TO_END: Duration = Duration::from_secs(2);

/// Reasons for a compilation without a result.
#[derive(Debug)]
pub enum CompilerError {
    /// The compiler refuses the module, or fails.
    Compile(Error),
    /// There is no compiler in any of these places.
    Missing(Vec<PathBuf>),
    /// The compiler is of another release than this program.
    Release {
        /// Path of the compiler.
        path: PathBuf,
        /// Release that the compiler names.
        found: String,
    },
    /// The compiler could not be started, or ended without an answer.
    Failed {
        /// Path of the compiler.
        path: PathBuf,
        /// Reason in words, with what the compiler printed.
        detail: String,
    },
}

impl CompilerError {
    /// A stable name for programs to compare.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Compile(error) => error.code(),
            Self::Missing(_) => "aot-no-compiler",
            Self::Release { .. } => "aot-compiler-release",
            Self::Failed { .. } => "aot-compiler-failed",
        }
    }
}

impl fmt::Display for CompilerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Compile(error) => error.fmt(f),
            Self::Missing(places) => {
                write!(f, "there is no compiler {PROGRAM}: looked for")?;
                let mut separator = "";
                places.iter().try_for_each(|place| {
                    write!(f, "{separator} {}", place.display())?;
                    separator = " and";
                    Ok(())
                })
            }
            Self::Release { path, found } => {
                let own = protocol::RELEASE;
                write!(
                    f,
                    "{} is {found:?}, and this program needs {own:?}",
                    path.display()
                )
            }
            Self::Failed { path, detail } => write!(f, "{}: {detail}", path.display()),
        }
    }
}

impl std::error::Error for CompilerError {}

/// The program that compiles.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Compiler {
    path: PathBuf,
}

impl Compiler {
    /// Finds the program: the one that the environment variable `OCRE_AOT` names; without one,
    /// `ocre-aot` beside the running program, or in `../libexec/ocre` from there. The search path
    /// for commands is not used: compiled code is trusted as the running program is.
    ///
    /// # Errors
    /// `Missing`.
    pub fn find() -> Result<Self, CompilerError> {
        let own = env::current_exe().ok();
        Self::find_in(places(env::var_os(VARIABLE).as_deref(), own.as_deref()))
    }

    fn find_in(places: Vec<PathBuf>) -> Result<Self, CompilerError> {
        match places.iter().find(|place| place.is_file()) {
            Some(path) => Ok(Self { path: path.clone() }),
            None => Err(CompilerError::Missing(places)),
        }
    }

    /// Compiles a core WebAssembly module in a process, which ends before this returns.
    ///
    /// # Errors
    /// `Compile` with the compiler's error; `Release`, `Failed`.
    pub fn compile(&self, wasm: &[u8], options: &CompileOptions) -> Result<Vec<u8>, CompilerError> {
        let cpu = options.cpu();
        if cpu.contains('\0') {
            let words = format!("{cpu:?} holds a NUL character");
            return Err(CompilerError::Compile(Error::Unsupported(words)));
        }
        let failed = |detail: String| CompilerError::Failed {
            path: self.path.clone(),
            detail,
        };
        let child = Command::new(&self.path)
            .args(protocol::arguments(options))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Ctrl-C ends the caller, and the closed stdin the compiler. All of the group can be
            // killed, with processes that the compiler may have started.
            .process_group(0)
            .spawn()
            .map_err(|error| failed(format!("can't be started: {error}")))?;
        match CompilerProcess(child).ask(wasm) {
            Ok(answer) => answer.map_err(CompilerError::Compile),
            Err((AnswerFault::Release(found), _)) => Err(CompilerError::Release {
                path: self.path.clone(),
                found,
            }),
            Err((AnswerFault::Malformed(words), end)) => Err(failed(format!("{words}{end}"))),
            Err((AnswerFault::Io(error), end)) => Err(failed(format!("{error}{end}"))),
        }
    }
}

/// Places of the program, in the order of the search.
fn places(named: Option<&OsStr>, own: Option<&Path>) -> Vec<PathBuf> {
    if let Some(named) = named.filter(|named| !named.is_empty()) {
        return vec![named.into()];
    }
    let Some(folder) = own.and_then(Path::parent) else {
        return vec![PROGRAM.into()];
    };
    let mut places = vec![folder.join(PROGRAM)];
    if let Some(above) = folder.parent() {
        places.push(above.join("libexec/ocre").join(PROGRAM));
    }
    places
}

/// End of a process and the first line of its errors, for a sentence.
struct ProcessEnd {
    status: Option<ExitStatus>,
    said: String,
}

impl fmt::Display for ProcessEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.status {
            Some(status) if status.success() => {}
            Some(status) => match (status.code(), status.signal()) {
                (Some(code), _) => write!(f, "; it ended with exit code {code}")?,
                (_, Some(signal)) => write!(f, "; signal {signal} ended it")?,
                _ => {}
            },
            None => f.write_str("; it did not end, and was killed")?,
        }
        let mut lines = self.said.lines().map(str::trim);
        match lines.find(|line| !line.is_empty()) {
            Some(line) => write!(f, "; it printed: {line}"),
            None => Ok(()),
        }
    }
}

/// A running compiler, in a process group of its own. Killed when dropped.
struct CompilerProcess(Child);

impl CompilerProcess {
    /// Sends the module, and reads the answer; an error with the process's end.
    fn ask(mut self, wasm: &[u8]) -> Result<Result<Vec<u8>, Error>, (AnswerFault, ProcessEnd)> {
        let mut end = ProcessEnd {
            status: None,
            said: String::new(),
        };
        let pipes = (
            self.0.stdin.take(),
            self.0.stdout.take(),
            self.0.stderr.take(),
        );
        let (Some(mut stdin), Some(stdout), Some(mut stderr)) = pipes else {
            return Err((AnswerFault::Io(io::ErrorKind::BrokenPipe.into()), end));
        };
        let Some(id) = self.id() else {
            return Err((AnswerFault::Io(io::ErrorKind::NotFound.into()), end));
        };
        // A compiler may answer, or end, before it has read all of the module.
        let send = move || {
            let _ = protocol::write_module(&mut stdin, wasm);
            stdin
        };
        let listen = move || {
            let mut said = Vec::new();
            let _ = stderr.by_ref().take(MAX_SAID).read_to_end(&mut said);
            // The rest is read and dropped, so that the compiler does not wait.
            let _ = io::copy(&mut stderr, &mut io::sink());
            said
        };
        // Other processes of the group may hold the pipes open.
        let watch = move || {
            let wait = || rustix::process::waitid(WaitId::Pid(id), WAITABLE);
            let _ = rustix::io::retry_on_intr(wait);
            kill_group(id);
        };
        thread::scope(|scope| {
            let start = || {
                let sending = thread::Builder::new().spawn_scoped(scope, send)?;
                let listening = thread::Builder::new().spawn_scoped(scope, listen)?;
                let watching = thread::Builder::new().spawn_scoped(scope, watch)?;
                Ok((sending, listening, watching))
            };
            let (sending, listening, watching) = match start() {
                Ok(threads) => threads,
                Err(error) => {
                    // The threads that did start end with the pipes.
                    kill_group(id);
                    return Err(AnswerFault::Io(error));
                }
            };
            let mut stdout = BufReader::new(stdout);
            let answer = protocol::read_answer(&mut stdout);
            drop(stdout);
            let until = Instant::now() + TIME_TO_END;
            while answer.is_err() && is_running(id) && Instant::now() < until {
                thread::sleep(Duration::from_millis(5));
            }
            let ended = !is_running(id);
            kill_group(id);
            let _ = watching.join();
            end.status = self.0.wait().ok().filter(|_| ended);
            drop(sending.join());
            let said = listening.join().unwrap_or_default();
            end.said = String::from_utf8_lossy(&said).into_owned();
            answer
        })
        .map_err(|fault| (fault, end))
    }

    fn id(&self) -> Option<Pid> {
        Pid::from_raw(i32::try_from(self.0.id()).ok()?)
    }
}

impl Drop for CompilerProcess {
    fn drop(&mut self) {
        // A process that was waited for has a status.
        if let Ok(None) = self.0.try_wait() {
            self.id().into_iter().for_each(kill_group);
            let _ = self.0.wait();
        }
    }
}

/// Options of a wait for a process, after which it can be waited for again.
const WAITABLE: WaitIdOptions = WaitIdOptions::EXITED.union(WaitIdOptions::NOWAIT);

/// Kills the group of a process that was not waited for: until then, no other group has its number.
fn kill_group(id: Pid) {
    // All of its processes may have ended.
    let _ = rustix::process::kill_process_group(id, Signal::KILL);
}

/// True while a child process runs.
fn is_running(id: Pid) -> bool {
    let options = WAITABLE.union(WaitIdOptions::NOHANG);
    matches!(rustix::process::waitid(WaitId::Pid(id), options), Ok(None))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_program_is_looked_for_beside_this_one_unless_it_is_named() {
        let own = Some(Path::new("/opt/o/bin/ocre"));
        let beside = ["/opt/o/bin/ocre-aot", "/opt/o/libexec/ocre/ocre-aot"];
        assert_eq!(places(None, own), beside.map(PathBuf::from));
        assert_eq!(places(Some(OsStr::new("")), own), beside.map(PathBuf::from));
        assert_eq!(places(Some(OsStr::new("x")), own), [PathBuf::from("x")]);
        assert_eq!(places(None, None), [PathBuf::from("ocre-aot")]);
    }

    #[test]
    fn the_first_file_is_taken_and_a_folder_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (folder.path().join("one"), folder.path().join("two"));
        fs::create_dir(&one).unwrap();
        let missing = Compiler::find_in(vec![one.clone(), two.clone()]).unwrap_err();
        assert_eq!(missing.code(), "aot-no-compiler");
        let text = missing.to_string();
        assert!(text.contains(one.to_str().unwrap()) && text.contains(two.to_str().unwrap()));
        fs::write(&two, "").unwrap();
        let found = Compiler::find_in(vec![one, two.clone()]).unwrap();
        assert_eq!(found, Compiler { path: two });
    }
}
