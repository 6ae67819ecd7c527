// SPDX-License-Identifier: Apache-2.0
//! Threads of which one runs at a time: each from where another resumes it to its next wait.

use std::any::Any;
use std::cell::OnceCell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

use ocre::port::Slot;

/// Thread that runs only while another resumes it. Dropped, it ends where it waits.
pub struct Coroutine {
    /// `None` once the thread is to end.
    resume: Option<Sender<()>>,
    pauses: Receiver<Pause>,
    thread: Option<JoinHandle<()>>,
}

/// Reason why a coroutine runs no further.
enum Pause {
    Waits,
    Ended,
    Panicked(Box<dyn Any + Send>),
}

/// Payload that unwinds a thread whose coroutine is dropped.
struct Dropped;

/// The coroutine of the present thread.
struct Own {
    slot: Slot,
    resumed: Receiver<()>,
    pause: Sender<Pause>,
}

thread_local! {
    static OWN: OnceCell<Own> = const { OnceCell::new() };
}

impl Coroutine {
    /// Makes a thread that runs `main` once it is resumed.
    pub fn new(slot: Slot, main: impl FnOnce() + Send + 'static) -> Self {
        let (resume, resumed) = channel();
        let (pause, pauses) = channel();
        let thread = thread::spawn(move || {
            if resumed.recv().is_err() {
                return;
            }
            let own = Own {
                slot,
                resumed,
                pause: pause.clone(),
            };
            OWN.with(|cell| assert!(cell.set(own).is_ok()));
            let last = match panic::catch_unwind(AssertUnwindSafe(main)) {
                Ok(()) => Pause::Ended,
                Err(payload) if payload.is::<Dropped>() => return,
                Err(payload) => Pause::Panicked(payload),
            };
            // Nobody hears it after a failure of the test.
            let _ = pause.send(last);
        });
        Self {
            resume: Some(resume),
            pauses,
            thread: Some(thread),
        }
    }

    /// Lets the thread run until it waits or ends. Returns true where it waits.
    pub fn resume(&mut self) -> bool {
        let resume = self.resume.as_ref().expect("it is not dropped");
        resume.send(()).expect("it waits");
        match self.pauses.recv().expect("it says when it waits") {
            Pause::Waits => true,
            Pause::Ended => false,
            Pause::Panicked(payload) => panic::resume_unwind(payload),
        }
    }
}

impl Drop for Coroutine {
    fn drop(&mut self) {
        self.resume = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Slot of the present thread; `None` outside of coroutines.
pub fn slot() -> Option<Slot> {
    OWN.with(|own| own.get().map(|own| own.slot))
}

/// Waits until the present thread is resumed.
pub fn wait() {
    OWN.with(|own| {
        let own = own.get().expect("a coroutine");
        let told = own.pause.send(Pause::Waits);
        if told.is_err() || own.resumed.recv().is_err() {
            panic::resume_unwind(Box::new(Dropped));
        }
    });
}
