// SPDX-License-Identifier: Apache-2.0
//! Certificates that connections trust: those of `SSL_CERT_FILE` and `SSL_CERT_DIR`, else the
//! system's.

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;
use std::{env, fs};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use crate::error::{Error, RegistryCode};

/// Most bytes of a file of certificates: the system's own have a quarter of a MiB.
const MAX_CERTIFICATES: u64 = 16 << 20;

/// Most files in a folder of certificates.
const MAX_FILES: usize = 10_000;

/// Settings of encrypted connections.
///
/// # Errors
/// `registry-tls` where a file or folder that the environment names can't be read.
pub fn config() -> Result<TlsConfig, Error> {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty());
    let found = match (set("SSL_CERT_FILE"), set("SSL_CERT_DIR")) {
        // An unreadable certificate is not trusted, and the connection then reports that.
        (None, None) => rustls_native_certs::load_native_certs().certs,
        (file, folders) => named(file, folders)?,
    };
    let roots: Vec<_> = found
        .iter()
        .map(|certificate| Certificate::from_der(certificate).to_owned())
        .collect();
    Ok(TlsConfig::builder()
        .root_certs(RootCerts::new_with_certs(&roots))
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .build())
}

fn named(
    file: Option<OsString>,
    folders: Option<OsString>,
) -> Result<Vec<CertificateDer<'static>>, Error> {
    let mut found = Vec::new();
    if let Some(file) = file {
        let file = Path::new(&file);
        let wrong = |why: &dyn std::fmt::Display| {
            Error::new(RegistryCode::Tls, file.display()).because(why)
        };
        let text = ocre_files::read(file, MAX_CERTIFICATES).map_err(|error| wrong(&error))?;
        let before = found.len();
        found.extend(certificates(&text));
        if found.len() == before {
            return Err(wrong(&"there is no certificate in it"));
        }
    }
    let folders = folders.unwrap_or_default();
    for folder in env::split_paths(&folders).filter(|folder| !folder.as_os_str().is_empty()) {
        let wrong = |error| Error::new(RegistryCode::Tls, folder.display()).because(error);
        for entry in fs::read_dir(&folder).map_err(wrong)?.take(MAX_FILES) {
            let path = entry.map_err(wrong)?.path();
            // Other files than certificates may be there too.
            if let Ok(text) = ocre_files::read(&path, MAX_CERTIFICATES) {
                found.extend(certificates(&text));
            }
        }
    }
    Ok(found)
}

/// The certificates in a text, without those that are damaged.
fn certificates(pem: &[u8]) -> impl Iterator<Item = CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(pem).filter_map(Result::ok)
}
