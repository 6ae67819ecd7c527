// SPDX-License-Identifier: Apache-2.0
//! The file system in memory keeps the promises of a file system.

use ocre::port::{OpenMode, Storage as _, StorageError};
use ocre_conformance::memory::{InjectedFault, MemoryStorage};
use ocre_conformance::{after_restart, before_restart, images, storage};

#[test]
fn the_file_system_in_memory_conforms() {
    let memory = MemoryStorage::new(1 << 20);
    storage(&memory, "/").unwrap();
    memory.create_dir("/inside").unwrap();
    storage(&memory, "/inside").unwrap();
    before_restart(&memory, "/inside").unwrap();
    after_restart(&memory.clone(), "/inside").unwrap();
}

#[test]
fn the_chosen_change_fails_and_a_cut_lasts_until_the_restart() {
    let memory = MemoryStorage::new(1 << 20);
    images::put(&memory, "/file", b"old");
    memory.arm(1, InjectedFault::Once(StorageError::NoSpace));
    memory.create_dir("/first").unwrap();
    assert_eq!(memory.create_dir("/second"), Err(StorageError::NoSpace));
    assert!(memory.recover());
    memory.create_dir("/second").unwrap();

    memory.arm(0, InjectedFault::Cut);
    let mut file = memory.open("/file", OpenMode::REWRITE).unwrap();
    memory.write(&mut file, b"new").unwrap();
    assert_eq!(memory.close(file), Err(StorageError::Io));
    assert_eq!(memory.metadata("/file").err(), Some(StorageError::Io));
    assert!(memory.recover());
    assert!(!memory.recover());
    assert_eq!(images::get(&memory, "/file"), b"old");
}
