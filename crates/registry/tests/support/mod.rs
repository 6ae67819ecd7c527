// SPDX-License-Identifier: Apache-2.0
//! Server that answers as a test says, however wrong, and a place in memory to copy to.
#![allow(dead_code)] // each test file uses a part of it

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use ocre_oci::Sha256;
use ocre_registry::{
    Access, Blob, Client, ClientSettings, ContentOpener, Copied, CopiedReferrers, CopyOptions,
    DockerConfig, Error, ImageDocument, ImageName, RegistryCode, Repository, Role, Sink,
};

pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// Request, as received.
#[derive(Clone, Debug)]
pub struct ReceivedRequest {
    pub method: String,
    pub path: String,
    pub headers: HashMap<String, String>,
    pub body: Vec<u8>,
}

impl ReceivedRequest {
    pub fn is(&self, method: &str, path: &str) -> bool {
        self.method == method && self.path == path
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

/// Answer: status, headers, the bytes sent of a body, and the length that its header names.
pub struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    length: Option<usize>,
    silence: Option<Duration>,
}

impl Reply {
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: body.into(),
            length: None,
            silence: None,
        }
    }

    pub fn header(mut self, name: &str, value: impl ToString) -> Self {
        self.headers.push((name.to_owned(), value.to_string()));
        self
    }

    /// Announces a length, whatever the body.
    pub fn of_length(mut self, length: usize) -> Self {
        self.length = Some(length);
        self
    }

    /// Sends only the beginning of the body.
    pub fn cut(mut self, length: usize) -> Self {
        self.body.truncate(length);
        self
    }

    /// Waits before each byte.
    pub fn slow(mut self, silence: Duration) -> Self {
        self.silence = Some(silence);
        self
    }

    fn send(self, mut stream: &TcpStream) -> std::io::Result<()> {
        let mut head = format!("HTTP/1.1 {} x\r\nconnection: close\r\n", self.status);
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        let length = self.length.unwrap_or(self.body.len());
        head += &format!("content-length: {length}\r\n\r\n");
        stream.write_all(head.as_bytes())?;
        let Some(silence) = self.silence else {
            return stream.write_all(&self.body);
        };
        for byte in &self.body {
            thread::sleep(silence);
            stream.write_all(&[*byte])?;
        }
        Ok(())
    }
}

type RequestHandler = dyn Fn(&ReceivedRequest) -> Reply + Send + Sync;

/// Server that answers each request on a new connection, and records all requests. It ends with the
/// test's process.
pub struct Server {
    pub address: SocketAddr,
    seen: Arc<Mutex<Vec<ReceivedRequest>>>,
}

impl Server {
    pub fn start(handler: impl Fn(&ReceivedRequest) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (handler, all): (Arc<RequestHandler>, _) = (Arc::new(handler), Arc::clone(&seen));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (handler, all) = (Arc::clone(&handler), Arc::clone(&all));
                thread::spawn(move || answer(&stream, &handler, &all));
            }
        });
        Self { address, seen }
    }

    /// All requests so far.
    pub fn seen(&self) -> Vec<ReceivedRequest> {
        self.seen.lock().unwrap().clone()
    }

    /// Number of requests with a method and a path.
    pub fn count(&self, method: &str, path: &str) -> usize {
        let seen = self.seen.lock().unwrap();
        seen.iter()
            .filter(|request| request.is(method, path))
            .count()
    }

    pub fn name(&self, rest: &str) -> ImageName {
        ImageName::parse(&format!("{}/{rest}", self.address)).unwrap()
    }
}

/// The client may go at any time.
fn answer(
    stream: &TcpStream,
    handler: &Arc<RequestHandler>,
    seen: &Mutex<Vec<ReceivedRequest>>,
) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    // A first line that is no text is TLS, which this server does not speak.
    reader.read_line(&mut line).ok()?;
    let mut words = line.split(' ');
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = HashMap::new();
    loop {
        line.clear();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim().split_once(':') else {
            break;
        };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers
        .get("content-length")
        .map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let request = ReceivedRequest {
        method,
        path,
        headers,
        body,
    };
    seen.lock().unwrap().push(request.clone());
    handler(&request).send(stream).ok()
}

/// An image of one layer, as a registry serves it.
#[derive(Clone)]
pub struct ServedImage {
    pub manifest: Vec<u8>,
    pub blobs: Vec<Vec<u8>>,
}

impl ServedImage {
    pub fn new(layer: &[u8]) -> Self {
        let blobs = vec![b"{}".to_vec(), layer.to_vec()];
        let described: Vec<_> = blobs.iter().map(|blob| descriptor("a/b", blob)).collect();
        let manifest = format!(
            r#"{{"schemaVersion":2,"mediaType":"{MANIFEST}","config":{},"layers":[{}]}}"#,
            described[0], described[1]
        );
        Self {
            manifest: manifest.into_bytes(),
            blobs,
        }
    }

    pub fn layer(&self) -> &[u8] {
        &self.blobs[1]
    }

    pub fn layer_path(&self) -> String {
        format!("/v2/x/blobs/{}", Sha256::of(self.layer()))
    }

    /// Answer of a registry that works, for the tag `1` of the repository `x`.
    pub fn serve(&self, request: &ReceivedRequest) -> Reply {
        let manifest = Sha256::of(&self.manifest).to_string();
        if ["1", &manifest]
            .map(|which| format!("/v2/x/manifests/{which}"))
            .contains(&request.path)
        {
            return Reply::new(200, &*self.manifest).header("Content-Type", MANIFEST);
        }
        for blob in &self.blobs {
            if request.path == format!("/v2/x/blobs/{}", Sha256::of(blob)) {
                return serve_range(request, blob);
            }
        }
        Reply::new(
            404,
            r#"{"errors":[{"code":"UNKNOWN","message":"nothing of that name"}]}"#,
        )
    }
}

/// Answer with the bytes, or with the requested range.
pub fn serve_range(request: &ReceivedRequest, bytes: &[u8]) -> Reply {
    match request.header("range") {
        None => Reply::new(200, bytes),
        Some(range) => {
            let start: usize = range["bytes=".len()..]
                .trim_end_matches('-')
                .parse()
                .unwrap();
            let end = bytes.len() - 1;
            Reply::new(206, &bytes[start..]).header(
                "Content-Range",
                format!("bytes {start}-{end}/{}", bytes.len()),
            )
        }
    }
}

pub fn descriptor(media_type: &str, bytes: &[u8]) -> String {
    format!(
        r#"{{"mediaType":"{media_type}","digest":"{}","size":{}}}"#,
        Sha256::of(bytes),
        bytes.len()
    )
}

/// Empty sink that keeps all content in memory.
#[derive(Default)]
pub struct MemorySink {
    pub blobs: Mutex<HashMap<Sha256, Vec<u8>>>,
    pub documents: Mutex<Vec<(ImageDocument, Role)>>,
}

impl Sink for MemorySink {
    fn has(&self, blob: &Blob, _: Option<(&str, &str)>) -> Result<bool, Error> {
        Ok(self.blobs.lock().unwrap().contains_key(&blob.digest))
    }

    fn put(&self, blob: &Blob, open: ContentOpener<'_>) -> Result<(), Error> {
        let mut bytes = Vec::new();
        ocre_registry::Verified::new(open(0)?, blob)
            .read_to_end(&mut bytes)
            .map_err(|error| Error::of_io(error, "memory"))?;
        self.blobs.lock().unwrap().insert(blob.digest, bytes);
        Ok(())
    }

    fn put_document(&self, document: &ImageDocument, role: Role) -> Result<(), Error> {
        self.documents
            .lock()
            .unwrap()
            .push((document.clone(), role));
        Ok(())
    }
}

/// Impatient, so that tests are quick.
pub fn settings() -> ClientSettings {
    ClientSettings {
        plain_http: true,
        allow_private: false,
        retries: 3,
        first_wait: Duration::from_millis(5),
        timeout: Duration::from_millis(500),
    }
}

pub fn client() -> Client {
    Client::new(settings(), DockerConfig::default())
}

pub fn pull_with(client: &Client, name: &ImageName, sink: &MemorySink) -> Result<Copied, Error> {
    let repository = Repository::new(client, name, Access::Pull, None)?;
    ocre_registry::copy(&repository, sink, &options())
}

pub fn options() -> CopyOptions<'static> {
    CopyOptions {
        platform: None,
        referrers: CopiedReferrers::OfTypes(&[]),
        parallel: 2,
        progress: &|_| {},
    }
}

/// Pulls the tag `1` of `x`.
pub fn pull(server: &Server) -> Result<MemorySink, Error> {
    let sink = MemorySink::default();
    pull_with(&client(), &server.name("x:1"), &sink).map(|_| sink)
}

#[track_caller]
pub fn refused<T>(result: Result<T, Error>, code: RegistryCode, words: &str) {
    let error = result.err().expect("it is refused");
    assert_eq!(error.code(), code, "{error}");
    assert!(error.to_string().contains(words), "{error}");
}
