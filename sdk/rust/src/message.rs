// SPDX-License-Identifier: Apache-2.0
//! Messages between containers. They need the permission `messaging`.

use core::ffi::{CStr, c_char};
use core::slice;

use crate::error::done;
use crate::{Error, Result, sys};

/// Message for the container. Dropping it gives its memory back.
///
/// ```no_run
/// use ocre_guest::{Event, events, subscribe};
///
/// subscribe(c"room/+/temperature")?;
/// for event in events() {
///     if let Event::Message(message) = event? {
///         println!("{:?}: {} bytes", message.topic(), message.payload().len());
///     }
/// }
/// # Ok::<(), ocre_guest::Error>(())
/// ```
#[derive(Debug)]
pub struct Message {
    pub(crate) number: u32,
    pub(crate) topic: u32,
    pub(crate) content_type: u32,
    pub(crate) payload: u32,
    pub(crate) bytes: u32,
}

impl Message {
    /// Number among the container's messages: a gap shows that some were lost.
    pub const fn number(&self) -> u32 {
        self.number
    }

    /// Topic.
    pub fn topic(&self) -> &CStr {
        // SAFETY: a text ended by NUL, which the runtime leaves there until this is dropped.
        unsafe { CStr::from_ptr(self.topic as usize as *const c_char) }
    }

    /// Content type.
    pub fn content_type(&self) -> &CStr {
        // SAFETY: as above.
        unsafe { CStr::from_ptr(self.content_type as usize as *const c_char) }
    }

    /// Content.
    pub fn payload(&self) -> &[u8] {
        // SAFETY: `bytes` bytes, which the runtime leaves there until this is dropped.
        unsafe { slice::from_raw_parts(self.payload as usize as *const u8, self.bytes as usize) }
    }
}

impl Drop for Message {
    fn drop(&mut self) {
        // SAFETY: no reference to it is left. There is nothing to be done about a refusal.
        let _ = unsafe {
            sys::ocre_messaging_free_module_event_data(self.topic, self.content_type, self.payload)
        };
    }
}

/// Sends a copy to each container that has subscribed to a matching topic. Returns true where there
/// is one. Neither content type nor payload may be empty.
///
/// ```no_run
/// use ocre_guest::publish;
///
/// if !publish(c"room/1/temperature", c"text/plain", b"21.5")? {
///     println!("nobody has subscribed");
/// }
/// # Ok::<(), ocre_guest::Error>(())
/// ```
///
/// # Errors
/// [`Error::EMSGSIZE`]: the message does not fit a container's inbox.
pub fn publish(topic: &CStr, content_type: &CStr, payload: &[u8]) -> Result<bool> {
    let bytes = i32::try_from(payload.len()).map_err(|_| Error::EMSGSIZE)?;
    // SAFETY: texts ended by NUL, and `bytes` bytes of payload.
    let answer = unsafe {
        sys::ocre_publish_message(
            topic.as_ptr(),
            content_type.as_ptr(),
            payload.as_ptr(),
            bytes,
        )
    };
    match done(answer) {
        Ok(()) => Ok(true),
        Err(Error::ENOENT) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Subscribes to topics: their messages become [events](crate::events). Topics have levels, `a/b`:
/// `+` matches any one level, `#` all that follow, and `a/` everything below `a`.
///
/// # Errors
/// [`Error::ENOMEM`]: there are too many subscriptions.
pub fn subscribe(filter: &CStr) -> Result<()> {
    // SAFETY: a text ended by NUL.
    done(unsafe { sys::ocre_subscribe_message(filter.as_ptr()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_runtime_nothing_is_sent() {
        assert_eq!(publish(c"a", c"text/plain", b"x"), Err(Error::ENOSYS));
        assert_eq!(subscribe(c"#"), Err(Error::ENOSYS));
    }
}
