// SPDX-License-Identifier: Apache-2.0
//! Sweep over single flipped bits of a flash's metadata: after each flip, a boot, commands that
//! list, a check and a repair lose no file that is still visible.
//!
//! `OCRE_FLASH_SWEEP=N` tries each Nth bit of the blocks that hold metadata; 1 tries every bit.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use ocre::atomic::TEMPORARY;
use ocre::container::{Name, data, record};
use ocre::folders;
use ocre::image::OciLayout;
use ocre::image::judge::Selector;
use ocre::image::store::{Store, Tag};
use ocre::lost;
use ocre::port::{EntryKind, OpenMode, Storage, StorageError};
use ocre_oci::write::{self, DescriptorFields};
use ocre_oci::{REF_NAME, Reference, Sha256};
use ocre_pc::flash::{FileError, FileFlash, Geometry, RamFlash};
use ocre_pc::littlefs::LittleFs;
use ocre_pc::platform::POLICY;
use ocre_tools::partition::{self, Partition};
use tempfile::TempDir;

use super::check;
use crate::command_line::CommandLine;
use crate::device::SimulatedDevice;

/// Small blocks, so that metadata has few bits and each folder's log is rewritten often.
const GEOMETRY: Geometry = Geometry::new(512, 160).expect("valid");
/// Default distance between tried bits.
const SAMPLE: usize = 211;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

// ---------------------------------------------------------------- the flash

fn put(storage: &impl Storage, path: &str, bytes: &[u8]) {
    let mut file = storage.open(path, OpenMode::REWRITE).expect(path);
    storage.write(&mut file, bytes).expect(path);
    storage.close(file).expect(path);
}

fn describe<'a>(
    bytes: &[u8],
    media_type: &'a str,
    annotations: &'a [(&str, &str)],
) -> DescriptorFields<'a> {
    DescriptorFields {
        media_type,
        digest: Sha256::of(bytes),
        size: bytes.len() as u64,
        annotations,
        platform: None,
    }
}

/// Makes a layout with one image, named `image`, which exits with a code.
fn layout(code: i32) -> LittleFs<RamFlash> {
    let (flash, formatted) = LittleFs::format(RamFlash::new(GEOMETRY));
    formatted.unwrap();
    let storage = LittleFs::mount(flash).map_err(|(_, error)| error).unwrap();
    for folder in ["/blobs", "/blobs/sha256"] {
        storage.create_dir(folder).unwrap();
    }
    let store = |bytes: &[u8]| {
        let path = format!("/blobs/sha256/{}", Sha256::of(bytes).hex());
        put(&storage, &path, bytes);
    };
    let guest = format!(r#"(module (func (export "_start") (result i32) (i32.const {code})))"#);
    let guest = wat::parse_str(guest).unwrap();
    let mut config = String::new();
    let settings = write::ConfigFields {
        layer_digests: &[Sha256::of(&guest)],
        entry_point: "_start",
        env: &[],
        permissions: &[],
    };
    write::config(&mut config, &settings).unwrap();
    let mut manifest = String::new();
    let described = describe(
        config.as_bytes(),
        "application/vnd.wasm.config.v0+json",
        &[],
    );
    let layers = [describe(&guest, "application/wasm", &[])];
    write::manifest(&mut manifest, &described, &layers, &[]).unwrap();
    let mut index = String::new();
    let named = [(REF_NAME, "image")];
    write::index(&mut index, |entries| {
        entries.descriptor(&describe(manifest.as_bytes(), MANIFEST, &named))
    })
    .unwrap();
    let mut marker = String::new();
    write::layout(&mut marker).unwrap();
    for bytes in [&*guest, config.as_bytes(), manifest.as_bytes()] {
        store(bytes);
    }
    put(&storage, "/index.json", index.as_bytes());
    put(&storage, "/oci-layout", marker.as_bytes());
    storage
}

fn import(path: &Path, code: i32, tag: &str) {
    let from = layout(code);
    let partition = LittleFs::open(path).unwrap();
    let mut document = partition::document();
    let mut store = Store::open(&partition, "/", &mut document).unwrap();
    let source = OciLayout {
        storage: &from,
        root: "/",
    };
    let selector = Selector {
        name: Some("image"),
        digest: None,
    };
    let tag = Tag::new(&Reference::parse(tag).unwrap());
    store.import(source, selector, &tag, &mut |_| {}).unwrap();
}

/// Boots a device and runs commands on it.
fn commands(path: &Path, lines: &[&str]) -> Result<(), String> {
    let partition = partition::partition(Some(path));
    let booted = partition.and_then(|partition| SimulatedDevice::boot(partition, POLICY));
    let mut device = booted.map_err(|failure| format!("{failure:?}"))?;
    for line in lines {
        let words: Vec<&str> = line.split(' ').collect();
        let line = CommandLine::new(&words);
        let _ = device.command(line, &mut String::new(), &mut String::new());
    }
    device.shut_down();
    // The thread of an ended container may still hold the file.
    while matches!(LittleFs::open(path), Err(FileError::Locked)) {
        std::thread::yield_now();
    }
    Ok(())
}

fn fill(partition: &Partition, folder: &str) {
    partition.create_dir(&format!("{folder}/deep")).unwrap();
    for (file, length) in [("a", 5), ("b", 700), ("deep/c", 40), ("deep/d", 2000)] {
        let path = format!("{folder}/{file}");
        put(
            partition,
            &path,
            path.repeat(length / path.len() + 1).as_bytes(),
        );
    }
}

/// Makes a used flash: containers with files, records and states, some of them removed; images,
/// one of them on trial, one removed; a removal and a temporary container that a power cut
/// interrupted.
fn used(path: &Path) {
    drop(LittleFs::create(path, GEOMETRY).unwrap());
    import(path, 0, "app");
    import(path, 1, "other");
    let done = commands(
        path,
        &[
            "create --name c1 app",
            "create --name gone app",
            "run --rm --name passing app",
            "create --name c2 other",
            "create --name half other",
        ],
    );
    done.unwrap();
    let partition = LittleFs::open(path).unwrap();
    for name in ["c1", "gone", "c2", "half"] {
        fill(&partition, &format!("/data/{name}"));
    }
    drop(partition);
    let done = commands(
        path,
        &[
            "rm gone",
            "start c2",
            "create --name gone app",
            "start c1",
            "start c2",
        ],
    );
    done.unwrap();
    import(path, 2, "app");
    import(path, 3, "unused");
    commands(path, &["image rm unused", "create --name c3 other"]).unwrap();
    let partition = LittleFs::open(path).unwrap();
    fill(&partition, "/data/c3");
    let passing = Name::parse("passing").unwrap();
    data::create(&partition, &passing, true).unwrap();
    put(
        &partition,
        "/data/passing/file",
        b"of a temporary container",
    );
    let half = Name::parse("half").unwrap();
    data::mark_removal(&partition, &half).unwrap();
    partition.remove("/containers/half.spec").unwrap();
    partition.create_dir("/mine").unwrap();
    put(&partition, "/mine/file", b"the user's own");
}

/// Lists the blocks that hold metadata.
fn metadata(path: &Path) -> Vec<u32> {
    let partition = LittleFs::open(path).unwrap();
    let mut blocks = partition.used_blocks().unwrap();
    let content = super::super::tree::walk(&partition, "/").unwrap();
    for (path, _) in content.entries {
        let of_file = partition.blocks_of(&path).unwrap_or_default();
        blocks.retain(|block| !of_file.contains(block));
    }
    blocks.sort_unstable();
    blocks.dedup();
    blocks
}

// ---------------------------------------------------------------- visible files

/// Digest of each readable file, by path.
type FileDigests = BTreeMap<String, Sha256>;

/// Reads every file that is not damaged.
fn visible(path: &Path) -> Option<FileDigests> {
    let partition = LittleFs::open_to_read(path).ok()?;
    let mut files = FileDigests::new();
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        let mut entries = Vec::new();
        let at = if folder.is_empty() { "/" } else { &folder };
        let _ = partition.read_dir(at, &mut |name, metadata| {
            entries.push((format!("{folder}/{name}"), metadata.kind));
            true
        });
        for (path, kind) in entries {
            match kind {
                EntryKind::Directory => folders.push(path),
                EntryKind::File | EntryKind::Symlink => {
                    if let Ok(bytes) = read(&partition, &path) {
                        files.insert(path, Sha256::of(&bytes));
                    }
                }
            }
        }
    }
    Some(files)
}

fn read(partition: &LittleFs<FileFlash>, path: &str) -> Result<Vec<u8>, StorageError> {
    let mut file = partition.open(path, OpenMode::READ)?;
    let size = partition.size(&mut file)?;
    let mut bytes = Vec::new();
    partition.stream(&mut file, &mut [0; 4096], &mut |piece| {
        bytes.extend_from_slice(piece)
    })?;
    if bytes.len() as u64 == size {
        Ok(bytes)
    } else {
        Err(StorageError::Corrupt)
    }
}

/// True where a file may be removed: an empty one of an interrupted write, a mark, and the files of
/// a container without a record whose removal was written down.
fn may_go(path: &str, digest: Sha256, files: &FileDigests) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    if name == folders::REMOVAL || (name.starts_with(TEMPORARY) && digest == Sha256::of(b"")) {
        return true;
    }
    let container = match path.strip_prefix(record::ROOT) {
        Some(_) => name.strip_suffix(".state"),
        None => path
            .strip_prefix("/data/")
            .and_then(|path| path.split('/').next()),
    };
    container.is_some_and(|container| {
        files.contains_key(&format!("/data/{container}/{}", folders::REMOVAL))
            && !files.contains_key(&format!("{}/{container}.spec", record::ROOT))
    })
}

/// Number of files with each content.
fn copies(files: &FileDigests) -> BTreeMap<Sha256, usize> {
    let mut copies = BTreeMap::new();
    for digest in files.values() {
        *copies.entry(*digest).or_default() += 1;
    }
    copies
}

/// Paths whose content was visible before and is nowhere now. A flip can make a folder of another
/// one's old content: such ghosts of files, above the copies in the `whole` flash, may go.
fn missing(before: &FileDigests, after: &FileDigests, whole: &FileDigests) -> Vec<String> {
    let mut there = copies(after);
    let real = copies(whole);
    let mut ghosts = copies(before);
    for (digest, count) in &mut ghosts {
        *count = count.saturating_sub(real.get(digest).copied().unwrap_or_default());
    }
    let mut lost = Vec::new();
    let stays = |(path, digest): &(&String, &Sha256)| !may_go(path, **digest, before);
    for (path, digest) in before.iter().filter(stays) {
        let take = |from: &mut BTreeMap<Sha256, usize>| match from.get_mut(digest) {
            Some(count) if *count > 0 => {
                *count -= 1;
                true
            }
            _ => false,
        };
        if !take(&mut there) && !take(&mut ghosts) {
            lost.push(path.clone());
        }
    }
    lost
}

// ---------------------------------------------------------------- the sweep

#[derive(Default, Debug)]
struct SweepCounts {
    flips: usize,
    /// Flips after which the file system does not mount.
    unmountable: usize,
    /// Flips after which the device refuses to boot.
    refused: usize,
    /// Flips that hide a file.
    hidden: usize,
    /// Flips after which the boot, or a repair, keeps a file in `/lost+found`.
    kept: usize,
    /// Flips after which a check finds no damage once repaired.
    whole: usize,
    /// Files that littlefs itself drops at its first write after the flip.
    dropped: usize,
}

struct FlashSweep<'a> {
    flash: &'a [u8],
    whole: &'a FileDigests,
    folder: PathBuf,
}

impl FlashSweep<'_> {
    fn write(&self, flipped: &[u8]) -> PathBuf {
        let path = self.folder.join("flash");
        fs::write(&path, flipped).unwrap();
        path
    }

    fn flip(&self, bit: usize, counts: &mut SweepCounts) -> Vec<String> {
        let mut flipped = self.flash.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        counts.flips += 1;
        let path = self.write(&flipped);
        let Some(mut before) = visible(&path) else {
            counts.unmountable += 1;
            assert!(commands(&path, &["ps -a"]).is_err(), "it boots");
            let _ = check(&path, true);
            assert!(fs::read(&path).unwrap() == flipped, "it is written to");
            return Vec::new();
        };
        counts.hidden += usize::from(!missing(self.whole, &before, self.whole).is_empty());
        // Files that littlefs drops itself can't be kept.
        if let Ok(partition) = LittleFs::open(&path) {
            let _ = partition.recover();
            drop(partition);
            let settled = visible(&path).unwrap_or_default();
            let count = before.len();
            before.retain(|path, digest| settled.get(path) == Some(digest));
            counts.dropped += count - before.len();
        }

        let mut failed = Vec::new();
        let mut compare = |what: &str, path: &Path| {
            let after = visible(path).unwrap_or_default();
            for file in missing(&before, &after, self.whole) {
                failed.push(format!("bit {bit}: {what} lost {file}"));
            }
            after.keys().any(|path| path.starts_with(lost::ROOT))
        };
        let path = self.write(&flipped);
        counts.refused += usize::from(commands(&path, &["ps -a", "image ls", "info"]).is_err());
        let mut kept = compare("a boot", &path);
        let repaired = check(&path, true);
        kept |= compare("a repair after a boot", &path);
        counts.whole += usize::from(repaired.is_ok_and(|(left, _)| left.damaged.is_empty()));
        // Without a hidden file, a boot changes nothing, and the repair was the same.
        if kept || before != *self.whole {
            let path = self.write(&flipped);
            let _ = check(&path, false);
            let _ = check(&path, true);
            kept |= compare("a repair", &path);
            let _ = commands(&path, &["ps -a"]);
            compare("a boot after a repair", &path);
        }
        counts.kept += usize::from(kept);
        failed
    }
}

#[test]
fn a_flipped_bit_of_metadata_costs_no_file_that_is_still_visible() {
    let step = match std::env::var("OCRE_FLASH_SWEEP") {
        Ok(step) => step.parse().expect("a number"),
        Err(_) => SAMPLE,
    };
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("used");
    used(&path);
    let flash = fs::read(&path).unwrap();
    let whole = visible(&path).unwrap();
    assert!(whole.len() > 30, "{whole:?}");
    let block_bits = GEOMETRY.block_bytes() as usize * 8;
    let blocks = metadata(&path);
    let bits: Vec<usize> = blocks
        .iter()
        .flat_map(|block| {
            let first = *block as usize * block_bits;
            first..first + block_bits
        })
        .step_by(step)
        .collect();

    let next = AtomicUsize::new(0);
    let results = Mutex::new((Vec::new(), Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, Into::into) {
            scope.spawn(|| {
                let folder = TempDir::new().unwrap();
                let sweep = FlashSweep {
                    flash: &flash,
                    whole: &whole,
                    folder: folder.path().to_owned(),
                };
                let mut counts = SweepCounts::default();
                while let Some(bit) = bits.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let failed = sweep.flip(*bit, &mut counts);
                    results.lock().unwrap().0.extend(failed);
                }
                results.lock().unwrap().1.push(counts);
            });
        }
    });
    let (failed, counts) = results.into_inner().unwrap();
    let sum = |count: fn(&SweepCounts) -> usize| counts.iter().map(count).sum::<usize>();
    let mut summary = String::new();
    let _ = write!(
        summary,
        "{} blocks of metadata, {} files; {} flips: {} hid a file, {} do not mount, {} do not \
         boot; littlefs itself dropped {} files; {} had something kept, {} are whole after a \
         repair; {} files lost",
        blocks.len(),
        whole.len(),
        sum(|counts| counts.flips),
        sum(|counts| counts.hidden),
        sum(|counts| counts.unmountable),
        sum(|counts| counts.refused),
        sum(|counts| counts.dropped),
        sum(|counts| counts.kept),
        sum(|counts| counts.whole),
        failed.len(),
    );
    println!("{summary}");
    assert!(failed.is_empty(), "{summary}\n{}", failed.join("\n"));
    assert!(sum(|counts| counts.hidden) > 0, "{summary}");
    assert!(sum(|counts| counts.kept) > 0, "{summary}");
}
