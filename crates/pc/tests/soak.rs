// SPDX-License-Identifier: Apache-2.0
//! Many lives of containers, with every kind of end: all their resources become free again.
//! `OCRE_SOAK_CYCLES` is the number of cycles.

#[path = "common/device.rs"]
mod device;
#[path = "common/memory.rs"]
mod memory;

use std::sync::Arc;
use std::thread;

use device::{TestDevice, assemble, boot, guest};
use ocre::container::Options;
use ocre::container::state::{Cause, RunResult};
use ocre::image::Image;
use ocre::port::{Storage, Trap};

/// Resident pages of the process.
fn resident_pages() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    let number = text.split(' ').nth(1).expect("a number");
    number.parse().expect("a number")
}

struct Use {
    blocks: i64,
    bytes: i64,
    pages: u64,
    flash_free: u64,
}

fn used(bench: &TestDevice) -> Use {
    while Arc::strong_count(&bench.device) > 1 {
        thread::yield_now();
    }
    let (blocks, bytes) = memory::in_use();
    Use {
        blocks,
        bytes,
        pages: resident_pages(),
        flash_free: bench.disk.space().expect("a partition").free,
    }
}

fn cycle(bench: &TestDevice, images: &[Image; 4], number: u64) {
    let device = &bench.device;
    let (image, arguments, expected): (_, &[&str], _) = match number % 5 {
        0 => (&images[0], &["--exit", "3"], RunResult::Exited(3)),
        1 => (
            &images[1],
            &["unreachable"],
            RunResult::Trapped(Trap::Unreachable),
        ),
        2 => (&images[2], &[], RunResult::Killed(Cause::Kill)),
        3 => (&images[2], &[], RunResult::Killed(Cause::Stop)),
        _ => (&images[3], &[], RunResult::Exited(0)),
    };
    let options = Options {
        arguments,
        temporary: number.is_multiple_of(7),
        ..Options::default()
    };
    let name = format!("c{}", number % 3);
    let handle = device.create(Some(&name), image, &options).expect("room");
    device.start(handle).expect("it starts");
    match expected {
        RunResult::Killed(Cause::Kill) => device.kill(handle).expect("it runs"),
        RunResult::Killed(_) => {
            device.stop(handle, 0).expect("it runs");
        }
        _ => {}
    }
    assert_eq!(bench.end(handle), expected);
    device.remove(handle, false).expect("it is over");
}

#[test]
fn containers_that_come_and_go_leave_memory_and_flash_as_they_were() {
    let cycles: u64 = match std::env::var("OCRE_SOAK_CYCLES") {
        Ok(cycles) => cycles.parse().expect("a number"),
        Err(_) => 200,
    };
    let bench = boot();
    let images = [
        guest("hello"),
        guest("hostile"),
        assemble(r#"(module (func (export "_start") (loop (br 0))))"#),
        assemble(r#"(module (memory 2) (func (export "_start")))"#),
    ]
    .map(|code| bench.image(&code));
    let warm = (cycles / 10).clamp(50, 1000);
    for number in 0..warm {
        cycle(&bench, &images, number);
    }
    let before = used(&bench);
    for number in 0..cycles {
        cycle(&bench, &images, number);
    }
    let after = used(&bench);
    for (when, one) in [("before", &before), ("after", &after)] {
        println!(
            "{when} {cycles} cycles: {} blocks in C, {} bytes in Rust, {} resident pages, {} bytes \
             of flash free",
            one.blocks, one.bytes, one.pages, one.flash_free
        );
    }
    assert!(after.blocks <= before.blocks + 8);
    // Memory of the console and of the test's threads.
    assert!(after.bytes <= before.bytes + 4096);
    assert!(after.pages <= before.pages + 512, "2 MiB more");
    // A folder's blocks may be where they were not.
    assert!(after.flash_free + 4 * 4096 >= before.flash_free);
}
