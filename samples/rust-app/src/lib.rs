// SPDX-License-Identifier: Apache-2.0
//! Runs one container from Rust, to its end.
#![no_std]

use ocre::container::Options;
use ocre::image::verdict::Verdict;
use ocre::supervisor::{CreateError, CreateRequest};
use ocre_zephyr::InitError;
use zephyr::printkln;

#[unsafe(no_mangle)]
extern "C" fn rust_main() {
    if let Err(error) = ocre_zephyr::init() {
        printkln!("ocre does not start: {}", cause(error));
        return;
    }
    let Some(runtime) = ocre_zephyr::runtime() else {
        return;
    };
    let mut request = CreateRequest {
        image: "greeter",
        name: Some("greeter"),
        options: Options {
            arguments: &["Zephyr"],
            attached: true,
            // Created again at each boot.
            temporary: true,
            ..Options::default()
        },
        ..CreateRequest::default()
    };
    let mut verdict = Verdict::new(false);
    let created = ocre_zephyr::create(runtime, &mut request, &mut verdict);
    let container = match created {
        Ok(container) => container,
        Err(CreateError::Reference(code)) => {
            printkln!("no container of greeter: {}", code);
            return;
        }
        Err(CreateError::Refused) => {
            let code = verdict.code().unwrap_or_default();
            printkln!("no container of greeter: {} at {}", code, verdict.at());
            return;
        }
        Err(CreateError::Container(error)) => {
            printkln!("no container of greeter: {}", error.code());
            return;
        }
    };
    // An error is the state, too.
    let _ = runtime.start(container).and_then(|()| runtime.wait(container, None));
    if let Ok(status) = runtime.status(container) {
        printkln!("greeter ended: {}", status.state);
    }
    let _ = runtime.remove(container, false);
}

fn cause(error: InitError) -> &'static str {
    match error {
        InitError::Busy => "another thread starts it, or it has failed",
        InitError::Mount(_) => "the partition does not mount",
        InitError::Engine => "the heap is too small",
    }
}
