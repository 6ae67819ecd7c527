// SPDX-License-Identifier: Apache-2.0
//! Every file of source begins with its licence: in the first line, or in the
//! second where the first is `#!`.

use crate::BrokenRule;
use crate::repository::{FILES, File};

const HEADER: &str = "SPDX-License-Identifier: Apache-2.0";

const ENDINGS: [&str; 17] = [
    ".c", ".cmake", ".conf", ".cpp", ".dts", ".dtsi", ".h", ".hpp", ".ld", ".overlay", ".py",
    ".rs", ".S", ".sh", ".toml", ".yaml", ".yml",
];

fn findings(files: &[File]) -> Vec<BrokenRule> {
    files
        .iter()
        .filter(|file| is_source(file) && !has_header(&file.text))
        .map(|file| format!("{}: does not begin with {HEADER}", file.path))
        .collect()
}

fn is_source(file: &File) -> bool {
    let name = file.path.rsplit('/').next().unwrap_or_default();
    ENDINGS.iter().any(|ending| name.ends_with(ending))
        || name == "CMakeLists.txt"
        || name.starts_with("Kconfig")
        || file.text.starts_with("#!")
}

fn has_header(text: &str) -> bool {
    let line = text.lines().find(|line| !line.starts_with("#!/"));
    line.is_some_and(|line| line.contains(HEADER))
}

#[test]
fn every_source_file_names_its_licence() {
    assert!(
        FILES.iter().filter(|file| is_source(file)).count() > 10,
        "git lists no sources"
    );
    crate::assert_none(findings(&FILES));
}

#[cfg(test)]
mod planted {
    use super::*;

    fn file(path: &str, text: &str) -> Vec<BrokenRule> {
        findings(&[File {
            path: path.to_owned(),
            text: text.to_owned(),
        }])
    }

    #[test]
    fn a_header_in_any_comment_will_do() {
        crate::assert_none(file(
            "a/b.c",
            "/* SPDX-License-Identifier: Apache-2.0 */\nint i;\n",
        ));
        crate::assert_none(file(
            "run",
            "#!/bin/sh\n# SPDX-License-Identifier: Apache-2.0\n",
        ));
        crate::assert_none(file("data.json", "{}"));
    }

    #[test]
    fn a_file_without_one_is_found() {
        for path in ["src/lib.rs", "zephyr/Kconfig", "CMakeLists.txt", "prj.conf"] {
            crate::assert_one(file(path, "\n"), path);
        }
        crate::assert_one(file("tool", "#!/bin/sh\n:\n"), "tool");
    }

    #[test]
    fn another_licence_and_a_late_header_are_found() {
        crate::assert_one(file("a.h", "/* SPDX-License-Identifier: MIT */\n"), "a.h");
        crate::assert_one(
            file("a.rs", "//! a\n// SPDX-License-Identifier: Apache-2.0\n"),
            "a.rs",
        );
    }
}
