// SPDX-License-Identifier: Apache-2.0
//! `ocre image pull` and `copy` against hostile servers: over TLS, with a user who has logged in.

mod cli;

use std::fs;
use std::path::Path;
use std::process::Command;

use cli::child::ends;
use cli::tls::{Answer, TlsServer, plain, status};
use cli::{CliFixture, guest};

/// Value of the header for the user `me` with the password `secret`.
const BASIC: &str = "Basic bWU6c2VjcmV0";

/// Command for `ocre`, run by a user who trusts the server and has logged in.
fn command(desk: &CliFixture, server: &TlsServer, arguments: &[&str]) -> Command {
    let port = server.address.port();
    let config = format!(r#"{{"auths":{{"localhost:{port}":{{"auth":"bWU6c2VjcmV0"}}}}}}"#);
    desk.write("docker/config.json", config);
    let mut command = desk.command(arguments);
    command
        .env("XDG_CACHE_HOME", desk.path("cache"))
        .env("DOCKER_CONFIG", desk.path("docker"))
        .env("SSL_CERT_FILE", &server.certificate);
    command
}

const PULL: [&str; 6] = ["image", "pull", "--retries", "0", "--timeout", "2"];

/// Pulls `x:1`, which is refused with that code and those words. `heard` are all requests to the
/// plain server at the other end.
#[track_caller]
fn refused(desk: &CliFixture, server: &TlsServer, code: &str, words: &str) {
    let name = server.name("x:1");
    let mut arguments = PULL.to_vec();
    arguments.push(&name);
    for more in [&[][..], &["--plain-http"]] {
        if !more.is_empty() && code != "registry-redirect" {
            continue;
        }
        let mut command = command(desk, server, &arguments);
        let ended = ends({
            command.args(more);
            command
        });
        if more.is_empty() {
            ended.failed(1, code);
            ended.failed(1, words);
        }
        assert!(!ended.err.contains("secret"), "{ended:?}");
    }
}

#[test]
fn a_plain_realm_of_an_encrypted_registry_learns_nothing() {
    let desk = CliFixture::new();
    let (realm, heard) = plain("HTTP/1.1 200 OK\r\ncontent-length: 13\r\n\r\n{\"token\":\"x\"}");
    let server = TlsServer::start(&desk, move |_| {
        status(
            401,
            &format!("www-authenticate: Bearer realm=\"http://{realm}/token\",service=\"x\"\r\n"),
        )
    });
    refused(&desk, &server, "registry-redirect", "plain HTTP");
    assert!(heard.lock().unwrap().is_empty());
}

#[test]
fn an_encrypted_registry_leads_to_no_plain_server() {
    let desk = CliFixture::new();
    let (other, heard) = plain("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}");
    let server = TlsServer::start(&desk, move |_| {
        status(307, &format!("location: http://{other}/x\r\n"))
    });
    refused(&desk, &server, "registry-redirect", "plain HTTP");
    assert!(heard.lock().unwrap().is_empty());
}

#[test]
fn an_encrypted_registry_sends_no_upload_to_a_plain_server() {
    let desk = CliFixture::new();
    let wasm = guest("hello-c");
    let packing = ["image", "pack", "--wasm", wasm.to_str().unwrap()];
    desk.ok(packing.iter().chain(&["-o", "layout", "-t", "hello:1"]));
    let (other, heard) = plain("HTTP/1.1 201 OK\r\ncontent-length: 0\r\n\r\n");
    let server = TlsServer::start(&desk, move |request| match request.split(' ').next() {
        Some("HEAD") => status(404, ""),
        _ => status(202, &format!("location: http://{other}/upload\r\n")),
    });
    let name = server.name("hello:1");
    let arguments = [
        "image",
        "copy",
        "--retries",
        "0",
        "oci:layout:hello:1",
        &name,
    ];
    let ended = ends(command(&desk, &server, &arguments));
    ended.failed(1, "registry-redirect");
    ended.failed(1, "plain HTTP");
    assert!(heard.lock().unwrap().is_empty());
}

#[test]
fn no_registry_leads_to_metadata() {
    let desk = CliFixture::new();
    for address in [
        "https://169.254.169.254/latest/",
        "https://0xA9FEA9FE/latest/",
        "https://[::ffff:a9fe:a9fe]/latest/",
        "https://metadata.google.internal/computeMetadata/v1/",
    ] {
        let server = TlsServer::start(&desk, move |_| {
            status(302, &format!("location: {address}\r\n"))
        });
        refused(&desk, &server, "registry-redirect", "metadata address");
    }
}

#[test]
fn another_encrypted_server_learns_no_credentials() {
    let desk = CliFixture::new();
    let elsewhere = TlsServer::start(&desk, |_| status(404, ""));
    let port = elsewhere.address.port();
    let server = TlsServer::start(&desk, move |request| {
        if !request.contains("authorization") {
            return status(401, "www-authenticate: Basic realm=\"x\"\r\n");
        }
        status(307, &format!("location: https://localhost:{port}/x\r\n"))
    });
    // Each server has made a certificate of the same name for itself.
    let both = [&elsewhere, &server].map(|server| fs::read_to_string(&server.certificate).unwrap());
    let trusted = desk.write("both.pem", both.concat());
    let name = server.name("x:1");
    let mut arguments = PULL.to_vec();
    arguments.push(&name);
    let mut command = command(&desk, &server, &arguments);
    command.env("SSL_CERT_FILE", trusted);
    ends(command).failed(1, "registry-");
    let asked = server.seen.lock().unwrap();
    assert!(asked.iter().any(|request| request.contains(BASIC)));
    let heard = elsewhere.seen.lock().unwrap();
    assert!(
        heard
            .iter()
            .all(|request| !request.contains("authorization"))
    );
}

#[test]
fn an_answer_whose_encryption_drips_is_given_up() {
    let desk = CliFixture::new();
    let server = TlsServer::start(&desk, |request| {
        if request.starts_with("GET /v2/ ") {
            // Which shows that it speaks TLS.
            return status(200, "");
        }
        // A single record, which can't be read before it is whole.
        let body = "x".repeat(10_000);
        Answer::Dripping(format!(
            "HTTP/1.1 200 OK\r\ncontent-length: 10000\r\n\r\n{body}"
        ))
    });
    refused(&desk, &server, "registry-timeout", "2 s");
}

fn named_pipe(path: &Path) {
    let made = Command::new("mkfifo").arg(path).status().unwrap();
    assert!(made.success());
}

#[test]
fn certificates_and_configurations_are_regular_files() {
    let desk = CliFixture::new();
    let server = TlsServer::start(&desk, |_| status(404, ""));
    let name = server.name("x:1");
    let mut arguments = PULL.to_vec();
    arguments.push(&name);
    named_pipe(&desk.path("pipe"));
    for path in [desk.path("pipe"), "/dev/zero".into(), desk.path("docker")] {
        let mut command = command(&desk, &server, &arguments);
        command.env("SSL_CERT_FILE", &path);
        let ended = ends(command);
        ended.failed(1, "registry-tls at ");
        ended.failed(1, "not a regular file");
    }
    let configuration = desk.path("docker/config.json");
    for path in [desk.path("pipe"), "/dev/zero".into()] {
        let command = command(&desk, &server, &arguments);
        fs::remove_file(&configuration).unwrap();
        std::os::unix::fs::symlink(&path, &configuration).unwrap();
        let ended = ends(command);
        fs::remove_file(&configuration).unwrap();
        ended.failed(1, "credentials-config at ");
        ended.failed(1, "not a regular file");
    }
    let command = command(&desk, &server, &arguments);
    fs::File::create(&configuration)
        .unwrap()
        .set_len(1 << 40)
        .unwrap();
    ends(command).failed(1, "more than 1048576 bytes");
}

/// Makes a credential helper of a shell script, and the command that asks it.
fn with_helper(desk: &CliFixture, server: &TlsServer, script: &str, timeout: &str) -> Command {
    desk.script("bin/docker-credential-kept", script);
    let name = server.name("x:1");
    let arguments = [
        "image",
        "pull",
        "--retries",
        "0",
        "--timeout",
        timeout,
        &name,
    ];
    let mut command = command(desk, server, &arguments);
    desk.write("docker/config.json", r#"{"credsStore":"kept"}"#);
    let path = std::env::var("PATH").unwrap();
    command.env("PATH", format!("{}:{path}", desk.path("bin").display()));
    command
}

fn asking_for_a_password(desk: &CliFixture) -> TlsServer {
    TlsServer::start(desk, |request| {
        if request.contains("authorization") {
            return status(404, "");
        }
        status(401, "www-authenticate: Basic realm=\"x\"\r\n")
    })
}

const ANSWER: &str = r#"echo '{"Username":"me","Secret":"secret"}'"#;

#[test]
fn a_helper_has_answered_when_it_ends() {
    let desk = CliFixture::new();
    let server = asking_for_a_password(&desk);
    let agent = desk.path("agent");
    // A background process keeps the pipes open.
    let script = format!("sleep 1000 &\necho $! > {}\n{ANSWER}", agent.display());
    ends(with_helper(&desk, &server, &script, "600")).failed(1, "registry-not-found");
    let pid = fs::read_to_string(agent).unwrap();
    let ended = Command::new("kill").arg(pid.trim()).status().unwrap();
    assert!(ended.success(), "the agent had ended before");
    let asked = server.seen.lock().unwrap();
    assert!(asked.iter().any(|request| request.contains(BASIC)));
}

#[test]
fn a_helper_is_bounded_in_time_and_bytes() {
    let desk = CliFixture::new();
    let server = asking_for_a_password(&desk);
    let slow = ends(with_helper(&desk, &server, "exec sleep 1000", "1"));
    slow.failed(1, "credentials-helper at docker-credential-kept");
    slow.failed(1, "did not end within 1 s");
    let endless = ends(with_helper(&desk, &server, "exec yes", "60"));
    endless.failed(1, "credentials-helper at docker-credential-kept");
    endless.failed(1, "more than 65536 bytes");
    let large = format!("head -c 60000 /dev/zero | tr '\\0' ' '\n{ANSWER}");
    ends(with_helper(&desk, &server, &large, "60")).failed(1, "registry-not-found");
}
