// SPDX-License-Identifier: Apache-2.0
//! Requests to a registry: authorization, redirects and retries.

use ureq::http::{Method, StatusCode, header};

use crate::auth::RegistrySession;
use crate::client::{Client, RegistryResponse, Request, Retries, refusal, seconds, text};
use crate::error::{Error, RegistryCode};

/// Most redirects of a request.
const MAX_REDIRECTS: u32 = 10;

impl RegistrySession {
    /// Sends a request, until the answer is success or `404 Not Found`.
    ///
    /// # Errors
    /// Every other outcome.
    pub fn send(&self, client: &Client, request: &Request<'_>) -> Result<RegistryResponse, Error> {
        let host = request
            .uri
            .authority()
            .map_or("", |authority| authority.as_str());
        let mut retries = Retries::new(client.settings());
        let mut asked = 0;
        loop {
            let sent = self.header();
            let failed = match self.follow(client, sent.as_deref(), request) {
                Ok(mut answer) => {
                    let status = answer.response.status();
                    if status.is_success() || status == StatusCode::NOT_FOUND {
                        return Ok(answer);
                    }
                    if status == StatusCode::UNAUTHORIZED && asked < 2 && self.is_of(&answer.uri) {
                        asked += 1;
                        let challenge = answer.header(header::WWW_AUTHENTICATE);
                        self.answer(client, challenge, sent.as_deref())?;
                        continue;
                    }
                    let wait = answer.header(header::RETRY_AFTER).and_then(seconds);
                    (refusal(client, &mut answer.response, host), wait)
                }
                Err(error) => (error, None),
            };
            let (error, wait) = failed;
            if !request.again {
                return Err(error);
            }
            retries.wait(error, wait)?;
        }
    }

    /// Sends a request once, and follows its redirects.
    fn follow(
        &self,
        client: &Client,
        authorization: Option<&str>,
        request: &Request<'_>,
    ) -> Result<RegistryResponse, Error> {
        let mut uri = request.uri.clone();
        for _ in 0..=MAX_REDIRECTS {
            let authorization = authorization.filter(|_| self.is_of(&uri));
            let reach = client.rule(self.origin()).reach(&uri);
            let response = client.send_once(authorization, request, &uri, reach)?;
            let status = response.status();
            let followed = match status.as_u16() {
                301..=303 => matches!(request.method, Method::GET | Method::HEAD),
                307 | 308 => true,
                _ => false,
            };
            if !followed {
                return Ok(RegistryResponse { response, uri });
            }
            let host = uri.host().unwrap_or_default();
            let location = text(response.headers(), header::LOCATION);
            let location = location.ok_or_else(|| {
                Error::new(RegistryCode::Redirect, host).because("it does not say where to")
            })?;
            uri = client.rule(self.origin()).follow(&uri, location)?;
        }
        let detail = format!("more than {MAX_REDIRECTS} times");
        Err(Error::new(
            RegistryCode::Redirect,
            request.uri.host().unwrap_or_default(),
        )
        .because(detail))
    }
}
