// SPDX-License-Identifier: Apache-2.0
//! Capacities of the core, in one place. Some can be set by the build's environment, in a
//! variable named after them with `OCRE_` in front: the firmware's build does so.

/// Value from the build's environment, else `default`.
const fn set(value: Option<&str>, default: usize) -> usize {
    match value {
        None => default,
        Some(text) => match usize::from_str_radix(text, 10) {
            Ok(value) => value,
            Err(_) => 0, // refused below
        },
    }
}

const _: () = assert!(
    MAX_CONTAINERS > 0 && MAX_CONTAINERS < 256 && MAX_DOCUMENT > 0 && MAX_CONFIG > 0,
    "a capacity in the environment is no number"
);
const _: () = assert!(MAX_EVENTS > 0, "OCRE_MAX_EVENTS is a number");
const _: () = assert!(
    LOG_BYTES.is_power_of_two() && LOG_BYTES >= 512,
    "OCRE_LOG_BYTES is a power of two, at least 512"
);
const _: () = assert!(
    DEFAULT_MEMORY > 0 && DEFAULT_STACK > 0 && DEFAULT_THREAD_STACK > 0,
    "a default in the environment is no number"
);

/// Longest path on the partition, in bytes.
pub const MAX_PATH: usize = 170;
/// Most containers at once.
pub const MAX_CONTAINERS: usize = set(option_env!("OCRE_MAX_CONTAINERS"), 8);
/// Largest index or manifest on a device, in bytes.
pub const MAX_DOCUMENT: usize = set(option_env!("OCRE_MAX_DOCUMENT"), 8 * 1024);
/// Largest image config on a device, in bytes.
pub const MAX_CONFIG: usize = set(option_env!("OCRE_MAX_CONFIG"), 4 * 1024);
/// Buffer for hashing and copying, in bytes.
pub const COPY_BUFFER: usize = 512;
/// Longest entry point name, in bytes.
pub const MAX_ENTRY_POINT: usize = 64;
/// Largest environment of an image or a container, in bytes; each `NAME=value` counts one more.
pub const MAX_ENVIRONMENT: usize = 512;
/// Most layers besides the executable one.
pub const MAX_BLOBS: usize = 8;
/// Longest title of a blob that is its file name in the container, in bytes.
pub const MAX_TITLE: usize = 64;
/// Largest total of an image's titles, in bytes; each counts one more.
pub const MAX_TITLES: usize = 256;
/// Failures of an image after its update at which the update is taken back.
pub const MAX_UPDATE_FAILURES: u8 = 3;
/// Most signatures of an image that are imported with it.
pub const MAX_SIGNATURES: usize = 32;
/// Deepest nesting of indexes: 1 is the layout's own `index.json`.
pub const MAX_INDEX_DEPTH: u8 = 4;
/// A page of linear memory, in bytes.
pub const PAGE_BYTES: u64 = 64 * 1024;
/// Most words of a command line.
pub const MAX_WORDS: usize = 32;
/// Longest name of a container, in bytes.
pub const MAX_NAME: usize = 32;
/// Largest arguments of a container, with its own name, in bytes; each counts one more.
pub const MAX_ARGUMENTS: usize = 256;
/// Bytes of output, with 11 more for each line, that a container's log keeps; a power of two.
pub const LOG_BYTES: usize = set(option_env!("OCRE_LOG_BYTES"), 4 * 1024);
/// Longest part of a line that the log keeps in one piece, in bytes.
pub const MAX_LOG_RECORD: usize = 256;
/// Number of changes of containers' states that are kept.
pub const MAX_EVENTS: usize = set(option_env!("OCRE_MAX_EVENTS"), 16);
/// Most mounts of a container.
pub const MAX_MOUNTS: usize = 4;
/// Largest mounts of a container, in bytes; each `SRC:DST[:ro]` counts one more.
pub const MAX_MOUNTS_TEXT: usize = 128;
/// Most files and folders that a container has open at once.
pub const MAX_OPEN_FILES: usize = 8;
/// Default limit of a container's linear memory, in bytes.
pub const DEFAULT_MEMORY: u32 = set(option_env!("OCRE_DEFAULT_MEMORY"), 1024 * 1024) as u32;
/// Default stack for interpreted frames, in bytes.
pub const DEFAULT_STACK: u32 = set(option_env!("OCRE_DEFAULT_STACK"), 16 * 1024) as u32;
/// Default stack of a container's thread, in bytes.
pub const DEFAULT_THREAD_STACK: u32 =
    set(option_env!("OCRE_DEFAULT_THREAD_STACK"), 16 * 1024) as u32;

/// Most instructions that a container's limit on them may have.
pub const MAX_INSTRUCTIONS: u32 = i32::MAX as u32;

// Capacities of the host functions of the guest API. A part whose capacity is 0, or no number, is
// left out.

/// Most timers of a container.
pub const MAX_TIMERS: usize = set(option_env!("OCRE_MAX_TIMERS"), 16);
/// Bytes of messages that wait for a container, each counted with [`MESSAGE_HEADER`] more; so also
/// the size of its largest message.
pub const INBOX_BYTES: usize = set(option_env!("OCRE_INBOX_BYTES"), 4 * 1024);
/// Bytes of a waiting message besides its topic, content type and content.
pub const MESSAGE_HEADER: usize = 8;
/// Largest subscriptions of a container, in bytes; each counts one more.
pub const SUBSCRIPTION_BYTES: usize = 256;
/// Longest topic, in bytes.
pub const MAX_TOPIC: usize = 127;
/// Longest content type of a message, in bytes.
pub const MAX_CONTENT_TYPE: usize = 127;
/// Most pins in use by all containers together.
pub const MAX_PINS: usize = set(option_env!("OCRE_MAX_PINS"), 16);
/// Most changes of its pins that wait for a container.
pub const MAX_CHANGES: usize = set(option_env!("OCRE_MAX_CHANGES"), 16);
/// Most sensors that containers can see.
pub const MAX_SENSORS: usize = set(option_env!("OCRE_MAX_SENSORS"), 16);
/// True where the engine interprets portable code.
pub const INTERPRETER: bool = set(option_env!("OCRE_HAS_INTERPRETER"), 1) != 0;
/// True where the engine runs AOT code.
pub const AOT: bool = set(option_env!("OCRE_HAS_AOT"), 1) != 0;
/// True where signatures of images can be verified.
pub const SIGNATURES: bool = set(option_env!("OCRE_SIGNATURES"), 1) != 0;
/// True where a command that fails prints a hint.
pub const HINTS: bool = set(option_env!("OCRE_HINTS"), 1) != 0;
/// True where sentences explain the codes of failures; firmware has no room for them.
pub const SENTENCES: bool = set(option_env!("OCRE_SENTENCES"), 1) != 0;
/// True where commands can answer in JSON; some only do.
pub const JSON: bool = set(option_env!("OCRE_JSON"), 1) != 0;
/// Place of linear memories; empty where that is the engine's heap.
pub const LINEAR_MEMORY: &str = match option_env!("OCRE_LINEAR_MEMORY") {
    Some(place) => place,
    None => "",
};
/// True where commands can drive simulated pins and sensors.
pub const SIMULATED_DEVICES: bool = set(option_env!("OCRE_SIMULATED_DEVICES"), 1) != 0;
/// Longest name of a pin or sensor, in bytes.
pub const MAX_DEVICE_NAME: usize = 64;
