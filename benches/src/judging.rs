// SPDX-License-Identifier: Apache-2.0
//! Judging an image against hashing its bytes: the whole of `image::judge`, over littlefs in
//! memory and over a folder, and sha256 of as many bytes that lie in memory.
//!
//! Over a folder the bytes have to be read first, which any program pays for: the folder is
//! also measured against a loop that does nothing but read the blob's file and hash it.
//!
//! The two buffers are made once, as on a device. Runs are short and many, because only an
//! undisturbed run counts.

use std::fs::File;
use std::hint::black_box;
use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Result, anyhow, ensure};
use ocre::image::Image;
use ocre::image::OciLayout;
use ocre::image::blob::blob_path;
use ocre::image::judge::{Selector, Workspace, judge};
use ocre::image::verdict::Verdict;
use ocre::port::Storage;
use ocre_pc::directory::Directory;
use ocre_pc::flash::{Geometry, RamFlash};
use ocre_pc::littlefs::LittleFs;
use sha2::{Digest as _, Sha256};

use crate::layout::{self, POLICY};
use crate::measure::{engine, time};

/// Half of the default partition.
const BLOB_BYTES: usize = 4 << 20;
const TIMES: u32 = 300;

pub fn run() -> Result<()> {
    println!("Judging: throughput as a share of bare sha256 (aim: at least 0.9)");
    let blob: Vec<u8> = (0..BLOB_BYTES).map(|at| ((at * 31) >> 3) as u8).collect();
    let folder = tempfile::tempdir()?;
    let directory = Directory::open(folder.path()).map_err(|error| anyhow!("{error}"))?;
    measure("a folder", &directory, &blob)?;
    against_reading(&directory, folder.path(), &blob)?;
    let geometry = Geometry::new(4096, 8192).ok_or_else(|| anyhow!("geometry"))?;
    let (flash, formatted) = LittleFs::format(RamFlash::new(geometry));
    formatted.map_err(|error| anyhow!("{error}"))?;
    let littlefs = LittleFs::mount(flash).map_err(|(_, error)| anyhow!("{error}"))?;
    measure("littlefs in memory", &littlefs, &blob)
}

fn measure<S: Storage>(name: &str, storage: &S, blob: &[u8]) -> Result<()> {
    layout::write(storage, b"\0asm\x01\0\0\0", &[], blob)?;
    compare(name, storage, "sha256", || {
        black_box(Sha256::digest(black_box(blob)));
        Ok(())
    })
}

/// The folder that [`measure`] has just filled, against reading and hashing its largest file.
fn against_reading(directory: &Directory, root: &Path, blob: &[u8]) -> Result<()> {
    let path = blob_path("/", &ocre_oci::Sha256::of(blob)).map_err(|error| anyhow!("{error}"))?;
    let file = root.join(path.trim_start_matches('/'));
    let mut buffer = vec![1; 64 << 10];
    compare("  reading included", directory, "read and sha256", || {
        let (mut file, mut hash) = (File::open(&file)?, Sha256::new());
        loop {
            let count = file.read(&mut buffer)?;
            if count == 0 {
                break;
            }
            hash.update(buffer.get(..count).unwrap_or_default());
        }
        black_box(hash.finalize());
        Ok(())
    })
}

/// Judges what `storage` holds and does `other`, by turns.
fn compare<S: Storage>(
    name: &str,
    storage: &S,
    called: &str,
    mut other: impl FnMut() -> Result<()>,
) -> Result<()> {
    let (mut document, mut config) = (vec![1; 64 << 10], vec![1; 64 << 10]);
    let (mut bare, mut judged) = (Duration::MAX, Duration::MAX);
    for _ in 0..TIMES {
        let (done, taken) = time(&mut other);
        done?;
        bare = bare.min(taken);
        let (verdict, taken) = time(|| {
            let workspace = Workspace {
                document: &mut document,
                config: &mut config,
            };
            verdict(storage, workspace)
        });
        let verdict = verdict?;
        ensure!(
            verdict.word() == "ok",
            "{:?} at {}",
            verdict.code(),
            verdict.at()
        );
        judged = judged.min(taken);
    }
    let rate = |taken: Duration| BLOB_BYTES as f64 / taken.as_secs_f64() / 1e6;
    let ratio = bare.as_secs_f64() / judged.as_secs_f64();
    println!(
        "{name:20} {ratio:5.2}   ({:.0} MB/s, {called} {:.0} MB/s)",
        rate(judged),
        rate(bare)
    );
    Ok(())
}

fn verdict<S: Storage>(storage: &S, workspace: Workspace<'_>) -> Result<Verdict> {
    let source = OciLayout { storage, root: "/" };
    let mut verdict = Verdict::new(true);
    judge(
        source,
        Selector::default(),
        engine()?,
        &POLICY,
        workspace,
        &mut |finding, at, detail| verdict.note(finding, at, detail),
        &mut Image::blank(),
    );
    Ok(verdict)
}
