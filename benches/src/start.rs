// SPDX-License-Identifier: Apache-2.0
//! Starting a judged image against bare WAMR: from code in memory to the first instruction of the
//! guest, through the checks of `judge::load` and the engine's port; and the same with reading
//! the code from flash and hashing it. Bare WAMR is a C program over the same library that loads
//! and instantiates the same bytes.

use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, ensure};
use ocre::image::Image;
use ocre::image::OciLayout;
use ocre::image::judge::{load, read_executable};
use ocre::port::{Engine as _, Exit, Host, HostExit, Program, Storage};
use ocre_module_reader::wasm;
use ocre_pc::flash::{Geometry, RamFlash};
use ocre_pc::littlefs::LittleFs;
use ocre_wamr::RunInterrupt;

use crate::bare::Bare;
use crate::layout;
use crate::layout::POLICY;
use crate::measure::{engine, time};

const TIMES: u32 = 200;

pub fn run() -> Result<()> {
    println!("Start: time as a multiple of bare WAMR's load and instantiate (aim: at most 1.1)");
    let guests = std::env::var_os("OCRE_GUESTS").context("OCRE_GUESTS names no folder")?;
    let folder = tempfile::tempdir()?;
    let bare_wamr = Bare::build(folder.path())?;
    for guest in ["hello", "hello-c"] {
        let path = Path::new(&guests).join(guest).with_extension("wasm");
        let wasm = fs::read(&path).with_context(|| format!("can't read {}", path.display()))?;
        let (flash, formatted) = LittleFs::format(RamFlash::new(Geometry::default()));
        formatted.map_err(|error| anyhow!("{error}"))?;
        let storage = LittleFs::mount(flash).map_err(|(_, error)| anyhow!("{error}"))?;
        layout::write(&storage, &wasm, &[], b"a blob")?;
        let image = layout::judged(&storage)?;
        let mut bare = Duration::MAX;
        let (mut from_memory, mut from_flash) = (Duration::MAX, Duration::MAX);
        // A few turns each, so that what slows the machine slows all of them.
        for _ in 0..5 {
            bare = bare.min(bare_wamr.time("start", &path, TIMES)?);
            for _ in 0..TIMES {
                let (memory, flash) = start(&storage, &image)?;
                from_memory = from_memory.min(memory);
                from_flash = from_flash.min(flash);
            }
        }
        let ratio = |taken: Duration| taken.as_secs_f64() / bare.as_secs_f64();
        println!(
            "{guest:10} {:6} bytes  {:5.2} from memory  {:5.2} from flash   (bare WAMR {bare:?})",
            wasm.len(),
            ratio(from_memory),
            ratio(from_flash),
        );
        println!(
            "{:10} {:5.2} of it in the reader of modules",
            "",
            reading(&wasm)?
        );
    }
    Ok(())
}

/// Time of the reader of modules as a share of the time of WAMR's load behind it (aim: at most
/// 0.1).
fn reading(wasm: &[u8]) -> Result<f64> {
    let engine = engine()?;
    let (mut read, mut loaded) = (Duration::MAX, Duration::MAX);
    for _ in 0..5 * TIMES {
        let (result, taken) = time(|| {
            let mut scratch = vec![0; wasm::scratch_words(black_box(wasm))];
            wasm::check(wasm, &mut scratch)
        });
        result.map_err(|refusal| anyhow!("{refusal}"))?;
        read = read.min(taken);
        let code = engine.code(wasm).context("no memory")?;
        let (module, taken) = time(|| engine.load(code, &mut |_| ()));
        module.map_err(|error| anyhow!("{error:?}"))?;
        loaded = loaded.min(taken);
    }
    Ok(read.as_secs_f64() / loaded.saturating_sub(read).as_secs_f64())
}

/// Host that ends the guest at its first call.
struct EndAtOnce;

impl Host for EndAtOnce {
    fn call(&mut self, _: usize, _: &mut [u8], _: &mut [u64]) -> Result<(), HostExit> {
        Err(HostExit::Exit(0))
    }
}

/// Time to the guest's first instruction, without and with reading the code.
fn start<S: Storage>(storage: &S, image: &Image) -> Result<(Duration, Duration)> {
    let engine = engine()?;
    let begin = Instant::now();
    let source = OciLayout { storage, root: "/" };
    let code =
        read_executable(source, engine, &image.executable).map_err(|code| anyhow!("{code}"))?;
    let read = begin.elapsed();
    let module = load(engine, code, &image.loadable(), &POLICY, &mut |_| ())
        .map_err(|code| anyhow!("{code}"))?;
    let program = Program {
        entry: &image.entry_point,
        memory_bytes: POLICY.memory_bytes,
        stack_bytes: 64 << 10,
        instructions: None,
    };
    let mut started = Duration::ZERO;
    let interrupt = RunInterrupt::default();
    let exit = engine
        .run(module, &program, &mut EndAtOnce, &interrupt, &mut || {
            started = begin.elapsed()
        })
        .map_err(|error| anyhow!("{error:?}"))?;
    ensure!(exit == Exit::Code(0), "the guest ended with {exit:?}");
    Ok((started - read, started))
}
