// SPDX-License-Identifier: Apache-2.0
//! Options that a configuration sets and Kconfig does not take. Kconfig warns of them and goes on:
//! the suites would pass without what they are for.

use std::fs;
use std::io;
use std::path::Path;

/// Searches twister's results for such options: `SCENARIO: CONFIG_NAME is not set as asked`.
pub fn ignored_options(results: &Path) -> io::Result<Vec<String>> {
    let mut found = Vec::new();
    collect(results, &mut found)?;
    found.sort();
    Ok(found)
}

fn collect(folder: &Path, found: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            // Build folders have no results below them.
            if !folder.join("build.log").exists() {
                collect(&entry.path(), found)?;
            }
        } else if entry.file_name() == "build.log" {
            let log = String::from_utf8_lossy(&fs::read(entry.path())?).into_owned();
            let scenario = folder.file_name().unwrap_or_default().to_string_lossy();
            for option in options(&log) {
                found.push(format!("{scenario}: CONFIG_{option} is not set as asked"));
            }
        }
    }
    Ok(())
}

/// Options of Kconfig's warnings in a log.
fn options(log: &str) -> Vec<&str> {
    let warnings = log.split("warning: ").skip(1);
    warnings
        .filter_map(|warning| {
            let (name, rest) = warning.split_once(" (defined at ")?;
            let name = name.strip_prefix("The choice symbol ").unwrap_or(name);
            let is_name = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            let rest: Vec<_> = rest.split_whitespace().take(20).collect();
            let rest = rest.join(" ");
            let ignored = rest.contains("was assigned the value") || rest.contains("was selected");
            (is_name && ignored).then_some(name)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::target_dir;

    const LOG: &str = "\
warning: The choice symbol NEWLIB_LIBC (defined at lib/libc/Kconfig:105) was selected (set =y), but
no symbol ended up as the choice selection. See
warning: LTO (defined at Kconfig.zephyr:535) was assigned the value 'y' but got the value 'n'. Check
file.c:3: warning: unused variable
warning: Experimental symbol FOO is enabled.
warning: BAR (defined at a:1, b:2) was
assigned the value 'n' but got the value 'y'.
";

    #[test]
    fn options_that_kconfig_ignores_are_found() {
        assert_eq!(options(LOG), ["NEWLIB_LIBC", "LTO", "BAR"]);
        assert!(options("warning: \nwarning: (defined at x) y").is_empty());
    }

    #[test]
    fn each_log_of_the_results_is_read() {
        let folder = target_dir().join("twister/results-of-a-test");
        let build = folder.join("board/suite/ocre.one");
        fs::create_dir_all(build.join("zephyr")).unwrap();
        fs::write(build.join("build.log"), LOG).unwrap();
        let found = ignored_options(&folder).unwrap();
        assert_eq!(found.len(), 3, "{found:?}");
        assert_eq!(found[0], "ocre.one: CONFIG_BAR is not set as asked");
    }
}
