// SPDX-License-Identifier: Apache-2.0
//! Image manifests (OCI manifest.md), in either dialect.

use core::ops::ControlFlow;

use crate::descriptor::media_type;
use crate::error::{first, report as hand_over};
use crate::index::{artifact_type, check_schema_version, check_tail};
use crate::json::{Kind, Value};
use crate::{
    Annotations, ConfigType, Descriptor, Error, ErrorKind, LayerKind, ManifestType, MediaType,
    Naming, Report,
};

/// A config and at least one layer.
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
        Ok(Self {
            value,
            layers: value.require("layers")?,
            manifest_type: manifest_type(value, described_as)?,
            config: Descriptor::required(value.require("config")?)?,
        })
    }

    /// Reports, in this order, what is wrong with `schemaVersion`; `mediaType`
    /// (`media-type-syntax`, `media-type-unsupported`, or `media-type-mismatch` with
    /// the descriptor); `config`, whose empty type needs an `artifactType`
    /// (`artifact-type-missing`); `layers`, of which there is at least one
    /// (`layer-none`); `artifactType`; `subject`; `annotations`.
    ///
    /// How many layers are executable is left to [`executable`](Self::executable):
    /// an image that can't run can still be stored.
    pub fn check(
        value: Value<'a>,
        described_as: Option<MediaType<'_>>,
        report: Report<'_>,
    ) -> ControlFlow<()> {
        if let Err(error) = value.expect(Kind::Object) {
            return report(error);
        }
        check_schema_version(value, report)?;
        hand_over(manifest_type(value, described_as), report)?;
        if let Some(config) = hand_over(value.require("config"), report)? {
            Descriptor::check(config, report)?;
            let config_type = config
                .get("mediaType")
                .and_then(|value| media_type(value).ok());
            if config_type.map(ConfigType::of) == Some(ConfigType::Empty)
                && value.get("artifactType").is_none()
            {
                report(value.error(ErrorKind::ArtifactTypeMissing))?;
            }
        }
        let layers = value
            .require("layers")
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

    /// What it calls itself, else what its descriptor calls it, else the OCI type.
    pub fn manifest_type(&self) -> ManifestType {
        self.manifest_type
    }

    /// The descriptor of its config.
    pub fn config(&self) -> Descriptor<'a> {
        self.config
    }

    /// What its config is.
    pub fn config_type(&self) -> ConfigType {
        ConfigType::of(self.config.media_type)
    }

    /// Its layers, in order.
    pub fn layers(&self) -> impl Iterator<Item = Layer<'a>> + Clone {
        self.layers
            .elements()
            .enumerate()
            .filter_map(|(index, value)| {
                let descriptor = Descriptor::required(value).ok()?;
                Some(Layer {
                    index,
                    descriptor,
                    kind: LayerKind::of(descriptor.media_type),
                })
            })
    }

    /// The one layer that holds the code.
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

    /// What is odd about it and accepted.
    pub fn warnings(&self) -> Warnings {
        let mut warnings = Warnings::default();
        if self.value.get("mediaType").is_none() {
            warnings.insert(Warning::ManifestMediaTypeAbsent);
        }
        let mut current = false;
        let mut ocre = false;
        let mut note = |naming| match naming {
            Naming::Shared => {}
            Naming::Current => current = true,
            Naming::Ocre | Naming::Alias => ocre = true,
        };
        note(self.manifest_type.naming());
        note(self.config_type().naming());
        for layer in self.layers() {
            let naming = layer.kind.naming();
            if naming == Naming::Alias {
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

    /// The manifest that this one says something about.
    pub fn subject(&self) -> Option<Descriptor<'a>> {
        Descriptor::required(self.value.get("subject")?).ok()
    }

    /// Its annotations; none if the member is absent.
    pub fn annotations(&self) -> Annotations<'a> {
        Annotations::of(self.value)
    }
}

fn manifest_type(
    object: Value<'_>,
    described_as: Option<MediaType<'_>>,
) -> Result<ManifestType, Error> {
    let Some(value) = object.get("mediaType") else {
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

/// One layer of a manifest.
#[derive(Clone, Copy, Debug)]
pub struct Layer<'a> {
    /// Its place in `layers`, from 0.
    pub index: usize,
    /// Its descriptor.
    pub descriptor: Descriptor<'a>,
    /// What it is.
    pub kind: LayerKind,
}

impl Layer<'_> {
    /// Whether it holds code.
    pub fn is_executable(&self) -> bool {
        matches!(self.kind, LayerKind::Executable { .. })
    }
}

/// Something odd that is accepted all the same.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Warning {
    /// The manifest does not say what it is.
    ManifestMediaTypeAbsent = 1,
    /// A layer has the name of Ocre's example, not that of its rules.
    LayerMediaTypeAlias = 2,
    /// Names of both dialects in one image.
    DialectMixed = 4,
}

impl Warning {
    /// Every warning, in the order in which they are listed.
    pub const ALL: [Self; 3] = [
        Self::ManifestMediaTypeAbsent,
        Self::LayerMediaTypeAlias,
        Self::DialectMixed,
    ];

    /// The stable name that users, scripts and `docs/errors.md` know it by.
    pub const fn code(self) -> &'static str {
        match self {
            Self::ManifestMediaTypeAbsent => "manifest-media-type-absent",
            Self::LayerMediaTypeAlias => "layer-media-type-alias",
            Self::DialectMixed => "dialect-mixed",
        }
    }
}

/// A set of warnings.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Warnings(u8);

impl Warnings {
    /// Adds one.
    pub fn insert(&mut self, warning: Warning) {
        self.0 |= warning as u8;
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether that one is among them.
    pub fn contains(self, warning: Warning) -> bool {
        self.0 & warning as u8 != 0
    }

    /// Each, in the order of [`Warning::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Warning> + Clone {
        Warning::ALL
            .into_iter()
            .filter(move |&warning| self.contains(warning))
    }
}
