// SPDX-License-Identifier: Apache-2.0
//! What a device's firmware takes, for whoever prepares its flash.

use ocre::image::aot::Target;
use ocre::image::judge::Policy;
use ocre::limits::{DEFAULT_STACK, DEFAULT_THREAD_STACK, MAX_CONTAINERS};
use ocre_wamr::PC_TARGET;

use crate::platform::{MAX_CONFIG, MAX_DOCUMENT};

/// What a firmware takes; sizes in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Firmware {
    /// The AOT code that it runs.
    pub target: Option<&'static Target>,
    /// Which images it takes.
    pub policy: Policy<'static>,
    /// Its most containers.
    pub containers: usize,
    /// Its largest index or manifest.
    pub document: usize,
    /// Its largest image config.
    pub config: usize,
    /// Stack of an interpreted guest, where nothing else is said.
    pub stack: u32,
    /// Stack of a container's thread, where nothing else is said.
    pub thread_stack: u32,
    /// The most that such a stack may have, where there is a most.
    pub most_thread_stack: Option<u32>,
}

impl Firmware {
    /// This program.
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
