// SPDX-License-Identifier: Apache-2.0
//! Values that several commands show.

use core::fmt;

use heapless::String;
use ocre_oci::write::Object;

use crate::container::table::ContainerTimes;
use crate::image::permission::{Permission, Permissions};
use crate::image::verdict::write_cut;

/// The beginning of a digest: the algorithm and 12 digits of a sha256.
pub(super) fn short(digest: fmt::Arguments<'_>) -> String<19> {
    let mut short = String::new();
    write_cut(&mut short, digest);
    short
}

/// Durations of a run's reading, loading, instantiating and running, in microseconds.
#[inline(never)]
pub(super) fn steps_us(times: &ContainerTimes) -> [Option<u64>; 4] {
    [
        times.reading_us(),
        times.loading_us(),
        times.instantiating_us(),
        times.running_us(),
    ]
}

/// Writes the member with a list of permissions.
#[inline(never)]
pub(super) fn permissions(permissions: Permissions, out: &mut Object<'_>) {
    out.array("permissions", |out| {
        let names = permissions.iter().map(Permission::name);
        names.for_each(|name| out.string(name));
    });
}

/// A member that lists texts, each of which a NUL follows.
#[inline(never)]
pub(super) fn texts(name: &str, texts: &str, out: &mut Object<'_>) {
    out.array(name, |out| {
        texts
            .split_terminator('\0')
            .for_each(|text| out.string(text));
    });
}
