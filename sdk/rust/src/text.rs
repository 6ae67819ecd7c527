// SPDX-License-Identifier: Apache-2.0
//! GuestArguments and output, for guests without the standard library.

use core::fmt::{self, Write as _};

use crate::{Error, Result, wasi};

/// GuestArguments of the container, after its name, of at most `BYTES` together.
///
/// ```no_run
/// let arguments = ocre_guest::GuestArguments::<256>::read()?;
/// let times: u32 = arguments.iter().next().and_then(|word| word.parse().ok()).unwrap_or(5);
/// # Ok::<(), ocre_guest::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct GuestArguments<const BYTES: usize> {
    text: [u8; BYTES],
    used: usize,
}

impl<const BYTES: usize> GuestArguments<BYTES> {
    /// Asks the runtime for the arguments.
    ///
    /// # Errors
    /// `ENOMEM` if there are more than `BYTES` with a NUL behind each, or more than 32;
    /// `ENOSYS` without a runtime.
    pub fn read() -> Result<Self> {
        let mut text = [0; BYTES];
        let used = wasi::arguments(&mut text)?;
        Ok(Self { text, used })
    }

    /// Goes over the arguments. One that is not UTF-8 is empty.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let text = self.text.get(..self.used).unwrap_or_default();
        let words = text
            .strip_suffix(&[0])
            .unwrap_or(text)
            .split(|byte| *byte == 0);
        let words = words.map(|word| str::from_utf8(word).unwrap_or_default());
        words.skip(1)
    }
}

/// Output of the container. It has no buffer: `println!` writes a line in pieces of 128 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TextOutput {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

impl TextOutput {
    /// Writes a text.
    ///
    /// # Errors
    /// `ENOSYS` without a runtime, `EIO` if the output is closed.
    pub fn write(self, text: &[u8]) -> Result<()> {
        let file = match self {
            Self::Out => 1,
            Self::Err => 2,
        };
        wasi::write(file, text)
    }

    /// Writes what `format_args!` describes.
    ///
    /// # Errors
    /// As for [`TextOutput::write`]; `EINVAL` if a value can't be shown.
    pub fn print(self, what: fmt::Arguments<'_>) -> Result<()> {
        let mut pieces = Pieces {
            stream: self,
            text: [0; PIECE],
            used: 0,
            failed: None,
        };
        let shown = pieces.write_fmt(what);
        pieces.flush();
        match pieces.failed {
            Some(error) => Err(error),
            None => shown.map_err(|_| Error::EINVAL),
        }
    }
}

const PIECE: usize = 128;

/// Gathers small pieces of a text.
struct Pieces {
    stream: TextOutput,
    text: [u8; PIECE],
    used: usize,
    failed: Option<Error>,
}

impl Pieces {
    fn flush(&mut self) {
        let text = self.text.get(..self.used).unwrap_or_default();
        self.failed = self.failed.or(self.stream.write(text).err());
        self.used = 0;
    }
}

impl fmt::Write for Pieces {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            let room = self.text.get_mut(self.used..).unwrap_or_default();
            let count = room.len().min(rest.len());
            let (now, later) = rest.split_at(count);
            if let Some(room) = room.get_mut(..count) {
                room.copy_from_slice(now);
            }
            self.used += count;
            rest = later;
            if self.used == PIECE {
                self.flush();
            }
        }
        if self.failed.is_some() {
            Err(fmt::Error)
        } else {
            Ok(())
        }
    }
}

/// Prints a line to the standard output, as the standard library's macro does. An error is
/// ignored.
#[macro_export]
macro_rules! println {
    ($($words:tt)*) => {
        let _ = $crate::TextOutput::Out.print(::core::format_args!("{}\n", ::core::format_args!($($words)*)));
    };
}

/// Prints a line to the standard error, as the standard library's macro does. An error is
/// ignored.
#[macro_export]
macro_rules! eprintln {
    ($($words:tt)*) => {
        let _ = $crate::TextOutput::Err.print(::core::format_args!("{}\n", ::core::format_args!($($words)*)));
    };
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::vec::Vec;

    use super::*;

    #[test]
    fn arguments_are_parted_and_the_name_is_left_out() {
        for (text, expected) in [
            (&b"name\0a\0\0two words\0"[..], &["a", "", "two words"][..]),
            (b"name\0", &[]),
            (b"", &[]),
            (b"name\0\xff\0b\0", &["", "b"]),
        ] {
            let mut arguments = GuestArguments {
                text: [0; 32],
                used: text.len(),
            };
            arguments.text[..text.len()].copy_from_slice(text);
            assert_eq!(arguments.iter().collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn without_a_runtime_there_are_no_arguments_and_no_output() {
        assert_eq!(GuestArguments::<8>::read().unwrap_err(), Error::ENOSYS);
        assert_eq!(
            TextOutput::Out.print(format_args!("{}", 1)),
            Err(Error::ENOSYS)
        );
        assert_eq!(TextOutput::Err.print(format_args!("")), Ok(()));
        println!("nothing {}", 1);
        eprintln!("nothing");
    }
}
