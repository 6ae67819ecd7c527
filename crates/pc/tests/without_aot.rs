// SPDX-License-Identifier: Apache-2.0
//! Verdict on AOT code in a build that runs none: the code of the refusal names the build, not the
//! policy. A separate process, because an engine has its options for its whole life.

#[allow(dead_code)] // the verdicts need more of it
mod support;

use std::ops::ControlFlow;

use ocre::image::judge::{self, AotPolicy, Policy, Selector, Workspace};
use ocre::image::verdict::{Code, Verdict};
use ocre::image::{Image, OciLayout};
use ocre_pc::directory::Directory;
use ocre_wamr::{EngineOptions, WamrEngine};
use support::layout::{LayerFields, Sample, TemporaryFolder};

/// Refusal of an image with AOT code alone.
fn verdict(engine: &WamrEngine, aot: AotPolicy<'_>) -> Verdict {
    let policy = Policy {
        aot,
        uninterruptible: false,
        prefer_portable: false,
        image_bytes: 1 << 20,
        memory_bytes: 1 << 20,
    };
    let folder = TemporaryFolder::new();
    let mut sample = Sample::default();
    sample.layers = vec![LayerFields {
        media_type: "application/vnd.ocre.image.layer.v1.wasm+aot",
        bytes: b"\0aot\x06\0\0\0".to_vec(),
        members: String::new(),
    }];
    sample.write(&folder.0);
    let storage = Directory::open(&folder.0).unwrap();
    let source = OciLayout {
        storage: &storage,
        root: "/",
    };
    let (mut document, mut config) = ([0; 8192], [0; 4096]);
    let workspace = Workspace {
        document: &mut document,
        config: &mut config,
    };
    let mut image = Image::blank();
    let mut verdict = Verdict::new(false);
    let selector = Selector::default();
    let report = &mut |finding, at: ocre::image::verdict::Location<'_>, detail: &str| {
        let _ = verdict.note(finding, at, detail);
        ControlFlow::Continue(())
    };
    if judge::judge(
        source, selector, engine, &policy, workspace, report, &mut image,
    ) {
        let mut code = judge::read_executable(source, engine, &image.executable).unwrap();
        let loaded = judge::load(engine, &mut code, &image.loadable(), &policy, &mut |_| {});
        let refused: Code = loaded.map(drop).unwrap_err();
        let finding = ocre::image::verdict::Finding::Refusal(refused);
        let _ = verdict.note(finding, judge::place(refused, &image), "");
    }
    verdict
}

#[test]
fn a_build_without_aot_code_says_so_under_every_policy() {
    let engine = WamrEngine::start(&[], EngineOptions::default()).unwrap();
    for policy in [AotPolicy::Allow, AotPolicy::Deny, AotPolicy::Pinned(&[])] {
        let verdict = verdict(&engine, policy);
        assert_eq!(verdict.code(), Some("aot-unsupported"), "{policy:?}");
        assert_eq!(verdict.at(), "manifest/layers/0");
    }
}
