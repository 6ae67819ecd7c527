// SPDX-License-Identifier: Apache-2.0
//! Image configs, in either dialect.
//!
//! The current dialect (`application/vnd.wasm.config.v0+json`) and the Ocre one
//! (`application/vnd.ocre.image.config.v1+json`) mean the same; the latter lets
//! some settings stand elsewhere under other names. Where one setting is spelt
//! twice, both must say the same.
//!
//! A config without a member `module`, as the CNCF Wasm OCI artifact layout has it, names no entry
//! point; then [`DEFAULT_ENTRY_POINT`] is used, with a warning.

use core::ops::ControlFlow;

use crate::descriptor::{check_strings, digest, strings};
use crate::error::{first, report as hand_over};
use crate::json::{Elements, Kind, Value};
use crate::{ConfigType, DigestRef, Error, ErrorKind, ErrorReport, Manifest, Text};

/// Entry point of an image whose config names none.
pub const DEFAULT_ENTRY_POINT: &str = "_start";

/// Entry point, environment and permissions of an image.
///
/// ```
/// use ocre_oci::{Config, Manifest, json};
///
/// # let manifest = include_bytes!("../../../testdata/vectors/ocre-manifest.json");
/// # let manifest = Manifest::parse(json::parse(manifest, &json::Caps::default())?, None)?;
/// # let text = include_bytes!("../../../testdata/vectors/ocre-config.json");
/// let document = json::parse(text, &json::Caps::default())?;
/// let config = Config::parse(document, manifest.config_type(), &manifest)?;
/// assert_eq!(config.entry_point(), "on_init");
/// assert_eq!(config.env().count(), 0);
/// assert_eq!(config.permissions().count(), 0);
/// # Ok::<(), ocre_oci::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Config<'a> {
    entry_point: Option<Text<'a>>,
    env: Option<Value<'a>>,
    permissions: Option<Value<'a>>,
}

/// Position of a setting: the names of members from the root down.
type SettingPath = &'static [&'static str];

const ENTRY_POINT: &[SettingPath] = &[
    &["module", "entryPoint"],
    &["config", "EntryPoint"],
    &["config", "Entrypoint"],
];

const ENV: &[SettingPath] = &[&["config", "Env"], &["config", "Environment"]];

/// Values of one setting, from the places that a dialect has for it: the first is in both.
fn settings<'a>(
    root: Value<'a>,
    config_type: ConfigType,
    places: &'static [SettingPath],
) -> impl Iterator<Item = Value<'a>> {
    let count = match config_type {
        ConfigType::Ocre => places.len(),
        _ => 1,
    };
    let places = places.iter().take(count);
    places.filter_map(move |path| find(root, path))
}

fn find<'a>(root: Value<'a>, path: SettingPath) -> Option<Value<'a>> {
    path.iter().try_fold(root, |value, name| value.get(name))
}

impl<'a> Config<'a> {
    /// Reads and checks a whole config of the type that the manifest's descriptor names
    /// ([`Manifest::config_type`]).
    ///
    /// # Errors
    /// The first that [`check`](Self::check) finds.
    pub fn parse(
        value: Value<'a>,
        config_type: ConfigType,
        manifest: &Manifest<'_>,
    ) -> Result<Self, Error> {
        first(|report| Self::check(value, config_type, manifest, report))?;
        let entry_point = settings(value, config_type, ENTRY_POINT)
            .next()
            .map(|entry_point| entry_point.text())
            .transpose()?;
        Ok(Self {
            entry_point,
            env: settings(value, config_type, ENV).next(),
            permissions: find(value, &["config", "Permissions"]),
        })
    }

    /// Reports, in this order: `config-unsupported` for a type that is never parsed; the errors of
    /// `architecture` (`config-architecture`); `os` (`config-os`); `layerDigests`
    /// (`config-layer-digests` unless it is the manifest's, in the same order); the entry point
    /// (`config-entry-point` where it is empty, or `module` lacks it; `config-conflict`); the
    /// environment (`config-env`, `config-conflict`); and the permissions, whose names are left to
    /// [`check_permissions`](Self::check_permissions).
    pub fn check(
        value: Value<'a>,
        config_type: ConfigType,
        manifest: &Manifest<'_>,
        report: ErrorReport<'_>,
    ) -> ControlFlow<()> {
        let systems: &[&str] = match config_type {
            ConfigType::Wasm | ConfigType::WasmToOci => &["wasip1"],
            ConfigType::Ocre => &["wasip1", "ocre"],
            ConfigType::Empty | ConfigType::Unsupported => {
                return report(value.error(ErrorKind::ConfigUnsupported));
            }
        };
        if let Err(error) = value.expect(Kind::Object) {
            return report(error);
        }
        let wasm: &[&str] = &["wasm"];
        for (name, accepted, kind) in [
            ("architecture", wasm, ErrorKind::ConfigArchitecture),
            ("os", systems, ErrorKind::ConfigOs),
        ] {
            if value.get(name).is_some() || config_type != ConfigType::WasmToOci {
                check_one_of(value, name, accepted, kind, report)?;
            }
        }
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
            check_strings(permissions, report, None)?;
        }
        ControlFlow::Continue(())
    }

    /// Function to call on start; not empty.
    pub fn entry_point(&self) -> Text<'a> {
        self.entry_point.unwrap_or(DEFAULT_ENTRY_POINT.into())
    }

    /// True where the config itself names the function to call on start.
    pub fn names_entry_point(&self) -> bool {
        self.entry_point.is_some()
    }

    /// Environment, each entry in the form `NAME=value`.
    pub fn env(&self) -> impl Iterator<Item = Text<'a>> + Clone {
        strings(self.env)
    }

    /// Permissions that the image asks for, known or not.
    pub fn permissions(&self) -> impl Iterator<Item = Text<'a>> + Clone {
        strings(self.permissions)
    }

    /// Reports `config-permission` at each permission that is not known.
    pub fn check_permissions(
        &self,
        known: impl Fn(Text<'a>) -> bool,
        report: ErrorReport<'_>,
    ) -> ControlFlow<()> {
        for permission in Elements::of(self.permissions) {
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
    report: ErrorReport<'_>,
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
    report: ErrorReport<'_>,
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
    report: ErrorReport<'_>,
) -> ControlFlow<()> {
    let mut chosen: Option<Text<'_>> = None;
    let mut present = false;
    for found in settings(value, config_type, ENTRY_POINT) {
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
    if !present && value.get("module").is_some() {
        report(value.error(ErrorKind::ConfigEntryPoint))?;
    }
    ControlFlow::Continue(())
}

fn check_env(
    value: Value<'_>,
    config_type: ConfigType,
    report: ErrorReport<'_>,
) -> ControlFlow<()> {
    let mut chosen: Option<Value<'_>> = None;
    for found in settings(value, config_type, ENV) {
        check_strings(found, report, Some((is_env, ErrorKind::ConfigEnv)))?;
        if let Some(chosen) = chosen
            && !strings(Some(chosen)).eq(strings(Some(found)))
        {
            report(found.error(ErrorKind::ConfigConflict))?;
        }
        chosen = chosen.or(Some(found));
    }
    ControlFlow::Continue(())
}

/// True for `NAME=value` with a name, and without the NUL that ends strings for a guest.
fn is_env(text: Text<'_>) -> bool {
    let mut characters = text.chars();
    let named = !matches!(characters.next(), None | Some('=')) && characters.any(|c| c == '=');
    named && !text.chars().any(|character| character == '\0')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{errors, place, value};
    use std::string::{String, ToString};
    use std::vec::Vec;
    use std::{format, vec};

    /// A manifest whose two layers have the digests `a:1` and `a:2`.
    const MANIFEST: &str = r#"{"schemaVersion":2,
        "config":{"mediaType":"a/b","digest":"a:0","size":0},
        "layers":[{"mediaType":"application/wasm","digest":"a:1","size":0},
                  {"mediaType":"a/b","digest":"a:2","size":0}]}"#;
    const START: &str = r#""module":{"entryPoint":"f"}"#;
    const DIGESTS: &str = r#""layerDigests":["a:1","a:2"]"#;

    fn manifest() -> Manifest<'static> {
        Manifest::parse(value(MANIFEST), None).unwrap()
    }

    fn config(members: &[&str]) -> String {
        let members = members.join(",");
        format!(r#"{{"architecture":"wasm","os":"wasip1",{members}}}"#)
    }

    #[track_caller]
    fn accepted(document: &str, config_type: ConfigType) -> Config<'_> {
        let parsed = Config::parse(value(document), config_type, &manifest());
        parsed.unwrap_or_else(|error| panic!("{} in {document}", place(document, error)))
    }

    fn all(document: &str, config_type: ConfigType) -> Vec<String> {
        errors(document, |value, report| {
            Config::check(value, config_type, &manifest(), report)
        })
    }

    #[track_caller]
    fn refused(document: &str, config_type: ConfigType, expected: &str) {
        assert_eq!(all(document, config_type), [expected], "{document}");
        let first = Config::parse(value(document), config_type, &manifest()).unwrap_err();
        assert_eq!(place(document, first), expected);
    }

    #[track_caller]
    fn refused_by_both(document: &str, expected: &str) {
        refused(document, ConfigType::Wasm, expected);
        refused(document, ConfigType::Ocre, expected);
    }

    #[test]
    fn generic_configs_are_never_parsed() {
        refused("{}", ConfigType::Empty, "config-unsupported ");
        refused("{}", ConfigType::Unsupported, "config-unsupported ");
    }

    #[test]
    fn architecture_is_wasm() {
        let with = |members: &str| format!(r#"{{{members}"os":"wasip1",{DIGESTS},{START}}}"#);
        refused_by_both("[]", "field-type ");
        refused_by_both(&with(""), "field-missing ");
        refused_by_both(&with(r#""architecture":1,"#), "field-type /architecture");
        refused_by_both(
            &with(r#""architecture":"amd64","#),
            "config-architecture /architecture",
        );
    }

    #[test]
    fn os_is_one_that_this_engine_offers() {
        let with =
            |members: &str| format!(r#"{{"architecture":"wasm",{members}{DIGESTS},{START}}}"#);
        refused_by_both(&with(""), "field-missing ");
        refused_by_both(&with(r#""os":null,"#), "field-type /os");
        refused_by_both(&with(r#""os":"wasip2","#), "config-os /os");
        refused_by_both(&with(r#""os":"linux","#), "config-os /os");
        refused(&with(r#""os":"ocre","#), ConfigType::Wasm, "config-os /os");
        accepted(&with(r#""os":"ocre","#), ConfigType::Ocre);
        accepted(&with(r#""os":"wasip1","#), ConfigType::Ocre);
    }

    #[test]
    fn layer_digests_are_the_manifests_in_its_order() {
        accepted(&config(&[DIGESTS, START]), ConfigType::Wasm);
        for (digests, error) in [
            (r#"["a:1"]"#, "config-layer-digests /layerDigests"),
            (
                r#"["a:1","a:2","a:3"]"#,
                "config-layer-digests /layerDigests/2",
            ),
            (r#"["a:1","a:3"]"#, "config-layer-digests /layerDigests/1"),
            (r#"["a:1","x"]"#, "digest-syntax /layerDigests/1"),
            (r#"["a:1",2]"#, "field-type /layerDigests/1"),
            ("{}", "field-type /layerDigests"),
        ] {
            let member = format!(r#""layerDigests":{digests}"#);
            refused_by_both(&config(&[&member, START]), error);
        }
        let swapped = config(&[r#""layerDigests":["a:2","a:1"]"#, START]);
        let expected = [
            "config-layer-digests /layerDigests/0",
            "config-layer-digests /layerDigests/1",
        ];
        assert_eq!(all(&swapped, ConfigType::Wasm), expected);
    }

    #[test]
    fn layer_digests_may_be_absent_in_the_ocre_dialect() {
        refused(&config(&[START]), ConfigType::Wasm, "field-missing ");
        accepted(&config(&[START]), ConfigType::Ocre);
    }

    #[test]
    fn entry_point_is_a_name() {
        let parsed = config(&[DIGESTS, START]);
        assert_eq!(accepted(&parsed, ConfigType::Wasm).entry_point(), "f");
        for module in ["{}", r#"{"start":"f"}"#] {
            let document = config(&[DIGESTS, &format!(r#""module":{module}"#)]);
            refused_by_both(&document, "config-entry-point ");
        }
        let null = config(&[DIGESTS, r#""module":null"#]);
        let expected = ["field-type /module", "config-entry-point "];
        assert_eq!(all(&null, ConfigType::Wasm), expected);
        for (module, error) in [
            (
                r#"{"entryPoint":""}"#,
                "config-entry-point /module/entryPoint",
            ),
            (r#"{"entryPoint":["f"]}"#, "field-type /module/entryPoint"),
        ] {
            refused_by_both(&config(&[DIGESTS, &format!(r#""module":{module}"#)]), error);
        }
        let not_objects = config(&[DIGESTS, r#""module":[],"config":1"#]);
        let expected = [
            "field-type /module",
            "field-type /config",
            "config-entry-point ",
        ];
        assert_eq!(all(&not_objects, ConfigType::Wasm), expected);
    }

    #[test]
    fn without_a_module_the_entry_point_is_start() {
        // As wkg writes it, whose members may be null.
        let null = r#""created":"2026-01-02T03:04:05Z","author":null,"component":null"#;
        let plain = config(&[DIGESTS]);
        let members = config(&[null, DIGESTS]);
        let with_env = config(&[DIGESTS, r#""config":{"Env":["A=1"]}"#]);
        for document in [&plain, &members, &with_env] {
            for config_type in [ConfigType::Wasm, ConfigType::Ocre] {
                let parsed = accepted(document, config_type);
                assert_eq!(parsed.entry_point(), "_start");
                assert!(!parsed.names_entry_point());
            }
        }
        let named = config(&[DIGESTS, START]);
        assert!(accepted(&named, ConfigType::Wasm).names_entry_point());
    }

    #[test]
    fn a_config_of_wasm_to_oci_may_lack_every_member_but_not_contradict() {
        let config_type = ConfigType::WasmToOci;
        assert_eq!(accepted("{}", config_type).entry_point(), "_start");
        let whole = config(&[DIGESTS, START]);
        assert_eq!(accepted(&whole, config_type).entry_point(), "f");
        for (document, error) in [
            (
                r#"{"architecture":"arm"}"#,
                "config-architecture /architecture",
            ),
            (r#"{"os":"linux"}"#, "config-os /os"),
            (r#"{"os":null}"#, "field-type /os"),
            (
                r#"{"layerDigests":[]}"#,
                "config-layer-digests /layerDigests",
            ),
            (r#"{"module":{}}"#, "config-entry-point "),
            ("[]", "field-type "),
        ] {
            refused(document, config_type, error);
        }
    }

    #[test]
    fn entry_point_may_stand_elsewhere_in_the_ocre_dialect() {
        for name in ["EntryPoint", "Entrypoint"] {
            let document = config(&[DIGESTS, &format!(r#""config":{{"{name}":"g"}}"#)]);
            assert_eq!(accepted(&document, ConfigType::Ocre).entry_point(), "g");
            // In the current dialect that is an unknown member.
            assert_eq!(
                accepted(&document, ConfigType::Wasm).entry_point(),
                "_start"
            );
        }
        let document = config(&[DIGESTS, START, r#""config":{"EntryPoint":""}"#]);
        refused(
            &document,
            ConfigType::Ocre,
            "config-entry-point /config/EntryPoint",
        );
    }

    #[test]
    fn two_spellings_of_the_entry_point_agree() {
        let same = config(&[DIGESTS, START, r#""config":{"EntryPoint":"\u0066"}"#]);
        accepted(&same, ConfigType::Ocre);
        let other = config(&[DIGESTS, START, r#""config":{"Entrypoint":"g"}"#]);
        refused(
            &other,
            ConfigType::Ocre,
            "config-conflict /config/Entrypoint",
        );
        // In the current dialect the second is an unknown member.
        assert_eq!(accepted(&other, ConfigType::Wasm).entry_point(), "f");
        let both = config(&[DIGESTS, r#""config":{"Entrypoint":"f","EntryPoint":"g"}"#]);
        refused(
            &both,
            ConfigType::Ocre,
            "config-conflict /config/Entrypoint",
        );
    }

    #[test]
    fn environment_is_name_equals_value() {
        let with = |env: &str| config(&[DIGESTS, START, &format!(r#""config":{{"Env":{env}}}"#)]);
        let document = with(r#"["A=1","b==","C="]"#);
        let env: Vec<_> = accepted(&document, ConfigType::Wasm)
            .env()
            .map(|entry| entry.to_string())
            .collect();
        assert_eq!(env, ["A=1", "b==", "C="]);
        for bad in ["A", "=1", "", "=", "A=\\u0000"] {
            refused_by_both(
                &with(&format!(r#"["A=1","{bad}"]"#)),
                "config-env /config/Env/1",
            );
        }
        refused_by_both(&with("[1]"), "field-type /config/Env/0");
        refused_by_both(&with("{}"), "field-type /config/Env");
    }

    #[test]
    fn environment_may_be_called_otherwise_in_the_ocre_dialect() {
        let document = config(&[START, DIGESTS, r#""config":{"Environment":["A=1"]}"#]);
        assert_eq!(accepted(&document, ConfigType::Ocre).env().count(), 1);
        assert_eq!(accepted(&document, ConfigType::Wasm).env().count(), 0);
        let with = |env: &str| {
            let both = format!(r#""config":{{"Env":["A=1"],"Environment":{env}}}"#);
            config(&[DIGESTS, START, &both])
        };
        accepted(&with(r#"["A=1"]"#), ConfigType::Ocre);
        for env in [r#"["A=2"]"#, "[]", r#"["A=1","A=1"]"#] {
            refused(
                &with(env),
                ConfigType::Ocre,
                "config-conflict /config/Environment",
            );
        }
    }

    #[test]
    fn permissions_are_strings_and_known() {
        let with = |list: &str| {
            config(&[
                DIGESTS,
                START,
                &format!(r#""config":{{"Permissions":{list}}}"#),
            ])
        };
        refused_by_both(&with("[1]"), "field-type /config/Permissions/0");
        refused_by_both(&with("1"), "field-type /config/Permissions");
        let document = with(r#"["gpio","\u0067pio","fly"]"#);
        let parsed = accepted(&document, ConfigType::Wasm);
        assert_eq!(parsed.permissions().count(), 3);
        let mut found = vec![];
        let _ = parsed.check_permissions(|permission| permission == "gpio", &mut |error| {
            found.push(place(&document, error));
            ControlFlow::Continue(())
        });
        assert_eq!(found, ["config-permission /config/Permissions/2"]);
    }

    #[test]
    fn every_error_is_reported_in_order() {
        let document = r#"{"config":{"Permissions":1,"Env":[""],"Entrypoint":""},
            "layerDigests":[],"os":"","architecture":""}"#;
        let expected = [
            "config-architecture /architecture",
            "config-os /os",
            "config-layer-digests /layerDigests",
            "config-entry-point /config/Entrypoint",
            "config-env /config/Env/0",
            "field-type /config/Permissions",
        ];
        assert_eq!(all(document, ConfigType::Ocre), expected);
    }
}
