// SPDX-License-Identifier: Apache-2.0
//! `ocre image sign`: signs an image in a registry or a layout, and stores the signatures there.

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::builder::{OsStringValueParser, TypedValueParser as _};
use ocre::command::CommandStatus;
use ocre_registry::{Access, Repository};
use ocre_signature::MAX_SEQUENCE;
use ocre_tools::failure::Failure;
use ocre_tools::layout::OpenLayout;
use ocre_tools::layout_folder::LayoutFolder;
use ocre_tools::signing::signer::ImageSigner;
use ocre_tools::signing::{SignatureForm, Signed, SigningOptions, sign};

use super::copy::{self, ImageEndpoint, stored};
use super::output::LineOutput;
use super::transfer::{RegistryOptions, failed};

/// Environment variable with the time of a build, in seconds since 1970
/// (<https://reproducible-builds.org/specs/source-date-epoch/>).
const BUILD_TIME: &str = "SOURCE_DATE_EPOCH";

/// Signs an image with a key on P-256: its index, if there is one, and each manifest.
#[derive(clap::Args, Debug)]
pub struct SignArgs {
    /// PEM file with the private key; with --command, the public key or its certificate
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Shell command that signs with a key elsewhere: bytes on standard input, ECDSA signature with
    /// SHA-256 in DER on standard output
    #[arg(long, value_name = "COMMAND")]
    command: Option<String>,
    /// PEM file with the certificates for a Notary signature, the signer's first [default: a
    /// certificate that the key signs]
    #[arg(long, value_name = "FILE")]
    certificate: Option<PathBuf>,
    /// Envelope: notary, as notation makes it (COSE), or cosign (a bundle of Sigstore)
    #[arg(long, value_name = "notary|cosign", default_value = "notary", hide_default_value = true, value_parser = form)]
    form: SignatureForm,
    /// Number that orders the images of one name: a device refuses a lower one than has worked
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(..=MAX_SEQUENCE))]
    sequence: Option<u64>,
    /// Time after which devices with a clock refuse the signature, such as 90d or 12h; not for
    /// cosign
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    expiry: Option<u64>,
    #[command(flatten)]
    registry_options: RegistryOptions,
    /// Image: REGISTRY/NAME[:TAG|@DIGEST] or oci:LAYOUT[:REF|@DIGEST]
    #[arg(value_name = "IMAGE", value_parser = OsStringValueParser::new().try_map(copy::place))]
    image: ImageEndpoint,
}

/// Parses the form of an envelope, for clap.
fn form(text: &str) -> Result<SignatureForm, &'static str> {
    match text {
        "notary" => Ok(SignatureForm::Notary),
        "cosign" => Ok(SignatureForm::Cosign),
        _ => Err("not notary or cosign"),
    }
}

/// Parses a duration in days or hours, for clap. Returns seconds.
fn duration(text: &str) -> Result<u64, &'static str> {
    const WRONG: &str = "not a number of days or hours, such as 90d or 12h";
    let (number, unit) = match (text.strip_suffix('d'), text.strip_suffix('h')) {
        (Some(days), _) => (days, 86_400),
        (_, Some(hours)) => (hours, 3_600),
        _ => return Err(WRONG),
    };
    let is_number = number.bytes().all(|byte| byte.is_ascii_digit());
    let number: Option<u64> = number.parse().ok().filter(|_| is_number);
    number
        .and_then(|number| number.checked_mul(unit))
        .filter(|seconds| *seconds > 0)
        .ok_or(WRONG)
}

/// Signs the image, and prints the digests of the signatures.
pub fn run(args: &SignArgs, out: &mut LineOutput) -> Result<CommandStatus, Failure> {
    let what = format!("can't sign {}", args.image);
    if args.form == SignatureForm::Cosign && args.expiry.is_some() {
        let hint = "leave --expiry out, or use --form notary";
        return Err(Failure::new(what, "arguments-conflict", hint)
            .because("a bundle of cosign has no time of expiry"));
    }
    let signer = ImageSigner::new(
        &args.key,
        args.command.as_deref(),
        args.certificate.as_deref(),
    )?;
    let signed_at = now();
    let options = SigningOptions {
        form: args.form,
        sequence: args.sequence,
        signed_at,
        expires_at: args.expiry.map(|time| signed_at.saturating_add(time)),
    };
    let wrong = |error: &ocre_registry::Error| failed(&what, error);
    let text = args.image.to_string();
    let signed = match &args.image {
        ImageEndpoint::Registry(name) => {
            let client = args.registry_options.client(&what)?;
            let place = Repository::new(&client, name, Access::Push, None)
                .map_err(|error| failed(&what, &error))?;
            sign(&place, &place, &signer, &options, &wrong)?
        }
        ImageEndpoint::Layout(name) => match OpenLayout::open(&name.path) {
            Ok(OpenLayout::Folder(folder)) => {
                let to = LayoutFolder::open(&name.path, name.name.clone(), true, &what)?;
                sign(
                    &stored(&folder, name, &text),
                    &to,
                    &signer,
                    &options,
                    &wrong,
                )?
            }
            Ok(OpenLayout::Archive(_)) => return Err(archive(&what)),
            Err(missing) => return Err(missing.into_failure(&what)),
        },
        ImageEndpoint::Archive(_) => return Err(archive(&what)),
    };
    print(&text, &signed, out)
}

fn archive(what: &str) -> Failure {
    let hint = "copy the image to a folder with `ocre image copy`, sign it there, and copy it back";
    Failure::new(what, "layout-archive", hint).because("an archive is written only as a whole")
}

/// Present time, or that of a reproducible build, in seconds since 1970.
fn now() -> u64 {
    let build = std::env::var(BUILD_TIME).ok();
    build.and_then(|time| time.parse().ok()).unwrap_or_else(|| {
        let time = SystemTime::now().duration_since(UNIX_EPOCH);
        time.map_or(0, |time| time.as_secs())
    })
}

fn print(image: &str, signed: &[Signed], out: &mut LineOutput) -> Result<CommandStatus, Failure> {
    let printed = if out.json() {
        out.document(|out| {
            out.string("name", image);
            out.array("signatures", |out| {
                for one in signed {
                    out.object(|out| {
                        out.display("subject", &one.subject);
                        out.display("digest", &one.signature);
                    });
                }
            });
        })
    } else {
        let lines = signed.iter().map(|one| {
            let Signed { subject, signature } = one;
            format!("{subject}: signature {signature}\n")
        });
        out.text(&format!("signed {image}\n{}", lines.collect::<String>()))
    };
    printed.map_err(|error| Failure::io("can't print", &error))?;
    Ok(CommandStatus::Ok)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_a_number_of_days_or_hours() {
        assert_eq!(duration("90d"), Ok(7_776_000));
        assert_eq!(duration("12h"), Ok(43_200));
        for wrong in [
            "",
            "d",
            "0d",
            "1",
            "-1d",
            "+1d",
            "1 d",
            "1s",
            "213503982334602d",
        ] {
            assert!(duration(wrong).is_err(), "{wrong:?}");
        }
    }
}
