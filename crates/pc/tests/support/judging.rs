// SPDX-License-Identifier: Apache-2.0
//! Judging of sample images in a folder on the PC, with the real engine.

use ocre::image::judge::{self, Policy, Selector, Workspace};
use ocre::image::trust::Trust;
use ocre::image::verdict::{Finding, Report};
use ocre::image::{Image, OciLayout};
use ocre_pc::directory::Directory;
use ocre_wamr::WamrEngine;

use super::layout::{Sample, TemporaryFolder};

/// Policy that allows all code, within a MiB.
pub const POLICY: Policy<'_> = Policy {
    trust: &Trust::ANY,
    uninterruptible: false,
    prefer_portable: false,
    image_bytes: 1 << 20,
    memory_bytes: 1 << 20,
};

/// Judges the documents, blobs and code of an image, as `ocre image verify` does.
pub fn judge_sample(
    engine: &WamrEngine,
    sample: &Sample,
    selector: Selector<'_>,
    policy: &Policy<'_>,
    report: Report<'_>,
) {
    let folder = TemporaryFolder::new();
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
    if !judge::judge(
        source, selector, engine, policy, workspace, report, &mut image,
    ) {
        return;
    }
    let mut detail = String::new();
    let loaded = judge::read_executable(source, engine, &image.executable).and_then(|code| {
        let explain = &mut |words: &str| detail.push_str(words);
        judge::load(engine, code, &image.loadable(), policy, explain).map(drop)
    });
    if let Err(code) = loaded {
        let _ = report(Finding::Refusal(code), judge::place(code, &image), &detail);
    }
}
