// SPDX-License-Identifier: Apache-2.0
//! A partition written by a device, which the PC reads byte for byte and goes on with.
//! `testdata/device/README.md` describes its origin.

mod cli;

use std::fs;
use std::path::PathBuf;

use cli::CliFixture;
use ihex::Record;
use ocre::port::{OpenMode, Storage as _};
use ocre_pc::littlefs::LittleFs;
use serde_json::json;

const HEX: &str = include_str!("../../../testdata/device/cortex-m3.hex");
const PARTITION_BYTES: usize = 16 << 20;

/// The partition as a flash file.
fn device(desk: &CliFixture) -> PathBuf {
    let mut flash = vec![0xff; PARTITION_BYTES];
    let mut upper = 0;
    for record in ihex::Reader::new(HEX) {
        match record.unwrap() {
            Record::ExtendedLinearAddress(half) => upper = usize::from(half) << 16,
            Record::Data { offset, value } => {
                flash[upper + usize::from(offset)..][..value.len()].copy_from_slice(&value);
            }
            Record::EndOfFile => {}
            other => panic!("{other:?}"),
        }
    }
    desk.write("flash.bin", flash)
}

#[test]
fn a_file_that_a_devices_container_wrote_is_read_and_nothing_is_changed_by_it() {
    let desk = CliFixture::new();
    let path = device(&desk);
    let before = fs::read(&path).unwrap();
    let storage = LittleFs::open(&path).unwrap();
    assert_eq!(storage.geometry().bytes(), PARTITION_BYTES as u64);
    let mut file = storage
        .open("/data/writer/pattern", OpenMode::READ)
        .unwrap();
    let mut found = vec![0; 4000];
    let mut count = 0;
    loop {
        match storage.read(&mut file, &mut found[count..]).unwrap() {
            0 => break,
            more => count += more,
        }
    }
    storage.close(file).unwrap();
    let pattern: Vec<u8> = (0..3000_u32).map(|n| (31 * n % 251) as u8).collect();
    assert_eq!(found[..count], pattern);
    drop(storage);
    assert!(fs::read(&path).unwrap() == before, "the file was changed");
}

#[test]
fn an_image_that_lies_beside_what_a_device_wrote_is_whole() {
    let desk = CliFixture::new();
    device(&desk);
    let verdict = desk.shell("image verify --strict --format json scribe\n");
    let verdict: serde_json::Value = serde_json::from_str(&verdict.out).unwrap();
    assert_eq!(
        verdict,
        json!({ "verdict": "ok", "code": null, "at": null, "warnings": [] })
    );
    assert_eq!(desk.ok(["run", "scribe"]), "3000 bytes\n");
}

#[test]
fn the_pc_goes_on_with_a_devices_containers() {
    let desk = CliFixture::new();
    device(&desk);
    let done = desk.shell("ps -a\nstart waiting\nwait waiting\nlogs waiting\nrm waiting\nps -a\n");
    assert_eq!(done.code, 0, "{done:?}");
    let states: Vec<Vec<&str>> = done
        .out
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    for state in [["writer", "exited(0)"], ["waiting", "created"]] {
        assert!(states.iter().any(|row| row.starts_with(&state)), "{done:?}");
    }
    assert!(done.out.contains("\n0\n3000 bytes\n"), "{done:?}");
    let left = desk.shell("ps -a\n").out;
    assert!(
        left.contains("writer") && !left.contains("waiting"),
        "{left}"
    );
}
