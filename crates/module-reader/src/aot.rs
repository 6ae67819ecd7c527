// SPDX-License-Identifier: Apache-2.0
//! AOT files of WAMR.
