// SPDX-License-Identifier: Apache-2.0
//! Transfers of images from a registry on this machine, a layout and an archive, against skopeo;
//! and their memory.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use ocre_oci::Sha256;

use crate::measure::output;

/// Bytes of the large layer, of the small one, and of one that a device still takes.
const LARGE: usize = 64 << 20;
const SMALL: usize = 1 << 20;
const RUNNABLE: usize = 24 << 20;

/// Number of runs, of which the fastest counts.
const RUNS: usize = 5;

/// Transfer of an image: its source, and the arguments of `ocre`. skopeo, which knows no flash,
/// copies to a layout.
struct Move {
    what: &'static str,
    /// Source of the image.
    from: TransferEndpoint,
    /// Large and small image, and the bytes of their layers.
    images: [(&'static str, usize); 2],
    words: [&'static str; 2],
}

#[derive(Clone, Copy)]
enum TransferEndpoint {
    Registry,
    Layout,
    Archive,
}

const MOVES: [Move; 4] = [
    Move {
        what: "registry to layout",
        from: TransferEndpoint::Registry,
        images: [("large", LARGE), ("small", SMALL)],
        words: ["copy", "oci:out"],
    },
    Move {
        what: "registry, judged, to flash",
        from: TransferEndpoint::Registry,
        images: [("runs", RUNNABLE), ("little", SMALL)],
        words: ["pull", "x"],
    },
    Move {
        what: "layout, judged, to flash",
        from: TransferEndpoint::Layout,
        images: [("runs", RUNNABLE), ("little", SMALL)],
        words: ["import", "x"],
    },
    Move {
        what: "archive, judged, to flash",
        from: TransferEndpoint::Archive,
        images: [("runs", RUNNABLE), ("little", SMALL)],
        words: ["import", "x"],
    },
];

/// Variables with the paths of the `ocre` program and of the guests.
const PROGRAM: &str = "OCRE_PROGRAM";
const GUESTS: &str = "OCRE_GUESTS";

/// Debian's registry, until this value is dropped.
struct DebianRegistry {
    address: SocketAddr,
    child: Child,
}

impl DebianRegistry {
    fn start(folder: &Path) -> Result<Self> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let config = folder.join("registry.yml");
        let text = format!(
            "version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: {}\nhttp:\n  addr: {address}\n",
            folder.join("registry").display()
        );
        fs::write(&config, text)?;
        let child = Command::new("docker-registry")
            .arg("serve")
            .arg(&config)
            .env("OTEL_TRACES_EXPORTER", "none")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("docker-registry: run cargo xtask setup")?;
        let registry = Self { address, child };
        let until = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect(address).is_err() {
            ensure!(Instant::now() < until, "the registry does not start");
            thread::sleep(Duration::from_millis(20));
        }
        Ok(registry)
    }
}

impl Drop for DebianRegistry {
    fn drop(&mut self) {
        // The registry may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl TransferEndpoint {
    /// Address of an image, for skopeo and, except for registries, for `ocre`.
    fn of(self, desk: &TransferFixture, image: &str) -> String {
        match self {
            Self::Registry => format!("docker://{}", desk.name(&format!("{image}:1"))),
            Self::Layout => format!("oci:packed:{image}:1"),
            Self::Archive => format!("oci-archive:{image}.tar:{image}:1"),
        }
    }
}

/// Folder with a registry.
struct TransferFixture {
    folder: tempfile::TempDir,
    registry: DebianRegistry,
    program: PathBuf,
}

impl TransferFixture {
    fn ocre(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(words)
            .current_dir(self.folder.path())
            .env("OCRE_FLASH", self.folder.path().join("flash.bin"))
            .env("XDG_CACHE_HOME", self.folder.path().join("cache"))
            .env("DOCKER_CONFIG", self.folder.path());
        command
    }

    fn name(&self, image: &str) -> String {
        format!("{}/{image}", self.registry.address)
    }

    /// Puts an image with a layer of `bytes` incompressible bytes into the registry: with `runs`
    /// one that runs, otherwise one with an empty config, too large for a device.
    fn put(&self, image: &str, bytes: usize, runs: bool) -> Result<()> {
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()
        };
        let noise: Vec<u8> = (0..bytes / 8).flat_map(|_| next()).collect();
        let tag = format!("{image}:1");
        let from = if runs {
            fs::write(self.folder.path().join("data"), noise)?;
            let guests = std::env::var_os(GUESTS).context("cargo xtask bench sets OCRE_GUESTS")?;
            let wasm = Path::new(&guests)
                .join("hello-c.wasm")
                .display()
                .to_string();
            let pack = [
                "image", "pack", "--wasm", &wasm, "--blob", "data", "-o", "packed", "-t", &tag,
            ];
            output(&mut self.ocre(&pack))?;
            let (layout, archive) = (
                TransferEndpoint::Layout.of(self, image),
                TransferEndpoint::Archive.of(self, image),
            );
            output(&mut self.ocre(&["image", "copy", &layout, &archive]))?;
            layout
        } else {
            self.layout(image, &noise)?;
            format!("oci:{image}")
        };
        output(&mut self.ocre(&["image", "copy", &from, &self.name(&tag)]))?;
        Ok(())
    }

    /// Writes a layout with an image of a layer.
    fn layout(&self, name: &str, layer: &[u8]) -> Result<()> {
        let top = self.folder.path().join(name);
        fs::create_dir_all(top.join("blobs/sha256"))?;
        let put = |media_type: &str, bytes: &[u8]| -> Result<String> {
            let digest = Sha256::of(bytes);
            fs::write(top.join(format!("blobs/sha256/{}", digest.hex())), bytes)?;
            let size = bytes.len();
            Ok(format!(
                r#"{{"mediaType":"{media_type}","digest":"{digest}","size":{size}}}"#
            ))
        };
        let manifest_type = "application/vnd.oci.image.manifest.v1+json";
        let config = put("application/vnd.oci.image.config.v1+json", b"{}")?;
        let layer = put("application/octet-stream", layer)?;
        let manifest = format!(
            r#"{{"schemaVersion":2,"mediaType":"{manifest_type}","config":{config},"layers":[{layer}]}}"#
        );
        let entry = put(manifest_type, manifest.as_bytes())?;
        let index = format!(r#"{{"schemaVersion":2,"manifests":[{entry}]}}"#);
        fs::write(top.join("index.json"), index)?;
        fs::write(top.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#)?;
        Ok(())
    }

    /// Removes the results of earlier runs.
    fn clear(&self) -> Result<()> {
        for made in ["out", "cache"] {
            // The first run finds none.
            let _ = fs::remove_dir_all(self.folder.path().join(made));
        }
        let (empty, flash) = ("empty.bin", "flash.bin");
        let flash = self.folder.path().join(flash);
        fs::copy(self.folder.path().join(empty), &flash)?;
        // The measured time must not include writing this copy to the disk.
        fs::File::open(flash)?.sync_all()?;
        Ok(())
    }

    /// Time of a program's run, without results of earlier runs.
    fn time(&self, mut command: Command) -> Result<Duration> {
        self.clear()?;
        let start = Instant::now();
        output(&mut command)?;
        Ok(start.elapsed())
    }

    /// Arguments of `ocre` that move an image.
    fn words(&self, row: &Move, image: &str) -> [String; 4] {
        let [verb, to] = row.words.map(str::to_owned);
        let name = match row.from {
            TransferEndpoint::Registry => self.name(&format!("{image}:1")),
            from => from.of(self, image),
        };
        ["image".to_owned(), verb, name, to]
    }

    /// Prints the time of `ocre` to move an image, against skopeo's copy to a layout.
    fn compare(&self, row: &Move) -> Result<()> {
        let (image, bytes) = row.images[0];
        let words = self.words(row, image);
        let (mut theirs, mut ours) = (Duration::MAX, Duration::MAX);
        for _ in 0..RUNS {
            let mut skopeo = Command::new("skopeo");
            skopeo
                .args(["--insecure-policy", "copy", "--src-tls-verify=false"])
                .args([&row.from.of(self, image), "oci:out"])
                .current_dir(self.folder.path());
            theirs = theirs.min(self.time(skopeo)?);
            ours = ours.min(self.time(self.ocre(&words.each_ref().map(String::as_str)))?);
        }
        let size = bytes >> 20;
        let rate = |time: Duration| size as f64 / time.as_secs_f64();
        let ratio = ours.as_secs_f64() / theirs.as_secs_f64();
        println!(
            "  {:38} {size:6} {:14.0} {:12.0} {ratio:18.2}",
            row.what,
            rate(theirs),
            rate(ours)
        );
        Ok(())
    }

    /// Most memory of a run of `ocre`, in KiB.
    fn peak(&self, words: &[&str]) -> Result<u64> {
        self.clear()?;
        let mut child = self.ocre(words).stdout(Stdio::null()).spawn()?;
        let status = format!("/proc/{}/status", child.id());
        let mut most = 0;
        loop {
            let text = fs::read_to_string(&status).unwrap_or_default();
            let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let found = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
            most = most.max(found.unwrap_or(0));
            if let Some(ended) = child.try_wait()? {
                ensure!(ended.success(), "ocre {words:?} ended with {ended}");
                return Ok(most);
            }
            thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Prints the ratios and the memory.
pub fn run() -> Result<()> {
    let Some(program) = std::env::var_os(PROGRAM) else {
        bail!("cargo xtask bench sets {PROGRAM}");
    };
    let folder = tempfile::tempdir()?;
    let registry = DebianRegistry::start(folder.path())?;
    let desk = TransferFixture {
        folder,
        registry,
        program: program.into(),
    };
    desk.put("large", LARGE, false)?;
    desk.put("small", SMALL, false)?;
    desk.put("runs", RUNNABLE, true)?;
    desk.put("little", SMALL, true)?;
    let flash = ["flash", "create", "--size", "64M", "-o", "empty.bin"];
    output(&mut desk.ocre(&flash))?;

    println!(
        "an image on this machine                   MiB  skopeo, MiB/s  ours, MiB/s  time, of skopeo's"
    );
    for row in &MOVES {
        desk.compare(row)?;
    }
    println!("the most memory of ours, KiB");
    for row in &MOVES {
        let mut peaks = Vec::new();
        for (image, bytes) in row.images {
            let peak = desk.peak(&desk.words(row, image).each_ref().map(String::as_str))?;
            println!("  {:38} {:6} {peak:12}", row.what, bytes >> 20);
            peaks.push(peak);
        }
        ensure!(
            peaks[0] < peaks[1] + 8 * 1024,
            "{}: more memory for a larger layer",
            row.what
        );
    }
    Ok(())
}
