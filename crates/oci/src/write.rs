// SPDX-License-Identifier: Apache-2.0
//! Writers of image documents.
//!
//! Promised: a written document parses here and gives the same values back; the same input gives
//! the same bytes, so the same digests. Members stand in the order of the specification, without
//! white space. Nothing allocates: the output is any [`fmt::Write`], and its error, which the end
//! of a document returns, is the only one.
//!
//! Design: [`index`], [`manifest`] and [`config`] write whole documents over [`object`], which also
//! serves any other JSON.
//!
//! ```
//! use ocre_oci::write::{self, DescriptorFields};
//! use ocre_oci::{Manifest, Sha256, json};
//!
//! let describe = |media_type, content: &[u8]| DescriptorFields {
//!     media_type,
//!     digest: Sha256::of(content),
//!     size: content.len() as u64,
//!     annotations: &[],
//!     platform: None,
//! };
//! let code = b"\0asm\x01\0\0\0";
//! let mut config = String::new();
//! write::config(
//!     &mut config,
//!     &write::ConfigFields {
//!         layer_digests: &[Sha256::of(code)],
//!         entry_point: "_start",
//!         env: &[],
//!         permissions: &["timers"],
//!     },
//! )?;
//! let config = describe("application/vnd.wasm.config.v0+json", config.as_bytes());
//! let layers = [describe("application/wasm", code)];
//! let mut manifest = String::new();
//! write::manifest(&mut manifest, &config, &layers, &[])?;
//!
//! let read = json::parse(manifest.as_bytes(), &json::Caps::default())?;
//! assert_eq!(Manifest::parse(read, None)?.executable()?.descriptor.size, 8);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use core::fmt::{self, Display, Write};

use crate::json::Value;
use crate::{Entry, INDEX_MEDIA_TYPE, LAYOUT_VERSION, ManifestType, Sha256};

/// Names and texts, in the order in which they are written.
pub type Pairs<'a> = &'a [(&'a str, &'a str)];

/// A descriptor to write.
#[derive(Clone, Copy, Debug)]
pub struct DescriptorFields<'a> {
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
pub struct ConfigFields<'a> {
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
        layout.string("imageLayoutVersion", LAYOUT_VERSION);
    })
}

/// Writes an index; `manifests` fills in its entries.
///
/// # Errors
/// Errors of `manifests` too; the index is not whole then.
pub fn index(
    out: &mut dyn Write,
    manifests: impl FnOnce(&mut Array<'_, '_>) -> fmt::Result,
) -> fmt::Result {
    let mut filled = Ok(());
    object(out, |index| {
        index.unsigned("schemaVersion", 2);
        index.string("mediaType", INDEX_MEDIA_TYPE);
        index.array("manifests", |out| filled = manifests(out));
    })?;
    filled
}

/// Writes a manifest of the OCI type.
pub fn manifest(
    out: &mut dyn Write,
    config: &DescriptorFields<'_>,
    layers: &[DescriptorFields<'_>],
    annotations: Pairs<'_>,
) -> fmt::Result {
    object(out, |manifest| {
        manifest.unsigned("schemaVersion", 2);
        manifest.string("mediaType", ManifestType::Oci.name());
        manifest.object("config", |out| config.members(out));
        manifest.array("layers", |out| {
            for layer in layers {
                out.object(|out| layer.members(out));
            }
        });
        manifest.pairs("annotations", annotations);
    })
}

/// Writes a config.
pub fn config(out: &mut dyn Write, config: &ConfigFields<'_>) -> fmt::Result {
    object(out, |out| {
        out.string("architecture", "wasm");
        out.string("os", "wasip1");
        out.array("layerDigests", |out| {
            for digest in config.layer_digests {
                out.display(digest);
            }
        });
        out.object("module", |module| {
            module.string("entryPoint", config.entry_point);
        });
        if config.env.is_empty() && config.permissions.is_empty() {
            return;
        }
        out.object("config", |out| {
            out.strings("Env", config.env);
            out.strings("Permissions", config.permissions);
        });
    })
}

impl DescriptorFields<'_> {
    fn members(&self, out: &mut Object<'_>) {
        out.string("mediaType", self.media_type);
        out.display("digest", &self.digest);
        out.unsigned("size", self.size);
        out.pairs("annotations", self.annotations);
        if let Some((architecture, os)) = self.platform {
            out.object("platform", |platform| {
                platform.string("architecture", architecture);
                platform.string("os", os);
            });
        }
    }
}

/// Writes one JSON object; `fill` writes its members.
pub fn object(out: &mut dyn Write, fill: impl FnOnce(&mut Object<'_>)) -> fmt::Result {
    let mut object = Object::new(out);
    object.open('{');
    fill(&mut object);
    object.close('}');
    object.written
}

/// Writes one JSON string with the text that `text` displays.
pub fn string(out: &mut dyn Write, text: impl Display) -> fmt::Result {
    let mut object = Object::new(out);
    object.quote(&text);
    object.written
}

/// Writer of the members of an object. The caller writes each name once.
///
/// After an error of the output, nothing more is written. The caller that began the document gets
/// the error.
pub struct Object<'w> {
    out: &'w mut dyn Write,
    /// True where the next item is the first between its brackets.
    first: bool,
    written: fmt::Result,
}

impl Write for Object<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.written.is_ok() {
            self.written = self.out.write_str(text);
        }
        self.written
    }
}

impl<'w> Object<'w> {
    fn new(out: &'w mut dyn Write) -> Self {
        Self {
            out,
            first: true,
            written: Ok(()),
        }
    }

    #[inline(never)]
    fn put(&mut self, character: char) {
        // The error is kept.
        let _ = self.write_char(character);
    }

    /// Opens a bracket.
    #[inline(never)]
    fn open(&mut self, bracket: char) {
        self.put(bracket);
        self.first = true;
    }

    #[inline(never)]
    fn close(&mut self, bracket: char) {
        self.put(bracket);
        self.first = false;
    }

    /// Puts a comma before each item but the first.
    #[inline(never)]
    fn separate(&mut self) {
        if !core::mem::take(&mut self.first) {
            self.put(',');
        }
    }

    fn name(&mut self, name: &dyn Display) {
        self.separate();
        self.quote(name);
        self.put(':');
    }

    #[inline(never)]
    fn quote(&mut self, text: &dyn Display) {
        self.put('"');
        let _ = write!(JsonEscape(self), "{text}");
        self.put('"');
    }

    /// A member that is a string.
    #[inline(never)]
    pub fn string(&mut self, name: &str, text: &str) {
        self.display(name, &text);
    }

    /// A member that is a string: what `text` displays.
    #[inline(never)]
    pub fn display(&mut self, name: &str, text: &dyn Display) {
        self.name(&name);
        self.quote(text);
    }

    /// A member that is spelt as `value` is displayed.
    #[inline(never)]
    fn plain(&mut self, name: &dyn Display, value: &dyn Display) {
        self.name(name);
        let _ = write!(self, "{value}");
    }

    /// A member that is an integer.
    #[inline(never)]
    pub fn unsigned(&mut self, name: &str, number: u64) {
        self.plain(&name, &number);
    }

    /// A member that is `true` or `false`.
    pub fn boolean(&mut self, name: &str, value: bool) {
        self.plain(&name, &value);
    }

    /// A member that is `null`.
    #[inline(never)]
    pub fn null(&mut self, name: &str) {
        self.plain(&name, &"null");
    }

    /// A member that is an integer, or `null`.
    #[inline(never)]
    pub fn optional(&mut self, name: &str, number: Option<u64>) {
        match number {
            Some(number) => self.unsigned(name, number),
            None => self.null(name),
        }
    }

    /// A member copied as it is spelt in another document.
    pub fn copy(&mut self, name: &dyn Display, value: Value<'_>) {
        self.plain(name, &value.source());
    }

    #[inline(never)]
    fn nested(&mut self, name: &str, bracket: char) {
        self.name(&name);
        self.open(bracket);
    }

    /// A member that is an object.
    pub fn object(&mut self, name: &str, fill: impl FnOnce(&mut Self)) {
        self.nested(name, '{');
        fill(self);
        self.close('}');
    }

    /// A member that is an array; `fill` writes its elements.
    pub fn array(&mut self, name: &str, fill: impl FnOnce(&mut Array<'_, 'w>)) {
        self.nested(name, '[');
        fill(&mut Array(self));
        self.close(']');
    }

    fn strings(&mut self, name: &str, texts: &[&str]) {
        if texts.is_empty() {
            return;
        }
        self.array(name, |out| {
            texts.iter().for_each(|text| out.string(text));
        });
    }

    fn pairs(&mut self, name: &str, pairs: Pairs<'_>) {
        if pairs.is_empty() {
            return;
        }
        self.object(name, |out| {
            pairs.iter().for_each(|(name, text)| out.string(name, text));
        });
    }
}

/// Writer of the elements of an array. Entries of an index return an error at once, as there may be
/// many; the other elements keep it as [`Object`] does.
pub struct Array<'a, 'w>(&'a mut Object<'w>);

impl<'w> Array<'_, 'w> {
    /// An element that is a string.
    pub fn string(&mut self, text: &str) {
        self.display(&text);
    }

    /// An element that is a string: what `text` displays.
    #[inline(never)]
    pub fn display(&mut self, text: &dyn Display) {
        self.0.separate();
        self.0.quote(text);
    }

    /// An element that is an object.
    pub fn object(&mut self, fill: impl FnOnce(&mut Object<'w>)) {
        self.0.separate();
        self.0.open('{');
        fill(self.0);
        self.0.close('}');
    }

    /// An element copied as it is spelt in another document.
    pub fn copy(&mut self, value: Value<'_>) -> fmt::Result {
        self.0.separate();
        self.0.write_str(value.source())
    }

    /// An element that is a descriptor.
    pub fn descriptor(&mut self, descriptor: &DescriptorFields<'_>) -> fmt::Result {
        self.object(|out| descriptor.members(out));
        self.0.written
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
                    out.copy(&member, value);
                }
            }
            if set().next().is_none() && kept().next().is_none() {
                return;
            }
            out.object("annotations", |out| {
                kept().for_each(|(name, value)| out.copy(&name, value));
                set().for_each(|(name, text)| out.display(name, text));
            });
        });
        self.0.written
    }
}

/// Passes text on, escaped for the inside of a JSON string.
struct JsonEscape<'a, 'w>(&'a mut Object<'w>);

impl Write for JsonEscape<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            let letter = match character {
                '"' | '\\' => character,
                '\n' => 'n',
                '\r' => 'r',
                '\t' => 't',
                // DEL and the C1 controls need no escape, but a terminal obeys them.
                control if control.is_control() => {
                    write!(self.0, "\\u{:04x}", u32::from(control))?;
                    continue;
                }
                other => {
                    self.0.write_char(other)?;
                    continue;
                }
            };
            self.0.put('\\');
            self.0.put(letter);
        }
        Ok(())
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

    const BLOB: DescriptorFields<'_> = DescriptorFields {
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
                out.unsigned("a", u64::MAX);
                out.boolean("b", true);
                out.null("c");
                out.array("d", |_| {});
                out.array("e", |out| {
                    out.string("x");
                    out.object(|_| {});
                    out.copy(value(" [ 1 ] ")).unwrap();
                });
                out.object("f", |out| out.display("g\"", &1));
                out.optional("h", Some(0));
                out.optional("i", None);
            })
        });
        let expected = concat!(
            r#"{"a":18446744073709551615,"b":true,"c":null,"d":[],"#,
            r#""e":["x",{},[ 1 ]],"f":{"g\"":"1"},"h":0,"i":null}"#
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
                &ConfigFields {
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
        let config = DescriptorFields {
            media_type,
            digest,
            size,
            ..BLOB
        };
        let layers = [DescriptorFields {
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
                &ConfigFields {
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
        let named = DescriptorFields {
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
