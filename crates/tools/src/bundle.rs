// SPDX-License-Identifier: Apache-2.0
//! `config.json` of a bundle, in both its forms: that of the runtime specification, and the
//! early one, whose `version` is "1".
//!
//! A bundle that asks for more than a guest can have is refused; no request is dropped silently.

mod host_folders;
mod refusal;
mod spec_2015;
mod spec_v1;

use std::path::{Path, PathBuf};

pub use host_folders::{Owner, protected};
use ocre_pc::dev_folder::CharacterDevice;
pub use refusal::{BundleCode, BundleRefusal};
use serde_json::{Map, Value};

/// Requests of a bundle, independent of its form.
#[derive(Debug, Default, PartialEq)]
pub struct BundleConfig {
    /// Folder that becomes `/`; a path from the bundle's folder on.
    pub root: PathBuf,
    /// True where the guest may change nothing in the root folder.
    pub read_only: bool,
    /// Programs, run one after the other.
    pub processes: Vec<Process>,
    /// Further folders of the PC.
    pub mounts: Vec<BundleMount>,
    /// Devices in `/dev`.
    pub devices: Vec<CharacterDevice>,
    /// Most linear memory, in bytes.
    pub memory: Option<u64>,
    /// Stack of interpreted frames, in bytes.
    pub stack: Option<u64>,
}

/// A program to run.
#[derive(Debug, Default, PartialEq)]
pub struct Process {
    /// The program, and its arguments.
    pub args: Vec<String>,
    /// `NAME=value`.
    pub env: Vec<String>,
    /// True where the program gets the terminal.
    pub tty: bool,
}

/// A folder of the PC, and its path for the guest.
#[derive(Debug, PartialEq)]
pub struct BundleMount {
    /// Path on the PC, from the bundle's folder on.
    pub source: PathBuf,
    /// Path for the guest.
    pub destination: String,
    /// True where the guest may change nothing in the folder.
    pub read_only: bool,
}

/// Reads either form; `most_memory` is the most linear memory of a guest, in bytes.
///
/// # Errors
/// Each [`BundleCode`] but those about files and folders of the PC.
pub fn read(text: &str, most_memory: u64) -> Result<BundleConfig, BundleRefusal> {
    let value: Value = serde_json::from_str(text)
        .map_err(|error| BundleRefusal::new(BundleCode::Syntax, "config.json", error))?;
    let top = object(&value, "config.json")?;
    let config = if top.contains_key("ociVersion") {
        spec_v1::read(top)
    } else if top.contains_key("version") {
        spec_2015::read(top)
    } else {
        Err(BundleRefusal::new(
            BundleCode::Syntax,
            "config.json",
            "there is neither ociVersion nor version",
        ))
    }?;
    if let Some(memory) = config.memory.filter(|memory| *memory > most_memory) {
        return Err(BundleRefusal::new(
            BundleCode::Memory,
            "memory",
            format_args!("{memory} bytes, of {most_memory} that a guest can have"),
        ));
    }
    if config
        .processes
        .iter()
        .filter(|process| process.tty)
        .count()
        > 1
    {
        let why = "more than one process asks for it";
        return Err(BundleRefusal::new(BundleCode::Tty, "processes", why));
    }
    if config
        .processes
        .iter()
        .any(|process| process.args.is_empty())
    {
        return Err(BundleRefusal::new(
            BundleCode::Process,
            "args",
            "they name no program",
        ));
    }
    Ok(config)
}

fn wrong(place: &str, wanted: &str) -> BundleRefusal {
    BundleRefusal::new(
        BundleCode::Syntax,
        place,
        format_args!("it is not {wanted}"),
    )
}

fn object<'v>(value: &'v Value, place: &str) -> Result<&'v Map<String, Value>, BundleRefusal> {
    value.as_object().ok_or_else(|| wrong(place, "an object"))
}

fn text(value: &Value, place: &str) -> Result<String, BundleRefusal> {
    let text = value.as_str().ok_or_else(|| wrong(place, "a string"))?;
    Ok(text.to_owned())
}

fn flag(value: Option<&Value>, place: &str) -> Result<bool, BundleRefusal> {
    match value {
        None => Ok(false),
        Some(value) => value.as_bool().ok_or_else(|| wrong(place, "true or false")),
    }
}

fn list<'v>(value: Option<&'v Value>, place: &str) -> Result<&'v [Value], BundleRefusal> {
    match value {
        None | Some(Value::Null) => Ok(&[]),
        Some(value) => {
            let list = value.as_array().ok_or_else(|| wrong(place, "an array"))?;
            Ok(list)
        }
    }
}

fn texts(value: Option<&Value>, place: &str) -> Result<Vec<String>, BundleRefusal> {
    let items = list(value, place)?.iter();
    items.map(|item| text(item, place)).collect()
}

/// Refuses unknown members of an object, by name.
fn only(members: &Map<String, Value>, known: &[&str], place: &str) -> Result<(), BundleRefusal> {
    let empty = |value: &Value| match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::String(text) => text.is_empty(),
        _ => false,
    };
    let asked = members
        .iter()
        .find(|(name, value)| !known.contains(&name.as_str()) && !empty(value));
    match asked {
        None => Ok(()),
        Some((name, _)) => Err(BundleRefusal::new(
            BundleCode::Unsupported,
            &format!("{place}{name}"),
            "no guest can be given that",
        )),
    }
}

/// Checks the requested operating system and architecture, by Go's names.
fn machine(os: Option<&Value>, arch: Option<&Value>) -> Result<(), BundleRefusal> {
    let checks = [
        (os, "os", "wasip1", BundleCode::Os),
        (arch, "arch", "wasm", BundleCode::Architecture),
    ];
    for (value, place, ours, code) in checks {
        let Some(value) = value else { continue };
        let found = text(value, place)?;
        if !found.is_empty() && found != ours {
            let why = format_args!("it is {found}, and here is {ours}");
            return Err(BundleRefusal::new(code, place, why));
        }
    }
    Ok(())
}

fn cpus(cpus: f64, place: &str) -> Result<(), BundleRefusal> {
    if cpus > 1.0 {
        let why = format_args!("{cpus} CPUs, of 1 that a guest runs on");
        return Err(BundleRefusal::new(BundleCode::Cpu, place, why));
    }
    Ok(())
}

/// Checks that the working folder is `/`: a guest's libc always begins there.
fn folder(cwd: Option<&Value>, place: &str) -> Result<(), BundleRefusal> {
    let cwd = cwd.map(|cwd| text(cwd, place)).transpose()?;
    match cwd.as_deref() {
        None | Some("" | "/") => Ok(()),
        Some(other) => Err(BundleRefusal::new(
            BundleCode::Folder,
            place,
            format_args!("it is {other}, and every guest begins at /"),
        )),
    }
}

fn device(name: &str, place: &str) -> Result<CharacterDevice, BundleRefusal> {
    CharacterDevice::named(name).ok_or_else(|| BundleRefusal::new(BundleCode::Device, place, name))
}

/// Mount options that only forbid things that a guest can't do anyway, or that always hold.
const HARMLESS: [&str; 15] = [
    "bind",
    "rbind",
    "rw",
    "defaults",
    "nosuid",
    "nodev",
    "noexec",
    "noatime",
    "nodiratime",
    "relatime",
    "private",
    "rprivate",
    "strictatime",
    "norelatime",
    "",
];

/// Reads the options of a mount from a value and its place in `config.json`.
type MountOptionReader<'w> = &'w dyn Fn(Option<&Value>, &str) -> Result<Vec<String>, BundleRefusal>;

/// Reads all mounts; the two forms write options in different ways.
fn mounts(
    value: Option<&Value>,
    words: MountOptionReader<'_>,
) -> Result<Vec<BundleMount>, BundleRefusal> {
    let mut mounts = Vec::new();
    for (index, value) in list(value, "mounts")?.iter().enumerate() {
        let place = format!("mounts/{index}");
        let members = object(value, &place)?;
        let known = ["type", "source", "destination", "options"];
        only(members, &known, &format!("{place}/"))?;
        let options = words(members.get("options"), &format!("{place}/options"))?;
        mounts.push(mount(members, &options, &place)?);
    }
    Ok(mounts)
}

/// Reads a mount; `options` are the words of either form.
fn mount(
    members: &Map<String, Value>,
    options: &[String],
    place: &str,
) -> Result<BundleMount, BundleRefusal> {
    let member = |name: &str| match members.get(name) {
        Some(value) => text(value, &format!("{place}/{name}")),
        None => Ok(String::new()),
    };
    let kind = member("type")?;
    let binds = options.iter().any(|word| word == "bind" || word == "rbind");
    if !(kind == "bind" || (binds && matches!(&*kind, "" | "none"))) {
        let kind = if kind.is_empty() { "none" } else { &*kind };
        return Err(BundleRefusal::new(
            BundleCode::FileSystem,
            &format!("{place}/type"),
            kind,
        ));
    }
    let known = |word: &&String| *word == "ro" || HARMLESS.contains(&word.as_str());
    if let Some(word) = options.iter().find(|word| !known(word)) {
        return Err(BundleRefusal::new(
            BundleCode::MountOption,
            &format!("{place}/options"),
            word,
        ));
    }
    let destination = member("destination")?;
    let is_plain = ocre::port::path::check(&destination).is_ok() && destination != "/";
    if !is_plain || ocre::port::path::is_within(&destination, "/dev") {
        let why = format_args!("{destination:?} is no place for it");
        return Err(BundleRefusal::new(
            BundleCode::Mount,
            &format!("{place}/destination"),
            why,
        ));
    }
    Ok(BundleMount {
        source: Path::new(&member("source")?).to_owned(),
        destination,
        read_only: options.iter().any(|word| word == "ro"),
    })
}

/// Sets a variable that the bundle does not set itself.
fn add_variable(env: &mut Vec<String>, name: &str, value: &str) {
    let set = |variable: &String| {
        variable
            .split_once('=')
            .is_some_and(|(other, _)| other == name)
    };
    if !value.is_empty() && !env.iter().any(set) {
        env.push(format!("{name}={value}"));
    }
}
