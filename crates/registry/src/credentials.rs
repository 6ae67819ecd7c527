// SPDX-License-Identifier: Apache-2.0
//! Names and passwords, where `docker login` and its like leave them.
//!
//! The file is `config.json` in `$DOCKER_CONFIG`, else in `~/.docker`. For each registry it has
//! the credentials themselves (`auths`), or the name of a program that keeps them: one of the
//! registry's own (`credHelpers`), else one for all (`credsStore`).

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};
use std::{env, fs, io};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ocre_oci::json::{self, Value};

use crate::error::{Code, Error};
use crate::transfer::document_caps;

/// Most bytes that the file may have, and the answer of a helper.
const MAX_CONFIG: u64 = 1 << 20;
const MAX_ANSWER: u64 = 64 * 1024;

/// How long a helper is waited for: it may ask its user.
const HELPER_PATIENCE: Duration = Duration::from_secs(60);

/// Who asks.
#[derive(Clone, PartialEq, Eq)]
pub enum Credentials {
    /// Nobody in particular.
    Anonymous,
    /// A name and its password.
    Password {
        /// Its name.
        user: String,
        /// Its password.
        secret: String,
    },
    /// What a token is given for, instead of a password.
    Identity(String),
    /// A token that the registry takes as it is.
    Token(String),
}

impl Credentials {
    /// The header's value that says so, if there is a password.
    pub fn basic(&self) -> Option<String> {
        match self {
            Self::Password { user, secret } => Some(format!(
                "Basic {}",
                STANDARD.encode(format!("{user}:{secret}"))
            )),
            _ => None,
        }
    }
}

/// Docker's configuration file.
#[derive(Debug, Default)]
pub struct DockerConfig {
    path: PathBuf,
    bytes: Vec<u8>,
}

impl DockerConfig {
    /// The user's; empty if there is none.
    ///
    /// # Errors
    /// `credentials-config`.
    pub fn of_user() -> Result<Self, Error> {
        let set = |name| env::var_os(name).filter(|value| !value.is_empty());
        let folder = set("DOCKER_CONFIG")
            .map(PathBuf::from)
            .or_else(|| Some(PathBuf::from(set("HOME")?).join(".docker")));
        folder.map_or_else(|| Ok(Self::default()), |folder| Self::read(&folder))
    }

    /// The one in a folder; empty if there is none.
    ///
    /// # Errors
    /// `credentials-config`.
    pub fn read(folder: &Path) -> Result<Self, Error> {
        let path = folder.join("config.json");
        let failed = |error| Error::new(Code::CredentialsConfig, path.display()).because(error);
        let mut bytes = Vec::new();
        match fs::File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            opened => opened
                .and_then(|file| file.take(MAX_CONFIG + 1).read_to_end(&mut bytes))
                .map_err(failed)?,
        };
        Self::parse(path, bytes)
    }

    /// That content of the file at `path`.
    ///
    /// # Errors
    /// `credentials-config`.
    pub fn parse(path: PathBuf, bytes: Vec<u8>) -> Result<Self, Error> {
        let config = Self { path, bytes };
        config.root()?;
        Ok(config)
    }

    fn root(&self) -> Result<Option<Value<'_>>, Error> {
        if self.bytes.iter().all(u8::is_ascii_whitespace) {
            return Ok(None);
        }
        let caps = json::Caps {
            bytes: MAX_CONFIG as u32,
            ..document_caps()
        };
        let refused = |error: ocre_oci::Error| {
            let at = format!(
                "{}{}",
                self.path.display(),
                json::pointer(&self.bytes, error.offset)
            );
            Error::new(Code::CredentialsConfig, at).because(error.kind)
        };
        let root = json::parse(&self.bytes, &caps).map_err(refused)?;
        root.expect(json::Kind::Object).map(Some).map_err(refused)
    }

    /// What it has for a registry, by the registry's name in the file.
    ///
    /// # Errors
    /// `credentials-config`, `credentials-helper`.
    pub fn credentials(&self, registry: &str) -> Result<Credentials, Error> {
        let Some(root) = self.root()? else {
            return Ok(Credentials::Anonymous);
        };
        let own = root.get("credHelpers").and_then(|all| entry(all, registry));
        let helper = own.or_else(|| root.get("credsStore"));
        if let Some(name) = helper.and_then(text).filter(|name| !name.is_empty()) {
            let found = ask(&name, registry)?;
            if found != Credentials::Anonymous {
                return Ok(found);
            }
        }
        let Some(found) = root.get("auths").and_then(|all| entry(all, registry)) else {
            return Ok(Credentials::Anonymous);
        };
        let member = |name: &str| {
            found
                .get(name)
                .and_then(text)
                .filter(|text| !text.is_empty())
        };
        if let Some(token) = member("registrytoken") {
            return Ok(Credentials::Token(token));
        }
        if let Some(token) = member("identitytoken") {
            return Ok(Credentials::Identity(token));
        }
        if let Some(both) = member("auth") {
            return decode(&both).ok_or_else(|| {
                let at = format!("{} for {registry}", self.path.display());
                Error::new(Code::CredentialsConfig, at)
                    .because("`auth` is no base64 of NAME:PASSWORD")
            });
        }
        Ok(match (member("username"), member("password")) {
            (Some(user), Some(secret)) => Credentials::Password { user, secret },
            _ => Credentials::Anonymous,
        })
    }
}

/// Base64 of a name, a colon and a password.
fn decode(both: &str) -> Option<Credentials> {
    let both = String::from_utf8(STANDARD.decode(both.trim()).ok()?).ok()?;
    let (user, secret) = both.split_once(':')?;
    Some(Credentials::Password {
        user: user.to_owned(),
        // Some tools pad with NULs.
        secret: secret.trim_end_matches('\0').to_owned(),
    })
}

fn text(value: Value<'_>) -> Option<String> {
    Some(value.text().ok()?.to_string())
}

/// A registry's entry: under its name, else under one that means the same host.
fn entry<'a>(all: Value<'a>, registry: &str) -> Option<Value<'a>> {
    let host = |name: &str| {
        let bare = name.split_once("://").map_or(name, |(_, rest)| rest);
        bare.split('/').next().unwrap_or(bare).to_ascii_lowercase()
    };
    all.get(registry).or_else(|| {
        let wanted = host(registry);
        all.members()
            .find(|(name, _)| host(&name.to_string()) == wanted)
            .map(|(_, value)| value)
    })
}

/// Asks the program that keeps the credentials.
fn ask(name: &str, registry: &str) -> Result<Credentials, Error> {
    let program = format!("docker-credential-{name}");
    let failed = |detail: String| Error::new(Code::CredentialsHelper, &program).because(detail);
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
        // One that does not listen says so by itself.
        let _ = stdin.write_all(registry.as_bytes());
    }
    let (sender, answers) = mpsc::channel();
    let stdout = child.stdout.take();
    // It is left alone where its program goes on without an end.
    thread::spawn(move || {
        let mut answer = Vec::new();
        let read = stdout.map(|stdout| stdout.take(MAX_ANSWER).read_to_end(&mut answer));
        let _ = sender.send(read.transpose().map(|_| answer));
    });
    let until = Instant::now() + HELPER_PATIENCE;
    let answer = answers.recv_timeout(HELPER_PATIENCE);
    let succeeded = wait(&mut child, until).map_err(|error| failed(error.to_string()))?;
    let answer = match answer {
        Ok(Ok(answer)) => answer,
        _ => return Err(failed("its answer can't be read".to_owned())),
    };
    if !succeeded {
        let answer = String::from_utf8_lossy(&answer);
        // How the helpers of Docker say that they have none.
        if answer.contains("credentials not found") {
            return Ok(Credentials::Anonymous);
        }
        return Err(failed(answer.trim().to_owned()));
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

/// Whether the program succeeded; it is ended where it takes too long.
fn wait(child: &mut Child, until: Instant) -> io::Result<bool> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status.success());
        }
        if Instant::now() > until {
            child.kill()?;
            child.wait()?;
            return Err(io::Error::new(io::ErrorKind::TimedOut, "it did not answer"));
        }
        thread::sleep(Duration::from_millis(10));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> Result<DockerConfig, Error> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("config.json"), text).unwrap();
        DockerConfig::read(folder.path())
    }

    fn password(user: &str, secret: &str) -> Credentials {
        Credentials::Password {
            user: user.into(),
            secret: secret.into(),
        }
    }

    #[test]
    fn credentials_stand_under_the_registrys_name_or_its_address() {
        let auth = STANDARD.encode("me:pass:word");
        for key in [
            "a.example:5000",
            "https://a.example:5000",
            "https://A.example:5000/v2/",
        ] {
            let config =
                config(&format!(r#"{{"auths":{{"{key}":{{"auth":"{auth}"}}}}}}"#)).unwrap();
            let found = config.credentials("a.example:5000").unwrap();
            assert!(found == password("me", "pass:word"), "{key}");
            assert!(config.credentials("a.example").unwrap() == Credentials::Anonymous);
        }
    }

    #[test]
    fn tokens_come_before_passwords() {
        let text = r#"{"auths":{"a.b":{"auth":"","username":"me","password":"p"},
            "c.d":{"auth":"eDp5","identitytoken":"i"},"e.f":{"identitytoken":"i","registrytoken":"r"},"g.h":{}}}"#;
        let config = config(text).unwrap();
        let found = |registry| config.credentials(registry).unwrap();
        assert!(found("a.b") == password("me", "p"));
        assert!(found("c.d") == Credentials::Identity("i".into()));
        assert!(found("e.f") == Credentials::Token("r".into()));
        assert!(found("g.h") == Credentials::Anonymous);
    }

    #[test]
    fn without_a_file_nobody_asks() {
        let folder = tempfile::tempdir().unwrap();
        let none = DockerConfig::read(folder.path()).unwrap();
        assert!(none.credentials("a.b").unwrap() == Credentials::Anonymous);
        assert!(config(" \n").unwrap().credentials("a.b").unwrap() == Credentials::Anonymous);
    }

    #[test]
    fn what_is_wrong_with_the_file_is_said_with_its_place() {
        for (text, place) in [("{", ""), ("[]", ""), (r#"{"a":1,"a":2}"#, "/a")] {
            let error = config(text).unwrap_err();
            assert_eq!(error.code(), Code::CredentialsConfig, "{text}");
            assert!(
                error.at().ends_with(&format!("config.json{place}")),
                "{error}"
            );
        }
        for auth in ["!", "eA=="] {
            let config = config(&format!(r#"{{"auths":{{"a.b":{{"auth":"{auth}"}}}}}}"#)).unwrap();
            let error = config.credentials("a.b").err().unwrap();
            assert_eq!(error.code(), Code::CredentialsConfig, "{auth}");
        }
    }

    #[test]
    fn a_helper_that_is_missing_or_no_name_is_said() {
        for name in ["there-is-none-of-this-name", "../x"] {
            let config = config(&format!(r#"{{"credsStore":"{name}"}}"#)).unwrap();
            let error = config.credentials("a.b").err().unwrap();
            assert_eq!(error.code(), Code::CredentialsHelper);
            assert_eq!(error.at(), format!("docker-credential-{name}"));
        }
    }
}
