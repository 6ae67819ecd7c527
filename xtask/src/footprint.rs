// SPDX-License-Identifier: Apache-2.0
//! `cargo xtask footprint`: owners of a firmware's flash and RAM, from the linker's map.
//!
//! Promised: each byte that a file brought into the memories `FLASH` and `RAM` is counted once in
//! each; initialised data is in both, also where the whole firmware is in RAM. Strings and constants
//! that the linker merges are shared out in proportion to each file's size before the merge.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use anyhow::{Context, Result, bail, ensure};

/// Owners of the counted bytes, in the order of the output.
const OWNERS: [&str; 6] = [RUST, SHIMS, WAMR, LITTLEFS, "application", ZEPHYR];
const RUST: &str = "ours, Rust";
const SHIMS: &str = "ours, C";
const WAMR: &str = "WAMR";
const LITTLEFS: &str = "littlefs";
const ZEPHYR: &str = "Zephyr, libc, libgcc";

/// Memory for containers alone: its section, and the file of the section.
const CONTAINERS: [(&str, &str); 2] = [("8platform4HEAP", "artifact"), (".noinit.", "threads.c")];

/// Sections for the debugger and other tools, which are not in the device.
const NOT_LOADED: [&str; 4] = [".debug", ".comment", ".ARM.attributes", ".riscv.attributes"];

/// Sections that no file has bytes of.
const BLANK: [&str; 2] = ["bss", "noinit"];

/// Bytes of an owner.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
struct Bytes {
    flash: u64,
    ram: u64,
}

/// Bytes of a firmware, by owner.
#[derive(Debug, Default)]
struct Footprint {
    parts: BTreeMap<&'static str, Bytes>,
    /// Bytes of RAM for containers: their heap and their stacks.
    containers: u64,
    /// Names of the compiler's sections in flash.
    sections: BTreeSet<String>,
}

impl Footprint {
    fn of(&self, owner: &str) -> Bytes {
        self.parts.get(owner).copied().unwrap_or_default()
    }

    fn ours(&self) -> u64 {
        self.of(RUST).flash + self.of(SHIMS).flash
    }

    fn total(&self) -> Bytes {
        self.parts
            .values()
            .fold(Bytes::default(), |sum, part| Bytes {
                flash: sum.flash + part.flash,
                ram: sum.ram + part.ram,
            })
    }

    /// Value that a limit applies to, in bytes.
    fn measure(&self, name: &str) -> Result<u64> {
        Ok(match name {
            "flash" => self.total().flash,
            "ours" => self.ours(),
            "ram" => self.total().ram - self.containers,
            _ => bail!("nothing is called {name:?}: flash, ours and ram are"),
        })
    }
}

/// Prints the parts of each map. With `--most NAME=BYTES` it fails where a map has more: `flash` is
/// all flash, `ours` our part of it, `ram` all RAM but that of containers. With `--absent TEXT` it
/// fails where the name of a section in flash has that text.
pub fn footprint(args: &[&str]) -> Result<()> {
    let mut limits = Vec::new();
    let mut absent = Vec::new();
    let mut maps = Vec::new();
    let mut args = args.iter();
    while let Some(&arg) = args.next() {
        if arg == "--most" {
            let limit = args.next().context("--most needs NAME=BYTES")?;
            let (name, bytes) = limit.split_once('=').context("--most needs NAME=BYTES")?;
            let bytes: u64 = bytes.parse().with_context(|| limit.to_string())?;
            limits.push((name, bytes));
        } else if arg == "--absent" {
            absent.push(*args.next().context("--absent needs a text")?);
        } else {
            maps.push(arg);
        }
    }
    ensure!(!maps.is_empty(), "name the maps: …/zephyr/zephyr.map");
    for path in maps {
        let text = fs::read_to_string(path).with_context(|| path.to_string())?;
        let footprint = read(&text).with_context(|| path.to_string())?;
        print(path, &footprint);
        for text in &absent {
            let found = footprint.sections.iter().find(|name| name.contains(text));
            if let Some(found) = found {
                bail!("{path}: {found} is there, and should have been left out");
            }
        }
        for (name, most) in &limits {
            let found = footprint.measure(name)?;
            ensure!(
                found <= *most,
                "{path}: {name} is {found} bytes, and {most} are promised"
            );
        }
    }
    Ok(())
}

fn print(path: &str, footprint: &Footprint) {
    println!("{path}");
    println!("  {:24}{:>10}{:>10}", "bytes", "flash", "RAM");
    let line = |name: &str, part: Bytes| println!("  {name:24}{:>10}{:>10}", part.flash, part.ram);
    for owner in OWNERS {
        line(owner, footprint.of(owner));
    }
    let total = footprint.total();
    line("together", total);
    println!("  {:24}{:>10}", "ours", footprint.ours());
    println!(
        "  {:34}{:>10}",
        "RAM without that of containers",
        total.ram - footprint.containers
    );
}

/// Piece of an output section.
struct Piece<'a> {
    section: &'a str,
    file: &'a str,
    bytes: u64,
    /// Bytes before the linker merged the piece with others.
    own: u64,
}

/// Collected pieces of an output section.
struct OutputSection<'a> {
    in_flash: bool,
    in_ram: bool,
    pieces: Vec<Piece<'a>>,
}

fn read(text: &str) -> Result<Footprint> {
    let (_, text) = text
        .split_once("Memory Configuration")
        .context("this is no linker map")?;
    let (regions, text) = text
        .split_once("Linker script and memory map")
        .context("this is no linker map")?;
    let region = |wanted: &str| {
        regions.lines().find_map(|line| {
            let mut words = line.split_whitespace();
            if words.next()? != wanted {
                return None;
            }
            let (start, length) = (number(words.next()?)?, number(words.next()?)?);
            Some(start..start.checked_add(length)?)
        })
    };
    let ram = region("RAM").context("there is no memory RAM")?;
    // A firmware without FLASH is in RAM as a whole, its constants before the rest.
    let (flash, ram, has_flash) = match region("FLASH") {
        Some(flash) => (flash, ram, true),
        None => {
            let start = symbol(text, "__kernel_ram_start").context("there is no memory FLASH")?;
            (ram.start..start, start..ram.end, false)
        }
    };

    let mut footprint = Footprint::default();
    let mut output: Option<OutputSection<'_>> = None;
    let mut name = "";
    for line in text.lines() {
        let indented = line.starts_with(' ');
        let mut words = line.split_whitespace();
        let Some(first) = words.next() else {
            continue;
        };
        // A long name is on a line alone, and its numbers follow on the next.
        let (first, rest): (&str, Vec<&str>) = if number(first).is_some() {
            ("", line.split_whitespace().collect())
        } else {
            (first, words.collect())
        };
        if !first.is_empty() && !indented {
            footprint.add(output.take());
            name = "";
        }
        if rest.is_empty() {
            name = first;
            continue;
        }
        let section = if first.is_empty() { name } else { first };
        let numbers: Vec<u64> = rest.iter().map_while(|word| number(word)).collect();
        match (&*numbers, &mut output) {
            (&[before], Some(output)) if line.ends_with("(size before relaxing)") => {
                if let Some(piece) = output.pieces.last_mut() {
                    piece.own = before;
                }
            }
            (&[address, _], None) if !section.is_empty() => {
                let load = rest
                    .windows(3)
                    .find(|words| words.starts_with(&["load", "address"]))
                    .and_then(|words| number(words[2]));
                let is_loaded = !NOT_LOADED.iter().any(|name| section.starts_with(name));
                let in_ram = ram.contains(&address);
                let is_initialised = !has_flash && in_ram && !BLANK.contains(&section);
                output = Some(OutputSection {
                    in_flash: is_loaded
                        && (flash.contains(&load.unwrap_or(address)) || is_initialised),
                    in_ram,
                    pieces: Vec::new(),
                });
            }
            (&[_, bytes], Some(output)) => {
                let filled = first == "*fill*";
                let file = rest.get(2..).and_then(|words| words.first().copied());
                let file = match file {
                    Some(file) => file,
                    None if filled => output.pieces.last().map_or("", |piece| piece.file),
                    // A symbol, or an assignment.
                    None => continue,
                };
                if !section.starts_with('.') && !filled && section != "COMMON" {
                    continue;
                }
                output.pieces.push(Piece {
                    section,
                    file,
                    bytes,
                    own: bytes,
                });
            }
            _ => {}
        }
        if !first.is_empty() || numbers.len() == 2 {
            name = "";
        }
    }
    footprint.add(output);
    ensure!(
        footprint.total() != Bytes::default(),
        "nothing is in FLASH or RAM"
    );
    Ok(footprint)
}

/// Address of a symbol of the linker script.
fn symbol(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        let address = number(words.next()?)?;
        (words.next()? == name).then_some(address)
    })
}

impl Footprint {
    fn add(&mut self, output: Option<OutputSection<'_>>) {
        let Some(output) = output else {
            return;
        };
        let mut merged: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
        for piece in &output.pieces {
            if let Some(kind) = merge_kind(piece.section) {
                let (bytes, own) = merged.entry(kind).or_default();
                *bytes += piece.bytes;
                *own += piece.own;
            }
        }
        for piece in &output.pieces {
            let bytes = match merge_kind(piece.section).map(|kind| merged[kind]) {
                Some((bytes, own)) if own > 0 => bytes * piece.own / own,
                _ => piece.bytes,
            };
            let part = self.parts.entry(owner(piece.file)).or_default();
            if output.in_flash {
                part.flash += bytes;
                if piece.bytes > 0 {
                    self.sections.insert(piece.section.to_string());
                }
            }
            if output.in_ram {
                part.ram += bytes;
                let is_theirs = |&(section, file): &(&str, &str)| {
                    piece.section.contains(section) && piece.file.contains(file)
                };
                if CONTAINERS.iter().any(is_theirs) {
                    self.containers += bytes;
                }
            }
        }
    }
}

/// Group that the linker merges a section with, if it does: strings, or constants of one size.
fn merge_kind(section: &str) -> Option<&str> {
    let (rest, last) = section.rsplit_once('.')?;
    let (_, before) = rest.rsplit_once('.')?;
    match before {
        _ if last.starts_with("cst") => Some(last),
        "str1" | "str2" | "str4" | "str8" => Some(before),
        _ => None,
    }
}

fn owner(file: &str) -> &'static str {
    let ours_in_wamr = ["ocre_wamr", "platform.c"].iter().any(|ours| {
        file.rsplit_once('(')
            .is_some_and(|(_, member)| member.starts_with(ours))
    });
    if file.contains("libocre_zephyr_artifact") {
        RUST
    } else if file.contains("libocre_shim") || ours_in_wamr && file.contains("libocre_wamr") {
        SHIMS
    } else if file.contains("libocre_wamr") {
        WAMR
    } else if file.contains("littlefs") {
        LITTLEFS
    } else if file.starts_with("app/") {
        "application"
    } else {
        ZEPHYR
    }
}

fn number(word: &str) -> Option<u64> {
    u64::from_str_radix(word.strip_prefix("0x")?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAP: &str = "\
Discarded input sections

 .text.gone     0x00000000       0x10 app/libapp.a(main.c.obj)

Memory Configuration

Name             Origin             Length             Attributes
FLASH            0x00000000         0x00010000         xr
RAM              0x20000000         0x00010000         xw

Linker script and memory map

LOAD app/libapp.a

text            0x000000c0      0x200
 .text.main     0x000000c0       0x10 app/libapp.a(main.c.obj)
                0x000000c0                main
 *fill*         0x000000d0        0x2
 .text.a_name_that_is_too_long_for_its_column
                0x000000d2       0x1e cargo/libocre_zephyr_artifact.a(x.rcgu.o)
 .text.call     0x000000f0       0x20 ocre/libocre_wamr.a(wasm_runtime.c.obj)
 .text.open     0x00000110       0x30 ocre/libocre_wamr.a(platform.c.obj)
 .text.lfs      0x00000140       0x40 fs/libfs.a(littlefs_fs.c.obj)
 .text.k        0x00000180       0x50 zephyr/libkernel.a(thread.c.obj)

rodata          0x00000300       0x30
 .rodata.str1.1
                0x00000300       0x30 zephyr/libkernel.a(thread.c.obj)
                                 0x10 (size before relaxing)
 .rodata.f.str1.1
                0x00000330        0x0 ocre/libocre_wamr.a(wasm_runtime.c.obj)
                                 0x30 (size before relaxing)

datas           0x20000000        0x8 load address 0x00000330
 .data.x        0x20000000        0x8 ocre/libocre_shim.a(clock.c.obj)

bss             0x20000010     0x1100
 .bss._ZN11ocre_zephyr8platform4HEAP17h00E
                0x20000010     0x1000 cargo/libocre_zephyr_artifact.a(x.rcgu.o)
 .bss.y         0x20001010      0x100 zephyr/libkernel.a(thread.c.obj)

.debug_info     0x00000000     0x9999
 .debug_info    0x00000000     0x9999 app/libapp.a(main.c.obj)
";

    #[test]
    fn each_byte_of_flash_and_ram_has_one_owner() {
        let found = read(MAP).unwrap();
        let part = |flash, ram| Bytes { flash, ram };
        assert_eq!(found.of("application"), part(0x12, 0));
        assert_eq!(found.of(RUST), part(0x1e, 0x1000));
        assert_eq!(found.of(SHIMS), part(0x38, 8));
        assert_eq!(found.of(LITTLEFS), part(0x40, 0));
        // The strings are shared out one to three.
        assert_eq!(found.of(WAMR), part(0x20 + 0x24, 0));
        assert_eq!(found.of(ZEPHYR), part(0x50 + 0xc, 0x100));
        assert_eq!(found.total(), part(0x148, 0x1108));
        assert_eq!(found.ours(), 0x56);
        assert_eq!(found.measure("ram").unwrap(), 0x108);
        assert!(found.sections.contains(".text.call"));
        assert!(!found.sections.contains(".text.gone"));
    }

    #[test]
    fn a_firmware_without_flash_is_in_ram() {
        let map = MAP
            .replace(
                "FLASH            0x00000000         0x00010000         xr\n",
                "",
            )
            .replace(
                "RAM              0x20000000         0x00010000",
                "RAM 0x0 0x20010000",
            )
            .replace("0x8 load address 0x00000330", "0x8")
            .replace(
                "datas ",
                "                0x20000000   __kernel_ram_start = .\ndatas ",
            );
        let found = read(&map).unwrap();
        assert_eq!(found.total(), read(MAP).unwrap().total());
        assert_eq!(
            found.of(SHIMS),
            Bytes {
                flash: 0x38,
                ram: 8
            }
        );
    }

    #[test]
    fn another_text_is_refused() {
        assert!(read("").is_err());
        assert!(read(&MAP.replace("FLASH", "ROM")).is_err());
    }
}
