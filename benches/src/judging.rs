// SPDX-License-Identifier: Apache-2.0
//! Judging an image against hashing its bytes: the whole of `image::judge`, over littlefs in
//! memory and over a folder, and sha256 of as many bytes that lie in memory.
//!
//! What a device has once is made once: the two buffers. So often, and of no more bytes,
//! because only a run that nobody interrupts counts.

use std::hint::black_box;
use std::time::Duration;

use anyhow::{Result, anyhow, ensure};
use ocre::image::Image;
use ocre::image::judge::{AotPolicy, Policy, Selector, Source, Workspace, judge};
use ocre::image::verdict::Verdict;
use ocre::port::Storage;
use ocre_host::directory::Directory;
use ocre_host::flash::{Geometry, RamFlash};
use ocre_host::littlefs::LittleFs;
use sha2::{Digest as _, Sha256};

use crate::layout;
use crate::measure::{engine, time};

/// Half of the default partition.
const BLOB_BYTES: usize = 4 << 20;
const TIMES: u32 = 300;

pub const POLICY: Policy<'_> = Policy {
    aot: AotPolicy::Allow,
    uninterruptible: false,
    prefer_portable: false,
    image_bytes: u64::MAX,
    memory_bytes: 64 << 20,
};

pub fn run() -> Result<()> {
    println!("Judging: throughput as a share of bare sha256 (aim: at least 0.9)");
    let blob: Vec<u8> = (0..BLOB_BYTES).map(|at| ((at * 31) >> 3) as u8).collect();
    let folder = tempfile::tempdir()?;
    let directory = Directory::open(folder.path()).map_err(|error| anyhow!("{error}"))?;
    measure("a folder", &directory, &blob)?;
    let geometry = Geometry::new(4096, 8192).ok_or_else(|| anyhow!("geometry"))?;
    let (flash, formatted) = LittleFs::format(RamFlash::new(geometry));
    formatted.map_err(|error| anyhow!("{error}"))?;
    let littlefs = LittleFs::mount(flash).map_err(|(_, error)| anyhow!("{error}"))?;
    measure("littlefs in memory", &littlefs, &blob)
}

fn measure<S: Storage>(name: &str, storage: &S, blob: &[u8]) -> Result<()> {
    layout::write(storage, b"\0asm\x01\0\0\0", blob)?;
    let (mut document, mut config) = (vec![1; 64 << 10], vec![1; 64 << 10]);
    let (mut bare, mut judged) = (Duration::MAX, Duration::MAX);
    for _ in 0..TIMES {
        bare = bare.min(time(|| black_box(Sha256::digest(black_box(blob)))).1);
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
    let rate = |taken: Duration| blob.len() as f64 / taken.as_secs_f64() / 1e6;
    let ratio = bare.as_secs_f64() / judged.as_secs_f64();
    println!(
        "{name:20} {ratio:5.2}   ({:.0} MB/s, sha256 {:.0} MB/s)",
        rate(judged),
        rate(bare)
    );
    Ok(())
}

fn verdict<S: Storage>(storage: &S, workspace: Workspace<'_>) -> Result<Verdict> {
    let source = Source { storage, root: "/" };
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
