// SPDX-License-Identifier: Apache-2.0
//! `subscriber [FILTER [COUNT]]`
//!
//! Prints each message whose topic matches FILTER (`#` by default), and ends after COUNT messages.
//! Without a COUNT it ends after 5 seconds without a message. Prints that it is ready when it has
//! subscribed. Needs the permission `messaging`; without it, it exits with 1.

use std::env;
use std::ffi::CString;
use std::process::ExitCode;
use std::time::Duration;

use ocre_guest::{Error, Event, events, lost_events, names, subscribe};

ocre_guest::libc_heap!(16 * 1024);

const PATIENCE: Duration = Duration::from_secs(5);

fn main() -> ExitCode {
    let mut words = env::args().skip(1);
    let filter = words.next().unwrap_or_else(|| "#".to_owned());
    let count = words.next().and_then(|word| word.parse().ok());
    match listen(&filter, count) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("subscriber: {error}");
            ExitCode::FAILURE
        }
    }
}

fn listen(filter: &str, count: Option<u32>) -> Result<(), Error> {
    let filter = CString::new(filter).map_err(|_| Error::EINVAL)?;
    subscribe(&filter)?;
    println!("{} is ready", names()?.container());
    let mut left = count;
    let mut coming = events();
    if count.is_none() {
        coming = coming.until_quiet_for(PATIENCE);
    }
    for event in coming {
        let Event::Message(message) = event? else {
            continue;
        };
        let topic = message.topic().to_string_lossy();
        println!("{topic}: {}", String::from_utf8_lossy(message.payload()));
        left = left.map(|left| left.saturating_sub(1));
        if left == Some(0) {
            break;
        }
    }
    match lost_events()? {
        0 => {}
        lost => println!("lost: {lost}"),
    }
    Ok(())
}
