// SPDX-License-Identifier: Apache-2.0
//! `ocre bundle` and `ocre run --bundle`: OCI runtime bundles, folders of the PC with a
//! `config.json` and a root folder.

use std::fs;
use std::path::{Path, PathBuf};

use ocre::command::arguments::{Key, Opt};
use ocre::command::{CommandStatus, hints};
use ocre::image::OciLayout;
use ocre::image::examine::Examination;
use ocre::image::judge::{Policy, Selector, Workspace};
use ocre::image::permission::Permissions;
use ocre::image::verdict::{Code as ImageCode, Finding, Location, Verdict};
use ocre::image::{Content, Image};
use ocre::port::{OpenMode, Storage, StorageError};
use ocre_files::{MAX_CONFIG, MAX_CONTENT};
use ocre_pc::dev_folder::WithDevices;
use ocre_pc::needs;
use ocre_pc::platform::bare::{self, FolderMount, Setting};
use ocre_pc::posix_folders::PosixFolders;
use ocre_tools::bundle::{self, BundleCode, BundleConfig, BundleRefusal, Owner, Process};
use ocre_tools::failure::Failure;
use ocre_tools::partition;
use ocre_wamr::WamrEngine;
use serde_json::json;

use super::command_line::CommandLine;
use super::output::LineOutput;
use super::wasm;

/// Writes an image of the flash as a bundle.
#[derive(clap::Args, Debug)]
pub struct BundleArgs {
    /// Image in the flash file
    #[arg(value_name = "IMAGE")]
    image: String,
    /// Folder of the new bundle
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

// ---------------------------------------------------------------- running

/// Folders of a bundle on the PC, and their paths for the guest: the root first, the devices
/// last.
struct Folders<'c> {
    storage: WithDevices,
    at: Vec<FolderMount<'c>>,
}

impl<'c> Folders<'c> {
    fn of(
        bundle: &Path,
        config: &'c BundleConfig,
        owner: Option<&Owner>,
    ) -> Result<Self, BundleRefusal> {
        let root = inside(bundle, &config.root)?;
        may_change(&root, config.read_only, owner, "root")?;
        let mut hosts = vec![root];
        let mut at = vec![FolderMount {
            at: "/",
            read_only: config.read_only,
        }];
        for mount in &config.mounts {
            let source = bundle.join(&mount.source);
            // A missing folder is reported below.
            let real = source.canonicalize().unwrap_or(source);
            may_change(&real, mount.read_only, owner, "mounts")?;
            hosts.push(real);
            at.push(FolderMount {
                at: &mount.destination,
                read_only: mount.read_only,
            });
        }
        let count = hosts.len();
        let folders = PosixFolders::open(hosts).map_err(|(path, error)| {
            BundleRefusal::new(
                BundleCode::Mount,
                "mounts",
                format_args!("{}: {error}", path.display()),
            )
        })?;
        if !config.devices.is_empty() {
            at.push(FolderMount {
                at: "/dev",
                read_only: false,
            });
        }
        Ok(Self {
            storage: WithDevices::new(folders, count, config.devices.clone()),
            at,
        })
    }

    /// Reads a program from the root folder: at its path, or in a folder of `PATH`.
    fn program(&self, process: &Process) -> Result<Vec<u8>, BundleRefusal> {
        let name = process.args.first().map(String::as_str).unwrap_or_default();
        let mut paths = vec![format!("/{}", name.trim_start_matches('/'))];
        if !name.contains('/') {
            let path = process.env.iter().find_map(|env| env.strip_prefix("PATH="));
            let folders = path.unwrap_or_default().split(':').rev();
            let folders = folders.filter(|folder| folder.starts_with('/'));
            paths.extend(folders.map(|folder| format!("{}/{name}", folder.trim_end_matches('/'))));
            paths.reverse();
        }
        for path in paths {
            match read(&self.storage, &format!("/0{path}")) {
                Ok(code) => return Ok(code),
                Err(StorageError::NotFound | StorageError::IsDirectory) => {}
                Err(error) => {
                    let why = format_args!("{path}: {error}");
                    return Err(BundleRefusal::new(BundleCode::Process, "args", why));
                }
            }
        }
        let why = format_args!("{name} is not in the root folder");
        Err(BundleRefusal::new(BundleCode::Process, "args", why))
    }
}

/// Refuses a protected folder of the host that a guest could change; without an owner all are
/// allowed.
fn may_change(
    real: &Path,
    read_only: bool,
    owner: Option<&Owner>,
    place: &str,
) -> Result<(), BundleRefusal> {
    let why = owner
        .filter(|_| !read_only)
        .and_then(|owner| bundle::protected(real, owner));
    why.map_or(Ok(()), |why| {
        let why = format_args!("{}: {why}", real.display());
        Err(BundleRefusal::new(BundleCode::HostFolder, place, why))
    })
}

/// Finds the root folder. One with a relative path must be in the bundle, with all links resolved.
fn inside(bundle: &Path, root: &Path) -> Result<PathBuf, BundleRefusal> {
    let wrong = |why: &dyn std::fmt::Display| {
        let why = format_args!("{}: {why}", root.display());
        BundleRefusal::new(BundleCode::Root, "root", why)
    };
    let real = bundle
        .join(root)
        .canonicalize()
        .map_err(|error| wrong(&error))?;
    let bundle = bundle.canonicalize().map_err(|error| wrong(&error))?;
    if root.is_relative() && !real.starts_with(&bundle) {
        return Err(wrong(&"the path leads out of the bundle"));
    }
    if !real.is_dir() {
        return Err(wrong(&"the path is not a folder"));
    }
    Ok(real)
}

fn read<S: Storage>(storage: &S, path: &str) -> Result<Vec<u8>, StorageError> {
    let mut file = storage.open(path, OpenMode::READ)?;
    if storage.size(&mut file)? > MAX_CONTENT {
        return Err(StorageError::NoMemory);
    }
    let mut bytes = Vec::new();
    let mut buffer = vec![0; 64 * 1024];
    storage.stream(&mut file, &mut buffer, &mut |piece| {
        bytes.extend_from_slice(piece)
    })?;
    storage.close(file)?;
    Ok(bytes)
}

const BUNDLE: Opt = Opt {
    key: Key::Foreign,
    short: None,
    long: "bundle",
    value: Some("DIR"),
    help: "Run an OCI runtime bundle, a folder of the PC",
};
const ALLOW_HOST_ROOT: Opt = Opt {
    key: Key::Foreign,
    short: None,
    long: "allow-host-root",
    value: None,
    help: "Let the guest change folders of the host",
};

/// Options of `run` that only a PC has.
pub const RUN_OPTIONS: [Opt; 2] = [BUNDLE, ALLOW_HOST_ROOT];

/// Heading of [`RUN_OPTIONS`].
pub const RUN_HEADING: &str = "on a PC, instead of IMAGE";

/// A bundle to run.
pub struct BundleRun<'w> {
    /// Folder of the bundle.
    pub folder: &'w Path,
    /// True where a guest may change protected folders of the host.
    pub allow_host_root: bool,
}

impl<'w> BundleRun<'w> {
    /// Finds the bundle that a command line names.
    pub fn of(line: &'w CommandLine) -> Option<Self> {
        Some(Self {
            folder: Path::new(line.value(&BUNDLE)?),
            allow_host_root: line.value(&ALLOW_HOST_ROOT).is_some(),
        })
    }
}

/// Runs a bundle's processes one after the other, until one fails.
pub fn run(
    run: &BundleRun<'_>,
    flash: Option<&Path>,
    engine: &WamrEngine,
    policy: &Policy<'_>,
    err: &mut LineOutput,
) -> Result<CommandStatus, Failure> {
    let folder = run.folder;
    let what = format!("can't run the bundle {}", folder.display());
    let owner = Owner {
        home: std::env::var_os("HOME").map(PathBuf::from),
        flash: flash
            .map(Path::to_owned)
            .or_else(|| partition::default_file("flash.bin").ok()),
    };
    let owner = (!run.allow_host_root).then_some(&owner);
    let path = folder.join("config.json");
    let text = ocre_files::read_text(&path, MAX_CONFIG)
        .map_err(|error| Failure::io(&what, &error).at(path.display()))?;
    let refused = |refusal: BundleRefusal| {
        let code = refusal.code();
        Failure::new(&what, code.as_str(), code.hint())
            .at(refusal.place())
            .because(refusal)
    };
    let config = bundle::read(&text, policy.memory_bytes.into()).map_err(refused)?;
    let folders = Folders::of(folder, &config, owner).map_err(refused)?;
    let size = |bytes: u64| u32::try_from(bytes).unwrap_or(u32::MAX);
    // If one can't be run, none is.
    let mut programs = Vec::new();
    for process in &config.processes {
        programs.push(folders.program(process).map_err(refused)?);
    }
    for (process, code) in config.processes.iter().zip(programs) {
        let arguments: Vec<&str> = process.args.iter().map(String::as_str).collect();
        let environment: Vec<&str> = process.env.iter().map(String::as_str).collect();
        let setting = Setting {
            arguments: &arguments,
            environment: &environment,
            folders: &folders.at,
            stack_bytes: config.stack.map_or(wasm::STACK, size),
            memory_bytes: config.memory.map_or(u32::MAX, size),
            granted: Permissions::NONE,
            time_limit: None,
        };
        let name = arguments.first().copied().unwrap_or_default();
        let ran = bare::run(engine, &code, &folders.storage, &setting, policy);
        let grant = |permissions| {
            let options = needs::options(permissions);
            format!("a bundle grants nothing: run the image itself with `ocre run {options} IMAGE`")
        };
        match wasm::ended(name, &what, ran, &grant, err)? {
            CommandStatus::Guest(0) => {}
            other => return Ok(other),
        }
    }
    Ok(CommandStatus::Guest(0))
}

// ---------------------------------------------------------------- writing

/// Writes the image that the device would run, and prints the folder.
pub fn write(
    args: &BundleArgs,
    flash: Option<&Path>,
    engine: &WamrEngine,
    policy: &Policy<'_>,
    out: &mut LineOutput,
) -> Result<CommandStatus, Failure> {
    let what = format!("can't make a bundle of {}", args.image);
    let io = |error| Failure::io(&what, &error);
    let partition = partition::partition_with(&args.image, flash, &what)?;
    partition::store(&partition, &mut partition::document())?;
    let source = OciLayout {
        storage: &partition,
        root: "/",
    };
    let image = judged(source, &args.image, engine, policy, &what)?;
    if image.entry_point != "_start" {
        let code = ImageCode::Document(ocre_oci::ErrorKind::ConfigEntryPoint);
        let failure = Failure::new(&what, code.as_str(), hints::refusal(code));
        return Err(failure.because("a bundle needs the entry point _start"));
    }
    let blob = |content: &Content| {
        ocre::image::blob::blob_path("/", &content.digest)
            .and_then(|path| read(&partition, &path))
            .map_err(|error| Failure::new(&what, error.code(), hints::storage(error)))
    };
    // An existing folder is left alone.
    fs::create_dir(&args.folder).map_err(io)?;
    let root = args.folder.join("rootfs");
    fs::create_dir(&root).map_err(io)?;
    fs::write(root.join("program.wasm"), blob(&image.executable)?).map_err(io)?;
    for found in image.blobs.iter() {
        let hex = found.content.digest.hex().to_string();
        let is_name = !matches!(found.title, "" | "." | "..") && !found.title.contains('/');
        let name = if is_name { found.title } else { &*hex };
        let folder = root.join("image");
        fs::create_dir_all(&folder).map_err(io)?;
        fs::write(folder.join(name), blob(&found.content)?).map_err(io)?;
    }
    let environment: Vec<&str> = image.environment.split_terminator('\0').collect();
    let config = json!({
        "ociVersion": "1.0.2",
        "process": {
            "terminal": false,
            "user": { "uid": 0, "gid": 0 },
            "args": ["/program.wasm"],
            "env": environment,
            "cwd": "/",
        },
        "root": { "path": "rootfs", "readonly": false },
        "annotations": { "org.opencontainers.image.ref.name": args.image },
    });
    fs::write(args.folder.join("config.json"), format!("{config:#}\n")).map_err(io)?;
    let printed = if out.json() {
        out.document(|out| {
            out.display("bundle", &args.folder.display());
            out.display("digest", &image.manifest.digest)
        })
    } else {
        out.line(format_args!("wrote {}", args.folder.display()))
    };
    printed.map_err(|error| Failure::io("can't print", &error))?;
    Ok(CommandStatus::Ok)
}

/// Judges the image, as for a container of it.
fn judged<S: Storage>(
    source: OciLayout<'_, S>,
    name: &str,
    engine: &WamrEngine,
    policy: &Policy<'_>,
    what: &str,
) -> Result<Image, Failure> {
    let refused = |code: ImageCode| Failure::new(what, code.as_str(), hints::refusal(code));
    let selector = Selector::parse(name).map_err(refused)?;
    let (mut document, mut config) = (partition::document(), vec![0; partition::MAX_CONFIG]);
    let mut examination = Examination {
        source,
        selector,
        engine,
        policy,
        workspace: Workspace {
            document: &mut document,
            config: &mut config,
        },
    };
    let mut verdict = Verdict::new(false);
    let mut image = Image::blank();
    let mut report =
        |finding: Finding, at: Location<'_>, detail: &str| verdict.note(finding, at, detail);
    let accepted = examination.judge_documents(&mut report, &mut image);
    match verdict.refusal() {
        None if accepted => Ok(image),
        None => Err(refused(ImageCode::ReferenceNotFound)),
        Some(finding) => {
            let failure = Failure::new(what, finding.as_str(), hints::finding(finding));
            Err(failure.at(verdict.at()).because(verdict.detail()))
        }
    }
}
