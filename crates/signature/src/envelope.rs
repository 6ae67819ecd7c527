// SPDX-License-Identifier: Apache-2.0
//! COSE_Sign1 (RFC 9052 section 4.2) with the headers of the Notary Project.
//!
//! Each label is at most once in both headers together. Labels that are not known here are stepped
//! over, unless the header `crit` has them. Only definite lengths are read.

use minicbor::data::{Tag, Type};
use minicbor::{Decoder, decode};
use ocre_oci::{Hasher, Sha256};

use crate::{Rule, SignatureRefusal};

/// Most labels of both headers together.
const LABELS: usize = 16;

/// Label of a header parameter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Label<'a> {
    Number(i64),
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
const ES256: i64 = -7;
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

fn malformed(at: &'static str) -> SignatureRefusal {
    SignatureRefusal {
        rule: Rule::Malformed,
        at,
    }
}

fn unsupported(at: &'static str) -> SignatureRefusal {
    SignatureRefusal {
        rule: Rule::Unsupported,
        at,
    }
}

/// Gives an error of the decoder its place.
trait Placed<T> {
    fn at(self, place: &'static str) -> Result<T, SignatureRefusal>;
}

impl<T> Placed<T> for Result<T, decode::Error> {
    fn at(self, place: &'static str) -> Result<T, SignatureRefusal> {
        self.map_err(|_| malformed(place))
    }
}

impl<'a> Envelope<'a> {
    /// Reads an envelope for a content type and a signing scheme.
    pub(crate) fn read(
        bytes: &'a [u8],
        content_type: &str,
        scheme: &str,
    ) -> Result<Self, SignatureRefusal> {
        let mut decoder = Decoder::new(bytes);
        if decoder.tag().at("tag")? != Tag::new(TAG_SIGN1) {
            return Err(malformed("tag"));
        }
        if decoder.array().at("COSE_Sign1")? != Some(4) {
            return Err(malformed("COSE_Sign1"));
        }
        let protected = decoder.bytes().at("protected")?;
        let mut labels = Labels::default();
        let header = Protected::read(protected, &mut labels)?;
        let certificate = unprotected(&mut decoder, &mut labels)?;
        let payload = decoder.bytes().at("payload")?;
        let signature = decoder.bytes().at("signature")?;
        if decoder.position() != bytes.len() {
            return Err(malformed("COSE_Sign1"));
        }
        if header.algorithm != Some(ES256) {
            return Err(unsupported("protected.alg"));
        }
        if header.content_type != Some(content_type) {
            return Err(unsupported("protected.content type"));
        }
        if header.scheme != Some(scheme) {
            return Err(unsupported("protected.signingScheme"));
        }
        // The specification wants both critical.
        if !header.critical.contains(&Some(SCHEME))
            || header.expires_at.is_some() != header.critical.contains(&Some(EXPIRES_AT))
        {
            return Err(malformed("protected.crit"));
        }
        Ok(Self {
            protected,
            payload,
            signature: signature.try_into().map_err(|_| malformed("signature"))?,
            certificate,
            signed_at: header.signed_at.ok_or(malformed("protected.signingTime"))?,
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
    fn add(&mut self, label: Label<'a>, at: &'static str) -> Result<(), SignatureRefusal> {
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

fn label<'a>(decoder: &mut Decoder<'a>) -> Result<Label<'a>, decode::Error> {
    Ok(match decoder.datatype()? {
        Type::String => Label::Text(decoder.str()?),
        _ => Label::Number(decoder.i64()?),
    })
}

/// Known parameters of the protected header.
#[derive(Default)]
struct Protected<'a> {
    algorithm: Option<i64>,
    content_type: Option<&'a str>,
    scheme: Option<&'a str>,
    signed_at: Option<u64>,
    expires_at: Option<u64>,
    critical: [Option<Label<'a>>; 4],
}

impl<'a> Protected<'a> {
    fn read(bytes: &'a [u8], labels: &mut Labels<'a>) -> Result<Self, SignatureRefusal> {
        const AT: &str = "protected";
        let mut decoder = Decoder::new(bytes);
        let mut header = Self::default();
        let count = decoder.map().at(AT)?.ok_or(malformed(AT))?;
        for _ in 0..count {
            let label = label(&mut decoder).at(AT)?;
            labels.add(label, AT)?;
            match label {
                ALGORITHM => header.algorithm = Some(decoder.i64().at("protected.alg")?),
                CRITICAL => header.critical = critical(&mut decoder)?,
                CONTENT_TYPE => {
                    header.content_type = Some(decoder.str().at("protected.content type")?);
                }
                SCHEME => header.scheme = Some(decoder.str().at("protected.signingScheme")?),
                SIGNED_AT => header.signed_at = Some(time(&mut decoder, "protected.signingTime")?),
                EXPIRES_AT => header.expires_at = Some(time(&mut decoder, "protected.expiry")?),
                _ => decoder.skip().at(AT)?,
            }
        }
        if decoder.position() != bytes.len() {
            return Err(malformed(AT));
        }
        // What is critical has to be there.
        for critical in header.critical.iter().flatten() {
            if !labels.0.contains(&Some(*critical)) {
                return Err(malformed("protected.crit"));
            }
        }
        Ok(header)
    }
}

/// Reads the labels that a verifier has to know.
fn critical<'a>(decoder: &mut Decoder<'a>) -> Result<[Option<Label<'a>>; 4], SignatureRefusal> {
    const AT: &str = "protected.crit";
    let mut found = [None; 4];
    let count = decoder.array().at(AT)?.ok_or(malformed(AT))?;
    if count == 0 {
        return Err(malformed(AT));
    }
    let mut places = found.iter_mut();
    for _ in 0..count {
        let label = label(decoder).at(AT)?;
        if ![SCHEME, SIGNED_AT, EXPIRES_AT, CONTENT_TYPE].contains(&label) {
            return Err(unsupported(AT));
        }
        // More than there are known ones: one is there twice.
        *places.next().ok_or(malformed(AT))? = Some(label);
    }
    Ok(found)
}

/// Reads a time in seconds since 1970.
fn time(decoder: &mut Decoder<'_>, at: &'static str) -> Result<u64, SignatureRefusal> {
    if decoder.tag().at(at)? != Tag::new(TAG_EPOCH) {
        return Err(malformed(at));
    }
    decoder.u64().at(at)
}

/// Reads the unprotected header, and returns the first certificate.
fn unprotected<'a>(
    decoder: &mut Decoder<'a>,
    labels: &mut Labels<'a>,
) -> Result<&'a [u8], SignatureRefusal> {
    const AT: &str = "unprotected";
    let mut first = None;
    let count = decoder.map().at(AT)?.ok_or(malformed(AT))?;
    for _ in 0..count {
        let label = label(decoder).at(AT)?;
        labels.add(label, AT)?;
        match label {
            CERTIFICATES => first = Some(certificates(decoder)?),
            // What nobody has signed must not say what was signed.
            ALGORITHM | CRITICAL | CONTENT_TYPE | SCHEME | SIGNED_AT | EXPIRES_AT => {
                return Err(malformed(AT));
            }
            _ => decoder.skip().at(AT)?,
        }
    }
    first.ok_or(malformed("unprotected.x5chain"))
}

fn certificates<'a>(decoder: &mut Decoder<'a>) -> Result<&'a [u8], SignatureRefusal> {
    const AT: &str = "unprotected.x5chain";
    let count = decoder.array().at(AT)?.unwrap_or(0);
    let mut first = None;
    for _ in 0..count {
        let certificate = decoder.bytes().at(AT)?;
        first = first.or(Some(certificate));
    }
    first.ok_or(malformed(AT))
}
