// SPDX-License-Identifier: Apache-2.0
//! Servers that are silent or send a byte now and then, in each part of an exchange.

mod support;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use ocre_oci::Sha256;
use ocre_registry::{
    Access, Client, ClientSettings, DockerConfig, Error, ImageName, RegistryCode, Repository,
};
use support::{MemorySink, Reply, ServedImage, Server, options, pull_with, refused};

/// Time between two bytes: well within the limit on silence.
const DRIP: Duration = Duration::from_millis(20);

fn impatient() -> Client {
    let settings = ClientSettings {
        retries: 0,
        timeout: Duration::from_secs(1),
        ..support::settings()
    };
    Client::new(settings, DockerConfig::default())
}

/// A server that sends `first` after each request, and then `again` for ever.
fn dripping(first: &'static str, again: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || drip(&stream, first, again));
        }
    });
    address
}

fn drip(mut stream: &TcpStream, first: &str, again: &str) -> Option<()> {
    let mut line = String::new();
    let mut reader = BufReader::new(stream);
    while line != "\r\n" {
        line.clear();
        reader
            .read_line(&mut line)
            .ok()
            .filter(|count| *count > 0)?;
    }
    stream.write_all(first.as_bytes()).ok()?;
    loop {
        for byte in again.bytes() {
            thread::sleep(DRIP);
            stream.write_all(&[byte]).ok()?;
        }
    }
}

fn pull_from(address: SocketAddr) -> Result<(), Error> {
    let name = ImageName::parse(&format!("{address}/x:1")).unwrap();
    pull_with(&impatient(), &name, &MemorySink::default()).map(drop)
}

#[test]
fn an_answer_that_drips_is_given_up_wherever_it_does() {
    for (first, again) in [
        // The status line, the headers, interim answers.
        ("HTTP/1.1 200 O", "k"),
        ("HTTP/1.1 200 OK\r\nx-a: ", "y"),
        ("HTTP/1.1 200 OK\r\n", "x-a: y\r\n"),
        ("", "HTTP/1.1 100 Continue\r\n\r\n"),
        // Bodies of a length, in chunks, and until the end.
        ("HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n", " "),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
            "1\r\nx\r\n",
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1;",
            "x",
        ),
        ("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n", " "),
    ] {
        let pulled = pull_from(dripping(first, again));
        let error = pulled.expect_err(first);
        assert_eq!(
            error.code(),
            RegistryCode::Timeout,
            "{first:?} {again:?}: {error}"
        );
        assert!(error.detail().contains("1 s"), "{error}");
    }
}

#[test]
fn an_error_that_drips_is_told_without_its_words() {
    let first = "HTTP/1.1 403 No\r\ncontent-length: 10000\r\n\r\n";
    refused(
        pull_from(dripping(first, " ")),
        RegistryCode::Forbidden,
        "status 403",
    );
}

#[test]
fn a_token_that_drips_is_given_up() {
    let realm = dripping("HTTP/1.1 200 OK\r\ncontent-length: 10000\r\n\r\n", " ");
    let server = Server::start(move |_| {
        let challenge = format!(r#"Bearer realm="http://{realm}/token""#);
        Reply::new(401, "").header("WWW-Authenticate", challenge)
    });
    refused(
        pull_from(server.address),
        RegistryCode::Timeout,
        "of at least 4096",
    );
}

#[test]
fn a_resumed_pull_is_given_up_where_the_server_drips_what_was_there() {
    let image = ServedImage::new(&b"a layer of some length ".repeat(5000));
    let served = image.clone();
    let server = Server::start(move |request| {
        if request.path == served.layer_path() {
            // It takes no notice of ranges.
            return Reply::new(200, served.layer()).slow(DRIP);
        }
        served.serve(request)
    });
    let client = impatient();
    let repository = Repository::new(&client, &server.name("x:1"), Access::Pull, None).unwrap();
    let blob = ocre_registry::Blob {
        digest: Sha256::of(image.layer()),
        size: image.layer().len() as u64,
    };
    let opened = ocre_registry::Source::open(&repository, &blob, 100_000);
    refused(opened, RegistryCode::Timeout, "of at least 4096");
}

/// A registry that takes uploads, but reads the content as `read` does.
fn slow_reader(read: fn(&TcpStream)) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || take(&stream, read));
        }
    });
    address
}

fn take(mut stream: &TcpStream, read: fn(&TcpStream)) -> Option<()> {
    let mut reader = BufReader::with_capacity(1, stream);
    loop {
        let mut request = String::new();
        while !request.ends_with("\r\n\r\n") {
            reader
                .read_line(&mut request)
                .ok()
                .filter(|count| *count > 0)?;
        }
        let answer = match request.split(' ').next()? {
            "HEAD" => "404 No",
            "POST" => "202 Yes\r\nlocation: /upload",
            _ => {
                read(stream);
                return None;
            }
        };
        let answer = format!("HTTP/1.1 {answer}\r\ncontent-length: 0\r\n\r\n");
        stream.write_all(answer.as_bytes()).ok()?;
    }
}

#[test]
fn an_upload_that_nobody_reads_is_given_up() {
    // More than the system buffers for a connection.
    let image = ServedImage::new(&vec![7; 32 << 20]);
    let from = Server::start(move |request| image.serve(request));
    let readers: [fn(&TcpStream); 2] = [
        |_| thread::sleep(Duration::from_secs(60)),
        |mut stream| {
            let mut byte = [0; 1];
            while stream.read(&mut byte).is_ok_and(|count| count > 0) {
                thread::sleep(DRIP);
            }
        },
    ];
    for reader in readers {
        let client = impatient();
        let to = ImageName::parse(&format!("{}/y:2", slow_reader(reader))).unwrap();
        let source = Repository::new(&client, &from.name("x:1"), Access::Pull, None).unwrap();
        let sink = Repository::new(&client, &to, Access::Push, None).unwrap();
        let copied = ocre_registry::copy(&source, &sink, &options());
        refused(copied, RegistryCode::Timeout, "1 s");
    }
}
