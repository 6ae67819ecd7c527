// SPDX-License-Identifier: Apache-2.0
//! `ocre image pull`, `push` and `copy`, with a real registry.

mod cli;

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use cli::registry::{CutConnection, Registry};
use cli::{CliFixture, ProgramOutput, done, guest};
use serde_json::Value;

/// Command for `ocre` with a new cache and configuration.
fn command(desk: &CliFixture, arguments: &[&str]) -> Command {
    let mut command = desk.command(arguments);
    command
        .env("XDG_CACHE_HOME", desk.path("cache"))
        .env("DOCKER_CONFIG", desk.path("docker"));
    command
}

fn ocre(desk: &CliFixture, arguments: &[&str]) -> ProgramOutput {
    done(command(desk, arguments))
}

#[track_caller]
fn ok(desk: &CliFixture, arguments: &[&str]) -> String {
    let done = ocre(desk, arguments);
    assert_eq!(done.code, 0, "{done:?}");
    done.out
}

/// The digest that the command prints.
#[track_caller]
fn digest(desk: &CliFixture, arguments: &[&str]) -> String {
    let arguments: Vec<&str> = ["--format", "json"]
        .iter()
        .chain(arguments)
        .copied()
        .collect();
    let done = ocre(desk, &arguments);
    assert_eq!(done.code, 0, "{done:?}");
    let digest = done.json()["digest"].as_str().unwrap().to_owned();
    assert!(digest.starts_with("sha256:"));
    digest
}

/// Packs a guest into the layout `layout`, as `hello:1`.
fn pack(desk: &CliFixture, more: &[&str]) -> String {
    let wasm = guest("hello-c");
    let mut arguments = vec!["image", "pack", "--wasm", wasm.to_str().unwrap()];
    arguments.extend(["-o", "layout", "-t", "hello:1"]);
    arguments.extend(more);
    digest(desk, &arguments)
}

/// Bytes that no compression shrinks.
fn noise(count: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    (0..count / 8).flat_map(|_| next()).collect()
}

/// All files in a folder, with their content.
fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push((path.clone(), fs::read(path).unwrap()));
        }
    }
    found.sort();
    found
}

#[test]
fn an_image_goes_into_a_registry_and_comes_back_as_it_was() {
    let desk = CliFixture::new();
    let registry = Registry::start(&desk);
    let (one, two) = (registry.name("a/hello:1"), registry.name("b/hello:2"));
    let packed = pack(&desk, &[]);
    assert_eq!(
        digest(&desk, &["image", "copy", "oci:layout:hello:1", &one]),
        packed
    );
    assert_eq!(digest(&desk, &["image", "pull", &one]), packed);
    assert_eq!(ok(&desk, &["run", &one]), ok(&desk, &["run", &packed]));
    assert_eq!(digest(&desk, &["image", "push", &one, &two]), packed);
    assert_eq!(digest(&desk, &["image", "pull", &two, "short"]), packed);
    ok(&desk, &["run", "short"]);
    assert_eq!(
        digest(&desk, &["image", "copy", &two, "oci:back:hello:1"]),
        packed
    );
    let relative = |folder: &str| -> Vec<_> {
        let top = desk.path(folder);
        let blobs = files(&top.join("blobs")).into_iter();
        blobs
            .map(|(path, bytes)| (path.strip_prefix(&top).unwrap().to_owned(), bytes))
            .collect()
    };
    assert_eq!(relative("back"), relative("layout"));
    let verdict = desk.json(["image", "verify", "--strict", "back:hello:1"]);
    assert_eq!(verdict["verdict"], "ok");
    // A finished transfer leaves nothing in the cache.
    assert_eq!(files(&desk.path("cache")), []);
}

#[test]
fn a_digest_decides_whatever_the_tag_leads_to_now() {
    let desk = CliFixture::new();
    let registry = Registry::start(&desk);
    let name = registry.name("hello:1");
    let first = pack(&desk, &[]);
    ok(&desk, &["image", "copy", "oci:layout:hello:1", &name]);
    let second = pack(&desk, &["--env", "A=1"]);
    assert_ne!(first, second);
    ok(&desk, &["image", "copy", "oci:layout:hello:1", &name]);
    assert_eq!(digest(&desk, &["image", "pull", &name]), second);
    let by_digest = registry.name(&format!("hello@{first}"));
    assert_eq!(digest(&desk, &["image", "pull", &by_digest]), first);
    ok(&desk, &["run", &by_digest]);
    let missing = registry.name(&format!("hello@sha256:{}", "0".repeat(64)));
    ocre(&desk, &["image", "pull", &missing]).failed(1, "registry-not-found at ");
}

#[test]
fn what_is_not_there_is_said() {
    let desk = CliFixture::new();
    let mut registry = Registry::start(&desk);
    let name = registry.name("none:1");
    let said = format!("error: can't pull {name}: registry-not-found at {name}");
    ocre(&desk, &["image", "pull", &name]).failed(1, &said);
    ocre(&desk, &["image", "push", "none", &name]).failed(1, "reference-not-found at none");
    ocre(&desk, &["image", "copy", "oci:none", &name]).failed(1, "layout-missing");
    ocre(&desk, &["image", "pull", "hello:1"]).failed(2, "registry-missing");
    registry.stop();
    let impatient = ["image", "pull", "--retries", "0", &name];
    ocre(&desk, &impatient).failed(1, "registry-unreachable");
}

#[test]
fn an_index_comes_whole_or_by_its_platform() {
    let desk = CliFixture::new();
    let registry = Registry::start(&desk);
    let wasm = guest("hello-c");
    let wasm = wasm.to_str().unwrap();
    for target in ["thumbv7m", "x86_64"] {
        desk.ok([
            "aot",
            wasm,
            "--target",
            target,
            "-o",
            &format!("{target}.aot"),
        ]);
    }
    let packed = pack(&desk, &["--aot", "thumbv7m.aot", "x86_64.aot"]);
    let name = registry.name("many:1");
    ok(&desk, &["image", "copy", "oci:layout:hello:1", &name]);
    assert_eq!(digest(&desk, &["image", "pull", &name]), packed);
    ok(&desk, &["run", &name]);
    assert_eq!(digest(&desk, &["image", "copy", &name, "oci:all"]), packed);

    let index: Value = {
        let blob = format!("layout/blobs/sha256/{}", &packed["sha256:".len()..]);
        serde_json::from_slice(&fs::read(desk.path(&blob)).unwrap()).unwrap()
    };
    let of = |architecture: &str| {
        let all = index["manifests"].as_array().unwrap();
        let found = all
            .iter()
            .find(|entry| entry["platform"]["architecture"] == architecture);
        found.unwrap()["digest"].as_str().unwrap().to_owned()
    };
    for architecture in ["wasm", "thumbv7m"] {
        let platform = format!("wasip1/{architecture}");
        let pull = ["image", "pull", "--platform", &platform, &name, "one"];
        assert_eq!(digest(&desk, &pull), of(architecture));
    }
    let none = ["image", "pull", "--platform", "linux/amd64", &name];
    ocre(&desk, &none).failed(1, &format!("platform-none at {packed}"));
    ocre(&desk, &["image", "pull", "--platform", "wasm", &name]).failed(2, "OS/ARCHITECTURE");
}

#[test]
fn what_the_judge_refuses_does_not_get_onto_the_flash() {
    let desk = CliFixture::new();
    let registry = Registry::start(&desk);
    let manifest = br#"{"schemaVersion":2,"config":{"mediaType":"application/vnd.wasm.config.v0+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2},"layers":[{"mediaType":"application/wasm","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2}]}"#;
    desk.layout("bad", manifest, &[b"{}"]);
    let name = registry.name("bad:1");
    ok(&desk, &["image", "copy", "oci:bad", &name]);
    ocre(&desk, &["image", "pull", &name]).failed(1, "field-missing at config");
    assert!(!desk.path("flash.bin").exists());
    assert_eq!(files(&desk.path("cache")), []);
}

/// A registry with a large image, and the size of its data in bytes.
fn much(desk: &CliFixture) -> (Registry, u64) {
    let registry = Registry::start(desk);
    let data = noise(24 << 20);
    desk.write("data.bin", &data);
    pack(desk, &["--blob", "data.bin"]);
    let name = registry.name("much:1");
    ok(desk, &["image", "copy", "oci:layout:hello:1", &name]);
    (registry, data.len() as u64)
}

/// Checks that the data came over the line once, with at most 2 MiB more.
#[track_caller]
fn came_once(line: &CutConnection, size: u64) {
    let came_back = line.came_back.load(Ordering::SeqCst);
    assert!(
        (size..size + (2 << 20)).contains(&came_back),
        "{came_back} of {size}"
    );
}

#[test]
fn a_registry_that_stops_half_way_is_waited_for_and_read_on() {
    let desk = CliFixture::new();
    let (registry, size) = much(&desk);
    let address = registry.address;
    // The test has it until it ends.
    let registry = Arc::new(Mutex::new(registry));
    let stopped = Arc::clone(&registry);
    // It is stopped in the middle of the blob, and started again a little later.
    let line = CutConnection::to(address, size / 2, move || {
        stopped.lock().unwrap().stop();
        thread::spawn(move || {
            thread::sleep(Duration::from_millis(700));
            stopped.lock().unwrap().run();
        });
    });
    let limit = line.limit.clone();
    thread::spawn(move || {
        thread::sleep(Duration::from_millis(1200));
        limit.store(u64::MAX, Ordering::SeqCst);
    });
    let name = format!("{}/much:1", line.address);
    ok(
        &desk,
        &["image", "copy", "--retries", "8", &name, "oci:back"],
    );
    came_once(&line, size);
    let verdict = desk.json(["image", "verify", "back"]);
    assert_eq!(verdict["verdict"], "ok");
}

#[test]
fn a_pull_that_was_cut_goes_on_in_the_next_run() {
    let desk = CliFixture::new();
    let (registry, size) = much(&desk);
    let line = CutConnection::to(registry.address, size / 2, || {});
    let name = format!("{}/much:1", line.address);
    ok(
        &desk,
        &["flash", "create", "--size", "64M", "-o", "flash.bin"],
    );
    let pull = ["image", "pull", "--retries", "0", &name];
    ocre(&desk, &pull).failed(1, "registry-truncated");
    assert!(!ok(&desk, &["image", "ls"]).contains("much"));
    let kept = files(&desk.path("cache"));
    let kept: u64 = kept.iter().map(|(_, bytes)| bytes.len() as u64).sum();
    assert!(kept > size / 4, "{kept} of {size}");
    line.came_back.store(0, Ordering::SeqCst);
    line.limit.store(u64::MAX, Ordering::SeqCst);
    ok(&desk, &pull);
    came_once(&line, size - kept);
    ok(&desk, &["run", &name]);
    assert_eq!(files(&desk.path("cache")), []);
}

#[test]
fn a_part_that_was_damaged_meanwhile_is_read_anew() {
    let desk = CliFixture::new();
    let (registry, size) = much(&desk);
    let name = registry.name("much:1");
    let line = CutConnection::to(registry.address, size / 2, || {});
    let cut = format!("{}/much:1", line.address);
    ocre(
        &desk,
        &["image", "copy", "--retries", "0", &cut, "oci:back"],
    )
    .failed(1, "registry-truncated");
    let part = fs::read_dir(desk.path("back"))
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let part = part.into_iter().find(|path| {
        path.file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .starts_with(".part-")
    });
    let part = part.expect("what has arrived is kept");
    let mut bytes = fs::read(&part).unwrap();
    bytes[1000] ^= 1;
    fs::write(&part, bytes).unwrap();
    ok(&desk, &["image", "copy", &name, "oci:back"]);
    assert_eq!(desk.json(["image", "verify", "back"])["verdict"], "ok");
    assert!(!part.exists());
}

#[test]
fn a_registry_with_a_password_is_for_who_has_it() {
    let desk = CliFixture::new();
    let registry = Registry::with_password(&desk);
    pack(&desk, &[]);
    let name = registry.name("hello:1");
    let push = ["image", "copy", "oci:layout:hello:1", &name];
    ocre(&desk, &push).failed(1, "registry-unauthorized");
    let login = |auth: &str| {
        let config = format!(
            r#"{{"auths":{{"{}":{{"auth":"{auth}"}}}}}}"#,
            registry.address
        );
        desk.write("docker/config.json", config);
    };
    login("bWU6d3Jvbmc=");
    let refused = ocre(&desk, &push);
    refused.failed(1, "registry-unauthorized");
    assert!(!refused.err.contains("wrong"), "{refused:?}");
    login("bWU6cGFzczp3b3Jk");
    ok(&desk, &push);
    ok(&desk, &["image", "pull", &name]);
}

#[test]
fn a_helper_keeps_the_password() {
    let desk = CliFixture::new();
    let registry = Registry::with_password(&desk);
    pack(&desk, &[]);
    let name = registry.name("hello:1");
    let push = ["image", "copy", "oci:layout:hello:1", &name];
    let helper = |text: &str| desk.script("bin/docker-credential-kept", text);
    let with_helper = || {
        let mut command = command(&desk, &push);
        let path = std::env::var("PATH").unwrap();
        command.env("PATH", format!("{}:{path}", desk.path("bin").display()));
        done(command)
    };
    desk.write("docker/config.json", r#"{"credsStore":"kept"}"#);
    with_helper().failed(1, "credentials-helper at docker-credential-kept");
    helper("echo broken; exit 1");
    with_helper().failed(1, "credentials-helper at docker-credential-kept (broken)");
    helper("echo credentials not found in native keychain; exit 1");
    with_helper().failed(1, "registry-unauthorized");
    let answer = format!(
        r#"test "$1" = get && test "$(cat)" = {} && echo '{{"ServerURL":"x","Username":"me","Secret":"pass:word"}}'"#,
        registry.address
    );
    helper(&answer);
    assert_eq!(with_helper().code, 0);
}

#[test]
fn a_registry_has_to_prove_who_it_is() {
    let desk = CliFixture::new();
    let (registry, certificate) = Registry::with_tls(&desk);
    pack(&desk, &[]);
    let name = format!("localhost:{}/hello:1", registry.address.port());
    let push = ["image", "copy", "oci:layout:hello:1", &name];
    ocre(&desk, &push).failed(1, "registry-tls");
    let trusting = |arguments: &[&str]| {
        let mut command = command(&desk, arguments);
        command.env("SSL_CERT_FILE", &certificate);
        done(command)
    };
    assert_eq!(trusting(&push).code, 0);
    assert_eq!(trusting(&["image", "pull", &name]).code, 0);
    let plain = ["image", "pull", "--plain-http", &name];
    trusting(&plain).failed(1, "registry-");
}

#[test]
fn referrers_go_along_when_they_are_asked_for() {
    let desk = CliFixture::new();
    let registry = Registry::start(&desk);
    let subject = pack(&desk, &[]);
    let size = fs::metadata(desk.path("layout/blobs/sha256").join(&subject[7..]))
        .unwrap()
        .len();
    let empty = r#"{"mediaType":"application/vnd.oci.empty.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2}"#;
    let manifest_type = "application/vnd.oci.image.manifest.v1+json";
    let signature = format!(
        r#"{{"schemaVersion":2,"mediaType":"{manifest_type}","artifactType":"a/signature","config":{empty},"layers":[{empty}],"subject":{{"mediaType":"{manifest_type}","digest":"{subject}","size":{size}}}}}"#
    );
    let digest_of = |bytes: &[u8]| ocre_oci::Sha256::of(bytes);
    for blob in [&signature, "{}"] {
        let name = digest_of(blob.as_bytes()).hex().to_string();
        desk.write(&format!("layout/blobs/sha256/{name}"), blob);
    }
    let index = fs::read_to_string(desk.path("layout/index.json")).unwrap();
    let entry = format!(
        r#""manifests":[{{"mediaType":"{manifest_type}","digest":"{}","size":{}}},"#,
        digest_of(signature.as_bytes()),
        signature.len()
    );
    desk.write(
        "layout/index.json",
        index.replace(r#""manifests":["#, &entry),
    );

    let (with, without) = (registry.name("with:1"), registry.name("without:1"));
    ok(&desk, &["image", "copy", "oci:layout:hello:1", &without]);
    assert!(
        !ok(
            &desk,
            &["image", "copy", "--referrers", &without, "oci:none:1"]
        )
        .contains("referrers")
    );
    for _ in 0..2 {
        let copied = ok(
            &desk,
            &["image", "copy", "--referrers", "oci:layout:hello:1", &with],
        );
        assert!(copied.ends_with("referrers: 1\n"), "{copied}");
    }
    // The registry has no list of referrers, so there is a tag for them.
    let copied = ok(
        &desk,
        &["image", "copy", "--referrers", &with, "oci:back:1"],
    );
    assert!(copied.ends_with("referrers: 1\n"), "{copied}");
    let signature_file = digest_of(signature.as_bytes()).hex().to_string();
    let back = desk.path("back/blobs/sha256").join(signature_file);
    assert_eq!(fs::read_to_string(back).unwrap(), signature);
    let again = registry.name("again:1");
    let copied = ok(
        &desk,
        &["image", "copy", "--referrers", "oci:back:1", &again],
    );
    assert!(copied.ends_with("referrers: 1\n"), "{copied}");
}

#[test]
fn a_layout_is_written_by_one_at_a_time_and_keeps_what_it_has() {
    let desk = CliFixture::new();
    let registry = Registry::start(&desk);
    pack(&desk, &[]);
    let name = registry.name("hello:1");
    ok(&desk, &["image", "copy", "oci:layout:hello:1", &name]);
    for tag in ["a", "b", "a"] {
        ok(&desk, &["image", "copy", &name, &format!("oci:many:{tag}")]);
    }
    let index: Value =
        serde_json::from_slice(&fs::read(desk.path("many/index.json")).unwrap()).unwrap();
    assert_eq!(index["manifests"].as_array().unwrap().len(), 2);
    let held = fs::File::open(desk.path("many/oci-layout")).unwrap();
    held.lock().unwrap();
    ocre(&desk, &["image", "copy", &name, "oci:many:c"]).failed(1, "layout-locked");
    desk.write("full/file", "x");
    ocre(&desk, &["image", "copy", &name, "oci:full"]).failed(1, "layout-missing");
}

/// A proxy that leads every connection to the registry, and the list of requested hosts.
fn proxy_to(registry: SocketAddr) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let all = Arc::clone(&asked);
    thread::spawn(move || {
        for near in listener.incoming().flatten() {
            let all = Arc::clone(&all);
            thread::spawn(move || {
                let mut reader = BufReader::new(near.try_clone().unwrap());
                let mut request = String::new();
                while !request.ends_with("\r\n\r\n") {
                    if reader.read_line(&mut request).unwrap() == 0 {
                        return;
                    }
                }
                all.lock()
                    .unwrap()
                    .push(request.lines().next().unwrap().to_owned());
                let (mut far, mut near) = (TcpStream::connect(registry).unwrap(), near);
                near.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
                let (mut back, mut to) = (far.try_clone().unwrap(), near.try_clone().unwrap());
                thread::spawn(move || {
                    // Either side may go at any time.
                    let _ = std::io::copy(&mut back, &mut to);
                    let _ = to.shutdown(Shutdown::Both);
                });
                let _ = std::io::copy(&mut reader, &mut far);
                let _ = far.shutdown(Shutdown::Both);
            });
        }
    });
    (address, asked)
}

#[test]
fn the_proxy_of_the_environment_is_asked_but_not_for_what_it_is_not_for() {
    let desk = CliFixture::new();
    let registry = Registry::start(&desk);
    pack(&desk, &[]);
    ok(
        &desk,
        &[
            "image",
            "copy",
            "oci:layout:hello:1",
            &registry.name("hello:1"),
        ],
    );
    let (proxy, asked) = proxy_to(registry.address);
    // No name server knows it.
    let name = "registry.invalid:5000/hello:1";
    let pull = |variables: &[(&str, &str)]| {
        let arguments = [
            "image",
            "pull",
            "--plain-http",
            "--retries",
            "0",
            name,
            "hello",
        ];
        let mut command = command(&desk, &arguments);
        for variable in [
            "http_proxy",
            "HTTP_PROXY",
            "all_proxy",
            "ALL_PROXY",
            "no_proxy",
            "NO_PROXY",
        ] {
            command.env_remove(variable);
        }
        command.envs(variables.iter().copied());
        done(command)
    };
    let address = format!("http://{proxy}");
    pull(&[]).failed(1, "registry-unreachable");
    assert_eq!(*asked.lock().unwrap(), [""; 0]);
    for variable in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
        asked.lock().unwrap().clear();
        let pulled = pull(&[(variable, &address)]);
        assert_eq!(pulled.code, 0, "{variable}: {pulled:?}");
        let asked = asked.lock().unwrap();
        assert!(!asked.is_empty(), "{variable}");
        assert!(
            asked
                .iter()
                .all(|line| line.starts_with("CONNECT registry.invalid:5000 ")),
            "{asked:?}"
        );
    }
    asked.lock().unwrap().clear();
    let excepted = [
        ("http_proxy", &*address),
        ("no_proxy", "example.com,.invalid"),
    ];
    pull(&excepted).failed(1, "registry-unreachable");
    assert_eq!(*asked.lock().unwrap(), [""; 0]);
    pull(&[("http_proxy", "http://127.0.0.1:1")]).failed(
        1,
        "error: can't pull registry.invalid:5000/hello:1: registry-",
    );
    // Another machine is not spoken to in plain text unless that is asked for.
    let mut careful = command(&desk, &["image", "pull", "--retries", "0", name, "hello"]);
    careful
        .env("https_proxy", &address)
        .env_remove("no_proxy")
        .env_remove("NO_PROXY");
    done(careful).failed(1, "registry-tls");
}

#[test]
fn a_process_ends_with_the_test_that_started_it() {
    use std::os::unix::process::ExitStatusExt as _;

    use cli::child::{RunningProcess, tied};

    let sleep = || {
        let mut command = Command::new("sleep");
        command.arg("1000");
        command
    };
    // As a test does that fails.
    let started = thread::spawn(move || tied(&mut sleep()).spawn().unwrap());
    let mut child = started.join().unwrap();
    assert_eq!(child.wait().unwrap().signal(), Some(9));
    let running = RunningProcess::start(sleep()).unwrap();
    let process = Path::new("/proc").join(running.id().to_string());
    assert!(process.exists());
    drop(running);
    assert!(!process.exists());
}
