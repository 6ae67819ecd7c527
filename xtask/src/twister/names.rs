// SPDX-License-Identifier: Apache-2.0
//! Names of boards before Zephyr 3.7. The suites have the new names; a tree that does not know
//! them gets copies of the suites' files with the old ones.

use std::fs;
use std::path::PathBuf;

use anyhow::Result;

use super::SUITES;
use crate::workspace::{root, target_dir};

/// New and old name of each board of the suites.
const OLD_NAMES: [(&str, &str); 6] = [
    // The longer name first: the other one is its beginning.
    ("native_sim/native/64", "native_sim_64"),
    ("native_sim/native", "native_sim"),
    ("mps2/an385", "mps2_an385"),
    ("mps2/an521/cpu0", "mps2_an521"),
    ("nrf52840dk/nrf52840", "nrf52840dk_nrf52840"),
    ("nrf5340dk/nrf5340/cpuapp", "nrf5340dk_nrf5340_cpuapp"),
];

/// First version of Zephyr with the new names.
pub const NEW_NAMES_SINCE: (u32, u32) = (3, 7);

/// Old name of a board, or the name itself.
pub fn old_name(board: &str) -> String {
    let listed = OLD_NAMES.iter().find(|(new, _)| *new == board);
    listed.map_or(board, |(_, old)| old).to_owned()
}

/// Replaces the boards' names in a file of a suite.
fn in_old_names(text: &str) -> String {
    let replace = |text: String, (new, old): &(&str, &str)| text.replace(new, old);
    OLD_NAMES.iter().fold(text.to_owned(), replace)
}

/// Writes the files of the suites with old names, and returns their folder.
pub fn with_old_names() -> Result<PathBuf> {
    let into = target_dir().join("twister/old-names");
    for folder in SUITES {
        for suite in fs::read_dir(root().join(folder))? {
            let suite = suite?;
            for file in ["testcase.yaml", "sample.yaml"] {
                let Ok(text) = fs::read_to_string(suite.path().join(file)) else {
                    continue;
                };
                let copy = into.join(suite.file_name());
                fs::create_dir_all(&copy)?;
                fs::write(copy.join(file), in_old_names(&text))?;
            }
        }
    }
    Ok(into)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_tree_gets_the_old_names() {
        assert_eq!(old_name("mps2/an385"), "mps2_an385");
        assert_eq!(old_name("qemu_cortex_m3"), "qemu_cortex_m3");
        let folder = with_old_names().unwrap();
        let suite = fs::read_to_string(folder.join("aot/testcase.yaml")).unwrap();
        assert!(
            suite.contains("- native_sim_64\n") && !suite.contains('/'),
            "{suite}"
        );
    }
}
