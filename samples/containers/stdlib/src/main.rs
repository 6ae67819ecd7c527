// SPDX-License-Identifier: Apache-2.0
//! `stdlib [NAME=VALUE…]`
//!
//! Uses the parts of Rust's standard library that rest on the host (files and
//! folders, time, arguments and environment, streams, randomness) and checks
//! their results, also the errors of unsupported operations. Prints a line for
//! each part and exits with 0; the first wrong result ends it with a panic that
//! names it. Each NAME=VALUE is a variable that its environment must have. It
//! doubles each number that it reads from stdin, one a line.
//!
//! Files are made in the folder `/stdlib`, which is removed first and last.
//! With the variable `POSIX` set, the folder must have hard links and times.

use std::collections::HashSet;
use std::env;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

ocre_guest::libc_heap!(64 * 1024);

const FOLDER: &str = "/stdlib";

// Preview 1's numbers.
const EXIST: i32 = 20;
const ISDIR: i32 = 31;
const NOENT: i32 = 44;
const NOTDIR: i32 = 54;
const NOTEMPTY: i32 = 55;
const NOTSUP: i32 = 58;

fn main() -> io::Result<()> {
    match fs::remove_dir_all(FOLDER) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::create_dir(FOLDER)?;
    for (name, part) in [
        ("env", environment as fn() -> io::Result<()>),
        ("files", files),
        ("folders", folders),
        ("refusals", refusals),
        ("time", time),
        ("chance", chance),
        ("streams", streams),
    ] {
        part()?;
        println!("{name}: ok");
    }
    fs::remove_dir_all(FOLDER)
}

fn path(name: &str) -> String {
    format!("{FOLDER}/{name}")
}

/// The errno that an operation fails with: std has no kinds for some of them here.
fn errno<T>(result: io::Result<T>) -> i32 {
    match result {
        Ok(_) => panic!("it was done"),
        Err(error) => error.raw_os_error().expect("it is the host's"),
    }
}

fn environment() -> io::Result<()> {
    assert!(env::args().next().is_some_and(|name| !name.is_empty()));
    for wanted in env::args().skip(1) {
        let (name, value) = wanted.split_once('=').expect("NAME=VALUE");
        assert_eq!(env::var(name).as_deref(), Ok(value));
        assert!(env::vars().any(|(known, same)| known == name && same == value));
    }
    assert!(env::var("STDLIB_NO_SUCH_VARIABLE").is_err());
    Ok(())
}

fn files() -> io::Result<()> {
    let name = path("file");
    fs::write(&name, "first\nsecond\n")?;
    assert_eq!(fs::read_to_string(&name)?, "first\nsecond\n");
    OpenOptions::new()
        .append(true)
        .open(&name)?
        .write_all(b"third\n")?;
    let lines: Vec<String> = BufReader::new(File::open(&name)?)
        .lines()
        .collect::<io::Result<_>>()?;
    assert_eq!(lines, ["first", "second", "third"]);

    let mut file = OpenOptions::new().read(true).write(true).open(&name)?;
    assert_eq!(file.seek(SeekFrom::End(-6))?, 13);
    let mut rest = String::new();
    file.read_to_string(&mut rest)?;
    assert_eq!(rest, "third\n");
    file.seek(SeekFrom::Start(0))?;
    file.write_all(b"FIRST")?;
    assert_eq!(file.stream_position()?, 5);
    file.set_len(5)?;
    file.sync_all()?;
    assert_eq!(fs::read(&name)?, b"FIRST");
    file.set_len(8)?;
    file.sync_data()?;
    assert_eq!(fs::read(&name)?, b"FIRST\0\0\0");
    // Beyond the end: the gap reads as zeros.
    file.seek(SeekFrom::Start(1000))?;
    file.write_all(b"!")?;
    let found = file.metadata()?;
    assert!(found.is_file() && found.len() == 1001);
    drop(file);

    assert_eq!(errno(File::create_new(&name)), EXIST);
    File::create(&name)?;
    assert_eq!(fs::metadata(&name)?.len(), 0);

    let mut out = BufWriter::with_capacity(64, File::create(&name)?);
    for number in 0..500 {
        writeln!(out, "{number}")?;
    }
    out.flush()?;
    drop(out);
    let sum: u32 = BufReader::with_capacity(64, File::open(&name)?)
        .lines()
        .map(|line| line.map(|line| line.parse::<u32>().expect("a number")))
        .sum::<io::Result<_>>()?;
    assert_eq!(sum, 499 * 500 / 2);

    let copy = path("copy");
    assert_eq!(fs::copy(&name, &copy)?, fs::metadata(&name)?.len());
    let moved = path("moved");
    fs::write(&moved, "replaced")?;
    fs::rename(&copy, &moved)?;
    assert!(!Path::new(&copy).try_exists()?);
    assert_eq!(fs::read(&moved)?, fs::read(&name)?);
    fs::remove_file(&moved)
}

fn folders() -> io::Result<()> {
    fs::create_dir_all(path("a/b/c"))?;
    for number in 0..12 {
        fs::write(path(&format!("a/b/{number}")), [number])?;
    }
    let mut names = Vec::new();
    for entry in fs::read_dir(path("a/b"))? {
        let entry = entry?;
        let name = entry.file_name().into_string().expect("UTF-8");
        assert_eq!(entry.file_type()?.is_dir(), name == "c");
        names.push(name);
    }
    names.sort_by_key(|name| name.parse().unwrap_or(u32::MAX));
    let expected: Vec<String> = (0..12).map(|number| number.to_string()).collect();
    assert_eq!(names.split_last(), Some((&"c".to_owned(), &expected[..])));

    // Entries can be removed while they are listed, and none is missed.
    for entry in fs::read_dir(path("a/b"))? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            fs::remove_file(entry.path())?;
        }
    }
    assert_eq!(fs::read_dir(path("a/b"))?.count(), 1);
    assert_eq!(errno(fs::remove_dir(path("a"))), NOTEMPTY);
    fs::rename(path("a"), path("z"))?;
    assert!(fs::metadata(path("z/b/../b/./c"))?.is_dir());
    fs::remove_dir_all(path("z"))?;
    assert_eq!(errno(fs::metadata(path("z"))), NOENT);
    Ok(())
}

/// Checks the error of each operation that the host does not support.
fn refusals() -> io::Result<()> {
    let name = path("file");
    fs::write(&name, "text")?;
    let link = path("link");
    let times = fs::FileTimes::new().set_modified(UNIX_EPOCH);
    let file = OpenOptions::new().write(true).open(&name)?;
    if env::var_os("POSIX").is_some() {
        fs::hard_link(&name, &link)?;
        file.set_times(times)?;
        fs::remove_file(&name)?;
        (&file).write_all(b"more")?;
        fs::rename(&link, &name)?;
        assert_eq!(fs::read(&name)?, b"more");
        file.set_times(times)?;
    } else {
        assert_eq!(errno(fs::hard_link(&name, &link)), NOTSUP);
        assert_eq!(errno(file.set_times(times)), NOTSUP);
    }
    drop(file);
    assert_eq!(fs::metadata(&name)?.modified()?, UNIX_EPOCH);

    assert_eq!(errno(File::open(path("none"))), NOENT);
    assert_eq!(errno(File::open(path("file/x"))), NOTDIR);
    assert_eq!(errno(File::create(FOLDER)), ISDIR);
    assert_eq!(errno(fs::create_dir(FOLDER)), EXIST);
    assert!(fs::read(path("../../outside")).is_err());
    assert!(fs::write("/../outside", "").is_err());
    assert!(fs::read_dir("/..").is_err());
    Ok(())
}

fn time() -> io::Result<()> {
    let began = Instant::now();
    let wait = Duration::from_millis(20);
    thread::sleep(wait);
    let took = began.elapsed();
    assert!(took >= wait && took < Duration::from_secs(60), "{took:?}");
    let date = SystemTime::now();
    assert!(date >= UNIX_EPOCH);
    assert!(SystemTime::now() >= date);
    thread::yield_now();
    Ok(())
}

/// A `HashSet`'s order, and so its keys, come from the host's randomness.
fn chance() -> io::Result<()> {
    let numbers: HashSet<u32> = (0..100).collect();
    assert!((0..100).all(|number| numbers.contains(&number)));
    Ok(())
}

fn streams() -> io::Result<()> {
    for line in io::stdin().lock().lines() {
        let number: i64 = line?.trim().parse().map_err(io::Error::other)?;
        println!("{}", 2 * number);
    }
    eprintln!("to stderr");
    let mut out = io::stdout().lock();
    out.write_all(b"to ")?;
    out.write_all(b"stdout\n")?;
    out.flush()
}
