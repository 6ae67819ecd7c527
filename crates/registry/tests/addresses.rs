// SPDX-License-Identifier: Apache-2.0
//! Registries that name addresses: of redirects, uploads, token realms and next pages.

mod support;

use std::sync::Arc;

use ocre_oci::{INDEX_MEDIA_TYPE, Sha256};
use ocre_registry::{
    Access, Client, ClientSettings, CopiedReferrers, DockerConfig, Error, RegistryCode, Repository,
};
use support::{
    MANIFEST, MemorySink, Reply, ServedImage, Server, client, descriptor, options, pull_with,
    refused, serve_range, settings,
};

/// Addresses that no registry on this machine may lead to, whatever names them.
const REFUSED: [&str; 9] = [
    "http://169.254.169.254/latest/meta-data/",
    "http://[::ffff:169.254.169.254]/latest/",
    "http://2852039166/latest/",
    "http://0xA9FEA9FE/latest/",
    "http://[fd00:ec2::254]/latest/",
    "http://metadata.google.internal/computeMetadata/v1/",
    "http://me:secret@127.0.0.1/x",
    "file:///etc/passwd",
    "ftp://127.0.0.1/x",
];

fn careful() -> ClientSettings {
    ClientSettings {
        plain_http: false,
        retries: 0,
        ..settings()
    }
}

/// Credentials for a server.
fn known(settings: ClientSettings, server: &Server, credentials: &str) -> Client {
    let folder = tempfile::tempdir().unwrap();
    let config = format!(r#"{{"auths":{{"{}":{credentials}}}}}"#, server.address);
    std::fs::write(folder.path().join("config.json"), config).unwrap();
    Client::new(settings, DockerConfig::read(folder.path()).unwrap())
}

const PASSWORD: &str = r#"{"username":"me","password":"p:w"}"#;

fn pull(client: &Client, server: &Server) -> Result<(), Error> {
    pull_with(client, &server.name("x:1"), &MemorySink::default()).map(drop)
}

#[test]
fn a_redirect_leads_nowhere_it_may_not() {
    for address in REFUSED {
        let server = Server::start(move |_| Reply::new(302, "").header("Location", address));
        for settings in [settings(), careful()] {
            let client = Client::new(settings, DockerConfig::default());
            refused(pull(&client, &server), RegistryCode::Redirect, "");
        }
    }
}

#[test]
fn an_upload_leads_nowhere_it_may_not() {
    let image = ServedImage::new(b"layer");
    let from = Server::start(move |request| image.serve(request));
    for address in REFUSED {
        let to = Server::start(move |request| match &*request.method {
            "HEAD" => Reply::new(404, ""),
            "POST" => Reply::new(202, "").header("Location", address),
            _ => Reply::new(201, ""),
        });
        let client = client();
        let source = Repository::new(&client, &from.name("x:1"), Access::Pull, None).unwrap();
        let sink = Repository::new(&client, &to.name("y:2"), Access::Push, None).unwrap();
        let copied = ocre_registry::copy(&source, &sink, &options());
        refused(copied, RegistryCode::Redirect, "");
        assert!(to.seen().iter().all(|request| request.method != "PUT"));
    }
}

#[test]
fn a_realm_is_nowhere_it_may_not_be() {
    for address in REFUSED {
        let server = Server::start(move |_| {
            let challenge = format!(r#"Bearer realm="{address}",service="x""#);
            Reply::new(401, "").header("WWW-Authenticate", challenge)
        });
        let client = known(settings(), &server, PASSWORD);
        refused(pull(&client, &server), RegistryCode::Redirect, "");
    }
}

/// Pulls the referrers of an image whose list has a next page at `next`.
fn pages(next: String) -> (Server, Result<(), Error>) {
    let image = ServedImage::new(b"layer");
    let list = format!("/v2/x/referrers/{}", Sha256::of(&image.manifest));
    let entry = descriptor(MANIFEST, &image.manifest);
    let index = Arc::new(format!(
        r#"{{"schemaVersion":2,"mediaType":"{INDEX_MEDIA_TYPE}","manifests":[{entry}]}}"#
    ));
    let server = Server::start(move |request| {
        if request.path == list {
            return Reply::new(200, index.as_bytes())
                .header("Content-Type", INDEX_MEDIA_TYPE)
                .header("Link", format!(r#"<{next}>; rel="next""#));
        }
        image.serve(request)
    });
    let client = known(settings(), &server, PASSWORD);
    let source = Repository::new(&client, &server.name("x:1"), Access::Pull, None).unwrap();
    let wanted = ocre_registry::CopyOptions {
        referrers: CopiedReferrers::All,
        ..options()
    };
    let copied = ocre_registry::copy(&source, &MemorySink::default(), &wanted).map(drop);
    (server, copied)
}

#[test]
fn a_next_page_is_nowhere_it_may_not_be() {
    for address in REFUSED {
        let (_server, copied) = pages(address.to_owned());
        refused(copied, RegistryCode::Redirect, "");
    }
}

#[test]
fn a_next_page_of_another_server_is_asked_for_without_credentials() {
    let other = Server::start(|_| Reply::new(200, "{}").header("Content-Type", INDEX_MEDIA_TYPE));
    let (server, copied) = pages(format!("http://{}/next", other.address));
    // Whatever the page says, which is no index.
    drop((server, copied));
    assert_eq!(other.count("GET", "/next"), 1);
    assert_eq!(other.seen()[0].header("authorization"), None);
}

/// A registry redirects to its content under another port, after a login.
#[test]
fn another_port_of_the_same_host_learns_neither_credentials_nor_cookies() {
    let image = ServedImage::new(b"layer");
    let layer = image.layer().to_vec();
    let elsewhere = Server::start(move |request| serve_range(request, &layer));
    let port = elsewhere.address.port();
    let served = image.clone();
    let server = Server::start(move |request| {
        if request.header("authorization").is_none() {
            return Reply::new(401, "")
                .header("WWW-Authenticate", r#"Basic realm="x""#)
                .header("Set-Cookie", "session=secret");
        }
        if request.path == served.layer_path() {
            let location = format!("http://127.0.0.1:{port}/layer");
            return Reply::new(307, "")
                .header("Location", location)
                .header("Set-Cookie", "session=secret; Domain=127.0.0.1; Path=/");
        }
        served.serve(request)
    });
    pull(&known(settings(), &server, PASSWORD), &server).unwrap();
    let seen = elsewhere.seen();
    assert_eq!(seen.len(), 1);
    for header in ["authorization", "cookie", "proxy-authorization"] {
        assert_eq!(seen[0].header(header), None, "{header}");
    }
    assert!(
        server
            .seen()
            .iter()
            .all(|request| request.header("cookie").is_none())
    );
}

#[test]
fn a_realm_on_another_port_of_this_machine_learns_the_credentials() {
    let image = ServedImage::new(b"layer");
    let realm = Server::start(|_| Reply::new(200, r#"{"token":"good"}"#));
    let address = realm.address;
    let server = Server::start(move |request| match request.header("authorization") {
        Some("Bearer good") => image.serve(request),
        _ => {
            let challenge = format!(r#"Bearer realm="http://{address}/token",service="x""#);
            Reply::new(401, "").header("WWW-Authenticate", challenge)
        }
    });
    pull(&known(settings(), &server, PASSWORD), &server).unwrap();
    assert_eq!(
        realm.seen()[0].header("authorization"),
        Some("Basic bWU6cDp3")
    );
}

#[test]
fn a_realm_on_another_host_does_not_learn_the_credentials_unencrypted() {
    for credentials in [PASSWORD, r#"{"identitytoken":"secret"}"#] {
        let server = Server::start(|_| {
            let challenge = r#"Bearer realm="http://auth.invalid/token",service="x""#;
            Reply::new(401, "").header("WWW-Authenticate", challenge)
        });
        let client = known(settings(), &server, credentials);
        let pulled = pull(&client, &server);
        refused(
            pulled,
            RegistryCode::Redirect,
            "learn the credentials unencrypted",
        );
    }
}

#[test]
fn a_realm_that_redirects_is_not_followed() {
    let elsewhere = Server::start(|_| Reply::new(200, r#"{"token":"good"}"#));
    let address = elsewhere.address;
    let server = Server::start(move |request| {
        if request.path.starts_with("/token") {
            return Reply::new(307, "").header("Location", format!("http://{address}/token"));
        }
        let host = request.header("host").unwrap();
        let challenge = format!(r#"Bearer realm="http://{host}/token",service="x""#);
        Reply::new(401, "").header("WWW-Authenticate", challenge)
    });
    let client = known(settings(), &server, PASSWORD);
    refused(pull(&client, &server), RegistryCode::Redirect, "status 307");
    assert!(elsewhere.seen().is_empty());
}
