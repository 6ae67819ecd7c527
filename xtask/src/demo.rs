// SPDX-License-Identifier: Apache-2.0
//! From the source of a guest to a running container: each sample guest is
//! built, compiled ahead of time, packed as an OCI image with both forms of its
//! code, judged, put on a flash file, and run from there, interpreted and as AOT
//! code. Both must print the same and end with the expected exit code. At the
//! end, a device that asks for signed AOT code refuses an image until it is signed.
//!
//! The `ocre` program does all of it, as for a user. The results stay in `target/demo`.

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use crate::process::{read, run, step};
use crate::workspace::{cargo, root, target_dir, typed};
use crate::{guests, setup};

/// Guest, and the options of its run.
struct Show {
    guest: &'static str,
    /// File of this repository that becomes a blob layer.
    blob: Option<&'static str>,
    environment: &'static [&'static str],
    permissions: &'static [&'static str],
    args: &'static [&'static str],
    exit: i32,
}

const SHOWS: [Show; 7] = [
    Show {
        guest: "hello",
        blob: None,
        environment: &["PLANET=Mars"],
        permissions: &[],
        args: &["one", "two words", "--exit", "7"],
        exit: 7,
    },
    Show {
        guest: "hello-c",
        blob: None,
        environment: &["PLANET=Venus"],
        permissions: &[],
        args: &["one", "two words", "--exit", "7"],
        exit: 7,
    },
    Show {
        guest: "reader",
        blob: Some("LICENSE"),
        environment: &[],
        permissions: &[],
        args: &[],
        exit: 0,
    },
    Show {
        guest: "stdlib",
        blob: None,
        environment: &["PLANET=Mars"],
        permissions: &[],
        args: &["PLANET=Mars"],
        exit: 0,
    },
    Show {
        guest: "kernel",
        blob: None,
        environment: &[],
        permissions: &[],
        args: &[],
        exit: 0,
    },
    Show {
        guest: "blinky",
        blob: None,
        environment: &[],
        permissions: &["gpio", "timers"],
        args: &["2"],
        exit: 0,
    },
    Show {
        guest: "sensor-logger",
        blob: None,
        environment: &[],
        permissions: &["sensors", "timers"],
        args: &["2"],
        exit: 0,
    },
];

/// Kinds of code, as in `ocre run --prefer` and in its timing.
const CODES: [&str; 2] = ["wasm", "aot"];

/// Results of a guest's run.
struct DemoRun {
    output: String,
    exit: Option<i32>,
    timing: Timing,
}

/// Shows all guests, and stops at the first result that is wrong.
pub fn demo() -> Result<()> {
    setup::all()?;
    guests::build()?;
    step("The ocre program");
    run(cargo().args(["build", "--release", "--locked", "--package", "ocre-cli"]))?;
    let demo = Demo {
        folder: target_dir().join("demo"),
    };
    demo.clear()?;
    for show in &SHOWS {
        demo.make(show)?;
    }
    for show in &SHOWS {
        demo.show(show)?;
    }
    demo.trust("hello")?;
    step("On the flash file");
    run(demo.ocre().args(["image", "ls"]))?;
    let (program, flash) = (program(), demo.flash());
    println!("\nLook for yourself:");
    println!("  {} --flash {} image ls", typed(&program), typed(&flash));
    Ok(())
}

fn program() -> PathBuf {
    target_dir().join("release/ocre")
}

struct Demo {
    folder: PathBuf,
}

impl Demo {
    fn clear(&self) -> Result<()> {
        match fs::remove_dir_all(&self.folder) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(error).with_context(|| self.folder.display().to_string());
            }
            _ => {}
        }
        fs::create_dir_all(&self.folder).with_context(|| self.folder.display().to_string())
    }

    fn flash(&self) -> PathBuf {
        self.folder.join("flash.bin")
    }

    fn ocre(&self) -> Command {
        let mut command = Command::new(program());
        command.arg("--flash").arg(self.flash()).current_dir(root());
        command
    }

    fn layout(&self) -> PathBuf {
        self.folder.join("layout")
    }

    /// Runs an image on a device that asks for signed AOT code, before and after the signature.
    fn trust(&self, name: &str) -> Result<()> {
        step(&format!("{name}: AOT code runs once it is signed"));
        let key = self.folder.join("release.pem");
        let on_device = || {
            let mut command = self.ocre();
            command
                .args(["--policy", "signed-aot", "--trusted-key"])
                .arg(&key);
            command.args(["run", "--prefer", "aot", name]);
            command
        };
        run(self.ocre().args(["key", "new"]).arg(&key))?;
        let refused = on_device().stdin(Stdio::null()).output()?;
        let reason = String::from_utf8_lossy(&refused.stderr);
        print!("{reason}");
        ensure!(
            !refused.status.success() && reason.contains("signature-missing"),
            "{name} is not signed, and was not refused for that"
        );
        let image = format!("{}:{name}", self.layout().display());
        let mut sign = self.ocre();
        sign.args(["image", "sign", "--key"]).arg(&key);
        run(sign.arg(format!("oci:{image}")))?;
        run(self.ocre().args(["image", "import", &image]))?;
        run(&mut on_device())
    }

    /// Builds an image on the flash file from a WebAssembly module.
    fn make(&self, show: &Show) -> Result<()> {
        let name = show.guest;
        step(&format!(
            "{name}: compile ahead of time, pack, judge, import"
        ));
        let wasm = guests::dir().join(name).with_extension("wasm");
        let aot = self.folder.join(name).with_extension("aot");
        let layout = self.layout();
        let image = format!("{}:{name}", layout.display());

        run(self
            .ocre()
            .args(["aot", "--target", "x86_64", "-o"])
            .arg(&aot)
            .arg(&wasm))?;
        let mut pack = self.ocre();
        pack.args(["image", "pack", "--tag", name, "--wasm"])
            .arg(&wasm);
        pack.arg("--aot").arg(&aot).arg("--output").arg(&layout);
        for permission in show.permissions {
            pack.args(["--permission", permission]);
        }
        if let Some(blob) = show.blob {
            pack.arg("--blob").arg(root().join(blob));
        }
        run(&mut pack)?;

        let verdict = read(
            self.ocre()
                .args(["--format", "json", "image", "verify"])
                .arg(&image),
        )?;
        print!("{verdict}");
        ensure!(
            verdict.starts_with(r#"{"verdict":"ok""#),
            "{image} is not ok"
        );
        run(self.ocre().args(["image", "import"]).arg(&image))
    }

    /// Runs a guest with each kind of code, and prints its output and the times.
    fn show(&self, show: &Show) -> Result<()> {
        step(&format!("ocre run {} {}", show.guest, show.args.join(" ")));
        let [wasm, aot] = CODES.map(|code| self.run(show, code));
        let (wasm, aot) = (wasm?, aot?);
        print!("{}", wasm.output);
        ensure!(
            wasm.output == aot.output,
            "interpreted and AOT code differ; as AOT code it printed\n{}",
            aot.output
        );
        for (code, run) in CODES.iter().zip([&wasm, &aot]) {
            println!("  {code:4} {}, exit {}", run.timing, show.exit);
            ensure!(
                run.timing.code == *code,
                "it ran {} code instead of {code}",
                run.timing.code
            );
            ensure!(run.exit == Some(show.exit), "it ended with {:?}", run.exit);
        }
        Ok(())
    }

    fn run(&self, show: &Show, code: &str) -> Result<DemoRun> {
        let mut command = self.ocre();
        command.args(["run", "--rm", "--timing", "--prefer", code]);
        for variable in show.environment {
            command.args(["--env", variable]);
        }
        for permission in show.permissions {
            command.args(["--cap", permission]);
        }
        command.arg(show.guest).args(show.args).stdin(Stdio::null());
        let output = command.output().context("can't start ocre")?;
        let said = String::from_utf8_lossy(&output.stderr);
        let Some(timing) = said.lines().find_map(Timing::read) else {
            bail!("ocre run {} gave no timing:\n{said}", show.guest);
        };
        Ok(DemoRun {
            output: String::from_utf8(output.stdout).context("what the guest printed")?,
            exit: output.status.code(),
            timing,
        })
    }
}

/// Line that `ocre run --timing` prints:
/// `timing: verdict ok, code wasm, judge 1 us, read 2 us, load 3 us, start 4 us, run 5 us`.
#[derive(PartialEq, Eq, Debug)]
struct Timing {
    verdict: String,
    code: String,
    /// Name of each step, and its time in microseconds.
    steps: Vec<(String, u64)>,
}

impl Timing {
    fn read(line: &str) -> Option<Self> {
        let mut items = line.strip_prefix("timing: ")?.split(", ");
        let verdict = items.next()?.strip_prefix("verdict ")?.to_owned();
        let code = items.next()?.strip_prefix("code ")?.to_owned();
        let step = |item: &str| {
            let (name, time) = item.split_once(' ')?;
            Some((name.to_owned(), time.strip_suffix(" us")?.parse().ok()?))
        };
        Some(Self {
            verdict,
            code,
            steps: items.map(step).collect::<Option<_>>()?,
        })
    }
}

impl std::fmt::Display for Timing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "verdict {}", self.verdict)?;
        for (step, microseconds) in &self.steps {
            let (whole, thousandths) = (microseconds / 1000, microseconds % 1000);
            write!(f, ", {step} {whole}.{thousandths:03} ms")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timing_is_read_and_shown_in_milliseconds() {
        let line = "timing: verdict ok, code aot, judge 1204 us, run 5 us";
        let timing = Timing::read(line).unwrap();
        assert_eq!((&*timing.verdict, &*timing.code), ("ok", "aot"));
        assert_eq!(
            timing.to_string(),
            "verdict ok, judge 1.204 ms, run 0.005 ms"
        );
    }

    #[test]
    fn other_lines_are_no_timing() {
        for line in [
            "",
            "timing: code aot",
            "timing: verdict ok, code aot, judge x us",
        ] {
            assert_eq!(Timing::read(line), None, "{line}");
        }
    }
}
