// SPDX-License-Identifier: Apache-2.0
//! Folder of a Zephyr build, with `zephyr/zephyr.dts`, `zephyr/.config` and `ocre/trusted_keys`,
//! which the build writes before it compiles.

use std::path::{Path, PathBuf};

use ocre_files::MAX_BUILD_FILE;
use ocre_tools::failure::Failure;
use ocre_tools::signing::trust;
use ocre_tools::zephyr_build::{Wrong, ZephyrBuild};

/// Reads the storage partition, the firmware limits and the trusted keys of a build.
///
/// # Errors
/// `io`, `zephyr-devicetree`, `zephyr-partition`, `zephyr-config`, `key-malformed`.
pub fn read(folder: &Path, what: &str) -> Result<ZephyrBuild, Failure> {
    let read = |name: &str| {
        let path = folder.join(name);
        match ocre_files::read_text(&path, MAX_BUILD_FILE) {
            Ok(text) => Ok((path, text)),
            Err(error) => Err(Failure::io(what, &error).at(path.display())),
        }
    };
    let (config_path, config) = read("zephyr/.config")?;
    let (path, text) = read("zephyr/zephyr.dts")?;
    let build = ZephyrBuild::parse(&text, &config).map_err(|wrong| match wrong {
        Wrong::Devicetree(error) => {
            let hints = "build the firmware again: Zephyr generates the file";
            Failure::new(what, "zephyr-devicetree", hints)
                .at(path.display())
                .because(error)
        }
        Wrong::Partition(why) => {
            let hints = "give the devicetree a partition labelled storage_partition; \
                the snippet ocre-storage defines one for some boards";
            Failure::new(what, "zephyr-partition", hints)
                .at(path.display())
                .because(why)
        }
        Wrong::Option(option) => {
            let hints = "name the folder of a build with CONFIG_OCRE=y";
            Failure::new(what, "zephyr-config", hints)
                .at(config_path.display())
                .because(format_args!("{option} is missing or malformed"))
        }
    });
    let mut build = build?;
    let mut keys = Vec::new();
    if build.has_keys {
        let (_, list) = read("ocre/trusted_keys")?;
        keys.extend(list.lines().map(PathBuf::from));
    }
    build.firmware.policy.trust = trust(&keys, Some(build.rule), &build.pinned)?;
    Ok(build)
}
