// SPDX-License-Identifier: Apache-2.0
// Parts of the examples in the documentation of this crate, which include this file as a module:
// a littlefs in memory, and an image on it.

use std::sync::Arc;

use ocre::image::judge::{Selector, Workspace, judge};
use ocre::image::verdict::Verdict;
use ocre::image::{Image, OciLayout};
use ocre::port::{OpenMode, Storage};
use ocre_pc::flash::{Geometry, RamFlash};
use ocre_pc::littlefs::LittleFs;
use ocre_pc::platform::{Device, POLICY, Pc, Terminal, engine};
use ocre_oci::write::{self, ConfigFields, DescriptorFields};
use ocre_oci::{REF_NAME, Sha256};

/// A partition in memory.
pub type Disk = LittleFs<RamFlash>;

/// Module whose entry point returns 7.
const SEVEN: &[u8] = b"\0asm\x01\0\0\0\x01\x05\x01\x60\0\x01\x7f\x03\x02\x01\0\
    \x07\x0a\x01\x06_start\0\0\x0a\x06\x01\x04\0\x41\x07\x0b";

/// Makes an empty file system.
pub fn disk() -> Disk {
    let (flash, formatted) = LittleFs::format(RamFlash::new(Geometry::default()));
    formatted.expect("memory takes a file system");
    let mounted = LittleFs::mount(flash);
    mounted.map_err(|(_, error)| error).expect("it mounts")
}

/// Makes a file system with the image `seven:1`.
pub fn disk_with_image() -> Disk {
    let disk = disk();
    for folder in ["/blobs", "/blobs/sha256"] {
        disk.create_dir(folder).expect("there is room");
    }
    let code = blob(&disk, "application/wasm", SEVEN);
    let mut config = String::new();
    let settings = ConfigFields {
        layer_digests: &[code.digest],
        entry_point: "_start",
        env: &[],
        permissions: &[],
    };
    write::config(&mut config, &settings).expect("memory");
    let config = blob(
        &disk,
        "application/vnd.wasm.config.v0+json",
        config.as_bytes(),
    );
    let mut manifest = String::new();
    write::manifest(&mut manifest, &config, &[code], &[]).expect("memory");
    let media_type = "application/vnd.oci.image.manifest.v1+json";
    let manifest = DescriptorFields {
        annotations: &[(REF_NAME, "seven:1")],
        ..blob(&disk, media_type, manifest.as_bytes())
    };
    let mut index = String::new();
    write::index(&mut index, |entries| entries.descriptor(&manifest)).expect("memory");
    put(&disk, "/index.json", index.as_bytes());
    let mut marker = String::new();
    write::layout(&mut marker).expect("memory");
    put(&disk, "/oci-layout", marker.as_bytes());
    disk
}

/// Boots a PC with the image `seven:1`. Returns the judged image, too.
pub fn boot() -> (Arc<Device<Disk>>, Image) {
    let disk = disk_with_image();
    let mut image = Image::blank();
    let mut verdict = Verdict::new(true);
    let accepted = judge(
        OciLayout {
            storage: &disk,
            root: "/",
        },
        Selector::default(),
        &engine().expect("the first engine"),
        &POLICY,
        Workspace {
            document: &mut [0; 4096],
            config: &mut [0; 4096],
        },
        &mut |finding, at, detail| verdict.note(finding, at, detail),
        &mut image,
    );
    assert!(accepted, "{verdict:?}");
    let device = Pc::boot(disk, Box::new(Terminal), POLICY).expect("it boots");
    (device, image)
}

fn blob<'a>(disk: &Disk, media_type: &'a str, content: &[u8]) -> DescriptorFields<'a> {
    let digest = Sha256::of(content);
    put(disk, &format!("/blobs/sha256/{}", digest.hex()), content);
    DescriptorFields {
        media_type,
        digest,
        size: content.len() as u64,
        annotations: &[],
        platform: None,
    }
}

fn put(disk: &Disk, path: &str, content: &[u8]) {
    let mut file = disk.open(path, OpenMode::REWRITE).expect("there is room");
    disk.write(&mut file, content).expect("there is room");
    disk.close(file).expect("there is room");
}
