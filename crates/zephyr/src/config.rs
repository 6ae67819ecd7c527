// SPDX-License-Identifier: Apache-2.0
//! Kconfig's options, as constants. `Kconfig` documents each.
#![allow(missing_docs, dead_code, reason = "generated; documented in Kconfig")]

include!(concat!(env!("OUT_DIR"), "/kconfig.rs"));
