// SPDX-License-Identifier: Apache-2.0
//! Limits of a device's firmware, for tools that prepare its flash.

use ocre::image::judge::Policy;
use ocre::limits::{DEFAULT_STACK, DEFAULT_THREAD_STACK, MAX_CONTAINERS};
use ocre::port::AotTarget;
use ocre_pc::platform::{MAX_CONFIG, MAX_DOCUMENT};
use ocre_wamr::PC_TARGET;

/// Limits and defaults of a firmware; sizes in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Firmware {
    /// Target of the AOT code that the firmware runs.
    pub target: Option<&'static AotTarget>,
    /// Policy for images.
    pub policy: Policy<'static>,
    /// Most containers.
    pub containers: usize,
    /// Largest index or manifest.
    pub document: usize,
    /// Largest image config.
    pub config: usize,
    /// Default stack of an interpreted guest.
    pub stack: u32,
    /// Default stack of a container's thread.
    pub thread_stack: u32,
    /// Largest stack of a container's thread, if it has a limit.
    pub most_thread_stack: Option<u32>,
}

impl Firmware {
    /// The simulated device of this program.
    pub const fn this(policy: Policy<'static>) -> Self {
        Self {
            target: PC_TARGET,
            policy,
            containers: MAX_CONTAINERS,
            document: MAX_DOCUMENT,
            config: MAX_CONFIG,
            stack: DEFAULT_STACK,
            thread_stack: DEFAULT_THREAD_STACK,
            most_thread_stack: None,
        }
    }
}
