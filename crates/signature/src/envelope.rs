// SPDX-License-Identifier: Apache-2.0
//! COSE_Sign1 (RFC 9052 section 4.2) with the headers of the Notary Project.
//!
//! Each label is at most once in both headers together. Labels that are not known here are stepped
//! over, unless the header `crit` has them. Only definite lengths are read.

use ocre_oci::{Hasher, Sha256};

use crate::cbor::{Cbor, CborError};
use crate::{Place, Rule, SignatureRefusal};

/// Most labels of both headers together.
const LABELS: usize = 16;

/// Label of a header parameter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Label<'a> {
    Number(i32),
    Text(&'a str),
}

const ALGORITHM: Label<'_> = Label::Number(1);
const CRITICAL: Label<'_> = Label::Number(2);
const CONTENT_TYPE: Label<'_> = Label::Number(3);
const CERTIFICATES: Label<'_> = Label::Number(33);
const SCHEME: Label<'_> = Label::Text("io.cncf.notary.signingScheme");
const SIGNED_AT: Label<'_> = Label::Text("io.cncf.notary.signingTime");
const EXPIRES_AT: Label<'_> = Label::Text("io.cncf.notary.expiry");

/// ECDSA with SHA-256 (RFC 9053 section 2.1).
const ES256: i32 = -7;
const TAG_SIGN1: u64 = 18;
const TAG_EPOCH: u64 = 1;

/// Envelope whose form is right.
#[derive(Debug)]
pub(crate) struct Envelope<'a> {
    protected: &'a [u8],
    /// Signed content.
    pub(crate) payload: &'a [u8],
    /// r and s.
    pub(crate) signature: &'a [u8; 64],
    /// First certificate of the chain, the signer's.
    pub(crate) certificate: &'a [u8],
    /// Time of the signature.
    pub(crate) signed_at: u64,
    /// Time at which it expires.
    pub(crate) expires_at: Option<u64>,
}

fn malformed(at: Place) -> SignatureRefusal {
    SignatureRefusal {
        rule: Rule::Malformed,
        at,
    }
}

fn unsupported(at: Place) -> SignatureRefusal {
    SignatureRefusal {
        rule: Rule::Unsupported,
        at,
    }
}

/// Gives an error of the reader its place.
trait Placed<T> {
    fn at(self, place: Place) -> Result<T, SignatureRefusal>;
}

impl<T> Placed<T> for Result<T, CborError> {
    fn at(self, place: Place) -> Result<T, SignatureRefusal> {
        self.map_err(|_| malformed(place))
    }
}

impl<'a> Envelope<'a> {
    /// Reads an envelope for a content type and a signing scheme.
    #[inline(never)] // its frame is not to stay under the other's
    pub(crate) fn read(
        bytes: &'a [u8],
        content_type: &str,
        scheme: &str,
    ) -> Result<Self, SignatureRefusal> {
        let mut reader = Cbor(bytes);
        if reader.tag().at(Place::Tag)? != TAG_SIGN1 {
            return Err(malformed(Place::Tag));
        }
        if reader.array().at(Place::Envelope)? != 4 {
            return Err(malformed(Place::Envelope));
        }
        let protected = reader.bytes().at(Place::Protected)?;
        let mut labels = Labels::default();
        let header = Protected::read(protected, &mut labels)?;
        let certificate = unprotected(&mut reader, &mut labels)?;
        let payload = reader.bytes().at(Place::Payload)?;
        let signature = reader.bytes().at(Place::Signature)?;
        if !reader.is_done() {
            return Err(malformed(Place::Envelope));
        }
        if header.algorithm != Some(ES256) {
            return Err(unsupported(Place::Algorithm));
        }
        if header.content_type != Some(content_type) {
            return Err(unsupported(Place::ContentType));
        }
        if header.scheme != Some(scheme) {
            return Err(unsupported(Place::Scheme));
        }
        // The specification wants both critical.
        if !header.critical.contains(&Some(SCHEME))
            || header.expires_at.is_some() != header.critical.contains(&Some(EXPIRES_AT))
        {
            return Err(malformed(Place::Critical));
        }
        Ok(Self {
            protected,
            payload,
            signature: signature
                .try_into()
                .map_err(|_| malformed(Place::Signature))?,
            certificate,
            signed_at: header.signed_at.ok_or(malformed(Place::SigningTime))?,
            expires_at: header.expires_at,
        })
    }

    /// Digest of the signed bytes: of the array `Sig_structure` (RFC 9052 section 4.4).
    pub(crate) fn digest(&self) -> Sha256 {
        let mut hasher = Hasher::default();
        // An array of four: the context, the protected header, no external data, the payload.
        hasher.update(b"\x84\x6aSignature1");
        byte_string(&mut hasher, self.protected);
        byte_string(&mut hasher, b"");
        byte_string(&mut hasher, self.payload);
        hasher.finish()
    }
}

/// Hashes the shortest encoding of a byte string.
fn byte_string(hasher: &mut Hasher, bytes: &[u8]) {
    const BYTE_STRING: u8 = 0x40;
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    let [_, _, high, low] = length.to_be_bytes();
    match length {
        0..=23 => hasher.update(&[BYTE_STRING | low]),
        24..=0xff => hasher.update(&[BYTE_STRING | 24, low]),
        0x100..=0xffff => hasher.update(&[BYTE_STRING | 25, high, low]),
        _ => {
            hasher.update(&[BYTE_STRING | 26]);
            hasher.update(&length.to_be_bytes());
        }
    }
    hasher.update(bytes);
}

/// Labels so far.
#[derive(Default)]
struct Labels<'a>([Option<Label<'a>>; LABELS]);

impl<'a> Labels<'a> {
    /// Adds a label, unless it is there or there are too many.
    fn add(&mut self, label: Label<'a>, at: Place) -> Result<(), SignatureRefusal> {
        for place in &mut self.0 {
            match place {
                Some(other) if *other == label => return Err(malformed(at)),
                Some(_) => {}
                None => {
                    *place = Some(label);
                    return Ok(());
                }
            }
        }
        Err(malformed(at))
    }
}

fn label<'a>(reader: &mut Cbor<'a>) -> Result<Label<'a>, CborError> {
    Ok(if reader.is_text() {
        Label::Text(reader.text()?)
    } else {
        Label::Number(reader.integer()?)
    })
}

/// Known parameters of the protected header.
#[derive(Default)]
struct Protected<'a> {
    algorithm: Option<i32>,
    content_type: Option<&'a str>,
    scheme: Option<&'a str>,
    signed_at: Option<u64>,
    expires_at: Option<u64>,
    critical: [Option<Label<'a>>; 4],
}

impl<'a> Protected<'a> {
    fn read(bytes: &'a [u8], labels: &mut Labels<'a>) -> Result<Self, SignatureRefusal> {
        const AT: Place = Place::Protected;
        let mut reader = Cbor(bytes);
        let mut header = Self::default();
        let count = reader.map().at(AT)?;
        for _ in 0..count {
            let label = label(&mut reader).at(AT)?;
            labels.add(label, AT)?;
            match label {
                ALGORITHM => header.algorithm = Some(reader.integer().at(Place::Algorithm)?),
                CRITICAL => header.critical = critical(&mut reader)?,
                CONTENT_TYPE => {
                    header.content_type = Some(reader.text().at(Place::ContentType)?);
                }
                SCHEME => header.scheme = Some(reader.text().at(Place::Scheme)?),
                SIGNED_AT => header.signed_at = Some(time(&mut reader, Place::SigningTime)?),
                EXPIRES_AT => header.expires_at = Some(time(&mut reader, Place::Expiry)?),
                _ => reader.skip().at(AT)?,
            }
        }
        if !reader.is_done() {
            return Err(malformed(AT));
        }
        // What is critical has to be there.
        for critical in header.critical.iter().flatten() {
            if !labels.0.contains(&Some(*critical)) {
                return Err(malformed(Place::Critical));
            }
        }
        Ok(header)
    }
}

/// Reads the labels that a verifier has to know.
fn critical<'a>(reader: &mut Cbor<'a>) -> Result<[Option<Label<'a>>; 4], SignatureRefusal> {
    const AT: Place = Place::Critical;
    let mut found = [None; 4];
    let count = reader.array().at(AT)?;
    if count == 0 {
        return Err(malformed(AT));
    }
    let mut places = found.iter_mut();
    for _ in 0..count {
        let label = label(reader).at(AT)?;
        if ![SCHEME, SIGNED_AT, EXPIRES_AT, CONTENT_TYPE].contains(&label) {
            return Err(unsupported(AT));
        }
        // More than there are known ones: one is there twice.
        *places.next().ok_or(malformed(AT))? = Some(label);
    }
    Ok(found)
}

/// Reads a time in seconds since 1970.
fn time(reader: &mut Cbor<'_>, at: Place) -> Result<u64, SignatureRefusal> {
    if reader.tag().at(at)? != TAG_EPOCH {
        return Err(malformed(at));
    }
    reader.unsigned().at(at)
}

/// Reads the unprotected header, and returns the first certificate.
fn unprotected<'a>(
    reader: &mut Cbor<'a>,
    labels: &mut Labels<'a>,
) -> Result<&'a [u8], SignatureRefusal> {
    const AT: Place = Place::Unprotected;
    let mut first = None;
    let count = reader.map().at(AT)?;
    for _ in 0..count {
        let label = label(reader).at(AT)?;
        labels.add(label, AT)?;
        match label {
            CERTIFICATES => first = Some(certificates(reader)?),
            // What nobody has signed must not say what was signed.
            ALGORITHM | CRITICAL | CONTENT_TYPE | SCHEME | SIGNED_AT | EXPIRES_AT => {
                return Err(malformed(AT));
            }
            _ => reader.skip().at(AT)?,
        }
    }
    first.ok_or(malformed(Place::Certificates))
}

fn certificates<'a>(reader: &mut Cbor<'a>) -> Result<&'a [u8], SignatureRefusal> {
    const AT: Place = Place::Certificates;
    let count = reader.array().at(AT)?;
    let mut first = None;
    for _ in 0..count {
        let certificate = reader.bytes().at(AT)?;
        first = first.or(Some(certificate));
    }
    first.ok_or(malformed(AT))
}
