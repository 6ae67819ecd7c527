// SPDX-License-Identifier: Apache-2.0
//! Containers after a reboot, after a power cut, with a damaged record, and on a full partition.

#[path = "common/device.rs"]
mod device;

use std::sync::Arc;

use device::{
    FakeConsole, RamPartition, TestDevice, assemble, boot, boot_on, disk, image, read_file,
    with_blob, write_file,
};
use ocre::container::state::{Cause, RunResult, StartFailure, State};
use ocre::container::table::{Handle, Uptime};
use ocre::container::{Error, Limits, Name, Options, Restart, Spec, data};
use ocre::folders;
use ocre::image::Image;
use ocre::image::permission::{Permission, Permissions};
use ocre::limits::MAX_CONTAINERS;
use ocre::port::{OpenMode, Storage, StorageError, Trap};
use ocre::supervisor::Platform as _;
use ocre_pc::flash::{Cut, Geometry, PowerCut, RamFlash, Tear};
use ocre_pc::littlefs::LittleFs;
use ocre_pc::platform::{Device, POLICY, Pc};

const MINUTE_US: u64 = 60_000_000;
const KILLED: State = State::Ended(RunResult::Killed(Cause::Kill));
const STOPPED: State = State::Ended(RunResult::Killed(Cause::Stop));
const RESET: State = State::Ended(RunResult::Killed(Cause::Reset));

/// A guest that never exits.
fn spinning() -> Vec<u8> {
    assemble(r#"(module (func (export "_start") (loop (br 0))))"#)
}

/// A guest that ends with 7.
fn exiting() -> Vec<u8> {
    assemble(r#"(module (func (export "_start") (result i32) (i32.const 7)))"#)
}

fn trapping() -> Vec<u8> {
    assemble(r#"(module (func (export "_start") unreachable))"#)
}

/// The states of all containers, by name.
fn states<S: Storage + Send + Sync + 'static>(device: &Device<S>) -> Vec<(String, State)> {
    let mut states = Vec::new();
    device.list(&mut |summary| states.push((summary.name.to_string(), summary.status.state)));
    states.sort_by(|(one, _), (other, _)| one.cmp(other));
    states
}

fn files(storage: &impl Storage, folder: &str) -> Vec<String> {
    let mut names = Vec::new();
    let listed = storage.read_dir(folder, &mut |name, _| {
        names.push(name.to_owned());
        true
    });
    assert!(matches!(listed, Ok(()) | Err(StorageError::NotFound)));
    names.sort();
    names
}

fn spec(bench: &TestDevice, handle: Handle) -> Spec {
    bench.device.with_spec(handle, Spec::clone).unwrap()
}

#[test]
fn a_container_is_as_it_was_created_after_a_reboot() {
    let disk = disk();
    let before = boot_on(disk.clone());
    let mut image = with_blob(&disk, image(&disk, &exiting()), "notes.txt", b"a blob");
    for permission in Permission::ALL {
        image.permissions.insert(permission);
    }
    image.environment = "A=1\0".try_into().unwrap();
    let mut granted = Permissions::default();
    granted.insert(Permission::Timers);
    let options = Options {
        arguments: &["one", "", "ü"],
        environment: &["B=2"],
        granted,
        limits: Limits {
            memory_bytes: 70_000,
            stack_bytes: 5000,
            thread_stack_bytes: 60_000,
            priority: 3,
            time_limit_ms: Some(1234),
            ..Limits::default()
        },
        ..Options::default()
    };
    let handle = before.device.create(Some("a"), &image, &options).unwrap();
    let created = spec(&before, handle);
    let dates = before.device.status(handle).unwrap().dates;
    assert!(dates.created.is_some());
    write_file(&disk, "/data/a/kept", b"data");

    let after = boot_on(disk.clone());
    let handle = after.device.find("a").unwrap();
    assert_eq!(spec(&after, handle), created);
    let status = after.device.status(handle).unwrap();
    assert_eq!((status.state, status.dates), (State::Created, dates));
    assert_eq!(
        status.times.created_us,
        Uptime::NEVER,
        "that was before this boot"
    );
    assert_eq!(read_file(&disk, "/data/a/kept").unwrap(), b"data");
    assert!(after.device.uses(&created.image.manifest.digest));
    after.device.start(handle).unwrap();
    assert_eq!(after.end(handle), RunResult::Exited(7));
}

#[test]
fn how_a_run_ended_is_known_after_a_reboot() {
    let disk = disk();
    let before = boot_on(disk.clone());
    let options = Options::default();
    let handles = [
        before.start("exited", &exiting(), &options),
        before.start("trapped", &trapping(), &options),
        before.start("killed", &spinning(), &options),
    ];
    before.create("created", &exiting(), &options);
    let failing = before.create("failed", b"\0asm\x01\0\0\0 and no more", &options);
    assert!(before.device.start(failing).is_err());
    before.device.kill(handles[2]).unwrap();
    for handle in handles {
        before.end(handle);
    }
    let told = states(&before.device);
    assert_eq!(told.len(), 5);
    assert!(told.contains(&(
        "trapped".into(),
        State::Ended(RunResult::Trapped(Trap::Unreachable))
    )));
    let after = boot_on(disk);
    assert_eq!(states(&after.device), told);
    let ended = after.device.find("exited").unwrap();
    let dates = after.device.status(ended).unwrap().dates;
    assert!(
        dates.started.is_some() && dates.ended >= dates.started,
        "{dates:?}"
    );
}

#[test]
fn what_runs_while_the_power_goes_is_killed_by_that() {
    let disk = disk();
    let before = boot_on(disk.clone());
    let handle = before.start("a", &spinning(), &Options::default());
    let after = boot_on(disk);
    assert_eq!(states(&after.device), [("a".into(), RESET)]);
    before.device.remove(handle, true).unwrap();
}

#[test]
fn a_temporary_container_writes_no_record_and_is_gone_with_its_files() {
    let disk = disk();
    let before = boot_on(disk.clone());
    let options = Options {
        temporary: true,
        ..Options::default()
    };
    let handle = before.start("a", &exiting(), &options);
    before.end(handle);
    write_file(&disk, "/data/a/kept", b"data");
    assert_eq!(files(&disk, "/containers"), [""; 0]);
    let after = boot_on(disk.clone());
    assert_eq!(states(&after.device), []);
    assert_eq!(files(&disk, "/data"), [""; 0]);
    assert_eq!(files(&disk, "/lost+found"), [""; 0]);
}

#[test]
fn a_removed_container_has_no_record() {
    let bench = boot();
    let (handle, _) = bench.run("a", &exiting(), &[]);
    assert_eq!(files(&bench.disk, "/containers"), ["a.spec", "a.state"]);
    bench.device.remove(handle, false).unwrap();
    assert_eq!(files(&bench.disk, "/containers"), [""; 0]);
}

#[test]
fn what_no_container_has_is_kept_until_somebody_removes_it() {
    let disk = disk();
    let bench = boot_on(disk.clone());
    bench.create("kept", &exiting(), &Options::default());
    write_file(&disk, "/data/kept/file", b"data");
    for folder in ["/data/gone", "/data/gone/deep", "/data/empty"] {
        disk.create_dir(folder).unwrap();
    }
    for file in [
        "/containers/.new",
        "/containers/gone.state",
        "/data/not a name",
        "/data/gone/deep/file",
    ] {
        write_file(&disk, file, file.as_bytes());
    }
    write_file(&disk, "/containers/.newkept.state", b"");
    let again = boot_on(disk.clone());
    // An earlier release wrote that file: its target is unknown.
    assert_eq!(files(&disk, "/containers"), [".new", "kept.spec"]);
    assert_eq!(files(&disk, "/data"), ["kept", "not a name"]);
    assert_eq!(read_file(&disk, "/data/kept/file").unwrap(), b"data");
    assert_eq!(files(&disk, "/lost+found"), ["gone", "gone.state"]);
    for (kept, was) in [
        ("gone/deep/file", "/data/gone/deep/file"),
        ("gone.state", "/containers/gone.state"),
    ] {
        let path = format!("/lost+found/{kept}");
        assert_eq!(read_file(&disk, &path).unwrap(), was.as_bytes());
    }

    // Another lost container of that name gets a separate place.
    again.create("gone", &exiting(), &Options::default());
    write_file(&disk, "/data/gone/file", b"another");
    disk.remove("/containers/gone.spec").unwrap();
    let again = boot_on(disk.clone());
    assert_eq!(
        files(&disk, "/lost+found"),
        ["gone", "gone.1", "gone.state"]
    );
    assert_eq!(
        read_file(&disk, "/lost+found/gone.1/file").unwrap(),
        b"another"
    );

    let discard = |name: &str| again.device.discard(name);
    for missing in [
        "",
        ".",
        "..",
        "../data/kept",
        "no",
        "gone/no",
        "../containers/kept.spec",
    ] {
        assert_eq!(discard(missing), Err(Error::NotFound), "{missing}");
        let path = format!("/lost+found/{missing}");
        assert_eq!(discard(&path), Err(Error::NotFound), "{missing}");
    }
    // Not by its name alone, which may be that of a container.
    for kept in ["gone", "gone.1", "gone.state"] {
        assert_eq!(discard(kept), Err(Error::NotFound));
        let path = format!("/lost+found/{kept}");
        assert_eq!(discard(&path), Ok(()));
        assert_eq!(discard(&path), Err(Error::NotFound));
    }
    assert_eq!(files(&disk, "/lost+found"), [""; 0]);
    assert_eq!(read_file(&disk, "/data/kept/file").unwrap(), b"data");
}

#[test]
fn without_room_to_move_it_what_no_container_has_stays_where_it_is() {
    let disk = disk();
    let bench = boot_on(disk.clone());
    bench.create("a", &exiting(), &Options::default());
    write_file(&disk, "/data/a/file", b"data");
    disk.remove("/containers/a.spec").unwrap();
    let full = fill(&disk);
    boot_on(disk.clone());
    assert_eq!(read_file(&disk, "/data/a/file").unwrap(), b"data");
    drop(full);
    disk.remove("/full").unwrap();
    let bench = boot_on(disk.clone());
    assert_eq!(read_file(&disk, "/lost+found/a/file").unwrap(), b"data");
    bench.create("a", &exiting(), &Options::default());
}

#[test]
fn files_that_lie_where_a_container_is_created_are_kept() {
    let disk = disk();
    let bench = boot_on(disk.clone());
    for folder in ["/data", "/data/a"] {
        disk.create_dir(folder).unwrap();
    }
    write_file(&disk, "/data/a/file", b"data");
    write_file(&disk, "/data/b", b"a file");
    for name in ["a", "b"] {
        bench.create(name, &exiting(), &Options::default());
        assert_eq!(files(&disk, &format!("/data/{name}")), [""; 0]);
    }
    assert_eq!(read_file(&disk, "/lost+found/a/file").unwrap(), b"data");
    assert_eq!(read_file(&disk, "/lost+found/b").unwrap(), b"a file");
}

#[test]
fn without_the_folder_of_records_all_files_are_kept() {
    let disk = disk();
    let bench = boot_on(disk.clone());
    for name in ["a", "b"] {
        bench.create(name, &exiting(), &Options::default());
        write_file(&disk, &format!("/data/{name}/file"), name.as_bytes());
        disk.remove(&format!("/containers/{name}.spec")).unwrap();
    }
    disk.remove("/containers").unwrap();
    let after = boot_on(disk.clone());
    assert_eq!(states(&after.device), []);
    for name in ["a", "b"] {
        let path = format!("/lost+found/{name}/file");
        assert_eq!(read_file(&disk, &path).unwrap(), name.as_bytes());
    }
    after.create("a", &exiting(), &Options::default());
}

#[test]
fn a_container_whose_folder_is_missing_is_failed_and_stays() {
    const MISSING: State = State::Ended(RunResult::Failed(StartFailure::DataMissing));
    let disk = disk();
    let bench = boot_on(disk.clone());
    for (name, restart) in [("rests", Restart::No), ("returns", Restart::Always)] {
        let options = Options {
            restart,
            ..Options::default()
        };
        let handle = bench.start(name, &exiting(), &options);
        if restart == Restart::No {
            bench.end(handle);
        } else {
            bench.device.stop(handle, 0).unwrap();
        }
        disk.remove(&format!("/data/{name}")).unwrap();
    }
    disk.remove("/data").unwrap();
    let record = read_file(&disk, "/containers/rests.spec").unwrap();
    let after = boot_on(disk.clone());
    let failed = [
        ("rests".to_owned(), MISSING),
        ("returns".to_owned(), MISSING),
    ];
    assert_eq!(states(&after.device), failed);
    let handle = after.device.find("rests").unwrap();
    let refused = Err(Error::Start(StartFailure::DataMissing));
    assert_eq!(after.device.start(handle), refused);
    assert_eq!(read_file(&disk, "/containers/rests.spec").unwrap(), record);
    // Once its folder is back, it runs.
    for folder in ["/data", "/data/rests"] {
        disk.create_dir(folder).unwrap();
    }
    after.device.start(handle).unwrap();
    assert_eq!(after.end(handle), RunResult::Exited(7));
    for name in ["rests", "returns"] {
        let handle = after.device.find(name).unwrap();
        after.device.remove(handle, true).unwrap();
    }
    assert_eq!(files(&disk, "/containers"), [""; 0]);
}

#[test]
fn a_removal_that_was_written_down_is_ended_at_boot_only_without_a_record() {
    let disk = disk();
    let bench = boot_on(disk.clone());
    for name in ["gone", "stays"] {
        bench.run(name, &exiting(), &[]);
        write_file(&disk, &format!("/data/{name}/file"), b"data");
        data::mark_removal(&disk, &Name::parse(name).unwrap()).unwrap();
    }
    disk.remove("/containers/gone.spec").unwrap();
    let after = boot_on(disk.clone());
    assert_eq!(states(&after.device).len(), 1);
    assert_eq!(files(&disk, "/containers"), ["stays.spec", "stays.state"]);
    assert_eq!(files(&disk, "/data"), ["stays"]);
    assert_eq!(files(&disk, "/data/stays"), ["file"]);
    assert_eq!(files(&disk, "/lost+found"), [""; 0]);
    // The note of the removal ends with it: files without a record are then kept.
    disk.remove("/containers/stays.spec").unwrap();
    boot_on(disk.clone());
    assert_eq!(read_file(&disk, "/lost+found/stays/file").unwrap(), b"data");
}

#[test]
fn a_file_of_a_guest_is_no_mark() {
    let disk = disk();
    let bench = boot_on(disk.clone());
    bench.create("a", &exiting(), &Options::default());
    let path = format!("/data/a/{}", folders::REMOVAL);
    write_file(&disk, &path, b"a guest's own");
    boot_on(disk.clone());
    assert_eq!(read_file(&disk, &path).unwrap(), b"a guest's own");
    disk.remove("/containers/a.spec").unwrap();
    boot_on(disk.clone());
    let kept = format!("/lost+found/a/{}", folders::REMOVAL);
    assert_eq!(read_file(&disk, &kept).unwrap(), b"a guest's own");
}

#[test]
fn a_record_that_is_whole_but_not_in_its_place_is_put_there() {
    let disk = disk();
    let bench = boot_on(disk.clone());
    let (handle, _) = bench.run("a", &exiting(), &[]);
    write_file(&disk, "/data/a/file", b"data");
    let created = spec(&bench, handle);
    // As littlefs shows it where the commit of the rename is damaged.
    disk.rename("/containers/a.spec", "/containers/.newa.spec")
        .unwrap();
    let older = read_file(&disk, "/containers/a.state").unwrap();
    bench.device.start(handle).unwrap();
    bench.end(handle);
    let newer = read_file(&disk, "/containers/a.state").unwrap();
    write_file(&disk, "/containers/.newa.state", &newer);
    write_file(&disk, "/containers/a.state", &older);
    let after = boot_on(disk.clone());
    assert_eq!(files(&disk, "/containers"), ["a.spec", "a.state"]);
    assert_eq!(spec(&after, after.device.find("a").unwrap()), created);
    assert_eq!(read_file(&disk, "/data/a/file").unwrap(), b"data");
    assert_eq!(read_file(&disk, "/containers/a.state").unwrap(), newer);
    assert_eq!(read_file(&disk, "/lost+found/a.state").unwrap(), older);
}

/// Changes a record with `damage`, and checks that it and the container's files then stay until
/// they are removed by force.
fn is_left_alone(damage: impl Fn(&mut Vec<u8>)) {
    let disk = disk();
    let before = boot_on(disk.clone());
    before.create("a", &exiting(), &Options::default());
    before.create("b", &exiting(), &Options::default());
    write_file(&disk, "/data/a/kept", b"data");
    let mut record = read_file(&disk, "/containers/a.spec").unwrap();
    damage(&mut record);
    write_file(&disk, "/containers/a.spec", &record);

    let after = boot_on(disk.clone());
    assert_eq!(states(&after.device), [("b".into(), State::Created)]);
    let options = Options::default();
    let created = after
        .device
        .create(Some("a"), &image(&disk, &exiting()), &options);
    assert_eq!(created, Err(Error::RecordUnreadable));
    assert_eq!(read_file(&disk, "/data/a/kept").unwrap(), b"data");
    assert_eq!(read_file(&disk, "/containers/a.spec").unwrap(), record);

    assert_eq!(after.device.discard("b"), Err(Error::NameTaken));
    assert_eq!(after.device.discard("c"), Err(Error::NotFound));
    assert_eq!(after.device.discard("../a"), Err(Error::NotFound));
    assert_eq!(after.device.discard("a"), Ok(()));
    assert_eq!(files(&disk, "/data"), ["b"]);
    after.create("a", &exiting(), &options);
}

#[test]
fn a_damaged_record_is_left_alone() {
    is_left_alone(|record| record[10] ^= 1);
    is_left_alone(|record| record.truncate(20));
    is_left_alone(Vec::clear);
    is_left_alone(|record| record.resize(100_000, 0));
}

#[test]
fn a_record_of_a_newer_release_is_left_alone() {
    is_left_alone(|record| {
        // The version is the first item of the array.
        record[1] += 1;
        let body = record.len() - 32 - 2;
        let digest = ocre_oci::Sha256::of(&record[..body]);
        record[body + 2..].copy_from_slice(&digest.0);
    });
}

#[test]
fn a_damaged_state_costs_no_more_than_the_state() {
    let disk = disk();
    let before = boot_on(disk.clone());
    before.run("a", &exiting(), &[]);
    write_file(&disk, "/containers/a.state", b"nonsense");
    let after = boot_on(disk);
    assert_eq!(states(&after.device), [("a".into(), State::Created)]);
}

#[test]
fn containers_beyond_the_capacity_stay_on_the_partition() {
    let disk = disk();
    let bench = boot_on(disk.clone());
    for index in 0..MAX_CONTAINERS {
        bench.create(&format!("c{index}"), &exiting(), &Options::default());
    }
    // As a build with more room would have written it.
    let record = read_file(&disk, "/containers/c0.spec").unwrap();
    write_file(&disk, "/containers/more.spec", &record);
    disk.create_dir("/data/more").unwrap();
    let after = boot_on(disk.clone());
    assert_eq!(states(&after.device).len(), MAX_CONTAINERS);
    assert_eq!(read_file(&disk, "/containers/more.spec").unwrap(), record);
    assert_eq!(files(&disk, "/data").len(), MAX_CONTAINERS + 1);
}

/// Fills the partition with a file, which stays open.
fn fill(disk: &RamPartition) -> <RamPartition as Storage>::File {
    let mut file = disk.open("/full", OpenMode::REWRITE).unwrap();
    let mut bytes = 1 << 20;
    while bytes > 0 {
        if disk.write(&mut file, &vec![0xa5; bytes]).is_err() {
            bytes /= 2;
        }
        disk.sync(&mut file).ok();
    }
    file
}

#[test]
fn on_a_full_partition_nothing_is_created_and_what_is_there_still_runs() {
    let disk = disk();
    let bench = boot_on(disk.clone());
    let handle = bench.create("a", &exiting(), &Options::default());
    let image = image(&disk, &exiting());
    let file = fill(&disk);
    let full = bench.device.create(Some("b"), &image, &Options::default());
    assert_eq!(full, Err(Error::Storage(StorageError::NoSpace)));
    bench.device.start(handle).unwrap();
    assert_eq!(bench.end(handle), RunResult::Exited(7));
    drop(file);
    disk.remove("/full").unwrap();
    let after = boot_on(disk.clone());
    assert_eq!(states(&after.device).len(), 1);
    assert_eq!(files(&disk, "/data"), ["a"]);
}

// ---------------------------------------------------------------- power cuts

/// Known state of a container: the last success that its user was told of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Told {
    Nothing,
    Created,
    Started,
    Ended,
    Removed,
}

/// Runs a container's whole life, as far as the power lasts.
fn live<S: Storage + Send + Sync + 'static>(device: &Arc<Device<S>>, image: Image) -> Told {
    let options = Options {
        restart: Restart::OnFailure(None),
        ..Options::default()
    };
    let Ok(handle) = device.create(Some("a"), &image, &options) else {
        return Told::Nothing;
    };
    let rests = |told| {
        // The restart policy would start a run again that failed for want of power.
        let _ = device.kill(handle);
        told
    };
    if device.start(handle).is_err() {
        return rests(Told::Created);
    }
    if device.restart(handle, 0).is_err() {
        return rests(Told::Started);
    }
    device.kill(handle).unwrap();
    let until = device.platform().clock().uptime_us() + MINUTE_US;
    device.wait(handle, Some(until)).unwrap();
    if device.remove(handle, false).is_err() {
        return Told::Ended;
    }
    Told::Removed
}

/// True where the state after a cut is the one that was told, or that of the interrupted operation.
/// A state that can't be recorded is no error of the run.
fn may_be(told: Told, found: Option<State>) -> bool {
    match (told, found) {
        (Told::Nothing | Told::Ended, None) | (_, Some(State::Created)) => told != Told::Removed,
        (Told::Created | Told::Started, Some(State::Ended(RunResult::Failed(_)))) => true,
        (Told::Created, Some(state)) => state == RESET,
        (Told::Started, Some(state)) => [RESET, STOPPED].contains(&state),
        (Told::Ended, Some(state)) => [RESET, STOPPED, KILLED].contains(&state),
        (Told::Removed, None) => true,
        _ => false,
    }
}

#[test]
fn a_cut_at_any_operation_of_a_containers_life_leaves_it_as_it_was_or_as_it_became() {
    for tear in Tear::ALL {
        let mut seen = Vec::new();
        for at in 1.. {
            let (prepared, image) = prepared();
            let power = PowerCut::new(prepared, Some(Cut { at, tear }));
            let disk = LittleFs::mount(power).map_err(|(_, error)| error).unwrap();
            let device = Pc::boot(disk.clone(), Box::new(FakeConsole::default()), POLICY).unwrap();
            let told = live(&device, image);
            // Its thread may still be on its way out.
            while Arc::strong_count(&device) > 1 {
                std::thread::yield_now();
            }
            drop(device);
            let flash = disk.unmount().ok().expect("nothing is open");
            let off = flash.is_off();
            let found = found_after(flash.into_flash(), told, &format!("{tear:?} at {at}"));
            seen.push(found);
            if !off {
                assert_eq!(told, Told::Removed);
                break;
            }
        }
        let [created, reset, stopped, killed] = [State::Created, RESET, STOPPED, KILLED].map(Some);
        for found in [None, created, reset, stopped, killed] {
            assert!(seen.contains(&found), "{tear:?}: {found:?} {seen:?}");
        }
    }
}

/// A flash with an image and another container that has a file.
fn prepared() -> (RamFlash, Image) {
    let (flash, formatted) = LittleFs::format(RamFlash::new(Geometry::new(512, 256).unwrap()));
    formatted.unwrap();
    let disk: RamPartition = LittleFs::mount(flash).map_err(|(_, error)| error).unwrap();
    let bench = boot_on(disk.clone());
    let image = bench.image(&spinning());
    bench.create("other", &exiting(), &Options::default());
    write_file(&disk, "/data/other/kept", b"data");
    drop(bench);
    (disk.unmount().ok().expect("nothing is open"), image)
}

fn found_after(flash: RamFlash, told: Told, cut: &str) -> Option<State> {
    let disk = LittleFs::mount(flash).map_err(|(_, error)| error).unwrap();
    let device = Pc::boot(disk.clone(), Box::new(FakeConsole::default()), POLICY).unwrap();
    let mut states = states(&device);
    assert_eq!(
        states.pop(),
        Some(("other".into(), State::Created)),
        "{cut}"
    );
    assert_eq!(
        read_file(&disk, "/data/other/kept").unwrap(),
        b"data",
        "{cut}"
    );
    let found = states.pop().map(|(_, state)| state);
    assert!(may_be(told, found), "{cut}: told {told:?}, found {found:?}");
    // Nothing is there that no container has, and nothing is kept that was to be removed.
    let kept = files(&disk, "/lost+found");
    assert!(
        kept.iter().all(|kept| kept.ends_with(".state")),
        "{cut}: {kept:?}"
    );
    let folders = files(&disk, "/data");
    assert_eq!(folders.contains(&"a".into()), found.is_some(), "{cut}");
    for file in files(&disk, "/containers") {
        assert!(
            file.starts_with("other.") || found.is_some(),
            "{cut}: {file}"
        );
    }
    // The restart policy is applied now; then the container can be removed, and created anew.
    device.resume();
    if let Ok(handle) = device.find("a") {
        let now = device.status(handle).unwrap().state;
        let again = matches!(now, State::Restarting(_) | State::Running);
        assert_eq!(again, found == Some(RESET), "{cut}: {now}");
        device.remove(handle, true).unwrap();
    }
    let again = device.create(Some("a"), &image(&disk, &exiting()), &Options::default());
    assert!(again.is_ok(), "{cut}: {again:?}");
    found
}
