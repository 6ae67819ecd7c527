// SPDX-License-Identifier: Apache-2.0
//! Saying who asks, as a registry wants it: by name and password, or by a token that is had for
//! them (the token specification of the distribution project).

use std::sync::{Mutex, PoisonError};

use ocre_oci::json;
use ureq::http::Uri;

use crate::challenge::Challenge;
use crate::client::{Client, read_body, refusal};
use crate::credentials::Credentials;
use crate::error::{Error, RegistryCode};
use crate::name::ImageName;
use crate::transfer::document_caps;
use crate::url::{same_origin, without_query};

/// Most bytes of a token's document.
const MAX_TOKEN: usize = 256 * 1024;

/// Authorization at one registry for one repository.
pub struct RegistrySession {
    name: ImageName,
    origin: Uri,
    scopes: Vec<String>,
    said: Mutex<Option<Authorization>>,
}

/// Value of the header `Authorization`; `renewable` where another one can be requested.
#[derive(Clone)]
struct Authorization {
    header: String,
    renewable: bool,
}

impl RegistrySession {
    /// Session without authorization yet. `origin` is the registry's address; `scopes` are the
    /// actions to be done, as the token specification spells them.
    pub fn new(name: &ImageName, origin: Uri, scopes: Vec<String>) -> Self {
        Self {
            name: name.clone(),
            origin,
            scopes,
            said: Mutex::new(None),
        }
    }

    /// Address of the registry.
    pub fn origin(&self) -> &Uri {
        &self.origin
    }

    /// True for an address of the registry itself. No other address gets the credentials.
    pub fn is_of(&self, uri: &Uri) -> bool {
        same_origin(&self.origin, uri)
    }

    /// Value of the header `Authorization`; `None` before the first challenge.
    pub fn header(&self) -> Option<String> {
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        said.as_ref().map(|said| said.header.clone())
    }

    /// Answers a challenge, so that [`header`](Self::header) has the authorization. `sent` is the
    /// header's value that was refused.
    ///
    /// # Errors
    /// `registry-unauthorized` where there are no better credentials; the errors of the
    /// credentials, and of the server that issues tokens.
    pub fn answer(
        &self,
        client: &Client,
        challenge: Option<&str>,
        sent: Option<&str>,
    ) -> Result<(), Error> {
        let refused =
            |detail: &str| Error::new(RegistryCode::Unauthorized, self.name.host()).because(detail);
        if let Some(said) = self.current()
            && sent == Some(&*said.header)
            && !said.renewable
        {
            return Err(refused("the credentials are not taken"));
        }
        let challenge = challenge
            .and_then(Challenge::parse)
            .ok_or_else(|| refused("it does not say how to log in"))?;
        let credentials = client.credentials(self.name.credentials_key())?;
        let said = match (challenge, credentials) {
            (_, Credentials::Token(token)) => Authorization {
                header: format!("Bearer {token}"),
                renewable: false,
            },
            (Challenge::Basic, credentials) => Authorization {
                header: credentials
                    .basic()
                    .ok_or_else(|| refused("it asks for a name and a password"))?,
                renewable: false,
            },
            (
                Challenge::Bearer {
                    realm,
                    service,
                    scope,
                },
                credentials,
            ) => {
                let token = self.token(client, &realm, service.as_deref(), scope, &credentials)?;
                Authorization {
                    header: format!("Bearer {token}"),
                    renewable: true,
                }
            }
        };
        *self.said.lock().unwrap_or_else(PoisonError::into_inner) = Some(said);
        Ok(())
    }

    fn current(&self) -> Option<Authorization> {
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        said.clone()
    }

    /// Requests a token.
    fn token(
        &self,
        client: &Client,
        realm: &str,
        service: Option<&str>,
        asked: Option<String>,
        credentials: &Credentials,
    ) -> Result<String, Error> {
        let rule = client.rule(&self.origin);
        let uri = rule.follow(&self.origin, realm)?;
        if *credentials != Credentials::Anonymous && !rule.may_learn_credentials(&uri) {
            let realm = without_query(&uri);
            let detail = format!("its realm would learn the credentials unencrypted: {realm}");
            return Err(Error::new(RegistryCode::Redirect, self.name.host()).because(detail));
        }
        let mut scopes = self.scopes.clone();
        if let Some(asked) = asked.filter(|asked| !self.scopes.iter().any(|own| covers(own, asked)))
        {
            scopes.push(asked);
        }
        let host = uri.host().unwrap_or_default().to_owned();
        let agent = client.agent(&uri, rule.reach(&uri))?;
        let response = if let Credentials::Identity(token) = credentials {
            let scopes = scopes.join(" ");
            let mut form = vec![
                ("grant_type", "refresh_token"),
                ("client_id", "ocre"),
                ("refresh_token", token),
                ("scope", &scopes),
            ];
            form.extend(service.map(|service| ("service", service)));
            agent.post(uri.clone()).send_form(form)
        } else {
            let mut request = agent.get(uri.clone());
            if let Some(service) = service {
                request = request.query("service", service);
            }
            for scope in &scopes {
                request = request.query("scope", scope);
            }
            if let Some(header) = credentials.basic() {
                request = request.header("Authorization", header);
            }
            request.call()
        };
        let mut response = response.map_err(|error| client.failure(error, &host))?;
        if !response.status().is_success() {
            return Err(refusal(client, &mut response, &host));
        }
        let bytes = read_body(client, response.body_mut(), MAX_TOKEN, &host)?;
        let wrong = |detail: &dyn std::fmt::Display| {
            Error::new(RegistryCode::Protocol, &host)
                .because(format_args!("it gave no token: {detail}"))
        };
        let answer = json::parse(&bytes, &document_caps()).map_err(|error| wrong(&error))?;
        let token = answer.get("token").or_else(|| answer.get("access_token"));
        token
            .and_then(|token| Some(token.text().ok()?.to_string()))
            .filter(|token| !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic()))
            .ok_or_else(|| wrong(&"there is none in its answer"))
    }
}

/// True where `scope`, `TYPE:NAME:ACTION,…`, allows all that `other` does.
fn covers(scope: &str, other: &str) -> bool {
    match (scope.rsplit_once(':'), other.rsplit_once(':')) {
        (Some((what, actions)), Some((same, wanted))) => {
            what == same
                && wanted
                    .split(',')
                    .all(|wanted| actions.split(',').any(|action| action == wanted))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_covers_what_it_allows() {
        assert!(covers("repository:a/b:pull,push", "repository:a/b:pull"));
        assert!(!covers("repository:a/b:pull", "repository:a/b:pull,push"));
        assert!(!covers("repository:a/b:pull", "repository:a:pull"));
        assert!(!covers("x", "x"));
    }
}
