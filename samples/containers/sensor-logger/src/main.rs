// SPDX-License-Identifier: Apache-2.0
//! `sensor-logger [TIMES [MILLISECONDS]]`
//!
//! Reads every channel of every sensor, TIMES times (3 by default), every MILLISECONDS (100 by
//! default). Prints the values, and appends them to `/measured.csv`: a line for each round, each
//! value as `SENSOR.CHANNEL=VALUE`, with Zephyr's numbers of channels. Needs the permissions
//! `sensors` and `timers`; without them it exits with 1.

use std::env;
use std::error::Error;
use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use ocre_guest::{Event, Timer, events, sensors};

ocre_guest::libc_heap!(16 * 1024);

const FILE: &str = "/measured.csv";

fn main() -> ExitCode {
    let mut numbers = env::args().skip(1).map(|word| word.parse().ok());
    let times = numbers.next().flatten().unwrap_or(3);
    let period = Duration::from_millis(numbers.next().flatten().unwrap_or(100));
    match log(times, period) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sensor-logger: {error}");
            ExitCode::FAILURE
        }
    }
}

fn log(times: u64, period: Duration) -> Result<(), Box<dyn Error>> {
    let mut channels = Vec::new();
    for sensor in sensors()? {
        channels.extend(sensor.channels()?.map(|channel| (sensor.number(), channel)));
    }
    let mut file = OpenOptions::new().create(true).append(true).open(FILE)?;
    let timer = Timer::new(1)?;
    timer.every(period)?;
    let rounds = events().filter(|event| !matches!(event, Ok(event) if !is_tick(event)));
    for round in rounds.take(usize::try_from(times)?) {
        round?;
        let mut line = String::new();
        for (sensor, channel) in &channels {
            if !line.is_empty() {
                line.push(' ');
            }
            let thousandths = (channel.read() * 1000.0).round() as i64;
            let (sign, size) = (if thousandths < 0 { "-" } else { "" }, thousandths.abs());
            let (kind, whole, rest) = (channel.kind(), size / 1000, size % 1000);
            write!(line, "{sensor}.{kind}={sign}{whole}.{rest:03}")?;
        }
        println!("{line}");
        writeln!(file, "{line}")?;
    }
    Ok(())
}

fn is_tick(event: &Event) -> bool {
    matches!(event, Event::Timer(_))
}
