// SPDX-License-Identifier: Apache-2.0
//! `ocre image pack`: makes an image of files, in an OCI layout.

use std::path::PathBuf;

use clap::builder::{OsStringValueParser, TypedValueParser as _};
use ocre::command::CommandStatus;
use ocre::image::judge::Policy;
use ocre::image::permission::Permissions;
use ocre::port::Engine;
use ocre_pc::needs;
use ocre_tools::failure::Failure;
use ocre_tools::pack::{self, PackInput, Packed, PackedManifest};

use super::output::LineOutput;

/// Makes an image of a module, of its variants compiled for machines, and of data.
#[derive(clap::Args, Debug)]
pub struct PackArgs {
    /// Portable module
    #[arg(long, value_name = "FILE", required_unless_present = "aot")]
    wasm: Option<PathBuf>,
    /// AOT code of the module from `ocre aot`, one file per target
    #[arg(long, value_name = "FILE", num_args = 1..)]
    aot: Vec<PathBuf>,
    /// Data files, which the container reads as /image/TITLE [default title: the file name]
    #[arg(long, num_args = 1.., value_name = "FILE[=TITLE]", value_parser = OsStringValueParser::new().try_map(pack::DataFile::parse))]
    blob: Vec<pack::DataFile>,
    /// Exported function to call at start
    #[arg(long, value_name = "NAME", default_value = "_start")]
    entry: String,
    /// Environment variable of the container
    #[arg(short, long, value_name = "K=V")]
    env: Vec<String>,
    /// Permissions that the image asks for: gpio, messaging, network, sensors or timers
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    permission: Vec<String>,
    /// Image name in the layout; replaces an image of the same name [default tag: latest]
    #[arg(short, long, value_name = "NAME[:TAG]", value_parser = pack::tag)]
    tag: Option<String>,
    /// Folder of the layout, created if missing
    #[arg(short, long, value_name = "LAYOUT")]
    output: PathBuf,
}

/// Packs, and prints the digests.
pub fn run<E: Engine>(
    args: PackArgs,
    engine: &E,
    policy: &Policy<'_>,
    out: &mut LineOutput,
    err: &mut LineOutput,
) -> Result<CommandStatus, Failure> {
    let input = PackInput {
        wasm: args.wasm,
        aot: args.aot,
        blobs: args.blob,
        entry: args.entry,
        env: args.env,
        permissions: args.permission,
        tag: args.tag,
        output: args.output,
    };
    let packed = pack::pack(&input, engine, policy)?;
    let hint = |missing: Permissions| {
        let options = missing
            .iter()
            .map(|one| format!("--permission {}", one.name()));
        format!("pack with `{}`", options.collect::<Vec<_>>().join(" "))
    };
    report(&input, &packed, &hint, out, err)
}

/// Prints a packed image, and a warning with `hint` about permissions that it should ask for.
pub fn report(
    input: &PackInput,
    packed: &Packed,
    hint: &dyn Fn(Permissions) -> String,
    out: &mut LineOutput,
    err: &mut LineOutput,
) -> Result<CommandStatus, Failure> {
    let warning = packed.unasked(input).map(|(imports, missing)| {
        format!(
            "warning: permission-absent ({imports} without {}: each call will be refused)\nhint: {}\n",
            needs::names(missing),
            hint(missing)
        )
    });
    print(input, packed, out)
        .and_then(|()| err.text(&warning.unwrap_or_default()))
        .map_err(|error| Failure::io("can't print", &error))?;
    Ok(CommandStatus::Ok)
}

fn print(input: &PackInput, packed: &Packed, out: &mut LineOutput) -> std::io::Result<()> {
    let verdict = |one: &PackedManifest| one.verdict.code().unwrap_or(one.verdict.word());
    if out.json() {
        return out.document(|out| {
            out.display("layout", &input.output.display());
            match &input.tag {
                Some(name) => out.string("name", name),
                None => out.null("name"),
            }
            out.display("digest", &packed.digest);
            out.array("manifests", |out| {
                packed.manifests.iter().for_each(|one| {
                    out.object(|out| {
                        out.string("architecture", &one.architecture);
                        out.display("digest", &one.digest);
                        out.string("verdict", verdict(one))
                    })
                })
            })
        });
    }
    let name = input.tag.as_deref().unwrap_or("an image without a name");
    out.line(format_args!(
        "packed {name} into {}",
        input.output.display()
    ))?;
    out.line(format_args!("digest: {}", packed.digest))?;
    for one in &packed.manifests {
        let verdict = match one.verdict.code() {
            // The image was compiled for that machine.
            Some("aot-target") => "for another machine",
            Some(code) => code,
            None => one.verdict.word(),
        };
        out.line(format_args!(
            "{}: {} ({verdict})",
            one.architecture, one.digest
        ))?;
    }
    Ok(())
}
