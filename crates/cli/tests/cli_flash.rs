// SPDX-License-Identifier: Apache-2.0
//! `ocre flash create` with given sizes, and `ocre flash hex`.

mod cli;

use std::fs;

use cli::{CliFixture, done, guest};
use ihex::Record;
use serde_json::json;

/// An empty flash file.
fn create(desk: &CliFixture, size: &str, block: &str, name: &str) {
    desk.ok([
        "flash",
        "create",
        "--size",
        size,
        "--block-size",
        block,
        "-o",
        name,
    ]);
}

/// Imports a guest into a flash file.
fn install(desk: &CliFixture, flash: &str) {
    let mut command = desk.command(["image", "pack", "-t", "hello", "-o", "layout", "--wasm"]);
    command.arg(guest("hello-c"));
    let packed = done(command);
    assert_eq!(packed.code, 0, "{packed:?}");
    desk.ok(["--flash", flash, "image", "import", "layout"]);
}

/// Content of a flash with older data after a programmer has written `hex`.
fn flashed(hex: &str, address: usize, size: usize) -> Vec<u8> {
    let mut flash = vec![0x5a; size];
    let mut upper = 0;
    for record in ihex::Reader::new(hex) {
        match record.unwrap() {
            Record::ExtendedLinearAddress(half) => upper = usize::from(half) << 16,
            Record::Data { offset, value } => {
                let at = upper + usize::from(offset) - address;
                flash[at..][..value.len()].copy_from_slice(&value);
            }
            Record::EndOfFile => {}
            other => panic!("{other:?}"),
        }
    }
    flash
}

#[test]
fn images_fit_in_a_flash_of_any_sizes() {
    let desk = CliFixture::new();
    for (size, block) in [
        ("64K", "512"),
        ("96K", "4K"),
        ("128K", "1024"),
        ("2M", "64K"),
        ("16M", "4096"),
    ] {
        let flash = format!("{size}-{block}");
        create(&desk, size, block, &flash);
        install(&desk, &flash);
        let ran = desk.ok(["--flash", &flash, "run", "hello", "x"]);
        assert_eq!(ran, "Hello from a C guest!\narg: x\n", "{flash}");
    }
}

#[test]
fn a_new_flash_file_has_the_sizes_that_were_asked_for() {
    let desk = CliFixture::new();
    let made = desk.json(["flash", "create", "--size", "96K", "-o", "f"]);
    assert_eq!(
        made,
        json!({
            "output": ["f"],
            "bytes": 98_304,
            "block_bytes": 4096,
            "images": [],
            "containers": []
        })
    );
    assert_eq!(fs::metadata(desk.path("f")).unwrap().len(), 98_304);
    assert_eq!(
        desk.json(["--flash", "f", "image", "ls"]),
        json!({ "images": [] })
    );
}

#[test]
fn sizes_that_are_no_flash_are_refused() {
    let desk = CliFixture::new();
    for (size, block) in [
        ("65535", "4096"),
        ("8K", "4096"),
        ("64K", "3000"),
        ("64K", "64"),
        ("64K", "0"),
        ("0", "4096"),
        ("2G", "4096"),
        ("16M", "2M"),
    ] {
        let made = ["flash", "create", "-o", "f", "--size", size];
        desk.ocre(made.into_iter().chain(["--block-size", block]))
            .failed(1, "flash-geometry");
        assert!(!desk.path("f").exists(), "{size} {block}");
    }
    for size in ["-1", "1.5K", "many", "99999999999999999999"] {
        let size = format!("--size={size}");
        desk.ocre(["flash", "create", "-o", "f", &size])
            .failed(2, "not a number of bytes");
    }
}

#[test]
fn a_file_that_is_there_is_left_alone() {
    let desk = CliFixture::new();
    desk.write("f", "mine");
    desk.ocre(["flash", "create", "--size", "64K", "-o", "f"])
        .failed(1, "flash-io");
    assert_eq!(fs::read(desk.path("f")).unwrap(), b"mine");
}

#[test]
fn what_was_flashed_from_hex_is_the_flash_whatever_was_there_before() {
    let desk = CliFixture::new();
    create(&desk, "256K", "4096", "f");
    install(&desk, "f");
    // Beyond one window of 64 KiB, and not at the beginning of one.
    for address in ["0x1008f000", "0", "4294705152"] {
        desk.ok(["flash", "hex", "f", "--address", address, "-o", "f.hex"]);
        let hex = fs::read_to_string(desk.path("f.hex")).unwrap();
        let at = match address.strip_prefix("0x") {
            Some(digits) => usize::from_str_radix(digits, 16).unwrap(),
            None => address.parse().unwrap(),
        };
        let flash = flashed(&hex, at, 256 * 1024);
        let original = fs::read(desk.path("f")).unwrap();
        for (block, was) in flash.chunks(4096).zip(original.chunks(4096)) {
            assert!(block == was || was.iter().all(|byte| *byte == 0xff));
        }
        desk.write("device", &flash);
        let ran = desk.ok(["--flash", "device", "run", "hello"]);
        assert_eq!(ran, "Hello from a C guest!\n");
        // It can be written to, too.
        desk.ok(["--flash", "device", "image", "rm", "hello"]);
    }
}

#[test]
fn a_hex_file_leaves_erased_blocks_out() {
    let desk = CliFixture::new();
    create(&desk, "1M", "4096", "f");
    let written = desk.json(["flash", "hex", "f", "--address=0x10000", "-o", "f.hex"]);
    assert_eq!(
        written,
        json!({ "output": "f.hex", "address": 65_536, "bytes": 8192 })
    );
}

#[test]
fn an_address_that_the_format_has_not_is_refused() {
    let desk = CliFixture::new();
    create(&desk, "64K", "4096", "f");
    let hex = |address: &str| {
        let address = format!("--address={address}");
        desk.ocre(["flash", "hex", "f", &address, "-o", "f.hex"])
    };
    hex("0xffff1000").failed(1, "flash-address");
    hex("18446744073709551600").failed(1, "flash-address");
    for address in ["8", "0x", "0x+10", "-16", "end"] {
        hex(address).failed(2, "a multiple of 16");
    }
    assert!(!desk.path("f.hex").exists());
}

#[test]
fn only_a_flash_file_becomes_hex() {
    let desk = CliFixture::new();
    desk.write("f", vec![0xff; 65_536]);
    let mut command = desk.command(["flash", "hex", "f", "--address=0", "-o", "f.hex"]);
    command.env_remove("OCRE_FLASH");
    done(command).failed(1, "flash-no-file-system");
}
