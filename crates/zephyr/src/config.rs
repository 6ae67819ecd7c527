// SPDX-License-Identifier: Apache-2.0
//! Kconfig's options, as constants. `Kconfig` documents each.
#![allow(missing_docs, dead_code, reason = "generated; documented in Kconfig")]

use ocre::image::trust::PinnedKey;
use ocre_oci::Sha256;

include!(concat!(env!("OUT_DIR"), "/kconfig.rs"));
