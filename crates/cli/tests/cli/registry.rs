// SPDX-License-Identifier: Apache-2.0
//! A real registry on this machine: Debian's `docker-registry`, which `cargo xtask setup`
//! installs.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use super::child::RunningProcess;
use super::{CliFixture, tls};

/// A registry that runs until this is dropped.
pub struct Registry {
    pub address: SocketAddr,
    config: PathBuf,
    log: PathBuf,
    child: Option<RunningProcess>,
}

impl Registry {
    /// Starts a registry without a password.
    pub fn start(desk: &CliFixture) -> Self {
        Self::with(desk, "")
    }

    /// Starts an encrypted registry. Returns the file of its self-signed certificate, too.
    pub fn with_tls(desk: &CliFixture) -> (Self, PathBuf) {
        let (certificate, key) = tls::certificate(desk);
        let tls = format!(
            "  tls:\n    certificate: {}\n    key: {}\n",
            certificate.display(),
            key.display()
        );
        (Self::with(desk, &tls), certificate)
    }

    /// Starts a registry for the user `me` with the password `pass:word` alone.
    pub fn with_password(desk: &CliFixture) -> Self {
        let line = "me:$2y$05$abcdefghijklmnopqrstuuDIEddBSuRWBBEY6g5zv60IAP5bSSfki\n";
        let file = desk.write("htpasswd", line);
        let auth = format!(
            "auth:\n  htpasswd:\n    realm: here\n    path: {}\n",
            file.display()
        );
        Self::with(desk, &auth)
    }

    fn with(desk: &CliFixture, more: &str) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let data = desk.path("registry");
        fs::create_dir_all(&data).unwrap();
        let config = format!(
            "version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: {}\n  delete:\n    enabled: true\nhttp:\n  addr: {address}\n{more}",
            data.display()
        );
        let mut registry = Self {
            address,
            config: desk.write("registry.yml", config),
            log: desk.path("registry.log"),
            child: None,
        };
        registry.run();
        registry
    }

    /// Starts the registry, with its old content.
    pub fn run(&mut self) {
        let log = fs::File::create(&self.log).unwrap();
        let mut command = Command::new("docker-registry");
        command
            .arg("serve")
            .arg(&self.config)
            .env("OTEL_TRACES_EXPORTER", "none")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        let child = RunningProcess::start(command);
        self.child = Some(child.expect("docker-registry: run cargo xtask setup"));
        let until = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect(self.address).is_err() {
            let log = || fs::read_to_string(&self.log).unwrap_or_default();
            assert!(Instant::now() < until, "it does not start: {}", log());
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Ends the registry at once.
    pub fn stop(&mut self) {
        self.child = None;
    }

    pub fn name(&self, rest: &str) -> String {
        format!("{}/{rest}", self.address)
    }
}

/// A connection to a registry that can be cut. Counts the bytes from the registry, and ends when
/// there are more than `limit`.
pub struct CutConnection {
    pub address: SocketAddr,
    pub came_back: Arc<AtomicU64>,
    pub limit: Arc<AtomicU64>,
}

impl CutConnection {
    /// Makes a line that passes on `limit` bytes from the registry, then calls `cut` once and ends.
    pub fn to(registry: SocketAddr, limit: u64, cut: impl FnOnce() + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let line = Self {
            address: listener.local_addr().unwrap(),
            came_back: Arc::default(),
            limit: Arc::new(AtomicU64::new(limit)),
        };
        let (came_back, limit) = (Arc::clone(&line.came_back), Arc::clone(&line.limit));
        let cut = Arc::new(Mutex::new(Some(cut)));
        thread::spawn(move || {
            for near in listener.incoming().flatten() {
                let Ok(far) = TcpStream::connect(registry) else {
                    continue;
                };
                let (from, to) = (near.try_clone().unwrap(), far.try_clone().unwrap());
                thread::spawn(move || pass(from, to, |_| true));
                let (came_back, limit, cut) =
                    (Arc::clone(&came_back), Arc::clone(&limit), Arc::clone(&cut));
                thread::spawn(move || {
                    pass(far, near, |count| {
                        let all = came_back.fetch_add(count, Ordering::SeqCst) + count;
                        let goes_on = all <= limit.load(Ordering::SeqCst);
                        if !goes_on && let Some(cut) = cut.lock().unwrap().take() {
                            cut();
                        }
                        goes_on
                    });
                });
            }
        });
        line
    }
}

/// Passes bytes on as long as `goes_on`.
fn pass(mut from: TcpStream, mut to: TcpStream, goes_on: impl Fn(u64) -> bool) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        if !goes_on(count as u64) || to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    // The other side may be gone.
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}
