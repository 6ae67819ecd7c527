// SPDX-License-Identifier: Apache-2.0
//! Model of the image of a tag that containers follow, from update to update and back.

/// Image of the tag.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lead {
    pub version: usize,
    /// Previous version, and number of failures of the present one.
    pub before: Option<(usize, u32)>,
}

impl Lead {
    pub fn update(&mut self, to: usize) {
        if to == self.version {
            return;
        }
        self.before = match self.before {
            Some((before, _)) if before == to => None,
            Some((before, _)) => Some((before, 0)),
            None => Some((self.version, 0)),
        };
        self.version = to;
    }

    /// Counts that a version works, or has failed once more. Returns true where that counts.
    pub fn tried(&mut self, version: usize, works: bool) -> bool {
        let Some((before, failures)) = self.before.filter(|_| version == self.version) else {
            return false;
        };
        *self = match failures + 1 {
            _ if works => Self {
                version,
                before: None,
            },
            3 => Self {
                version: before,
                before: None,
            },
            failures => Self {
                version,
                before: Some((before, failures)),
            },
        };
        true
    }
}
