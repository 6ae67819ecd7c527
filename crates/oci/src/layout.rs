// SPDX-License-Identifier: Apache-2.0
//! The marker file `oci-layout` (OCI image-layout.md).

use core::ops::ControlFlow;

use crate::error::{first, report as hand_over};
use crate::json::{Kind, Value};
use crate::{Error, ErrorKind, ErrorReport};

/// The one version of the layout there is.
pub const LAYOUT_VERSION: &str = "1.0.0";

/// Proof that a folder holds an OCI layout of version 1.0.0.
#[derive(Clone, Copy, Debug)]
pub struct Layout(());

impl Layout {
    /// # Errors
    /// The first that [`check`](Self::check) finds.
    pub fn parse(value: Value<'_>) -> Result<Self, Error> {
        first(|report| Self::check(value, report))?;
        Ok(Self(()))
    }

    /// Reports `field-missing`, `field-type` or `layout-version` for
    /// `imageLayoutVersion`.
    pub fn check(value: Value<'_>, report: ErrorReport<'_>) -> ControlFlow<()> {
        let checked = value.expect(Kind::Object).and_then(|value| {
            let version = value.require("imageLayoutVersion")?;
            if version.text()? == LAYOUT_VERSION {
                Ok(())
            } else {
                Err(version.error(ErrorKind::LayoutVersion))
            }
        });
        hand_over(checked, report).map_continue(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{errors, value};

    #[test]
    fn the_layout_version_is_1_0_0() {
        assert!(Layout::parse(value(r#"{"imageLayoutVersion":"1.0.0","x":1}"#)).is_ok());
        for (document, error) in [
            ("[]", "field-type "),
            ("{}", "field-missing "),
            (
                r#"{"imageLayoutVersion":1}"#,
                "field-type /imageLayoutVersion",
            ),
            (
                r#"{"imageLayoutVersion":"1.0.1"}"#,
                "layout-version /imageLayoutVersion",
            ),
        ] {
            assert_eq!(errors(document, Layout::check), [error], "{document}");
            assert!(Layout::parse(value(document)).is_err());
        }
    }
}
