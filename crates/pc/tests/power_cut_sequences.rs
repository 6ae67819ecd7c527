// SPDX-License-Identifier: Apache-2.0
//! Power cuts at every program and every erase of a change of a sequence's record: the record has
//! the number from before or after, and never a smaller one by itself.

mod common;

use common::{formatted, mounted};
use ocre::atomic::finish_renames;
use ocre::image::OciLayout;
use ocre::image::sequence::{Sequence, SequenceRecords};
use ocre::image::verdict::Code;
use ocre::port::{OpenMode, Storage as _};
use ocre_pc::flash::{Cut, Flash, Geometry, PowerCut, RamFlash, Tear};
use ocre_pc::littlefs::{LittleFs, Tuning};

const GEOMETRY: Geometry = Geometry::new(512, 64).expect("valid");
const TAG: &str = "registry.example/app:2";

fn records<F: Flash>(storage: &LittleFs<F>) -> SequenceRecords<'_, LittleFs<F>> {
    let layout = OciLayout { storage, root: "/" };
    SequenceRecords {
        layout,
        counter: None,
    }
}

/// Flash on which these numbers have worked, one after the other.
fn with_numbers(numbers: &[u64]) -> RamFlash {
    let storage = mounted(formatted(GEOMETRY));
    for number in numbers {
        records(&storage)
            .raise(TAG, Sequence::new(*number))
            .unwrap();
    }
    storage.unmount().ok().expect("nothing is open")
}

/// Highest number after a boot.
fn highest(flash: RamFlash) -> u64 {
    let storage = mounted(flash);
    finish_renames(&storage);
    records(&storage).highest(TAG).unwrap()
}

/// Change of the records; false where the storage failed.
type Change = fn(&SequenceRecords<'_, LittleFs<PowerCut<RamFlash>>>) -> bool;

fn cut_short(flash: RamFlash, cut: Option<Cut>, change: Change) -> (RamFlash, bool, u64) {
    let mount = LittleFs::mount_with(PowerCut::new(flash, cut), Tuning::DEVICE);
    let storage = mount
        .map_err(|(_, error)| error)
        .expect("mounting only reads");
    finish_renames(&storage);
    let is_done = change(&records(&storage));
    let flash = storage.unmount().ok().expect("nothing is open");
    let operations = flash.operations();
    (flash.into_flash(), is_done, operations)
}

fn sweep(before: &[u64], change: Change, new: u64) {
    let before = with_numbers(before);
    let old = highest(before.clone());
    let (after, is_done, operations) = cut_short(before.clone(), None, change);
    assert!(is_done && operations > 0);
    assert_eq!(highest(after), new);
    let mut outcomes = [0; 2];
    for at in 1..=operations {
        for tear in Tear::ALL {
            let cut = Cut { at, tear };
            let (flash, is_done, _) = cut_short(before.clone(), Some(cut), change);
            let found = highest(flash.clone());
            assert!(found == old || found == new, "{cut:?}: {found}");
            assert!(!is_done || found == new, "{cut:?}: what is done is done");
            outcomes[usize::from(found == new)] += 1;
            // Once more, and the power goes again before it is done.
            let at = 1 + at * 7 % operations;
            let (flash, ..) = cut_short(flash, Some(Cut { at, tear }), change);
            let found = highest(flash.clone());
            assert!(found == old || found == new, "{cut:?} {at}: {found}");
            let (flash, is_done, _) = cut_short(flash, None, change);
            assert!(is_done, "{cut:?}: it can be repeated");
            assert_eq!(highest(flash), new, "{cut:?}");
        }
    }
    assert!(outcomes.iter().all(|&count| count > 0), "{outcomes:?}");
}

#[test]
fn the_first_number_of_a_name() {
    sweep(
        &[],
        |records| records.raise(TAG, Sequence::new(7)).is_ok(),
        7,
    );
}

#[test]
fn a_larger_number() {
    let larger: Change = |records| records.raise(TAG, Sequence::new(1 << 52)).is_ok();
    sweep(&[3, 7], larger, 1 << 52);
}

#[test]
fn a_reset() {
    sweep(&[7], |records| records.reset(TAG).is_ok(), 0);
}

#[test]
fn a_record_only_grows_and_is_of_all_tags_of_a_name() {
    let storage = mounted(with_numbers(&[7]));
    let records = records(&storage);
    for (tag, sequence, checked) in [
        ("registry.example/app:2", 7, Ok(())),
        ("registry.example/app:1", 6, Err(Code::Rollback)),
        ("registry.example/app", 0, Err(Code::Rollback)),
        ("registry.example/app:3", 8, Ok(())),
        ("registry.example/apps:1", 0, Ok(())),
        ("app:1", 0, Ok(())),
    ] {
        let found = records.check(tag, Sequence::new(sequence));
        assert_eq!(found, checked, "{tag} {sequence}");
    }
    assert_eq!(records.raise(TAG, Sequence::new(6)), Ok(false));
    assert_eq!(records.raise(TAG, Sequence::new(7)), Ok(false));
    assert_eq!(records.highest(TAG), Ok(7));
    assert_eq!(records.raise(TAG, Sequence::new(8)), Ok(true));
    assert_eq!(records.reset(TAG), Ok(Some(8)));
    assert_eq!(records.reset(TAG), Ok(Some(0)));
    assert_eq!(records.highest(TAG), Ok(0));
}

#[test]
fn a_damaged_record_refuses_every_image_of_its_name() {
    for content in ["", "7", "seven b", "nine byte", "many more bytes"] {
        let storage = mounted(with_numbers(&[7]));
        let mut path = String::new();
        let listed = storage.read_dir("/sequences", &mut |name, _| {
            path = format!("/sequences/{name}");
            true
        });
        listed.unwrap();
        let mut file = storage.open(&path, OpenMode::REWRITE).unwrap();
        storage.write(&mut file, content.as_bytes()).unwrap();
        storage.close(file).unwrap();
        let records = records(&storage);
        let newest = Sequence::new((1 << 53) - 1);
        assert_eq!(
            records.check(TAG, newest),
            Err(Code::Rollback),
            "{content:?}"
        );
        assert_eq!(
            records.raise(TAG, newest),
            Err(Code::Rollback),
            "{content:?}"
        );
        assert_eq!(records.reset(TAG), Ok(None), "{content:?}");
        assert_eq!(records.check(TAG, Sequence::NONE), Ok(()), "{content:?}");
    }
}
