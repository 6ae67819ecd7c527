// SPDX-License-Identifier: Apache-2.0
//! Words of the commands, for the completion and the help of Zephyr's shell.

use core::fmt::Write;

use ocre::command::table;

use crate::sys::{SHELL_CONTAINER, SHELL_GROUP, SHELL_IMAGE, SHELL_NOTHING, ShellWord, defines};
use crate::text::Buffer;

defines!(port::ocre_shell_word);

/// Writes word number `place`, in alphabetical order, of the commands or of those about images.
/// Returns the kind of operand after it, or a negative number where there is no such word.
///
/// # Safety
/// `found` is as `port.h` says.
#[unsafe(no_mangle)]
unsafe extern "C" fn ocre_shell_word(on_images: u32, place: u32, found: *mut ShellWord) -> i32 {
    let group = if on_images != 0 { "image" } else { "" };
    let Some((word, command)) = table::completion(group, place as usize) else {
        return -1;
    };
    let is_group = on_images == 0 && command.name != word;
    let help = match is_group {
        true => "Image commands",
        false => command.summary(),
    };
    // SAFETY: the caller lends one, and reads it after this call.
    let (mut found_word, mut found_help) = unsafe {
        let found = &mut *found;
        (
            Buffer::new(found.word.as_mut_ptr(), found.word.len()),
            Buffer::new(found.help.as_mut_ptr(), found.help.len()),
        )
    };
    // A test of the table shows that they fit.
    let _ = found_word.write_str(word);
    let _ = found_help.write_str(help);
    match command.operands {
        _ if is_group => SHELL_GROUP,
        operands if operands.starts_with("IMAGE") => SHELL_IMAGE,
        operands if operands.starts_with("NAME") => SHELL_CONTAINER,
        _ => SHELL_NOTHING,
    }
}
