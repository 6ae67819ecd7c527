// SPDX-License-Identifier: Apache-2.0
//! `ocre shell`: the device's command line, until `exit` or the end of input.
//!
//! On a terminal lines can be edited, and there is a history. A file or a pipe is a script. The
//! program ends with the status of the last command.

use std::collections::HashSet;
use std::fs;
use std::io::{self, IsTerminal as _};

use ocre::command::table::COMMANDS;
use ocre::command::{CommandStatus, VERSION};
use ocre_pc::platform::console;
use ocre_tools::failure::Failure;
use ocre_tools::partition;
use rustyline::completion::Completer;
use rustyline::config::Configurer as _;
use rustyline::error::ReadlineError;
use rustyline::history::DefaultHistory;
use rustyline::{Context, Editor, Helper, Highlighter, Hinter, Validator};

use super::command_line::CommandLine;
use super::device::{self, SimulatedDevice};
use super::line::split;
use super::output::LineOutput;
use super::{grammar, guests_heard, suggestion};

const PROMPT: &str = "ocre> ";

/// Runs commands until there are no more.
pub fn run(
    device: &mut SimulatedDevice,
    out: &mut LineOutput,
    err: &mut LineOutput,
) -> Result<CommandStatus, Failure> {
    if io::stdin().is_terminal() {
        interactive(device, out, err)
    } else {
        script(device, out, err)
    }
}

/// Result of a line.
enum LineResult {
    Nothing,
    Exit,
    ExitWith(CommandStatus),
    Ended(CommandStatus),
}

/// Message for a command that the shell does not have; for one of the PC, it says to run it
/// outside of the shell.
fn in_shell(words: &[&str], text: String) -> String {
    let mut found = Some(grammar::own());
    let mut name = Vec::new();
    for word in words {
        match found.and_then(|grammar| grammar.find_subcommand(word)) {
            Some(command) => found = Some(command),
            None => break,
        }
        name.push(*word);
    }
    if name.is_empty() {
        return text.replace("`ocre --help`", "`help`");
    }
    let name = name.join(" ");
    format!(
        "error: `{name}` is a command of the PC, not of the device\n\
         hint: leave the shell with `exit`, and run `ocre {name}`\n"
    )
}

fn execute(
    line: &str,
    device: &mut SimulatedDevice,
    out: &mut LineOutput,
    err: &mut LineOutput,
) -> Result<LineResult, Failure> {
    let print = |error: io::Error| Failure::io("can't print", &error);
    let words = match split(line) {
        Ok(words) => words,
        Err(error) => {
            err.line(format_args!("error: {error}")).map_err(print)?;
            return Ok(LineResult::Ended(CommandStatus::Usage));
        }
    };
    // `ocre` before a command, as at a PC's prompt, is ignored.
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let words = words.strip_prefix(&["ocre"]).unwrap_or(&words);
    match words {
        [] => return Ok(LineResult::Nothing),
        ["exit" | "quit"] => return Ok(LineResult::Exit),
        ["exit" | "quit", code] if let Ok(code) = code.parse() => {
            return Ok(LineResult::ExitWith(CommandStatus::Guest(code)));
        }
        _ => {}
    }
    let line = CommandLine::new(words);
    if let Some(text) = suggestion::for_unknown(&line, grammar::own()) {
        err.text(&in_shell(words, text)).map_err(print)?;
        return Ok(LineResult::Ended(CommandStatus::Usage));
    }
    device::forget_interrupt();
    let follows = line.follows();
    let outcome = device.command(line, out, err);
    out.finish().and_then(|()| err.finish()).map_err(print)?;
    guests_heard()?;
    if follows && console::is_abandoned() {
        return Err(print(io::ErrorKind::BrokenPipe.into()));
    }
    Ok(LineResult::Ended(outcome.unwrap_or(CommandStatus::Failed)))
}

/// Most bytes of a line of a script.
const MAX_LINE: u64 = 64 * 1024;

fn script(
    device: &mut SimulatedDevice,
    out: &mut LineOutput,
    err: &mut LineOutput,
) -> Result<CommandStatus, Failure> {
    let mut status = CommandStatus::Ok;
    let mut line = Vec::new();
    loop {
        line.clear();
        // Line by line: an attached container may read the next lines.
        let count = ocre_files::read_line(io::stdin().lock(), &mut line, MAX_LINE);
        if count.map_err(|error| Failure::io("can't read the script", &error))? == 0 {
            return Ok(status);
        }
        let Ok(text) = std::str::from_utf8(&line) else {
            let told = err.line(format_args!("error: the line is not UTF-8"));
            told.map_err(|error| Failure::io("can't print", &error))?;
            status = CommandStatus::Usage;
            continue;
        };
        match execute(text, device, out, err)? {
            LineResult::Nothing => {}
            LineResult::Exit => return Ok(status),
            LineResult::ExitWith(status) => return Ok(status),
            LineResult::Ended(ended) => status = ended,
        }
    }
}

fn interactive(
    device: &mut SimulatedDevice,
    out: &mut LineOutput,
    err: &mut LineOutput,
) -> Result<CommandStatus, Failure> {
    let failed = |error: ReadlineError| {
        let hints = "check the terminal, or give the commands in a file";
        Failure::new("can't read commands", "terminal", hints).because(error)
    };
    let mut editor = Editor::<WordCompleter, DefaultHistory>::new().map_err(failed)?;
    editor.set_helper(Some(WordCompleter));
    editor.set_auto_add_history(true);
    // The shell works without a history, too.
    let history = partition::default_file("history").ok();
    if let Some(file) = &history
        && ocre_files::read(file, ocre_files::MAX_CONFIG).is_ok()
    {
        let _ = editor.load_history(file);
    }
    let welcome = out.line(format_args!(
        "ocre {VERSION}: `help` lists the commands, `exit` ends"
    ));
    welcome.map_err(|error| Failure::io("can't print", &error))?;
    let mut status = CommandStatus::Ok;
    loop {
        match editor.readline(PROMPT) {
            Ok(line) => match execute(&line, device, out, err)? {
                LineResult::Nothing => {}
                LineResult::Exit => break,
                LineResult::ExitWith(ended) => {
                    status = ended;
                    break;
                }
                LineResult::Ended(ended) => status = ended,
            },
            Err(ReadlineError::Interrupted) => {}
            Err(ReadlineError::Eof) => break,
            Err(error) => return Err(failed(error)),
        }
    }
    if let Some(file) = &history {
        if let Some(folder) = file.parent() {
            let _ = fs::create_dir_all(folder);
        }
        let _ = editor.save_history(file);
    }
    Ok(status)
}

/// Completes the words of commands.
#[derive(Helper, Highlighter, Hinter, Validator)]
struct WordCompleter;

impl Completer for WordCompleter {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        at: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        let typed = line.get(..at).unwrap_or(line);
        Ok(complete(typed))
    }
}

/// Completions of the last typed word, and its start: words of a command's name, or options of
/// the typed command.
fn complete(typed: &str) -> (usize, Vec<String>) {
    let start = typed.rfind(' ').map_or(0, |space| space + 1);
    let (before, word) = typed.split_at(start);
    let before: Vec<&str> = before.split_whitespace().collect();
    let mut found: Vec<String> = Vec::new();
    for command in COMMANDS {
        let names: Vec<&str> = command.name.split(' ').collect();
        if let Some(name) = names.strip_prefix(&*before).and_then(|rest| rest.first()) {
            found.push(format!("{name} "));
        } else if before.starts_with(&names) && word.starts_with('-') {
            found.extend(
                command
                    .options
                    .iter()
                    .map(|option| format!("--{} ", option.long)),
            );
        }
    }
    found.retain(|candidate| candidate.starts_with(word));
    // A group of commands has several entries in the table.
    let mut seen = HashSet::new();
    found.retain(|candidate| seen.insert(candidate.clone()));
    (start, found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_commands_and_options_are_completed() {
        assert_eq!(complete("im"), (0, vec!["image ".to_owned()]));
        assert_eq!(complete("image v"), (6, vec!["verify ".to_owned()]));
        assert_eq!(
            complete("run --ti"),
            (4, vec!["--timing ".to_owned(), "--timeout ".to_owned()])
        );
        assert_eq!(complete("run x"), (4, vec![]));
        assert_eq!(
            complete("")
                .1
                .iter()
                .filter(|word| *word == "image ")
                .count(),
            1
        );
    }
}
