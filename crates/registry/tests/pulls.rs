// SPDX-License-Identifier: Apache-2.0
//! Registries that answer wrongly, late, in part or not at all.

mod support;

use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use ocre_oci::{ErrorKind, Sha256};
use ocre_registry::{
    Access, Client, ClientSettings, CopiedReferrers, CopyOptions, DockerConfig, ImageName,
    RegistryCode, Repository,
};
use support::{
    MANIFEST, MemorySink, ReceivedRequest, Reply, ServedImage, Server, client, descriptor, options,
    pull, pull_with, refused, serve_range, settings,
};

fn image() -> ServedImage {
    ServedImage::new(&b"a layer of some length ".repeat(5000))
}

/// Server of an image, which it returns too; `other` overrides answers.
fn but(
    other: impl Fn(&ReceivedRequest, &ServedImage) -> Option<Reply> + Send + Sync + 'static,
) -> (Server, ServedImage) {
    let image = image();
    let served = image.clone();
    let server = Server::start(move |request| {
        other(request, &served).unwrap_or_else(|| served.serve(request))
    });
    (server, image)
}

/// Server of an image; `other` overrides answers to requests of the layer, counted from 0.
fn but_layer(
    other: impl Fn(usize, &ReceivedRequest, &ServedImage) -> Option<Reply> + Send + Sync + 'static,
) -> (Server, ServedImage) {
    let count = AtomicUsize::new(0);
    but(move |request, image| {
        let is_layer = request.is("GET", &image.layer_path());
        is_layer.then(|| other(count.fetch_add(1, Ordering::Relaxed), request, image))?
    })
}

#[track_caller]
fn is_whole(sink: &MemorySink, image: &ServedImage) {
    let layer = Sha256::of(image.layer());
    assert_eq!(sink.blobs.lock().unwrap()[&layer], image.layer());
    let documents = sink.documents.lock().unwrap();
    assert_eq!(documents.len(), 1);
    assert_eq!(documents[0].0.bytes, image.manifest);
}

#[test]
fn an_image_arrives_as_it_is() {
    let (server, image) = but(|_, _| None);
    is_whole(&pull(&server).unwrap(), &image);
    let digest = Sha256::of(&image.manifest);
    let sink = MemorySink::default();
    pull_with(&client(), &server.name(&format!("x@{digest}")), &sink).unwrap();
    is_whole(&sink, &image);
}

/// Most requests of blobs at once. Each answer waits up to `patience` for a second request.
fn most_at_once(parallel: usize, patience: Duration) -> usize {
    let state = Arc::new((Mutex::new((0, 0)), Condvar::new()));
    let shared = Arc::clone(&state);
    let (server, image) = but(move |request, _| {
        if request.path.starts_with("/v2/x/blobs/") {
            let (counts, more) = &*shared;
            let mut counts = counts.lock().unwrap();
            counts.0 += 1;
            counts.1 = counts.1.max(counts.0);
            more.notify_all();
            let waited = more.wait_timeout_while(counts, patience, |counts| counts.1 < 2);
            waited.unwrap().0.0 -= 1;
        }
        None
    });
    let sink = MemorySink::default();
    let patient = ClientSettings {
        timeout: Duration::from_secs(60),
        ..settings()
    };
    let client = Client::new(patient, DockerConfig::default());
    let repository = Repository::new(&client, &server.name("x:1"), Access::Pull, None).unwrap();
    let options = CopyOptions {
        parallel,
        ..options()
    };
    ocre_registry::copy(&repository, &sink, &options).unwrap();
    is_whole(&sink, &image);
    state.0.lock().unwrap().1
}

#[test]
fn as_many_blobs_come_at_once_as_may() {
    assert_eq!(most_at_once(1, Duration::from_millis(100)), 1);
    assert_eq!(most_at_once(2, Duration::from_secs(20)), 2);
}

#[test]
fn wrong_content_is_refused_and_nothing_is_named() {
    let (server, image) = but_layer(|_, _, image| {
        let mut wrong = image.layer().to_vec();
        wrong[7] ^= 1;
        Some(Reply::new(200, wrong))
    });
    let sink = MemorySink::default();
    let pulled = pull_with(&client(), &server.name("x:1"), &sink);
    refused(
        pulled,
        RegistryCode::DigestMismatch,
        &Sha256::of(image.layer()).to_string(),
    );
    assert!(sink.documents.lock().unwrap().is_empty());
}

#[test]
fn content_that_is_too_long_is_refused() {
    let (server, _) =
        but_layer(|_, _, image| Some(Reply::new(200, [image.layer(), b"x"].concat())));
    refused(pull(&server), RegistryCode::SizeMismatch, "");
}

#[test]
fn a_document_that_is_not_what_was_asked_for_is_refused() {
    let other = ServedImage::new(b"other");
    let (server, image) = but(move |request, _| {
        let is_manifest = request.path.starts_with("/v2/x/manifests/");
        is_manifest.then(|| Reply::new(200, &*other.manifest).header("Content-Type", MANIFEST))
    });
    let digest = Sha256::of(&image.manifest);
    let name = server.name(&format!("x@{digest}"));
    let pulled = pull_with(&client(), &name, &MemorySink::default());
    refused(pulled, RegistryCode::DigestMismatch, &digest.to_string());

    let (server, image) = but(|request, image| {
        let digest = Sha256::of(b"something else");
        let reply = || Reply::new(200, &*image.manifest).header("Docker-Content-Digest", digest);
        request.is("GET", "/v2/x/manifests/1").then(reply)
    });
    let said = Sha256::of(&image.manifest).to_string();
    refused(pull(&server), RegistryCode::DigestMismatch, &said);
}

#[test]
fn a_document_that_is_none_is_refused_with_its_place() {
    for (document, kind, place) in [
        ("{", ErrorKind::JsonSyntax, ""),
        ("<html>", ErrorKind::JsonSyntax, ""),
        ("[]", ErrorKind::FieldType, ""),
        (
            r#"{"schemaVersion":1}"#,
            ErrorKind::MediaTypeUnsupported,
            "",
        ),
        (
            &format!(r#"{{"mediaType":"{MANIFEST}","config":{{"mediaType":"a/b"}}}}"#),
            ErrorKind::FieldMissing,
            "/config",
        ),
    ] {
        let document = document.to_owned();
        let (server, _) = but(move |request, _| {
            request
                .is("GET", "/v2/x/manifests/1")
                .then(|| Reply::new(200, &*document))
        });
        refused(pull(&server), RegistryCode::Document(kind), place);
    }
}

#[test]
fn a_document_that_is_too_large_is_refused_before_it_is_whole() {
    let (server, _) = but(|request, _| {
        let reply = || Reply::new(200, vec![b' '; 5 << 20]).of_length(1 << 40);
        request.is("GET", "/v2/x/manifests/1").then(reply)
    });
    refused(
        pull(&server),
        RegistryCode::Document(ErrorKind::DocumentTooLarge),
        "4194304",
    );
}

#[test]
fn a_body_that_ends_early_is_continued_where_it_ended() {
    let (server, image) = but_layer(|count, request, image| {
        let left = image.layer().len() - 1000 * count;
        (count < 2).then(|| {
            serve_range(request, image.layer())
                .cut(1000)
                .of_length(left)
        })
    });
    is_whole(&pull(&server).unwrap(), &image);
    let seen = server.seen();
    let ranges: Vec<_> = seen
        .iter()
        .filter(|request| request.path == image.layer_path())
        .map(|request| request.header("range"))
        .collect();
    assert_eq!(ranges, [None, Some("bytes=1000-"), Some("bytes=2000-")]);
}

#[test]
fn a_registry_without_ranges_is_read_from_the_start_again() {
    let (server, image) = but_layer(|count, _, image| {
        let layer = image.layer();
        Some(match count {
            0 => Reply::new(200, &layer[..1000]).of_length(layer.len()),
            _ => Reply::new(200, layer),
        })
    });
    is_whole(&pull(&server).unwrap(), &image);
}

#[test]
fn another_range_than_was_asked_for_is_refused() {
    let (server, _) = but_layer(|count, _, image| {
        let layer = image.layer();
        Some(match count {
            0 => Reply::new(200, &layer[..1000]).of_length(layer.len()),
            _ => Reply::new(206, &layer[1..]).header("Content-Range", "bytes 1-9/10"),
        })
    });
    refused(pull(&server), RegistryCode::Protocol, "another part");
}

#[test]
fn what_ends_early_each_time_is_given_up() {
    let (server, image) = but_layer(|_, _, image| {
        Some(Reply::new(200, &image.layer()[..10]).of_length(image.layer().len()))
    });
    refused(pull(&server), RegistryCode::Truncated, "");
    assert_eq!(server.count("GET", &image.layer_path()), 4);
}

#[test]
fn a_failure_that_may_pass_is_waited_for() {
    let (server, image) = but_layer(|count, _, _| (count < 3).then(|| Reply::new(503, "")));
    is_whole(&pull(&server).unwrap(), &image);
    let (server, image) = but_layer(|_, _, _| Some(Reply::new(500, "")));
    refused(pull(&server), RegistryCode::Server, "status 500");
    assert_eq!(server.count("GET", &image.layer_path()), 4);
}

#[test]
fn a_registry_that_asks_to_wait_is_waited_for() {
    let wait = |seconds: u32| Reply::new(429, "").header("Retry-After", seconds);
    let (server, image) = but_layer(move |count, _, _| (count == 0).then(|| wait(1)));
    let began = Instant::now();
    is_whole(&pull(&server).unwrap(), &image);
    assert!(began.elapsed() >= Duration::from_secs(1));

    let (server, image) = but_layer(move |_, _, _| Some(wait(3600)));
    let began = Instant::now();
    refused(
        pull(&server),
        RegistryCode::RateLimit,
        "asks to wait 3600 s",
    );
    assert!(began.elapsed() < Duration::from_secs(60));
    assert_eq!(server.count("GET", &image.layer_path()), 1);
}

#[test]
fn what_a_registry_refuses_is_told_in_its_words_and_not_asked_again() {
    let words = r#"{"errors":[{"code":"DENIED","message":"not\u001b[31m you"}]}"#;
    for (status, code) in [
        (400, RegistryCode::Refused),
        (401, RegistryCode::Unauthorized),
        (403, RegistryCode::Forbidden),
        (418, RegistryCode::Refused),
    ] {
        let (server, _) = but(move |request, _| {
            let reply = Reply::new(status, words);
            request.path.ends_with("/manifests/1").then_some(reply)
        });
        let words = if status == 401 {
            "how to log in"
        } else {
            "DENIED, not [31m you"
        };
        refused(pull(&server), code, words);
        assert_eq!(server.seen().len(), 1);
    }
}

#[test]
fn what_is_not_there_is_said() {
    let (server, _) = but(|request, _| {
        request
            .path
            .contains("/manifests/")
            .then(|| Reply::new(404, ""))
    });
    refused(pull(&server), RegistryCode::NotFound, "/x:1");
    let (server, image) = but_layer(|_, _, _| Some(Reply::new(404, "")));
    let layer = Sha256::of(image.layer()).to_string();
    refused(pull(&server), RegistryCode::BlobMissing, &layer);
}

#[test]
fn silence_is_not_waited_out() {
    let (server, _) = but_layer(|_, _, image| {
        let layer = image.layer();
        // The header comes, and half of the body.
        Some(
            Reply::new(200, &layer[..1])
                .of_length(layer.len())
                .slow(Duration::from_secs(30)),
        )
    });
    let began = Instant::now();
    refused(pull(&server), RegistryCode::Timeout, "silent");
    assert!(began.elapsed() < Duration::from_secs(20));

    // A server that listens and never answers.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let name = format!("{}/x:1", listener.local_addr().unwrap());
    let name = ImageName::parse(&name).unwrap();
    let began = Instant::now();
    refused(
        pull_with(&client(), &name, &MemorySink::default()),
        RegistryCode::Timeout,
        "no answer within 0.5 s",
    );
    assert!(began.elapsed() < Duration::from_secs(20));
}

#[test]
fn bytes_that_drip_are_as_good_as_silence() {
    let (server, _) = but_layer(|_, _, image| {
        Some(Reply::new(200, image.layer()).slow(Duration::from_millis(20)))
    });
    let impatient = ClientSettings {
        retries: 0,
        timeout: Duration::from_millis(200),
        ..settings()
    };
    let client = Client::new(impatient, DockerConfig::default());
    let pulled = pull_with(&client, &server.name("x:1"), &MemorySink::default());
    refused(pulled, RegistryCode::Timeout, "of at least 4096 in 0.2 s");
}

#[test]
fn where_nobody_listens_it_is_said() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let name = format!("{}/x:1", listener.local_addr().unwrap());
    drop(listener);
    let name = ImageName::parse(&name).unwrap();
    refused(
        pull_with(&client(), &name, &MemorySink::default()),
        RegistryCode::Unreachable,
        name.host(),
    );
}

#[test]
fn what_is_no_http_is_said() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let name = format!("{}/x:1", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = std::io::Write::write_all(&mut stream, b"220 mail ready\r\n\r\n");
            // Until the other has read that.
            let _ = std::io::copy(&mut stream, &mut std::io::sink());
        }
    });
    let name = ImageName::parse(&name).unwrap();
    refused(
        pull_with(&client(), &name, &MemorySink::default()),
        RegistryCode::Protocol,
        name.host(),
    );
}

#[test]
fn a_registry_of_this_machine_may_speak_plain_http_unasked() {
    let (server, image) = but(|_, _| None);
    let careful = ClientSettings {
        plain_http: false,
        ..settings()
    };
    let client = Client::new(careful, DockerConfig::default());
    let sink = MemorySink::default();
    pull_with(&client, &server.name("x:1"), &sink).unwrap();
    is_whole(&sink, &image);
    assert_eq!(client.scheme("example.com:5000").unwrap(), "https");
}

#[test]
fn a_redirect_is_followed_without_the_credentials() {
    let image = image();
    let layer = image.layer().to_vec();
    let elsewhere = Server::start(move |request| serve_range(request, &layer));
    let address = elsewhere.address;
    let served = image.clone();
    let server = Server::start(move |request| {
        if request.header("authorization").is_none() {
            return Reply::new(401, "").header("WWW-Authenticate", r#"Basic realm="x""#);
        }
        if request.path == served.layer_path() {
            return Reply::new(307, "").header("Location", format!("http://{address}/layer"));
        }
        served.serve(request)
    });
    let folder = tempfile::tempdir().unwrap();
    let config = format!(
        r#"{{"auths":{{"{}":{{"username":"me","password":"p"}}}}}}"#,
        server.address
    );
    std::fs::write(folder.path().join("config.json"), config).unwrap();
    let client = Client::new(settings(), DockerConfig::read(folder.path()).unwrap());
    let sink = MemorySink::default();
    pull_with(&client, &server.name("x:1"), &sink).unwrap();
    is_whole(&sink, &image);
    assert_eq!(elsewhere.count("GET", "/layer"), 1);
    assert_eq!(elsewhere.seen()[0].header("authorization"), None);
}

#[test]
fn redirects_have_an_end_and_keep_to_encryption() {
    let (server, image) =
        but_layer(|_, _, image| Some(Reply::new(302, "").header("Location", image.layer_path())));
    refused(pull(&server), RegistryCode::Redirect, "more than 10 times");
    assert_eq!(server.count("GET", &image.layer_path()), 11);

    let careful = Client::new(
        ClientSettings {
            plain_http: false,
            ..settings()
        },
        DockerConfig::default(),
    );
    let (server, _) = but_layer(|_, _, _| {
        Some(Reply::new(302, "").header("Location", "http://example.com/layer?secret=1"))
    });
    let pulled = pull_with(&careful, &server.name("x:1"), &MemorySink::default());
    refused(pulled, RegistryCode::Redirect, "http://example.com/layer)");

    let (server, _) = but_layer(|_, _, _| Some(Reply::new(302, "").header("Location", "ftp://a/")));
    refused(
        pull(&server),
        RegistryCode::Redirect,
        "is not an HTTP address",
    );
}

#[test]
fn an_index_is_not_followed_for_ever() {
    // Each index leads to the next; the innermost to the image.
    let image = image();
    let mut documents = vec![image.manifest.clone()];
    for depth in 0..6 {
        let media_type = if depth == 0 {
            MANIFEST
        } else {
            ocre_oci::INDEX_MEDIA_TYPE
        };
        let entry = descriptor(media_type, &documents[depth]);
        documents.push(
            format!(
                r#"{{"schemaVersion":2,"mediaType":"{}","manifests":[{entry}]}}"#,
                ocre_oci::INDEX_MEDIA_TYPE
            )
            .into_bytes(),
        );
    }
    let digest_of_good = Sha256::of(&documents[4]);
    let digest_of_deep = Sha256::of(&documents[6]);
    let server = Server::start(move |request| {
        let found = documents
            .iter()
            .find(|document| request.path == format!("/v2/x/manifests/{}", Sha256::of(document)));
        found.map_or_else(|| image.serve(request), |found| Reply::new(200, &**found))
    });
    let pull = |digest| {
        let sink = MemorySink::default();
        pull_with(&client(), &server.name(&format!("x@{digest}")), &sink).map(|_| sink)
    };
    assert_eq!(
        pull(digest_of_good)
            .unwrap()
            .documents
            .lock()
            .unwrap()
            .len(),
        5
    );
    refused(pull(digest_of_deep), RegistryCode::IndexNestedTooDeep, "");
}

#[test]
fn referrers_are_listed_page_by_page() {
    let image = image();
    let subject = Sha256::of(&image.manifest);
    let referrer = |name: &str| {
        let blob = descriptor("a/b", image.layer());
        let subject = descriptor(MANIFEST, &image.manifest);
        format!(r#"{{"schemaVersion":2,"mediaType":"{MANIFEST}","artifactType":"a/{name}","config":{blob},"layers":[{blob}],"subject":{subject}}}"#).into_bytes()
    };
    let (one, two) = (referrer("one"), referrer("two"));
    let served = image.clone();
    let server = Server::start(move |request| {
        let page = |document: &[u8]| {
            let entry = descriptor(MANIFEST, document);
            let index = format!(
                r#"{{"schemaVersion":2,"mediaType":"{}","manifests":[{entry}]}}"#,
                ocre_oci::INDEX_MEDIA_TYPE
            );
            Reply::new(200, index).header("Content-Type", ocre_oci::INDEX_MEDIA_TYPE)
        };
        let list = format!("/v2/x/referrers/{subject}");
        for document in [&one, &two] {
            if request.path == format!("/v2/x/manifests/{}", Sha256::of(document)) {
                return Reply::new(200, &**document).header("Content-Type", MANIFEST);
            }
        }
        match request.path.strip_prefix(&*list) {
            Some("") => page(&one).header("Link", format!(r#"<{list}?n=2>; rel="next""#)),
            Some("?n=2") => page(&two),
            _ => served.serve(request),
        }
    });
    let client = client();
    let repository = Repository::new(&client, &server.name("x:1"), Access::Pull, None).unwrap();
    for (referrers, count) in [
        (CopiedReferrers::All, 2),
        (CopiedReferrers::OfTypes(&["a/two", "a/three"]), 1),
        (CopiedReferrers::OfTypes(&["a/three"]), 0),
        (CopiedReferrers::OfTypes(&[]), 0),
    ] {
        let sink = MemorySink::default();
        let wanted = CopyOptions {
            referrers,
            ..options()
        };
        let copied = ocre_registry::copy(&repository, &sink, &wanted).unwrap();
        assert_eq!(copied.referrers, count, "{referrers:?}");
        assert_eq!(sink.documents.lock().unwrap().len(), 1 + count);
    }
}

#[test]
fn a_registry_without_lists_of_referrers_is_no_error() {
    for status in [400, 404, 405] {
        let (server, image) = but(move |request, _| {
            let is_list = request.path.starts_with("/v2/x/referrers/");
            is_list.then(|| Reply::new(status, "no such thing"))
        });
        let client = client();
        let repository = Repository::new(&client, &server.name("x:1"), Access::Pull, None);
        let repository = repository.unwrap();
        let wanted = CopyOptions {
            referrers: CopiedReferrers::OfTypes(&["a/signature"]),
            ..options()
        };
        for _ in 0..2 {
            let sink = MemorySink::default();
            let copied = ocre_registry::copy(&repository, &sink, &wanted).unwrap();
            assert_eq!(copied.referrers, 0, "{status}");
            is_whole(&sink, &image);
        }
        let list = format!("/v2/x/referrers/{}", Sha256::of(&image.manifest));
        assert_eq!(server.count("GET", &list), 1, "{status}: asked for once");
    }
}
