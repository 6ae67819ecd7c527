// SPDX-License-Identifier: Apache-2.0
//! Names and passwords, where `docker login` and its like leave them.
//!
//! The file is `config.json` in `$DOCKER_CONFIG`, else in `~/.docker`. For each registry it has
//! the credentials themselves (`auths`), or the name of a program that keeps them: one of the
//! registry's own (`credHelpers`), else one for all (`credsStore`).

use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{env, io};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ocre_files::MAX_CONFIG;
use ocre_oci::json::{self, Value};

use crate::credentials::{Credentials, text};
use crate::error::{Error, RegistryCode};
use crate::helper;
use crate::transfer::document_caps;

/// Time limit of a credential helper, which may ask its user.
const HELPER_TIMEOUT: Duration = Duration::from_secs(60);

/// Docker's configuration file.
#[derive(Debug)]
pub struct DockerConfig {
    path: PathBuf,
    bytes: Vec<u8>,
    helper_timeout: Duration,
}

impl Default for DockerConfig {
    /// Empty configuration.
    fn default() -> Self {
        Self {
            path: PathBuf::new(),
            bytes: Vec::new(),
            helper_timeout: HELPER_TIMEOUT,
        }
    }
}

impl DockerConfig {
    /// Configuration of the user; empty if there is no file.
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

    /// Configuration in a folder; empty if there is no file.
    ///
    /// # Errors
    /// `credentials-config`.
    pub fn read(folder: &Path) -> Result<Self, Error> {
        let path = folder.join("config.json");
        let failed =
            |error| Error::new(RegistryCode::CredentialsConfig, path.display()).because(error);
        match ocre_files::read(&path, MAX_CONFIG) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            read => {
                let bytes = read.map_err(failed)?;
                Self::parse(path, bytes)
            }
        }
    }

    /// Sets the time limit of credential helpers.
    #[must_use]
    pub fn helper_timeout(self, limit: Duration) -> Self {
        Self {
            helper_timeout: limit,
            ..self
        }
    }

    /// Configuration with the content of the file at `path`.
    ///
    /// # Errors
    /// `credentials-config`.
    pub fn parse(path: PathBuf, bytes: Vec<u8>) -> Result<Self, Error> {
        let config = Self {
            path,
            bytes,
            ..Self::default()
        };
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
            Error::new(RegistryCode::CredentialsConfig, at).because(error.kind)
        };
        let root = json::parse(&self.bytes, &caps).map_err(refused)?;
        root.expect(json::Kind::Object).map(Some).map_err(refused)
    }

    /// Credentials for a registry, by the registry's name in the file.
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
            let found = helper::ask(&name, registry, self.helper_timeout)?;
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
                Error::new(RegistryCode::CredentialsConfig, at)
                    .because("`auth` is no base64 of NAME:PASSWORD")
            });
        }
        Ok(match (member("username"), member("password")) {
            (Some(user), Some(secret)) => Credentials::Password { user, secret },
            _ => Credentials::Anonymous,
        })
    }
}

/// Decodes Base64 of a name, a colon and a password.
fn decode(both: &str) -> Option<Credentials> {
    let both = String::from_utf8(STANDARD.decode(both.trim()).ok()?).ok()?;
    let (user, secret) = both.split_once(':')?;
    Some(Credentials::Password {
        user: user.to_owned(),
        // Some tools pad with NULs.
        secret: secret.trim_end_matches('\0').to_owned(),
    })
}

/// Entry of a registry: under its name, else under a name of the same host.
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

#[cfg(test)]
mod tests {
    use std::fs;

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
            assert_eq!(error.code(), RegistryCode::CredentialsConfig, "{text}");
            assert!(
                error.at().ends_with(&format!("config.json{place}")),
                "{error}"
            );
        }
        for auth in ["!", "eA=="] {
            let config = config(&format!(r#"{{"auths":{{"a.b":{{"auth":"{auth}"}}}}}}"#)).unwrap();
            let error = config.credentials("a.b").err().unwrap();
            assert_eq!(error.code(), RegistryCode::CredentialsConfig, "{auth}");
        }
    }

    #[test]
    fn a_helper_that_is_missing_or_no_name_is_said() {
        for name in ["there-is-none-of-this-name", "../x"] {
            let config = config(&format!(r#"{{"credsStore":"{name}"}}"#)).unwrap();
            let error = config.credentials("a.b").err().unwrap();
            assert_eq!(error.code(), RegistryCode::CredentialsHelper);
            assert_eq!(error.at(), format!("docker-credential-{name}"));
        }
    }
}
