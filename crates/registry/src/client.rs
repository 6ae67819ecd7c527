// SPDX-License-Identifier: Apache-2.0
//! Requests to registries: sent again where that helps, led elsewhere where that is safe.
//!
//! A registry on this machine is first spoken to over TLS and, unless it has a certificate that
//! is wrong, then in plain text; any other over TLS, unless plain HTTP was asked for.

use std::collections::HashMap;
use std::io::Read;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use ocre_oci::json;
use ureq::http::{HeaderMap, Method, Response, Uri, header};
use ureq::unversioned::transport::{
    ConnectProxyConnector, Connector as _, RustlsConnector, TcpConnector,
};
use ureq::{Agent, Body, SendBody};

use crate::address::{AddressRule, Reach};
use crate::credentials::Credentials;
use crate::docker_config::DockerConfig;
use crate::error::{Error, RegistryCode};
use crate::name::is_loopback;
use crate::network::Network;
use crate::pace::{OUTPUT_BYTES, Pacer};
use crate::resolver::{Guarded, Networks};
use crate::transfer::document_caps;
use crate::{proxy, tls};

/// Settings of the connections to registries.
#[derive(Clone, Debug)]
pub struct ClientSettings {
    /// Plain HTTP to every registry, without TLS.
    pub plain_http: bool,
    /// A registry in a public network may lead to private ones.
    pub allow_private: bool,
    /// Number of retries after a failure that may pass.
    pub retries: u32,
    /// Wait before the first retry. Each next wait is twice as long, up to `MAX_WAIT`.
    pub first_wait: Duration,
    /// Longest silence of a registry, and longest time for 4 KiB in either direction.
    pub timeout: Duration,
}

impl Default for ClientSettings {
    fn default() -> Self {
        Self {
            plain_http: false,
            allow_private: false,
            retries: 5,
            first_wait: Duration::from_millis(250),
            timeout: Duration::from_secs(60),
        }
    }
}

/// Longest wait, also where a registry asks for more.
const MAX_WAIT: Duration = Duration::from_secs(60);

/// Most bytes of a registry's explanation of a refusal.
const MAX_REFUSAL: usize = 16 * 1024;

/// Properties in which connections differ: encryption, proxy and reach.
type AgentKey = (bool, Option<String>, Reach);

/// HTTP client for registries.
pub struct Client {
    settings: ClientSettings,
    config: DockerConfig,
    agents: Mutex<HashMap<AgentKey, Agent>>,
    networks: Networks,
    /// For each registry on this machine, true where it speaks TLS, as far as is known.
    encrypted: Mutex<HashMap<String, bool>>,
}

/// Body of a request.
pub enum Payload<'a> {
    /// No body.
    None,
    /// Bytes in memory.
    Bytes(&'a [u8]),
    /// A number of bytes of a reader, which is opened for each attempt.
    Stream(
        u64,
        &'a dyn Fn() -> Result<Box<dyn Read + Send + 'a>, Error>,
    ),
}

/// A request to a registry.
pub struct Request<'a> {
    /// HTTP method.
    pub method: Method,
    /// Address.
    pub uri: Uri,
    /// Further headers.
    pub headers: Vec<(header::HeaderName, String)>,
    /// Body.
    pub payload: Payload<'a>,
    /// True where the request may be sent again.
    pub again: bool,
}

/// Response of a registry, and its address.
pub struct RegistryResponse {
    /// Response with a status of success, or `404 Not Found`.
    pub response: Response<Body>,
    /// Address after the last redirect.
    pub uri: Uri,
}

impl RegistryResponse {
    /// Value of a header, if it is text.
    pub fn header(&self, name: impl header::AsHeaderName) -> Option<&str> {
        text(self.response.headers(), name)
    }
}

/// Value of a header, if it is text.
pub fn text(headers: &HeaderMap, name: impl header::AsHeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

impl Client {
    /// Creates a client with the credentials of `config`.
    pub fn new(settings: ClientSettings, config: DockerConfig) -> Self {
        Self {
            settings,
            config,
            agents: Mutex::default(),
            networks: Networks::default(),
            encrypted: Mutex::default(),
        }
    }

    /// Settings of the client.
    pub fn settings(&self) -> &ClientSettings {
        &self.settings
    }

    /// See [`DockerConfig::credentials`].
    pub fn credentials(&self, registry: &str) -> Result<Credentials, Error> {
        self.config.credentials(registry)
    }

    /// Scheme of a registry: `https` or `http`.
    ///
    /// # Errors
    /// `registry-tls` where it is on this machine and has the wrong certificate.
    pub fn scheme(&self, host: &str) -> Result<&'static str, Error> {
        if self.settings.plain_http {
            return Ok("http");
        }
        if !is_loopback(host) {
            return Ok("https");
        }
        let known = |map: &HashMap<String, bool>| map.get(host).copied();
        let found = known(
            &self
                .encrypted
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        );
        let encrypted = match found {
            Some(encrypted) => encrypted,
            None => self.is_encrypted(host)?,
        };
        let mut all = self
            .encrypted
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        all.insert(host.to_owned(), encrypted);
        Ok(if encrypted { "https" } else { "http" })
    }

    fn is_encrypted(&self, host: &str) -> Result<bool, Error> {
        let uri = parse(&format!("https://{host}/v2/"))?;
        let agent = self.agent(&uri, Reach::Asked)?;
        let probe = agent
            .get(uri)
            .config()
            .timeout_global(Some(self.settings.timeout.min(Duration::from_secs(10))))
            .build();
        match probe.call() {
            Ok(_) => Ok(true),
            Err(error) if is_certificate(&error) => Err(self.failure(error, host)),
            Err(_) => Ok(false),
        }
    }

    /// Rule for the addresses that the registry at `asked` names.
    pub fn rule<'a>(&self, asked: &'a Uri) -> AddressRule<'a> {
        let network = self.networks.of(asked.host().unwrap_or_default());
        let as_private = self.settings.allow_private && network == Some(Network::Public);
        AddressRule {
            asked,
            network: if as_private {
                Some(Network::Private)
            } else {
                network
            },
            plain_http: self.settings.plain_http,
        }
    }

    /// HTTP agent for the host of an address, if that is in reach.
    ///
    /// # Errors
    /// `registry-proxy`, `registry-tls`.
    pub fn agent(&self, uri: &Uri, reach: Reach) -> Result<Agent, Error> {
        let host = uri.authority().map_or("", |authority| authority.as_str());
        let encrypted = uri.scheme_str() == Some("https");
        let proxy = proxy::of(if encrypted { "https" } else { "http" }, host);
        // Behind a proxy, the only connection is to the proxy, which the user named.
        let reach = proxy.as_ref().map_or(reach, |_| Reach::Asked);
        let key = (encrypted, proxy, reach);
        let mut agents = self.agents.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(agent) = agents.get(&key) {
            return Ok(agent.clone());
        }
        let proxy = key
            .1
            .as_deref()
            .map(|text| proxy::parse(text, host))
            .transpose()?;
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(concat!("ocre/", env!("CARGO_PKG_VERSION")))
            .accept_encoding("identity")
            .proxy(proxy)
            .timeout_resolve(Some(self.settings.timeout))
            .timeout_connect(Some(self.settings.timeout))
            .timeout_send_request(Some(self.settings.timeout))
            .timeout_recv_response(Some(self.settings.timeout))
            .timeout_per_read(Some(self.settings.timeout))
            .timeout_per_write(Some(self.settings.timeout))
            .output_buffer_size(OUTPUT_BYTES);
        if encrypted {
            config = config.tls_config(tls::config()?);
        }
        let agent = Agent::with_parts(
            config.build(),
            ().chain(ConnectProxyConnector::default())
                .chain(TcpConnector::default())
                .chain(Pacer {
                    limit: self.settings.timeout,
                })
                .chain(RustlsConnector::default()),
            Guarded::new(reach, self.networks.clone()),
        );
        agents.insert(key, agent.clone());
        Ok(agent)
    }

    /// Sends a request once to `uri`, with the value of the header `Authorization`.
    ///
    /// # Errors
    /// Failures of the connection; every status is a response.
    pub fn send_once(
        &self,
        authorization: Option<&str>,
        request: &Request<'_>,
        uri: &Uri,
        reach: Reach,
    ) -> Result<Response<Body>, Error> {
        let host = uri.authority().map_or("", |authority| authority.as_str());
        let mut builder = ureq::http::Request::builder()
            .method(request.method.clone())
            .uri(uri.clone());
        for (name, value) in &request.headers {
            builder = builder.header(name, value);
        }
        if let Some(authorization) = authorization {
            builder = builder.header(header::AUTHORIZATION, authorization);
        }
        let wrong =
            |error: ureq::http::Error| Error::new(RegistryCode::Protocol, host).because(error);
        let agent = self.agent(uri, reach)?;
        let sent = match &request.payload {
            Payload::None => agent.run(builder.body(()).map_err(wrong)?),
            Payload::Bytes(bytes) => agent.run(builder.body(*bytes).map_err(wrong)?),
            Payload::Stream(size, open) => {
                let mut reader = open()?;
                let builder = builder.header(header::CONTENT_LENGTH, *size);
                let body = SendBody::from_reader(&mut reader);
                agent.run(builder.body(body).map_err(wrong)?)
            }
        };
        sent.map_err(|error| self.failure(error, host))
    }

    /// Error for a failed request to `host`.
    pub fn failure(&self, error: ureq::Error, host: &str) -> Error {
        use std::io::ErrorKind as Kind;
        let new = |code| Error::new(code, host);
        match error {
            ureq::Error::Timeout(limit) => {
                let what = match limit {
                    ureq::Timeout::Resolve | ureq::Timeout::Connect => "no connection within",
                    ureq::Timeout::SendRequest => "the request was not read within",
                    ureq::Timeout::RecvResponse => "no answer within",
                    _ => "silent for",
                };
                let limit = self.settings.timeout.as_secs_f32();
                new(RegistryCode::Timeout).because(format_args!("{what} {limit} s"))
            }
            ureq::Error::HostNotFound => new(RegistryCode::Unreachable).because("no such host"),
            ureq::Error::Io(error) => {
                let own = error.get_ref();
                if own.is_some_and(|inner| inner.is::<Error>()) {
                    return Error::of_io(error, host);
                }
                if own.is_some_and(|inner| inner.is::<rustls::Error>()) {
                    return new(RegistryCode::Tls).because(error);
                }
                let code = match error.kind() {
                    Kind::TimedOut | Kind::WouldBlock => RegistryCode::Timeout,
                    Kind::UnexpectedEof
                    | Kind::ConnectionReset
                    | Kind::ConnectionAborted
                    | Kind::BrokenPipe => RegistryCode::Truncated,
                    _ => RegistryCode::Unreachable,
                };
                new(code).because(error)
            }
            error @ (ureq::Error::Tls(_) | ureq::Error::Rustls(_) | ureq::Error::TlsRequired) => {
                new(RegistryCode::Tls).because(error)
            }
            error @ (ureq::Error::ConnectProxyFailed(_) | ureq::Error::InvalidProxyUrl) => {
                new(RegistryCode::Proxy).because(error)
            }
            error @ ureq::Error::ConnectionFailed => new(RegistryCode::Unreachable).because(error),
            error => new(RegistryCode::Protocol).because(error),
        }
    }
}

/// True where both sides speak TLS, but the certificate is not valid.
fn is_certificate(error: &ureq::Error) -> bool {
    let is = |error: &rustls::Error| matches!(error, rustls::Error::InvalidCertificate(_));
    match error {
        ureq::Error::Rustls(error) => is(error),
        ureq::Error::Io(error) => {
            let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
            inner.is_some_and(is)
        }
        _ => false,
    }
}

/// Parses an address.
///
/// # Errors
/// `registry-protocol`.
pub fn parse(text: &str) -> Result<Uri, Error> {
    text.parse()
        .map_err(|error| Error::new(RegistryCode::Protocol, text).because(error))
}

/// Wait that a header asks for, in seconds; dates are not understood.
pub fn seconds(header: &str) -> Option<Duration> {
    Some(Duration::from_secs(header.trim().parse().ok()?))
}

/// Retries that are left, and the wait before the next one.
pub struct Retries {
    left: u32,
    next: Duration,
}

impl Retries {
    /// As many retries as the settings allow.
    pub fn new(settings: &ClientSettings) -> Self {
        Self {
            left: settings.retries,
            next: settings.first_wait,
        }
    }

    /// Waits before the next try; `asked` is the wait that the registry asks for.
    ///
    /// # Errors
    /// `error`, where no retry is left or a retry does not help.
    pub fn wait(&mut self, error: Error, asked: Option<Duration>) -> Result<(), Error> {
        if self.left == 0 || !error.code().passes() || asked.is_some_and(|asked| asked > MAX_WAIT) {
            return Err(error);
        }
        self.left -= 1;
        thread::sleep(asked.unwrap_or(self.next));
        self.next = (self.next * 2).min(MAX_WAIT);
        Ok(())
    }
}

/// Reads a body of at most `cap` bytes.
///
/// # Errors
/// `document-too-large`, and the errors of the connection.
pub fn read_body(
    client: &Client,
    body: &mut Body,
    cap: usize,
    host: &str,
) -> Result<Vec<u8>, Error> {
    let mut reader = body.as_reader();
    let mut bytes = Vec::new();
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let count = match reader.read(&mut buffer) {
            Ok(0) => return Ok(bytes),
            Ok(count) => count,
            Err(error) => return Err(client.failure(error.into(), host)),
        };
        if bytes.len() + count > cap {
            let kind = ocre_oci::ErrorKind::DocumentTooLarge;
            let detail = format!("more than {cap} bytes");
            return Err(Error::new(RegistryCode::Document(kind), host).because(detail));
        }
        bytes.extend_from_slice(&buffer[..count]);
    }
}

/// Error for a registry's answer without success.
pub fn refusal(client: &Client, response: &mut Response<Body>, host: &str) -> Error {
    let status = response.status();
    let code = match status.as_u16() {
        401 => RegistryCode::Unauthorized,
        403 => RegistryCode::Forbidden,
        404 => RegistryCode::NotFound,
        429 => RegistryCode::RateLimit,
        408 | 500.. => RegistryCode::Server,
        300..=399 => RegistryCode::Redirect,
        _ => RegistryCode::Refused,
    };
    let mut detail = format!("status {}", status.as_u16());
    if let Some(wait) = text(response.headers(), header::RETRY_AFTER) {
        detail += &format!(", asks to wait {wait} s");
    }
    // The explanation is only for people, so unreadable text is left out.
    if let Ok(bytes) = read_body(client, response.body_mut(), MAX_REFUSAL, host)
        && let Ok(said) = json::parse(&bytes, &document_caps())
        && let Some(first) = json::Elements::of(said.get("errors")).next()
    {
        for member in ["code", "message"] {
            if let Some(words) = first.get(member).and_then(|value| value.text().ok()) {
                detail += &format!(", {words}");
            }
        }
    }
    Error::new(code, host).because(detail)
}
