// SPDX-License-Identifier: Apache-2.0
//! Messages of failed commands: what failed, why, where, and what to do.

use core::fmt::{self, Display, Write};

use super::CommandStatus;
use super::output::CommandOutput;
use super::sentence::sentence;

/// Reason for a failure.
#[derive(Clone, Copy, Debug)]
pub struct Reason<'a> {
    /// The stable code.
    pub code: &'a str,
    /// Location; empty where there is none.
    pub at: &'a str,
    /// Details, in words; often empty.
    pub detail: &'a str,
    /// Hint; empty where there is none, or where the build has no hints.
    pub hints: &'a str,
}

/// Writes what failed and why. Returns [`CommandStatus::Failed`].
pub fn failure(
    err: &mut CommandOutput<'_>,
    what: fmt::Arguments<'_>,
    reason: &Reason<'_>,
) -> CommandStatus {
    write!(err, "error: {what}: {reason}");
    CommandStatus::Failed
}

impl Reason<'_> {
    /// Writes the reason in words: the code's sentence, the detail, and the code with its place
    /// in parentheses; then the hint.
    ///
    /// # Errors
    /// Of the output alone.
    pub fn explain(&self, sentence: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(sentence)?;
        if !self.detail.is_empty() {
            write!(f, ": {}", Sanitized(self.detail))?;
        }
        f.write_str(" (")?;
        self.code_and_place(f)?;
        f.write_str(")")?;
        self.hint(f)
    }

    /// Writes the reason with its code first: the code with its place, the detail in parentheses,
    /// and the sentence, if there is one; then the hint.
    fn list(&self, sentence: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.code_and_place(f)?;
        if !self.detail.is_empty() {
            write!(f, " ({})", Sanitized(self.detail))?;
        }
        if !sentence.is_empty() {
            write!(f, ": {sentence}")?;
        }
        self.hint(f)
    }

    fn code_and_place(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code)?;
        if !self.at.is_empty() {
            write!(f, " at {}", Sanitized(self.at))?;
        }
        Ok(())
    }

    fn hint(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.hints.is_empty() {
            write!(f, "\nhint: {}", self.hints)?;
        }
        f.write_str("\n")
    }
}

impl Display for Reason<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match sentence(self.code) {
            "" => self.list("", f),
            sentence => self.explain(sentence, f),
        }
    }
}

/// Displays a reason with its code first and a sentence last: in a list of findings, say.
pub struct Listed<'a>(pub &'a Reason<'a>, pub &'a str);

impl Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.list(self.1, f)
    }
}

/// Displays untrusted text on one line, so that it can't control a terminal: control characters,
/// and those that change the direction of writing, become escapes.
pub struct Sanitized<T>(pub T);

impl<T: Display> Display for Sanitized<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(ControlEscape(f), "{}", self.0)
    }
}

struct ControlEscape<'a, 'f>(&'a mut fmt::Formatter<'f>);

impl Write for ControlEscape<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.chars().try_for_each(|character| {
            let turns = matches!(character, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
            match character {
                '\n' => self.0.write_str("\\n"),
                '\r' => self.0.write_str("\\r"),
                '\t' => self.0.write_str("\\t"),
                _ if turns || character.is_control() => {
                    write!(self.0, "\\u{{{:x}}}", u32::from(character))
                }
                plain => self.0.write_char(plain),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::string::{String, ToString};

    use super::*;

    #[test]
    fn a_failure_says_what_why_where_and_what_to_do() {
        let mut text = String::new();
        let reason = Reason {
            code: "blob-missing",
            at: "manifest/layers/0",
            detail: "",
            hints: "Copy it again.",
        };
        let mut err = CommandOutput::new(&mut text);
        let status = failure(&mut err, format_args!("can't run \"hello\""), &reason);
        assert_eq!(status, CommandStatus::Failed);
        assert_eq!(
            text,
            "error: can't run \"hello\": the blob of a descriptor is missing \
             (blob-missing at manifest/layers/0)\nhint: Copy it again.\n"
        );
    }

    #[test]
    fn a_detail_follows_the_sentence_and_may_take_its_place() {
        let reason = |code, detail| Reason {
            code,
            at: "",
            detail,
            hints: "",
        };
        let known = reason("wasm-import", "env.f");
        assert!(
            known
                .to_string()
                .ends_with("signature: env.f (wasm-import)\n")
        );
        assert_eq!(reason("x-y", "so").to_string(), "x-y (so)\n");
        assert_eq!(reason("x-y", "").to_string(), "x-y\n");
        let listed = Listed(&known, sentence("wasm-import")).to_string();
        assert!(
            listed.starts_with("wasm-import (env.f): the module"),
            "{listed}"
        );
    }

    #[test]
    fn strangers_text_can_not_command_a_terminal() {
        let text = Sanitized("a\x1b[31m\n\r\t\0\u{202e}b\u{9b}é").to_string();
        assert_eq!(text, "a\\u{1b}[31m\\n\\r\\t\\u{0}\\u{202e}b\\u{9b}é");
    }
}
