// SPDX-License-Identifier: Apache-2.0
//! Events of timers, pins and messages.

use core::time::Duration;

use crate::error::{check, done};
use crate::{Error, Message, Result, sys, system};

const TIMER: u32 = 0;
const PIN: u32 = 1;
const MESSAGE: u32 = 3;

/// Event for the container.
#[derive(Debug)]
pub enum Event {
    /// A timer, by its number, has expired.
    Timer(i32),
    /// A watched input has changed.
    Pin {
        /// Port of the pin.
        port: u32,
        /// Number of the pin in its port.
        pin: u32,
        /// True where the pin is active now.
        active: bool,
    },
    /// A message to a subscription has come.
    Message(Message),
    /// Kind of event that this version of the crate does not know.
    Other(u32),
}

impl Event {
    /// Converts the runtime's words, in the order of `ocre_get_event`.
    fn told([kind, id, port, state, extra, bytes]: [u32; 6]) -> Self {
        match kind {
            TIMER => Self::Timer(id.cast_signed()),
            PIN => Self::Pin {
                port,
                pin: id,
                active: state != 0,
            },
            MESSAGE => Self::Message(Message {
                number: id,
                topic: port,
                content_type: state,
                payload: extra,
                bytes,
            }),
            other => Self::Other(other),
        }
    }
}

/// Takes the next event, if there is one. Does not wait.
///
/// # Errors
/// [`Error::ENOMEM`]: earlier messages must be dropped first.
pub fn next_event() -> Result<Option<Event>> {
    let mut told = [0_u32; 6];
    let [kind, id, port, state, extra, bytes] = &mut told;
    // SAFETY: each is a place for one number.
    let answer = unsafe { sys::ocre_get_event(kind, id, port, state, extra, bytes) };
    match done(answer) {
        Ok(()) => Ok(Some(Event::told(told))),
        Err(Error::ENOMSG) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Waits for an event, at most for a span; for ever without one. Returns true where there is one.
///
/// # Errors
/// Errors of a runtime without this extension of Ocre's API.
pub fn wait_event(most: Option<Duration>) -> Result<bool> {
    let milliseconds = most.map_or(-1, system::milliseconds);
    // SAFETY: takes a number.
    match done(unsafe { sys::ocre_wait_event(milliseconds) }) {
        Ok(()) => Ok(true),
        Err(Error::ETIMEDOUT) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Number of events lost because they were not taken in time.
///
/// # Errors
/// Errors of a runtime without this extension of Ocre's API.
pub fn lost_events() -> Result<u32> {
    // SAFETY: takes nothing.
    check(unsafe { sys::ocre_lost_events() })
}

/// Iterates over all events, and waits for each.
///
/// ```no_run
/// use core::time::Duration;
/// use ocre_guest::{Event, events};
///
/// for event in events().until_quiet_for(Duration::from_secs(5)) {
///     match event? {
///         Event::Timer(number) => println!("timer {number}"),
///         Event::Pin { port, pin, active } => println!("pin {port}.{pin}: {active}"),
///         Event::Message(message) => println!("{:?}", message.topic()),
///         Event::Other(_) => {}
///     }
/// }
/// # Ok::<(), ocre_guest::Error>(())
/// ```
pub const fn events() -> Events {
    Events { patience: None }
}

/// Events, one after the other. See [`events`].
#[derive(Clone, Copy, Debug)]
pub struct Events {
    patience: Option<Duration>,
}

impl Events {
    /// Ends the iteration after a span without events.
    #[must_use]
    pub const fn until_quiet_for(self, patience: Duration) -> Self {
        Self {
            patience: Some(patience),
        }
    }
}

impl Iterator for Events {
    type Item = Result<Event>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match next_event() {
                Ok(None) => {}
                other => return other.transpose(),
            }
            match wait_event(self.patience) {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_runtime_tells_becomes_an_event() {
        assert!(matches!(Event::told([0, 7, 0, 0, 0, 0]), Event::Timer(7)));
        for state in [0, 1, 5] {
            let Event::Pin { port, pin, active } = Event::told([1, 8, 2, state, 0, 0]) else {
                panic!("no pin");
            };
            assert_eq!((port, pin, active), (2, 8, state != 0));
        }
        assert!(matches!(Event::told([9, 1, 2, 3, 4, 5]), Event::Other(9)));
    }

    #[test]
    fn without_a_runtime_there_are_no_events_but_an_error() {
        assert_eq!(next_event().unwrap_err(), Error::ENOSYS);
        assert_eq!(wait_event(None), Err(Error::ENOSYS));
        assert_eq!(lost_events(), Err(Error::ENOSYS));
        let first = events().next();
        assert!(matches!(first, Some(Err(Error::ENOSYS))));
    }
}
