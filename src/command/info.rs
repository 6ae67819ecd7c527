// SPDX-License-Identifier: Apache-2.0
//! `version` and `info`: what this build is and can do.

use ocre_oci::write;

use super::arguments::{Argument, Arguments, Misuse};
use super::{Environment, Halt, Status, VERSION, only_format};
use crate::image::judge::AotPolicy;
use crate::limits::{MAX_BLOBS, MAX_CONTAINERS};
use crate::port::{Engine as _, Platform, Storage as _};

/// `version`
#[inline(never)]
pub(super) fn version<'a, P: Platform>(
    mut arguments: Arguments<'a, '_>,
    environment: &mut Environment<'_, P>,
) -> Result<Status, Halt<'a>> {
    if let Some(Argument::Operand(word)) = arguments.next()? {
        return Err(Misuse::OperandUnexpected(word).into());
    }
    writeln!(environment.out, "ocre {VERSION}")?;
    Ok(Status::Ok)
}

/// `info`
#[inline(never)]
pub(super) fn info<'a, P: Platform>(
    arguments: Arguments<'a, '_>,
    environment: &mut Environment<'_, P>,
) -> Result<Status, Halt<'a>> {
    let as_json = only_format(arguments)?;
    let platform = environment.supervisor.platform();
    let engine = platform.engine();
    let policy = platform.policy();
    let space = platform.storage().space();
    let aot = engine.aot_target();
    let aot_policy = match policy.aot {
        AotPolicy::Deny => "deny",
        AotPolicy::Pinned(_) => "pinned",
        AotPolicy::Allow => "allow",
    };
    let mut containers = 0_u64;
    environment
        .supervisor
        .list(&mut |_| containers = containers.saturating_add(1));
    let capacity = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    let document_bytes = capacity(environment.documents.lend().document.len());
    let out = &mut *environment.out;
    if as_json {
        let mut out = out;
        write::object(&mut out, |out| {
            out.string("version", VERSION)?;
            out.boolean("interpreter", engine.interprets())?;
            match aot {
                Some(target) => out.object("aot", |out| {
                    out.string("target", target.name)?;
                    out.string("abi", target.abi)?;
                    out.string("wamr", target.wamr)?;
                    out.string("policy", aot_policy)
                })?,
                None => out.null("aot")?,
            }
            match space {
                Ok(space) => out.object("storage", |out| {
                    out.unsigned("totalBytes", space.total)?;
                    out.unsigned("freeBytes", space.free)
                })?,
                Err(error) => out.string("storage", error)?,
            }
            out.unsigned("containers", containers)?;
            out.object("limits", |out| {
                out.unsigned("containers", capacity(MAX_CONTAINERS))?;
                out.unsigned("memoryBytes", policy.memory_bytes.into())?;
                out.unsigned("imageBytes", policy.image_bytes)?;
                out.unsigned("blobs", capacity(MAX_BLOBS))?;
                out.unsigned("documentBytes", document_bytes)
            })
        })?;
        writeln!(out)?;
        return Ok(Status::Ok);
    }
    writeln!(out, "version: {VERSION}")?;
    let interpreter = if engine.interprets() { "yes" } else { "no" };
    writeln!(out, "interpreter: {interpreter}")?;
    match aot {
        Some(target) => writeln!(
            out,
            "AOT code: {} {}, WAMR {}, policy {aot_policy}",
            target.name, target.abi, target.wamr
        )?,
        None => writeln!(out, "AOT code: no")?,
    }
    match space {
        Ok(space) => writeln!(out, "storage: {} of {} bytes free", space.free, space.total)?,
        Err(error) => writeln!(out, "storage: {error}")?,
    }
    writeln!(out, "containers: {containers} of {MAX_CONTAINERS}")?;
    writeln!(
        out,
        "memory of a container: at most {} bytes",
        policy.memory_bytes
    )?;
    writeln!(
        out,
        "layers of an image: at most {} bytes",
        policy.image_bytes
    )?;
    Ok(Status::Ok)
}
