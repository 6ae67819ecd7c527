// SPDX-License-Identifier: Apache-2.0
//! Folders of the PC that guests share with other programs: a guest never reaches a file outside,
//! even while another program changes the folders.

mod common;

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;

use common::Scratch;
use ocre::port::{EntryKind, OpenMode, SetTime, Storage, StorageError, Times};
use ocre_pc::directory::Directory;
use ocre_pc::posix_folders::PosixFolders;

const WRITE: OpenMode = OpenMode {
    read: false,
    write: true,
    create: true,
    exclusive: false,
    truncate: true,
    append: false,
};

fn folders(path: &Path) -> PosixFolders {
    PosixFolders::open(vec![path.to_owned()]).expect("it is there")
}

fn names<S: Storage>(storage: &S, path: &str) -> Vec<(String, EntryKind)> {
    let mut names = Vec::new();
    let listed = storage.read_dir(path, &mut |name, found| {
        names.push((name.to_owned(), found.kind));
        true
    });
    listed.expect("it is a folder");
    names.sort_by(|one, other| one.0.cmp(&other.0));
    names
}

#[test]
fn folders_conform() {
    let scratch = Scratch::new("posix");
    let (one, other) = (scratch.path().join("one"), scratch.path().join("other"));
    fs::create_dir(&one).unwrap();
    fs::create_dir(&other).unwrap();
    let storage = PosixFolders::open(vec![one.clone(), other]).unwrap();
    for root in ["/0", "/1"] {
        ocre_conformance::storage(&storage, root).unwrap_or_else(|failure| panic!("{failure}"));
    }
    storage.create_dir("/0/inner").unwrap();
    ocre_conformance::storage(&storage, "/0/inner").unwrap_or_else(|failure| panic!("{failure}"));
    // The folders themselves stay, and there are no others.
    for path in ["/0", "/1"] {
        assert_eq!(storage.remove(path), Err(StorageError::Invalid));
        assert_eq!(storage.rename(path, "/0/x"), Err(StorageError::Invalid));
    }
    for path in ["/2", "/2/x", "/x", "/-1"] {
        assert_eq!(
            storage.metadata(path).err(),
            Some(StorageError::NotFound),
            "{path}"
        );
    }
    let missing = PosixFolders::open(vec![one.clone(), one.join("no")]).map(drop);
    assert_eq!(missing, Err((one.join("no"), StorageError::NotFound)));
}

/// Makes links of every kind to files outside, and these files.
fn with_links(scratch: &Scratch) {
    let inside = scratch.path().join("inside");
    let outside = scratch.path().join("outside");
    fs::create_dir_all(inside.join("sub")).unwrap();
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("secret"), "secret").unwrap();
    for (target, link) in [
        ("../outside", "folder"),
        ("../outside/secret", "file"),
        ("../outside/new", "dangling"),
        ("/", "root"),
        ("/proc/self/root", "magic"),
        ("/proc/self/cwd", "cwd"),
        ("loop", "loop"),
        ("..", "parent"),
        ("../../outside", "sub/folder"),
    ] {
        symlink(target, inside.join(link)).unwrap();
    }
}

#[test]
fn no_link_is_followed_whatever_is_done() {
    let scratch = Scratch::new("posix-links");
    with_links(&scratch);
    let storage = folders(&scratch.path().join("inside"));
    let invalid = Err(StorageError::Invalid);
    let times = Times {
        accessed: SetTime::At(1),
        modified: SetTime::At(1),
    };
    for link in [
        "folder", "file", "dangling", "root", "magic", "cwd", "loop", "parent",
    ] {
        let path = format!("/0/{link}");
        assert_eq!(storage.metadata(&path).unwrap().kind, EntryKind::Symlink);
        for mode in [OpenMode::READ, WRITE] {
            assert_eq!(storage.open(&path, mode).map(drop), invalid, "{path}");
        }
        assert!(
            storage
                .read_dir(&path, &mut |name, _| panic!("{name}"))
                .is_err()
        );
        assert_eq!(
            storage.create_dir(&path),
            Err(StorageError::Exists),
            "{path}"
        );
        for inner in ["secret", "new", "outside", "tmp", "inside/sub"] {
            let path = format!("{path}/{inner}");
            assert_eq!(storage.metadata(&path).map(drop), invalid, "{path}");
            assert_eq!(storage.open(&path, OpenMode::READ).map(drop), invalid);
            assert_eq!(storage.open(&path, WRITE).map(drop), invalid, "{path}");
            assert_eq!(storage.create_dir(&path), invalid, "{path}");
            assert_eq!(storage.remove(&path), invalid, "{path}");
            assert_eq!(storage.rename(&path, "/0/stolen"), invalid, "{path}");
            assert_eq!(storage.rename("/0/sub", &path), invalid, "{path}");
            assert_eq!(storage.hard_link(&path, "/0/stolen"), invalid, "{path}");
            assert_eq!(storage.hard_link("/0/file", &path), invalid, "{path}");
            assert_eq!(storage.symlink("x", &path), invalid, "{path}");
            assert_eq!(storage.set_times(&path, times), invalid, "{path}");
            assert_eq!(storage.attributes(&path).map(drop), invalid, "{path}");
            assert_eq!(storage.read_link(&path, &mut [0; 9]).map(drop), invalid);
        }
        // The link itself is what gets a second name, times and another place, and what goes.
        storage.hard_link(&path, "/0/second").unwrap();
        assert_eq!(
            storage.metadata("/0/second").unwrap().kind,
            EntryKind::Symlink
        );
        storage.set_times("/0/second", times).unwrap();
        storage.rename("/0/second", "/0/third").unwrap();
        storage.remove("/0/third").unwrap();
    }
    let outside = scratch.path().join("outside");
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 1);
    assert_eq!(fs::read(outside.join("secret")).unwrap(), b"secret");
    let modified = fs::metadata(outside.join("secret")).unwrap().modified();
    assert!(modified.unwrap().elapsed().unwrap().as_secs() < 1 << 20);
}

#[test]
fn pipes_sockets_and_devices_are_refused_and_keep_nobody_waiting() {
    let scratch = Scratch::new("posix-pipes");
    let made = Command::new("mkfifo")
        .arg(scratch.path().join("pipe"))
        .status();
    assert!(made.unwrap().success());
    let _socket = UnixListener::bind(scratch.path().join("socket")).unwrap();
    fs::write(scratch.path().join("file"), "").unwrap();
    let posix = folders(scratch.path());
    let layout = Directory::open(scratch.path()).unwrap();
    fn refuses<S: Storage>(storage: &S, path: &str, aside: &str) {
        let invalid = Err(StorageError::Invalid);
        for mode in [OpenMode::READ, OpenMode::REWRITE, WRITE] {
            assert_eq!(storage.open(path, mode).map(drop), invalid, "{path}");
        }
        assert_eq!(storage.metadata(path).map(drop), invalid, "{path}");
        assert_eq!(storage.remove(path), invalid, "{path}");
        assert_eq!(storage.rename(path, aside), invalid, "{path}");
    }
    for name in ["pipe", "socket"] {
        refuses(&posix, &format!("/0/{name}"), "/0/aside");
        refuses(&layout, &format!("/{name}"), "/aside");
        let linked = posix.hard_link(&format!("/0/{name}"), "/0/aside");
        assert_eq!(linked, Err(StorageError::Invalid));
    }
    let only = [("file".to_owned(), EntryKind::File)];
    assert_eq!(names(&posix, "/0"), only);
    assert_eq!(names(&layout, "/"), only);
    let devices = folders(Path::new("/dev"));
    refuses(&devices, "/0/null", "/0/aside");
    refuses(&devices, "/0/zero", "/0/aside");
    assert!(names(&devices, "/0").iter().all(|(name, _)| name != "null"));
}

#[test]
fn permissions_are_the_guests_answer() {
    let scratch = Scratch::new("posix-denied");
    let file = scratch.path().join("file");
    fs::write(&file, "content").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    let storage = folders(scratch.path());
    let mut open = storage.open("/0/file", WRITE).unwrap();
    storage.write(&mut open, b"new").unwrap();
    storage.close(open).unwrap();
    // A file that is written stays the same file, with its permissions.
    assert_eq!(fs::read(&file).unwrap(), b"new");
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o640
    );
    // The superuser, whom tests may run as, can do all but this.
    let system = folders(Path::new("/proc/sys/kernel"));
    let mode = OpenMode {
        create: false,
        truncate: false,
        ..WRITE
    };
    let denied = system.open("/0/ostype", mode).map(drop);
    assert_eq!(denied, Err(StorageError::Denied));
}

/// Ends the other thread when this one ends, also by a panic.
struct SwapGuard<'a>(&'a AtomicBool);

impl Drop for SwapGuard<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Swaps `inside/d` for a link to `outside`, and back, until `done`.
fn swap(inside: &Path, done: &AtomicBool, swaps: &AtomicU32) {
    while !done.load(Ordering::Relaxed) {
        fs::rename(inside.join("d"), inside.join("aside")).unwrap();
        symlink("../outside", inside.join("d")).unwrap();
        fs::remove_file(inside.join("d")).unwrap();
        fs::rename(inside.join("aside"), inside.join("d")).unwrap();
        swaps.fetch_add(1, Ordering::Relaxed);
    }
}

fn content<S: Storage>(storage: &S, path: &str) -> Option<Vec<u8>> {
    let mut file = storage.open(path, OpenMode::READ).ok()?;
    let mut bytes = vec![0; 16];
    let count = storage.read(&mut file, &mut bytes).ok()?;
    bytes.truncate(count);
    Some(bytes)
}

/// Reads, writes, makes and removes in a folder that is being swapped, until some of it has
/// succeeded, and the folder was swapped `most` times.
fn use_while_swapped<S: Storage>(storage: &S, folder: &str, swaps: &AtomicU32, most: u32) {
    let at = |name: &str| format!("{folder}/{name}");
    let (mut read, mut made) = (0, 0);
    loop {
        match content(storage, &at("file")).as_deref() {
            Some(b"inside") => read += 1,
            None => {}
            Some(other) => panic!("{other:?} is read"),
        }
        if storage.create_dir(&at("new")).is_ok() {
            made += 1;
            while storage.remove(&at("new")).is_err() {}
        }
        if let Ok(mut file) = storage.open(&at("written"), WRITE) {
            let _ = storage.write(&mut file, b"inside");
            let _ = storage.close(file);
        }
        let _ = storage.remove(&at("secret"));
        let _ = storage.rename(&at("secret"), &at("stolen"));
        let _ = storage.read_dir(folder, &mut |name, _| {
            assert_ne!(name, "secret", "it is listed");
            true
        });
        assert!(storage.metadata(&at("secret")).is_err());
        if swaps.load(Ordering::Relaxed) >= most && read > 0 && made > 0 {
            break;
        }
    }
}

#[test]
fn a_folder_that_is_swapped_for_a_link_while_it_is_used_leads_nowhere() {
    let scratch = Scratch::new("posix-race");
    let (inside, outside) = (
        scratch.path().join("inside"),
        scratch.path().join("outside"),
    );
    for (folder, name, content) in [
        (inside.join("d"), "file", "inside"),
        (outside.clone(), "secret", "outside"),
    ] {
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(name), content).unwrap();
    }
    fs::write(outside.join("file"), "outside").unwrap();
    let (done, swaps) = (AtomicBool::new(false), AtomicU32::new(0));
    thread::scope(|scope| {
        let _ending = SwapGuard(&done);
        scope.spawn(|| swap(&inside, &done, &swaps));
        use_while_swapped(&folders(&inside), "/0/d", &swaps, 5000);
        let layout = Directory::open(&inside).unwrap();
        use_while_swapped(&layout, "/d", &swaps, 8000);
    });
    let mut left: Vec<_> = fs::read_dir(&outside)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    left.sort();
    assert_eq!(left, ["file", "secret"]);
    for name in ["file", "secret"] {
        assert_eq!(fs::read(outside.join(name)).unwrap(), b"outside");
    }
}

/// Swaps the file `inside/f` for a link to a file outside, and back, until `done`.
fn swap_file(inside: &Path, done: &AtomicBool) {
    while !done.load(Ordering::Relaxed) {
        symlink("../outside", inside.join("link")).unwrap();
        fs::rename(inside.join("link"), inside.join("f")).unwrap();
        fs::write(inside.join("new"), "inside").unwrap();
        fs::rename(inside.join("new"), inside.join("f")).unwrap();
    }
}

#[test]
fn a_file_that_is_swapped_for_a_link_while_it_is_opened_leads_nowhere() {
    let scratch = Scratch::new("posix-file-race");
    let inside = scratch.path().join("inside");
    fs::create_dir(&inside).unwrap();
    fs::write(inside.join("f"), "inside").unwrap();
    fs::write(scratch.path().join("outside"), "outside").unwrap();
    let storage = folders(&inside);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let _ending = SwapGuard(&done);
        scope.spawn(|| swap_file(&inside, &done));
        let mut seen = 0;
        for count in 0_u32.. {
            match content(&storage, "/0/f").as_deref() {
                Some(b"inside" | b"") => seen += 1,
                None => {}
                Some(other) => panic!("{other:?} is read"),
            }
            if let Ok(mut file) = storage.open("/0/f", WRITE) {
                let _ = storage.write(&mut file, b"inside");
            }
            // The second name may be that of the link, but never of the file outside.
            if storage.hard_link("/0/f", "/0/second").is_ok() {
                let found = storage.attributes("/0/second").unwrap();
                let outside = fs::metadata(scratch.path().join("outside")).unwrap();
                assert_ne!(found.inode, std::os::unix::fs::MetadataExt::ino(&outside));
                storage.remove("/0/second").unwrap();
            }
            if count >= 3000 && seen > 0 {
                break;
            }
        }
    });
    assert_eq!(
        fs::read(scratch.path().join("outside")).unwrap(),
        b"outside"
    );
}
