// SPDX-License-Identifier: Apache-2.0
//! Power cuts at every program and every erase of operations on containers that share a flash: an
//! operation on one container does not change another, each record is whole or missing, and every
//! container is in its state before or after the operation.

mod common;
#[path = "common/device.rs"]
mod device;
#[path = "common/tagged.rs"]
mod tagged;

use std::collections::BTreeMap;

use common::{formatted, mounted};
use device::{assemble, busy, read_file, write_file};
use ocre::atomic::TEMPORARY;
use ocre::container::state::{Cause, RunResult, State};
use ocre::container::{Error, Name, Options, Spec, record};
use ocre::image::Image;
use ocre::image::blob::blob_path;
use ocre::image::store::Store;
use ocre::port::{Storage, StorageError};
use ocre::supervisor::Platform as _;
use ocre_conformance::images::{DOCUMENT, get};
use ocre_oci::Sha256;
use ocre_pc::flash::{Cut, PowerCut, RamFlash, Tear};
use ocre_pc::platform::Device;
use tagged::{
    GEOMETRY, MINUTE_US, TaggedPartition, boot, create, digest, end, exiting, import, judged,
    layout, run,
};

const WELL: State = State::Ended(RunResult::Exited(0));
const KILLED: State = State::Ended(RunResult::Killed(Cause::Kill));
const STOPPED: State = State::Ended(RunResult::Killed(Cause::Stop));
const RESET: State = State::Ended(RunResult::Killed(Cause::Reset));

type Powered = TaggedPartition<PowerCut<RamFlash>>;

/// An operation on one container while there are others.
struct ContainerOperation {
    container: &'static str,
    act: fn(&Device<Powered>, &Image) -> Result<(), Error>,
    /// Further states that a power cut may leave, besides those before and after the step.
    between: &'static [State],
    after: Option<State>,
}

const STEPS: [ContainerOperation; 9] = [
    ContainerOperation {
        container: "new",
        act: |device, image| {
            let created = device.create(Some("new"), image, &Options::default());
            created.map(drop)
        },
        between: &[],
        after: Some(State::Created),
    },
    ContainerOperation {
        container: "done",
        act: |device, _| runs_well(device, "done"),
        between: &[RESET],
        after: Some(WELL),
    },
    // While this one runs, the others go on.
    ContainerOperation {
        container: "spinning",
        act: |device, _| device.start(device.find("spinning")?),
        between: &[],
        after: Some(RESET),
    },
    ContainerOperation {
        container: "new",
        act: |device, _| runs_well(device, "new"),
        between: &[RESET],
        after: Some(WELL),
    },
    ContainerOperation {
        container: "spinning",
        act: |device, _| device.restart(device.find("spinning")?, 0),
        between: &[STOPPED],
        after: Some(RESET),
    },
    ContainerOperation {
        container: "passing",
        act: |device, image| {
            let options = Options {
                temporary: true,
                ..Options::default()
            };
            let passing = device.create(Some("passing"), image, &options)?;
            runs_well(device, "passing")?;
            device.remove(passing, false)
        },
        between: &[],
        after: None,
    },
    ContainerOperation {
        container: "gone",
        act: |device, _| device.remove(device.find("gone")?, false),
        between: &[],
        after: None,
    },
    ContainerOperation {
        container: "",
        act: |device, _| prune(device),
        between: &[],
        after: None,
    },
    ContainerOperation {
        container: "spinning",
        act: |device, _| {
            let spinning = device.find("spinning")?;
            device.kill(spinning)?;
            let until = device.platform().clock().uptime_us() + MINUTE_US;
            device.wait(spinning, Some(until)).map(drop)
        },
        between: &[],
        after: Some(KILLED),
    },
];
const PRUNING: usize = 7;

fn runs_well(device: &Device<Powered>, name: &str) -> Result<(), Error> {
    let outcome = run(device, device.find(name)?);
    // A guest that can't write its file says so.
    assert!(matches!(
        outcome,
        RunResult::Exited(_) | RunResult::Failed(_)
    ));
    Ok(())
}

fn prune<S: Storage + Send + Sync + 'static>(device: &Device<S>) -> Result<(), Error> {
    let mut in_use = Vec::new();
    device.list(&mut |summary| {
        let manifest = |spec: &Spec| spec.image.manifest.digest;
        in_use.push(device.with_spec(summary.handle, manifest).unwrap());
    });
    let mut document = [0; DOCUMENT];
    let pruned = Store::open(device.platform().storage(), "/", &mut document)
        .and_then(|mut store| store.prune(&in_use));
    // Only for want of power.
    pruned
        .map(drop)
        .map_err(|_| Error::Storage(StorageError::Io))
}

/// Flash before the steps, and its images.
struct Prepared {
    flash: RamFlash,
    /// Image in the store's index.
    image: Image,
    /// Manifest that only a container uses, and one that nothing uses.
    held: Sha256,
    unused: Sha256,
}

/// Each container's own files.
fn files(name: &str) -> [(String, Vec<u8>); 2] {
    ["own", "deep/er"].map(|file| {
        let content = format!("{file} of {name}").repeat(40);
        (format!("/data/{name}/{file}"), content.into_bytes())
    })
}

fn prepared() -> Prepared {
    let spinning = assemble(r#"(module (func (export "_start") (loop (br 0))))"#);
    let images = [
        layout("held", &exiting(0)),
        layout("spinning", &spinning),
        layout("unused", &exiting(2)),
        layout("now", &busy()),
    ];
    let disk = mounted(formatted(GEOMETRY));
    let device = boot(&disk);
    let names: [&[&str]; 4] = [&["held"], &["spinning"], &[], &["done", "gone", "still"]];
    for (image, names) in images.iter().zip(names) {
        import(&disk, image).unwrap();
        for name in names {
            // The running container does not follow the tag, which leads to another image by now.
            if *name == "spinning" {
                let created = device.create(Some(name), &judged(&disk), &Options::default());
                created.unwrap();
            } else {
                create(&device, name, &Options::default()).unwrap();
            }
            disk.create_dir(&format!("/data/{name}/deep")).unwrap();
            for (path, content) in files(name) {
                write_file(&disk, &path, &content);
            }
        }
    }
    let mut document = [0; DOCUMENT];
    let mut store = Store::open(&disk, "/", &mut document).unwrap();
    store.forget_previous().unwrap();
    let image = judged(&disk);
    end(device);
    Prepared {
        flash: disk.unmount().ok().expect("nothing is open"),
        image,
        held: digest(&images[0]),
        unused: digest(&images[2]),
    }
}

/// States of the containers, by name.
type States = BTreeMap<&'static str, State>;

/// Does one step after the other until the power goes. Returns the index of the interrupted step.
fn live(disk: &Powered, image: &Image) -> Option<usize> {
    let device = boot(disk);
    let cut = STEPS.iter().position(|step| {
        let done = (step.act)(&device, image);
        let off = disk.with_flash(PowerCut::is_off);
        assert!(off || done.is_ok(), "{}: {done:?}", step.container);
        off
    });
    if let Ok(spinning) = device.find("spinning") {
        // It runs if the power has gone meanwhile.
        let _ = device.kill(spinning);
    }
    end(device);
    cut
}

/// Checks that every record on the flash is whole.
fn records_are_whole(disk: &TaggedPartition<RamFlash>, cut: &str) {
    let mut names = Vec::new();
    disk.read_dir(record::ROOT, &mut |file, _| {
        names.push(file.to_owned());
        true
    })
    .unwrap();
    for file in names.iter().filter(|file| !file.starts_with(TEMPORARY)) {
        let (name, kind) = file.split_once('.').unwrap();
        let name = Name::parse(name).unwrap();
        let mut buffer = [0; record::MAX_BYTES];
        if kind == "spec" {
            let read = record::read_spec(disk, &name, &mut buffer, &mut Spec::blank());
            assert!(read.is_ok(), "{cut}: {file}: {read:?}");
        } else {
            let read = record::read_state(disk, &name, &mut buffer);
            assert!(kind == "state" && read.is_ok(), "{cut}: {file}: {read:?}");
        }
    }
}

/// Checks that a flash after a power cut in a step is as before the step or as after it.
fn is_as_before_or_after(
    disk: &TaggedPartition<RamFlash>,
    at: usize,
    before: &States,
    was: &Prepared,
    cut: &str,
) {
    let device = boot(disk);
    let step = STEPS.get(at);
    let mut found = BTreeMap::new();
    device.list(&mut |summary| {
        found.insert(summary.name.to_string(), summary.status.state);
    });
    let mut folders = Vec::new();
    disk.read_dir("/data", &mut |name, _| {
        folders.push(name.to_owned());
        true
    })
    .unwrap();
    folders.sort();
    assert!(found.keys().eq(&folders), "{cut}: {folders:?} of {found:?}");

    let touched = step.map_or("", |step| step.container);
    for name in [
        "done", "gone", "held", "new", "passing", "spinning", "still",
    ] {
        let (old, now) = (before.get(name).copied(), found.remove(name));
        let legal = old == now
            || step.filter(|_| name == touched).is_some_and(|step| {
                now == step.after || now.is_some_and(|now| step.between.contains(&now))
            });
        let there = ["/containers", "/lost+found"].map(|folder| {
            let mut names = Vec::new();
            let _ = disk.read_dir(folder, &mut |name, metadata| {
                names.push((name.to_owned(), metadata.size));
                true
            });
            names
        });
        assert!(legal, "{cut}: {name} was {old:?} and is {now:?}: {there:?}");
        if now.is_some() && name != "new" {
            for (path, content) in files(name) {
                assert_eq!(
                    read_file(disk, &path).as_ref(),
                    Ok(&content),
                    "{cut}: {path}"
                );
            }
        }
        // Files that a guest wrote before its end was recorded stay.
        if old == Some(WELL) && name != touched {
            let kept = read_file(disk, &format!("/data/{name}/kept"));
            assert_eq!(kept.as_deref(), Ok(&b"hello"[..]), "{cut}: {name}");
        }
        // Its image is there, and whole.
        if now.is_some() {
            let handle = device.find(name).unwrap();
            let image = device.with_spec(handle, |spec| spec.image.clone()).unwrap();
            for content in [image.manifest, image.executable] {
                let bytes = get(disk, &blob_path("/", &content.digest).unwrap());
                assert_eq!(Sha256::of(&bytes), content.digest, "{cut}: {name}");
            }
        }
    }
    assert!(found.is_empty(), "{cut}: {found:?}");
    let leads_to = judged(disk).manifest;
    assert_eq!(leads_to, was.image.manifest, "{cut}: the tag");
    let is_there = |digest| disk.metadata(&blob_path("/", digest).unwrap()).is_ok();
    assert!(at != PRUNING + 1 || !is_there(&was.unused), "{cut}");

    // Then everything can be done again.
    for name in folders {
        let handle = device.find(&name).unwrap();
        if name != "spinning" {
            assert_eq!(run(&device, handle), RunResult::Exited(0), "{cut}: {name}");
        }
        device.remove(handle, true).unwrap();
    }
    prune(&device).unwrap();
    assert!(!is_there(&was.unused) && !is_there(&was.held), "{cut}");
    create(&device, "gone", &Options::default()).unwrap();
    end(device);
}

#[test]
fn a_cut_at_any_operation_on_one_container_costs_no_other_anything() {
    let was = prepared();
    let mut cut_at = [0; STEPS.len()];
    for tear in Tear::ALL {
        // A guest may end before it is recorded that it runs, or after that: not all lives have as
        // many operations.
        let mut uncut = 0;
        for number in 1.. {
            if uncut == 10 {
                break;
            }
            let cut = Cut { at: number, tear };
            let disk = mounted(PowerCut::new(was.flash.clone(), Some(cut)));
            let at = live(&disk, &was.image).unwrap_or(STEPS.len());
            let flash = disk.unmount().ok().expect("nothing is open").into_flash();
            let mut before: States = ["done", "gone", "held", "spinning", "still"]
                .map(|name| (name, State::Created))
                .into();
            for step in &STEPS[..at] {
                match step.after {
                    Some(state) => before.insert(step.container, state),
                    None => before.remove(step.container),
                };
            }
            let cut = format!("{tear:?} at {number}, in step {at}");
            records_are_whole(&mounted(flash.clone()), &cut);

            // The power goes once more while it boots.
            let again = Cut {
                at: 1 + number % 4,
                tear,
            };
            let disk: Powered = mounted(PowerCut::new(flash, Some(again)));
            let booted = tagged::try_boot(&disk);
            if let Some(device) = booted {
                end(device);
            }
            let flash = disk.unmount().ok().expect("nothing is open").into_flash();
            is_as_before_or_after(&mounted(flash), at, &before, &was, &cut);
            match cut_at.get_mut(at) {
                Some(count) => *count += 1,
                None => uncut += 1,
            }
        }
    }
    println!("cuts in each step: {cut_at:?}");
    assert!(cut_at.iter().all(|count| *count > 0), "{cut_at:?}");
}
