// SPDX-License-Identifier: Apache-2.0
//! The form of the runtime specification, version 1.

use ocre::limits::MAX_OPEN_FILES;
use ocre_pc::dev_folder::CharacterDevice;
use serde_json::{Map, Value};

use super::{
    BundleCode, BundleConfig, BundleRefusal, Process, add_variable, cpus, device, flag, folder,
    list, machine, mounts, object, only, text, texts, wrong,
};

/// The last minor version whose members are known here.
const MINOR: u64 = 3;

pub(super) fn read(top: &Map<String, Value>) -> Result<BundleConfig, BundleRefusal> {
    version(&text(&top["ociVersion"], "ociVersion")?)?;
    let systems = ["windows", "solaris", "vm", "zos", "freebsd"];
    if let Some(system) = systems.iter().find(|system| top.contains_key(**system)) {
        return Err(BundleRefusal::new(BundleCode::Os, system, "here is wasip1"));
    }
    let known = [
        "ociVersion",
        "process",
        "root",
        "mounts",
        "hostname",
        "linux",
        "platform",
        "annotations",
    ];
    only(top, &known, "")?;
    if let Some(platform) = top.get("platform") {
        let platform = object(platform, "platform")?;
        machine(platform.get("os"), platform.get("arch"))?;
    }
    let root = top.get("root").ok_or_else(|| wrong("root", "there"))?;
    let root = object(root, "root")?;
    only(root, &["path", "readonly"], "root/")?;
    let path = root
        .get("path")
        .ok_or_else(|| wrong("root/path", "there"))?;
    let mut config = BundleConfig {
        root: text(path, "root/path")?.into(),
        read_only: flag(root.get("readonly"), "root/readonly")?,
        // The specification requires these devices in every bundle.
        devices: CharacterDevice::ALL.to_vec(),
        ..BundleConfig::default()
    };
    let hostname = top
        .get("hostname")
        .map(|name| text(name, "hostname"))
        .transpose()?;
    let process = top
        .get("process")
        .ok_or_else(|| wrong("process", "there"))?;
    let process = self::process(
        object(process, "process")?,
        hostname.as_deref(),
        &mut config,
    )?;
    config.processes.push(process);
    config.mounts = mounts(top.get("mounts"), &texts)?;
    if let Some(linux) = top.get("linux") {
        self::linux(object(linux, "linux")?, &mut config)?;
    }
    Ok(config)
}

/// Checks a semantic version; versions before 1.0 had other members.
fn version(version: &str) -> Result<(), BundleRefusal> {
    let mut numbers = version.split(['.', '-', '+']).map(str::parse::<u64>);
    let known = match (numbers.next(), numbers.next()) {
        (Some(Ok(1)), Some(Ok(minor))) => minor <= MINOR,
        _ => false,
    };
    if known {
        Ok(())
    } else {
        Err(BundleRefusal::new(
            BundleCode::Version,
            "ociVersion",
            version,
        ))
    }
}

fn process(
    members: &Map<String, Value>,
    hostname: Option<&str>,
    config: &mut BundleConfig,
) -> Result<Process, BundleRefusal> {
    let known = [
        "terminal",
        "user",
        "args",
        "env",
        "cwd",
        "rlimits",
        // A guest has only its grants, and can't gain any.
        "capabilities",
        "noNewPrivileges",
        "consoleSize",
    ];
    only(members, &known, "process/")?;
    folder(members.get("cwd"), "process/cwd")?;
    let mut env = texts(members.get("env"), "process/env")?;
    if let Some(user) = members.get("user") {
        let user = object(user, "process/user")?;
        only(user, &["uid", "gid", "username", "umask"], "process/user/")?;
        for (member, variable) in [("uid", "UID"), ("gid", "GID"), ("username", "USER")] {
            match user.get(member) {
                None => {}
                Some(Value::String(name)) => add_variable(&mut env, variable, name),
                Some(number) => add_variable(&mut env, variable, &number.to_string()),
            }
        }
    }
    add_variable(&mut env, "HOSTNAME", hostname.unwrap_or_default());
    for limit in list(members.get("rlimits"), "process/rlimits")? {
        let limit = object(limit, "process/rlimits")?;
        let kind = limit
            .get("type")
            .ok_or_else(|| wrong("process/rlimits/type", "there"))?;
        let kind = text(kind, "process/rlimits/type")?;
        let soft = limit.get("soft").and_then(Value::as_u64);
        let soft = soft.ok_or_else(|| wrong("process/rlimits/soft", "a number"))?;
        match &*kind {
            "RLIMIT_AS" => {
                config.memory = Some(config.memory.map_or(soft, |other| other.min(soft)))
            }
            "RLIMIT_STACK" => config.stack = Some(soft),
            // A guest never has more open files.
            "RLIMIT_NOFILE" if soft >= MAX_OPEN_FILES as u64 => {}
            "RLIMIT_NPROC" if soft >= 1 => {}
            "RLIMIT_CORE" => {}
            _ => {
                let why = format_args!("{kind} of {soft}");
                return Err(BundleRefusal::new(
                    BundleCode::Unsupported,
                    "process/rlimits",
                    why,
                ));
            }
        }
    }
    Ok(Process {
        args: texts(members.get("args"), "process/args")?,
        env,
        tty: flag(members.get("terminal"), "process/terminal")?,
    })
}

fn linux(members: &Map<String, Value>, config: &mut BundleConfig) -> Result<(), BundleRefusal> {
    let known = [
        "resources",
        "devices",
        // A guest sees only its own processes, networks, users and paths.
        "namespaces",
        "maskedPaths",
        "readonlyPaths",
        "rootfsPropagation",
        "cgroupsPath",
    ];
    only(members, &known, "linux/")?;
    for value in list(members.get("devices"), "linux/devices")? {
        let path = object(value, "linux/devices")?.get("path");
        let path = path.ok_or_else(|| wrong("linux/devices/path", "there"))?;
        let path = text(path, "linux/devices/path")?;
        device(path.strip_prefix("/dev/").unwrap_or(&path), "linux/devices")?;
    }
    let Some(resources) = members.get("resources") else {
        return Ok(());
    };
    let resources = object(resources, "linux/resources")?;
    // The list of devices is fixed; rules about others change nothing.
    only(
        resources,
        &["memory", "cpu", "devices", "pids"],
        "linux/resources/",
    )?;
    if let Some(memory) = resources.get("memory") {
        let memory = object(memory, "linux/resources/memory")?;
        only(memory, &["limit"], "linux/resources/memory/")?;
        match memory.get("limit").map(Value::as_i64) {
            // Without a limit.
            None | Some(Some(-1)) => {}
            Some(Some(limit)) if limit >= 0 => config.memory = Some(limit.unsigned_abs()),
            Some(_) => return Err(wrong("linux/resources/memory/limit", "a number of bytes")),
        }
    }
    if let Some(cpu) = resources.get("cpu") {
        let place = "linux/resources/cpu";
        let cpu = object(cpu, place)?;
        only(cpu, &["shares", "quota", "period"], "linux/resources/cpu/")?;
        let number = |name: &str| cpu.get(name).and_then(Value::as_f64);
        if let Some(quota) = number("quota").filter(|quota| *quota > 0.0) {
            // The kernel's default.
            cpus(
                quota
                    / number("period")
                        .filter(|period| *period > 0.0)
                        .unwrap_or(100_000.0),
                place,
            )?;
        }
    }
    Ok(())
}
