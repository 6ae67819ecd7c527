// SPDX-License-Identifier: Apache-2.0
//! Trust: the origin of an image, by a signature of a pinned key or by a pinned digest.
//!
//! Promised: keys and pinned digests come from the device's configuration alone; a signature counts
//! only for the manifest that was judged, as media type, digest and size say; work and memory are
//! bounded by the layout's index and by the caller's two buffers.
//!
//! A signature is a referrer of the manifest (OCI image specification, `subject`), found in the
//! layout's `index.json`, or under the tag `sha256-HEX` that clients give the referrers of a
//! registry (OCI distribution specification, "Referrers Tag Schema").

use core::fmt;
use core::num::NonZeroU8;

use ocre_oci::json::{self, Elements};
use ocre_oci::{Descriptor, DigestRef, Entry, Format, Index, Manifest, ManifestType, Sha256};
pub use ocre_signature::{Ecdsa, PinnedKey, Point, Rule};
use ocre_signature::{SignedManifest, bundle, notary};

use super::blob::{caps, content_of, read_document, read_named};
use super::sequence::Sequence;
use super::signature_entry::{is_signature, listed_subject, type_of_manifest};
use super::verdict::Code;
use super::{Content, Image, OciLayout};
use crate::limits::SIGNATURES;
use crate::port::{SequenceCounter, Storage};

/// Rule for the origin of images.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TrustRule {
    /// Any image runs.
    Any,
    /// AOT code runs only with a signature or a pinned digest. Portable code runs without.
    SignedAot,
    /// An image runs only with a signature or a pinned digest.
    Signed,
    /// An image runs only with a pinned digest.
    Pinned,
}

impl TrustRule {
    /// Every rule.
    pub const ALL: [Self; 4] = [Self::Any, Self::SignedAot, Self::Signed, Self::Pinned];

    /// Name, as options and outputs have it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Any => "any",
            // Without keys.
            _ if !SIGNATURES => "signed-aot",
            Self::SignedAot => "signed-aot",
            Self::Signed => "signed",
            Self::Pinned => "pinned",
        }
    }
}

/// Rule, keys and digests of a device.
#[derive(Clone, Copy)]
pub struct Trust<'a> {
    /// Rule.
    pub rule: TrustRule,
    /// Keys whose signatures count, at most 254.
    pub keys: &'a [PinnedKey<'a>],
    /// Digests of manifests, or of executable layers, that need no signature.
    pub digests: &'a [Sha256],
    /// Verifier of signatures.
    pub ecdsa: &'a (dyn Ecdsa + Sync),
    /// Clock: the date in seconds since 1970; without one no signature expires.
    pub now: fn() -> Option<u64>,
    /// True where each start verifies the signature, instead of the first since the boot.
    pub each_start: bool,
    /// Counter of sequences outside of the partition, if there is one.
    pub counter: Option<&'a (dyn SequenceCounter + Sync)>,
}

/// Verifier without a curve, for rules without keys.
#[derive(Clone, Copy, Debug)]
struct NoEcdsa;

impl Ecdsa for NoEcdsa {
    fn verify(&self, _: &Point, _: &Sha256, _: &[u8; 64]) -> bool {
        false
    }
}

impl Trust<'_> {
    /// Trust in any image.
    pub const ANY: Trust<'static> = Trust::without_keys(TrustRule::Any);
    /// Trust in portable code alone.
    pub const PORTABLE: Trust<'static> = Trust::without_keys(TrustRule::SignedAot);

    const fn without_keys(rule: TrustRule) -> Trust<'static> {
        Trust {
            rule,
            keys: &[],
            digests: &[],
            ecdsa: &NoEcdsa,
            now: || None,
            each_start: false,
            counter: None,
        }
    }

    /// True where AOT code may run at all.
    pub fn takes_aot(&self) -> bool {
        self.rule == TrustRule::Any
            || SIGNATURES && !(self.keys.is_empty() && self.digests.is_empty())
    }

    /// True where code of a format runs only with a known provenance.
    pub fn asks_for(&self, format: Format) -> bool {
        match self.rule {
            TrustRule::Any => false,
            TrustRule::SignedAot => format == Format::Aot,
            TrustRule::Signed | TrustRule::Pinned => true,
        }
    }

    /// Name of the key that an image is signed by, if the image is known to be.
    pub fn signer(&self, provenance: Provenance) -> Option<&str> {
        let key = self.keys.get(provenance.key()?)?;
        Some(key.name)
    }

    /// True where the image of a record has to be judged before its code is loaded: the policy asks
    /// for its origin or its sequence, and the record proves nothing.
    pub fn wants_judgement(&self, image: Identity<'_>) -> bool {
        let is_known = image.admission != Ok(Provenance::UNKNOWN) && !self.each_start;
        let is_proven = self.digests.contains(image.executable);
        (self.asks_for(image.format) || self.verifies()) && !is_known && !is_proven
    }

    /// True where signatures count.
    fn verifies(&self) -> bool {
        let may_ask = matches!(self.rule, TrustRule::SignedAot | TrustRule::Signed);
        SIGNATURES && may_ask && !self.keys.is_empty()
    }

    /// True where an image must not be older than those of its name that have worked: its signature
    /// was looked for, and no pinned digest lets it run.
    pub fn guards_sequence(&self, image: Identity<'_>) -> bool {
        let is_judged = image
            .admission
            .is_ok_and(|known| known != Provenance::UNKNOWN);
        self.verifies() && is_judged && !self.pins(image)
    }

    /// True where code is checked before the cost of a signature.
    pub(super) fn verifies_code_of(&self, format: Format) -> bool {
        self.verifies() && format == Format::Aot
    }

    /// True for a pinned digest. That of a manifest counts once the manifest was judged, which ties
    /// the code to it.
    fn pins(&self, image: Identity<'_>) -> bool {
        let is_judged = image.admission != Ok(Provenance::UNKNOWN);
        self.digests.contains(image.executable)
            || is_judged && self.digests.contains(image.manifest)
    }

    /// Checks that the code of an image may be loaded.
    ///
    /// # Errors
    /// `digest-not-pinned`; `aot-policy` for AOT code where there is no key; `signature-missing`.
    pub fn check(&self, image: Identity<'_>) -> Result<(), Code> {
        if SIGNATURES {
            return self.check_origin(image);
        }
        match (self.rule, image.format) {
            (TrustRule::Any, _) | (_, Format::Wasm) => Ok(()),
            _ => Err(Code::AotPolicy),
        }
    }

    fn check_origin(&self, image: Identity<'_>) -> Result<(), Code> {
        if !self.asks_for(image.format) || self.pins(image) {
            return Ok(());
        }
        let is_signed = image.admission.is_ok_and(|known| known.key().is_some());
        match self.rule {
            TrustRule::Pinned => Err(Code::DigestNotPinned),
            _ if is_signed => Ok(()),
            TrustRule::SignedAot if self.keys.is_empty() => Err(Code::AotPolicy),
            _ => Err(Code::SignatureMissing),
        }
    }
}

/// Digests, format and provenance of an image.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Identity<'a> {
    /// Digest of the manifest.
    pub manifest: &'a Sha256,
    /// Digest of the executable layer.
    pub executable: &'a Sha256,
    /// Format of the executable layer.
    pub format: Format,
    /// Provenance, as far as it was verified; or the refusal of AOT code by its annotations.
    pub admission: Result<Provenance, Code>,
}

// Without the verifier, which has nothing to show.
impl fmt::Debug for Trust<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trust")
            .field("rule", &self.rule)
            .field("keys", &self.keys)
            .field("digests", &self.digests)
            .finish_non_exhaustive()
    }
}

/// Provenance of an image, as far as this device has verified it since its boot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Provenance(Option<NonZeroU8>);

impl Provenance {
    /// Not judged since the boot.
    pub const UNKNOWN: Self = Self(None);
    /// Judged, without a signature that counts.
    pub const JUDGED: Self = Self(Some(NonZeroU8::MAX));

    /// Judged, and signed by the key at that place of the device's list; the first 254 keys count.
    pub fn signed(key: usize) -> Self {
        let number = u8::try_from(key).unwrap_or(u8::MAX).saturating_add(1);
        Self(NonZeroU8::new(number))
    }

    /// Place of the key, if the image is known to be signed.
    pub fn key(self) -> Option<usize> {
        let number = self.0.filter(|_| self != Self::JUDGED)?;
        Some(usize::from(number.get().saturating_sub(1)))
    }
}

/// Refusal of a signature, and the part of the signature.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct TrustRefusal {
    pub(super) code: Code,
    pub(super) at: &'static str,
}

/// Verifies the signatures of an image, if there are any and the rule asks for them. One that holds
/// is enough.
///
/// An image that has no signature and needs one is left to [`Trust::check`].
pub(super) fn provenance<S: Storage>(
    source: OciLayout<'_, S>,
    trust: &Trust<'_>,
    image: &Image,
    manifest_type: ManifestType,
    document: &mut [u8],
    scratch: &mut [u8],
) -> Result<(Provenance, Sequence), TrustRefusal> {
    let unsigned = (Provenance::JUDGED, Sequence::NONE);
    if !trust.verifies() {
        return Ok(unsigned);
    }
    let target = SignedManifest {
        media_type: manifest_type.name(),
        digest: image.manifest.digest,
        size: image.manifest.size,
    };
    let mut refusal = None;
    for list in [List::Layout, List::Tag] {
        for place in 0_usize.. {
            let Some(candidate) = candidate(source, list, place, &target, document) else {
                break;
            };
            match verify(source, trust, &candidate, &target, document, scratch) {
                Ok(Some(signed)) => return Ok(signed),
                Ok(None) => {}
                Err(error) => {
                    refusal.get_or_insert(error);
                }
            }
        }
    }
    refusal.map_or(Ok(unsigned), Err)
}

/// Place where referrers are listed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum List {
    /// The layout's `index.json`.
    Layout,
    /// The index with the tag of the manifest's referrers.
    Tag,
}

/// Finds an entry of a list that may be a signature; `None` after the last one. A list that can't be
/// read has no entries.
#[inline(never)]
fn candidate<S: Storage>(
    source: OciLayout<'_, S>,
    list: List,
    place: usize,
    target: &SignedManifest<'_>,
    buffer: &mut [u8],
) -> Option<Content> {
    let bytes = read_named(source, "index.json", Code::IndexMissing, &mut *buffer).ok()?;
    let index = Index::parse(json::parse(bytes, &caps(bytes)).ok()?).ok()?;
    if list == List::Layout {
        return content(index.manifests().filter(is_signature).nth(place)?);
    }
    let is_list = |entry: &Entry<'_>| listed_subject(entry) == Some(target.digest);
    let list = content(index.manifests().find(is_list)?)?;
    let bytes = read_document(source, &list, buffer).ok()?;
    let index = Index::parse(json::parse(bytes, &caps(bytes)).ok()?).ok()?;
    // Some clients leave `artifactType` out of such a list.
    content(index.manifests().nth(place)?)
}

fn content(entry: Entry<'_>) -> Option<Content> {
    content_of(&entry.descriptor().ok()?).ok()
}

/// Verifies a signature; `None` for one of another manifest, or one that can't be read.
#[inline(never)]
fn verify<S: Storage>(
    source: OciLayout<'_, S>,
    trust: &Trust<'_>,
    referrer: &Content,
    target: &SignedManifest<'_>,
    document: &mut [u8],
    scratch: &mut [u8],
) -> Result<Option<(Provenance, Sequence)>, TrustRefusal> {
    let Some((is_notary, envelope)) = envelope(source, referrer, target, document) else {
        return Ok(None);
    };
    let refused = |code| TrustRefusal { code, at: "" };
    let envelope = envelope.map_err(refused)?;
    let envelope = read_document(source, &envelope, document).map_err(refused)?;
    let accepted = if is_notary {
        notary::verify(envelope, target, trust.keys, (trust.now)(), trust.ecdsa)
    } else {
        bundle::verify(envelope, target, trust.keys, scratch, trust.ecdsa)
    };
    let accepted = accepted.map_err(|refusal| TrustRefusal {
        code: Code::Signature(refusal.rule),
        at: refusal.at.code(),
    })?;
    let sequence = Sequence::new(accepted.sequence.unwrap_or_default());
    Ok(Some((Provenance::signed(accepted.key), sequence)))
}

/// Reads the manifest of a signature. Returns true for a signature of the Notary Project, and the
/// content of the envelope; `None` where the signature is not about the target.
fn envelope<S: Storage>(
    source: OciLayout<'_, S>,
    referrer: &Content,
    target: &SignedManifest<'_>,
    buffer: &mut [u8],
) -> Option<(bool, Result<Content, Code>)> {
    let bytes = read_document(source, referrer, buffer).ok()?;
    let value = json::parse(bytes, &caps(bytes)).ok()?;
    let manifest = Manifest::parse(value, None).ok()?;
    if manifest.subject()?.digest != DigestRef::Sha256(target.digest) {
        return None;
    }
    let is_notary = type_of_manifest(&manifest)? == notary::ARTIFACT_TYPE;
    let media_type = if is_notary {
        notary::MEDIA_TYPE
    } else {
        bundle::MEDIA_TYPE
    };
    let malformed = Code::Signature(Rule::Malformed);
    let mut layers = Elements::of(value.get("layers"));
    let layer = match (layers.next(), layers.next()) {
        (Some(layer), None) => Descriptor::parse(layer).map_err(|_| malformed),
        _ => Err(malformed),
    };
    let content = layer.and_then(|layer| {
        if layer.media_type == *media_type {
            content_of(&layer)
        } else {
            Err(malformed)
        }
    });
    Some((is_notary, content))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: Sha256 = Sha256([1; 32]);
    const CODE: Sha256 = Sha256([2; 32]);

    fn image(admission: Result<Provenance, Code>) -> Identity<'static> {
        Identity {
            manifest: &MANIFEST,
            executable: &CODE,
            format: Format::Wasm,
            admission,
        }
    }

    #[test]
    fn a_pinned_manifest_counts_once_it_was_judged() {
        let trust = Trust {
            rule: TrustRule::Pinned,
            digests: &[MANIFEST],
            ..Trust::ANY
        };
        let recorded = image(Ok(Provenance::UNKNOWN));
        assert!(trust.wants_judgement(recorded));
        assert_eq!(trust.check(recorded), Err(Code::DigestNotPinned));
        let judged = image(Ok(Provenance::JUDGED));
        assert!(!trust.wants_judgement(judged));
        assert_eq!(trust.check(judged), Ok(()));
        // The code itself needs no manifest.
        let trust = Trust {
            digests: &[CODE],
            ..trust
        };
        assert!(!trust.wants_judgement(recorded));
        assert_eq!(trust.check(recorded), Ok(()));
    }

    #[test]
    fn a_signature_counts_until_the_next_boot() {
        let key = PinnedKey {
            name: "release",
            point: [4; 65],
        };
        let trust = Trust {
            rule: TrustRule::Signed,
            keys: &[key],
            ..Trust::ANY
        };
        let signed = image(Ok(Provenance::signed(0)));
        assert_eq!(trust.check(signed), Ok(()));
        assert!(!trust.wants_judgement(signed));
        let each_time = Trust {
            each_start: true,
            ..trust
        };
        assert!(each_time.wants_judgement(signed));
        for unsigned in [Provenance::UNKNOWN, Provenance::JUDGED] {
            assert_eq!(
                trust.check(image(Ok(unsigned))),
                Err(Code::SignatureMissing)
            );
        }
        assert_eq!(trust.signer(Provenance::signed(0)), Some("release"));
        assert_eq!(trust.signer(Provenance::signed(1)), None);
    }

    #[test]
    fn keys_have_places_up_to_the_254th() {
        for key in [0, 1, 253] {
            assert_eq!(Provenance::signed(key).key(), Some(key));
        }
        for key in [254, 255, 256, usize::MAX] {
            assert_eq!(Provenance::signed(key).key(), None);
        }
        assert_eq!(Provenance::UNKNOWN.key(), None);
        assert_eq!(Provenance::JUDGED.key(), None);
    }
}
