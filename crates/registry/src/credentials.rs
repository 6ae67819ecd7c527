// SPDX-License-Identifier: Apache-2.0
//! Credentials of a user at a registry.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ocre_oci::json::Value;

/// Credentials for one registry.
#[derive(Clone, PartialEq, Eq)]
pub enum Credentials {
    /// No credentials.
    Anonymous,
    /// Name and password.
    Password {
        /// Name of the user.
        user: String,
        /// Password, or another secret in its place.
        secret: String,
    },
    /// Refresh token, which is exchanged for access tokens.
    Identity(String),
    /// Token that the registry takes without another one.
    Token(String),
}

impl Credentials {
    /// Value of the header `Authorization`, if there is a password.
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

/// Text of a JSON string.
pub(crate) fn text(value: Value<'_>) -> Option<String> {
    Some(value.text().ok()?.to_string())
}
