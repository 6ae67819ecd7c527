// SPDX-License-Identifier: Apache-2.0
//! Credential helpers: programs `docker-credential-NAME` that keep names and passwords.
//!
//! A helper has answered when it exits. A process that it leaves in the background, such as an
//! agent, may keep its pipes open; the answer does not wait for that, and is bounded in bytes and
//! in time.

use std::io::{self, Write as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use ocre_oci::json;
use rustix::io::Errno;

use crate::credentials::{Credentials, text};
use crate::error::{Error, RegistryCode};
use crate::transfer::document_caps;

/// Most bytes of an answer.
const MAX_ANSWER: usize = 64 * 1024;

/// Time between two looks at a helper.
const INTERVAL: Duration = Duration::from_millis(10);

/// Asks the helper of a name for the credentials of a registry.
///
/// # Errors
/// `credentials-helper`.
pub fn ask(name: &str, registry: &str, limit: Duration) -> Result<Credentials, Error> {
    let program = format!("docker-credential-{name}");
    let failed =
        |detail: String| Error::new(RegistryCode::CredentialsHelper, &program).because(detail);
    if name.contains(['/', '\0']) {
        return Err(failed("that is no name".to_owned()));
    }
    let mut child = Command::new(&program)
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| failed(error.to_string()))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A helper that does not read its input reports that itself.
        let _ = stdin.write_all(registry.as_bytes());
    }
    let answered = answer(&mut child, limit);
    if answered.is_err() {
        // It may have ended meanwhile.
        let _ = child.kill();
        let _ = child.wait();
    }
    let (status, answer) = answered.map_err(|error| failed(error.to_string()))?;
    if !status.success() {
        let answer = String::from_utf8_lossy(&answer);
        // Docker's helpers say so that they have none.
        if answer.contains("credentials not found") {
            return Ok(Credentials::Anonymous);
        }
        let words = answer.trim();
        return Err(match words {
            "" => failed(status.to_string()),
            words => failed(words.to_owned()),
        });
    }
    let parsed = json::parse(&answer, &document_caps())
        .map_err(|error| failed(format!("its answer is no JSON: {}", error.kind)))?;
    let member = |name: &str| parsed.get(name).and_then(text);
    match (member("Username"), member("Secret")) {
        (Some(user), Some(secret)) if user == "<token>" => Ok(Credentials::Identity(secret)),
        (Some(user), Some(secret)) => Ok(Credentials::Password { user, secret }),
        _ => Err(failed("its answer has no Username and Secret".to_owned())),
    }
}

/// Reads the output of a helper until it exits.
fn answer(child: &mut Child, limit: Duration) -> io::Result<(ExitStatus, Vec<u8>)> {
    let stdout = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
    rustix::io::ioctl_fionbio(&stdout, true)?;
    let until = Instant::now() + limit;
    let mut answer = Vec::new();
    loop {
        // All output of an exited helper is in the pipe by then.
        let status = child.try_wait()?;
        drain(&stdout, &mut answer)?;
        if let Some(status) = status {
            return Ok((status, answer));
        }
        if Instant::now() > until {
            let detail = format!("it did not end within {} s", limit.as_secs_f32());
            return Err(io::Error::new(io::ErrorKind::TimedOut, detail));
        }
        thread::sleep(INTERVAL);
    }
}

/// Appends the content of a pipe that does not block.
fn drain(pipe: &impl rustix::fd::AsFd, answer: &mut Vec<u8>) -> io::Result<()> {
    let mut buffer = [0; 4096];
    loop {
        match rustix::io::read(pipe, &mut buffer) {
            Ok(0) | Err(Errno::AGAIN) => return Ok(()),
            Ok(count) if answer.len() + count > MAX_ANSWER => {
                let detail = format!("its answer has more than {MAX_ANSWER} bytes");
                return Err(io::Error::new(io::ErrorKind::InvalidData, detail));
            }
            Ok(count) => answer.extend_from_slice(&buffer[..count]),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}
