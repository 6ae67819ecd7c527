// SPDX-License-Identifier: Apache-2.0
//! Power cuts at every program and every erase of each operation of the store, which leave it not
//! begun, complete, half done or scattered. The flash then keeps the promises in the store's
//! documentation.

mod common;

use std::collections::BTreeMap;
use std::fs;

use common::{Scratch, formatted, mounted};
use ocre::image::Content;
use ocre::image::OciLayout;
use ocre::image::store::{Error, Store};
use ocre::image::verdict::Code;
use ocre_conformance::images::{
    DOCUMENT, LayoutWriter, SIGNATURE, StoreContent, named, noise, open, see, tag,
};
use ocre_pc::flash::{Cut, Flash, Geometry, OpenedFile, PowerCut, RamFlash, Tear};
use ocre_pc::littlefs::{LittleFs, Tuning};

const GEOMETRY: Geometry = Geometry::new(512, 64).expect("valid");

/// Two images that share a config and a layer, on a separate flash.
struct TwoImages {
    storage: LittleFs<RamFlash>,
}

impl TwoImages {
    fn new() -> Self {
        let storage = mounted(formatted(GEOMETRY));
        let layout = LayoutWriter::new(&storage, "/");
        let (first, second) = Self::write(&layout);
        layout.index(&[("first", first, false), ("second", second, false)]);
        Self { storage }
    }

    fn write(layout: &LayoutWriter<'_, LittleFs<RamFlash>>) -> (Content, Content) {
        let shared = noise(1, 600);
        let first = layout.image("config", &[&shared, &noise(2, 1300)]);
        let second = layout.image("config", &[&shared, b"tiny"]);
        (first, second)
    }

    /// The same images, both signed, the first one twice.
    fn signed() -> Self {
        let storage = mounted(formatted(GEOMETRY));
        let layout = LayoutWriter::new(&storage, "/");
        let (first, second) = Self::write(&layout);
        let signatures = [
            (layout.signature(first, &noise(3, 300)), Some(SIGNATURE)),
            (layout.signature(first, b"short"), Some(SIGNATURE)),
            (layout.signature(second, &noise(4, 300)), Some(SIGNATURE)),
        ];
        let images = [("first", first, false), ("second", second, false)];
        layout.index_with(&images, &signatures);
        Self { storage }
    }

    fn source(&self) -> OciLayout<'_, LittleFs<RamFlash>> {
        OciLayout {
            storage: &self.storage,
            root: "/",
        }
    }

    /// A flash on which `(image, tag)` were imported one after the other.
    fn imported(&self, imports: &[(&str, &str)]) -> RamFlash {
        let storage = mounted(formatted(GEOMETRY));
        for (image, name) in imports {
            let result = with(&storage, |store| {
                store.import(self.source(), named(image), &tag(name), &mut |_| {})
            });
            assert_eq!(result, Ok(()));
        }
        see(&storage);
        storage.unmount().ok().expect("nothing is open")
    }
}

fn with<F: Flash, T>(
    storage: &LittleFs<F>,
    operation: impl FnOnce(&mut Store<'_, LittleFs<F>>) -> Result<T, Error>,
) -> Result<T, Error> {
    let mut document = [0; DOCUMENT];
    operation(&mut open(storage, &mut document)?)
}

/// An operation on a store, with its opening.
trait Operation {
    fn run<F: Flash>(&self, storage: &LittleFs<F>) -> Result<(), Error>;
}

/// Runs `operation` on `flash` until the power goes. The result is `Ok` if it does not go.
fn cut_short(
    flash: RamFlash,
    tuning: Tuning,
    cut: Option<Cut>,
    operation: &impl Operation,
) -> (RamFlash, Result<(), Error>, u64) {
    let mount = LittleFs::mount_with(PowerCut::new(flash, cut), tuning);
    let storage = mount
        .map_err(|(_, error)| error)
        .expect("mounting only reads");
    let result = operation.run(&storage);
    let flash = storage.unmount().ok().expect("nothing is open");
    let operations = flash.operations();
    (flash.into_flash(), result, operations)
}

/// True where all of `part` is in `whole`.
fn within(part: &BTreeMap<[u8; 32], u64>, whole: &BTreeMap<[u8; 32], u64>) -> bool {
    part.iter()
        .all(|(digest, size)| whole.get(digest) == Some(size))
}

/// True for a legal state after a cut: the tags of the old or the new state, all blobs of that
/// state, and no blob that neither state has.
fn is_either(found: &StoreContent, old: &StoreContent, new: &StoreContent) -> bool {
    let mut either = old.blobs.clone();
    either.extend(&new.blobs);
    let is = |state: &StoreContent| found.tags == state.tags && within(&state.blobs, &found.blobs);
    (is(old) || is(new)) && within(&found.blobs, &either)
}

fn prune<F: Flash>(storage: &LittleFs<F>) {
    with(storage, |store| store.prune(&[])).expect("pruned");
}

/// Cuts the power at each operation of `operation`, in every way.
fn sweep(before: &RamFlash, operation: &impl Operation) {
    sweep_with(before, Tuning::DEVICE, operation);
}

/// The same sweep, with settings of littlefs that differ from a device's.
fn sweep_with(before: &RamFlash, tuning: Tuning, operation: &impl Operation) {
    let old = see(&mounted(before.clone()));
    let (after, result, operations) = cut_short(before.clone(), tuning, None, operation);
    assert_eq!(result, Ok(()), "it goes well without a cut");
    let new = see(&mounted(after.clone()));
    let settled = {
        let storage = mounted(after);
        prune(&storage);
        see(&storage)
    };
    let mut outcomes = [0_u32; 2];
    for at in 1..=operations {
        for tear in Tear::ALL {
            let cut = Cut { at, tear };
            let (flash, result, _) = cut_short(before.clone(), tuning, Some(cut), operation);
            let found = see(&mounted(flash.clone()));
            assert!(
                is_either(&found, &old, &new),
                "{cut:?}: {found:#?}\n{old:#?}\n{new:#?}"
            );
            assert!(
                result.is_err() || found.tags == new.tags,
                "{cut:?}: what is done is done"
            );
            outcomes[usize::from(found.tags == new.tags)] += 1;

            // Once more, and the power goes again before it is done.
            let again = Cut {
                at: 1 + at * 7 % operations,
                tear,
            };
            let (flash, _, _) = cut_short(flash, tuning, Some(again), operation);
            let found = see(&mounted(flash.clone()));
            assert!(
                is_either(&found, &old, &new),
                "{cut:?}, {again:?}: {found:#?}"
            );

            // Then it comes to its end.
            let storage = mounted(flash);
            assert_eq!(
                operation.run(&storage),
                Ok(()),
                "{cut:?}: it can be repeated"
            );
            prune(&storage);
            assert_eq!(see(&storage), settled, "{cut:?}");
        }
    }
    assert!(operations > 0, "it writes");
    assert!(
        old.tags == new.tags || outcomes.iter().all(|&count| count > 0),
        "cuts before and after the tags change: {outcomes:?}"
    );
}

struct OpenStore;

impl Operation for OpenStore {
    fn run<F: Flash>(&self, storage: &LittleFs<F>) -> Result<(), Error> {
        with(storage, |_| Ok(()))
    }
}

struct ImportImage<'a> {
    images: &'a TwoImages,
    image: &'a str,
    name: &'a str,
}

impl Operation for ImportImage<'_> {
    fn run<F: Flash>(&self, storage: &LittleFs<F>) -> Result<(), Error> {
        with(storage, |store| {
            store.import(
                self.images.source(),
                named(self.image),
                &tag(self.name),
                &mut |_| {},
            )
        })
    }
}

struct Remove<'a>(&'a str);

impl Operation for Remove<'_> {
    fn run<F: Flash>(&self, storage: &LittleFs<F>) -> Result<(), Error> {
        let removed = with(storage, |store| store.remove(named(self.0), &[]));
        match removed {
            // Repeated after the tag was gone.
            Err(Error::Image(Code::ReferenceNotFound | Code::IndexEmpty)) => Ok(()),
            removed => removed.map(drop),
        }
    }
}

struct Prune;

impl Operation for Prune {
    fn run<F: Flash>(&self, storage: &LittleFs<F>) -> Result<(), Error> {
        with(storage, |store| store.prune(&[])).map(drop)
    }
}

struct Forget;

impl Operation for Forget {
    fn run<F: Flash>(&self, storage: &LittleFs<F>) -> Result<(), Error> {
        with(storage, |store| store.forget_previous())
    }
}

#[test]
fn opening_an_empty_flash() {
    sweep(&formatted(GEOMETRY), &OpenStore);
}

#[test]
fn importing_the_first_image() {
    let images = TwoImages::new();
    let before = images.imported(&[]);
    sweep(
        &before,
        &ImportImage {
            images: &images,
            image: "first",
            name: "new",
        },
    );
}

#[test]
fn importing_onto_an_empty_flash() {
    let images = TwoImages::new();
    sweep(
        &formatted(GEOMETRY),
        &ImportImage {
            images: &images,
            image: "second",
            name: "new",
        },
    );
}

#[test]
fn importing_what_shares_blobs_with_another_image() {
    let images = TwoImages::new();
    let before = images.imported(&[("second", "old")]);
    sweep(
        &before,
        &ImportImage {
            images: &images,
            image: "first",
            name: "new",
        },
    );
}

#[test]
fn moving_a_tag_to_a_new_image() {
    let images = TwoImages::new();
    let before = images.imported(&[("second", "old"), ("second", "moved")]);
    sweep(
        &before,
        &ImportImage {
            images: &images,
            image: "first",
            name: "moved",
        },
    );
}

#[test]
fn tagging_what_is_stored() {
    let images = TwoImages::new();
    let before = images.imported(&[("first", "old")]);
    sweep(
        &before,
        &ImportImage {
            images: &images,
            image: "first",
            name: "new",
        },
    );
}

#[test]
fn removing_an_image_that_shares_blobs() {
    let images = TwoImages::new();
    let before = images.imported(&[("first", "gone"), ("second", "kept")]);
    sweep(&before, &Remove("gone"));
}

#[test]
fn removing_the_last_image() {
    let images = TwoImages::new();
    let before = images.imported(&[("first", "gone")]);
    sweep(&before, &Remove("gone"));
}

#[test]
fn pruning() {
    let images = TwoImages::new();
    // Moving the tag, for good, leaves what only the first image used.
    let moved = images.imported(&[("first", "moved"), ("second", "moved")]);
    let (before, result, _) = cut_short(moved.clone(), Tuning::DEVICE, None, &Forget);
    assert_eq!(result, Ok(()));
    sweep(&before, &Prune);
    sweep(&moved, &Forget);
}

#[test]
fn importing_a_signed_image() {
    let images = TwoImages::signed();
    let import = ImportImage {
        images: &images,
        image: "first",
        name: "new",
    };
    sweep(&images.imported(&[]), &import);
    sweep(&images.imported(&[("second", "new")]), &import);
}

#[test]
fn importing_a_new_signature_of_a_stored_image() {
    let unsigned = TwoImages::new().imported(&[("first", "app")]);
    let images = TwoImages::signed();
    let import = ImportImage {
        images: &images,
        image: "first",
        name: "app",
    };
    sweep(&unsigned, &import);
}

#[test]
fn removing_a_signed_image() {
    let images = TwoImages::signed();
    let before = images.imported(&[("first", "gone"), ("second", "kept")]);
    sweep(&before, &Remove("gone"));
    sweep(&images.imported(&[("first", "gone")]), &Remove("gone"));
}

#[test]
fn pruning_signatures_without_an_image() {
    let images = TwoImages::signed();
    let moved = images.imported(&[("first", "moved"), ("second", "moved")]);
    let (before, result, _) = cut_short(moved, Tuning::DEVICE, None, &Forget);
    assert_eq!(result, Ok(()));
    let orphaned = see(&mounted(before.clone())).tags.len();
    assert_eq!(
        orphaned, 4,
        "a tag, its signature, and two without an image"
    );
    sweep(&before, &Prune);
}

/// Worn metadata blocks are moved by littlefs: the power goes during a move, too.
#[test]
fn importing_and_removing_on_a_worn_flash() {
    let images = TwoImages::new();
    let before = images.imported(&[("second", "old")]);
    let import = ImportImage {
        images: &images,
        image: "first",
        name: "new",
    };
    for block_cycles in [1, 2, 5] {
        let tuning = Tuning {
            block_cycles,
            ..Tuning::DEVICE
        };
        sweep_with(&before, tuning, &import);
        sweep_with(&before, tuning, &Remove("old"));
    }
}

#[test]
fn importing_and_removing_with_the_cache_of_a_pc() {
    let images = TwoImages::new();
    let before = images.imported(&[("second", "old")]);
    let import = ImportImage {
        images: &images,
        image: "first",
        name: "new",
    };
    sweep_with(&before, Tuning::PC, &import);
    sweep_with(&before, Tuning::PC, &Remove("old"));
}

#[test]
fn a_process_that_is_killed_leaves_in_the_file_what_a_cut_leaves() {
    let images = TwoImages::new();
    let scratch = Scratch::new("killed");
    let path = scratch.path().join("flash");
    let before = images.imported(&[("second", "old")]);
    let old = see(&mounted(before.clone()));
    let import = ImportImage {
        images: &images,
        image: "first",
        name: "new",
    };
    let (after, _, operations) = cut_short(before.clone(), Tuning::PC, None, &import);
    let new = see(&mounted(after));
    let mut outcomes = [0_u32; 2];
    for at in 1..=operations + 1 {
        fs::write(&path, before.content()).unwrap();
        let opened = OpenedFile::open(&path).unwrap();
        let flash = opened.into_flash(GEOMETRY).ok().expect("of its size");
        // The process stops before that operation, and unsynced data is not written.
        let tear = Tear::NotBegun;
        let killed = PowerCut::new(flash, Some(Cut { at, tear }));
        let storage = LittleFs::mount_with(killed, Tuning::PC);
        let storage = storage
            .map_err(|(_, error)| error)
            .expect("mounting only reads");
        let result = import.run(&storage);
        drop(storage);
        let left = RamFlash::with_content(GEOMETRY, fs::read(&path).unwrap()).unwrap();
        let found = see(&mounted(left));
        assert!(is_either(&found, &old, &new), "{at}: {found:#?}");
        let done = found.tags == new.tags;
        assert!(result.is_err() || done, "{at}: what is done is done");
        outcomes[usize::from(done)] += 1;
    }
    assert!(outcomes.iter().all(|&count| count > 0), "{outcomes:?}");
}
