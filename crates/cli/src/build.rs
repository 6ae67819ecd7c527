// SPDX-License-Identifier: Apache-2.0
//! `ocre build`: makes an image of a project in one step.

use std::fs;
use std::path::{Path, PathBuf};

use ocre::command::CommandStatus;
use ocre::image::judge::Policy;
use ocre::image::permission::Permissions;
use ocre::port::Engine;
use ocre_aot_client::Target;
use ocre_files::MAX_CONTENT;
use ocre_tools::build_file::{self, Ocrefile};
use ocre_tools::build_guest;
use ocre_tools::failure::Failure;
use ocre_tools::layout_name::LayoutName;
use ocre_tools::pack::{DataFile, PackInput};

use super::compile;
use super::import;
use super::output::LineOutput;
use super::pack;

/// Makes an image of a project: compiles, packs, and names it.
#[derive(clap::Args, Debug)]
pub struct BuildArgs {
    /// Compile for this target too, in addition to those of Ocrefile.toml
    #[arg(long, value_name = "TARGET", value_parser = compile::targets())]
    target: Vec<Target>,
    /// Image name [default: name of Ocrefile.toml]
    #[arg(short, long, value_name = "NAME[:TAG]", value_parser = ocre_tools::pack::tag)]
    tag: Option<String>,
    /// Folder of the layout [default: target/ocre/layout in the project]
    #[arg(short, long, value_name = "LAYOUT")]
    output: Option<PathBuf>,
    /// Import the image into the flash file too
    #[arg(long)]
    import: bool,
    /// Project folder, a folder within, or Ocrefile.toml
    #[arg(value_name = "DIR", default_value = ".")]
    folder: PathBuf,
}

/// Builds, and prints the digests.
pub fn run<E: Engine>(
    args: &BuildArgs,
    flash: Option<&Path>,
    engine: &E,
    policy: &Policy<'_>,
    out: &mut LineOutput,
    err: &mut LineOutput,
) -> Result<CommandStatus, Failure> {
    let what = format!("can't build {}", args.folder.display());
    let io = |error| Failure::io(&what, &error);
    let project = build_file::project(&args.folder);
    let file = Ocrefile::read(&project, &what)?;
    let refused = |detail: String| {
        let hints = "see docs/building.md, or create a project with `ocre new`";
        let path = project.join(build_file::NAME);
        Failure::new(&what, "build-file", hints)
            .at(path.display())
            .because(detail)
    };
    let name =
        ocre_tools::pack::tag(&file.name).map_err(|error| refused(format!("`name`: {error}")))?;
    let mut targets = args.target.clone();
    for target in &file.targets {
        let target = target.parse::<Target>();
        targets.push(target.map_err(|_| {
            let known = Target::ALL.map(Target::name).join(", ");
            refused(format!("`targets` are of {known}"))
        })?);
    }
    targets.sort_by_key(|target| target.name());
    targets.dedup();
    // The compilers' arguments do not depend on the working folder.
    let folder = project.canonicalize().map_err(io)?;
    let work = folder.join("target/ocre");
    let module = build_guest::compile(&folder, &file, &work, &what)?;
    let wasm = ocre_files::read(&module, MAX_CONTENT).map_err(io)?;
    let mut compiled = Vec::new();
    for target in targets {
        let path = work.join(format!("{target}.aot"));
        let aot = compile::compiled(&wasm, target, None, compile::BEST, &what)?;
        fs::write(&path, aot).map_err(io)?;
        compiled.push(path);
    }
    let blobs = file.blobs.iter().map(|blob| {
        let path = folder.join(blob).into_os_string();
        DataFile::parse(path).map_err(|error| refused(format!("`blobs`: {blob:?}: {error}")))
    });
    let output = args.output.clone();
    let input = PackInput {
        wasm: Some(module),
        aot: compiled,
        blobs: blobs.collect::<Result<_, _>>()?,
        entry: file.entry.clone(),
        env: file.env.clone(),
        permissions: file.permissions.clone(),
        tag: Some(args.tag.clone().unwrap_or(name)),
        output: output.unwrap_or_else(|| work.join("layout")),
    };
    let hint = |missing: Permissions| {
        let missing = missing.iter().map(|one| one.name().to_owned());
        let all: Vec<String> = file.permissions.iter().cloned().chain(missing).collect();
        format!(
            "write `permissions = {all:?}` in {}",
            ocre_tools::build_file::NAME
        )
    };
    let packed = ocre_tools::pack::pack(&input, engine, policy)?;
    let status = pack::report(&input, &packed, &hint, out, err)?;
    if status != CommandStatus::Ok || !args.import {
        return Ok(status);
    }
    let importing = import::ImportArgs {
        layout: LayoutName {
            path: input.output,
            name: input.tag,
            digest: None,
        },
        name: None,
    };
    import::run(&importing, flash, engine, policy, out, err)
}
