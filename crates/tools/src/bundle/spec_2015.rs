// SPDX-License-Identifier: Apache-2.0
//! The early form: the drafts of 2015, before the first release of the specification.

use serde_json::{Map, Value};

use super::{
    BundleCode, BundleConfig, BundleRefusal, Process, cpus, device, flag, folder, list, machine,
    mounts, object, only, text, texts, wrong,
};

const MIB: u64 = 1024 * 1024;

pub(super) fn read(top: &Map<String, Value>) -> Result<BundleConfig, BundleRefusal> {
    let version = text(&top["version"], "version")?;
    if version != "1" {
        return Err(BundleRefusal::new(BundleCode::Version, "version", version));
    }
    let known = [
        "version",
        "os",
        "arch",
        "rootfs",
        "readonlyRootfs",
        "mounts",
        "processes",
        "cpu",
        "cpus",
        "memory",
        "hostname",
        "devices",
    ];
    only(top, &known, "")?;
    machine(top.get("os"), top.get("arch"))?;
    for place in ["cpu", "cpus"] {
        if let Some(value) = top.get(place) {
            let number = value.as_f64().filter(|number| *number > 0.0);
            cpus(
                number.ok_or_else(|| wrong(place, "a positive number"))?,
                place,
            )?;
        }
    }
    let memory = match top.get("memory") {
        None => None,
        Some(value) => {
            let mib = value
                .as_u64()
                .ok_or_else(|| wrong("memory", "a number of MiB"))?;
            Some(mib.saturating_mul(MIB))
        }
    };
    let root = top.get("rootfs").ok_or_else(|| wrong("rootfs", "there"))?;
    let hostname = top
        .get("hostname")
        .map(|name| text(name, "hostname"))
        .transpose()?;
    let mut config = BundleConfig {
        root: text(root, "rootfs")?.into(),
        read_only: flag(top.get("readonlyRootfs"), "readonlyRootfs")?,
        memory,
        ..BundleConfig::default()
    };
    for (index, value) in list(top.get("processes"), "processes")?.iter().enumerate() {
        let place = format!("processes/{index}");
        let process = object(value, &place)?;
        only(
            process,
            &["args", "env", "user", "tty", "cwd"],
            &format!("{place}/"),
        )?;
        folder(process.get("cwd"), &format!("{place}/cwd"))?;
        let mut env = texts(process.get("env"), &format!("{place}/env"))?;
        if let Some(user) = process.get("user") {
            let user = text(user, &format!("{place}/user"))?;
            super::add_variable(&mut env, "USER", &user);
        }
        super::add_variable(
            &mut env,
            "HOSTNAME",
            hostname.as_deref().unwrap_or_default(),
        );
        config.processes.push(Process {
            args: texts(process.get("args"), &format!("{place}/args"))?,
            env,
            tty: flag(process.get("tty"), &format!("{place}/tty"))?,
        });
    }
    if config.processes.is_empty() {
        return Err(BundleRefusal::new(
            BundleCode::Process,
            "processes",
            "there is none",
        ));
    }
    // As in `fstab`: words separated by commas.
    config.mounts = mounts(top.get("mounts"), &|options, place| match options {
        Some(Value::String(options)) => Ok(options.split(',').map(str::to_owned).collect()),
        other => texts(other, place),
    })?;
    for name in texts(top.get("devices"), "devices")? {
        config.devices.push(device(&name, "devices")?);
    }
    Ok(config)
}
