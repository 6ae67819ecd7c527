// SPDX-License-Identifier: Apache-2.0
//! Logging in, and the requests to registries.

mod support;

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use ocre_oci::Sha256;
use ocre_registry::{Access, Client, Copied, DockerConfig, Error, RegistryCode, Repository};
use support::{
    MemorySink, ReceivedRequest, Reply, ServedImage, Server, client, options, pull_with, refused,
    settings,
};

/// Client with credentials for a server.
fn known(server: &Server, credentials: &str) -> Client {
    let folder = tempfile::tempdir().unwrap();
    let config = format!(r#"{{"auths":{{"{}":{credentials}}}}}"#, server.address);
    std::fs::write(folder.path().join("config.json"), config).unwrap();
    Client::new(settings(), DockerConfig::read(folder.path()).unwrap())
}

const PASSWORD: &str = r#"{"username":"me","password":"p:w"}"#;

/// Value of the header `Authorization` for the user `me` and the password `p:w`.
const BASIC: &str = "Basic bWU6cDp3";

fn unknown(request: &ReceivedRequest, realm: &str) -> Reply {
    let challenge = format!(
        r#"Bearer realm="http://{}{realm}",service="here",scope="repository:x:pull""#,
        request.header("host").unwrap()
    );
    Reply::new(401, "").header("WWW-Authenticate", challenge)
}

/// Registry that requires a token, which is good for `uses` requests.
fn with_tokens(image: ServedImage, uses: usize) -> Server {
    let (given, used) = (AtomicUsize::new(0), Mutex::new(HashMap::new()));
    Server::start(move |request| {
        if let Some(query) = request.path.strip_prefix("/token?") {
            assert_eq!(query, "service=here&scope=repository%3Ax%3Apull");
            assert_eq!(request.header("authorization"), Some(BASIC));
            let token = given.fetch_add(1, Ordering::Relaxed);
            return Reply::new(200, format!(r#"{{"token":"t{token}","expires_in":60}}"#));
        }
        let header = request
            .header("authorization")
            .unwrap_or_default()
            .to_owned();
        let mut used = used.lock().unwrap();
        let count = used.entry(header.clone()).or_insert(0_usize);
        *count += 1;
        if header.starts_with("Bearer t") && *count <= uses {
            image.serve(request)
        } else {
            unknown(request, "/token")
        }
    })
}

#[test]
fn a_token_is_had_for_the_password_and_used_until_it_is_no_good() {
    let image = ServedImage::new(b"layer");
    let server = with_tokens(image.clone(), 100);
    let sink = MemorySink::default();
    pull_with(&known(&server, PASSWORD), &server.name("x:1"), &sink).unwrap();
    let tokens = |server: &Server| {
        let seen = server.seen();
        seen.iter()
            .filter(|request| request.path.starts_with("/token"))
            .count()
    };
    assert_eq!(tokens(&server), 1);

    let server = with_tokens(image, 1);
    pull_with(
        &known(&server, PASSWORD),
        &server.name("x:1"),
        &MemorySink::default(),
    )
    .unwrap();
    assert!(tokens(&server) >= 3);
}

#[test]
fn an_identity_token_is_sent_instead_of_a_password() {
    let image = ServedImage::new(b"layer");
    let server = Server::start(move |request| {
        if request.is("POST", "/token") {
            let form = String::from_utf8(request.body.clone()).unwrap();
            assert!(form.contains("grant_type=refresh_token"), "{form}");
            assert!(form.contains("refresh_token=i%26d"), "{form}");
            return Reply::new(200, r#"{"access_token":"good"}"#);
        }
        match request.header("authorization") {
            Some("Bearer good") => image.serve(request),
            _ => unknown(request, "/token"),
        }
    });
    let client = known(&server, r#"{"identitytoken":"i&d"}"#);
    pull_with(&client, &server.name("x:1"), &MemorySink::default()).unwrap();
}

#[test]
fn who_is_not_known_is_told_so() {
    // Without credentials; with some that are not taken; by a token that is not taken.
    let basic = || Reply::new(401, "").header("WWW-Authenticate", r#"Basic realm="x""#);
    let server = Server::start(move |_| basic());
    let name = server.name("x:1");
    refused(
        pull_with(&client(), &name, &MemorySink::default()),
        RegistryCode::Unauthorized,
        "a name and a password",
    );
    let pulled = pull_with(&known(&server, PASSWORD), &name, &MemorySink::default());
    refused(pulled, RegistryCode::Unauthorized, "are not taken");
    assert_eq!(server.seen().len(), 3);

    let server = Server::start(|request| match request.path.starts_with("/token") {
        true => Reply::new(200, r#"{"token":"bad"}"#),
        false => unknown(request, "/token"),
    });
    let pulled = pull_with(&client(), &server.name("x:1"), &MemorySink::default());
    refused(pulled, RegistryCode::Unauthorized, "status 401");
    assert_eq!(server.count("GET", "/v2/x/manifests/1"), 3);
}

#[test]
fn whoever_gives_tokens_out_may_fail_too() {
    for (reply, code) in [
        (
            (401, r#"{"errors":[{"code":"UNAUTHORIZED"}]}"#),
            RegistryCode::Unauthorized,
        ),
        ((500, ""), RegistryCode::Server),
        ((200, "<html>"), RegistryCode::Protocol),
        ((200, "{}"), RegistryCode::Protocol),
        ((200, r#"{"token":"a\r\nb: c"}"#), RegistryCode::Protocol),
    ] {
        let server = Server::start(move |request| match request.path.starts_with("/token") {
            true => Reply::new(reply.0, reply.1),
            false => unknown(request, "/token"),
        });
        let pulled = pull_with(&client(), &server.name("x:1"), &MemorySink::default());
        refused(pulled, code, &server.address.to_string()[..9]);
    }
}

#[test]
fn a_realm_beyond_this_machine_is_not_asked_in_plain_http() {
    let server = Server::start(|_| {
        let challenge = r#"Bearer realm="http://example.com/token""#;
        Reply::new(401, "").header("WWW-Authenticate", challenge)
    });
    let careful = ocre_registry::ClientSettings {
        plain_http: false,
        ..settings()
    };
    let client = Client::new(careful, DockerConfig::default());
    let pulled = pull_with(&client, &server.name("x:1"), &MemorySink::default());
    refused(pulled, RegistryCode::Redirect, "example.com");
}

/// Pushes an image of one layer from a registry that works.
fn push(client: &Client, to: &Server) -> Result<Copied, Error> {
    let image = ServedImage::new(b"layer");
    let from = Server::start(move |request| image.serve(request));
    let source = Repository::new(client, &from.name("x:1"), Access::Pull, None)?;
    let sink = Repository::new(client, &to.name("y:2"), Access::Push, None)?;
    ocre_registry::copy(&source, &sink, &options())
}

/// Registry that takes everything; `other` overrides answers.
fn taking(other: impl Fn(&ReceivedRequest) -> Option<Reply> + Send + Sync + 'static) -> Server {
    Server::start(move |request| {
        other(request).unwrap_or_else(|| match &*request.method {
            "HEAD" => Reply::new(404, ""),
            "POST" => Reply::new(202, "").header("Location", "/upload?state=1"),
            _ => Reply::new(201, ""),
        })
    })
}

#[test]
fn blobs_come_before_the_manifest_that_names_them() {
    let server = taking(|_| None);
    push(&client(), &server).unwrap();
    let puts: Vec<_> = server
        .seen()
        .into_iter()
        .filter(|request| request.method == "PUT")
        .collect();
    let image = ServedImage::new(b"layer");
    assert_eq!(puts.len(), 3);
    assert_eq!(puts[2].path, "/v2/y/manifests/2");
    assert_eq!(puts[2].body, image.manifest);
    for put in &puts[..2] {
        assert_eq!(
            put.path,
            format!("/upload?state=1&digest={}", Sha256::of(&put.body))
        );
    }
}

#[test]
fn an_upload_that_broke_is_begun_anew() {
    let count = AtomicUsize::new(0);
    let server = taking(move |request| {
        let breaks =
            request.path.starts_with("/upload") && count.fetch_add(1, Ordering::Relaxed) < 2;
        breaks.then(|| Reply::new(502, ""))
    });
    push(&client(), &server).unwrap();
    assert_eq!(server.count("POST", "/v2/y/blobs/uploads/"), 4);
}

#[test]
fn a_registry_that_makes_something_else_of_it_is_found_out() {
    let server = taking(|request| {
        let other = Reply::new(201, "").header("Docker-Content-Digest", Sha256::of(b"other"));
        request.path.contains("/manifests/").then_some(other)
    });
    refused(
        push(&client(), &server),
        RegistryCode::DigestMismatch,
        "the registry has made",
    );
}

#[test]
fn an_upload_leads_nowhere_it_may_not() {
    let server = taking(|request| (request.method == "POST").then(|| Reply::new(202, "")));
    refused(
        push(&client(), &server),
        RegistryCode::Protocol,
        "where to upload to",
    );
    let server = taking(|request| {
        let away = || Reply::new(202, "").header("Location", "http://example.com/upload");
        (request.method == "POST").then(away)
    });
    let careful = ocre_registry::ClientSettings {
        plain_http: false,
        ..settings()
    };
    let client = Client::new(careful, DockerConfig::default());
    refused(
        push(&client, &server),
        RegistryCode::Redirect,
        "example.com",
    );
}

#[test]
fn who_may_only_read_is_told_so() {
    let server = taking(|request| {
        let denied = r#"{"errors":[{"code":"DENIED","message":"read only"}]}"#;
        (request.method == "POST").then(|| Reply::new(403, denied))
    });
    refused(
        push(&client(), &server),
        RegistryCode::Forbidden,
        "DENIED, read only",
    );
    assert_eq!(server.count("PUT", "/v2/y/manifests/2"), 0);
}
