// SPDX-License-Identifier: Apache-2.0
//! Output of the program: whole lines, coloured on a terminal, or one line of JSON.

use std::fmt;
use std::io::{self, IsTerminal as _, Write as _};

use ocre::command::CommandStatus;
pub use ocre::command::output::CommandOutput as Words;
use ocre::port;
use ocre_oci::write::{self, Object};
use ocre_pc::platform::console;
use ocre_tools::failure::Failure;

/// Choice of coloured lines.
#[derive(clap::ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Color {
    fn wanted(self, terminal: bool) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto => {
                let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
                terminal
                    && set("NO_COLOR").is_none()
                    && set("TERM").is_none_or(|term| term != "dumb")
            }
        }
    }
}

/// Form of printed data.
#[derive(clap::ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OutputFormat {
    /// For people.
    #[default]
    Text,
    /// For programs: JSON on one line.
    Json,
}

/// Standard output or standard error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StandardStream {
    Out,
    Err,
}

impl StandardStream {
    /// Writes a text. Fails on a stdout that was closed from the start; drops the text where stderr
    /// was.
    fn write(self, text: &str) -> io::Result<()> {
        match self {
            _ if text.is_empty() => Ok(()),
            Self::Out if console::is_closed(port::Stream::Stdout) => {
                Err(io::Error::from_raw_os_error(libc::EBADF))
            }
            Self::Out => io::stdout().write_all(text.as_bytes()),
            Self::Err if console::is_closed(port::Stream::Stderr) => Ok(()),
            Self::Err => io::stderr().write_all(text.as_bytes()),
        }
    }

    fn flush(self) -> io::Result<()> {
        match self {
            Self::Out => io::stdout().flush(),
            Self::Err => Ok(()),
        }
    }
}

/// Standard output or standard error, in whole lines: text without a newline waits for one.
pub struct LineOutput {
    stream: StandardStream,
    colored: bool,
    json: bool,
    line: String,
    /// Error after which nothing more can be written.
    broken: Option<io::Error>,
}

impl LineOutput {
    /// Makes the standard output.
    pub fn stdout(color: Color, format: OutputFormat) -> Self {
        Self::new(
            StandardStream::Out,
            color.wanted(io::stdout().is_terminal()),
            format,
        )
    }

    /// Makes the standard error.
    pub fn stderr(color: Color) -> Self {
        Self::new(
            StandardStream::Err,
            color.wanted(io::stderr().is_terminal()),
            OutputFormat::Text,
        )
    }

    fn new(stream: StandardStream, colored: bool, format: OutputFormat) -> Self {
        Self {
            stream,
            colored,
            json: format == OutputFormat::Json,
            line: String::new(),
            broken: None,
        }
    }

    /// True where data is printed as JSON.
    pub fn json(&self) -> bool {
        self.json
    }

    /// Writes one line.
    pub fn line(&mut self, text: fmt::Arguments<'_>) -> io::Result<()> {
        self.text(&format!("{text}\n"))
    }

    /// Writes one JSON object, on one line.
    pub fn document(&mut self, fill: impl FnOnce(&mut Object<'_>)) -> io::Result<()> {
        let mut text = String::new();
        // Writing to a String does not fail.
        let _ = write::object(&mut text, fill);
        text.push('\n');
        self.text(&text)
    }

    /// Writes the unfinished line, and flushes the stream.
    ///
    /// # Errors
    /// The first error of all writes since the last call.
    pub fn finish(&mut self) -> io::Result<()> {
        if let Some(error) = self.broken.take() {
            return Err(error);
        }
        let rest = std::mem::take(&mut self.line);
        self.stream.write(&rest)?;
        self.stream.flush()
    }

    /// Writes text; the part after its last newline waits for one.
    pub fn text(&mut self, text: &str) -> io::Result<()> {
        for piece in text.split_inclusive('\n') {
            self.line.push_str(piece);
            if piece.ends_with('\n') {
                let line = std::mem::take(&mut self.line);
                let line = if self.colored { paint(&line) } else { line };
                self.stream
                    .write(&line)
                    .map_err(|error| self.remember(error))?;
            }
        }
        Ok(())
    }

    /// Reports a wrong command line.
    ///
    /// # Errors
    /// Of the output alone.
    pub fn refuse(&mut self, text: &str) -> Result<CommandStatus, Failure> {
        self.text(text)
            .map(|()| CommandStatus::Usage)
            .map_err(|error| Failure::io("can't print", &error))
    }

    /// Keeps an error for [`finish`](Self::finish), because callers may drop it.
    fn remember(&mut self, error: io::Error) -> io::Error {
        let copy = match error.raw_os_error() {
            Some(number) => io::Error::from_raw_os_error(number),
            None => error.kind().into(),
        };
        self.broken.get_or_insert(copy);
        error
    }
}

impl fmt::Write for LineOutput {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.broken.is_some() {
            return Err(fmt::Error);
        }
        self.text(text).map_err(|_| fmt::Error)
    }
}

const RED: &str = "\x1b[1;31m";
const GREEN: &str = "\x1b[1;32m";
const YELLOW: &str = "\x1b[1;33m";
const CYAN: &str = "\x1b[36m";
const PLAIN: &str = "\x1b[0m";

/// Beginnings of coloured lines, and their colours.
const PAINTED: [(&str, &str); 8] = [
    ("note:", CYAN),
    ("error:", RED),
    ("refused:", RED),
    ("warning:", YELLOW),
    ("hint:", CYAN),
    ("verdict: ok", GREEN),
    ("verdict: warnings", YELLOW),
    ("verdict: rejected", RED),
];

fn paint(line: &str) -> String {
    for (beginning, color) in PAINTED {
        if let Some(rest) = line.strip_prefix(beginning) {
            return format!("{color}{beginning}{PLAIN}{rest}");
        }
    }
    line.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_word_that_says_how_it_went_is_coloured() {
        assert_eq!(paint("hint: look\n"), "\x1b[36mhint:\x1b[0m look\n");
        assert_eq!(paint("a hint: look\n"), "a hint: look\n");
    }

    #[test]
    fn colours_are_for_terminals_unless_they_are_asked_for() {
        assert!(!Color::Auto.wanted(false));
        assert!(Color::Always.wanted(false));
        assert!(!Color::Never.wanted(true));
    }
}
