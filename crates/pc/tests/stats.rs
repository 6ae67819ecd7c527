// SPDX-License-Identifier: Apache-2.0
//! Statistics about the resources of a run.

#[path = "common/device.rs"]
mod device;

use std::thread;
use std::time::Duration;

use device::{RamPartition, assemble, boot, busy, guest, write_file};
use ocre::container::state::RunResult;
use ocre::container::{Error, Limits, Options};
use ocre::limits::{LOG_BYTES, MAX_CONTAINERS};
use ocre::port::Storage as _;
use ocre_pc::platform::{Device, Pc};

#[test]
fn a_container_takes_less_than_2_kib_of_our_own_besides_its_log() {
    let all = size_of::<Device<RamPartition>>() - size_of::<Pc<RamPartition>>();
    let one = all / MAX_CONTAINERS - LOG_BYTES;
    println!("{one} bytes");
    assert!(one < 2048, "{one}");
}

#[test]
fn what_a_containers_files_take_is_told_as_its_limit_counts_it() {
    const BLOCK: u64 = 4096;
    let bench = boot();
    let disk = &bench.disk;
    assert_eq!(u64::from(disk.block_bytes()), BLOCK);
    let handle = bench.create("a", &busy(), &Options::default());
    let other = bench.create("b", &busy(), &Options::default());
    let blocks = |handle| {
        let bytes = bench.device.disk_bytes(handle).unwrap();
        assert!(bytes.is_multiple_of(BLOCK));
        bytes / BLOCK
    };
    assert_eq!(blocks(handle), 0);
    bench.device.start(handle).unwrap();
    assert_eq!(bench.end(handle), RunResult::Exited(0));
    assert_eq!(blocks(handle), 1, "the file that it has written");
    // Folders in folders, before and behind one another, and files in each.
    let mut expected = 1;
    for folder in [
        "b", "b/a", "b/a/x", "b/c", "a", "c", "a/b", "b.c", "a/a", "a/bb",
    ] {
        disk.create_dir(&format!("/data/a/{folder}")).unwrap();
        expected += 2;
        for (file, bytes, cost) in [("none", 0, 1), ("one", 4096, 1), ("two", 4097, 2)] {
            write_file(disk, &format!("/data/a/{folder}/{file}"), &vec![0; bytes]);
            expected += cost;
        }
        assert_eq!(blocks(handle), expected, "{folder}");
    }
    assert_eq!(blocks(other), 0);

    // A limit that is used up to the last block, and one that is exceeded.
    let limited = |name, blocks: u64| {
        let options = Options {
            limits: Limits {
                disk_bytes: Some(u32::try_from(blocks * BLOCK).unwrap()),
                ..Limits::default()
            },
            ..Options::default()
        };
        let handle = bench.create(name, &busy(), &options);
        disk.create_dir(&format!("/data/{name}/deep")).unwrap();
        write_file(disk, &format!("/data/{name}/deep/file"), &[0; 4097]);
        bench.device.start(handle).unwrap();
        bench.end(handle)
    };
    assert_eq!(limited("c", 5), RunResult::Exited(0));
    assert_eq!(limited("d", 4), RunResult::Exited(1));

    bench.device.remove(other, false).unwrap();
    assert_eq!(bench.device.disk_bytes(other), Err(Error::NotFound));
}

#[test]
fn a_run_that_computes_takes_time_and_memory_as_it_goes() {
    let bench = boot();
    let code = assemble(
        r#"(module (memory 1 4)
            (func (export "_start") (drop (memory.grow (i32.const 2))) (loop (br 0))))"#,
    );
    let handle = bench.create("a", &code, &Options::default());
    let stats = || bench.device.stats(handle).unwrap();
    let nothing = stats();
    assert_eq!((nothing.ran_us, nothing.computed_us), (None, None));
    assert_eq!((nothing.memory_bytes, nothing.memory_peak_bytes), (0, 0));
    bench.device.start(handle).unwrap();
    while stats().memory_bytes < 3 << 16 {
        thread::yield_now();
    }
    let before = stats();
    while stats().computed_us <= before.computed_us {
        thread::sleep(Duration::from_millis(1));
    }
    assert!(stats().ran_us > before.ran_us);
    bench.device.kill(handle).unwrap();
    bench.end(handle);
    let after = stats();
    assert_eq!((after.memory_bytes, after.memory_peak_bytes), (0, 3 << 16));
    assert!(after.computed_us > before.computed_us);
    assert!(after.ran_us > before.ran_us);
    assert_eq!(after.host_calls, 0);
    thread::sleep(Duration::from_millis(2));
    assert_eq!(stats(), after, "it is over");
    bench.device.remove(handle, false).unwrap();
    assert_eq!(bench.device.stats(handle), Err(Error::NotFound));
}

#[test]
fn a_guest_that_sleeps_computes_little_and_calls_of_the_host_are_counted_anew_in_each_run() {
    let bench = boot();
    let handle = bench.create("a", &guest("hello"), &Options::default());
    let mut counts = [0; 2];
    for count in &mut counts {
        bench.device.start(handle).unwrap();
        bench.end(handle);
        *count = bench.device.stats(handle).unwrap().host_calls;
    }
    assert!(counts[0] > 0);
    assert_eq!(counts[0], counts[1]);
    let options = Options {
        arguments: &["sleep"],
        ..Options::default()
    };
    let sleeping = bench.start("b", &guest("hostile"), &options);
    bench.await_output(sleeping, "hostile: sleep\n");
    let before = bench.device.stats(sleeping).unwrap();
    thread::sleep(Duration::from_millis(50));
    let after = bench.device.stats(sleeping).unwrap();
    let computed = after
        .computed_us
        .zip(before.computed_us)
        .map(|(a, b)| a - b);
    assert!(computed.is_some_and(|us| us < 25_000), "{computed:?}");
    assert!(
        after
            .ran_us
            .zip(before.ran_us)
            .is_some_and(|(a, b)| a - b >= 50_000)
    );
    bench.device.remove(sleeping, true).unwrap();
}
