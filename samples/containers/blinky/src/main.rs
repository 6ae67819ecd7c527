// SPDX-License-Identifier: Apache-2.0
//! `blinky [TIMES [MILLISECONDS]]`
//!
//! Switches `led0` on and off TIMES times (5 by default), every MILLISECONDS (100 by default), and
//! prints each change. Ends after the last one, or when `sw0` is pressed, where there is one.
//! Needs the permissions `gpio` and `timers`; without them it names the failed step and exits
//! with 1.
//!
//! Without the standard library and without a heap: a guest with them is five times as large.
#![no_std]
#![no_main]

use core::time::Duration;

use ocre_guest::{Error, Event, GuestArguments, Input, Output, Timer, eprintln, events, println};

ocre_guest::main!(run);

fn run() -> u8 {
    let arguments = GuestArguments::<64>::read();
    let mut numbers = arguments
        .iter()
        .flat_map(GuestArguments::iter)
        .map(|word| word.parse().ok());
    let times = numbers.next().flatten().unwrap_or(5);
    let period = Duration::from_millis(numbers.next().flatten().unwrap_or(100));
    match blink(times, period) {
        Ok(()) => 0,
        Err((what, error)) => {
            eprintln!("blinky: {what}: {error}");
            1
        }
    }
}

fn blink(times: u64, period: Duration) -> Result<(), (&'static str, Error)> {
    let led = Output::named(c"led0").map_err(|error| ("led0", error))?;
    let button = match Input::named(c"sw0").and_then(|button| {
        button.watch()?;
        Ok(button)
    }) {
        Ok(button) => Some(button),
        // A board has no button, or one that can't be watched.
        Err(Error::ENODEV | Error::ENOTSUP) => None,
        Err(error) => return Err(("sw0", error)),
    };
    let timer = Timer::new(1).map_err(|error| ("timer", error))?;
    timer.every(period).map_err(|error| ("timer", error))?;
    let mut left = 2 * times;
    for event in events() {
        match event.map_err(|error| ("event", error))? {
            Event::Timer(_) if left > 0 => {
                led.toggle().map_err(|error| ("led0", error))?;
                let is_on = led.is_active().map_err(|error| ("led0", error))?;
                println!("led0 {}", if is_on { "on" } else { "off" });
                left -= 1;
                if left == 0 {
                    break;
                }
            }
            Event::Pin { active: true, .. } if button.is_some() => {
                println!("sw0 pressed");
                break;
            }
            _ => {}
        }
    }
    led.set(false).map_err(|error| ("led0", error))
}
