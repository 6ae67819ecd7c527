// SPDX-License-Identifier: Apache-2.0
//! Storage partition and firmware limits of a Zephyr build, read from its devicetree and its
//! options.

mod devicetree;

use std::collections::HashMap;

use devicetree::Devicetree;
pub use devicetree::SyntaxError;
use ocre::image::judge::Policy;
use ocre::image::trust::{Trust, TrustRule};
use ocre::port::AotTarget;
use ocre_oci::Sha256;
use ocre_pc::platform::POLICY;

use crate::firmware::Firmware;

/// Facts about a build.
#[derive(Debug)]
pub struct ZephyrBuild {
    /// Storage partition.
    pub partition: StoragePartition,
    /// Limits of the firmware; its policy takes no keys yet.
    pub firmware: Firmware,
    /// Rule for the origin of images.
    pub rule: TrustRule,
    /// Pinned digests.
    pub pinned: Vec<Sha256>,
    /// True where the firmware trusts keys, whose files the build lists.
    pub has_keys: bool,
}

/// A storage partition.
#[derive(Debug, PartialEq, Eq)]
pub struct StoragePartition {
    /// Size in bytes.
    pub size: u64,
    /// Bytes that the flash erases at once, where the devicetree has the number.
    pub block_size: Option<u64>,
    /// Address in the board's address space.
    pub address: u64,
}

/// Missing or unreadable facts of a build.
#[derive(Debug, PartialEq, Eq)]
pub enum Wrong {
    /// The devicetree can't be parsed.
    Devicetree(SyntaxError),
    /// The devicetree has no usable storage partition; the reason.
    Partition(&'static str),
    /// An option is missing; its name.
    Option(&'static str),
}

impl ZephyrBuild {
    /// Reads the texts of `zephyr/zephyr.dts` and `zephyr/.config`.
    ///
    /// # Errors
    /// Each [`Wrong`].
    pub fn parse(devicetree: &str, options: &str) -> Result<Self, Wrong> {
        let config = KconfigValues::parse(options);
        let tree = Devicetree::parse(devicetree).map_err(Wrong::Devicetree)?;
        Ok(Self {
            partition: partition(&tree, &config).map_err(Wrong::Partition)?,
            firmware: firmware(&config).map_err(Wrong::Option)?,
            rule: rule(&config),
            pinned: pinned(&config).ok_or(Wrong::Option("OCRE_PINNED_DIGESTS"))?,
            has_keys: !config.text("OCRE_TRUSTED_KEYS").is_empty(),
        })
    }
}

/// Values of the options that are set; their names without `CONFIG_`.
struct KconfigValues<'t>(HashMap<&'t str, &'t str>);

impl<'t> KconfigValues<'t> {
    fn parse(text: &'t str) -> Self {
        // The file may come from a system with other line ends.
        let options = text.lines().map(str::trim_end);
        let options = options.filter_map(|line| line.strip_prefix("CONFIG_")?.split_once('='));
        Self(options.collect())
    }

    fn is_on(&self, option: &str) -> bool {
        self.0.get(option).is_some_and(|value| *value == "y")
    }

    fn text(&self, option: &str) -> &'t str {
        let quoted = self.0.get(option).copied();
        quoted.unwrap_or_default().trim_matches('"')
    }

    fn number(&self, option: &'static str) -> Result<u32, &'static str> {
        let number = self.0.get(option).and_then(|value| value.parse().ok());
        number.ok_or(option)
    }
}

fn partition(
    tree: &Devicetree,
    config: &KconfigValues<'_>,
) -> Result<StoragePartition, &'static str> {
    let partition = tree
        .labelled("storage_partition")
        .ok_or("no node has the label storage_partition")?;
    let (mut address, size) = partition.reg().ok_or("storage_partition has no reg")?;
    let mut above = partition.parent();
    // Partitions in a partition count from its beginning.
    while let Some(outer) = above.filter(|node| node.is_compatible("fixed-subpartitions")) {
        address = address.saturating_add(outer.reg().map_or(0, |(address, _)| address));
        above = outer.parent();
    }
    let flash = above.and_then(devicetree::At::parent);
    let flash = flash.ok_or("storage_partition is in no flash")?;
    // The flash that the snippet ocre-storage simulates lies in a memory of that label.
    let memory = tree
        .labelled("ocre_flash_memory")
        .filter(|_| flash.name().starts_with("flash_sim@"));
    let base = flash_base(memory.unwrap_or(flash));
    let block_size = flash.number("erase-block-size").or_else(|| {
        // The littlefs of the firmware takes the same.
        let pages = [
            "NORDIC_QSPI_NOR_FLASH_LAYOUT_PAGE_SIZE",
            "SPI_NOR_FLASH_LAYOUT_PAGE_SIZE",
        ];
        pages.iter().find_map(|option| config.number(option).ok())
    });
    Ok(StoragePartition {
        size,
        block_size: block_size.map(u64::from),
        address: base.saturating_add(address),
    })
}

/// Address at which the CPU, and so a programmer, sees a flash. A flash behind a QSPI controller
/// has a chip select for an address, and no size. The window to such a flash is the controller's
/// second register, as in `cmake/ocre_preload.cmake`.
fn flash_base(flash: devicetree::At<'_>) -> u64 {
    let own = flash.reg().unwrap_or_default();
    let window = match own {
        (_, 0) => flash.parent().and_then(|controller| controller.register(1)),
        _ => None,
    };
    window.unwrap_or(own).0
}

/// Reads the limits of the firmware; the error is the name of a missing option.
fn firmware(config: &KconfigValues<'_>) -> Result<Firmware, &'static str> {
    let bytes = |option| config.number(option).map(|number| number as usize);
    Ok(Firmware {
        target: config.is_on("OCRE_AOT").then(|| target(config)).flatten(),
        policy: Policy {
            // Of the rule, keys and digests in `trust`.
            trust: &Trust::PORTABLE,
            uninterruptible: config.is_on("OCRE_AOT_UNINTERRUPTIBLE"),
            prefer_portable: false,
            // An image that is too large may lie on the flash; the device refuses to run it.
            image_bytes: POLICY.image_bytes,
            memory_bytes: config.number("OCRE_MEMORY_LIMIT")?,
        },
        containers: bytes("OCRE_CONTAINERS")?,
        document: bytes("OCRE_DOCUMENT_SIZE")?,
        config: bytes("OCRE_CONFIG_SIZE")?,
        stack: config.number("OCRE_GUEST_STACK_SIZE")?,
        thread_stack: config.number("OCRE_THREAD_STACK_SIZE")?,
        most_thread_stack: Some(config.number("OCRE_THREAD_STACK_SIZE")?),
    })
}

/// Rule for the origin of images, as in `crates/zephyr/src/trust.rs`.
fn rule(config: &KconfigValues<'_>) -> TrustRule {
    let rules = [
        ("OCRE_POLICY_ANY", TrustRule::Any),
        ("OCRE_POLICY_SIGNED", TrustRule::Signed),
        ("OCRE_POLICY_PINNED", TrustRule::Pinned),
    ];
    let set = rules.into_iter().find(|(option, _)| config.is_on(option));
    set.map_or(TrustRule::SignedAot, |(_, rule)| rule)
}

/// Pinned digests; `None` where one is malformed.
fn pinned(config: &KconfigValues<'_>) -> Option<Vec<Sha256>> {
    let digests = config.text("OCRE_PINNED_DIGESTS").split_whitespace();
    digests
        .map(|digest| Sha256::from_hex(digest.strip_prefix("sha256:")?).ok())
        .collect()
}

/// Target of AOT code, as in `crates/zephyr/src/target.rs`.
fn target(config: &KconfigValues<'_>) -> Option<&'static AotTarget> {
    let hard_float = config.is_on("FP_HARDABI");
    if config.is_on("ARCH_POSIX") {
        let wide = config.is_on("64BIT");
        let native = if wide {
            &AotTarget::X86_64
        } else {
            &AotTarget::I386
        };
        return cfg!(any(target_arch = "x86_64", target_arch = "x86")).then_some(native);
    }
    let of_cpu = [
        ("CPU_CORTEX_M3", &AotTarget::THUMBV7M, &AotTarget::THUMBV7M),
        (
            "CPU_CORTEX_M4",
            &AotTarget::THUMBV7EM,
            &AotTarget::THUMBV7EM_EABIHF,
        ),
        (
            "CPU_CORTEX_M7",
            &AotTarget::THUMBV7EM,
            &AotTarget::THUMBV7EM_EABIHF,
        ),
        (
            "CPU_CORTEX_M33",
            &AotTarget::THUMBV8M,
            &AotTarget::THUMBV8M_EABIHF,
        ),
        ("RISCV", &AotTarget::RISCV32, &AotTarget::RISCV32),
    ];
    let (_, soft, hard) = of_cpu.iter().find(|(cpu, ..)| config.is_on(cpu))?;
    Some(if hard_float { hard } else { soft })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_ends_as_it_does_on_any_system() {
        let config = KconfigValues::parse("CONFIG_A=1\r\nCONFIG_B=2\nCONFIG_C=y\r\nCONFIG_D=4\r");
        assert_eq!(config.number("A"), Ok(1));
        assert_eq!(config.number("B"), Ok(2));
        assert!(config.is_on("C"));
        assert_eq!(config.number("D"), Ok(4));
        assert_eq!(config.number("E"), Err("E"));
    }
}
