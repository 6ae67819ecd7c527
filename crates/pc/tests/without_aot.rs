// SPDX-License-Identifier: Apache-2.0
//! Verdict on AOT code in a build that runs none: the code of the refusal names the build, not the
//! policy. A separate process, because an engine has its options for its whole life.

#[allow(dead_code)] // the verdicts need more of it
mod support;

use ocre::image::judge::{Policy, Selector};
use ocre::image::trust::Trust;
use ocre::image::verdict::Verdict;
use ocre_wamr::{EngineOptions, WamrEngine};
use support::judging::{POLICY, judge_sample};
use support::layout::{LayerFields, Sample};

#[test]
fn a_build_without_aot_code_says_so_under_every_policy() {
    let engine = WamrEngine::start(&[], EngineOptions::default()).unwrap();
    let mut sample = Sample::default();
    sample.layers = vec![LayerFields {
        media_type: "application/vnd.ocre.image.layer.v1.wasm+aot",
        bytes: b"\0aot\x06\0\0\0".to_vec(),
        members: String::new(),
    }];
    for trust in [&Trust::ANY, &Trust::PORTABLE] {
        let policy = Policy { trust, ..POLICY };
        let mut verdict = Verdict::new(false);
        let report = &mut |finding, at: ocre::image::verdict::Location<'_>, detail: &str| {
            verdict.note(finding, at, detail)
        };
        judge_sample(&engine, &sample, Selector::default(), &policy, report);
        assert_eq!(verdict.code(), Some("aot-unsupported"), "{trust:?}");
        assert_eq!(verdict.at(), "manifest/layers/0");
    }
}
