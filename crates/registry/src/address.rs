// SPDX-License-Identifier: Apache-2.0
//! The rule for every address that a server names: of a redirect, an upload, a token realm, the
//! next page of a list.
//!
//! A server leads nowhere but to HTTP and HTTPS, never from TLS to plain HTTP, never to a
//! link-local or metadata address, and never from a wider network into a narrower one
//! ([`Network::may_lead_to`]). The user's own words are not a server's: the host that was asked
//! for may be anywhere. `docs/registries.md` has the rule for users.

use ureq::http::Uri;

use crate::error::{Error, RegistryCode};
use crate::name::is_loopback;
use crate::network::{Network, is_literal};
use crate::url::{resolve, same_origin, without_query};

/// Addresses that a connection may go to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Reach {
    /// Any: the user named the host.
    Asked,
    /// Addresses that a server in this network may lead to; `None` where the server's network
    /// is not known, as behind a proxy.
    Led(Option<Network>),
}

impl Reach {
    /// Tells if an address in a network is in reach.
    pub fn permits(self, network: Network) -> bool {
        match self {
            Self::Asked => true,
            Self::Led(Some(from)) => from.may_lead_to(network),
            Self::Led(None) => matches!(network, Network::Public | Network::Private),
        }
    }
}

/// The rule, for one registry that the user named.
pub struct AddressRule<'a> {
    /// Address of the registry.
    pub asked: &'a Uri,
    /// Network that the registry is in, if known.
    pub network: Option<Network>,
    /// Plain HTTP is allowed to every host.
    pub plain_http: bool,
}

impl AddressRule<'_> {
    /// The address that a server at `from` names, absolute or relative.
    ///
    /// # Errors
    /// `registry-redirect`.
    pub fn follow(&self, from: &Uri, named: &str) -> Result<Uri, Error> {
        let at = from.host().unwrap_or_default();
        let refused = |why: &str, to: &Uri| {
            let detail = format!("{why}: {}", without_query(to));
            Err(Error::new(RegistryCode::Redirect, at).because(detail))
        };
        let Some(to) = resolve(from, named) else {
            // Neither a user nor a query, which may be secret.
            let shown = named.split(['?', '#']).next().unwrap_or_default();
            let shown = shown.rsplit('@').next().unwrap_or_default();
            let detail = format!("{shown:?} is not an HTTP address");
            return Err(Error::new(RegistryCode::Redirect, at).because(detail));
        };
        let host = to.host().unwrap_or_default();
        if to.authority().is_some_and(|all| all.as_str().contains('@')) {
            return refused("it leads to an address with a user name", &to);
        }
        if to.scheme_str() == Some("http") {
            if from.scheme_str() == Some("https") {
                return refused("it leads from HTTPS to plain HTTP", &to);
            }
            if !(self.plain_http || is_loopback(host)) {
                return refused("it leads to plain HTTP", &to);
            }
        }
        match Network::of_host(host) {
            Some(network) if !self.reach(&to).permits(network) => {
                refused(&format!("it leads to {}", network.as_str()), &to)
            }
            None if host.starts_with('[') => refused("it leads to no IP address", &to),
            // A name is judged by its addresses, at the time of the connection.
            _ => Ok(to),
        }
    }

    /// Reach of a connection to an address of [`follow`](Self::follow).
    pub fn reach(&self, to: &Uri) -> Reach {
        let host = to.host().unwrap_or_default();
        // A name might resolve to another address the next time.
        if same_origin(self.asked, to) || (self.is_asked_host(to) && is_literal(host)) {
            Reach::Asked
        } else {
            Reach::Led(self.network)
        }
    }

    /// Tells if a token realm may get the registry's credentials: encrypted, as registries have
    /// their realms on other hosts; in plain text only where the registry itself is asked in
    /// plain text, on the same host.
    pub fn may_learn_credentials(&self, realm: &Uri) -> bool {
        let host = |uri: &Uri| uri.host().is_some_and(is_loopback);
        match realm.scheme_str() {
            Some("https") => true,
            _ => {
                self.asked.scheme_str() == Some("http")
                    && (self.is_asked_host(realm) || (host(self.asked) && host(realm)))
            }
        }
    }

    fn is_asked_host(&self, uri: &Uri) -> bool {
        let host = |uri: &Uri| uri.host().map(str::to_ascii_lowercase);
        host(self.asked) == host(uri)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(text: &str) -> Uri {
        text.parse().unwrap()
    }

    /// Address that follows from `named`, or the reason of the refusal.
    fn led(
        asked: &str,
        network: Option<Network>,
        plain_http: bool,
        named: &str,
    ) -> Result<Uri, String> {
        let asked = uri(asked);
        let rule = AddressRule {
            asked: &asked,
            network,
            plain_http,
        };
        rule.follow(&asked, named).map_err(|error| {
            assert_eq!(error.code(), RegistryCode::Redirect);
            error.detail().to_owned()
        })
    }

    const REGISTRY: &str = "https://r.example/v2/x/";

    #[test]
    fn a_server_leads_to_other_public_hosts_and_within_itself() {
        for (named, whole) in [
            ("https://cdn.example:444/a?b", "https://cdn.example:444/a?b"),
            ("/v2/y", "https://r.example/v2/y"),
            ("//cdn.example/a", "https://cdn.example/a"),
            ("https://8.8.8.8/a", "https://8.8.8.8/a"),
            ("https://[2606:4700::1]/a", "https://[2606:4700::1]/a"),
        ] {
            let found = led(REGISTRY, Some(Network::Public), false, named);
            assert_eq!(found, Ok(uri(whole)), "{named}");
        }
    }

    #[test]
    fn from_tls_to_plain_http_leads_nothing() {
        for named in [
            "http://r.example/v2/y",
            "http://127.0.0.1:5003/token",
            "http://localhost/",
            "HTTP://r.example/",
        ] {
            for plain_http in [false, true] {
                let found = led(REGISTRY, Some(Network::Loopback), plain_http, named);
                assert!(found.unwrap_err().contains("plain HTTP"), "{named}");
            }
        }
    }

    #[test]
    fn plain_http_leads_to_plain_http_only_where_that_was_asked_for() {
        let named = "http://cdn.example/a";
        let network = Some(Network::Loopback);
        assert!(led("http://localhost:5000/", network, false, named).is_err());
        assert!(led("http://localhost:5000/", network, true, named).is_ok());
        let own = "http://127.0.0.1:5001/a";
        assert!(led("http://localhost:5000/", network, false, own).is_ok());
    }

    #[test]
    fn no_server_leads_to_a_link_local_or_metadata_address() {
        for host in [
            "169.254.169.254",
            "169.254.169.254:80",
            "0xA9FEA9FE",
            "2852039166",
            "0251.0376.0251.0376",
            "[::ffff:169.254.169.254]",
            "[64:ff9b::a9fe:a9fe]",
            "[fe80::1]",
            "[fd00:ec2::254]",
            "100.100.100.200",
            "metadata.google.internal",
            "METADATA.google.internal.",
        ] {
            for (asked, network) in [
                ("https://r.example/", Some(Network::Public)),
                ("https://10.0.0.1/", Some(Network::Private)),
                ("https://127.0.0.1/", Some(Network::Loopback)),
                ("https://169.254.7.7/", Some(Network::Local)),
                ("https://r.example/", None),
            ] {
                for scheme in ["https", "http"] {
                    let named = format!("{scheme}://{host}/latest/");
                    let found = led(asked, network, true, &named);
                    assert!(found.is_err(), "{asked} {named}");
                }
            }
        }
    }

    #[test]
    fn the_host_asked_for_may_be_anywhere_on_any_port() {
        let asked = "http://169.254.7.7:5000/v2/";
        let network = Some(Network::Local);
        assert!(led(asked, network, true, "http://169.254.7.7:5001/token").is_ok());
        assert!(led(asked, network, true, "/v2/x").is_ok());
        assert!(led(asked, network, true, "http://169.254.7.8:5001/token").is_err());
        // A name may be led to another port, and resolves anew.
        let rule = AddressRule {
            asked: &uri(REGISTRY),
            network: Some(Network::Public),
            plain_http: false,
        };
        let reach = rule.reach(&uri("https://r.example:6379/"));
        assert_eq!(reach, Reach::Led(Some(Network::Public)));
        assert_eq!(rule.reach(&uri("https://R.example/")), Reach::Asked);
    }

    #[test]
    fn a_wider_network_does_not_lead_into_a_narrower_one() {
        for (asked, network, named) in [
            (REGISTRY, Some(Network::Public), "https://10.0.0.1/"),
            (REGISTRY, Some(Network::Public), "https://127.0.0.1/"),
            (REGISTRY, Some(Network::Public), "https://localhost/"),
            (REGISTRY, Some(Network::Public), "https://0/"),
            (REGISTRY, Some(Network::Private), "https://[::1]/"),
            (REGISTRY, None, "https://127.0.0.1/"),
            (REGISTRY, Some(Network::Loopback), "https://224.0.0.1/"),
        ] {
            assert!(led(asked, network, false, named).is_err(), "{named}");
        }
        for (network, named) in [
            (Some(Network::Private), "https://10.0.0.1/"),
            (Some(Network::Loopback), "https://127.0.0.1/"),
            (Some(Network::Loopback), "https://192.168.0.1/"),
            (None, "https://10.0.0.1/"),
        ] {
            assert!(led(REGISTRY, network, false, named).is_ok(), "{named}");
        }
    }

    #[test]
    fn what_is_no_plain_address_is_refused() {
        for named in [
            "ftp://r.example/",
            "file:///etc/passwd",
            "gopher://r.example/",
            "https://",
            "https://me:secret@r.example/",
            "https://127.0.0.1@cdn.example/",
            "http://127.0.0.1:5003@evil.invalid/token",
            "https://[v1.x]/",
            "https://a b/",
            "javascript:alert(1)",
            "",
        ] {
            let found = led(REGISTRY, Some(Network::Public), true, named);
            let relative = found
                .as_ref()
                .is_ok_and(|uri| uri.host() == Some("r.example"));
            assert!(found.is_err() || relative, "{named}: {found:?}");
        }
        let error = led(REGISTRY, None, true, "https://me:secret@r.example/").unwrap_err();
        assert!(!error.contains("secret"), "{error}");
    }

    #[test]
    fn a_realm_learns_credentials_encrypted_or_where_the_registry_does() {
        for (asked, realm, may) in [
            ("https://r.example/", "https://auth.example/token", true),
            ("https://r.example/", "https://r.example/token", true),
            ("http://r.example:5000/", "https://auth.example/", true),
            ("http://r.example:5000/", "http://r.example:5001/", true),
            ("http://R.example:5000/", "http://r.EXAMPLE/", true),
            ("http://127.0.0.1:5000/", "http://127.0.0.1:5001/", true),
            ("http://localhost:5000/", "http://127.0.0.1:5001/", true),
            ("http://r.example:5000/", "http://auth.example/", false),
            ("http://r.example:5000/", "http://127.0.0.1:5001/", false),
            ("http://127.0.0.1:5000/", "http://auth.example/", false),
            ("https://r.example/", "http://r.example/", false),
            ("https://127.0.0.1/", "http://127.0.0.1:5003/", false),
        ] {
            let rule = AddressRule {
                asked: &uri(asked),
                network: None,
                plain_http: true,
            };
            let found = rule.may_learn_credentials(&uri(realm));
            assert_eq!(found, may, "{asked} {realm}");
        }
    }
}
