// SPDX-License-Identifier: Apache-2.0
//! Sequences of imports, removals and prunings, with power cuts and failures in between, against a
//! model of the tags, signatures and blobs.
//!
//! Every input runs on a file system in memory; a fraction of them also runs on littlefs, where a
//! cut is at a program or an erase. An operation without a fault ends as the model says. One with a
//! fault leaves the old tags and signatures or the new ones, all blobs that these lead to, and no
//! blob that is in neither state.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ocre::image::Content;
use ocre::image::OciLayout;
use ocre::image::judge::Selector;
use ocre::image::signature_entry::is_signature;
use ocre::image::store::update::PREVIOUS;
use ocre::image::store::{Error, Store, Tag};
use ocre::port::{OpenMode, Storage, StorageError};
use ocre_conformance::images::{SIGNATURE, signature_manifest};
use ocre_conformance::memory::{InjectedFault, MemoryStorage};
use ocre_oci::write::{self, DescriptorFields};
use ocre_oci::{INDEX_MEDIA_TYPE, REF_NAME, Reference, Sha256};
use ocre_pc::flash::{Cut, Geometry, PowerCut, RamFlash, Tear};
use ocre_pc::littlefs::{LittleFs, Tuning};

/// Size of documents: an index of nine tags fits, one of ten does not.
const DOCUMENT: usize = 2048;
/// Number of inputs for each one that also runs on littlefs.
const LITTLEFS_SHARE: u32 = 512;
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const TAGS: [&str; 10] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];
/// Name of each image in its layout.
const IMAGE: &str = "image";
/// Name of an image that the fuzzer made up.
const STRANGE: &str = "strange";

// ---------------------------------------------------------------- the images

/// Set of blobs, one bit each.
type BlobSet = u32;

/// Image that can be imported: the only one of a layout.
struct SourceImage {
    /// Folder of the layout.
    root: String,
    digest: Sha256,
    /// Manifests and indexes of the image.
    documents: BlobSet,
    /// All blobs that the image leads to, with its own.
    blobs: BlobSet,
    /// Bytes of the entry in an index.
    entry_bytes: usize,
    /// Signatures in the layout: indexes into [`Palette::signatures`].
    signatures: &'static [usize],
    whole: bool,
}

/// Signature of a manifest or an index.
#[derive(Clone, Copy)]
struct PaletteSignature {
    content: Content,
    /// Blob of the subject.
    subject: BlobSet,
    /// All blobs of the signature.
    blobs: BlobSet,
}

struct Palette {
    source: MemoryStorage,
    /// Store of all blobs, for an image that the fuzzer makes up.
    strange: MemoryStorage,
    images: Vec<SourceImage>,
    signatures: Vec<PaletteSignature>,
    blobs: Vec<(String, Vec<u8>)>,
    /// Each manifest that a container may have been created from: its digest, its blob, and all
    /// blobs that it leads to.
    manifests: Vec<(Sha256, BlobSet, BlobSet)>,
    /// Opened, empty store.
    memory: MemoryStorage,
    flash: RamFlash,
}

/// Names and contents of blobs.
struct Builder(Vec<(String, Vec<u8>)>);

impl Builder {
    fn blob(&mut self, bytes: &[u8]) -> (Content, BlobSet) {
        let content = Content {
            digest: Sha256::of(bytes),
            size: bytes.len() as u64,
        };
        let name = content.digest.hex().to_string();
        let place = self.0.iter().position(|(known, _)| *known == name);
        let place = place.unwrap_or_else(|| {
            self.0.push((name, bytes.to_vec()));
            self.0.len() - 1
        });
        (content, 1 << place)
    }

    fn signature(
        &mut self,
        (subject, own): (Content, BlobSet),
        envelope: &[u8],
    ) -> PaletteSignature {
        let text = signature_manifest(subject, envelope);
        let (content, manifest) = self.blob(text.as_bytes());
        PaletteSignature {
            content,
            subject: own,
            blobs: manifest | self.blob(envelope).1 | self.blob(b"{}").1,
        }
    }

    fn manifest(&mut self, config: &[u8], layers: &[&[u8]]) -> (Content, BlobSet, BlobSet) {
        let (config, mut blobs) = self.blob(config);
        let config = describe(config, "application/vnd.wasm.config.v0+json", &[]);
        let mut described = Vec::new();
        for layer in layers {
            let (content, blob) = self.blob(layer);
            described.push(describe(content, "application/wasm", &[]));
            blobs |= blob;
        }
        let mut text = String::new();
        write::manifest(&mut text, &config, &described, &[]).expect("a String takes everything");
        let (content, own) = self.blob(text.as_bytes());
        (content, own, blobs | own)
    }
}

fn describe<'a>(
    content: Content,
    media_type: &'a str,
    annotations: &'a [(&'a str, &'a str)],
) -> DescriptorFields<'a> {
    let Content { digest, size } = content;
    DescriptorFields {
        media_type,
        digest,
        size,
        annotations,
        platform: None,
    }
}

/// An index of such entries: name, content, media type.
fn index(entries: &[(&str, Content, &str)]) -> String {
    signed_index(entries, &[])
}

/// An index of such entries and of these signatures.
fn signed_index(entries: &[(&str, Content, &str)], signatures: &[Content]) -> String {
    let mut text = String::new();
    write::index(&mut text, |out| {
        entries.iter().try_for_each(|(name, content, media_type)| {
            out.descriptor(&describe(*content, media_type, &[(REF_NAME, name)]))
        })?;
        for content in signatures {
            out.object(|out| {
                out.string("mediaType", MANIFEST);
                out.display("digest", &content.digest);
                out.unsigned("size", content.size);
                out.string("artifactType", SIGNATURE);
            });
        }
        Ok(())
    })
    .expect("a String takes everything");
    text
}

fn put<S: Storage>(storage: &S, path: &str, bytes: &[u8]) {
    let mut file = storage.open(path, OpenMode::REWRITE).expect("opened");
    storage.write(&mut file, bytes).expect("written");
    storage.close(file).expect("closed");
}

thread_local! {
    static PALETTE: Palette = palette();
}

fn palette() -> Palette {
    ocre_conformance::storage(&MemoryStorage::new(1 << 20), "/")
        .expect("the file system in memory conforms");

    let source = MemoryStorage::new(1 << 20);
    let mut builder = Builder(Vec::new());
    let manifests = [
        builder.manifest(b"c", &[b"layer 0"]),
        builder.manifest(b"c", &[b"layer 0", b""]),
    ];
    let missing = builder.manifest(b"c", &[b"layer 0", b"missing"]);
    let damaged = builder.manifest(b"c", &[b"damaged"]);
    let (malformed, malformed_own) = builder.blob(b"{}");
    let [
        (first, first_own, first_blobs),
        (second, second_own, second_blobs),
    ] = manifests;
    let nested = index(&[("", first, MANIFEST), ("", second, MANIFEST)]);
    let (nested, nested_own) = builder.blob(nested.as_bytes());
    let documents = nested_own | first_own | second_own;
    let blobs = nested_own | first_blobs | second_blobs;
    let deep = index(&[("", nested, INDEX_MEDIA_TYPE)]);
    let (deep, deep_own) = builder.blob(deep.as_bytes());

    let signatures = vec![
        builder.signature((second, second_own), b"of the second"),
        builder.signature((nested, nested_own), b"of the index"),
        builder.signature((first, first_own), b"damaged"),
    ];
    let all = builder.0;
    let images: [(_, _, &'static [usize], _); 9] = [
        (manifests[0], MANIFEST, &[], true),
        (manifests[1], MANIFEST, &[], true),
        ((nested, documents, blobs), INDEX_MEDIA_TYPE, &[0, 1], true),
        (
            (deep, documents | deep_own, blobs | deep_own),
            INDEX_MEDIA_TYPE,
            &[1],
            true,
        ),
        (missing, MANIFEST, &[], false),
        (damaged, MANIFEST, &[], false),
        (
            (malformed, malformed_own, malformed_own),
            MANIFEST,
            &[],
            false,
        ),
        (manifests[1], MANIFEST, &[0], true),
        (manifests[0], MANIFEST, &[2], false),
    ];
    let empty_index_bytes = index(&[]).len();
    let images = images.into_iter().enumerate();
    let images = images.map(
        |(place, ((content, documents, blobs), media_type, signed, whole))| {
            let contents: Vec<Content> =
                signed.iter().map(|one| signatures[*one].content).collect();
            let stored = signed
                .iter()
                .fold(blobs, |all, one| all | signatures[*one].blobs);
            let root = format!("/{place}");
            for folder in ["", "/blobs", "/blobs/sha256"] {
                source.create_dir(&format!("{root}{folder}")).expect("made");
            }
            put(
                &source,
                &format!("{root}/index.json"),
                signed_index(&[(IMAGE, content, media_type)], &contents).as_bytes(),
            );
            for (place, (name, bytes)) in all.iter().enumerate() {
                let bytes = match bytes.as_slice() {
                    b"missing" => continue,
                    b"damaged" => b"DAMAGED",
                    whole => whole,
                };
                if stored >> place & 1 == 1 {
                    put(&source, &format!("{root}/blobs/sha256/{name}"), bytes);
                }
            }
            SourceImage {
                root,
                digest: content.digest,
                documents,
                blobs,
                entry_bytes: index(&[("a:latest", content, media_type)]).len() - empty_index_bytes,
                signatures: signed,
                whole,
            }
        },
    );
    let images: Vec<SourceImage> = images.collect();
    let strange = MemoryStorage::new(1 << 20);
    for folder in ["/blobs", "/blobs/sha256"] {
        strange.create_dir(folder).expect("made");
    }
    for (name, bytes) in &all {
        put(&strange, &format!("/blobs/sha256/{name}"), bytes);
    }

    let memory = MemoryStorage::new(1 << 20);
    let mut document = [0; DOCUMENT];
    open(&memory, &mut document).expect("opened");
    let geometry = Geometry::new(256, 128).expect("valid");
    let (flash, formatted) = LittleFs::format(RamFlash::new(geometry));
    formatted.expect("formatted");
    let littlefs = LittleFs::mount(flash)
        .map_err(|(_, error)| error)
        .expect("mounted");
    open(&littlefs, &mut document).expect("opened");
    Palette {
        source,
        strange,
        images,
        signatures,
        manifests: manifests
            .map(|(content, own, blobs)| (content.digest, own, blobs))
            .into(),
        blobs: all,
        memory,
        flash: littlefs.unmount().ok().expect("nothing is open"),
    }
}

fn open<'a, S: Storage>(storage: &'a S, document: &'a mut [u8]) -> Result<Store<'a, S>, Error> {
    Store::open(storage, "/", document)
}

fn tag(name: &str) -> Tag {
    Tag::new(&Reference::parse(name).expect("a name"))
}

fn named(name: &str) -> Selector<'_> {
    Selector {
        name: Some(name),
        digest: None,
    }
}

// ---------------------------------------------------------------- the devices

/// Storage with a store, whose power can be cut.
trait PowerCutStorage {
    type Storage: Storage;
    fn storage(&self) -> &Self::Storage;
    /// Makes a later change fail.
    fn arm(&mut self, changes: u32, kind: u8);
    /// Recovers from a fault. Returns true if there was one since the last call.
    fn recover(&mut self) -> bool;
    /// Restarts without a fault.
    fn restart(&mut self);
}

impl PowerCutStorage for MemoryStorage {
    type Storage = Self;

    fn storage(&self) -> &Self {
        self
    }

    fn arm(&mut self, changes: u32, kind: u8) {
        let fault = match kind % 4 {
            0 => InjectedFault::Once(StorageError::NoSpace),
            1 => InjectedFault::Once(StorageError::Io),
            _ => InjectedFault::Cut,
        };
        MemoryStorage::arm(self, changes, fault);
    }

    fn recover(&mut self) -> bool {
        MemoryStorage::recover(self)
    }

    fn restart(&mut self) {
        MemoryStorage::disarm(self);
    }
}

/// littlefs on a flash in memory.
struct FlashStore {
    mounted: Option<LittleFs<PowerCut<RamFlash>>>,
    tuning: Tuning,
}

impl FlashStore {
    fn new(flash: RamFlash, tuning: Tuning) -> Self {
        let mut device = Self {
            mounted: None,
            tuning,
        };
        device.mount(flash, None);
        device
    }

    fn mount(&mut self, flash: RamFlash, cut: Option<Cut>) {
        let mounted = LittleFs::mount_with(PowerCut::new(flash, cut), self.tuning);
        self.mounted = Some(
            mounted
                .map_err(|(_, error)| error)
                .expect("whatever was cut, it mounts"),
        );
    }

    fn take(&mut self) -> RamFlash {
        let mounted = self.mounted.take().expect("it is mounted");
        mounted
            .unmount()
            .ok()
            .expect("nothing is open")
            .into_flash()
    }
}

impl PowerCutStorage for FlashStore {
    type Storage = LittleFs<PowerCut<RamFlash>>;

    fn storage(&self) -> &Self::Storage {
        self.mounted.as_ref().expect("it is mounted")
    }

    fn arm(&mut self, changes: u32, kind: u8) {
        let tear = Tear::ALL[usize::from(kind) % Tear::ALL.len()];
        let flash = self.take();
        self.mount(
            flash,
            Some(Cut {
                at: u64::from(changes) + 1,
                tear,
            }),
        );
    }

    fn recover(&mut self) -> bool {
        let off = self.storage().with_flash(PowerCut::is_off);
        if off {
            self.restart();
        }
        off
    }

    fn restart(&mut self) {
        let flash = self.take();
        self.mount(flash, None);
    }
}

// ---------------------------------------------------------------- the model

/// Any code: the image is not whole.
const SPOILT: &str = "spoilt";

/// Entry of the index.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct ModelTag {
    /// Index into [`TAGS`].
    tag: usize,
    /// Index into [`Palette::images`].
    image: usize,
    /// True where the entry is the tag's former image.
    previous: bool,
}

impl ModelTag {
    fn bytes(self, palette: &Palette) -> usize {
        let named = palette.images[self.image].entry_bytes;
        if self.previous {
            named - REF_NAME.len() + PREVIOUS.len()
        } else {
            named
        }
    }
}

/// Tags and signatures in the index's order, and stored blobs.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct StoreModel {
    tags: Vec<ModelTag>,
    /// Indexes into [`Palette::signatures`].
    signatures: Vec<usize>,
    blobs: BlobSet,
}

impl StoreModel {
    fn import(&mut self, palette: &Palette, tag: usize, image: usize) -> Result<(), &'static str> {
        let SourceImage {
            blobs,
            signatures: signed,
            whole,
            ..
        } = palette.images[image];
        self.blobs |= blobs;
        for signature in signed {
            self.blobs |= palette.signatures[*signature].blobs;
        }
        if !whole {
            return Err(SPOILT);
        }
        let image = palette.place_of(palette.images[image].digest);
        let led_to = |previous| {
            let mut tags = self.tags.iter();
            tags.find(|known| (known.tag, known.previous) == (tag, previous))
                .map(|known| known.image)
        };
        let (old, kept) = (led_to(false), led_to(true));
        let mut tags = self.tags.clone();
        // The image that worked last is kept, until it is the new one.
        tags.retain_mut(|known| {
            if known.tag != tag {
                return true;
            }
            let stays = if known.previous {
                kept != Some(image)
            } else {
                kept.is_none() && old != Some(image)
            };
            known.previous = true;
            stays
        });
        tags.push(ModelTag {
            tag,
            image,
            previous: false,
        });
        let mut signatures = self.signatures.clone();
        signatures.extend(signed.iter().filter(|one| !self.signatures.contains(one)));
        let contents: Vec<Content> = signatures
            .iter()
            .map(|one| palette.signatures[*one].content)
            .collect();
        let entries: usize = tags.iter().map(|known| known.bytes(palette)).sum();
        // The comma between the tags and the signatures is not counted yet.
        let comma = usize::from(!contents.is_empty());
        let bytes = signed_index(&[], &contents).len() + entries + tags.len() - 1 + comma;
        if bytes > DOCUMENT {
            return Err("index-full");
        }
        (self.tags, self.signatures) = (tags, signatures);
        Ok(())
    }

    /// Forgets the signatures without an image.
    fn drop_orphans(&mut self, palette: &Palette, in_use: u8) {
        let documents = self
            .tags
            .iter()
            .map(|known| palette.images[known.image].documents);
        let of_containers = palette.in_use(in_use).map(|(_, own, _)| own);
        let images = documents.chain(of_containers).fold(0, |all, one| all | one);
        self.signatures
            .retain(|one| palette.signatures[*one].subject & images != 0);
    }

    fn remove(&mut self, palette: &Palette, tag: usize, in_use: u8) -> Result<(), &'static str> {
        if self.tags.is_empty() && self.signatures.is_empty() {
            return Err("index-empty");
        }
        let mut tags = self.tags.iter();
        let found = tags.find(|known| known.tag == tag && !known.previous);
        let found = *found.ok_or("reference-not-found")?;
        let used = palette.in_use(in_use).fold(0, |all, (_, own, _)| all | own);
        if palette.images[found.image].documents & used != 0 {
            return Err("image-in-use");
        }
        // Also removes the tag's former image. Blobs that were unused before stay.
        let before = self.used(palette, in_use);
        self.tags.retain(|known| known.tag != tag);
        self.drop_orphans(palette, in_use);
        self.blobs &= !before | self.used(palette, in_use);
        Ok(())
    }

    fn prune(&mut self, palette: &Palette, in_use: u8) {
        self.drop_orphans(palette, in_use);
        self.blobs &= self.used(palette, in_use);
    }

    fn used(&self, palette: &Palette, in_use: u8) -> BlobSet {
        let tagged = self
            .tags
            .iter()
            .map(|known| palette.images[known.image].blobs);
        let of_containers = palette
            .in_use(in_use)
            .filter(|(_, own, _)| self.blobs & own != 0)
            .map(|(_, _, blobs)| blobs);
        let of_signatures = self.signatures.iter();
        let of_signatures = of_signatures.map(|one| palette.signatures[*one].blobs);
        tagged
            .chain(of_containers)
            .chain(of_signatures)
            .fold(0, |all, blobs| all | blobs)
    }
}

impl Palette {
    /// Index of the first image with that digest.
    fn place_of(&self, digest: Sha256) -> usize {
        let place = self.images.iter().position(|image| image.digest == digest);
        place.expect("an image of ours")
    }

    /// The manifests of a set of containers, one bit each: digest, own blob, all blobs.
    fn in_use(&self, set: u8) -> impl Iterator<Item = (Sha256, BlobSet, BlobSet)> + '_ {
        self.manifests
            .iter()
            .enumerate()
            .filter_map(move |(place, found)| (set >> place & 1 == 1).then_some(*found))
    }
}

/// Reads the state of the store. Checks that every blob has its content, and that there are no
/// other files.
fn observe<S: Storage>(palette: &Palette, storage: &S) -> StoreModel {
    let mut model = StoreModel::default();
    let mut document = [0; DOCUMENT];
    let mut store = open(storage, &mut document).expect("the store opens after whatever happened");
    for entry in store.index().expect("the index is whole").manifests() {
        let digest = entry.descriptor().expect("a descriptor").digest;
        if is_signature(&entry) {
            let mut known = palette.signatures.iter();
            let found = known.position(|one| digest == one.content.digest);
            model.signatures.push(found.expect("a signature of ours"));
            continue;
        }
        let previous = entry.annotation(PREVIOUS).map(|tag| tag.to_string());
        let name = entry.reference_name().map(|name| name.to_string());
        assert!(previous.is_none() || name.is_none(), "only one of both");
        let name = name.or(previous.clone()).expect("a name");
        let name = name.strip_suffix(":latest").expect("a tag");
        let tag = TAGS
            .iter()
            .position(|tag| *tag == name)
            .expect("a tag of ours");
        let digest = digest.sha256().expect("sha256");
        model.tags.push(ModelTag {
            tag,
            image: palette.place_of(digest),
            previous: previous.is_some(),
        });
    }
    let mut buffer = [0; DOCUMENT];
    storage
        .read_dir("/blobs/sha256", &mut |name, _| {
            let place = palette.blobs.iter().position(|(known, _)| known == name);
            let place = place.unwrap_or_else(|| panic!("{name} was stored"));
            let mut file = storage
                .open(&format!("/blobs/sha256/{name}"), OpenMode::READ)
                .expect("it was listed");
            let count = storage
                .read(&mut file, &mut buffer)
                .expect("it can be read");
            assert!(buffer[..count] == palette.blobs[place].1, "{name} is whole");
            model.blobs |= 1 << place;
            true
        })
        .expect("the blobs are listed");
    for (folder, known) in [
        (
            "/",
            &["blobs", "index.json", "oci-layout", "lost+found"][..],
        ),
        ("/blobs", &["sha256"][..]),
    ] {
        storage
            .read_dir(folder, &mut |name, _| {
                assert!(known.contains(&name), "{name} lies about");
                true
            })
            .expect("the folders are listed");
    }
    model
}

/// True where a fault on the way from `old` to `new` may leave `found`.
fn may_be_left(found: &StoreModel, old: &StoreModel, new: &StoreModel) -> bool {
    let is = |state: &StoreModel| {
        (&found.tags, &found.signatures) == (&state.tags, &state.signatures)
            && state.blobs & !found.blobs == 0
    };
    (is(old) || is(new)) && found.blobs & !(old.blobs | new.blobs) == 0
}

// ---------------------------------------------------------------- the runs

/// Input, taken from its front.
struct InputBytes<'a>(&'a [u8]);

impl InputBytes<'_> {
    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }
}

/// Most operations of a run.
const OPERATIONS: usize = 8;

fn run<D: PowerCutStorage>(palette: &Palette, device: &mut D, input: &[u8]) {
    let mut model = StoreModel::default();
    let mut input = InputBytes(input);
    for _ in 0..OPERATIONS {
        let (Some(operation), Some(argument)) = (input.next(), input.next()) else {
            break;
        };
        let mut new = model.clone();
        let expected = match operation % 16 {
            14 => {
                device.arm(u32::from(argument) % 64, argument / 64);
                continue;
            }
            15 => {
                device.restart();
                Ok(())
            }
            13 => {
                strange(palette, device, &mut input, argument);
                new.prune(palette, 0);
                Ok(())
            }
            12 => {
                new.prune(palette, argument);
                Ok(())
            }
            9..12 => new.remove(palette, usize::from(operation / 16) % TAGS.len(), argument),
            _ => {
                let image = usize::from(argument) % palette.images.len();
                new.import(palette, usize::from(operation / 16) % TAGS.len(), image)
            }
        };
        let result = operate(palette, device.storage(), operation, argument);
        if device.recover() {
            let found = observe(palette, device.storage());
            let left = may_be_left(&found, &model, &new);
            assert!(left, "{found:?} is left of {model:?} or {new:?}");
            assert!(
                result.is_err() || found.tags == new.tags,
                "what is done is done"
            );
            model = found;
            continue;
        }
        match (result, expected) {
            (Ok(()), Ok(())) => model = new,
            (Err(error), Err(code)) => {
                assert!(
                    error.code() == code || code == SPOILT,
                    "{error} instead of {code}"
                );
                let found = observe(palette, device.storage());
                // The progress of a refused import is not promised.
                assert_eq!(found.tags, model.tags);
                assert!(
                    may_be_left(&found, &model, &new),
                    "{found:?} is left of {model:?}"
                );
                model = found;
            }
            (result, expected) => panic!("{result:?} instead of {expected:?}"),
        }
    }
    assert_eq!(observe(palette, device.storage()), model);
}

fn operate<S: Storage>(
    palette: &Palette,
    storage: &S,
    operation: u8,
    argument: u8,
) -> Result<(), Error> {
    let mut document = [0; DOCUMENT];
    let mut store = open(storage, &mut document)?;
    let name = TAGS[usize::from(operation / 16) % TAGS.len()];
    let in_use: Vec<Sha256> = palette
        .in_use(argument)
        .map(|(digest, _, _)| digest)
        .collect();
    match operation % 16 {
        15 => Ok(()),
        13 => store.prune(&[]).map(drop),
        12 => store.prune(&in_use).map(drop),
        9..12 => store.remove(named(name), &in_use).map(drop),
        _ => {
            let image = &palette.images[usize::from(argument) % palette.images.len()];
            let source = OciLayout {
                storage: &palette.source,
                root: &image.root,
            };
            store.import(source, named(IMAGE), &tag(name), &mut |_| {})
        }
    }
}

/// Imports a document that the input spells, and removes it again after a success. Only unused
/// blobs may be left.
fn strange<D: PowerCutStorage>(
    palette: &Palette,
    device: &mut D,
    input: &mut InputBytes<'_>,
    length: u8,
) {
    // The model does not know the blobs that this leaves.
    device.restart();
    let length = usize::from(length).min(input.0.len());
    let (text, rest) = input.0.split_at(length);
    input.0 = rest;
    let source = palette.strange.clone();
    let content = Content {
        digest: Sha256::of(text),
        size: text.len() as u64,
    };
    put(
        &source,
        &format!("/blobs/sha256/{}", content.digest.hex()),
        text,
    );
    let media_type = if length % 2 == 0 {
        MANIFEST
    } else {
        INDEX_MEDIA_TYPE
    };
    put(
        &source,
        "/index.json",
        index(&[(STRANGE, content, media_type)]).as_bytes(),
    );
    let storage = device.storage();
    let mut document = [0; DOCUMENT];
    let mut store = open(storage, &mut document).expect("the store opens");
    let source = OciLayout {
        storage: &source,
        root: "/",
    };
    let imported = store.import(source, named(STRANGE), &tag(STRANGE), &mut |_| {});
    if imported.is_ok() {
        let removed = store.remove(named(STRANGE), &[]);
        removed.expect("what was tagged can be removed");
    }
}

fuzz_target!(|input: &[u8]| {
    PALETTE.with(|palette| {
        run(palette, &mut palette.memory.clone(), input);
        let sum: u32 = input.iter().map(|byte| u32::from(*byte)).sum();
        if sum.is_multiple_of(LITTLEFS_SHARE) {
            // Metadata moves often, as it does on a flash that is worn.
            let block_cycles = 1 + i32::from(input.len() as u8 % 8);
            let tuning = Tuning {
                block_cycles,
                ..Tuning::DEVICE
            };
            run(
                palette,
                &mut FlashStore::new(palette.flash.clone(), tuning),
                input,
            );
        }
    });
});
