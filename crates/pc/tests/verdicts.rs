// SPDX-License-Identifier: Apache-2.0
//! Every verdict code, each by the smallest change to a valid image that causes it. The images are
//! judged as by `ocre image verify`: in a folder on the PC, with the real engine.

mod support;

use std::fs;
use std::ops::ControlFlow;
use std::sync::OnceLock;

use ocre::image::judge::{Policy, Selector};
use ocre::image::trust::{Trust, TrustRule};
use ocre::image::verdict::{Code, Finding, Report, Verdict};
use ocre::port::{HostFunction, HostModule};
use ocre_oci::{ErrorKind, Sha256, Warning};
use ocre_wamr::{EngineOptions, PC_TARGET, WamrEngine};
use support::judging::{POLICY, judge_sample};
use support::layout::{LayerFields, Sample, TemporaryFolder, descriptor};

const MODULES: &[HostModule] = &[HostModule {
    name: c"wasi_snapshot_preview1",
    functions: &[HostFunction {
        name: c"proc_exit",
        signature: c"(i)",
    }],
}];

fn engine() -> &'static WamrEngine {
    static ENGINE: OnceLock<WamrEngine> = OnceLock::new();
    let options = EngineOptions {
        aot: PC_TARGET,
        ..EngineOptions::default()
    };
    ENGINE.get_or_init(|| WamrEngine::start(MODULES, options).unwrap())
}

/// A question to the judge.
struct Case<'a> {
    sample: Sample,
    selector: Selector<'a>,
    policy: Policy<'a>,
    strict: bool,
}

impl Default for Case<'_> {
    fn default() -> Self {
        Self {
            sample: Sample::default(),
            selector: Selector::default(),
            policy: POLICY,
            strict: false,
        }
    }
}

impl Case<'_> {
    /// Judges up to the first refusal.
    fn verdict(&self) -> Verdict {
        let mut verdict = Verdict::new(self.strict);
        self.judge(&mut |finding, at, detail| verdict.note(finding, at, detail));
        verdict
    }

    /// Judges to the end, and lists the refusals.
    fn all(&self) -> Vec<(Code, String)> {
        let mut refusals = Vec::new();
        self.judge(&mut |finding, at, _| {
            if let Finding::Refusal(code) = finding {
                refusals.push((code, at.to_string()));
            }
            ControlFlow::Continue(())
        });
        refusals
    }

    fn judge(&self, report: Report<'_>) {
        judge_sample(engine(), &self.sample, self.selector, &self.policy, report);
    }
}

/// Makes one test of each line: the name is the code with `_` for `-`; the place of the finding and
/// the change follow.
macro_rules! refusals {
    ($($(#[$attribute:meta])* $name:ident $at:literal $change:expr;)*) => {
        $($(#[$attribute])* #[test]
        fn $name() {
            let mut case = Case::default();
            let change: fn(&mut Case<'_>) = $change;
            change(&mut case);
            let verdict = case.verdict();
            // A second case of a code ends in `_2`.
            let name = stringify!($name);
            let name = match name.rsplit_once('_') {
                Some((code, "2" | "3" | "4" | "5" | "6")) => code,
                _ => name,
            };
            let expected = name.replace('_', "-");
            assert_eq!((verdict.code(), verdict.at()), (Some(expected.as_str()), $at));
            assert_eq!(verdict.word(), "rejected");
        })*

        /// Names of the tests, which are the codes that they reach.
        const REACHED: &[&str] = &[$(stringify!($name)),*];
    };
}

const AOT: &str = "application/vnd.ocre.image.layer.v1.wasm+aot";

/// A layer that begins like AOT code for this machine, with these annotations.
fn aot_layer(annotations: &str) -> LayerFields {
    let target = ocre::port::Engine::aot_target(engine()).unwrap();
    let mut bytes = b"\0aot\x06\0\0\0\0\0\0\0\x30\0\0\0".to_vec();
    for half in [if target.wide { 2_u16 } else { 0 }, 0, 1, target.machine] {
        bytes.extend(half.to_le_bytes());
    }
    bytes.resize(bytes.len() + 24, 0);
    let mut name = target.arch.as_bytes().to_vec();
    name.resize(16, 0);
    bytes.extend(name);
    let members = format!(r#","annotations":{{{annotations}}}"#);
    LayerFields {
        media_type: AOT,
        bytes,
        members,
    }
}

const PINNED: Trust<'_> = Trust {
    rule: TrustRule::Pinned,
    ..Trust::ANY
};
const SIGNED: Trust<'_> = Trust {
    rule: TrustRule::Signed,
    ..Trust::ANY
};
const OTHER_DIGEST: Trust<'_> = Trust {
    digests: &[Sha256([0; 32])],
    ..Trust::PORTABLE
};

/// All annotations, right for this machine.
fn aot_annotations() -> String {
    let target = ocre::port::Engine::aot_target(engine()).unwrap();
    format!(
        r#""dev.ocre.aot.target":"{}","dev.ocre.aot.cpu":"{}","dev.ocre.aot.abi":"{}","dev.ocre.aot.wamr":"{}","dev.ocre.aot.interruptible":"true""#,
        target.name, target.cpus[0], target.abi, target.wamr
    )
}

fn aot_case(case: &mut Case<'_>, annotations: &str) {
    case.sample.layers = vec![aot_layer(annotations)];
}

fn wasm_case(case: &mut Case<'_>, text: &str) {
    case.sample.layers = vec![LayerFields::wasm(text)];
}

/// An index of so many indexes in one another, the innermost of which names nothing.
fn nest(case: &mut Case<'_>, depth: u32) {
    case.sample.damage(move |written| {
        let media_type = "application/vnd.oci.image.index.v1+json";
        let mut index = r#"{"schemaVersion":2,"manifests":[]}"#.to_owned();
        for _ in 1..depth {
            let digest = Sha256::of(index.as_bytes());
            let blob = written.manifest.with_file_name(digest.hex().to_string());
            fs::write(blob, &index).unwrap();
            let entry = descriptor(media_type, &digest, index.len(), "");
            index = format!(r#"{{"schemaVersion":2,"manifests":[{entry}]}}"#);
        }
        fs::write(written.root.join("index.json"), index).unwrap();
    });
}

/// Replaces a file's content by as many other bytes.
fn garble(path: &std::path::Path) {
    let length = fs::read(path).unwrap().len();
    fs::write(path, vec![b' '; length]).unwrap();
}

refusals! {
    layout_missing "oci-layout" |case| case.sample.marker = None;
    layout_version "oci-layout/imageLayoutVersion" |case| {
        case.sample.marker = Some(br#"{"imageLayoutVersion":"1.0.1"}"#.to_vec());
    };
    index_missing "index" |case| case.sample.index = false;
    index_empty "index" |case| nest(case, 1);
    index_empty_2 "index" |case| nest(case, 4);
    index_nested_too_deep "index" |case| nest(case, 5);

    json_syntax "index/schemaVersion" |case| case.sample.index(":2,", ":02,");
    json_utf8 "manifest/x" |case| {
        case.sample.manifest(r#","layers""#, r#","x":"\ud800","layers""#);
    };
    json_duplicate_key "manifest/schemaVersion" |case| {
        case.sample.manifest(r#","layers""#, r#","schema\u0056ersion":2,"layers""#);
    };
    json_trailing_data "config" |case| {
        case.sample.config(r#","config":{}}"#, r#","config":{}}{}"#);
    };
    document_too_large "oci-layout" |case| case.sample.marker = Some(vec![b' '; 8193]);
    document_too_large_2 "config" |case| case.sample.config_bytes = Some(vec![b' '; 4097]);
    document_too_deep "index/x/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0" |case| {
        let deep = format!(r#""x":{}{},"manifests""#, "[".repeat(16), "]".repeat(16));
        case.sample.index(r#""manifests""#, &deep);
    };
    too_many_entries "index/x/256" |case| {
        let many = format!(r#""x":[0{}],"manifests""#, ",0".repeat(256));
        case.sample.index(r#""manifests""#, &many);
    };
    field_missing "manifest" |case| case.sample.manifest(r#""layers":"#, r#""layer":"#);
    field_type "manifest/config/size" |case| {
        case.sample.manifest(r#""size":"#, r#""size":1.0,"x":"#);
    };
    schema_version "index/schemaVersion" |case| case.sample.index(":2,", ":1,");
    media_type_syntax "manifest/layers/0/mediaType" |case| {
        case.sample.manifest("application/wasm", "application/wasm;v=1");
    };
    media_type_unsupported "index/manifests/0" |case| {
        case.sample.index("application/vnd.oci.image.manifest.v1+json", "text/plain");
    };
    media_type_mismatch "manifest/mediaType" |case| {
        case.sample.manifest("vnd.oci.image", "vnd.ocre.image");
    };
    digest_syntax "manifest/layers/0/digest" |case| {
        case.sample.manifest(r#""application/wasm","digest":"sha256:"#, r#""application/wasm","digest":"sha256:0"#);
    };
    digest_unsupported "index/manifests/0" |case| case.sample.index("sha256:", "blake3:");
    digest_mismatch "manifest" |case| case.sample.damage(|written| garble(&written.manifest));
    digest_mismatch_2 "config" |case| case.sample.damage(|written| garble(&written.config));
    digest_mismatch_3 "manifest/layers/0" |case| {
        case.sample.damage(|written| garble(&written.layers[0]));
    };
    digest_mismatch_4 "manifest/layers/1" |case| {
        case.sample.layers.push(LayerFields::blob(b"data"));
        case.sample.damage(|written| garble(&written.layers[1]));
    };
    size_range "manifest/layers/0/size" |case| {
        case.sample.manifest(r#""size":41}]"#, r#""size":9223372036854775808}]"#);
    };
    size_mismatch "index/manifests/0" |case| {
        case.sample.damage(|written| fs::write(&written.manifest, "{}").unwrap());
    };
    size_mismatch_2 "manifest/layers/0" |case| {
        case.sample.damage(|written| fs::write(&written.layers[0], "").unwrap());
    };
    data_mismatch "manifest/layers/0/data" |case| {
        case.sample.layers[0].members = r#","data":"AAAA""#.into();
    };
    url_syntax "manifest/layers/0/urls/0" |case| {
        case.sample.layers[0].members = r#","urls":["x"]"#.into();
    };
    annotation_type "manifest/layers/0/annotations/a" |case| {
        case.sample.layers[0].members = r#","annotations":{"a":1}"#.into();
    };
    artifact_type_missing "manifest" |case| {
        case.sample.config_type = "application/vnd.oci.empty.v1+json";
    };
    blob_missing "index/manifests/0" |case| {
        case.sample.damage(|written| fs::remove_file(&written.manifest).unwrap());
    };
    blob_missing_2 "manifest/config" |case| {
        case.sample.damage(|written| fs::remove_file(&written.config).unwrap());
    };
    blob_missing_3 "manifest/layers/0" |case| {
        case.sample.damage(|written| fs::remove_file(&written.layers[0]).unwrap());
    };
    reference_not_found "index" |case| case.selector.name = Some("sample:2");
    reference_not_found_2 "index" |case| case.selector.digest = Some(Sha256([0; 32]));
    reference_ambiguous "index" |case| {
        let entry = descriptor("application/vnd.oci.image.manifest.v1+json", &Sha256([0; 32]), 0, "");
        case.sample.index("[{", &format!("[{entry},{{"));
    };
    platform_none "index" |case| {
        let platform = r#","platform":{"architecture":"pdp11","os":"wasip1"}"#;
        let of = |digest| descriptor("application/vnd.oci.image.manifest.v1+json", &digest, 0, platform);
        let entries = format!("[{},{}],\"x\":[{{", of(Sha256([0; 32])), of(Sha256([1; 32])));
        case.sample.index("[{", &entries);
    };

    config_unsupported "manifest/config" |case| {
        case.sample.config_type = "application/vnd.oci.image.config.v1+json";
    };
    config_architecture "config/architecture" |case| case.sample.config("wasm", "arm64");
    config_os "config/os" |case| case.sample.config("wasip1", "wasip2");
    config_layer_digests "config/layerDigests" |case| {
        case.sample.config(r#""layerDigests":["#, r#""layerDigests":[],"x":["#);
    };
    config_entry_point "config" |case| case.sample.config("entryPoint", "entry");
    config_entry_point_2 "config" |case| case.sample.config("_start", "main");
    // Without a module in the config it is the exported `_start`.
    config_entry_point_3 "config" |case| {
        case.sample.config(r#","module":{"entryPoint":"_start"}"#, "");
        wasm_case(case, r#"(module (func (export "main")))"#);
    };
    config_entry_point_4 "config" |case| {
        case.sample.config(r#"{"entryPoint":"_start"}"#, "{}");
    };
    config_conflict "config/config/EntryPoint" |case| {
        case.sample.config_type = "application/vnd.ocre.image.config.v1+json";
        case.sample.config(r#""config":{"#, r#""config":{"EntryPoint":"main""#);
    };
    config_env "config/config/Env/0" |case| {
        case.sample.config(r#""config":{"#, r#""config":{"Env":["=value"]"#);
    };
    config_permission "config/config/Permissions/1" |case| {
        case.sample.config(r#""config":{"#, r#""config":{"Permissions":["gpio","gpoi"]"#);
    };

    layer_none "manifest/layers" |case| case.sample.layers = vec![LayerFields::blob(b"data")];
    layer_many "manifest/layers/1" |case| {
        case.sample.layers.push(LayerFields::wasm(support::layout::WASM));
    };
    layer_magic "manifest/layers/0" |case| case.sample.layers[0].media_type = AOT;
    layer_magic_2 "manifest/layers/0" |case| case.sample.layers[0].bytes.truncate(3);
    layer_component "manifest/layers/0" |case| case.sample.layers[0].bytes[4..8].copy_from_slice(&[13, 0, 1, 0]);
    digest_not_pinned "manifest/layers/0" |case| case.policy.trust = &PINNED;
    signature_missing "signature" |case| case.policy.trust = &SIGNED;
    aot_policy "manifest/layers/0" |case| {
        aot_case(case, &aot_annotations());
        case.policy.trust = &Trust::PORTABLE;
    };
    aot_policy_2 "manifest/layers/0" |case| {
        aot_case(case, &aot_annotations());
        case.policy.trust = &OTHER_DIGEST;
    };
    aot_policy_3 "manifest/layers/0" |case| {
        aot_case(case, &aot_annotations().replace(r#""true""#, r#""false""#));
    };
    aot_version "manifest/layers/0" |case| {
        aot_case(case, &aot_annotations());
        case.sample.layers[0].bytes[4] = 5;
    };
    aot_version_2 "manifest/layers/0" |case| aot_case(case, &aot_annotations().replace("2.4.3", "2.4.2"));
    aot_target "manifest/layers/0" |case| {
        aot_case(case, &aot_annotations());
        case.sample.layers[0].bytes[22] = 0;
    };
    aot_target_2 "manifest/layers/0" |case| {
        let target = ocre::port::Engine::aot_target(engine()).unwrap();
        let cpu = format!(r#"cpu":"{}""#, target.cpus[0]);
        aot_case(case, &aot_annotations().replace(&cpu, r#"cpu":"vax""#));
    };
    aot_metadata "manifest/layers/0" |case| aot_case(case, "");
    aot_abi "manifest/layers/0" |case| {
        let target = ocre::port::Engine::aot_target(engine()).unwrap();
        let abi = format!(r#"abi":"{}""#, target.abi);
        aot_case(case, &aot_annotations().replace(&abi, r#"abi":"other""#));
    };
    wasm_invalid "manifest/layers/0" |case| case.sample.layers[0].bytes.truncate(9);
    wasm_invalid_2 "manifest/layers/0" |case| aot_case(case, &aot_annotations());
    wasm_feature "manifest/layers/0" |case| {
        wasm_case(case, r#"(module (tag) (func (export "_start")))"#);
    };
    wasm_limit "manifest/layers/0" |case| {
        let many = "(block ".repeat(3_000) + &")".repeat(3_000);
        wasm_case(case, &format!(r#"(module (func (export "_start") {many}))"#));
    };
    wasm_import "manifest/layers/0" |case| {
        wasm_case(case, r#"(module (import "env" "launch" (func)) (func (export "_start")))"#);
    };
    wasm_import_2 "manifest/layers/0" |case| {
        let wrong = r#"(module (import "wasi_snapshot_preview1" "proc_exit" (func)) (func (export "_start")))"#;
        wasm_case(case, wrong);
    };
    wasm_import_3 "manifest/layers/0" |case| {
        wasm_case(case, r#"(module (import "env" "mem" (memory 1)) (func (export "_start")))"#);
    };
    wasm_import_4 "manifest/layers/0" |case| {
        wasm_case(case, r#"(module (import "x" "memory" (memory 1)) (func (export "_start")))"#);
    };
    wasm_import_5 "manifest/layers/0" |case| {
        wasm_case(case, r#"(module (import "env" "memory" (table 1 funcref)) (func (export "_start")))"#);
    };
    wasm_import_6 "manifest/layers/0" |case| {
        wasm_case(case, r#"(module (import "env" "memory" (global i32)) (func (export "_start")))"#);
    };
    wasm_entry_signature "manifest/layers/0" |case| {
        wasm_case(case, r#"(module (func (export "_start") (param i32)))"#);
    };
    wasm_entry_signature_2 "manifest/layers/0" |case| {
        wasm_case(case, r#"(module (memory (export "_start") 1))"#);
    };
    limit_memory "manifest/layers/0" |case| case.policy.memory_bytes = 65_535;
    limit_image "manifest/layers/0" |case| case.policy.image_bytes = 40;
    limit_capacity "config" |case| {
        let long = format!(r#""config":{{"Env":["A={}"]"#, "a".repeat(600));
        case.sample.config(r#""config":{"#, &long);
    };
    out_of_memory "manifest/layers/0" |case| {
        // More than the engine's allocator can count to, as a file without blocks.
        let size: u64 = 5 << 30;
        case.policy.image_bytes = u64::MAX;
        case.sample.manifest(r#""size":41}]"#, &format!(r#""size":{size}}}]"#));
        case.sample.damage(move |written| {
            fs::File::options().write(true).open(&written.layers[0]).unwrap().set_len(size).unwrap();
        });
    };
}

#[test]
fn every_code_is_reached() {
    let elsewhere = [
        // Of the command line: crates/oci/src/reference.rs.
        "reference-syntax",
        // Of a build without AOT code: tests/without_aot.rs.
        "aot-unsupported",
        // Of a container's creation, which alone knows its limits: tests/run.rs.
        "aot-instructions",
        // Of a container's start, which alone knows its stack: crates/wamr/tests/run.rs.
        "limit-stack",
        // Of a device on which an image has worked: tests/power_cut_sequences.rs and
        // crates/cli/tests/cli_rollback.rs.
        "rollback",
    ];
    let codes = (Code::OWN
        .iter()
        .chain(&Code::OF_ORIGIN)
        .map(|code| code.as_str()))
    .chain(ErrorKind::ALL.iter().map(|kind| kind.code()));
    for code in codes.filter(|code| !elsewhere.contains(code)) {
        assert!(
            REACHED.contains(&code.replace('-', "_").as_str()),
            "no test reaches {code}"
        );
    }
}

#[test]
fn a_valid_image_is_ok() {
    let case = Case {
        strict: true,
        ..Case::default()
    };
    assert_eq!((case.verdict().word(), case.all()), ("ok", vec![]));
}

#[test]
fn each_warning_lets_the_image_run_and_strict_refuses_it() {
    let absent = |case: &mut Case<'_>| {
        case.sample.manifest(
            r#""mediaType":"application/vnd.oci.image.manifest.v1+json","#,
            "",
        );
    };
    let alias = |case: &mut Case<'_>| {
        case.sample.layers[0].media_type = "application/vnd.ocre.image.v1.wasm";
        case.sample.config_type = "application/vnd.ocre.image.config.v1+json";
    };
    let mixed = |case: &mut Case<'_>| {
        case.sample.config_type = "application/vnd.ocre.image.config.v1+json";
    };
    let older = |case: &mut Case<'_>| {
        case.sample.layers[0].media_type = "application/vnd.wasm.content.layer.v1+wasm";
    };
    let unnamed = |case: &mut Case<'_>| {
        let module = r#","module":{"entryPoint":"_start"}"#;
        case.sample
            .config(module, r#","author":null,"component":null"#);
    };
    type Change<'a> = &'a dyn Fn(&mut Case<'_>);
    let cases: [(Warning, Change<'_>); 5] = [
        (Warning::ManifestMediaTypeAbsent, &absent),
        (Warning::LayerMediaTypeAlias, &alias),
        (Warning::LayerMediaTypeAlias, &older),
        (Warning::DialectMixed, &mixed),
        (Warning::ConfigEntryPointAbsent, &unnamed),
    ];
    for (warning, change) in cases {
        let mut case = Case::default();
        change(&mut case);
        let verdict = case.verdict();
        assert_eq!((verdict.word(), verdict.code()), ("warnings", None));
        assert!(
            verdict.warnings().iter().eq([warning]),
            "{:?}",
            verdict.warnings()
        );
        case.strict = true;
        let verdict = case.verdict();
        assert_eq!(
            (verdict.word(), verdict.code()),
            ("rejected", Some(warning.code()))
        );
    }
}

#[test]
fn an_image_in_the_ocre_dialect_is_ok() {
    let mut case = Case {
        strict: true,
        ..Case::default()
    };
    case.sample.manifest_type = "application/vnd.ocre.image.manifest.v1+json";
    case.sample.config_type = "application/vnd.ocre.image.config.v1+json";
    case.sample.layers[0].media_type = "application/vnd.ocre.image.layer.v1.wasm";
    case.sample.config("wasip1", "ocre");
    case.sample.config(
        r#""module":{"entryPoint":"_start"},"config":{"#,
        r#""config":{"Entrypoint":"_start""#,
    );
    assert_eq!(case.verdict().word(), "ok");
}

#[test]
fn all_goes_on_past_what_is_refused() {
    let mut case = Case::default();
    case.sample.layers.push(LayerFields::blob(b"one"));
    case.sample.layers.push(LayerFields::blob(b"two"));
    case.sample.config("wasip1", "wasip2");
    case.sample
        .config(r#""config":{"#, r#""config":{"Env":[1]"#);
    case.sample.damage(|written| {
        garble(&written.layers[1]);
        fs::remove_file(&written.layers[2]).unwrap();
    });
    let found: Vec<_> = case
        .all()
        .iter()
        .map(|(code, at)| format!("{code} {at}"))
        .collect();
    let expected = [
        "config-os config/os",
        "field-type config/config/Env/0",
        "blob-missing manifest/layers/2",
        "digest-mismatch manifest/layers/1",
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_reference_is_found_by_name_by_name_without_latest_and_by_digest() {
    let mut case = Case::default();
    case.selector.name = Some("sample:1");
    assert_eq!(case.verdict().word(), "ok");
    case.sample.index("sample:1", "sample:latest");
    case.selector.name = Some("sample");
    assert_eq!(case.verdict().word(), "ok");
    let folder = TemporaryFolder::new();
    let written = case.sample.write(&folder.0);
    let hex = written.manifest.file_name().unwrap().to_str().unwrap();
    case.selector = Selector {
        name: None,
        digest: Some(Sha256::from_hex(hex).unwrap()),
    };
    assert_eq!(case.verdict().word(), "ok");
}

#[test]
fn an_entry_that_is_damaged_does_not_keep_the_others_from_being_used() {
    let mut case = Case::default();
    case.sample.index("[{", r#"[{"mediaType":"x"},{"#);
    assert_eq!(case.verdict().code(), Some("media-type-syntax"));
    case.selector.name = Some("sample:1");
    assert_eq!(case.verdict().word(), "ok");
}
