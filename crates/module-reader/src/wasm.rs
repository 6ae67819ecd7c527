// SPDX-License-Identifier: Apache-2.0
//! WebAssembly modules in the binary format.
