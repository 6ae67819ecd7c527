// SPDX-License-Identifier: Apache-2.0
//! Makes Rust constants from Kconfig's options: the only place that reads a `.config`.
//!
//! `OCRE_KCONFIG`, which Zephyr's build sets, has the path of the file; without it `host.config` is
//! used. Each `CONFIG_OCRE_…` becomes a constant without the prefix: `i64` for a number, `bool` for
//! `y`, `&str` for a text. An unset option is `false`, if it is used as a `bool`. The CPU is an
//! option too: the compiler's target stands for several. The trusted keys are constants as well:
//! `OCRE_TRUSTED_KEYS` has the path of a file with the path of a key in each line.

mod trust;

use std::env;
use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

const PREFIX: &str = "CONFIG_OCRE_";
/// Options that Rust asks for and that a `.config` leaves out where they are off.
const SWITCHES: [&str; 11] = [
    "AOT",
    "AOT_UNINTERRUPTIBLE",
    "GPIO",
    "MOUNT",
    "POLICY_ANY",
    "POLICY_PINNED",
    "POLICY_SIGNED",
    "SENSORS",
    "SEQUENCE_COUNTER",
    "TASK_WDT",
    "VERIFY_EACH_START",
];
/// Texts that become lists.
const LISTS: [&str; 2] = ["TRUSTED_KEYS", "PINNED_DIGESTS"];

fn main() {
    println!("cargo::rerun-if-env-changed=OCRE_KCONFIG");
    let path = env::var_os("OCRE_KCONFIG").map_or_else(|| "host.config".into(), PathBuf::from);
    println!("cargo::rerun-if-changed={}", path.display());
    let text =
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));

    let mut code = String::new();
    let mut on = Vec::new();
    let mut digests = "";
    for line in text.lines() {
        let Some((name, value)) = line
            .strip_prefix(PREFIX)
            .and_then(|line| line.split_once('='))
        else {
            continue;
        };
        if LISTS.contains(&name) {
            if name == "PINNED_DIGESTS" {
                digests = value.trim_matches('"');
            }
        } else if value == "y" {
            on.push(name);
        } else if let Ok(number) = value.parse::<i64>() {
            writeln!(code, "pub const {name}: i64 = {number};").expect("a string takes it");
        } else {
            writeln!(code, "pub const {name}: &str = {value};").expect("a string takes it");
        }
    }
    println!("cargo::rustc-check-cfg=cfg(ocre_test)");
    if on.contains(&"TEST") {
        println!("cargo::rustc-cfg=ocre_test");
    }
    for name in SWITCHES {
        writeln!(code, "pub const {name}: bool = {};", on.contains(&name))
            .expect("a string takes it");
    }
    for cpu in [
        "CPU_CORTEX_M3",
        "CPU_CORTEX_M4",
        "CPU_CORTEX_M7",
        "CPU_CORTEX_M33",
        "RISCV",
    ] {
        let is = text.lines().any(|line| line == format!("CONFIG_{cpu}=y"));
        writeln!(code, "pub const {cpu}: bool = {is};").expect("a string takes it");
    }
    trust::write(&mut code, digests);
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("set by cargo"));
    fs::write(out.join("kconfig.rs"), code).expect("OUT_DIR can be written");
}
