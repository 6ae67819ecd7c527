// SPDX-License-Identifier: Apache-2.0
//! Help texts name things: no sentence of Kconfig, of the table of commands, of a hint or of clap's
//! help begins with a question word or a pronoun, or holds a phrase such as "it is".

use xtask::help_texts::help_texts;

use crate::BrokenRule;
use crate::repository::{FILES, text};

fn paraphrases(path: &str, source: &str) -> Vec<BrokenRule> {
    let texts = help_texts(path, source).into_iter();
    texts
        .flat_map(|help| {
            let faults = help.faults().into_iter();
            let finding = |fault| format!("{path}:{}: {fault}: {}", help.line, help.text);
            faults.map(finding).collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn help_texts_name_things() {
    let findings = FILES
        .iter()
        .flat_map(|file| paraphrases(&file.path, &file.text));
    crate::assert_none(findings.collect());
}

#[test]
fn help_texts_are_found_where_they_are() {
    for (path, least) in [
        ("Kconfig", 80),
        ("src/command/table.rs", 60),
        ("src/command/hints.rs", 100),
    ] {
        let found = help_texts(path, text(path)).len();
        assert!(found >= least, "{path}: {found} texts");
    }
    let of_clap = FILES.iter().filter(|file| file.path.ends_with(".rs"));
    let of_clap = of_clap.map(|file| help_texts(&file.path, &file.text).len());
    assert!(of_clap.sum::<usize>() > 250, "clap's help is not found");
}

#[cfg(test)]
mod planted {
    use super::*;

    #[test]
    fn a_paraphrase_in_kconfig_is_found() {
        let source = "config A\n\tbool \"Whether doors open\"\n\thelp\n\t  Opens doors.\n";
        crate::assert_one(paraphrases("Kconfig", source), "Kconfig:2: begins");
        let source = "config A\n\tbool \"Doors\"\n\thelp\n\t  Opens doors. It\n\t  takes 1 KB.\n";
        crate::assert_one(paraphrases("a/Kconfig.b", source), "a/Kconfig.b:3: begins");
        let source = "config A\n\tbool \"Doors\"\n\thelp\n\t  Opens doors.\n";
        crate::assert_none(paraphrases("Kconfig", source));
    }

    #[test]
    fn a_paraphrase_in_the_table_is_found() {
        let table = |help: &str| {
            let source = format!("const A: Opt = Opt {{\n    help: {help:?},\n}};\n");
            paraphrases("src/command/table.rs", &source)
        };
        crate::assert_one(table("Follow until it is interrupted"), "holds \"it is\"");
        crate::assert_one(table("how to print"), "table.rs:2: begins with \"how\"");
        crate::assert_none(table("Output format"));
    }

    #[test]
    fn a_paraphrase_in_a_hint_is_found() {
        let hint = |hint: &str| {
            let source = format!("match a {{\n    A::B => {hint:?},\n}}\n");
            paraphrases("src/command/hints.rs", &source)
        };
        crate::assert_one(hint("ask whoever made the image"), "holds \"whoever\"");
        crate::assert_none(hint("ask the author of the image"));
    }

    #[test]
    fn a_paraphrase_in_claps_help_is_found() {
        let clap = |doc: &str| {
            let derive = ["#[derive(", "clap::Args)]\n"].concat();
            let source = format!("{derive}struct A {{\n    /// {doc}\n    a: B,\n}}\n");
            paraphrases("a.rs", &source)
        };
        crate::assert_one(clap("Which part of an index"), "a.rs:3: begins");
        crate::assert_one(clap("Most of its files"), "holds \"of its\"");
        crate::assert_none(clap("Platform of an index"));
    }
}
