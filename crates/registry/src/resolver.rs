// SPDX-License-Identifier: Apache-2.0
//! Resolution of host names to the IP addresses that are in reach.
//!
//! A name is judged by the addresses of the connection, not by those of an earlier look-up.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

use crate::address::Reach;
use crate::error::{Error, RegistryCode};
use crate::network::Network;

/// Networks of the hosts that users named.
#[derive(Clone, Default, Debug)]
pub struct Networks(Arc<Mutex<HashMap<String, Network>>>);

impl Networks {
    /// Network of a host that was connected to, or that needs no look-up.
    pub fn of(&self, host: &str) -> Option<Network> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Network::of_host(host).or_else(|| known.get(&host.to_ascii_lowercase()).copied())
    }

    /// Notes the widest of a host's networks: a name may resolve to several addresses, and to
    /// others the next time.
    fn note(&self, host: &str, addresses: &ResolvedSocketAddrs) {
        const WIDEST_FIRST: [Network; 5] = [
            Network::Public,
            Network::Private,
            Network::Local,
            Network::Loopback,
            Network::Nowhere,
        ];
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let host = host.to_ascii_lowercase();
        let mut found: Vec<Network> = addresses
            .iter()
            .map(|address| Network::of(address.ip()))
            .collect();
        found.extend(known.get(&host));
        let mut widest = WIDEST_FIRST.into_iter();
        if let Some(network) = widest.find(|network| found.contains(network)) {
            known.insert(host, network);
        }
    }
}

/// The system's resolver, for connections of one reach.
#[derive(Debug)]
pub struct Guarded {
    /// Addresses that may be connected to.
    pub reach: Reach,
    /// Networks of the hosts that users named, noted here.
    pub networks: Networks,
    system: DefaultResolver,
}

impl Guarded {
    /// With the system's resolver.
    pub fn new(reach: Reach, networks: Networks) -> Self {
        Self {
            reach,
            networks,
            system: DefaultResolver::default(),
        }
    }
}

impl Resolver for Guarded {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let found = self.system.resolve(uri, config, timeout)?;
        let host = uri.host().unwrap_or_default();
        if self.reach == Reach::Asked {
            self.networks.note(host, &found);
            return Ok(found);
        }
        let mut permitted = self.empty();
        let mut refused = None;
        for address in &found {
            let network = Network::of(address.ip());
            if self.reach.permits(network) {
                permitted.push(*address);
            } else {
                refused = Some((address.ip(), network));
            }
        }
        match refused {
            Some((address, network)) if permitted.is_empty() => {
                let detail = format!("it leads to {address}, {}", network.as_str());
                Err(ureq::Error::Io(
                    Error::new(RegistryCode::Redirect, host)
                        .because(detail)
                        .into(),
                ))
            }
            _ => Ok(permitted),
        }
    }
}

#[cfg(test)]
mod tests {
    use ureq::Agent;

    use super::*;

    fn resolved(reach: Reach, uri: &str) -> Result<usize, Error> {
        let config = Agent::config_builder().build();
        let guarded = Guarded::new(reach, Networks::default());
        let found = guarded.resolve(&uri.parse().unwrap(), &config, NextTimeout::default());
        match found {
            Ok(addresses) => Ok(addresses.len()),
            Err(ureq::Error::Io(error)) => Err(Error::of_io(error, "")),
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn a_name_that_resolves_out_of_reach_is_refused() {
        // Each is resolved by the system: the last two as it reads numbers.
        for host in ["localhost", "127.0.0.1", "0x7f.1", "2130706433"] {
            let uri = format!("https://{host}:5000/");
            for reach in [Network::Public, Network::Private, Network::Local] {
                let error = resolved(Reach::Led(Some(reach)), &uri).unwrap_err();
                assert_eq!(error.code(), RegistryCode::Redirect, "{host}");
                assert!(error.detail().contains("this machine"), "{error}");
            }
            assert!(resolved(Reach::Led(None), &uri).is_err());
            for reach in [Reach::Asked, Reach::Led(Some(Network::Loopback))] {
                assert!(resolved(reach, &uri).unwrap() > 0, "{host}");
            }
        }
        for host in [
            "169.254.169.254",
            "[::ffff:169.254.169.254]",
            "[fd00:ec2::254]",
        ] {
            let uri = format!("https://{host}/");
            for reach in [Network::Public, Network::Loopback, Network::Local] {
                assert!(resolved(Reach::Led(Some(reach)), &uri).is_err(), "{host}");
            }
        }
    }

    #[test]
    fn a_host_is_in_the_widest_network_that_it_was_ever_in() {
        let networks = Networks::default();
        let addresses = |text: &[&str]| {
            let mut all = DefaultResolver::default().empty();
            for address in text {
                all.push(format!("{address}:1").parse().unwrap());
            }
            all
        };
        networks.note("A.example", &addresses(&["127.0.0.1", "10.0.0.1"]));
        assert_eq!(networks.of("a.example"), Some(Network::Private));
        networks.note("a.example", &addresses(&["8.8.8.8"]));
        networks.note("a.example", &addresses(&["127.0.0.1"]));
        assert_eq!(networks.of("a.example"), Some(Network::Public));
        assert_eq!(networks.of("b.example"), None);
    }
}
