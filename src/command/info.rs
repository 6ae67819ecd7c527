// SPDX-License-Identifier: Apache-2.0
//! `version` and `info`: identity and capabilities of this build.

use super::containers::numbers;
use super::session::{CommandResult, Session};
use super::{CommandStatus, VERSION};
use crate::limits::{LINEAR_MEMORY, MAX_BLOBS, MAX_CONTAINERS, SIGNATURES};
use crate::lost;
use crate::port::{Engine as _, Storage as _};
use crate::supervisor::Platform;

/// `version`
pub(super) fn version<P: Platform>(session: &mut Session<'_, P>) -> CommandResult {
    writeln!(session.out, "ocre {VERSION}");
    Ok(CommandStatus::Ok)
}

/// `info`
#[inline(never)]
pub(super) fn info<P: Platform>(session: &mut Session<'_, P>) -> CommandResult {
    let platform = session.supervisor.platform();
    let engine = platform.engine();
    let policy = session.policy();
    let space = platform.storage().space();
    let lost = lost::count(platform.storage()).unwrap_or_default();
    let aot = engine.aot_target();
    let trust = policy.trust;
    let mut containers = 0_u64;
    session
        .supervisor
        .list(&mut |_| containers = containers.saturating_add(1));
    let capacity = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    let document_bytes = capacity(session.documents.lend().document.len());
    if session.json() {
        session.out.document(|out| {
            out.string("version", VERSION);
            out.boolean("interpreter", engine.interprets());
            match aot {
                Some(target) => out.object("aot", |out| {
                    out.string("target", target.name);
                    out.string("abi", target.abi);
                    out.string("wamr", target.wamr);
                }),
                None => out.null("aot"),
            }
            out.string("policy", trust.rule.name());
            if SIGNATURES {
                out.array("keys", |out| {
                    trust.keys.iter().for_each(|key| out.string(key.name));
                });
                out.unsigned("pinnedDigests", capacity(trust.digests.len()));
            }
            match space {
                Ok(space) => out.object("storage", |out| {
                    out.unsigned("totalBytes", space.total);
                    out.unsigned("freeBytes", space.free);
                }),
                Err(error) => out.display("storage", &error),
            }
            if !LINEAR_MEMORY.is_empty() {
                out.string("linearMemory", LINEAR_MEMORY);
            }
            out.unsigned("containers", containers);
            out.unsigned("lostAndFound", lost.into());
            out.object("limits", |out| {
                let limits = [
                    capacity(MAX_CONTAINERS),
                    policy.memory_bytes.into(),
                    policy.image_bytes,
                    capacity(MAX_BLOBS),
                    document_bytes,
                ];
                let names = "containers memoryBytes imageBytes blobs documentBytes";
                numbers(names, &limits.map(Some), out);
            });
        });
        return Ok(CommandStatus::Ok);
    }
    let out = &mut session.out;
    writeln!(out, "version: {VERSION}");
    let interpreter = if engine.interprets() { "yes" } else { "no" };
    writeln!(out, "interpreter: {interpreter}");
    match aot {
        Some(target) => writeln!(
            out,
            "AOT code: {} {}, WAMR {}",
            target.name, target.abi, target.wamr
        ),
        None => writeln!(out, "AOT code: no"),
    }
    write!(out, "policy: {}", trust.rule.name());
    if SIGNATURES {
        for key in trust.keys {
            write!(out, ", key {}", key.name);
        }
        if !trust.digests.is_empty() {
            write!(out, ", {} pinned digests", trust.digests.len());
        }
    }
    writeln!(out);
    match space {
        Ok(space) => writeln!(out, "storage: {} of {} bytes free", space.free, space.total),
        Err(error) => writeln!(out, "storage: {error}"),
    }
    if !LINEAR_MEMORY.is_empty() {
        writeln!(out, "linear memory: {LINEAR_MEMORY}");
    }
    writeln!(out, "containers: {containers} of {MAX_CONTAINERS}");
    if lost > 0 {
        writeln!(out, "kept in /lost+found: {lost}");
    }
    let (memory_bytes, image_bytes) = (policy.memory_bytes, policy.image_bytes);
    writeln!(out, "memory of a container: at most {memory_bytes} bytes");
    writeln!(out, "layers of an image: at most {image_bytes} bytes");
    Ok(CommandStatus::Ok)
}
