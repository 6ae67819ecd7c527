// SPDX-License-Identifier: Apache-2.0
//! A TLS server with answers that a test chooses.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, Stream};

use super::CliFixture;

/// Makes a self-signed certificate of this machine, and its key.
pub fn certificate(desk: &CliFixture) -> (PathBuf, PathBuf) {
    let (certificate, key) = (desk.path("cert.pem"), desk.path("key.pem"));
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
        ])
        .args(["-nodes", "-days", "2", "-subj", "/CN=localhost"])
        .args([
            "-addext",
            "subjectAltName=DNS:localhost,IP:127.0.0.1",
            "-addext",
            "basicConstraints=critical,CA:FALSE",
            "-keyout",
        ])
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .output()
        .expect("openssl: run cargo xtask setup");
    assert!(made.status.success(), "{made:?}");
    (certificate, key)
}

/// Answer to a request.
pub enum Answer {
    /// A text, at once.
    Text(String),
    /// A text, sent as single bytes of its encrypted form.
    Dripping(String),
}

/// An answer with a status, further headers and no body.
pub fn status(status: u16, headers: &str) -> Answer {
    let length = "content-length: 0\r\nconnection: close\r\n\r\n";
    Answer::Text(format!("HTTP/1.1 {status} x\r\n{headers}{length}"))
}

type TlsHandler = dyn Fn(&str) -> Answer + Send + Sync;

/// Server until the end of the tests' process.
pub struct TlsServer {
    pub address: SocketAddr,
    pub certificate: PathBuf,
    /// Request lines and headers.
    pub seen: Arc<Mutex<Vec<String>>>,
}

impl TlsServer {
    /// Starts the server; `handler` gets request line and headers.
    pub fn start(
        desk: &CliFixture,
        handler: impl Fn(&str) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let (certificate, key) = certificate(desk);
        let chain = vec![CertificateDer::from_pem_file(&certificate).unwrap()];
        let key = PrivateKeyDer::from_pem_file(key).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        let config = Arc::new(config);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (handler, all): (Arc<TlsHandler>, _) = (Arc::new(handler), Arc::clone(&seen));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (config, handler, all) =
                    (Arc::clone(&config), Arc::clone(&handler), Arc::clone(&all));
                thread::spawn(move || answer(stream, config, &handler, &all));
            }
        });
        Self {
            address,
            certificate,
            seen,
        }
    }

    pub fn name(&self, rest: &str) -> String {
        format!("localhost:{}/{rest}", self.address.port())
    }
}

/// The client may go at any time.
fn answer(
    mut socket: TcpStream,
    config: Arc<ServerConfig>,
    handler: &Arc<TlsHandler>,
    seen: &Mutex<Vec<String>>,
) -> Option<()> {
    let mut connection = ServerConnection::new(config).ok()?;
    let mut request = String::new();
    let mut reader = BufReader::new(Stream::new(&mut connection, &mut socket));
    while !request.ends_with("\r\n\r\n") {
        reader
            .read_line(&mut request)
            .ok()
            .filter(|count| *count > 0)?;
    }
    seen.lock().unwrap().push(request.clone());
    match handler(&request) {
        Answer::Text(text) => {
            let mut stream = Stream::new(&mut connection, &mut socket);
            stream.write_all(text.as_bytes()).ok()?;
            connection.send_close_notify();
            connection.complete_io(&mut socket).ok()?;
            // Until the other side has read it.
            let _ = socket.read(&mut [0; 1]);
        }
        Answer::Dripping(text) => {
            connection.writer().write_all(text.as_bytes()).ok()?;
            let mut bytes = Vec::new();
            while connection.wants_write() {
                connection.write_tls(&mut bytes).ok()?;
            }
            for byte in bytes {
                thread::sleep(Duration::from_millis(50));
                socket.write_all(&[byte]).ok()?;
            }
        }
    }
    Some(())
}

/// A plain server that answers each request the same, and its request lines.
pub fn plain(answer: &'static str) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let all = Arc::clone(&seen);
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut line = String::new();
            // Bytes that are no text are no HTTP.
            let _ = BufReader::new(&stream).read_line(&mut line);
            all.lock().unwrap().push(line);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    (address, seen)
}
