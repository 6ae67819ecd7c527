// SPDX-License-Identifier: Apache-2.0
//! Images with tags on a flash, and devices whose containers follow these tags.

use std::sync::Arc;

use ocre::container::state::RunResult;
use ocre::container::table::Handle;
use ocre::container::{Error, Follow, Options};
use ocre::image::Image;
use ocre::image::OciLayout;
use ocre::image::judge::{self, Workspace};
use ocre::image::store::Store;
use ocre::port::Storage;
use ocre::supervisor::Platform as _;
use ocre_oci::Sha256;
use ocre_pc::flash::{Flash, Geometry, RamFlash};
use ocre_pc::littlefs::LittleFs;
use ocre_pc::platform::{Device, POLICY, Pc, engine};

use crate::common::{formatted, mounted};
use crate::device::{FakeConsole, assemble};
use ocre_conformance::images::{DOCUMENT, LayoutWriter, named, see, tag};

pub const GEOMETRY: Geometry = Geometry::new(512, 256).expect("valid");
pub const MINUTE_US: u64 = 60_000_000;

pub type TaggedPartition<F> = LittleFs<F>;

pub fn exiting(code: i32) -> Vec<u8> {
    assemble(&format!(
        r#"(module (func (export "_start") (result i32) (i32.const {code})))"#
    ))
}

/// A layout of one image, with the environment `V=name`.
pub fn layout(name: &str, code: &[u8]) -> LittleFs<RamFlash> {
    let storage = mounted(formatted(GEOMETRY));
    LayoutWriter::new(&storage, "/").tagged("app", name, code);
    storage
}

pub fn import<F: Flash>(
    disk: &TaggedPartition<F>,
    from: &LittleFs<RamFlash>,
) -> Result<(), ocre::image::store::Error> {
    let source = OciLayout {
        storage: from,
        root: "/",
    };
    let mut document = [0; DOCUMENT];
    let mut store = Store::open(disk, "/", &mut document)?;
    store.import(source, named("app"), &tag("app"), &mut |_| {})
}

/// Digest of a layout's image.
pub fn digest(of: &LittleFs<RamFlash>) -> Sha256 {
    see(of).tags[0].1
}

pub fn boot<F: Flash + Send + 'static>(
    disk: &TaggedPartition<F>,
) -> Arc<Device<TaggedPartition<F>>> {
    try_boot(disk).expect("it boots")
}

/// Boots a device; `None` where the power goes meanwhile.
pub fn try_boot<F: Flash + Send + 'static>(
    disk: &TaggedPartition<F>,
) -> Option<Arc<Device<TaggedPartition<F>>>> {
    Pc::boot(disk.clone(), Box::new(FakeConsole::default()), POLICY).ok()
}

/// Judges the image with the tag `app`.
pub fn judged(storage: &impl Storage) -> Image {
    let (mut document, mut config) = ([0; DOCUMENT], [0; DOCUMENT]);
    let mut image = Image::blank();
    let workspace = Workspace {
        document: &mut document,
        config: &mut config,
    };
    let source = OciLayout { storage, root: "/" };
    let engine = engine().expect("an engine");
    let accepted = judge::judge(
        source,
        named("app"),
        &engine,
        &POLICY,
        workspace,
        &mut |finding, at, _| panic!("{finding:?} at {at}"),
        &mut image,
    );
    assert!(accepted);
    image
}

/// Creates a container of `app` that follows the tag.
pub fn create<F: Flash + Send + 'static>(
    device: &Device<TaggedPartition<F>>,
    name: &str,
    options: &Options<'_>,
) -> Result<Handle, Error> {
    let image = judged(device.platform().storage());
    let mut document = [0; DOCUMENT];
    let source = device.images();
    let mut store = Store::opened(source.storage, source.root, &mut document);
    let tagged = store.tagged("app").expect("an index").expect("a tag");
    let follow = Follow {
        tag: "app",
        fingerprint: tagged.fingerprint,
    };
    let options = Options {
        follow: Some(follow),
        ..*options
    };
    device.create(Some(name), &image, &options)
}

/// Starts a container. Returns the end of its run, or the reason why it does not start.
pub fn run<S: Storage + Send + Sync + 'static>(device: &Device<S>, handle: Handle) -> RunResult {
    match device.start(handle) {
        Err(Error::Start(failure)) => RunResult::Failed(failure),
        started => {
            started.expect("it is not running");
            let until = device.platform().clock().uptime_us() + MINUTE_US;
            device.wait(handle, Some(until)).expect("it ends")
        }
    }
}

/// Waits for the end of all threads.
pub fn end<F: Flash + Send + 'static>(device: Arc<Device<TaggedPartition<F>>>) {
    while Arc::strong_count(&device) > 1 {
        std::thread::yield_now();
    }
}
