// SPDX-License-Identifier: Apache-2.0
//! An image is judged once as long as its tag leads to it.

mod common;
#[path = "common/device.rs"]
mod device;
#[allow(dead_code, reason = "each test program uses its own part")]
#[path = "common/tagged.rs"]
mod tagged;

use std::ops::ControlFlow;

use common::{formatted, mounted};
use ocre::container::state::RunResult;
use ocre::image::JudgedImage;
use ocre::image::blob::blob_path;
use ocre::image::judge::Workspace;
use ocre::image::verdict::{Finding, Location};
use ocre::port::Storage as _;
use ocre::supervisor::{CreateError, CreateRequest, Platform as _};
use ocre_conformance::images::DOCUMENT;
use ocre_oci::Sha256;
use ocre_pc::flash::RamFlash;
use ocre_pc::platform::Device;
use tagged::{GEOMETRY, TaggedPartition, boot, digest, exiting, import, layout};

/// Creates and removes a container from `image`. Returns the digest of its manifest, or the refusal.
fn create(
    device: &Device<TaggedPartition<RamFlash>>,
    judged: &mut JudgedImage,
    image: &str,
    prefer_portable: bool,
) -> Result<Sha256, String> {
    let mut request = CreateRequest {
        image,
        name: Some("a"),
        prefer_portable: Some(prefer_portable),
        ..CreateRequest::default()
    };
    let (mut document, mut config) = ([0; DOCUMENT], [0; DOCUMENT]);
    let workspace = Workspace {
        document: &mut document,
        config: &mut config,
    };
    let mut refusal = String::new();
    let mut report = |finding: Finding, at: Location<'_>, _: &str| {
        refusal = format!("{finding:?} at {at}");
        ControlFlow::Break(())
    };
    match device.create_from(&mut request, workspace, &mut report, judged) {
        Ok(handle) => {
            let digest = device.with_spec(handle, |spec| spec.image.manifest.digest);
            let follows = device.with_spec(handle, |spec| spec.followed != 0);
            assert_eq!(follows, Ok(!image.contains('@')));
            device.remove(handle, true).unwrap();
            Ok(digest.unwrap())
        }
        Err(CreateError::Refused) => Err(refusal),
        Err(error) => panic!("{error:?}"),
    }
}

#[test]
fn an_image_is_judged_once_while_its_tag_leads_to_it() {
    let [one, two] = [("1", 1), ("2", 0)].map(|(name, code)| layout(name, &exiting(code)));
    let disk = mounted(formatted(GEOMETRY));
    import(&disk, &one).unwrap();
    let device = boot(&disk);
    let mut judged = JudgedImage::blank();
    let named = |digest: Sha256| format!("app@{digest}");

    assert_eq!(create(&device, &mut judged, "app", false), Ok(digest(&one)));
    // The verdict needs no document but the index from now on.
    let storage = device.platform().storage();
    let manifest = blob_path("/", &digest(&one)).unwrap();
    storage.rename(&manifest, "/moved").unwrap();
    assert_eq!(create(&device, &mut judged, "app", false), Ok(digest(&one)));
    assert_eq!(
        create(&device, &mut judged, "app:latest", false),
        Ok(digest(&one))
    );

    // Another preference, a digest and an unknown name are judged; a refusal leaves nothing.
    let refused = create(&device, &mut judged, "app", true).unwrap_err();
    assert!(refused.contains("BlobMissing"), "{refused}");
    assert!(create(&device, &mut judged, "app", false).is_err());
    storage.rename("/moved", &manifest).unwrap();
    assert_eq!(create(&device, &mut judged, "app", false), Ok(digest(&one)));
    storage.rename(&manifest, "/moved").unwrap();
    assert!(create(&device, &mut judged, &named(digest(&one)), false).is_err());
    storage.rename("/moved", &manifest).unwrap();
    assert_eq!(create(&device, &mut judged, "app", false), Ok(digest(&one)));
    assert!(create(&device, &mut judged, "other", false).is_err());

    // So does a start of a container that follows the tag.
    let mut request = CreateRequest {
        image: "app",
        name: Some("run"),
        ..CreateRequest::default()
    };
    let handle = {
        let mut documents = device.platform().documents();
        let (workspace, judged) = documents.judging();
        let report = &mut |finding: Finding, _: Location<'_>, _: &str| panic!("{finding:?}");
        device.create_from(&mut request, workspace, report, judged)
    };
    assert_eq!(tagged::run(&device, handle.unwrap()), RunResult::Exited(1));
    storage.rename(&manifest, "/moved").unwrap();
    let mut documents = device.platform().documents();
    let (_, kept) = documents.judging();
    assert_eq!(create(&device, kept, "app", false), Ok(digest(&one)));
    drop(documents);
    storage.rename("/moved", &manifest).unwrap();

    // An update is judged.
    assert_eq!(create(&device, &mut judged, "app", false), Ok(digest(&one)));
    import(&disk, &two).unwrap();
    assert_eq!(create(&device, &mut judged, "app", false), Ok(digest(&two)));
    assert_eq!(judged.image().manifest.digest, digest(&two));
}
