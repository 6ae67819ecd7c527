// SPDX-License-Identifier: Apache-2.0
//! Name of an image of a layout on the flash.
//!
//! `org.opencontainers.image.ref.name` is a tag by the image specification, and a name only where
//! it holds a whole reference. So the name comes, in this order, from the command line, from
//! `io.containerd.image.name`, from a whole reference in `ref.name`, and else from the folder or
//! the archive, with `ref.name` as its tag.

use std::ffi::OsStr;
use std::fmt::Display;

use ocre::command::hints;
use ocre::image::OciLayout;
use ocre::image::blob::read_named;
use ocre::image::judge::Selector;
use ocre::image::signature_entry::belongs_to_image;
use ocre::image::store::Tag;
use ocre::image::verdict::Code;
use ocre::port::Storage;
use ocre_oci::json::{self, Caps};
use ocre_oci::{Entry, Index, Reference};
use ocre_tools::failure::Failure;
use ocre_tools::layout_name::LayoutName;
use ocre_tools::partition;

/// Annotation with the whole name of an image, as containerd and Docker write it.
const CONTAINERD_NAME: &str = "io.containerd.image.name";

/// Name of an image on the flash, and its origin.
pub struct ImportName {
    /// The name, with its tag.
    pub tag: Tag,
    /// True for a name made from that of a folder or an archive: another image may have the same
    /// name by chance.
    pub derived: bool,
}

impl ImportName {
    /// Parses a name from the command line.
    ///
    /// # Errors
    /// `reference-syntax`.
    pub fn given(name: &str, what: impl Display) -> Result<Self, Failure> {
        let reference = Reference::parse(name).map_err(|error| {
            let code = Code::Document(error.kind);
            Failure::new(what, code.as_str(), hints::refusal(code))
        })?;
        Ok(Self {
            tag: Tag::new(&reference),
            derived: false,
        })
    }

    /// Finds a name for the image that `layout` selects; `None` where neither the layout nor its
    /// path gives one.
    pub fn of_layout<S: Storage>(source: OciLayout<'_, S>, layout: &LayoutName) -> Option<Self> {
        let AnnotatedNames { whole, tag } = annotations(source, layout).unwrap_or_default();
        if let Some(name) = whole {
            let tag = Tag::new(&Reference::parse(&name).ok()?);
            return Some(Self {
                tag,
                derived: false,
            });
        }
        let name = path_name(layout)?;
        let name = Reference::parse(&name).ok()?;
        let tagged = tag.map(|tag| format!("{}:{tag}", name.name()));
        let tagged = tagged.as_deref().map(Reference::parse);
        let reference = tagged.and_then(Result::ok).unwrap_or(name);
        Some(Self {
            tag: Tag::new(&reference),
            derived: true,
        })
    }
}

/// Names in the annotations of an index entry.
#[derive(Default)]
struct AnnotatedNames {
    whole: Option<String>,
    tag: Option<String>,
}

impl AnnotatedNames {
    fn of(entry: &Entry<'_>) -> Self {
        let reference = entry.reference_name().map(|name| name.to_string());
        let containerd = entry.annotation(CONTAINERD_NAME);
        let containerd = containerd.map(|name| name.to_string());
        let is_name = |name: &String| Reference::parse(name).is_ok();
        let is_whole = |name: &String| is_name(name) && name.contains([':', '/', '@']);
        Self {
            whole: containerd
                .filter(is_name)
                .or_else(|| reference.clone().filter(is_whole)),
            tag: reference,
        }
    }
}

/// Names of the first selected entry of the index that has one.
fn annotations<S: Storage>(
    source: OciLayout<'_, S>,
    layout: &LayoutName,
) -> Option<AnnotatedNames> {
    let mut buffer = partition::document();
    let index = read_named(source, "index.json", Code::IndexMissing, &mut buffer).ok()?;
    let index = Index::parse(json::parse(index, &Caps::default()).ok()?).ok()?;
    let selector = layout.selector();
    let is_any = selector == Selector::default();
    let is_meant = |entry: &Entry<'_>| {
        if is_any && belongs_to_image(entry) {
            return false;
        }
        let has = |digest| {
            let found = entry.descriptor().ok();
            found.and_then(|found| found.digest.sha256()) == Some(digest)
        };
        selector.names(entry) && selector.digest.is_none_or(has)
    };
    let meant = index.manifests().filter(is_meant);
    let mut named = meant.map(|entry| AnnotatedNames::of(&entry));
    named.find(|found| found.whole.is_some() || found.tag.is_some())
}

/// Name of a layout's folder, or of its file without the extension.
fn path_name(layout: &LayoutName) -> Option<String> {
    let path = layout.path.canonicalize().ok()?;
    let name = if path.is_dir() {
        path.file_name()
    } else {
        path.file_stem()
    };
    name.and_then(OsStr::to_str).map(str::to_owned)
}
