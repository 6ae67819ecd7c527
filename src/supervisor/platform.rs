// SPDX-License-Identifier: Apache-2.0
//! Platform of a device, which a supervisor runs on.

use crate::container::Guest;
use crate::image::JudgedImage;
use crate::image::judge::{Policy, Workspace};
use crate::port::{Clock, Console, Engine, Entropy, Host, Storage, Threads, devices};

/// All contracts of [`port`](crate::port), for one device.
pub trait Platform {
    /// The kind of lock that the runtime's own short critical sections use.
    type RawMutex: lock_api::RawMutex;
    /// The partition.
    type Storage: Storage;
    /// The engine.
    type Engine: Engine;

    /// The partition. The image store's layout is in its root folder.
    fn storage(&self) -> &Self::Storage;
    /// The engine.
    fn engine(&self) -> &Self::Engine;
    /// The clock.
    fn clock(&self) -> &dyn Clock;
    /// The source of random bytes.
    fn entropy(&self) -> &dyn Entropy;
    /// The console of attached containers.
    fn console(&self) -> &dyn Console;
    /// The threads.
    fn threads(&self) -> &dyn Threads;
    /// Pins and sensors that a command can drive; `None` where they are real.
    fn simulated(&self) -> Option<&dyn devices::Simulated> {
        None
    }
    /// Policy of this device for images.
    fn policy(&self) -> Policy<'_>;
    /// Makes the host functions for one run of a container, calls `run` with them once, and
    /// gives back what they hold.
    fn with_host(&self, guest: &dyn Guest, run: &mut dyn FnMut(&mut dyn Host));
    /// Lends the buffers for the documents of images, and the image that was judged last, to one
    /// user of the image store at a time. Calls `run` once.
    fn with_documents(&self, run: &mut dyn FnMut(Workspace<'_>, &mut JudgedImage));
}
