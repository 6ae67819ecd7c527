// SPDX-License-Identifier: Apache-2.0
//! Examination of an image: the judge on its documents and layers, and then on its code.

use heapless::String;
use ocre_oci::Format;

use super::judge::{self, Policy, Selector, Workspace};
use super::verdict::{Finding, Report, write_cut};
use super::{Image, OciLayout};
use crate::port::{Engine, Storage};

/// An image to examine, with the engine, the policy and the buffers.
#[derive(Debug)]
pub struct Examination<'a, S, E> {
    /// The layout.
    pub source: OciLayout<'a, S>,
    /// Image in the layout.
    pub selector: Selector<'a>,
    /// Engine that loads the code.
    pub engine: &'a E,
    /// Policy of the device.
    pub policy: &'a Policy<'a>,
    /// Buffers for the documents.
    pub workspace: Workspace<'a>,
}

impl<S: Storage, E: Engine> Examination<'_, S, E> {
    /// Judges the documents, the layers and the code, without running it. `Some` only if nothing
    /// was refused.
    pub fn judge(&mut self, report: Report<'_>) -> Option<Image> {
        let mut image = Image::blank();
        self.judge_into(report, &mut image).then_some(image)
    }

    /// Judges as [`judge`](Self::judge) does, into memory of the caller: an image is large for a
    /// device's stack.
    pub fn judge_into(&mut self, report: Report<'_>, image: &mut Image) -> bool {
        self.judge_documents(report, image) && self.judge_code(report, image)
    }

    /// Judges the documents and the layers but for the code in the executable one. Returns `true`
    /// only if nothing was refused; then `image` is the image.
    pub fn judge_documents(&mut self, report: Report<'_>, image: &mut Image) -> bool {
        let workspace = self.workspace.lend();
        judge::judge(
            self.source,
            self.selector,
            self.engine,
            self.policy,
            workspace,
            report,
            image,
        )
    }

    /// Judges the code of an image whose documents were accepted. AOT code of another machine is
    /// not loaded.
    fn judge_code(&self, report: Report<'_>, image: &Image) -> bool {
        let mut detail = String::<96>::new();
        let mut explain = |words: &str| write_cut(&mut detail, format_args!("{words}"));
        let (engine, loadable) = (self.engine, image.loadable());
        let code = judge::read_executable(self.source, engine, &image.executable);
        let elsewhere = loadable.format == Format::Aot && !engine.loads_aot();
        let judged = code.and_then(|code| {
            if elsewhere {
                return judge::check_code(engine, &code, &loadable, self.policy);
            }
            judge::load(engine, code, &loadable, self.policy, &mut explain).map(drop)
        });
        if let Err(code) = judged {
            // This is the last finding, so the answer of the listener does not matter.
            let _ = report(Finding::Refusal(code), judge::place(code, image), &detail);
        }
        judged.is_ok()
    }
}
