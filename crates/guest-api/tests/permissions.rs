// SPDX-License-Identifier: Apache-2.0
//! The document's table of permissions is the one in the code.

use ocre::image::permission::Permission;
use ocre_guest_api::{FUNCTIONS, permission};

const DOCUMENT: &str = include_str!("../../../docs/permissions.md");

/// The words in backquotes of a cell.
fn words(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// Each row's permission, if it has one, and its functions.
fn rows() -> Vec<(Option<&'static str>, Vec<&'static str>)> {
    let rows = DOCUMENT.lines().filter(|line| line.starts_with("| "));
    let cells = rows.map(|row| row.split('|').collect::<Vec<_>>());
    cells
        .skip(1)
        .map(|cells| (words(cells[1]).first().copied(), words(cells[3])))
        .collect()
}

#[test]
fn every_permission_has_a_row_with_its_functions_in_order() {
    let documented: Vec<_> = rows().iter().map(|(name, _)| *name).collect();
    let names = Permission::ALL.map(|permission| Some(permission.name()));
    assert_eq!(documented[0], None);
    assert_eq!(documented[1..], names);
    for (name, functions) in rows() {
        let needs = |function: usize| permission(function).map(Permission::name);
        let those = (0..FUNCTIONS.len()).filter(|function| needs(*function) == name);
        let expected: Vec<_> = those.map(|function| FUNCTIONS[function].name()).collect();
        assert_eq!(functions, expected, "{name:?}");
    }
}

#[test]
fn what_is_no_function_needs_no_permission_and_is_in_no_row() {
    assert_eq!(permission(FUNCTIONS.len()), None);
    let count: usize = rows().iter().map(|(_, functions)| functions.len()).sum();
    assert_eq!(count, FUNCTIONS.len());
}
