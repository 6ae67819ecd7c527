// SPDX-License-Identifier: Apache-2.0
//! Images of the tag: layouts to import, and what the judge and the store say of them.

use std::sync::Arc;

use ocre::image::judge::{self, Workspace};
use ocre::image::store::Store;
use ocre::image::store::update::Tagged;
use ocre::image::{Image, OciLayout};
use ocre::supervisor::Platform as _;
use ocre_conformance::images::{DOCUMENT, LayoutWriter, named, tag};
use ocre_conformance::memory::MemoryStorage;
use ocre_conformance::numbers::PseudoRandom;

use crate::platform::boot;

/// Tag that containers follow.
pub const TAG: &str = "app";
/// Number of its images.
pub const VERSIONS: usize = 3;

/// Images, each in a separate layout, and a flash that the first was imported to.
pub struct Images {
    pub layouts: [MemoryStorage; VERSIONS],
    /// Judged images, with their marks.
    pub judged: [(Image, u64); VERSIONS],
    pub flash: MemoryStorage,
}

impl Images {
    pub fn new() -> Self {
        let layouts = std::array::from_fn(|version| {
            let layout = MemoryStorage::new(1 << 20);
            let code = b"\0asm\x01\0\0\0";
            LayoutWriter::new(&layout, "/").tagged(TAG, &version.to_string(), code);
            layout
        });
        let imported: [MemoryStorage; VERSIONS] = layouts.each_ref().map(|layout| {
            let flash = MemoryStorage::new(1 << 20);
            import(&flash, layout);
            flash
        });
        let judged = imported
            .each_ref()
            .map(|flash| (judged(flash), tagged(flash).fingerprint));
        let [flash, ..] = imported;
        Self {
            layouts,
            judged,
            flash,
        }
    }
}

fn judged(flash: &MemoryStorage) -> Image {
    let [mut document, mut config] = [[0; DOCUMENT]; 2];
    let mut image = Image::blank();
    let device = boot(Arc::new(flash.clone()), PseudoRandom(1), 0);
    let workspace = Workspace {
        document: &mut document,
        config: &mut config,
    };
    let accepted = judge::judge(
        OciLayout {
            storage: flash,
            root: "/",
        },
        named(TAG),
        device.platform(),
        &device.platform().policy(),
        workspace,
        &mut |finding, at, _| panic!("{finding:?} at {at}"),
        &mut image,
    );
    assert!(accepted);
    image
}

pub fn import(flash: &MemoryStorage, layout: &MemoryStorage) {
    let source = OciLayout {
        storage: layout,
        root: "/",
    };
    let mut document = [0; DOCUMENT];
    // The store opens whole, whatever has been done.
    let mut store = Store::open(flash, "/", &mut document).unwrap();
    let imported = store.import(source, named(TAG), &tag(TAG), &mut |_| {});
    assert_eq!(imported, Ok(()));
}

pub fn tagged(flash: &MemoryStorage) -> Tagged {
    let mut document = [0; DOCUMENT];
    let mut store = Store::opened(flash, "/", &mut document);
    store.tagged(TAG).unwrap().expect("the tag is there")
}
