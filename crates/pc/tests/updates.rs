// SPDX-License-Identifier: Apache-2.0
//! Updates of tags: containers follow them, a working update stays, and a failing one is taken
//! back, also after a power cut at any time.

mod common;
#[path = "common/device.rs"]
mod device;
#[path = "common/tagged.rs"]
mod tagged;

use common::{formatted, mounted};
use device::{assemble, write_file};
use ocre::container::Options;
use ocre::container::restart::Restart;
use ocre::container::state::{Cause, RunResult, StartFailure, State};
use ocre::container::table::Handle;
use ocre::image::blob::blob_path;
use ocre::image::store::Store;
use ocre::image::store::update::{FAILURES, PREVIOUS};
use ocre::image::trust::Provenance;
use ocre::port::Storage;
use ocre::supervisor::Platform as _;
use ocre_conformance::images::{DOCUMENT, named};
use ocre_oci::{REF_NAME, Sha256};
use ocre_pc::flash::{Cut, Flash, PowerCut, RamFlash, Tear};
use ocre_pc::littlefs::LittleFs;
use ocre_pc::platform::Device;
use tagged::{
    GEOMETRY, MINUTE_US, TaggedPartition, boot, create, digest, end, exiting, import, layout, run,
    try_boot,
};

fn trapping() -> Vec<u8> {
    assemble(r#"(module (func (export "_start") unreachable))"#)
}

/// The entries of the index: `app:latest` or `was app:latest`, the failures, and the digest.
fn entries<F: Flash>(disk: &TaggedPartition<F>) -> Vec<(String, Sha256)> {
    let mut document = [0; DOCUMENT];
    let mut store = Store::open(disk, "/", &mut document).unwrap();
    let index = store.index().unwrap();
    let entries = index.manifests().map(|entry| {
        let text = |name| entry.annotation(name).map(|text| text.to_string());
        let failures = text(FAILURES).map_or(String::new(), |count| format!(" after {count}"));
        let name = match (text(REF_NAME), text(PREVIOUS)) {
            (Some(name), None) => name,
            (None, Some(tag)) => format!("was {tag}{failures}"),
            other => panic!("{other:?}"),
        };
        (name, entry.descriptor().unwrap().digest.sha256().unwrap())
    });
    entries.collect()
}

fn environment<S: Storage + Send + Sync + 'static>(device: &Device<S>, handle: Handle) -> String {
    let show = |spec: &ocre::container::Spec| spec.image.environment.to_string();
    device.with_spec(handle, show).unwrap()
}

#[test]
fn a_container_is_started_with_what_its_tag_leads_to_then_and_keeps_what_was_said_of_it() {
    let [one, two] = [("1", 1), ("2", 0)].map(|(name, code)| layout(name, &exiting(code)));
    let disk = mounted(formatted(GEOMETRY));
    import(&disk, &one).unwrap();
    let device = boot(&disk);
    let options = Options {
        environment: &["MINE=x"],
        arguments: &["y"],
        ..Options::default()
    };
    let handle = create(&device, "a", &options).unwrap();
    assert_eq!(run(&device, handle), RunResult::Exited(1));
    assert_eq!(environment(&device, handle), "V=1\0MINE=x\0");
    write_file(&disk, "/data/a/kept", b"data");
    import(&disk, &two).unwrap();
    assert_eq!(
        entries(&disk),
        [
            ("was app:latest".to_owned(), digest(&one)),
            ("app:latest".to_owned(), digest(&two))
        ]
    );
    assert_eq!(run(&device, handle), RunResult::Exited(0));
    assert_eq!(environment(&device, handle), "V=2\0MINE=x\0");
    // The update works, so the image before it is no longer kept.
    assert_eq!(entries(&disk), [("app:latest".to_owned(), digest(&two))]);
    let mut spec = device.with_spec(handle, Clone::clone).unwrap();
    // A record does not say that the image was judged.
    spec.image.admission = Ok(Provenance::UNKNOWN);
    drop(device);
    let after = boot(&disk);
    let handle = after.find("a").unwrap();
    assert_eq!(after.with_spec(handle, Clone::clone), Ok(spec));
    assert_eq!(
        after
            .tag(
                &ocre::container::Name::parse("a").unwrap(),
                &mut [0; DOCUMENT * 2]
            )
            .unwrap(),
        "app"
    );
    assert_eq!(run(&after, handle), RunResult::Exited(0));
    assert_eq!(device::read_file(&disk, "/data/a/kept").unwrap(), b"data");
}

/// Imports `update`, whose runs end with `failed`, and checks that it is taken back.
fn is_taken_back(update: &LittleFs<RamFlash>, failed: RunResult) {
    let good = layout("good", &exiting(0));
    let disk = mounted(formatted(GEOMETRY));
    import(&disk, &good).unwrap();
    let device = boot(&disk);
    let handle = create(&device, "a", &Options::default()).unwrap();
    assert_eq!(run(&device, handle), RunResult::Exited(0));
    import(&disk, update).unwrap();
    assert_eq!(run(&device, handle), failed);
    assert_eq!(
        entries(&disk)[0],
        ("was app:latest after 1".to_owned(), digest(&good))
    );
    drop(device);
    // The count survives a reboot.
    let device = boot(&disk);
    let handle = device.find("a").unwrap();
    assert_eq!(run(&device, handle), failed);
    assert_eq!(run(&device, handle), failed);
    assert_eq!(entries(&disk), [("app:latest".to_owned(), digest(&good))]);
    assert_eq!(run(&device, handle), RunResult::Exited(0));
    assert_eq!(environment(&device, handle), "V=good\0");
    // And the next update has all its tries.
    import(&disk, update).unwrap();
    assert_eq!(run(&device, handle), failed);
    assert_eq!(entries(&disk).len(), 2);
}

#[test]
fn an_update_that_fails_three_times_is_taken_back() {
    is_taken_back(&layout("bad", &exiting(3)), RunResult::Exited(3));
    is_taken_back(
        &layout("bad", &trapping()),
        RunResult::Trapped(ocre::port::Trap::Unreachable),
    );
}

#[test]
fn an_update_that_can_not_be_started_is_taken_back() {
    let code = assemble(r#"(module (import "x" "y" (func)) (func (export "_start")))"#);
    let import = StartFailure::Image(ocre::image::verdict::Code::WasmImport);
    is_taken_back(&layout("bad", &code), RunResult::Failed(import));
}

#[test]
fn a_container_that_is_started_again_by_itself_comes_back_with_what_worked() {
    let (good, bad) = (layout("good", &exiting(0)), layout("bad", &trapping()));
    let disk = mounted(formatted(GEOMETRY));
    import(&disk, &good).unwrap();
    let device = boot(&disk);
    // The policy alone would give up before the update is taken back.
    let options = Options {
        restart: Restart::OnFailure(std::num::NonZeroU8::new(1)),
        ..Options::default()
    };
    let handle = create(&device, "a", &options).unwrap();
    import(&disk, &bad).unwrap();
    device.start(handle).unwrap();
    let until = device.platform().clock().uptime_us() + MINUTE_US;
    assert_eq!(device.wait(handle, Some(until)), Ok(RunResult::Exited(0)));
    assert_eq!(environment(&device, handle), "V=good\0");
    assert_eq!(entries(&disk), [("app:latest".to_owned(), digest(&good))]);
    assert_eq!(device.status(handle).unwrap().restarts, 3);
}

#[test]
fn what_somebody_ends_says_nothing_of_an_update() {
    let spinning = assemble(r#"(module (func (export "_start") (loop (br 0))))"#);
    let (good, update) = (layout("good", &exiting(0)), layout("new", &spinning));
    let disk = mounted(formatted(GEOMETRY));
    import(&disk, &good).unwrap();
    import(&disk, &update).unwrap();
    let device = boot(&disk);
    let handle = create(&device, "a", &Options::default()).unwrap();
    let before = entries(&disk);
    for _ in 0..4 {
        device.start(handle).unwrap();
        device.kill(handle).unwrap();
        let until = device.platform().clock().uptime_us() + MINUTE_US;
        let killed = device.wait(handle, Some(until));
        assert_eq!(killed, Ok(RunResult::Killed(Cause::Kill)));
    }
    assert_eq!(entries(&disk), before);
}

#[test]
fn an_update_of_an_update_keeps_what_worked_last() {
    let [good, second, third] =
        [("1", 0), ("2", 1), ("3", 2)].map(|(name, code)| layout(name, &exiting(code)));
    let disk = mounted(formatted(GEOMETRY));
    let was = |after: &str| ("was app:latest".to_owned() + after, digest(&good));
    let is = |image| ("app:latest".to_owned(), digest(image));
    import(&disk, &good).unwrap();
    import(&disk, &good).unwrap();
    assert_eq!(entries(&disk), [is(&good)], "that is no update");
    import(&disk, &second).unwrap();
    let device = boot(&disk);
    let handle = create(&device, "a", &Options::default()).unwrap();
    assert_eq!(run(&device, handle), RunResult::Exited(1));
    import(&disk, &second).unwrap();
    assert_eq!(entries(&disk), [was(" after 1"), is(&second)]);
    import(&disk, &third).unwrap();
    assert_eq!(entries(&disk), [was(""), is(&third)]);
    // By hand, too, it can be gone back.
    import(&disk, &good).unwrap();
    assert_eq!(entries(&disk), [is(&good)]);
    // The kept image goes with the tag, or by an explicit removal.
    import(&disk, &third).unwrap();
    let mut document = [0; DOCUMENT];
    let mut store = Store::open(&disk, "/", &mut document).unwrap();
    store.forget_previous().unwrap();
    assert_eq!(entries(&disk), [is(&third)]);
    import(&disk, &good).unwrap();
    let mut store = Store::open(&disk, "/", &mut document).unwrap();
    store.remove(named("app"), &[]).unwrap();
    assert_eq!(entries(&disk), []);
    let third = blob_path("/", &digest(&third)).unwrap();
    assert!(disk.metadata(&third).is_err(), "nothing uses it");
}

// ---------------------------------------------------------------- power cuts

/// Imports an update that fails and is taken back, and runs the container once more, as far as the
/// power lasts.
fn update<F: Flash + Send + 'static>(
    disk: &TaggedPartition<F>,
    bad: &LittleFs<RamFlash>,
) -> Option<()> {
    import(disk, bad).ok()?;
    let device = try_boot(disk)?;
    let handle = device.find("a").ok()?;
    for _ in 0..4 {
        run(&device, handle);
    }
    end(device);
    Some(())
}

#[test]
fn a_cut_at_any_operation_of_an_update_and_its_end_leaves_a_tag_that_comes_back() {
    let (good, bad) = (layout("good", &exiting(0)), layout("bad", &trapping()));
    let before = {
        let disk = mounted(formatted(GEOMETRY));
        import(&disk, &good).unwrap();
        let device = boot(&disk);
        let handle = create(&device, "a", &Options::default()).unwrap();
        assert_eq!(run(&device, handle), RunResult::Exited(0));
        end(device);
        write_file(&disk, "/data/a/kept", b"data");
        disk.unmount().ok().expect("nothing is open")
    };
    for tear in Tear::ALL {
        let mut seen = std::collections::BTreeSet::new();
        for at in 1.. {
            let power = PowerCut::new(before.clone(), Some(Cut { at, tear }));
            let disk = LittleFs::mount(power).map_err(|(_, error)| error).unwrap();
            let _ = update(&disk, &bad);
            let flash = disk.unmount().ok().expect("nothing is open");
            let off = flash.is_off();
            let cut = format!("{tear:?} at {at}");

            let disk = mounted(flash.into_flash());
            let found = entries(&disk);
            let names: Vec<&str> = found.iter().map(|(name, _)| &**name).collect();
            let legal: [(&[&str], &LittleFs<RamFlash>); 4] = [
                (&["app:latest"], &good),
                (&["was app:latest", "app:latest"], &bad),
                (&["was app:latest after 1", "app:latest"], &bad),
                (&["was app:latest after 2", "app:latest"], &bad),
            ];
            let place = legal.iter().position(|(legal, _)| **legal == *names);
            let place = place.unwrap_or_else(|| panic!("{cut}: {found:?}"));
            assert_eq!(found.last().unwrap().1, digest(legal[place].1), "{cut}");
            assert_eq!(found[0].1, digest(&good), "{cut}");
            seen.insert(place);

            // Whatever was found, the tag and the container come back.
            let device = boot(&disk);
            let handle = device.find("a").expect("it is there");
            assert!(matches!(
                device.status(handle).unwrap().state,
                State::Ended(_)
            ));
            let tries = (0..4).position(|_| run(&device, handle) == RunResult::Exited(0));
            assert_eq!(tries, Some([0, 3, 2, 1][place]), "{cut}");
            assert_eq!(entries(&disk), [("app:latest".to_owned(), digest(&good))]);
            assert_eq!(device::read_file(&disk, "/data/a/kept").unwrap(), b"data");
            end(device);
            if !off {
                break;
            }
        }
        assert_eq!(seen.len(), 4, "{tear:?}: {seen:?}");
    }
}
