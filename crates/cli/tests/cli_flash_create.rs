// SPDX-License-Identifier: Apache-2.0
//! `ocre flash create` with images and containers, and from a Zephyr build's folder.

mod cli;

use std::fs;
use std::path::PathBuf;

use cli::{CliFixture, done, guest};
use ocre::container::{Name, Spec, record};
use ocre_pc::littlefs::LittleFs;
use serde_json::json;

/// Packs a guest into a layout of its name.
fn pack(desk: &CliFixture, name: &str, more: &[&str]) {
    let mut command = desk.command(["image", "pack", "-t", name, "-o", name, "--wasm"]);
    command.arg(guest(name)).args(more);
    let packed = done(command);
    assert_eq!(packed.code, 0, "{packed:?}");
}

/// Devicetree of a build for the emulated Cortex-M3 with the snippet `ocre-storage`.
const DEVICETREE: &str = r#"/dts-v1/;
/ {
	#address-cells = < 0x1 >;
	#size-cells = < 0x1 >;
	ocre_flash_memory: memory@21000000 {
		compatible = "zephyr,memory-region", "mmio-sram";
		reg = < 0x21000000 0x1000000 >;
	};
	flash-controller-sim {
		compatible = "zephyr,sim-flash";
		#address-cells = < 0x1 >;
		#size-cells = < 0x1 >;
		flash_sim0: flash_sim@0 {
			reg = < 0x0 0x1000000 >;
			erase-block-size = < 0x1000 >;
			partitions {
				compatible = "fixed-partitions";
				#address-cells = < 0x1 >;
				#size-cells = < 0x1 >;
				storage_partition: partition@80000 {
					label = "storage";
					reg = < 0x80000 0x100000 >;
				};
			};
		};
	};
};
"#;

const CONFIG: &str = "CONFIG_OCRE=y
CONFIG_OCRE_AOT=y
CONFIG_OCRE_POLICY_ANY=y
CONFIG_OCRE_CONTAINERS=2
CONFIG_OCRE_DOCUMENT_SIZE=4096
CONFIG_OCRE_CONFIG_SIZE=2048
CONFIG_OCRE_THREAD_STACK_SIZE=14336
CONFIG_OCRE_GUEST_STACK_SIZE=4096
CONFIG_OCRE_MEMORY_LIMIT=131072
CONFIG_OCRE_IMAGE_SIZE_LIMIT=16777216
CONFIG_CPU_CORTEX_M3=y
# CONFIG_FPU is not set
";

fn build(desk: &CliFixture, devicetree: &str, config: &str) {
    desk.write("build/zephyr/zephyr.dts", devicetree);
    desk.write("build/zephyr/.config", config);
}

/// Reads the spec in the record of a container on a flash file.
fn spec(desk: &CliFixture, flash: &str, name: &str) -> Spec {
    let storage = LittleFs::open(&desk.path(flash)).unwrap();
    let mut spec = Spec::blank();
    let mut buffer = vec![0; record::MAX_BYTES];
    let name = Name::parse(name).unwrap();
    let created = record::read_spec(&storage, &name, &mut buffer, &mut spec).unwrap();
    assert_eq!(created, None, "a date makes each file another");
    spec
}

#[test]
fn a_flash_is_made_with_images_and_containers_that_run() {
    let desk = CliFixture::new();
    pack(&desk, "hello-c", &[]);
    pack(&desk, "reader", &["--env", "A=1"]);
    desk.write(
        "containers",
        "# greets at each boot\n\ncreate --name greeter --restart on-failure -e A=2 other:1 'two words'\n\
         \tocre start greeter\n",
    );
    let made = desk.json([
        "flash",
        "create",
        "--size",
        "512K",
        "--image",
        "hello-c=other:1",
        "--image=reader",
        "--containers",
        "containers",
        "--container",
        "--name calm --memory 64K reader",
        "-o",
        "f",
    ]);
    let names: Vec<&str> = made["images"]
        .as_array()
        .unwrap()
        .iter()
        .map(|image| image["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["other:1", "reader:latest"]);
    assert_eq!(made["containers"], json!(["greeter", "calm"]));

    // The simulated device boots from it.
    let done = desk.shell_on("f", "wait greeter\nlogs greeter\nps -a\n");
    assert!(
        done.out.contains("Hello from a C guest!\narg: two words\n"),
        "{done:?}"
    );
    let calm = done
        .out
        .lines()
        .find(|line| line.starts_with("calm"))
        .unwrap();
    assert!(calm.contains("created"), "{done:?}");
    assert_eq!(spec(&desk, "f", "calm").limits.memory_bytes, 65_536);
}

#[test]
fn the_same_inputs_give_the_same_bytes() {
    let desk = CliFixture::new();
    pack(&desk, "hello-c", &[]);
    pack(&desk, "reader", &[]);
    let made = |file: &str| {
        desk.ok([
            "flash",
            "create",
            "--size=1M",
            "--image=reader",
            "--image=hello-c",
            "--container",
            "--name a --restart always reader",
            "-o",
            file,
        ]);
        fs::read(desk.path(file)).unwrap()
    };
    let first = made("f");
    std::thread::sleep(std::time::Duration::from_millis(1100));
    assert!(made("g") == first);
}

#[test]
fn a_line_that_is_refused_is_told_and_nothing_is_made() {
    let desk = CliFixture::new();
    pack(&desk, "hello-c", &[]);
    let refused = |lines: &str, words: &str| {
        desk.write("lines", lines);
        let done = desk.ocre([
            "flash",
            "create",
            "--size=512K",
            "--image=hello-c",
            "--containers=lines",
            "-o",
            "f",
            "-o",
            "f.hex",
            "--address=0",
        ]);
        done.failed(1, "flash-container");
        assert!(done.err.contains(words), "{done:?}");
        assert!(!desk.path("f").exists() && !desk.path("f.hex").exists());
    };
    let create = "create --name a hello-c\n";
    refused("create hello-c\n", "container-name-needed");
    refused("\n\ncreate --name a gone\n", "lines:3");
    refused("create --name a gone\n", "reference-not-found");
    refused("create --bogus --name a hello-c\n", "--bogus");
    refused("create --help\n", "creates no container");
    refused("run hello-c\n", "run is neither `create` nor `start`");
    refused("create 'a\n", "a quote is not closed");
    refused("start a\n", "no line above creates a");
    refused(&format!("{create}start a\n"), "--restart on-failure");
    refused(&format!("{create}{create}"), "container-name-taken");
    refused(
        &format!("{create}start a b\n"),
        "start is neither `create` nor `start`",
    );
}

#[test]
fn an_image_that_is_refused_gets_on_no_flash() {
    let desk = CliFixture::new();
    desk.layout("broken", b"{}", &[]);
    let create = ["flash", "create", "--size=512K", "-o", "f", "--image"];
    desk.ocre(create.into_iter().chain(["broken"]))
        .failed(1, "field-missing");
    desk.ocre(create.into_iter().chain(["gone=x"]))
        .failed(1, "layout-missing");
    desk.ocre(create.into_iter().chain(["broken=NAME"]))
        .failed(2, "lower-case name");
    assert!(!desk.path("f").exists());
}

#[test]
fn a_zephyr_build_says_sizes_address_and_what_the_device_takes() {
    let desk = CliFixture::new();
    build(&desk, DEVICETREE, CONFIG);
    pack(&desk, "hello-c", &[]);
    let create = |more: &[&str]| {
        let create = ["--format=json", "flash", "create", "--zephyr-build=build"];
        desk.ocre(create.iter().chain(more))
    };
    let made = create(&[
        "--image=hello-c",
        "--container=--name a hello-c",
        "--container=--name b --stack 8K hello-c",
        "-o",
        "f",
        "-o",
        "f.hex",
    ]);
    let made = made.json();
    assert_eq!(made["bytes"], 0x10_0000);
    assert_eq!(made["block_bytes"], 4096);
    assert_eq!(made["address"], 0x2108_0000);
    desk.ok(["flash", "hex", "f", "--address=0x21080000", "-o", "g.hex"]);
    let hex = |name| fs::read_to_string(desk.path(name)).unwrap();
    assert_eq!(hex("f.hex"), hex("g.hex"));

    let (a, b) = (spec(&desk, "f", "a"), spec(&desk, "f", "b"));
    let sizes = |spec: &Spec| {
        let limits = &spec.limits;
        (
            limits.memory_bytes,
            limits.stack_bytes,
            limits.thread_stack_bytes,
        )
    };
    assert_eq!(sizes(&a), (131_072, 4096, 14_336));
    assert_eq!(sizes(&b), (131_072, 8192, 14_336));

    // Explicit options override the build.
    let other = create(&[
        "--size=64K",
        "--block-size=512",
        "--address=0x100",
        "-o",
        "h",
    ])
    .json();
    assert_eq!(
        (&other["bytes"], &other["block_bytes"], &other["address"]),
        (&json!(65_536), &json!(512), &json!(256))
    );
    for (line, why) in [
        ("--name a --memory 1M hello-c", "container-limit-too-large"),
        ("--name a --stack 16K hello-c", "stacks of 14336 bytes"),
    ] {
        let done = create(&["--image=hello-c", "--container", line, "-o", "i"]);
        done.failed(1, "flash-container");
        assert!(done.err.contains(why), "{done:?}");
    }
    let three = ["a", "b", "c"].map(|name| format!("--container=--name {name} hello-c"));
    let mut words = vec!["--image=hello-c", "-o", "i"];
    words.extend(three.iter().map(String::as_str));
    create(&words).failed(1, "has fewer slots");
}

/// Devicetree of a build for a board whose partition is in a QSPI flash.
const QSPI: &str = r#"/dts-v1/;
/ {
	#address-cells = < 0x1 >;
	#size-cells = < 0x1 >;
	qspi: qspi@40029000 {
		#address-cells = < 0x1 >;
		#size-cells = < 0x0 >;
		reg = < 0x40029000 0x1000 >, < 0x12000000 0x8000000 >;
		mx25r64: mx25r6435f@0 {
			reg = < 0x0 >;
			partitions {
				compatible = "fixed-partitions";
				#address-cells = < 0x1 >;
				#size-cells = < 0x1 >;
				storage_partition: partition@10000 {
					reg = < 0x10000 0x100000 >;
				};
			};
		};
	};
};
"#;

#[test]
fn a_qspi_flash_is_written_at_the_window_of_its_controller() {
    let desk = CliFixture::new();
    let config = format!("{CONFIG}CONFIG_NORDIC_QSPI_NOR_FLASH_LAYOUT_PAGE_SIZE=4096\n");
    let create = |file| desk.json(["flash", "create", "--zephyr-build=build", "-o", file]);
    build(&desk, QSPI, &config);
    let made = create("f");
    assert_eq!(made["address"], 0x1201_0000);
    assert_eq!(made["block_bytes"], 4096);
    // A controller without a window: the address counts from the start of the flash.
    build(
        &desk,
        &QSPI.replace(", < 0x12000000 0x8000000 >", ""),
        &config,
    );
    assert_eq!(create("g")["address"], 0x1_0000);
}

#[test]
fn images_are_judged_with_the_keys_of_the_firmware() {
    let desk = CliFixture::new();
    let policy = "CONFIG_OCRE_POLICY_SIGNED=y\nCONFIG_OCRE_TRUSTED_KEYS=\"keys/release.pub\"\n";
    let config = CONFIG.replace("CONFIG_OCRE_POLICY_ANY=y\n", policy);
    build(&desk, DEVICETREE, &config);
    desk.ok(["key", "new", "release.pem"]);
    let public = desk.ok(["key", "show", "--public", "release.pem"]);
    desk.write("release.pub", public);
    pack(&desk, "hello-c", &[]);
    let create = |file: &str| {
        let create = ["flash", "create", "--zephyr-build=build", "--image=hello-c"];
        let container = ["--container=--name a hello-c", "-o", file];
        desk.ocre(create.iter().chain(&container))
    };
    // The build lists the files before it compiles.
    create("a").failed(1, "io");
    desk.write("build/ocre/trusted_keys", "release.pub\n");
    create("b").failed(1, "signature-missing");
    let image = "oci:hello-c:hello-c";
    desk.ok(["image", "sign", "--key=release.pem", image]);
    assert_eq!(create("c").code, 0);
    // A digest of the configuration needs no key.
    let verdict = desk.ok(["image", "verify", "hello-c"]);
    let digest = verdict
        .lines()
        .find_map(|line| line.strip_prefix("image: "));
    for (digests, code) in [(digest.unwrap(), 0), ("sha256:12", 1)] {
        let policy = "CONFIG_OCRE_POLICY_PINNED=y\nCONFIG_OCRE_PINNED_DIGESTS=";
        let config = CONFIG.replace("CONFIG_OCRE_POLICY_ANY=y\n", policy);
        let config = config.replace("DIGESTS=", &format!("DIGESTS=\"{digests}\"\n"));
        build(&desk, DEVICETREE, &config);
        assert_eq!(create(&format!("d{code}")).code, code, "{digests}");
    }
}

#[test]
fn code_for_the_devices_machine_is_taken_without_being_loaded_here() {
    let desk = CliFixture::new();
    build(&desk, DEVICETREE, CONFIG);
    let aot = |target: &str| -> Option<PathBuf> {
        let path = desk.path(&format!("{target}.aot"));
        let mut command = desk.command(["aot", "--target", target, "-o"]);
        command.arg(&path).arg(guest("hello-c"));
        let compiled = done(command);
        (!compiled.err.contains("aot-no-llvm")).then_some(path)
    };
    let (Some(own), Some(other)) = (aot("thumbv7m"), aot("thumbv8m")) else {
        return;
    };
    let pack = |name: &str, aot: &PathBuf| {
        let mut command = desk.command(["image", "pack", "-t", name, "-o", name, "--wasm"]);
        command.arg(guest("hello-c")).arg("--aot").arg(aot);
        assert_eq!(done(command).code, 0);
    };
    pack("own", &own);
    pack("other", &other);
    let made = desk.ocre([
        "flash",
        "create",
        "--zephyr-build=build",
        "--image=own",
        "--image=other",
        "--container=--name a own",
        "--container=--name b other",
        "-o",
        "f",
    ]);
    assert_eq!((made.code, &*made.err), (0, ""), "{made:?}");
    let format = |name| spec(&desk, "f", name).image.format;
    assert_eq!(format("a"), ocre_oci::Format::Aot);
    assert_eq!(format("b"), ocre_oci::Format::Wasm);
}

#[test]
fn a_build_that_says_too_little_is_refused_by_name() {
    let desk = CliFixture::new();
    let create = || desk.ocre(["flash", "create", "--zephyr-build=build", "-o", "f"]);
    create().failed(1, "io at build/zephyr/.config");
    build(&desk, "/ {", CONFIG);
    create().failed(1, "zephyr-devicetree");
    build(&desk, "/ { };", CONFIG);
    create().failed(1, "no node has the label storage_partition");
    build(
        &desk,
        &DEVICETREE.replace("reg = < 0x80000", "x = < 0x80000"),
        CONFIG,
    );
    create().failed(1, "storage_partition has no reg");
    build(&desk, &DEVICETREE.replace("erase-block-size", "x"), CONFIG);
    create().failed(1, "give the size with --block-size");
    build(&desk, DEVICETREE, "CONFIG_OCRE=y\n");
    create().failed(1, "zephyr-config");
    assert!(!desk.path("f").exists());
    // Its littlefs asks Kconfig then.
    let config = format!("{CONFIG}CONFIG_SPI_NOR_FLASH_LAYOUT_PAGE_SIZE=65536\n");
    build(&desk, &DEVICETREE.replace("erase-block-size", "x"), &config);
    assert_eq!(create().code, 0);
}

#[test]
fn hex_needs_an_address_that_its_records_divide() {
    let desk = CliFixture::new();
    let create = ["flash", "create", "--size=64K", "-o", "f", "-o", "f.hex"];
    desk.ocre(create).failed(1, "flash-address");
    build(
        &desk,
        &DEVICETREE.replace("reg = < 0x80000", "reg = < 0x80008"),
        CONFIG,
    );
    desk.ocre(["flash", "create", "--zephyr-build=build", "-o", "f.HEX"])
        .failed(1, "the address is not a multiple of 16");
    assert!(!desk.path("f").exists());
}
