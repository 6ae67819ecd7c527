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
use crate::{Entry, INDEX_MEDIA_TYPE, LAYOUT_VERSION, ManifestType, Sha256};

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

    /// An entry of another index in which some annotations have another text, or
    /// are gone; everything else about it is copied.
    pub fn annotated(
        &mut self,
        entry: &Entry<'_>,
        changed: &[(&str, Option<&dyn Display>)],
    ) -> fmt::Result {
        let kept = || {
            let same = |found| !changed.iter().any(|(name, _)| found == **name);
            entry.annotations().filter(move |(found, _)| same(*found))
        };
        let set = || {
            changed
                .iter()
                .filter_map(|(name, text)| Some((name, (*text)?)))
        };
        self.object(|out| {
            for (member, value) in entry.value().members() {
                if member != "annotations" {
                    out.copy(member, value)?;
                }
            }
            if set().next().is_none() && kept().next().is_none() {
                return Ok(());
            }
            out.object("annotations", |out| {
                kept().try_for_each(|(name, value)| out.copy(name, value))?;
                set().try_for_each(|(name, text)| out.string(name, text))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::value;
    use crate::{Index, Manifest, REF_NAME};
    use std::format;
    use std::string::{String, ToString};
    use std::vec::Vec;

    fn written(write: impl FnOnce(&mut String) -> fmt::Result) -> String {
        let mut out = String::new();
        write(&mut out).unwrap();
        out
    }

    const BLOB: Descriptor<'_> = Descriptor {
        media_type: "a/b",
        digest: Sha256([0xab; 32]),
        size: 7,
        annotations: &[],
        platform: None,
    };

    #[test]
    fn a_string_reads_back_as_it_was_put_in() {
        for text in [
            "",
            "\"\\/",
            "\u{0}\u{1f}\n\r\t\u{8}\u{7f}\u{9b}",
            "é😀",
            "\\u0041",
        ] {
            let document = written(|out| string(out, text));
            assert_eq!(value(&document).text().unwrap(), text, "{document}");
        }
        assert_eq!(
            written(|out| string(out, "a\n\u{1b}\"")),
            r#""a\n\u001b\"""#
        );
    }

    #[test]
    fn values_stand_between_commas() {
        let document = written(|out| {
            object(out, |out| {
                out.unsigned("a", u64::MAX)?;
                out.boolean("b", true)?;
                out.null("c")?;
                out.array("d", |_| Ok(()))?;
                out.array("e", |out| {
                    out.string("x")?;
                    out.object(|_| Ok(()))?;
                    out.copy(value(" [ 1 ] "))
                })?;
                out.object("f", |out| out.string("g\"", 1))
            })
        });
        let expected = concat!(
            r#"{"a":18446744073709551615,"b":true,"c":null,"d":[],"#,
            r#""e":["x",{},[ 1 ]],"f":{"g\"":"1"}}"#
        );
        assert_eq!(document, expected);
        value(&document);
    }

    #[test]
    fn a_layout_marker_parses() {
        let document = written(layout);
        assert_eq!(document, r#"{"imageLayoutVersion":"1.0.0"}"#);
        assert!(crate::Layout::parse(value(&document)).is_ok());
    }

    #[test]
    fn a_manifest_and_its_config_parse() {
        let config_text = written(|out| {
            let layer_digests = &[BLOB.digest];
            let (env, permissions) = (&["A=\"1\""][..], &["gpio"][..]);
            config(
                out,
                &Config {
                    layer_digests,
                    entry_point: "_start",
                    env,
                    permissions,
                },
            )
        });
        let digest = Sha256::of(config_text.as_bytes());
        let size = u64::try_from(config_text.len()).unwrap();
        let media_type = "application/vnd.wasm.config.v0+json";
        let config = Descriptor {
            media_type,
            digest,
            size,
            ..BLOB
        };
        let layers = [Descriptor {
            media_type: "application/wasm",
            ..BLOB
        }];
        let text = written(|out| manifest(out, &config, &layers, &[("k", "v")]));

        let parsed = Manifest::parse(value(&text), None).unwrap();
        assert!(parsed.warnings().is_empty());
        assert_eq!(parsed.config().digest, digest);
        assert_eq!(parsed.executable().unwrap().descriptor.size, 7);
        assert!(
            parsed
                .annotations()
                .get("k")
                .is_some_and(|text| text == "v")
        );
        let parsed =
            crate::Config::parse(value(&config_text), parsed.config_type(), &parsed).unwrap();
        assert_eq!(parsed.entry_point(), "_start");
        assert_eq!(
            parsed.env().map(|e| e.to_string()).collect::<Vec<_>>(),
            ["A=\"1\""]
        );
        assert_eq!(
            parsed
                .permissions()
                .map(|p| p.to_string())
                .collect::<Vec<_>>(),
            ["gpio"]
        );
    }

    #[test]
    fn a_config_without_settings_is_the_published_one_without_white_space() {
        let published = include_str!("../../../testdata/vectors/ocre-config.json");
        let layer_digest = value(published)
            .get("layerDigests")
            .unwrap()
            .elements()
            .next()
            .unwrap();
        let layer_digests = &[layer_digest.text().unwrap().to_string().parse().unwrap()];
        let document = written(|out| {
            config(
                out,
                &Config {
                    layer_digests,
                    entry_point: "on_init",
                    env: &[],
                    permissions: &[],
                },
            )
        });
        let stripped: String = published.split_ascii_whitespace().collect();
        assert_eq!(document, stripped);
    }

    #[test]
    fn an_index_entry_keeps_everything_but_its_name() {
        let annotations = &[("a", "b"), (REF_NAME, "old")];
        let named = Descriptor {
            annotations,
            platform: Some(("wasm", "wasip1")),
            ..BLOB
        };
        let first = written(|out| {
            index(out, |out| {
                out.descriptor(&named)?;
                out.descriptor(&BLOB)
            })
        });
        let parsed = Index::parse(value(&first)).unwrap();
        let entries: Vec<_> = parsed.manifests().collect();
        assert_eq!(entries[0].reference_name().unwrap(), "old");
        assert_eq!(
            entries[0].descriptor().unwrap().platform().unwrap().os,
            "wasip1"
        );

        let renamed = |entry, name: Option<&str>| {
            let name = name.as_ref().map(|name| name as &dyn Display);
            written(|out| index(out, |out| out.annotated(entry, &[(REF_NAME, name)])))
        };
        let document = renamed(&entries[0], Some("new"));
        let entry = Index::parse(value(&document))
            .unwrap()
            .manifests()
            .next()
            .unwrap();
        assert_eq!(entry.reference_name().unwrap(), "new");
        let descriptor = entry.descriptor().unwrap();
        assert_eq!(descriptor.annotations().iter().count(), 2);
        assert!(descriptor.platform().is_some());

        let document = renamed(&entries[1], Some("new"));
        let entry = Index::parse(value(&document))
            .unwrap()
            .manifests()
            .next()
            .unwrap();
        assert_eq!(entry.reference_name().unwrap(), "new");

        let plain = format!(
            r#"{{"mediaType":"a/b","digest":"{}","size":7}}"#,
            BLOB.digest
        );
        assert!(renamed(&entries[1], None).contains(&plain));
        let unnamed = renamed(&entries[0], None);
        assert!(unnamed.contains(r#""annotations":{"a":"b"}"#), "{unnamed}");
    }

    #[test]
    fn an_error_of_the_output_is_passed_on() {
        let mut small = heapless::String::<8>::new();
        assert_eq!(layout(&mut small), Err(fmt::Error));
    }
}
