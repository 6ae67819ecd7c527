// SPDX-License-Identifier: Apache-2.0
//! Folder of a Zephyr build, with `zephyr/zephyr.dts` and `zephyr/.config`, which the build writes
//! before it compiles.

use std::path::Path;

use ocre_files::MAX_BUILD_FILE;
use ocre_tools::failure::Failure;
use ocre_tools::zephyr_build::{Wrong, ZephyrBuild};

/// Reads the storage partition and the firmware limits of a build.
///
/// # Errors
/// `io`, `zephyr-devicetree`, `zephyr-partition`, `zephyr-config`.
pub fn read(folder: &Path, what: &str) -> Result<ZephyrBuild, Failure> {
    let read = |name: &str| {
        let path = folder.join("zephyr").join(name);
        match ocre_files::read_text(&path, MAX_BUILD_FILE) {
            Ok(text) => Ok((path, text)),
            Err(error) => Err(Failure::io(what, &error).at(path.display())),
        }
    };
    let (config_path, config) = read(".config")?;
    let (path, text) = read("zephyr.dts")?;
    ZephyrBuild::parse(&text, &config).map_err(|wrong| match wrong {
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
                .because(format_args!("{option} is missing"))
        }
    })
}
