// SPDX-License-Identifier: Apache-2.0
//! Words of the commands, for the completion and the help of Zephyr's shell.

use core::fmt::Write;

use ocre::command::table;

use crate::text::Buffer;

/// Word of a command, and its help; each ends with NUL.
#[repr(C)]
struct ShellWord {
    word: [u8; 16],
    help: [u8; 80],
}

// Operand after a word: none, an image, a container, or the second word of a command.
const SHELL_NOTHING: i32 = 0;
const SHELL_IMAGE: i32 = 1;
const SHELL_CONTAINER: i32 = 2;
const SHELL_GROUP: i32 = 3;

/// Writes word number `place`, in alphabetical order, of the commands or of those about images.
/// Returns the kind of operand after it, or a negative number where there is no such word.
#[unsafe(no_mangle)]
extern "C" fn ocre_shell_word(on_images: u32, place: u32, found: *mut ShellWord) -> i32 {
    let group = if on_images != 0 { "image" } else { "" };
    let Some((word, command)) = table::completion(group, place as usize) else {
        return -1;
    };
    let is_group = on_images == 0 && command.name != word;
    let help = match is_group {
        true => "Image commands",
        false => command.summary,
    };
    // SAFETY: the caller lends one, and reads it after this call.
    let found = unsafe { &mut *found };
    // A test of the table shows that they fit.
    let _ = Buffer::of(&mut found.word).write_str(word);
    let _ = Buffer::of(&mut found.help).write_str(help);
    match command.operands {
        _ if is_group => SHELL_GROUP,
        operands if operands.starts_with("IMAGE") => SHELL_IMAGE,
        operands if operands.starts_with("NAME") => SHELL_CONTAINER,
        _ => SHELL_NOTHING,
    }
}
