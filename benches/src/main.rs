// SPDX-License-Identifier: Apache-2.0
//! Costs of ocre-rs. Every figure is a ratio of two things measured in one run, alternately, each
//! as the least of several: other programs on the machine only add time.
//!
//! `ocre-bench [kernels] [judging] [start] [running] [program] [transfer]`; all of them without arguments.

mod bare;
mod judging;
mod kernels;
mod layout;
mod measure;
mod program;
mod running;
mod start;
mod transfer;

use anyhow::{Result, bail};

type Benchmark = fn() -> Result<()>;

const BENCHMARKS: [(&str, Benchmark); 6] = [
    ("kernels", kernels::run),
    ("judging", judging::run),
    ("start", start::run),
    ("running", running::run),
    ("program", program::run),
    ("transfer", transfer::run),
];

fn main() -> Result<()> {
    let chosen: Vec<String> = std::env::args().skip(1).collect();
    if let Some(unknown) = chosen
        .iter()
        .find(|name| BENCHMARKS.iter().all(|(known, _)| known != name))
    {
        bail!(
            "no benchmark is called {unknown}: there are kernels, judging, start, running, program and transfer"
        );
    }
    for (name, benchmark) in BENCHMARKS {
        if chosen.is_empty() || chosen.iter().any(|chosen| chosen == name) {
            benchmark()?;
            println!();
        }
    }
    Ok(())
}
