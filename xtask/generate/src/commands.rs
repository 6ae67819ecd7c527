// SPDX-License-Identifier: Apache-2.0
//! Device commands in `docs/commands.md`: a section for each command of the core's table.

use anyhow::{Context, Result};
use ocre::command::arguments::{Key, Opt};
use ocre::command::table::{COMMANDS, Command};

use crate::{Generated, content};

const DOCUMENT: &str = "docs/commands.md";
const BEGIN: &str = "<!-- Begin of the sections that `cargo xtask generate` writes -->\n";
const END: &str = "<!-- End of the sections that `cargo xtask generate` writes -->\n";

/// A text in a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn row(option: &Opt) -> String {
    let short = option.short.map(char::from);
    let short = short.map_or(String::new(), |short| format!("`-{short}`, "));
    let value = option
        .value
        .map_or(String::new(), |value| format!(" {value}"));
    let long = cell(&format!("--{}{value}", option.long));
    format!("| {short}`{long}` | {} |\n", cell(option.help))
}

fn section(command: &Command) -> String {
    let mut text = format!("### `ocre {}", command.name);
    if !command.operands.is_empty() {
        text += &format!(" {}", command.operands);
    }
    text += &format!("`\n\n{}.\n", command.summary());
    if !command.details().is_empty() {
        // JSON is code.
        let details = command.details().replace('{', "`{").replace('}', "}`");
        text += &format!("{details}\n");
    }
    // Every command has it.
    let options: String = command
        .options
        .iter()
        .filter(|option| option.key != Key::Help)
        .map(row)
        .collect();
    if !options.is_empty() {
        text += &format!("\n| option | |\n|---|---|\n{options}");
    }
    text + "\n"
}

/// Writes the sections into the document.
pub fn insert(files: &mut Vec<Generated>) -> Result<()> {
    let text = content(files, DOCUMENT)?;
    let wrong = || format!("{DOCUMENT}: the marks of the generated sections are missing");
    let (before, rest) = text.split_once(BEGIN).with_context(wrong)?;
    let (_, after) = rest.split_once(END).with_context(wrong)?;
    let sections: String = COMMANDS.iter().map(section).collect();
    *text = format!("{before}{BEGIN}\n{sections}{END}{after}");
    Ok(())
}
