// SPDX-License-Identifier: Apache-2.0
//! Model test of the supervisor, in virtual time.
//!
//! Runs random operations on a few containers whose guests are simulated: each has a plan, and a
//! time of its end. A wait lets the virtual time pass, event by event; of the threads of the
//! containers and the watchdog one runs at a time. The model predicts, in plainer code, the answer
//! of each operation and the state of each container; of `state.rs` and `restart.rs` it uses the
//! names alone. The model also predicts the image of the tag that containers follow, from update to
//! update and back; and the files that are kept of a container whose record is not found after a
//! reboot.
//!
//! `OCRE_MODEL_SEQUENCES` is the number of sequences of operations, and `OCRE_MODEL_FIRST` the
//! number of the first.

mod container;
mod coroutine;
mod images;
mod lead;
mod platform;
mod world;

use std::panic::{self, AssertUnwindSafe};

use ocre_conformance::numbers::PseudoRandom;

use crate::images::Images;
use crate::world::{NAMES, World};

/// A second, in microseconds.
const SECOND: u64 = 1_000_000;

fn sequence(images: &Images, seed: u64) {
    let mut numbers = PseudoRandom(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    for _ in 0..4 {
        numbers.next();
    }
    let mut world = World::new(images, numbers);
    for _ in 0..16 {
        let index = world.below(NAMES.len());
        let what = world.operate(index);
        world.follow(index);
        world.compare(&what);
    }
}

#[test]
fn whatever_is_done_to_containers_the_model_and_the_supervisor_agree() {
    let count = match std::env::var("OCRE_MODEL_SEQUENCES") {
        Ok(count) => count.parse().expect("a number"),
        // A sequence takes long under Miri.
        Err(_) if cfg!(miri) => 10,
        Err(_) => 2000,
    };
    let images = Images::new();
    let first = std::env::var("OCRE_MODEL_FIRST").map_or(0, |first| first.parse().unwrap());
    for seed in first..first + count {
        let tried = panic::catch_unwind(AssertUnwindSafe(|| sequence(&images, seed)));
        if let Err(payload) = tried {
            println!("sequence {seed}");
            panic::resume_unwind(payload);
        }
    }
    println!("{count} sequences");
}
