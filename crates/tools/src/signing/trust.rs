// SPDX-License-Identifier: Apache-2.0
//! Trust of a PC in signers, from files with their keys.

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use ocre::image::trust::{PinnedKey, Trust, TrustRule};
use ocre_oci::Sha256;
use ocre_pc::ecdsa::P256;

use super::key::{KeyFile, point};
use crate::failure::Failure;

/// Trusts the keys of files, each named as its file is without the extension. Without a rule, an
/// image must be signed if there is a key, and need not otherwise. Called once or twice in a process:
/// the lists leak.
///
/// # Errors
/// `key-malformed`; errors of the files.
pub fn trust(
    files: &[PathBuf],
    rule: Option<TrustRule>,
    digests: &[Sha256],
) -> Result<&'static Trust<'static>, Failure> {
    let mut keys = Vec::new();
    for file in files {
        let name = file.file_stem().unwrap_or_default().to_string_lossy();
        keys.push(PinnedKey {
            name: name.into_owned().leak(),
            point: point(KeyFile::read(file)?.public()),
        });
    }
    let default = if keys.is_empty() {
        TrustRule::Any
    } else {
        TrustRule::Signed
    };
    Ok(Box::leak(Box::new(Trust {
        rule: rule.unwrap_or(default),
        keys: keys.leak(),
        digests: digests.to_vec().leak(),
        ecdsa: &P256,
        now,
        each_start: false,
        counter: None,
    })))
}

fn now() -> Option<u64> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.ok().map(|now| now.as_secs())
}
