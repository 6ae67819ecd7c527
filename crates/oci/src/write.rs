// SPDX-License-Identifier: Apache-2.0
//! Image documents, written.
//!
//! Promised: what is written here parses here and gives back what was put in; the
//! same input gives the same bytes, so the same digests. Members stand in the
//! order of the specification, without white space. Nothing allocates: the output
//! is any [`fmt::Write`], and its error is the only one there is.
//!
//! How: [`index`], [`manifest`] and [`config`] write whole documents over
//! [`object`], which is also there for any other JSON.

use core::fmt::{self, Display, Write};

use crate::json::Value;
use crate::{Entry, INDEX_MEDIA_TYPE, LAYOUT_VERSION, ManifestType, REF_NAME, Sha256};

/// Names and texts, in the order in which they are written.
pub type Pairs<'a> = &'a [(&'a str, &'a str)];

/// A descriptor to write.
#[derive(Clone, Copy, Debug)]
pub struct Descriptor<'a> {
    /// `mediaType`
    pub media_type: &'a str,
    /// `digest`
    pub digest: Sha256,
    /// `size` in bytes.
    pub size: u64,
    /// `annotations`, absent if there are none.
    pub annotations: Pairs<'a>,
    /// `platform`: architecture and os.
    pub platform: Option<(&'a str, &'a str)>,
}

/// A config to write, in the current dialect.
#[derive(Clone, Copy, Debug)]
pub struct Config<'a> {
    /// `layerDigests`
    pub layer_digests: &'a [Sha256],
    /// `module.entryPoint`
    pub entry_point: &'a str,
    /// `config.Env`, absent if there is none.
    pub env: &'a [&'a str],
    /// `config.Permissions`, absent if there are none.
    pub permissions: &'a [&'a str],
}

/// Writes the marker file `oci-layout`.
pub fn layout<W: Write>(out: &mut W) -> fmt::Result {
    object(out, |layout| {
        layout.string("imageLayoutVersion", LAYOUT_VERSION)
    })
}

/// Writes an index; `manifests` fills in its entries.
pub fn index<W: Write>(
    out: &mut W,
    manifests: impl FnOnce(&mut Array<'_, W>) -> fmt::Result,
) -> fmt::Result {
    object(out, |index| {
        index.unsigned("schemaVersion", 2)?;
        index.string("mediaType", INDEX_MEDIA_TYPE)?;
        index.array("manifests", manifests)
    })
}

/// Writes a manifest of the OCI type.
pub fn manifest<W: Write>(
    out: &mut W,
    config: &Descriptor<'_>,
    layers: &[Descriptor<'_>],
    annotations: Pairs<'_>,
) -> fmt::Result {
    object(out, |manifest| {
        manifest.unsigned("schemaVersion", 2)?;
        manifest.string("mediaType", ManifestType::Oci.name())?;
        manifest.object("config", |out| config.members(out))?;
        manifest.array("layers", |out| {
            layers.iter().try_for_each(|layer| out.descriptor(layer))
        })?;
        manifest.pairs("annotations", annotations)
    })
}

/// Writes a config.
pub fn config<W: Write>(out: &mut W, config: &Config<'_>) -> fmt::Result {
    object(out, |out| {
        out.string("architecture", "wasm")?;
        out.string("os", "wasip1")?;
        out.array("layerDigests", |out| {
            config
                .layer_digests
                .iter()
                .try_for_each(|digest| out.string(digest))
        })?;
        out.object("module", |module| {
            module.string("entryPoint", config.entry_point)
        })?;
        if config.env.is_empty() && config.permissions.is_empty() {
            return Ok(());
        }
        out.object("config", |out| {
            out.strings("Env", config.env)?;
            out.strings("Permissions", config.permissions)
        })
    })
}

impl Descriptor<'_> {
    fn members<W: Write>(&self, out: &mut Object<'_, W>) -> fmt::Result {
        out.string("mediaType", self.media_type)?;
        out.string("digest", self.digest)?;
        out.unsigned("size", self.size)?;
        out.pairs("annotations", self.annotations)?;
        match self.platform {
            None => Ok(()),
            Some((architecture, os)) => out.object("platform", |platform| {
                platform.string("architecture", architecture)?;
                platform.string("os", os)
            }),
        }
    }
}

/// Writes one JSON object; `fill` writes its members.
pub fn object<W: Write>(
    out: &mut W,
    fill: impl FnOnce(&mut Object<'_, W>) -> fmt::Result,
) -> fmt::Result {
    out.write_char('{')?;
    fill(&mut Object { out, first: true })?;
    out.write_char('}')
}

/// Writes one JSON string: what `text` displays.
pub fn string<W: Write>(out: &mut W, text: impl Display) -> fmt::Result {
    out.write_char('"')?;
    write!(Escape(out), "{text}")?;
    out.write_char('"')
}

/// The members of an object. Writing a name twice is the caller's mistake.
pub struct Object<'w, W> {
    out: &'w mut W,
    first: bool,
}

impl<W: Write> Object<'_, W> {
    fn name(&mut self, name: impl Display) -> Result<&mut W, fmt::Error> {
        separate(self.out, &mut self.first)?;
        string(self.out, name)?;
        self.out.write_char(':')?;
        Ok(self.out)
    }

    /// A member that is a string: what `text` displays.
    pub fn string(&mut self, name: impl Display, text: impl Display) -> fmt::Result {
        string(self.name(name)?, text)
    }

    /// A member that is an integer.
    pub fn unsigned(&mut self, name: impl Display, number: u64) -> fmt::Result {
        write!(self.name(name)?, "{number}")
    }

    /// A member that is `true` or `false`.
    pub fn boolean(&mut self, name: impl Display, value: bool) -> fmt::Result {
        write!(self.name(name)?, "{value}")
    }

    /// A member that is `null`.
    pub fn null(&mut self, name: impl Display) -> fmt::Result {
        self.name(name)?.write_str("null")
    }

    /// A member copied as it is spelt in another document.
    pub fn copy(&mut self, name: impl Display, value: Value<'_>) -> fmt::Result {
        self.name(name)?.write_str(value.source())
    }

    /// A member that is an object.
    pub fn object(
        &mut self,
        name: impl Display,
        fill: impl FnOnce(&mut Object<'_, W>) -> fmt::Result,
    ) -> fmt::Result {
        object(self.name(name)?, fill)
    }

    /// A member that is an array; `fill` writes its elements.
    pub fn array(
        &mut self,
        name: impl Display,
        fill: impl FnOnce(&mut Array<'_, W>) -> fmt::Result,
    ) -> fmt::Result {
        let out = self.name(name)?;
        out.write_char('[')?;
        fill(&mut Array { out, first: true })?;
        out.write_char(']')
    }

    fn strings(&mut self, name: &str, texts: &[&str]) -> fmt::Result {
        if texts.is_empty() {
            return Ok(());
        }
        self.array(name, |out| {
            texts.iter().try_for_each(|text| out.string(text))
        })
    }

    fn pairs(&mut self, name: &str, pairs: Pairs<'_>) -> fmt::Result {
        if pairs.is_empty() {
            return Ok(());
        }
        self.object(name, |out| {
            pairs
                .iter()
                .try_for_each(|(name, text)| out.string(name, text))
        })
    }
}

/// The elements of an array.
pub struct Array<'w, W> {
    out: &'w mut W,
    first: bool,
}

impl<W: Write> Array<'_, W> {
    fn element(&mut self) -> Result<&mut W, fmt::Error> {
        separate(self.out, &mut self.first)?;
        Ok(self.out)
    }

    /// An element that is a string: what `text` displays.
    pub fn string(&mut self, text: impl Display) -> fmt::Result {
        string(self.element()?, text)
    }

    /// An element that is an object.
    pub fn object(&mut self, fill: impl FnOnce(&mut Object<'_, W>) -> fmt::Result) -> fmt::Result {
        object(self.element()?, fill)
    }

    /// An element copied as it is spelt in another document.
    pub fn copy(&mut self, value: Value<'_>) -> fmt::Result {
        self.element()?.write_str(value.source())
    }

    /// An element that is a descriptor.
    pub fn descriptor(&mut self, descriptor: &Descriptor<'_>) -> fmt::Result {
        self.object(|out| descriptor.members(out))
    }

    /// An entry of another index under another name, or under none; everything
    /// else about it is copied.
    pub fn renamed(&mut self, entry: &Entry<'_>, name: Option<&str>) -> fmt::Result {
        let kept = || entry.annotations().filter(|(found, _)| *found != REF_NAME);
        self.object(|out| {
            for (member, value) in entry.value().members() {
                if member != "annotations" {
                    out.copy(member, value)?;
                }
            }
            if name.is_none() && kept().next().is_none() {
                return Ok(());
            }
            out.object("annotations", |out| {
                kept().try_for_each(|(name, value)| out.copy(name, value))?;
                name.map_or(Ok(()), |name| out.string(REF_NAME, name))
            })
        })
    }
}

fn separate<W: Write>(out: &mut W, first: &mut bool) -> fmt::Result {
    if core::mem::take(first) {
        Ok(())
    } else {
        out.write_char(',')
    }
}

/// Passes text on, escaped for the inside of a JSON string.
struct Escape<'w, W>(&'w mut W);

impl<W: Write> Write for Escape<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.chars().try_for_each(|character| match character {
            '"' => self.0.write_str("\\\""),
            '\\' => self.0.write_str("\\\\"),
            '\n' => self.0.write_str("\\n"),
            '\r' => self.0.write_str("\\r"),
            '\t' => self.0.write_str("\\t"),
            // DEL and the C1 controls need no escape, but a terminal obeys them.
            control if control.is_control() => write!(self.0, "\\u{:04x}", u32::from(control)),
            other => self.0.write_char(other),
        })
    }
}
