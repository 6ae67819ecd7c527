// SPDX-License-Identifier: Apache-2.0
//! Trusted keys and pinned digests, as constants of type `PinnedKey` and `Sha256`.

use std::fmt::Write;
use std::path::Path;
use std::{env, fs};

use spki::der::Document;
use spki::{ObjectIdentifier, SubjectPublicKeyInfoRef};

/// `id-ecPublicKey` of RFC 5480.
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
/// `secp256r1` of RFC 5480: P-256.
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");

/// Appends the two lists. `digests` is the value of `CONFIG_OCRE_PINNED_DIGESTS`.
pub fn write(code: &mut String, digests: &str) {
    code.push_str("pub const TRUSTED_KEYS: &[PinnedKey<'static>] = &[");
    println!("cargo::rerun-if-env-changed=OCRE_TRUSTED_KEYS");
    if let Some(list) = env::var_os("OCRE_TRUSTED_KEYS").filter(|path| !path.is_empty()) {
        let list = Path::new(&list);
        for line in read(list).lines() {
            let path = Path::new(line);
            let name = path.file_stem().unwrap_or_default().to_string_lossy();
            let point = point(&read(path)).unwrap_or_else(|reason| {
                panic!("CONFIG_OCRE_TRUSTED_KEYS: {}: {reason}", path.display())
            });
            write!(code, "PinnedKey {{ name: {name:?}, point: {point:?} }},")
                .expect("a string takes it");
        }
    }
    code.push_str("];\npub const PINNED_DIGESTS: &[Sha256] = &[");
    for text in digests.split_ascii_whitespace() {
        let digest = text
            .strip_prefix("sha256:")
            .and_then(bytes)
            .unwrap_or_else(|| {
                panic!("CONFIG_OCRE_PINNED_DIGESTS: {text}: not sha256: and 64 lower-case hexadecimal digits")
            });
        write!(code, "Sha256({digest:?}),").expect("a string takes it");
    }
    code.push_str("];\n");
}

fn read(path: &Path) -> String {
    println!("cargo::rerun-if-changed={}", path.display());
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Point of the public key in a PEM file, as SEC 1 writes it without compression.
fn point(pem: &str) -> Result<[u8; 65], String> {
    let (label, document) = Document::from_pem(pem).map_err(|error| error.to_string())?;
    if label != "PUBLIC KEY" {
        return Err(format!(
            "has a {label}; firmware takes the PUBLIC KEY that `ocre key show --public` prints"
        ));
    }
    let key = SubjectPublicKeyInfoRef::try_from(document.as_bytes())
        .map_err(|error| error.to_string())?;
    let curve = key.algorithm.parameters_oid();
    if key.algorithm.oid != EC_PUBLIC_KEY || curve != Ok(P256) {
        return Err("is not a key on the curve P-256".to_owned());
    }
    let point = key.subject_public_key.as_bytes().unwrap_or_default();
    match <[u8; 65]>::try_from(point) {
        Ok(point) if point[0] == 4 => Ok(point),
        _ => {
            Err("has a compressed point: `ocre key show --public` writes the other form".to_owned())
        }
    }
}

/// Bytes of 64 lower-case hexadecimal digits.
fn bytes(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if text.len() != 64 || !text.bytes().all(is_digit) {
        return None;
    }
    for (place, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * place..2 * place + 2)?, 16).ok()?;
    }
    Some(bytes)
}
