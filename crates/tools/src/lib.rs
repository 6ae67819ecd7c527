// SPDX-License-Identifier: Apache-2.0
//! Tools of a PC for images, flash files and firmware: each works on files and storages, prints
//! nothing, and reports a [`failure::Failure`] with a stable code and a hint.

pub mod aot_file;
pub mod archive;
pub mod build_file;
pub mod build_guest;
pub mod bundle;
pub mod failure;
pub mod firmware;
pub mod flash_check;
pub mod foreign;
pub mod layout;
pub mod layout_archive;
pub mod layout_folder;
pub mod layout_index;
pub mod layout_name;
pub mod layout_source;
pub mod linux_image;
pub mod oras_folder;
pub mod pack;
pub mod partition;
pub mod selected_manifest;
pub mod signing;

pub mod zephyr_build;
