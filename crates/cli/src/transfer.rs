// SPDX-License-Identifier: Apache-2.0
//! Common parts of `pull`, `push` and `copy`: settings for registries, and reports of results.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use ocre::command::hints;
use ocre::image::signature_entry::SIGNATURE_TYPES;
use ocre::image::store;
use ocre_registry::{
    Client, ClientSettings, Copied, CopiedReferrers, CopyOptions, DockerConfig, Error, ImageName,
    PlatformName, RegistryCode, Sink, Source,
};
use ocre_tools::failure::Failure;

use super::progress::Bar;

/// Settings for registries.
#[derive(clap::Args, Debug)]
pub struct RegistryOptions {
    /// Use plain HTTP, also to other machines
    #[arg(long)]
    plain_http: bool,
    /// Allow a public registry to refer to servers in private networks
    #[arg(long)]
    allow_private: bool,
    /// Number of retries after a temporary failure
    #[arg(long, value_name = "N", default_value_t = 5)]
    retries: u32,
    /// Time limit for a response, for each 4 KiB, and for a credential helper
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    timeout: u64,
    /// Number of parallel transfers
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..=32))]
    parallel: u64,
}

impl RegistryOptions {
    /// Makes a client with these settings and the user's credentials.
    pub fn client(&self, what: &str) -> Result<Client, Failure> {
        let settings = ClientSettings {
            plain_http: self.plain_http,
            allow_private: self.allow_private,
            retries: self.retries,
            timeout: Duration::from_secs(self.timeout),
            ..ClientSettings::default()
        };
        let config = DockerConfig::of_user().map_err(|error| failed(what, &error))?;
        let config = config.helper_timeout(settings.timeout);
        Ok(Client::new(settings, config))
    }

    /// Copies an image, and shows the progress.
    pub fn copy(
        &self,
        from: &dyn Source,
        to: &dyn Sink,
        platform: Option<PlatformName>,
        referrers: CopiedReferrers<'_>,
        what: &str,
    ) -> Result<Copied, Failure> {
        let bar = Mutex::new(Bar::new());
        let progress = |progress: ocre_registry::CopyProgress| {
            let mut bar = bar.lock().unwrap_or_else(PoisonError::into_inner);
            bar.show(store::Progress {
                done: progress.done,
                total: progress.total,
            });
        };
        let options = CopyOptions {
            platform,
            referrers,
            parallel: usize::try_from(self.parallel).unwrap_or(1),
            progress: &progress,
        };
        let copied = ocre_registry::copy(from, to, &options);
        bar.into_inner()
            .unwrap_or_else(PoisonError::into_inner)
            .finish();
        copied.map_err(|error| failed(what, &error))
    }
}

/// Signatures, which are copied with each image.
pub const SIGNATURES: CopiedReferrers<'_> = CopiedReferrers::OfTypes(&SIGNATURE_TYPES);

/// Referrers to copy: all of them, or the signatures.
pub fn chosen(all: bool) -> CopiedReferrers<'static> {
    if all {
        CopiedReferrers::All
    } else {
        SIGNATURES
    }
}

/// Failure of `what`, by an error of a copy.
pub fn failed(what: &str, error: &Error) -> Failure {
    let code = error.code();
    let hint = code.hint().unwrap_or_else(|| hint_of_image(code));
    Failure::new(what, code.as_str(), hint)
        .at(error.at())
        .because(error.detail())
}

/// Hint of the core for a fault of the image itself.
fn hint_of_image(code: RegistryCode) -> &'static str {
    use ocre::image::verdict::Code as Verdict;
    match code {
        RegistryCode::Document(kind) => hints::document(kind),
        RegistryCode::DigestUnsupported => hints::refusal(Verdict::DigestUnsupported),
        RegistryCode::IndexNestedTooDeep => hints::refusal(Verdict::IndexNestedTooDeep),
        _ => "",
    }
}

/// Parses an image in a registry, for clap.
pub fn image_name(text: &str) -> Result<ImageName, String> {
    ImageName::parse(text).map_err(|error| {
        let hint = error
            .code()
            .hint()
            .unwrap_or_else(|| hint_of_image(error.code()));
        format!("{}: {hint}", error.code())
    })
}

/// Parses a platform, for clap.
pub fn platform(text: &str) -> Result<PlatformName, String> {
    PlatformName::parse(text)
        .ok_or_else(|| "not OS/ARCHITECTURE or OS/ARCHITECTURE/VARIANT".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_without_a_hint_is_one_of_images() {
        let of_images = include_str!("../../../docs/errors.md");
        for code in RegistryCode::OWN {
            let name = code.as_str();
            if code.hint().is_none() {
                assert!(of_images.contains(&format!("| `{name}` |")), "{name}");
                assert!(!hint_of_image(code).is_empty(), "{name}");
            }
        }
    }
}
