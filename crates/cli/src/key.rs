// SPDX-License-Identifier: Apache-2.0
//! `ocre key`: makes and shows keys that sign images.

use std::path::PathBuf;

use ocre::command::CommandStatus;
use ocre_tools::failure::Failure;
use ocre_tools::signing::certificate::certificate_pem;
use ocre_tools::signing::key::{KeyFile, fingerprint, generate, public_pem, write_new};
use ocre_tools::signing::signer::ImageSigner;

use super::output::LineOutput;

/// Generates a private key on P-256 in a new PEM file that only its owner can read.
#[derive(clap::Args, Debug)]
pub struct KeyNewArgs {
    /// New file
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Prints the fingerprint of a key, or the key in another form.
#[derive(clap::Args, Debug)]
pub struct KeyShowArgs {
    /// Print the public key in PEM, for the configuration of a device
    #[arg(long)]
    public: bool,
    /// Print the certificate in PEM that Notary signatures of this private key carry
    #[arg(long, conflicts_with = "public")]
    certificate: bool,
    /// PEM file with a private key, a public key or a certificate
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Makes a key, and prints its fingerprint.
pub fn new(args: &KeyNewArgs, out: &mut LineOutput) -> Result<CommandStatus, Failure> {
    let key = generate();
    write_new(&key, &args.file)?;
    print(&KeyFile::Private(key), out)
}

/// Prints a key.
pub fn show(args: &KeyShowArgs, out: &mut LineOutput) -> Result<CommandStatus, Failure> {
    let key = KeyFile::read(&args.file)?;
    let text = if args.public {
        public_pem(key.public())
    } else if args.certificate {
        certificate_pem(&ImageSigner::new(&args.file, None, None)?)?
    } else {
        return print(&key, out);
    };
    out.text(&text)
        .map_err(|error| Failure::io("can't print", &error))?;
    Ok(CommandStatus::Ok)
}

fn print(key: &KeyFile, out: &mut LineOutput) -> Result<CommandStatus, Failure> {
    let kind = match key {
        KeyFile::Private(_) => "private",
        KeyFile::Public(_) => "public",
        KeyFile::Certificate(_) => "certificate",
    };
    let fingerprint = fingerprint(key.public());
    let printed = if out.json() {
        out.document(|out| {
            out.string("kind", kind);
            out.string("curve", "P-256");
            out.display("fingerprint", &fingerprint);
            out.string("publicKey", &public_pem(key.public()));
        })
    } else {
        out.text(&format!(
            "kind: {kind}\ncurve: P-256\nfingerprint: {fingerprint}\n"
        ))
    };
    printed.map_err(|error| Failure::io("can't print", &error))?;
    Ok(CommandStatus::Ok)
}
