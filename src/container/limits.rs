// SPDX-License-Identifier: Apache-2.0
//! Limits of a container.

use ocre_oci::Format;

use super::Error;
use crate::image::judge::Policy;
use crate::image::verdict::Code;
use crate::limits::{DEFAULT_MEMORY, DEFAULT_STACK, DEFAULT_THREAD_STACK, MAX_INSTRUCTIONS};

/// Limits of a container, and the priority of its thread.
///
/// ```
/// use ocre::container::{Error, Limits};
///
/// # let policy = ocre_pc::platform::POLICY;
/// let limits = Limits { memory_bytes: u32::MAX, ..Limits::within(&policy) };
/// assert_eq!(limits.check(&policy), Err(Error::LimitTooLarge));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Most bytes of linear memory.
    pub memory_bytes: u32,
    /// Most bytes of files, in the container's folder and in mounts that it may change, each file
    /// rounded up to the partition's blocks.
    pub disk_bytes: Option<u32>,
    /// Bytes of stack for interpreted frames.
    pub stack_bytes: u32,
    /// Bytes of the thread's stack, where AOT code and host functions run.
    pub thread_stack_bytes: u32,
    /// Priority of the thread; 0 is the most urgent, and is started first at boot.
    pub priority: u8,
    /// Longest that a run may take from its start, in milliseconds.
    pub time_limit_ms: Option<u32>,
    /// Most instructions that interpreted code may execute, up to [`MAX_INSTRUCTIONS`]. AOT code
    /// does not count its instructions and can't have this limit.
    pub instructions: Option<u32>,
}

impl Limits {
    /// None yet.
    pub(super) const NOTHING: Self = Self {
        memory_bytes: 0,
        disk_bytes: None,
        stack_bytes: 0,
        thread_stack_bytes: 0,
        priority: 0,
        time_limit_ms: None,
        instructions: None,
    };

    /// Default limits on a device with this policy.
    pub fn within(policy: &Policy<'_>) -> Self {
        let mut limits = Self::default();
        limits.memory_bytes = limits.memory_bytes.min(policy.memory_bytes);
        limits
    }

    /// Checks that a device with this policy can keep the limits.
    ///
    /// # Errors
    /// [`Error::LimitTooLarge`].
    pub fn check(&self, policy: &Policy<'_>) -> Result<(), Error> {
        let instructions = self.instructions.unwrap_or_default();
        if self.memory_bytes > policy.memory_bytes || instructions > MAX_INSTRUCTIONS {
            return Err(Error::LimitTooLarge);
        }
        Ok(())
    }

    /// Checks that code of this format keeps the limits.
    ///
    /// # Errors
    /// `aot-instructions`.
    pub fn check_format(&self, format: Format) -> Result<(), Code> {
        match format {
            Format::Aot if self.instructions.is_some() => Err(Code::AotInstructions),
            _ => Ok(()),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes: DEFAULT_MEMORY,
            stack_bytes: DEFAULT_STACK,
            thread_stack_bytes: DEFAULT_THREAD_STACK,
            ..Self::NOTHING
        }
    }
}
