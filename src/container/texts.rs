// SPDX-License-Identifier: Apache-2.0
//! Lists of texts in one string, each followed by a NUL.

use heapless::LenType;
use heapless::string::StringView;

/// Adds a text and a NUL to a list of texts.
pub(super) fn push<L: LenType>(list: &mut StringView<L>, text: &str) -> Option<()> {
    list.push_str(text).ok()?;
    list.push('\0').ok()
}
