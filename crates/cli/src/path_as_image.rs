// SPDX-License-Identifier: Apache-2.0
//! Paths of the PC in the place of an image of the flash.

use std::path::Path;

use ocre::image::judge::Selector;
use ocre::image::verdict::Code;
use ocre_tools::failure::Failure;
use ocre_tools::layout::{Missing, OpenLayout};
use ocre_tools::partition;

use super::command_line::{CommandLine, Need};

/// Refuses a file or folder of the PC in the place of an image, unless the flash has an image of
/// that name. The hint names the command for the file.
///
/// # Errors
/// `reference-syntax`, `reference-not-found`, `index-empty`, with the command; and those of the
/// flash.
pub fn refuse(line: &CommandLine, flash: Option<&Path>) -> Result<(), Failure> {
    let (Need::Image, Some(command), Some(operand)) = (line.need(), line.command(), line.image())
    else {
        return Ok(());
    };
    let command = command.name;
    let path = Path::new(operand);
    let foreign = match OpenLayout::open(path) {
        Err(Missing::Foreign(foreign)) => Some(foreign),
        Ok(layout) if layout.is_marked() => None,
        _ => return Ok(()),
    };
    let code = match Selector::parse(operand) {
        Err(code) => code,
        Ok(selector) => match refused_by_the_flash(selector, flash)? {
            None => return Ok(()),
            Some(code) => code,
        },
    };
    let what = format!("can't {command} {operand}");
    Err(foreign.map_or_else(
        || {
            let hints = format!(
                "copy its image onto the flash with `ocre image import {operand}`, and {command} \
                 that by its name"
            );
            Failure::new(&what, code.as_str(), hints).because("an OCI image layout of the PC")
        },
        |foreign| foreign.failure_as(code.as_str(), &what),
    ))
}

/// Code for a reference without an image on the flash; a missing flash file has no images.
fn refused_by_the_flash(
    selector: Selector<'_>,
    flash: Option<&Path>,
) -> Result<Option<Code>, Failure> {
    let Some(partition) = partition::partition_if_any(flash)? else {
        return Ok(Some(Code::IndexEmpty));
    };
    let mut document = partition::document();
    let mut store = partition::store(&partition, &mut document)?;
    if store.find(selector).is_ok() {
        return Ok(None);
    }
    // The same codes as the judge's.
    let index = store.index();
    let empty = index.is_ok_and(|index| index.manifests().next().is_none());
    Ok(Some(if empty {
        Code::IndexEmpty
    } else {
        Code::ReferenceNotFound
    }))
}
