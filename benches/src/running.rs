// SPDX-License-Identifier: Apache-2.0
//! Costs of a container while it lives, against bare WAMR in a C program: a call of a host
//! function, the time from a kill to the end, a whole life; and its memory.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, ensure};
use ocre::container::Options;
use ocre::container::state::RunResult;
use ocre::container::table::Handle;
use ocre::image::Image;
use ocre::limits::{LOG_BYTES, MAX_CONTAINERS};
use ocre_pc::flash::{Geometry, RamFlash};
use ocre_pc::littlefs::LittleFs;
use ocre_pc::platform::{self, Device, Pc, Terminal};

use crate::bare::{Bare, GuestCode, guest};
use crate::layout;

const CALLS: u32 = 200_000;
const TIMES: u32 = 20;
/// Time that a guest spins before it is killed.
const SPIN: Duration = Duration::from_millis(3);

type RamStorage = LittleFs<RamFlash>;

/// Device with one image to create containers from.
struct BenchDevice {
    device: Arc<Device<RamStorage>>,
    image: Image,
}

pub fn run() -> Result<()> {
    println!("Running: time as a multiple of bare WAMR's");
    let folder = tempfile::tempdir()?;
    let bare = Bare::build(folder.path())?;
    let calls = guest("calls", folder.path(), &[&format!("-DCALLS={CALLS}u")])?;
    compare(
        "a call of a host function (aim 1.2)",
        &bare,
        "calls",
        &calls,
        CALLS,
        calling,
    )?;
    let spin = guest("spin", folder.path(), &[])?;
    compare("from kill to end", &bare, "kill", &spin, 1, killing)?;
    let brief = guest("brief", folder.path(), &[])?;
    compare("create, run, remove", &bare, "run", &brief, 1, living)?;
    memory();
    Ok(())
}

/// Compares a task with bare WAMR, for each form of a guest.
fn compare(
    name: &str,
    bare: &Bare,
    task: &str,
    forms: &[GuestCode],
    parts: u32,
    ours: fn(&BenchDevice) -> Result<Duration>,
) -> Result<()> {
    for form in forms {
        let bench = BenchDevice::new(form)?;
        let (mut theirs, mut best) = (Duration::MAX, Duration::MAX);
        // By turns, so that what slows the machine slows both.
        for _ in 0..5 {
            theirs = theirs.min(bare.time(task, &form.path, TIMES)?);
            for _ in 0..TIMES {
                best = best.min(ours(&bench)?);
            }
        }
        println!(
            "{name:36} {:12} {:6.2}   ({:?}, bare WAMR {:?})",
            form.kind,
            best.as_secs_f64() / theirs.as_secs_f64(),
            best / parts,
            theirs / parts,
        );
    }
    Ok(())
}

impl BenchDevice {
    fn new(form: &GuestCode) -> Result<Self> {
        let path = form.path.display();
        let code = fs::read(&form.path).with_context(|| format!("can't read {path}"))?;
        let (flash, formatted) = LittleFs::format(RamFlash::new(Geometry::default()));
        formatted.map_err(|error| anyhow!("{error}"))?;
        let storage = LittleFs::mount(flash).map_err(|(_, error)| anyhow!("{error}"))?;
        let annotations: Vec<_> = form
            .annotations
            .iter()
            .map(|(name, value)| (*name, &**value))
            .collect();
        layout::write(&storage, &code, &annotations, b"a blob")?;
        let image = layout::judged(&storage)?;
        let device = Pc::boot(storage, Box::new(Terminal), platform::POLICY)
            .map_err(|error| anyhow!("{error:?}"))?;
        Ok(Self { device, image })
    }

    /// Creates a container without a record, as `ocre run --rm` does.
    fn create(&self) -> Result<Handle> {
        let options = Options {
            temporary: true,
            ..Options::default()
        };
        let created = self.device.create(None, &self.image, &options);
        created.map_err(|error| anyhow!("{error}"))
    }

    fn start(&self, handle: Handle) -> Result<()> {
        self.device
            .start(handle)
            .map_err(|error| anyhow!("{error}"))
    }

    fn wait(&self, handle: Handle) -> Result<RunResult> {
        self.device
            .wait(handle, None)
            .map_err(|error| anyhow!("{error}"))
    }

    fn remove(&self, handle: Handle) -> Result<()> {
        self.device
            .remove(handle, false)
            .map_err(|error| anyhow!("{error}"))
    }
}

fn calling(bench: &BenchDevice) -> Result<Duration> {
    let handle = bench.create()?;
    bench.start(handle)?;
    let outcome = bench.wait(handle)?;
    ensure!(outcome == RunResult::Exited(0), "it ended with {outcome:?}");
    let status = bench
        .device
        .status(handle)
        .map_err(|error| anyhow!("{error}"))?;
    bench.remove(handle)?;
    let taken = status.times.running_us().context("it did not run")?;
    Ok(Duration::from_micros(taken))
}

fn killing(bench: &BenchDevice) -> Result<Duration> {
    let handle = bench.create()?;
    bench.start(handle)?;
    std::thread::sleep(SPIN);
    let begin = Instant::now();
    bench
        .device
        .kill(handle)
        .map_err(|error| anyhow!("{error}"))?;
    bench.wait(handle)?;
    let taken = begin.elapsed();
    bench.remove(handle)?;
    Ok(taken)
}

fn living(bench: &BenchDevice) -> Result<Duration> {
    let begin = Instant::now();
    let handle = bench.create()?;
    bench.start(handle)?;
    bench.wait(handle)?;
    bench.remove(handle)?;
    Ok(begin.elapsed())
}

/// Prints the memory that the runtime keeps for each container, on this PC.
fn memory() {
    let whole = size_of::<Device<RamStorage>>() - size_of::<Pc<RamStorage>>();
    let idle = whole / MAX_CONTAINERS - LOG_BYTES;
    println!("Memory of ours for each container, besides its log: {idle} bytes (aim: under 2048)");
}
