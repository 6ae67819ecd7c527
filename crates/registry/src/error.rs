// SPDX-License-Identifier: Apache-2.0
//! Errors of transfers to and from registries, with their places.

use std::fmt::{self, Display};
use std::io;

use ocre_oci::ErrorKind;

/// Reason why the transfer of an image failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RegistryCode {
    /// A document breaks a rule of its type.
    Document(ErrorKind),
    /// The name does not begin with a registry.
    RegistryMissing,
    /// No server answers under the host and the port.
    Unreachable,
    /// The registry was silent for too long.
    Timeout,
    /// The connection ended before the answer did.
    Truncated,
    /// The two sides do not agree on an encrypted connection.
    Tls,
    /// The proxy is no proxy, or does not let the connection through.
    Proxy,
    /// The registry redirects too often, or to an address that is not allowed.
    Redirect,
    /// The registry requires credentials, or does not take them.
    Unauthorized,
    /// The registry does not allow the request.
    Forbidden,
    /// There is no such repository, tag or digest.
    NotFound,
    /// The registry limits the rate of requests.
    RateLimit,
    /// The registry fails.
    Server,
    /// The registry refuses the request, for the reason that it gives.
    Refused,
    /// The server is no registry, or breaks the protocol.
    Protocol,
    /// Docker's configuration file can't be read.
    CredentialsConfig,
    /// The program that keeps the credentials is missing, or fails.
    CredentialsHelper,
    /// A document names content that is missing.
    BlobMissing,
    /// The content has another size than its descriptor.
    SizeMismatch,
    /// The content does not have its digest.
    DigestMismatch,
    /// A digest of an algorithm other than sha256.
    DigestUnsupported,
    /// The index has no image for the platform.
    PlatformNone,
    /// Indexes are nested too deep.
    IndexNestedTooDeep,
    /// A file of the PC fails.
    Io,
    /// Failure of a source or sink that is no registry: its code and its hint.
    Place(&'static str, &'static str),
}

impl RegistryCode {
    /// Every code but those of documents and of other sources and sinks.
    pub const OWN: [Self; 23] = [
        Self::RegistryMissing,
        Self::Unreachable,
        Self::Timeout,
        Self::Truncated,
        Self::Tls,
        Self::Proxy,
        Self::Redirect,
        Self::Unauthorized,
        Self::Forbidden,
        Self::NotFound,
        Self::RateLimit,
        Self::Server,
        Self::Refused,
        Self::Protocol,
        Self::CredentialsConfig,
        Self::CredentialsHelper,
        Self::BlobMissing,
        Self::SizeMismatch,
        Self::DigestMismatch,
        Self::DigestUnsupported,
        Self::PlatformNone,
        Self::IndexNestedTooDeep,
        Self::Io,
    ];

    /// The stable string, as `docs/registries.md` lists it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Document(kind) => kind.code(),
            Self::Place(code, _) => code,
            Self::RegistryMissing => "registry-missing",
            Self::Unreachable => "registry-unreachable",
            Self::Timeout => "registry-timeout",
            Self::Truncated => "registry-truncated",
            Self::Tls => "registry-tls",
            Self::Proxy => "registry-proxy",
            Self::Redirect => "registry-redirect",
            Self::Unauthorized => "registry-unauthorized",
            Self::Forbidden => "registry-forbidden",
            Self::NotFound => "registry-not-found",
            Self::RateLimit => "registry-rate-limit",
            Self::Server => "registry-server",
            Self::Refused => "registry-refused",
            Self::Protocol => "registry-protocol",
            Self::CredentialsConfig => "credentials-config",
            Self::CredentialsHelper => "credentials-helper",
            Self::BlobMissing => "blob-missing",
            Self::SizeMismatch => "size-mismatch",
            Self::DigestMismatch => "digest-mismatch",
            Self::DigestUnsupported => "digest-unsupported",
            Self::PlatformNone => "platform-none",
            Self::IndexNestedTooDeep => "index-nested-too-deep",
            Self::Io => "io",
        }
    }

    /// Hint, as in the last column of `docs/registries.md`; `None` for errors of the image.
    pub const fn hint(self) -> Option<&'static str> {
        Some(match self {
            Self::RegistryMissing => {
                "begin the name with the registry's host, such as `localhost:5000/hello:1`"
            }
            Self::Unreachable => "check the host and the port, and that the registry runs",
            Self::Timeout => "try again, or raise `--timeout`",
            Self::Truncated => "try again: the received part is kept",
            Self::Tls => {
                "name the certificate of its authority in `SSL_CERT_FILE` (one that vouches for itself \
                 must be `CA:FALSE`), or allow plain HTTP with `--plain-http` if that is what it speaks"
            }
            Self::Proxy => {
                "correct `HTTPS_PROXY` or `HTTP_PROXY`, or except the host in `NO_PROXY`"
            }
            Self::Redirect => "ask the operator of the registry",
            Self::Unauthorized => {
                "log in with `docker login`, `podman login` or `oras login`, or check the name"
            }
            Self::Forbidden => "ask the owner of the repository for access",
            Self::NotFound => "check the name, the tag and the registry",
            Self::RateLimit => "wait, or log in for a higher limit",
            Self::Server => "try again later, or ask the operator of the registry",
            Self::Refused => {
                "check the name; with `--plain-http`, check that the registry accepts plain HTTP"
            }
            Self::Protocol => "check that the host is a registry and not a web page",
            Self::CredentialsConfig => {
                "correct the file, or name another folder in `DOCKER_CONFIG`"
            }
            Self::CredentialsHelper => {
                "install the helper, or remove it from Docker's configuration file"
            }
            Self::PlatformNone => {
                "check the platforms of the index, or omit `--platform` to copy all"
            }
            Self::BlobMissing | Self::SizeMismatch | Self::DigestMismatch => {
                "push the image again from an intact copy"
            }
            Self::Io => "check the path, its permissions and the free space",
            Self::Place(_, hint) => hint,
            Self::Document(_) | Self::DigestUnsupported | Self::IndexNestedTooDeep => return None,
        })
    }

    /// True where a retry of the same request may succeed.
    pub(crate) const fn passes(self) -> bool {
        matches!(
            self,
            Self::Unreachable | Self::Timeout | Self::Truncated | Self::RateLimit | Self::Server
        )
    }
}

impl Display for RegistryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Failure, with its place and further details.
#[derive(Clone, Debug)]
pub struct Error {
    code: RegistryCode,
    at: String,
    detail: String,
}

impl Error {
    /// `at` is a host, a document, or the digest of a content.
    pub fn new(code: RegistryCode, at: impl Display) -> Self {
        Self {
            code,
            at: at.to_string(),
            detail: String::new(),
        }
    }

    /// Adds details for people.
    pub fn because(mut self, detail: impl Display) -> Self {
        self.detail = plain(&detail.to_string());
        self
    }

    /// Code of the failure.
    pub fn code(&self) -> RegistryCode {
        self.code
    }

    /// Place of the failure.
    pub fn at(&self) -> &str {
        &self.at
    }

    /// Details for people; may be empty.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// Converts an error of a read or write, of this crate or of the PC.
    pub fn of_io(error: io::Error, at: impl Display) -> Self {
        if error.get_ref().is_some_and(|inner| inner.is::<Self>()) {
            let inner = error.into_inner().and_then(|inner| inner.downcast().ok());
            return inner.map_or_else(|| Self::new(RegistryCode::Io, at), |inner| *inner);
        }
        Self::new(RegistryCode::Io, at).because(error)
    }

    /// Converts an error of a document; `at` is the document's name.
    pub fn of_document(error: ocre_oci::Error, document: &[u8], at: impl Display) -> Self {
        let pointer = ocre_oci::json::pointer(document, error.offset);
        Self::new(
            RegistryCode::Document(error.kind),
            format_args!("{at}{pointer}"),
        )
    }
}

impl Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.code, self.at)?;
        if !self.detail.is_empty() {
            write!(f, " ({})", self.detail)?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        Self::other(error)
    }
}

/// Most characters of a registry's explanation that are shown.
const MAX_DETAIL: usize = 300;

/// Puts text on one line, without the characters that a terminal obeys.
fn plain(text: &str) -> String {
    let visible = |character: char| {
        if character.is_control() {
            ' '
        } else {
            character
        }
    };
    text.chars().map(visible).take(MAX_DETAIL).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn codes_are_distinct() {
        let codes: BTreeSet<_> = RegistryCode::OWN.iter().map(|code| code.as_str()).collect();
        assert_eq!(codes.len(), RegistryCode::OWN.len());
    }

    #[test]
    fn an_error_goes_through_a_reader_as_it_is() {
        let error = Error::new(RegistryCode::Truncated, "here").because("cut");
        let back = Error::of_io(error.into(), "there");
        assert_eq!(back.to_string(), "registry-truncated at here (cut)");
        let other = Error::of_io(io::ErrorKind::NotFound.into(), "there");
        assert_eq!((other.code(), other.at()), (RegistryCode::Io, "there"));
    }

    #[test]
    fn a_registry_can_not_write_on_the_terminal() {
        let error = Error::new(RegistryCode::Refused, "here").because("a\x1b[31m\nb");
        assert_eq!(error.detail(), "a [31m b");
    }
}
