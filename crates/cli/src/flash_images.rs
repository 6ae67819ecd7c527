// SPDX-License-Identifier: Apache-2.0
//! Images of a new flash file.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;

use ocre::image::Image;
use ocre::image::OciLayout;
use ocre::image::examine::Examination;
use ocre::image::judge::{Selector, Workspace};
use ocre::image::store::{Store, Tag};
use ocre::image::verdict::Report;
use ocre::port::Storage;
use ocre_oci::Sha256;
use ocre_pc::platform;
use ocre_tools::failure::Failure;
use ocre_tools::firmware::Firmware;
use ocre_tools::layout::OpenLayout;
use ocre_tools::layout_name::LayoutName;
use ocre_tools::linux_image;
use ocre_tools::partition;
use ocre_wamr::WamrEngine;

use super::device;
use super::import;
use super::output::LineOutput;

/// An image of a layout on the PC, and its name on the flash.
#[derive(Clone, Debug)]
pub struct Wanted {
    layout: LayoutName,
    name: Option<String>,
}

/// Parses `LAYOUT[:REF|@DIGEST][=NAME[:TAG]]`, for clap. A path may hold `=` too: the part before
/// the last one is the layout if it exists.
pub fn wanted(argument: OsString) -> Result<Wanted, String> {
    let bytes = argument.as_bytes();
    let sign = bytes.iter().rposition(|byte| *byte == b'=');
    if let Some(sign) = sign {
        let layout = LayoutName::parse(OsStr::from_bytes(&bytes[..sign]))?;
        if layout.path.exists() {
            let name = std::str::from_utf8(&bytes[sign + 1..]).map_err(|_| "not UTF-8")?;
            let name = Some(import::name(name)?);
            return Ok(Wanted { layout, name });
        }
    }
    let layout = LayoutName::parse(&argument)?;
    Ok(Wanted { layout, name: None })
}

/// Puts images into a storage's store, each judged for the firmware first. Returns their names
/// and digests.
pub fn put<S: Storage>(
    images: &[Wanted],
    storage: &S,
    firmware: &Firmware,
    err: &mut LineOutput,
) -> Result<Vec<(Tag, Sha256)>, Failure> {
    let mut put = Vec::new();
    if images.is_empty() {
        return Ok(put);
    }
    let engine = platform::engine_for(firmware.target).map_err(|_| device::no_engine())?;
    let mut document = vec![0; firmware.document];
    let mut store = partition::store(storage, &mut document)?;
    for image in images {
        let what = format!("can't import {}", image.layout.path.display());
        let taken = match OpenLayout::open(&image.layout.path) {
            Ok(OpenLayout::Folder(folder)) => {
                take(image, &folder, &mut store, &engine, firmware, &what, err)
            }
            Ok(OpenLayout::Archive(archive)) => {
                take(image, &archive, &mut store, &engine, firmware, &what, err)
            }
            Err(missing) => Err(missing.into_failure(&what)),
        };
        put.push(taken?);
    }
    Ok(put)
}

/// Judges an image and puts it into the store. Returns its name and digest.
fn take<F: Storage, S: Storage>(
    image: &Wanted,
    layout: &F,
    store: &mut Store<'_, S>,
    engine: &WamrEngine,
    firmware: &Firmware,
    what: &str,
    err: &mut LineOutput,
) -> Result<(Tag, Sha256), Failure> {
    let source = OciLayout {
        storage: layout,
        root: "/",
    };
    let selector = image.layout.selector();
    let mut look = |report: Report<'_>| look(source, selector, engine, firmware, report);
    let linux = || linux_image::describe(source, selector);
    if let Some(kept) = import::weigh(&mut look, &linux, what)? {
        import::warn_of(&kept, "on this device", err)?;
    }
    let hints = "give a name: `--image LAYOUT=NAME:TAG`";
    let name = import::name_of(image.name.as_deref(), source, &image.layout, what, hints)?;
    let imported = import::store_in(store, source, selector, name, what)?;
    let tag = imported.name.tag;
    if let Some(replaced) = imported.replaced {
        let warning = format!(
            "warning: {} was {replaced}, and is {} now\nhint: {hints}\n",
            tag.as_str(),
            imported.digest
        );
        err.text(&warning)
            .map_err(|error| Failure::io("can't print", &error))?;
    }
    Ok((tag, imported.digest))
}

/// Judges an image for the firmware.
fn look<F: Storage>(
    source: OciLayout<'_, F>,
    selector: Selector<'_>,
    engine: &WamrEngine,
    firmware: &Firmware,
    report: Report<'_>,
) -> Option<Image> {
    let (mut document, mut config) = (vec![0; firmware.document], vec![0; firmware.config]);
    let mut examination = Examination {
        source,
        selector,
        engine,
        policy: &firmware.policy,
        workspace: Workspace {
            document: &mut document,
            config: &mut config,
        },
    };
    examination.judge(report)
}
