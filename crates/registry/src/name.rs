// SPDX-License-Identifier: Apache-2.0
//! Names of images that say where they are.

use std::fmt;
use std::net::Ipv4Addr;

use ocre_oci::{DigestRef, Reference, Sha256};

use crate::error::{Error, RegistryCode};

/// Image in a repository: a tag or a digest.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Which {
    /// Image that the tag names now.
    Tag(String),
    /// Image with a digest.
    Digest(Sha256),
}

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tag(tag) => f.write_str(tag),
            Self::Digest(digest) => digest.fmt(f),
        }
    }
}

/// `HOST[:PORT]/REPOSITORY[:TAG][@DIGEST]`
///
/// ```
/// use ocre_registry::{ImageName, RegistryCode, Which};
///
/// let name = ImageName::parse("localhost:5000/team/app:1.2")?;
/// assert_eq!(name.host(), "localhost:5000");
/// assert_eq!(name.repository(), "team/app");
/// assert_eq!(name.which(), &Which::Tag("1.2".to_owned()));
///
/// let error = ImageName::parse("app:1.2").unwrap_err();
/// assert_eq!(error.code(), RegistryCode::RegistryMissing);
/// # Ok::<(), ocre_registry::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ImageName {
    host: String,
    repository: String,
    which: Which,
    text: String,
}

/// Name that stands for Docker Hub, which has another address.
const DOCKER_HUB: &str = "docker.io";

impl ImageName {
    /// Parses a name. The part before the first slash is a registry if it has a dot or a colon, or
    /// is `localhost`. A name without a registry is refused, as a guess would let another server
    /// answer.
    ///
    /// # Errors
    /// `reference-syntax`, `digest-syntax`, `digest-unsupported`, `registry-missing`.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let reference = Reference::parse(text).map_err(|error| {
            Error::new(RegistryCode::Document(error.kind), format_args!("{text:?}"))
        })?;
        let missing = || Error::new(RegistryCode::RegistryMissing, text);
        let (host, repository) = reference.name().split_once('/').ok_or_else(missing)?;
        if host != "localhost" && !host.contains(['.', ':']) {
            return Err(missing());
        }
        let which = match reference.digest() {
            Some(DigestRef::Sha256(digest)) => Which::Digest(digest),
            Some(DigestRef::Other(_)) => {
                return Err(Error::new(RegistryCode::DigestUnsupported, text));
            }
            None => Which::Tag(reference.tag().unwrap_or("latest").to_owned()),
        };
        let official = host == DOCKER_HUB && !repository.contains('/');
        Ok(Self {
            host: host.to_owned(),
            repository: if official {
                format!("library/{repository}")
            } else {
                repository.to_owned()
            },
            which,
            text: text.to_owned(),
        })
    }

    /// Registry, as spelt in the name.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Repository in the registry.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// Image in the repository. A digest decides, whatever the tag.
    pub fn which(&self) -> &Which {
        &self.which
    }

    /// Host and port of the connections.
    pub(crate) fn address(&self) -> &str {
        if self.host == DOCKER_HUB {
            "registry-1.docker.io"
        } else {
            &self.host
        }
    }

    /// Name of the registry in Docker's configuration file.
    pub(crate) fn credentials_key(&self) -> &str {
        if self.host == DOCKER_HUB {
            "https://index.docker.io/v1/"
        } else {
            &self.host
        }
    }
}

impl fmt::Display for ImageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// True for a host, with or without a port, that names this machine. No resolver is asked.
pub fn is_loopback(host: &str) -> bool {
    let bracketed = host
        .strip_prefix('[')
        .and_then(|rest| rest.split(']').next());
    let bare = bracketed.unwrap_or_else(|| host.split(':').next().unwrap_or(host));
    bare == "localhost"
        || bare.ends_with(".localhost")
        || bare == "::1"
        || bare
            .parse::<Ipv4Addr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn a_name_has_a_registry_a_repository_and_a_tag_or_digest() {
        let name = ImageName::parse("localhost:5000/a/b:1").unwrap();
        assert_eq!((name.host(), name.repository()), ("localhost:5000", "a/b"));
        assert_eq!(*name.which(), Which::Tag("1".into()));
        let name = ImageName::parse("localhost/a").unwrap();
        assert_eq!(*name.which(), Which::Tag("latest".into()));
        let name = ImageName::parse(&format!("example.com/a:1@{DIGEST}")).unwrap();
        assert_eq!(*name.which(), Which::Digest(DIGEST.parse().unwrap()));
    }

    #[test]
    fn the_first_registry_has_names_of_its_own() {
        let name = ImageName::parse("docker.io/hello").unwrap();
        assert_eq!(name.repository(), "library/hello");
        assert_eq!(name.address(), "registry-1.docker.io");
        assert_eq!(name.credentials_key(), "https://index.docker.io/v1/");
        assert_eq!(
            ImageName::parse("docker.io/a/b").unwrap().repository(),
            "a/b"
        );
    }

    #[test]
    fn what_names_no_registry_is_refused() {
        for (text, code) in [
            ("hello", RegistryCode::RegistryMissing),
            ("hello:1", RegistryCode::RegistryMissing),
            ("a/hello", RegistryCode::RegistryMissing),
            (
                "example.com/a@sha512:0",
                RegistryCode::Document(ocre_oci::ErrorKind::DigestSyntax),
            ),
            ("example.com/a@md5:0", RegistryCode::DigestUnsupported),
            (
                "Example.com/a",
                RegistryCode::Document(ocre_oci::ErrorKind::ReferenceSyntax),
            ),
        ] {
            assert_eq!(ImageName::parse(text).unwrap_err().code(), code, "{text}");
        }
    }

    #[test]
    fn loopback_is_this_machine_alone() {
        for own in [
            "localhost",
            "localhost:1",
            "127.0.0.1:5000",
            "127.9.9.9",
            "a.localhost",
            "[::1]:5",
        ] {
            assert!(is_loopback(own), "{own}");
        }
        for other in [
            "example.com",
            "127.0.0.1.example.com",
            "localhost.example.com:1",
            "10.0.0.1",
            "[::2]:5",
        ] {
            assert!(!is_loopback(other), "{other}");
        }
    }
}
