// SPDX-License-Identifier: Apache-2.0
//! Image configs, in either dialect.
//!
//! The current dialect (`application/vnd.wasm.config.v0+json`) and the Ocre one
//! (`application/vnd.ocre.image.config.v1+json`) mean the same; the latter lets
//! some settings stand elsewhere under other names. Where one setting is spelt
//! twice, both must say the same.

use core::ops::ControlFlow;

use crate::descriptor::{check_strings, digest, strings};
use crate::error::{first, report as hand_over};
use crate::json::{Kind, Value};
use crate::{ConfigType, DigestRef, Error, ErrorKind, Manifest, Report, Text};

/// How to start the program of an image.
#[derive(Clone, Copy, Debug)]
pub struct Config<'a> {
    entry_point: Text<'a>,
    env: Option<Value<'a>>,
    permissions: Option<Value<'a>>,
}

/// Where a setting may stand: names from the root down.
type Path = &'static [&'static str];

/// The places of one setting: those of both dialects first.
fn places(
    config_type: ConfigType,
    both: Path,
    ocre: &'static [Path],
) -> impl Iterator<Item = Path> {
    let ocre = if config_type == ConfigType::Ocre {
        ocre
    } else {
        &[]
    };
    core::iter::once(both).chain(ocre.iter().copied())
}

fn entry_point_places(config_type: ConfigType) -> impl Iterator<Item = Path> {
    places(
        config_type,
        &["module", "entryPoint"],
        &[&["config", "EntryPoint"], &["config", "Entrypoint"]],
    )
}

fn env_places(config_type: ConfigType) -> impl Iterator<Item = Path> {
    places(
        config_type,
        &["config", "Env"],
        &[&["config", "Environment"]],
    )
}

fn find<'a>(root: Value<'a>, path: Path) -> Option<Value<'a>> {
    path.iter().try_fold(root, |value, name| value.get(name))
}

impl<'a> Config<'a> {
    /// Reads and checks a whole config. `config_type` is what the manifest's
    /// descriptor says of it ([`Manifest::config_type`]).
    ///
    /// # Errors
    /// The first that [`check`](Self::check) finds.
    pub fn parse(
        value: Value<'a>,
        config_type: ConfigType,
        manifest: &Manifest<'_>,
    ) -> Result<Self, Error> {
        first(|report| Self::check(value, config_type, manifest, report))?;
        let entry_point = entry_point_places(config_type)
            .find_map(|path| find(value, path))
            .ok_or(value.error(ErrorKind::ConfigEntryPoint))?;
        Ok(Self {
            entry_point: entry_point.text()?,
            env: env_places(config_type).find_map(|path| find(value, path)),
            permissions: find(value, &["config", "Permissions"]),
        })
    }

    /// Reports, in this order: `config-unsupported` for a type that is never parsed;
    /// what is wrong with `architecture` (`config-architecture`); `os` (`config-os`);
    /// `layerDigests` (`config-layer-digests` unless it is the manifest's, in the
    /// same order); the entry point (`config-entry-point`, `config-conflict`); the
    /// environment (`config-env`, `config-conflict`); and the permissions, whose
    /// names are left to [`check_permissions`](Self::check_permissions).
    pub fn check(
        value: Value<'a>,
        config_type: ConfigType,
        manifest: &Manifest<'_>,
        report: Report<'_>,
    ) -> ControlFlow<()> {
        let systems: &[&str] = match config_type {
            ConfigType::Wasm => &["wasip1"],
            ConfigType::Ocre => &["wasip1", "ocre"],
            ConfigType::Empty | ConfigType::Unsupported => {
                return report(value.error(ErrorKind::ConfigUnsupported));
            }
        };
        if let Err(error) = value.expect(Kind::Object) {
            return report(error);
        }
        check_one_of(
            value,
            "architecture",
            &["wasm"],
            ErrorKind::ConfigArchitecture,
            report,
        )?;
        check_one_of(value, "os", systems, ErrorKind::ConfigOs, report)?;
        if value.get("layerDigests").is_some() || config_type == ConfigType::Wasm {
            let digests = value.require("layerDigests");
            if let Some(digests) = hand_over(digests, report)? {
                check_layer_digests(digests, manifest, report)?;
            }
        }
        for container in ["module", "config"] {
            if let Some(container) = value.get(container) {
                hand_over(container.expect(Kind::Object), report)?;
            }
        }
        check_entry_point(value, config_type, report)?;
        check_env(value, config_type, report)?;
        if let Some(permissions) = find(value, &["config", "Permissions"]) {
            check_strings(permissions, report, |_| Ok(()))?;
        }
        ControlFlow::Continue(())
    }

    /// The function to call on start; not empty.
    pub fn entry_point(&self) -> Text<'a> {
        self.entry_point
    }

    /// The environment; each has the form `NAME=value`.
    pub fn env(&self) -> impl Iterator<Item = Text<'a>> + Clone {
        strings(self.env)
    }

    /// What the image asks for. Nothing says yet that these are known.
    pub fn permissions(&self) -> impl Iterator<Item = Text<'a>> + Clone {
        strings(self.permissions)
    }

    /// Reports `config-permission` at each permission that is not known.
    pub fn check_permissions(
        &self,
        known: impl Fn(Text<'a>) -> bool,
        report: Report<'_>,
    ) -> ControlFlow<()> {
        for permission in self.permissions.into_iter().flat_map(Value::elements) {
            if !permission.text().is_ok_and(&known) {
                report(permission.error(ErrorKind::ConfigPermission))?;
            }
        }
        ControlFlow::Continue(())
    }
}

fn check_one_of(
    object: Value<'_>,
    name: &str,
    accepted: &[&str],
    kind: ErrorKind,
    report: Report<'_>,
) -> ControlFlow<()> {
    let checked = object.require(name).and_then(|value| {
        let text = value.text()?;
        if accepted.iter().any(|accepted| text == *accepted) {
            Ok(())
        } else {
            Err(value.error(kind))
        }
    });
    hand_over(checked, report).map_continue(drop)
}

fn check_layer_digests(
    digests: Value<'_>,
    manifest: &Manifest<'_>,
    report: Report<'_>,
) -> ControlFlow<()> {
    if let Err(error) = digests.expect(Kind::Array) {
        return report(error);
    }
    let mut layers = manifest.layers();
    for value in digests.elements() {
        let found: Option<DigestRef<'_>> = hand_over(digest(value), report)?;
        let expected = layers.next().map(|layer| layer.descriptor.digest);
        if found.is_some() && found != expected {
            report(value.error(ErrorKind::ConfigLayerDigests))?;
        }
    }
    if layers.next().is_some() {
        report(digests.error(ErrorKind::ConfigLayerDigests))?;
    }
    ControlFlow::Continue(())
}

fn check_entry_point(
    value: Value<'_>,
    config_type: ConfigType,
    report: Report<'_>,
) -> ControlFlow<()> {
    let mut chosen: Option<Text<'_>> = None;
    let mut present = false;
    for found in entry_point_places(config_type).filter_map(|path| find(value, path)) {
        present = true;
        let Some(text) = hand_over(found.text(), report)? else {
            continue;
        };
        if text.is_empty() {
            report(found.error(ErrorKind::ConfigEntryPoint))?;
        } else if chosen.is_some_and(|chosen| chosen != text) {
            report(found.error(ErrorKind::ConfigConflict))?;
        }
        chosen = chosen.or(Some(text));
    }
    if !present {
        report(value.error(ErrorKind::ConfigEntryPoint))?;
    }
    ControlFlow::Continue(())
}

fn check_env(value: Value<'_>, config_type: ConfigType, report: Report<'_>) -> ControlFlow<()> {
    let mut chosen: Option<Value<'_>> = None;
    for found in env_places(config_type).filter_map(|path| find(value, path)) {
        check_strings(found, report, |text| {
            if is_env(text) {
                Ok(())
            } else {
                Err(ErrorKind::ConfigEnv)
            }
        })?;
        if let Some(chosen) = chosen
            && !strings(Some(chosen)).eq(strings(Some(found)))
        {
            report(found.error(ErrorKind::ConfigConflict))?;
        }
        chosen = chosen.or(Some(found));
    }
    ControlFlow::Continue(())
}

/// `NAME=value` with a name, and without the NUL that ends strings for a guest.
fn is_env(text: Text<'_>) -> bool {
    let mut characters = text.chars();
    let named = !matches!(characters.next(), None | Some('=')) && characters.any(|c| c == '=');
    named && !text.chars().any(|character| character == '\0')
}
