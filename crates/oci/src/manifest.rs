// SPDX-License-Identifier: Apache-2.0
//! Image manifests (OCI manifest.md), in either dialect.

use core::ops::ControlFlow;

use crate::descriptor::media_type;
use crate::error::{first, report as hand_over};
use crate::index::{artifact_type, check_schema_version, check_tail};
use crate::json::{Elements, Kind, Value};
use crate::{
    Annotations, ConfigType, Descriptor, Error, ErrorKind, ErrorReport, LayerKind, ManifestType,
    MediaType, Naming,
};

/// A config and at least one layer.
///
/// ```
/// use ocre_oci::{LayerKind, Manifest, json};
///
/// # let text = include_bytes!("../../../testdata/vectors/ocre-manifest.json");
/// let manifest = Manifest::parse(json::parse(text, &json::Caps::default())?, None)?;
/// assert_eq!(manifest.config().media_type, "application/vnd.wasm.config.v0+json");
/// for layer in manifest.layers() {
///     println!("layer {}: {} bytes", layer.index, layer.descriptor.size);
/// }
/// let code = manifest.executable()?;
/// assert!(matches!(code.kind, LayerKind::Executable { .. }));
/// # Ok::<(), ocre_oci::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Manifest<'a> {
    value: Value<'a>,
    layers: Value<'a>,
    manifest_type: ManifestType,
    config: Descriptor<'a>,
}

impl<'a> Manifest<'a> {
    /// Reads and checks a whole manifest. `described_as` is the media type in the
    /// descriptor that led here, if one did.
    ///
    /// # Errors
    /// The first that [`check`](Self::check) finds.
    pub fn parse(value: Value<'a>, described_as: Option<MediaType<'_>>) -> Result<Self, Error> {
        first(|report| Self::check(value, described_as, report))?;
        let [type_, config, layers] = value.fields(["mediaType", "config", "layers"]);
        Ok(Self {
            value,
            layers: value.present(layers)?,
            manifest_type: manifest_type(value, type_, described_as)?,
            config: Descriptor::required(value.present(config)?)?,
        })
    }

    /// Reports, in this order, the errors of `schemaVersion`; `mediaType` (`media-type-syntax`,
    /// `media-type-unsupported`, or `media-type-mismatch` with the descriptor); `config`, whose
    /// empty type needs an `artifactType` (`artifact-type-missing`); `layers`, of which there is at
    /// least one (`layer-none`); `artifactType`; `subject`; `annotations`.
    ///
    /// The number of executable layers is left to [`executable`](Self::executable): an image that
    /// can't run can still be stored.
    pub fn check(
        value: Value<'a>,
        described_as: Option<MediaType<'_>>,
        report: ErrorReport<'_>,
    ) -> ControlFlow<()> {
        if let Err(error) = value.expect(Kind::Object) {
            return report(error);
        }
        let [version, type_, config, layers, artifact_type] = value.fields([
            "schemaVersion",
            "mediaType",
            "config",
            "layers",
            "artifactType",
        ]);
        check_schema_version(value.present(version), report)?;
        hand_over(manifest_type(value, type_, described_as), report)?;
        if let Some(config) = hand_over(value.present(config), report)? {
            Descriptor::check(config, report)?;
            let config_type = config
                .get("mediaType")
                .and_then(|value| media_type(value).ok())
                .map(ConfigType::of);
            if config_type == Some(ConfigType::Empty) && artifact_type.is_none() {
                report(value.error(ErrorKind::ArtifactTypeMissing))?;
            }
        }
        let layers = value
            .present(layers)
            .and_then(|value| value.expect(Kind::Array));
        if let Some(layers) = hand_over(layers, report)? {
            if layers.elements().next().is_none() {
                report(layers.error(ErrorKind::LayerNone))?;
            }
            for layer in layers.elements() {
                Descriptor::check(layer, report)?;
            }
        }
        check_tail(value, report)
    }

    /// Type from `mediaType`, else from the descriptor, else the OCI type.
    pub fn manifest_type(&self) -> ManifestType {
        self.manifest_type
    }

    /// Descriptor of the config.
    pub fn config(&self) -> Descriptor<'a> {
        self.config
    }

    /// Type of the config.
    pub fn config_type(&self) -> ConfigType {
        ConfigType::of(self.config.media_type)
    }

    /// Layers, in order.
    pub fn layers(&self) -> Layers<'a> {
        Layers {
            index: 0,
            elements: self.layers.elements(),
        }
    }

    /// The only layer with code.
    ///
    /// # Errors
    /// `layer-none` at `layers`; `layer-many` at the second executable layer.
    pub fn executable(&self) -> Result<Layer<'a>, Error> {
        let mut executables = self.layers().filter(Layer::is_executable);
        let layer = executables
            .next()
            .ok_or(self.layers.error(ErrorKind::LayerNone))?;
        match executables.next() {
            None => Ok(layer),
            Some(second) => Err(second.descriptor.value().error(ErrorKind::LayerMany)),
        }
    }

    /// Deviations from the rules that are accepted.
    pub fn warnings(&self) -> Warnings {
        let mut warnings = Warnings::default();
        if self.value.get("mediaType").is_none() {
            warnings.insert(Warning::ManifestMediaTypeAbsent);
        }
        let mut current = false;
        let mut ocre = false;
        let mut note = |naming| match naming {
            Naming::Shared => {}
            Naming::Current | Naming::CurrentAlias => current = true,
            Naming::Ocre | Naming::Alias => ocre = true,
        };
        note(self.manifest_type.naming());
        note(self.config_type().naming());
        for layer in self.layers() {
            let naming = layer.kind.naming();
            if matches!(naming, Naming::Alias | Naming::CurrentAlias) {
                warnings.insert(Warning::LayerMediaTypeAlias);
            }
            note(naming);
        }
        if current && ocre {
            warnings.insert(Warning::DialectMixed);
        }
        warnings
    }

    /// `artifactType`
    pub fn artifact_type(&self) -> Option<MediaType<'a>> {
        artifact_type(self.value)
    }

    /// Descriptor of the manifest that this one refers to.
    pub fn subject(&self) -> Option<Descriptor<'a>> {
        Descriptor::required(self.value.get("subject")?).ok()
    }

    /// Annotations; none if the member is absent.
    pub fn annotations(&self) -> Annotations<'a> {
        Annotations::of(self.value)
    }
}

/// Type of a manifest; `value` is the member `mediaType` of `object`.
fn manifest_type(
    object: Value<'_>,
    value: Option<Value<'_>>,
    described_as: Option<MediaType<'_>>,
) -> Result<ManifestType, Error> {
    let Some(value) = value else {
        return match described_as {
            None => Ok(ManifestType::Oci),
            Some(described) => {
                ManifestType::of(described).ok_or(object.error(ErrorKind::MediaTypeUnsupported))
            }
        };
    };
    let found = media_type(value)?;
    let manifest_type =
        ManifestType::of(found).ok_or(value.error(ErrorKind::MediaTypeUnsupported))?;
    match described_as {
        Some(described) if described != found => Err(value.error(ErrorKind::MediaTypeMismatch)),
        _ => Ok(manifest_type),
    }
}

/// The layers of a manifest, in order.
#[derive(Clone, Debug)]
pub struct Layers<'a> {
    index: usize,
    elements: Elements<'a>,
}

impl<'a> Iterator for Layers<'a> {
    type Item = Layer<'a>;

    // A device has this once, for all who go through the layers.
    #[inline(never)]
    fn next(&mut self) -> Option<Layer<'a>> {
        let index = self.index;
        self.index = index.saturating_add(1);
        // They have been checked.
        let descriptor = Descriptor::required(self.elements.next()?).ok()?;
        Some(Layer {
            index,
            descriptor,
            kind: LayerKind::of(descriptor.media_type),
        })
    }
}

/// Layer of a manifest.
#[derive(Clone, Copy, Debug)]
pub struct Layer<'a> {
    /// Index in `layers`, from 0.
    pub index: usize,
    /// Descriptor of the layer.
    pub descriptor: Descriptor<'a>,
    /// Code or blob.
    pub kind: LayerKind,
}

impl Layer<'_> {
    /// True for a layer with code.
    pub fn is_executable(&self) -> bool {
        matches!(self.kind, LayerKind::Executable { .. })
    }
}

/// Deviation from the rules that is accepted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Warning {
    /// The manifest has no `mediaType`.
    ManifestMediaTypeAbsent = 1,
    /// A layer has the media type of Ocre's example or of an older tool, not that of the rules.
    LayerMediaTypeAlias = 2,
    /// The image uses names of both dialects.
    DialectMixed = 4,
    /// The config names no entry point, so that the exported `_start` is used.
    ConfigEntryPointAbsent = 8,
}

impl Warning {
    /// Every warning, in the order in which they are listed.
    pub const ALL: [Self; 4] = [
        Self::ManifestMediaTypeAbsent,
        Self::LayerMediaTypeAlias,
        Self::DialectMixed,
        Self::ConfigEntryPointAbsent,
    ];

    /// Stable code, as users, scripts and `docs/errors.md` know it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::ManifestMediaTypeAbsent => "manifest-media-type-absent",
            Self::LayerMediaTypeAlias => "layer-media-type-alias",
            Self::DialectMixed => "dialect-mixed",
            Self::ConfigEntryPointAbsent => "config-entry-point-absent",
        }
    }
}

/// A set of warnings.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Warnings(u8);

impl Warnings {
    /// Adds a warning.
    pub fn insert(&mut self, warning: Warning) {
        self.0 |= warning as u8;
    }

    /// True for a set without warnings.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// True where the set holds `warning`.
    pub fn contains(self, warning: Warning) -> bool {
        self.0 & warning as u8 != 0
    }

    /// Warnings of the set, in the order of [`Warning::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Warning> + Clone {
        Warning::ALL
            .into_iter()
            .filter(move |&warning| self.contains(warning))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{DIGEST, errors, place, value};
    use std::format;
    use std::string::String;
    use std::vec::Vec;

    const OCI: &str = "application/vnd.oci.image.manifest.v1+json";
    const OCRE: &str = "application/vnd.ocre.image.manifest.v1+json";
    const WASM_CONFIG: &str = "application/vnd.wasm.config.v0+json";
    const OCRE_CONFIG: &str = "application/vnd.ocre.image.config.v1+json";
    const EMPTY_CONFIG: &str = "application/vnd.oci.empty.v1+json";
    const WASM: &str = "application/wasm";
    const OCRE_WASM: &str = "application/vnd.ocre.image.layer.v1.wasm";
    const AOT: &str = "application/vnd.ocre.image.layer.v1.wasm+aot";
    const ALIAS: &str = "application/vnd.ocre.image.v1.wasm";
    const CONTENT: &str = "application/vnd.wasm.content.layer.v1+wasm";
    const BLOB: &str = "application/vnd.ocre.image.v1.blob";

    fn descriptor(media_type: &str) -> String {
        format!(r#"{{"mediaType":"{media_type}","digest":"{DIGEST}","size":0}}"#)
    }

    fn manifest(media_type: &str, config: &str, layers: &[&str], more: &str) -> String {
        let config = descriptor(config);
        let layers: Vec<_> = layers.iter().map(|layer| descriptor(layer)).collect();
        let layers = layers.join(",");
        format!(r#"{{"schemaVersion":2,{media_type}"config":{config},"layers":[{layers}]{more}}}"#)
    }

    fn named(media_type: &str) -> String {
        format!(r#""mediaType":"{media_type}","#)
    }

    fn check_all(document: &str) -> Vec<String> {
        errors(document, |value, report| {
            Manifest::check(value, None, report)
        })
    }

    #[track_caller]
    fn refused(document: &str, described_as: Option<&str>, expected: &str) {
        let described_as = described_as.map(|text| MediaType::parse(text).unwrap());
        let check = |value, report: ErrorReport<'_>| Manifest::check(value, described_as, report);
        assert_eq!(errors(document, check), [expected], "{document}");
        let first = Manifest::parse(value(document), described_as).unwrap_err();
        assert_eq!(place(document, first), expected);
    }

    #[test]
    fn schema_version_is_2() {
        let rest = format!(
            r#""config":{},"layers":[{}]"#,
            descriptor("a/b"),
            descriptor("a/b")
        );
        refused("[]", None, "field-type ");
        refused(&format!("{{{rest}}}"), None, "field-missing ");
        refused(
            &format!(r#"{{"schemaVersion":3,{rest}}}"#),
            None,
            "schema-version /schemaVersion",
        );
    }

    #[test]
    fn media_type_is_one_of_two_and_agrees_with_the_descriptor() {
        for media_type in [OCI, OCRE] {
            let document = manifest(&named(media_type), WASM_CONFIG, &[AOT], "");
            let described = MediaType::parse(media_type).unwrap();
            let parsed = Manifest::parse(value(&document), Some(described)).unwrap();
            assert_eq!(Some(parsed.manifest_type()), ManifestType::of(described));
        }
        let oci = manifest(&named(OCI), WASM_CONFIG, &[WASM], "");
        refused(&oci, Some(OCRE), "media-type-mismatch /mediaType");
        let other = manifest(&named("a/b"), WASM_CONFIG, &[WASM], "");
        refused(&other, None, "media-type-unsupported /mediaType");
        let malformed = manifest(&named("a"), WASM_CONFIG, &[WASM], "");
        refused(&malformed, None, "media-type-syntax /mediaType");
        let number = manifest(r#""mediaType":1,"#, WASM_CONFIG, &[WASM], "");
        refused(&number, None, "field-type /mediaType");
    }

    #[test]
    fn an_absent_media_type_is_the_descriptors_and_a_warning() {
        let document = manifest("", OCRE_CONFIG, &[OCRE_WASM], "");
        let plain = Manifest::parse(value(&document), None).unwrap();
        assert_eq!(plain.manifest_type(), ManifestType::Oci);
        let described = MediaType::parse(OCRE).unwrap();
        let parsed = Manifest::parse(value(&document), Some(described)).unwrap();
        assert_eq!(parsed.manifest_type(), ManifestType::Ocre);
        let warnings: Vec<_> = parsed.warnings().iter().collect();
        assert_eq!(warnings, [Warning::ManifestMediaTypeAbsent]);
        refused(&document, Some("a/b"), "media-type-unsupported ");
    }

    #[test]
    fn config_is_a_descriptor() {
        let rest = format!(r#"{{"schemaVersion":2,"layers":[{}]"#, descriptor("a/b"));
        refused(&format!("{rest}}}"), None, "field-missing ");
        refused(
            &format!(r#"{rest},"config":[]}}"#),
            None,
            "field-type /config",
        );
        let config = r#""config":{"mediaType":"a/b","digest":"a:b"}"#;
        refused(&format!("{rest},{config}}}"), None, "field-missing /config");
    }

    #[test]
    fn an_empty_config_needs_an_artifact_type() {
        let document = manifest("", EMPTY_CONFIG, &[WASM], "");
        refused(&document, None, "artifact-type-missing ");
        let document = manifest("", EMPTY_CONFIG, &[WASM], r#","artifactType":"a/b""#);
        let parsed = Manifest::parse(value(&document), None).unwrap();
        assert_eq!(parsed.artifact_type().unwrap(), "a/b");
        assert_eq!(parsed.config_type(), ConfigType::Empty);
        let document = manifest("", EMPTY_CONFIG, &[WASM], r#","artifactType":"a""#);
        refused(&document, None, "media-type-syntax /artifactType");
    }

    #[test]
    fn there_is_at_least_one_layer_and_each_is_a_descriptor() {
        refused(
            &manifest("", WASM_CONFIG, &[], ""),
            None,
            "layer-none /layers",
        );
        let rest = format!(r#"{{"schemaVersion":2,"config":{}"#, descriptor("a/b"));
        refused(&format!("{rest}}}"), None, "field-missing ");
        refused(
            &format!(r#"{rest},"layers":{{}}}}"#),
            None,
            "field-type /layers",
        );
        let bad = manifest("", WASM_CONFIG, &[WASM, "a"], "");
        refused(&bad, None, "media-type-syntax /layers/1/mediaType");
    }

    #[test]
    fn subject_is_a_descriptor_and_annotations_are_strings() {
        let subject = format!(
            r#","subject":{},"annotations":{{"a":"b"}}"#,
            descriptor("x/y")
        );
        let document = manifest("", WASM_CONFIG, &[WASM], &subject);
        let parsed = Manifest::parse(value(&document), None).unwrap();
        assert_eq!(parsed.subject().unwrap().media_type, "x/y");
        assert!(parsed.annotations().get("a").is_some());
        let bad = manifest("", WASM_CONFIG, &[WASM], r#","subject":{}"#);
        assert_eq!(check_all(&bad), ["field-missing /subject"; 3]);
        let bad = manifest("", WASM_CONFIG, &[WASM], r#","annotations":{"a":1}"#);
        refused(&bad, None, "annotation-type /annotations/a");
    }

    #[test]
    fn every_error_is_reported_in_order() {
        let document = r#"{"annotations":1,"subject":1,"layers":[1],"config":1,
            "mediaType":1,"schemaVersion":1}"#;
        let expected = [
            "schema-version /schemaVersion",
            "field-type /mediaType",
            "field-type /config",
            "field-type /layers/0",
            "field-type /subject",
            "field-type /annotations",
        ];
        assert_eq!(check_all(document), expected);
    }

    #[test]
    fn exactly_one_layer_is_executable_whatever_it_is_called() {
        for name in [
            WASM,
            OCRE_WASM,
            AOT,
            ALIAS,
            "application/vnd.ocre.image.v1.wasm+aot",
        ] {
            let document = manifest("", WASM_CONFIG, &[BLOB, name, "text/plain"], "");
            let parsed = Manifest::parse(value(&document), None).unwrap();
            let layer = parsed.executable().unwrap();
            assert_eq!(layer.index, 1);
            assert_eq!(layer.descriptor.media_type, name);
            assert_eq!(
                parsed
                    .layers()
                    .filter(|layer| layer.is_executable())
                    .count(),
                1
            );
        }
        let document = manifest("", WASM_CONFIG, &[BLOB], "");
        let error = Manifest::parse(value(&document), None)
            .unwrap()
            .executable()
            .unwrap_err();
        assert_eq!(place(&document, error), "layer-none /layers");
        let document = manifest("", WASM_CONFIG, &[WASM, BLOB, AOT], "");
        let error = Manifest::parse(value(&document), None)
            .unwrap()
            .executable()
            .unwrap_err();
        assert_eq!(place(&document, error), "layer-many /layers/2");
    }

    #[test]
    fn warnings_are_for_aliases_and_for_mixed_dialects() {
        use Warning::{DialectMixed, LayerMediaTypeAlias};
        for (media_type, config, layers, expected) in [
            (OCI, WASM_CONFIG, &[WASM][..], &[][..]),
            (OCI, WASM_CONFIG, &[AOT, BLOB], &[]),
            (OCI, OCRE_CONFIG, &[OCRE_WASM], &[]),
            (OCRE, OCRE_CONFIG, &[AOT, BLOB], &[]),
            (OCI, OCRE_CONFIG, &[ALIAS, BLOB], &[LayerMediaTypeAlias]),
            (OCI, WASM_CONFIG, &[CONTENT], &[LayerMediaTypeAlias]),
            (
                OCI,
                OCRE_CONFIG,
                &[CONTENT],
                &[LayerMediaTypeAlias, DialectMixed],
            ),
            (
                OCI,
                WASM_CONFIG,
                &[ALIAS],
                &[LayerMediaTypeAlias, DialectMixed],
            ),
            (OCI, WASM_CONFIG, &[OCRE_WASM], &[DialectMixed]),
            (OCI, OCRE_CONFIG, &[WASM], &[DialectMixed]),
            (OCRE, WASM_CONFIG, &[AOT], &[DialectMixed]),
            (OCRE, "a/b", &[WASM], &[DialectMixed]),
            (OCI, "a/b", &[WASM], &[]),
        ] {
            let document = manifest(&named(media_type), config, layers, "");
            let warnings = Manifest::parse(value(&document), None).unwrap().warnings();
            assert_eq!(warnings.iter().collect::<Vec<_>>(), expected, "{document}");
            assert_eq!(warnings.is_empty(), expected.is_empty());
        }
        let codes = Warning::ALL.map(Warning::code);
        let expected = [
            "manifest-media-type-absent",
            "layer-media-type-alias",
            "dialect-mixed",
            "config-entry-point-absent",
        ];
        assert_eq!(codes, expected);
    }
}
