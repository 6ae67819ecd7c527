// SPDX-License-Identifier: Apache-2.0
//! Arbitrary text from registries and users: names of images, challenges, locations, and Docker's
//! configuration file. A location leads to another host only if it names one, and never to a
//! forbidden address; credentials come only from the file.
#![no_main]

use std::path::PathBuf;

use libfuzzer_sys::fuzz_target;
use ocre_oci::Reference;
use ocre_registry::url::{self, Uri};
use ocre_registry::{
    AddressRule, Challenge, Credentials, DockerConfig, ImageName, Network, Reach, Which,
};

fuzz_target!(|text: &str| {
    names(text);
    challenges(text);
    locations(text);
    configuration(text);
});

fn names(text: &str) {
    let Ok(name) = ImageName::parse(text) else {
        return;
    };
    assert_eq!(name.to_string(), text);
    assert!(Reference::parse(text).is_ok());
    assert!(name.host() == "localhost" || name.host().contains(['.', ':']));
    assert!(!name.host().contains('/') && text.starts_with(name.host()));
    assert!(!name.repository().is_empty());
    match name.which() {
        Which::Tag(tag) => assert!(tag == "latest" || text.ends_with(&format!(":{tag}"))),
        Which::Digest(digest) => assert!(text.ends_with(&digest.to_string())),
    }
}

fn challenges(text: &str) {
    let Some(challenge) = Challenge::parse(text) else {
        return;
    };
    let Challenge::Bearer {
        realm,
        service,
        scope,
    } = &challenge
    else {
        assert!(text.to_ascii_lowercase().contains("basic"));
        return;
    };
    // Spelt as it should be, it is the same.
    let quoted = |text: &str| {
        let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
        format!("\"{escaped}\"")
    };
    let mut again = format!("Bearer realm={}", quoted(realm));
    for (name, value) in [("service", service), ("scope", scope)] {
        if let Some(value) = value {
            again.push_str(&format!(",{name}={}", quoted(value)));
        }
    }
    assert_eq!(Challenge::parse(&again), Some(challenge));
}

fn locations(text: &str) {
    let base: Uri = "https://a.example:5/v2/x/blobs/uploads/1?state=2"
        .parse()
        .expect("an address");
    led(&base, text);
    let Some(found) = url::resolve(&base, text) else {
        return;
    };
    assert!(matches!(found.scheme_str(), Some("http" | "https")));
    assert!(found.host().is_some_and(|host| !host.is_empty()));
    assert!(!found.to_string().contains('#'));
    if !text.contains("//") {
        assert!(url::same_origin(&base, &found), "{text:?} leads to {found}");
    }
    assert!(url::same_origin(&found, &found));
    let with = url::with_query(&found, "digest", "d");
    let with: Uri = with.parse().expect("still an address");
    assert!(url::same_origin(&found, &with));
    assert!(
        with.query()
            .is_some_and(|query| query.ends_with("digest=d"))
    );
}

/// From a public registry over TLS leads nothing but TLS to public hosts.
fn led(from: &Uri, text: &str) {
    let rule = AddressRule {
        asked: from,
        network: Some(Network::Public),
        plain_http: true,
    };
    let Ok(to) = rule.follow(from, text) else {
        return;
    };
    assert_eq!(to.scheme_str(), Some("https"), "{text:?}");
    assert!(!to.authority().is_some_and(|all| all.as_str().contains('@')));
    let host = to.host().expect("an address has a host");
    let network = Network::of_host(host);
    assert!(matches!(network, None | Some(Network::Public)), "{text:?}");
    // What std reads as an address is one here.
    if let Ok(address) = host.parse::<std::net::IpAddr>() {
        assert_eq!(Some(Network::of(address)), network, "{text:?}");
    }
    assert_eq!(rule.reach(&to) == Reach::Asked, url::same_origin(from, &to));
}

fn configuration(text: &str) {
    let path = PathBuf::from("config.json");
    let Ok(config) = DockerConfig::parse(path, text.as_bytes().to_vec()) else {
        return;
    };
    // Programs that keep credentials are not for strangers to name.
    if text.contains("creds") || text.contains("credH") || text.contains("\\u") {
        return;
    }
    for registry in ["a.example", "b.example:5000", "https://index.docker.io/v1/"] {
        match config.credentials(registry) {
            Ok(Credentials::Anonymous) => {}
            Ok(found) => {
                assert!(text.contains("auths"));
                let basic = found.basic();
                if let Credentials::Password { .. } = found {
                    assert!(basic.is_some_and(|value| value.starts_with("Basic ")));
                } else {
                    assert_eq!(basic, None);
                }
            }
            Err(error) => assert!(error.code().as_str().starts_with("credentials-")),
        }
    }
}
