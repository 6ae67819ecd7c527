// SPDX-License-Identifier: Apache-2.0
//! Promises of the image store, on littlefs and on a folder.

mod common;

use common::{Scratch, formatted, mounted};
use ocre::image::Content;
use ocre::image::OciLayout;
use ocre::image::judge::Selector;
use ocre::image::signature_entry::is_signature;
use ocre::image::store::{Error, Freed, Progress, Store};
use ocre::image::verdict::Code;
use ocre::limits::MAX_SIGNATURES;
use ocre::port::{OpenMode, Storage, StorageError};
use ocre_conformance::images::{
    DOCUMENT, LayoutWriter, SIGNATURE, StoreContent, get, named, noise, open, put, see, tag,
};
use ocre_oci::{Entry, ErrorKind, Sha256};
use ocre_pc::directory::Directory;
use ocre_pc::flash::{Geometry, PowerCut, RamFlash};
use ocre_pc::littlefs::LittleFs;

fn memory(blocks: u32) -> LittleFs<RamFlash> {
    mounted(formatted(Geometry::new(512, blocks).expect("valid")))
}

/// Runs an operation on a freshly opened store.
fn with<S: Storage, T>(storage: &S, operation: impl FnOnce(&mut Store<'_, S>) -> T) -> T {
    let mut document = [0; DOCUMENT];
    operation(&mut open(storage, &mut document).expect("the store opens"))
}

fn import<S: Storage, F: Storage>(
    storage: &S,
    from: OciLayout<'_, F>,
    name: &str,
    as_tag: &str,
) -> Result<(), Error> {
    with(storage, |store| {
        store.import(from, named(name), &tag(as_tag), &mut |_| {})
    })
}

fn remove<S: Storage>(storage: &S, name: &str, in_use: &[Sha256]) -> Result<Freed, Error> {
    with(storage, |store| store.remove(named(name), in_use))
}

fn prune<S: Storage>(storage: &S, in_use: &[Sha256]) -> Freed {
    with(storage, |store| store.prune(in_use)).expect("pruned")
}

fn refused(code: Code) -> Result<(), Error> {
    Err(Error::Image(code))
}

/// Two images that share a config, and one of two variants in a nested index.
struct Fixture {
    storage: LittleFs<RamFlash>,
    first: Content,
    second: Content,
    variants: Content,
    portable: Content,
}

const ROOT: &str = "/source";

impl Fixture {
    fn new() -> Self {
        let storage = memory(256);
        let layout = LayoutWriter::new(&storage, ROOT);
        let first = layout.image("config", &[&noise(1, 3000), b"small"]);
        let second = layout.image("config", &[&noise(2, 1500)]);
        let portable = layout.image("other config", &[&noise(3, 700)]);
        let aot = layout.image("other config", &[&noise(4, 900)]);
        let variants = layout.nested(&[("", portable, false), ("", aot, false)]);
        layout.index(&[
            ("first:latest", first, false),
            ("second", second, false),
            ("variants:1", variants, true),
        ]);
        Self {
            storage,
            first,
            second,
            variants,
            portable,
        }
    }

    fn source(&self) -> OciLayout<'_, LittleFs<RamFlash>> {
        OciLayout {
            storage: &self.storage,
            root: ROOT,
        }
    }

    fn layout(&self) -> LayoutWriter<'_, LittleFs<RamFlash>> {
        LayoutWriter::new(&self.storage, ROOT)
    }
}

#[test]
fn opening_makes_an_empty_layout_once() {
    let storage = memory(32);
    assert_eq!(see(&storage), StoreContent::default());
    assert_eq!(
        get(&storage, "/oci-layout"),
        br#"{"imageLayoutVersion":"1.0.0"}"#
    );
    let storage = storage.unmount().ok().expect("nothing is open");
    let storage = mounted(PowerCut::new(storage, None));
    see(&storage);
    assert_eq!(
        storage.with_flash(|flash| flash.operations()),
        0,
        "opening again writes nothing"
    );
}

#[test]
fn a_store_of_another_kind_is_refused_and_left_alone() {
    let storage = memory(32);
    put(
        &storage,
        "/oci-layout",
        br#"{"imageLayoutVersion":"2.0.0"}"#,
    );
    let mut document = [0; DOCUMENT];
    let error = open(&storage, &mut document).err();
    assert_eq!(
        error,
        Some(Error::Image(Code::Document(ErrorKind::LayoutVersion)))
    );
    assert_eq!(
        get(&storage, "/oci-layout"),
        br#"{"imageLayoutVersion":"2.0.0"}"#
    );
}

#[test]
fn an_imported_image_is_there_with_all_of_its_blobs() {
    let fixture = Fixture::new();
    let storage = memory(128);
    assert_eq!(
        import(&storage, fixture.source(), "first", "hello:1.0"),
        Ok(())
    );
    let seen = see(&storage);
    assert_eq!(seen.tags, [("hello:1.0".to_owned(), fixture.first.digest)]);
    assert_eq!(seen.blobs.len(), 4, "manifest, config, two layers");
    let found = with(&storage, |store| store.find(named("hello:1.0")));
    assert_eq!(found, Ok(fixture.first));
    let none = with(&storage, |store| store.find(named("hello")));
    assert_eq!(
        none,
        Err(Error::Image(Code::ReferenceNotFound)),
        "that would be hello:latest"
    );
}

#[test]
fn an_index_is_imported_with_all_that_it_leads_to() {
    let fixture = Fixture::new();
    let storage = memory(128);
    assert_eq!(
        import(&storage, fixture.source(), "variants:1", "variants"),
        Ok(())
    );
    let seen = see(&storage);
    assert_eq!(
        seen.tags,
        [("variants:latest".to_owned(), fixture.variants.digest)]
    );
    assert_eq!(
        seen.blobs.len(),
        6,
        "index, two manifests, one config, two layers"
    );
}

#[test]
fn all_variants_of_one_name_are_imported_under_one_tag() {
    let fixture = Fixture::new();
    let entries = [
        ("both", fixture.first, false),
        ("both", fixture.second, false),
    ];
    fixture.layout().index(&entries);
    let storage = memory(128);
    assert_eq!(import(&storage, fixture.source(), "both", "both:1"), Ok(()));
    let tagged = |content: Content| ("both:1".to_owned(), content.digest);
    assert_eq!(
        see(&storage).tags,
        [tagged(fixture.first), tagged(fixture.second)]
    );
}

#[test]
fn a_tag_is_replaced_however_it_was_spelt() {
    let fixture = Fixture::new();
    let storage = memory(128);
    let layout = LayoutWriter::new(&storage, "/");
    let preloaded = layout.image("old", &[b"old"]);
    layout.index(&[
        ("app", preloaded, false),
        ("other:latest", preloaded, false),
    ]);
    assert_eq!(import(&storage, fixture.source(), "second", "app"), Ok(()));
    let expected = [
        // The image that the tag led to before.
        (String::new(), preloaded.digest),
        ("other:latest".to_owned(), preloaded.digest),
        ("app:latest".to_owned(), fixture.second.digest),
    ];
    assert_eq!(see(&storage).tags, expected);
    assert_eq!(with(&storage, |store| store.forget_previous()), Ok(()));
    assert_eq!(see(&storage).tags, expected[1..]);
}

#[test]
fn a_name_with_a_port_has_a_tag_of_its_own() {
    let fixture = Fixture::new();
    let storage = memory(128);
    assert_eq!(
        import(&storage, fixture.source(), "first", "localhost:5000/app"),
        Ok(())
    );
    let found = with(&storage, |store| store.find(named("localhost:5000/app")));
    assert_eq!(found, Ok(fixture.first));
}

#[test]
fn what_is_there_is_not_written_again() {
    let fixture = Fixture::new();
    let storage = mounted(PowerCut::new(
        formatted(Geometry::new(512, 128).unwrap()),
        None,
    ));
    assert_eq!(import(&storage, fixture.source(), "first", "a"), Ok(()));
    let before = storage.with_flash(|flash| flash.operations());
    assert_eq!(import(&storage, fixture.source(), "first", "b"), Ok(()));
    let retagging = storage.with_flash(|flash| flash.operations()) - before;
    assert!(
        retagging * 4 < before,
        "{retagging} operations to tag, {before} to import"
    );
    assert_eq!(see(&storage).blobs.len(), 4);
}

#[test]
fn importing_again_repairs_what_is_damaged() {
    let fixture = Fixture::new();
    let storage = memory(128);
    assert_eq!(import(&storage, fixture.source(), "first", "a"), Ok(()));
    let whole = see(&storage);
    let layout = LayoutWriter::new(&storage, "/");
    for damage in [&b"cut"[..], &noise(9, fixture.first.size as usize)] {
        put(&storage, &layout.blob_path(fixture.first), damage);
        assert_eq!(import(&storage, fixture.source(), "first", "a"), Ok(()));
        assert_eq!(see(&storage), whole);
    }
}

#[test]
fn progress_goes_up_to_the_total() {
    let fixture = Fixture::new();
    let storage = memory(128);
    let mut told: Vec<Progress> = Vec::new();
    let import = |store: &mut Store<'_, _>| {
        store.import(fixture.source(), named("first"), &tag("a"), &mut |now| {
            told.push(now)
        })
    };
    assert_eq!(with(&storage, import), Ok(()));
    let total = 3000 + 5 + 6 + fixture.first.size;
    assert!(told.iter().all(|now| now.total == total));
    assert!(told.is_sorted_by_key(|now| now.done));
    assert!(told.len() > 6, "{} reports", told.len());
    assert_eq!((told[0].done, told[told.len() - 1].done), (0, total));
}

// ---------------------------------------------------------------- signatures

/// Digests of the signatures among the store's entries.
fn signatures<S: Storage>(storage: &S) -> Vec<Sha256> {
    let list = |store: &mut Store<'_, S>| {
        let index = store.index().expect("whole");
        let signatures = index.manifests().filter(is_signature);
        let digest = |entry: Entry<'_>| {
            assert_eq!(entry.value().members().count(), 4, "a small entry");
            entry.descriptor().unwrap().digest.sha256().unwrap()
        };
        signatures.map(digest).collect()
    };
    with(storage, list)
}

#[test]
fn a_signature_comes_with_its_image_and_goes_with_it() {
    let fixture = Fixture::new();
    let layout = fixture.layout();
    let one = layout.signature(fixture.first, b"one");
    let other = layout.signature(fixture.second, b"other");
    let listed = layout.signature(fixture.first, b"listed");
    let untyped = layout.signature(fixture.portable, b"untyped");
    let of_index = layout.signature(fixture.variants, b"of the index");
    let list = layout.referrers(&[(listed, Some(SIGNATURE)), (one, None)]);
    let hex = fixture.first.digest.hex().to_string();
    let images = [
        ("first:latest", fixture.first, false),
        ("second", fixture.second, false),
        ("variants:1", fixture.variants, true),
        (&format!("sha256-{hex}"), list, true),
    ];
    let entries = [
        (one, Some(SIGNATURE)),
        (other, Some(SIGNATURE)),
        (untyped, None),
        (of_index, Some(SIGNATURE)),
    ];
    layout.index_with(&images, &entries);

    let storage = memory(256);
    let source = fixture.source();
    assert_eq!(import(&storage, source, "first", "a"), Ok(()));
    assert_eq!(signatures(&storage), [listed.digest, one.digest]);
    // Three blobs for each signature, one of them shared.
    assert_eq!(see(&storage).blobs.len(), 4 + 2 * 2 + 1);
    assert_eq!(import(&storage, source, "first", "b"), Ok(()));
    assert_eq!(signatures(&storage).len(), 2, "each once");
    assert_eq!(import(&storage, source, "variants:1", "v"), Ok(()));
    let all = [listed, one, untyped, of_index].map(|content| content.digest);
    assert_eq!(signatures(&storage), all);

    assert_eq!(remove(&storage, "a", &[]), Ok(Freed::default()));
    assert_eq!(signatures(&storage), all, "there is another tag");
    let freed = remove(&storage, "b", &[]).expect("removed");
    assert_eq!(freed.blobs, 4 + 2 * 2);
    assert_eq!(signatures(&storage), all[2..]);
    remove(&storage, "v", &[]).expect("removed");
    assert_eq!(see(&storage), StoreContent::default());
}

#[test]
fn a_new_signature_of_a_stored_image_is_added() {
    let fixture = Fixture::new();
    let storage = memory(128);
    assert_eq!(import(&storage, fixture.source(), "first", "a"), Ok(()));
    let layout = fixture.layout();
    let images = [("first", fixture.first, false)];
    let one = layout.signature(fixture.first, b"one");
    let two = layout.signature(fixture.first, b"two");
    layout.index_with(&images, &[(one, Some(SIGNATURE))]);
    assert_eq!(import(&storage, fixture.source(), "first", "a"), Ok(()));
    layout.index_with(&images, &[(two, None), (one, Some(SIGNATURE))]);
    assert_eq!(import(&storage, fixture.source(), "first", "a"), Ok(()));
    assert_eq!(signatures(&storage), [one.digest, two.digest]);
    assert_eq!(see(&storage).tags.len(), 3, "no image is kept for a trial");
}

#[test]
fn a_signature_stays_as_long_as_its_image_does() {
    let fixture = Fixture::new();
    let storage = memory(128);
    let layout = fixture.layout();
    let one = layout.signature(fixture.first, b"one");
    let two = layout.signature(fixture.second, b"two");
    let images = [
        ("first", fixture.first, false),
        ("second", fixture.second, false),
    ];
    let entries = [(one, Some(SIGNATURE)), (two, Some(SIGNATURE))];
    layout.index_with(&images, &entries);
    assert_eq!(import(&storage, fixture.source(), "first", "a"), Ok(()));
    assert_eq!(import(&storage, fixture.source(), "second", "a"), Ok(()));
    prune(&storage, &[]);
    assert_eq!(signatures(&storage).len(), 2, "the first image is kept");
    assert_eq!(with(&storage, |store| store.forget_previous()), Ok(()));
    prune(&storage, &[fixture.first.digest]);
    assert_eq!(signatures(&storage).len(), 2, "a container uses it");
    let freed = prune(&storage, &[]);
    assert_eq!(freed.blobs, 4 - 1 + 2, "the config is shared");
    assert_eq!(signatures(&storage), [two.digest]);
}

#[test]
fn a_layout_of_one_image_and_its_signature_has_one_image() {
    let fixture = Fixture::new();
    let storage = memory(128);
    let layout = fixture.layout();
    let one = layout.signature(fixture.first, b"one");
    let list = layout.referrers(&[(one, Some(SIGNATURE))]);
    let hex = fixture.first.digest.hex().to_string();
    let images = [
        (&*format!("sha256-{hex}"), list, true),
        ("first", fixture.first, false),
    ];
    layout.index_with(&images, &[(one, Some(SIGNATURE))]);
    let any = |store: &mut Store<'_, _>| {
        store.import(
            fixture.source(),
            Selector::default(),
            &tag("a"),
            &mut |_| {},
        )
    };
    assert_eq!(with(&storage, any), Ok(()));
    let found = with(&storage, |store| store.find(Selector::default()));
    assert_eq!(found, Ok(fixture.first));
    assert_eq!(signatures(&storage), [one.digest]);
    // A signature can be removed by its digest.
    let by_digest = Selector {
        name: None,
        digest: Some(one.digest),
    };
    let removed = with(&storage, |store| store.remove(by_digest, &[]));
    assert_eq!(removed.map(|freed| freed.blobs), Ok(3));
    assert_eq!(signatures(&storage), []);
}

#[test]
fn a_damaged_signature_is_refused() {
    let with_entry = |entry: fn(&Fixture, &LayoutWriter<'_, _>) -> Content| {
        import_spoilt(|fixture, layout| {
            let signature = entry(fixture, layout);
            let images = [("first", fixture.first, false)];
            layout.index_with(&images, &[(signature, Some(SIGNATURE))]);
        })
    };
    let envelope = with_entry(|fixture, layout| {
        let signature = layout.signature(fixture.first, b"one");
        let envelope = layout.blob(b"one");
        put(&fixture.storage, &layout.blob_path(envelope), b"ONE");
        signature
    });
    assert_eq!(envelope, refused(Code::DigestMismatch));
    let manifest = with_entry(|fixture, layout| {
        let signature = layout.signature(fixture.first, b"one");
        fixture
            .storage
            .remove(&layout.blob_path(signature))
            .unwrap();
        signature
    });
    assert_eq!(manifest, refused(Code::BlobMissing));
    let malformed = with_entry(|_, layout| layout.blob(b"{}"));
    let kind = ErrorKind::FieldMissing;
    assert_eq!(malformed, refused(Code::Document(kind)));
    let list = import_spoilt(|fixture, layout| {
        let list = layout.blob(b"{}");
        let hex = fixture.first.digest.hex().to_string();
        let images = [
            ("first", fixture.first, false),
            (&format!("sha256-{hex}"), list, true),
        ];
        layout.index(&images);
    });
    assert_eq!(list, refused(Code::Document(kind)));
    let other = import_spoilt(|fixture, layout| {
        let images = [
            ("first", fixture.first, false),
            ("broken", layout.blob(b"{}"), false),
            (
                &format!("sha256-{}", "0".repeat(64)),
                layout.blob(b"{}"),
                true,
            ),
        ];
        layout.index(&images);
        fixture
            .storage
            .remove(&layout.blob_path(fixture.first))
            .unwrap();
    });
    assert_eq!(other, refused(Code::BlobMissing), "others do not count");
}

#[test]
fn an_image_has_so_many_signatures_and_no_more() {
    let fixture = Fixture::new();
    let layout = fixture.layout();
    let images = [("first", fixture.first, false)];
    let list = |count: usize| {
        let numbers = (0..count).map(|number| number.to_string());
        let signatures = numbers.map(|number| layout.signature(fixture.first, number.as_bytes()));
        let entries: Vec<_> = signatures.map(|content| (content, None)).collect();
        layout.index_with(&images, &entries);
    };
    let import = || {
        let storage = memory(512);
        let mut document = [0; 4 * DOCUMENT];
        let mut store = Store::open(&storage, "/", &mut document).expect("opened");
        store.import(fixture.source(), named("first"), &tag("a"), &mut |_| {})
    };
    list(MAX_SIGNATURES);
    assert_eq!(import(), Ok(()));
    list(MAX_SIGNATURES + 1);
    assert_eq!(import(), refused(Code::Document(ErrorKind::TooManyEntries)));
}

// ---------------------------------------------------------------- refusals

/// Imports from a layout that `spoil` has damaged, and checks that the store is unchanged.
fn import_spoilt(
    spoil: impl FnOnce(&Fixture, &LayoutWriter<'_, LittleFs<RamFlash>>),
) -> Result<(), Error> {
    let fixture = Fixture::new();
    let storage = memory(128);
    assert_eq!(import(&storage, fixture.source(), "second", "kept"), Ok(()));
    let before = see(&storage);
    spoil(&fixture, &fixture.layout());
    let result = import(&storage, fixture.source(), "first", "kept");
    assert_eq!(see(&storage).tags, before.tags, "the tags are as they were");
    prune(&storage, &[]);
    assert_eq!(see(&storage), before, "nothing but unused blobs was left");
    result
}

#[test]
fn a_layout_that_is_not_whole_is_refused() {
    let missing = import_spoilt(|fixture, layout| {
        let layer = Content {
            digest: Sha256::of(b"small"),
            size: 5,
        };
        fixture.storage.remove(&layout.blob_path(layer)).unwrap();
    });
    assert_eq!(missing, refused(Code::BlobMissing));
    let changed = import_spoilt(|fixture, layout| {
        let layer = Content {
            digest: Sha256::of(b"small"),
            size: 5,
        };
        put(&fixture.storage, &layout.blob_path(layer), b"SMALL");
    });
    assert_eq!(changed, refused(Code::DigestMismatch));
    let cut = import_spoilt(|fixture, layout| {
        put(&fixture.storage, &layout.blob_path(fixture.first), b"{}");
    });
    assert_eq!(cut, refused(Code::SizeMismatch));
    let index = import_spoilt(|fixture, layout| {
        fixture.storage.remove(&layout.path("index.json")).unwrap();
    });
    assert_eq!(index, refused(Code::IndexMissing));
}

#[test]
fn documents_that_are_wrong_are_refused() {
    let with_manifest = |text: &str| {
        import_spoilt(|_, layout| {
            let manifest = layout.blob(text.as_bytes());
            layout.index(&[("first", manifest, false)]);
        })
    };
    assert_eq!(
        with_manifest("{"),
        refused(Code::Document(ErrorKind::JsonSyntax))
    );
    assert_eq!(
        with_manifest("{}"),
        refused(Code::Document(ErrorKind::FieldMissing))
    );
    let large = format!("{{{:1$}}}", "", DOCUMENT);
    assert_eq!(
        with_manifest(&large),
        refused(Code::Document(ErrorKind::DocumentTooLarge))
    );
    let blake3 = format!(
        r#"{{"schemaVersion":2,"config":{{"mediaType":"a/b","digest":"blake3:{:064}","size":1}},
            "layers":[{{"mediaType":"a/b","digest":"blake3:{:064}","size":1}}]}}"#,
        1, 2
    );
    assert_eq!(with_manifest(&blake3), refused(Code::DigestUnsupported));
}

#[test]
fn indexes_in_indexes_go_so_deep_and_no_deeper() {
    let nested = |levels: usize| {
        let fixture = Fixture::new();
        let storage = memory(128);
        let layout = fixture.layout();
        let (mut content, mut is_index) = (fixture.first, false);
        for _ in 0..levels {
            content = layout.nested(&[("", content, is_index)]);
            is_index = true;
        }
        layout.index(&[("deep", content, is_index)]);
        let imported = import(&storage, fixture.source(), "deep", "deep");
        if imported.is_ok() {
            let before = see(&storage);
            assert_eq!(prune(&storage, &[]), Freed::default(), "all of it is used");
            assert_eq!(see(&storage), before);
        }
        imported
    };
    for levels in 0..4 {
        assert_eq!(nested(levels), Ok(()), "{levels}");
    }
    assert_eq!(nested(4), refused(Code::IndexNestedTooDeep));
}

#[test]
fn a_selection_is_one_image() {
    let fixture = Fixture::new();
    let storage = memory(128);
    let select = |selector| {
        with(&storage, |store| {
            store.import(fixture.source(), selector, &tag("a"), &mut |_| {})
        })
    };
    assert_eq!(select(named("none")), refused(Code::ReferenceNotFound));
    assert_eq!(select(named("second:1")), refused(Code::ReferenceNotFound));
    assert_eq!(
        select(Selector::default()),
        refused(Code::ReferenceAmbiguous)
    );
    let digest = |content: Content| Selector {
        name: None,
        digest: Some(content.digest),
    };
    assert_eq!(
        select(digest(fixture.portable)),
        refused(Code::ReferenceNotFound),
        "nested"
    );
    assert_eq!(select(digest(fixture.second)), Ok(()));
    fixture.layout().index(&[]);
    assert_eq!(select(named("first")), refused(Code::IndexEmpty));
    fixture.layout().index(&[("", fixture.first, false)]);
    assert_eq!(select(Selector::default()), Ok(()), "the only one there is");
}

#[test]
fn a_full_index_takes_no_more_tags_and_stays_usable() {
    let fixture = Fixture::new();
    let storage = memory(128);
    let mut count = 0;
    let full = loop {
        match import(
            &storage,
            fixture.source(),
            "first",
            &format!("image:{count}"),
        ) {
            Ok(()) => count += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(full, Error::IndexFull);
    assert!(count >= 5, "{count} tags fit");
    assert_eq!(see(&storage).tags.len(), count);
    assert!(remove(&storage, "image:0", &[]).is_ok());
    assert_eq!(
        import(&storage, fixture.source(), "first", "image:0"),
        Ok(())
    );
}

#[test]
fn a_damaged_index_is_an_error_and_is_kept() {
    let fixture = Fixture::new();
    let storage = memory(128);
    assert_eq!(import(&storage, fixture.source(), "first", "a"), Ok(()));
    put(&storage, "/index.json", b"{\"schemaVersion\":2,");
    let syntax = Error::Image(Code::Document(ErrorKind::JsonSyntax));
    assert_eq!(with(&storage, |store| store.find(named("a"))), Err(syntax));
    assert_eq!(remove(&storage, "a", &[]), Err(syntax));
    assert_eq!(with(&storage, |store| store.prune(&[])), Err(syntax));
    assert_eq!(
        import(&storage, fixture.source(), "first", "a"),
        Err(syntax)
    );
    assert_eq!(get(&storage, "/index.json"), b"{\"schemaVersion\":2,");
}

// ---------------------------------------------------------------- removing

#[test]
fn removing_frees_what_nothing_else_uses() {
    let fixture = Fixture::new();
    let storage = memory(128);
    assert_eq!(import(&storage, fixture.source(), "first", "a"), Ok(()));
    let only_first = see(&storage);
    assert_eq!(import(&storage, fixture.source(), "second", "b"), Ok(()));
    let freed = remove(&storage, "b", &[]);
    let bytes = 1500 + fixture.second.size;
    assert_eq!(
        freed,
        Ok(Freed { blobs: 2, bytes }),
        "the shared config stays"
    );
    assert_eq!(see(&storage), only_first);
    assert_eq!(
        remove(&storage, "b", &[]),
        Err(Error::Image(Code::ReferenceNotFound))
    );
    assert!(remove(&storage, "a", &[]).is_ok());
    assert_eq!(see(&storage), StoreContent::default());
    assert_eq!(
        remove(&storage, "a", &[]),
        Err(Error::Image(Code::IndexEmpty))
    );
}

#[test]
fn an_image_that_a_container_uses_is_not_removed() {
    let fixture = Fixture::new();
    let storage = memory(128);
    assert_eq!(
        import(&storage, fixture.source(), "variants:1", "v"),
        Ok(())
    );
    assert_eq!(import(&storage, fixture.source(), "first", "f"), Ok(()));
    let before = see(&storage);
    let in_use = [fixture.first.digest, fixture.portable.digest];
    assert_eq!(remove(&storage, "f", &in_use), Err(Error::InUse));
    assert_eq!(
        remove(&storage, "v", &in_use),
        Err(Error::InUse),
        "inside an index"
    );
    assert_eq!(see(&storage), before);
    assert!(remove(&storage, "f", &in_use[1..]).is_ok());
}

#[test]
fn a_container_keeps_its_image_when_the_tag_moves_on() {
    let fixture = Fixture::new();
    let storage = memory(128);
    assert_eq!(import(&storage, fixture.source(), "first", "a"), Ok(()));
    let first = see(&storage).blobs;
    assert_eq!(import(&storage, fixture.source(), "second", "a"), Ok(()));
    assert_eq!(prune(&storage, &[]), Freed::default(), "it is on trial");
    assert_eq!(with(&storage, |store| store.forget_previous()), Ok(()));
    assert_eq!(prune(&storage, &[fixture.first.digest]), Freed::default());
    let seen = see(&storage);
    assert!(first.keys().all(|digest| seen.blobs.contains_key(digest)));
    assert_eq!(
        prune(&storage, &[Sha256([7; 32])]).blobs,
        3,
        "manifest and two layers"
    );
}

#[test]
fn several_tags_of_one_digest_are_removed_by_name() {
    let fixture = Fixture::new();
    let storage = memory(128);
    for name in ["a", "b"] {
        assert_eq!(import(&storage, fixture.source(), "first", name), Ok(()));
    }
    let digest = Selector {
        name: None,
        digest: Some(fixture.first.digest),
    };
    let by_digest = || with(&storage, |store| store.remove(digest, &[]));
    assert_eq!(by_digest(), Err(Error::Image(Code::ReferenceAmbiguous)));
    assert_eq!(
        remove(&storage, "a", &[]),
        Ok(Freed::default()),
        "the other tag keeps it"
    );
    assert_eq!(by_digest().map(|freed| freed.blobs), Ok(4));
}

#[test]
fn pruning_goes_through_any_number_of_blobs() {
    let fixture = Fixture::new();
    let storage = memory(256);
    assert_eq!(
        import(&storage, fixture.source(), "variants:1", "a"),
        Ok(())
    );
    let before = see(&storage);
    let layout = LayoutWriter::new(&storage, "/");
    for seed in 0..100_u8 {
        layout.blob(&[seed]);
    }
    assert_eq!(
        prune(&storage, &[]),
        Freed {
            blobs: 100,
            bytes: 100
        }
    );
    assert_eq!(see(&storage), before);
    assert_eq!(prune(&storage, &[]), Freed::default());
}

#[test]
fn a_damaged_document_does_not_keep_others_from_being_removed() {
    let fixture = Fixture::new();
    let storage = memory(128);
    assert_eq!(import(&storage, fixture.source(), "first", "a"), Ok(()));
    assert_eq!(import(&storage, fixture.source(), "second", "b"), Ok(()));
    let layout = LayoutWriter::new(&storage, "/");
    put(&storage, &layout.blob_path(fixture.first), b"damaged");
    let both = get_all(&storage);
    assert!(remove(&storage, "b", &[]).is_ok());
    // The blobs of the damaged image are unknown, so they are not removed as unused.
    let left = get_all(&storage);
    assert!(left.len() < both.len() && left.len() > 2, "{left:?}");
    assert!(remove(&storage, "a", &[]).is_ok());
    prune(&storage, &[]);
    assert_eq!(see(&storage), StoreContent::default());
}

/// The names of all blobs.
fn get_all(storage: &impl Storage) -> Vec<String> {
    let mut names = Vec::new();
    let listed = storage.read_dir("/blobs/sha256", &mut |name, _| {
        names.push(name.to_owned());
        true
    });
    listed.unwrap();
    names.sort();
    names
}

#[test]
fn removing_an_image_removes_nothing_that_no_entry_led_to() {
    let fixture = Fixture::new();
    let storage = memory(128);
    assert_eq!(import(&storage, fixture.source(), "second", "b"), Ok(()));
    let older = get(&storage, "/index.json");
    assert_eq!(
        import(&storage, fixture.source(), "variants:1", "c"),
        Ok(())
    );
    // The index falls back to an older one.
    put(&storage, "/index.json", &older);
    let before = get_all(&storage);
    assert_eq!(import(&storage, fixture.source(), "first", "a"), Ok(()));
    assert!(remove(&storage, "a", &[]).is_ok());
    assert_eq!(get_all(&storage), before);
    // An operator prunes, and gets the list of removed blobs.
    let mut told = Vec::new();
    let freed = with(&storage, |store| {
        store.prune_and_tell(&[], &mut |content| {
            told.push(content.digest.hex().to_string())
        })
    });
    assert_eq!(freed.unwrap().blobs as usize, told.len());
    told.extend(get_all(&storage));
    told.sort();
    assert_eq!(told, before);
    assert_eq!(see(&storage).tags.len(), 1);
}

#[test]
fn an_index_that_is_missing_is_not_made_anew_where_there_are_blobs() {
    let fixture = Fixture::new();
    let storage = memory(128);
    assert_eq!(import(&storage, fixture.source(), "first", "a"), Ok(()));
    let index = get(&storage, "/index.json");
    let before = get_all(&storage);
    for also in [None, Some("/oci-layout")] {
        storage.remove("/index.json").unwrap();
        if let Some(also) = also {
            storage.remove(also).unwrap();
        }
        let missing = Error::Image(Code::IndexMissing);
        assert_eq!(with(&storage, |store| store.find(named("a"))), Err(missing));
        assert_eq!(with(&storage, |store| store.prune(&[])), Err(missing));
        assert_eq!(remove(&storage, "a", &[]), Err(missing));
        assert_eq!(
            import(&storage, fixture.source(), "second", "b"),
            Err(missing)
        );
        assert!(storage.metadata("/index.json").is_err());
        let now = get_all(&storage);
        assert!(before.iter().all(|blob| now.contains(blob)));
        put(&storage, "/index.json", &index);
    }
    assert_eq!(see(&storage).tags.len(), 1);
}

#[test]
fn what_is_no_blob_is_left_alone() {
    let storage = memory(128);
    see(&storage);
    put(&storage, "/blobs/sha256/README", b"mine");
    storage
        .create_dir(&format!("/blobs/sha256/{}", "0".repeat(64)))
        .unwrap();
    assert_eq!(prune(&storage, &[]), Freed::default());
    assert_eq!(get(&storage, "/blobs/sha256/README"), b"mine");
}

#[test]
fn a_leftover_of_a_cut_is_tidied_away() {
    let storage = memory(128);
    see(&storage);
    for file in ["/.newindex.json", "/blobs/sha256/.new0"] {
        put(&storage, file, b"");
    }
    assert_eq!(see(&storage), StoreContent::default());
}

#[test]
fn a_write_that_lacks_its_rename_is_ended() {
    let fixture = Fixture::new();
    let storage = memory(128);
    assert_eq!(import(&storage, fixture.source(), "first", "a"), Ok(()));
    let (older, blobs) = (get(&storage, "/index.json"), get_all(&storage));
    assert_eq!(import(&storage, fixture.source(), "second", "b"), Ok(()));
    let newer = see(&storage);
    let temporary = "/.newindex.json";
    storage.rename("/index.json", temporary).unwrap();
    put(&storage, "/index.json", &older);
    for blob in get_all(&storage)
        .iter()
        .filter(|blob| !blobs.contains(blob))
    {
        let folder = "/blobs/sha256";
        let temporary = format!("{folder}/.new{blob}");
        storage
            .rename(&format!("{folder}/{blob}"), &temporary)
            .unwrap();
    }
    put(&storage, "/notes.new", b"the user's own");
    put(&storage, "/.newnotes", b"and this");
    with(&storage, |_| ());
    assert_eq!(get(&storage, "/notes.new"), b"the user's own");
    assert_eq!(get(&storage, "/.newnotes"), b"and this");
    for own in ["/notes.new", "/.newnotes"] {
        storage.remove(own).unwrap();
    }
    assert_eq!(see(&storage), newer);
    assert_eq!(get(&storage, "/lost+found/index.json"), older);
}

// ---------------------------------------------------------------- elsewhere

#[test]
fn a_folder_is_a_store_and_a_source_too() {
    let scratch = Scratch::new("store");
    let (from, to) = (scratch.path().join("from"), scratch.path().join("to"));
    std::fs::create_dir(&from).unwrap();
    std::fs::create_dir(&to).unwrap();
    let (from, to) = (Directory::open(from).unwrap(), Directory::open(to).unwrap());
    let layout = LayoutWriter::new(&from, "/");
    let image = layout.image("config", &[&noise(1, 10_000)]);
    layout.index(&[("image", image, false)]);
    assert_eq!(import(&to, layout.source(), "image", "a"), Ok(()));
    let storage = memory(128);
    let source = OciLayout {
        storage: &to,
        root: "/",
    };
    assert_eq!(import(&storage, source, "a", "b"), Ok(()));
    assert_eq!(see(&storage).blobs, see(&to).blobs);
    assert_eq!(see(&storage).tags, [("b:latest".to_owned(), image.digest)]);
}

// ---------------------------------------------------------------- full partitions

/// Fills the partition except for some blocks, or as far as possible.
fn fill<S: Storage>(storage: &S, but: u64) {
    let mut file = storage.open("/filler", OpenMode::REWRITE).unwrap();
    while storage.space().unwrap().free > but * 512 {
        // The last bytes are still in the file's cache when the room is counted.
        let more = storage
            .write(&mut file, &[0xee; 256])
            .and_then(|()| storage.sync(&mut file));
        match more {
            Ok(()) => {}
            Err(StorageError::NoSpace) => return,
            Err(error) => panic!("filling up to {but} blocks: {error}"),
        }
    }
    storage.close(file).unwrap();
}

#[test]
fn a_full_partition_loses_nothing_whatever_room_is_left() {
    let fixture = Fixture::new();
    let base = {
        let storage = memory(64);
        assert_eq!(import(&storage, fixture.source(), "second", "old"), Ok(()));
        storage.unmount().ok().expect("nothing is open")
    };
    let old = see(&mounted(base.clone()));
    let (mut refusals, mut successes) = (0, 0);
    for room in 0..40 {
        let storage = mounted(base.clone());
        fill(&storage, room);
        let result = import(&storage, fixture.source(), "first", "new");
        // The content is the same after a restart.
        let storage = mounted(storage.unmount().ok().expect("nothing is open"));
        match result {
            Ok(()) => {
                assert_eq!(see(&storage).tags.len(), 2);
                successes += 1;
            }
            Err(error) => {
                assert_eq!(error.code(), "storage-full", "{room} blocks left");
                let seen = see(&storage);
                assert_eq!(seen.tags, old.tags);
                assert!(
                    old.blobs
                        .keys()
                        .all(|digest| seen.blobs.contains_key(digest))
                );
                prune(&storage, &[]);
                assert_eq!(see(&storage), old);
                refusals += 1;
            }
        }
        storage
            .remove("/filler")
            .expect("a full partition lets go of files");
        assert_eq!(import(&storage, fixture.source(), "first", "new"), Ok(()));
        assert_eq!(see(&storage).tags.len(), 2);
    }
    assert!(
        refusals > 10 && successes > 10,
        "{refusals} refused, {successes} fitted"
    );
}

#[test]
fn images_can_be_removed_from_a_partition_that_is_full_of_them() {
    let fixture = Fixture::new();
    for blocks in 40..72 {
        let storage = memory(blocks);
        let layout = fixture.layout();
        let mut count = 0;
        let full = loop {
            let image = layout.image("config", &[&noise(100 + count, 900 + 7 * count as usize)]);
            layout.index(&[("image", image, false)]);
            match import(&storage, fixture.source(), "image", &format!("i:{count}")) {
                Ok(()) => count += 1,
                Err(error) => break error,
            }
        };
        assert!(
            ["storage-full", "index-full"].contains(&full.code()),
            "{blocks} blocks: {full}"
        );
        let storage = mounted(storage.unmount().ok().expect("nothing is open"));
        assert_eq!(see(&storage).tags.len() as u64, count);
        for image in 0..count {
            let removed = remove(&storage, &format!("i:{image}"), &[]);
            assert!(
                removed.is_ok(),
                "{blocks} blocks, image {image} of {count}: {removed:?}"
            );
        }
        prune(&storage, &[]);
        assert_eq!(see(&storage), StoreContent::default());
    }
}

#[test]
fn a_store_without_room_for_itself_says_so() {
    let storage = memory(16);
    fill(&storage, 0);
    let mut document = [0; DOCUMENT];
    let error = open(&storage, &mut document).err();
    assert_eq!(
        error,
        Some(Error::Image(Code::Storage(StorageError::NoSpace)))
    );
    storage.remove("/filler").unwrap();
    assert_eq!(see(&storage), StoreContent::default());
}
