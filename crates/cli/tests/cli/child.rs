// SPDX-License-Identifier: Apache-2.0
//! Processes that end with the test that started them, also after a panic.

use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command};
use std::sync::mpsc::{self, Sender};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::{ProgramOutput, output};

/// Has a process killed when the thread that starts it ends: with the test, or with all tests
/// where those are killed.
pub fn tied(command: &mut Command) -> &mut Command {
    let parent = std::process::id();
    let tie = move || {
        // SAFETY: takes numbers alone, and is allowed between fork and exec.
        let set = unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
        // SAFETY: takes nothing.
        let parent_now = unsafe { libc::getppid() };
        if set != 0 {
            return Err(io::Error::last_os_error());
        }
        // The parent may have ended before the call.
        if u32::try_from(parent_now) != Ok(parent) {
            return Err(io::ErrorKind::NotFound.into());
        }
        Ok(())
    };
    // SAFETY: the closure makes two system calls and allocates nothing.
    unsafe { command.pre_exec(tie) }
}

/// A process with all that it starts in turn, until this is dropped.
pub struct RunningProcess(Child);

impl RunningProcess {
    /// Starts a process from a thread that lives as long as all tests do.
    pub fn start(mut command: Command) -> io::Result<Self> {
        type Job = (Command, Sender<io::Result<Child>>);
        static STARTER: LazyLock<Mutex<Sender<Job>>> = LazyLock::new(|| {
            let (sender, jobs) = mpsc::channel::<Job>();
            thread::spawn(move || {
                for (mut command, answer) in jobs {
                    // The receiver may be gone.
                    let _ = answer.send(tied(&mut command).spawn());
                }
            });
            Mutex::new(sender)
        });
        command.process_group(0);
        let (sender, answer) = mpsc::channel();
        let starter = STARTER.lock().unwrap_or_else(PoisonError::into_inner);
        starter.send((command, sender)).unwrap();
        answer.recv().unwrap().map(Self)
    }

    /// Process id.
    pub fn id(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for RunningProcess {
    fn drop(&mut self) {
        // SAFETY: takes numbers alone. The group is the process's own, which is not waited for
        // yet, so that no other has its number.
        unsafe { libc::kill(-(self.0.id() as i32), libc::SIGKILL) };
        // It is killed.
        let _ = self.0.wait();
    }
}

/// Runs a program that may hang; only one that does meets the limit.
#[track_caller]
pub fn ends(mut command: Command) -> ProgramOutput {
    use std::process::Stdio;

    let mut child = tied(command.stdout(Stdio::piped()).stderr(Stdio::piped()))
        .spawn()
        .unwrap();
    let until = Instant::now() + Duration::from_secs(120);
    while child.try_wait().unwrap().is_none() {
        if Instant::now() > until {
            child.kill().unwrap();
            panic!("it hangs: {command:?}");
        }
        thread::sleep(Duration::from_millis(20));
    }
    output(child.wait_with_output().unwrap())
}
