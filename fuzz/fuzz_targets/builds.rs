// SPDX-License-Identifier: Apache-2.0
//! Arbitrary text as the output of a Zephyr build: a devicetree, a NUL, and options. An accepted
//! text reads the same whatever comments and spaces are added, and each number of the firmware is
//! in the options; a refusal has its place.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ocre_tools::zephyr_build::{Wrong, ZephyrBuild};

fuzz_target!(|text: &str| {
    let (tree, options) = text.split_once('\0').unwrap_or((text, ""));
    match ZephyrBuild::parse(tree, options) {
        Ok(build) => {
            let more_tree = format!("/* {{ \" */ \n // }}\n{tree}\n\t/*;*/ ");
            let more_options = format!("# CONFIG_X is not set\n{options}\nCONFIG_OTHER=\"y\"\n");
            let same = ZephyrBuild::parse(&more_tree, &more_options).expect("the same is said");
            assert_eq!(same.partition, build.partition);
            let shown = format!("{:?}", build.firmware);
            assert_eq!(format!("{:?}", same.firmware), shown);
            for number in [
                build.firmware.containers,
                build.firmware.document,
                build.firmware.config,
                build.firmware.stack as usize,
                build.firmware.thread_stack as usize,
                build.firmware.policy.memory_bytes as usize,
            ] {
                assert!(options.contains(&number.to_string()));
            }
            assert!(tree.contains("storage_partition"));
        }
        Err(Wrong::Devicetree(error)) => {
            assert!((1..=tree.matches('\n').count() + 1).contains(&error.line));
        }
        Err(Wrong::Partition(why)) => assert!(!why.is_empty()),
        Err(Wrong::Option(option)) => {
            // The option is absent, or is no number.
            let lines = options.lines().rev();
            let said = lines
                .filter_map(|line| line.strip_prefix("CONFIG_")?.split_once('='))
                .find(|(name, _)| *name == option);
            assert!(said.is_none_or(|(_, value)| value.parse::<u32>().is_err()));
        }
    }
});
