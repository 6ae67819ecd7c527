// SPDX-License-Identifier: Apache-2.0
//! Two readings of one JSON document compared; the fuzz targets use it too.

use ocre_oci::json;

/// Panics unless both read the same from one document.
pub fn equal(ours: json::Value<'_>, theirs: &serde_json::Value) {
    use json::Kind;
    use serde_json::Value;
    match (ours.kind(), theirs) {
        (Kind::Object, Value::Object(members)) => {
            assert_eq!(ours.members().count(), members.len());
            for (name, value) in ours.members() {
                equal(value, &members[&name.to_string()]);
            }
        }
        (Kind::Array, Value::Array(elements)) => {
            assert_eq!(ours.elements().count(), elements.len());
            ours.elements()
                .zip(elements)
                .for_each(|(ours, theirs)| equal(ours, theirs));
        }
        (Kind::String, Value::String(text)) => {
            let ours = ours.text().unwrap();
            assert_eq!(ours.to_string(), *text);
            assert_eq!(ours.len(), text.len());
        }
        (Kind::Number, Value::Number(number)) => {
            if let Ok(ours) = ours.unsigned() {
                assert_eq!(Some(ours), number.as_u64());
            }
        }
        (Kind::Bool, Value::Bool(value)) => assert_eq!(ours.source(), value.to_string()),
        (Kind::Null, Value::Null) => {}
        (kind, theirs) => panic!("{kind:?} against {theirs}"),
    }
}

/// The printed pointer, followed by `serde_json`, ends at the value it was made for.
pub fn every_pointer_leads_to_its_value(
    document: &[u8],
    value: json::Value<'_>,
    root: &serde_json::Value,
) {
    let pointer = json::pointer(document, value.offset()).to_string();
    let members = value.members().map(|(_, value)| value);
    let mut children = value.elements().chain(members).peekable();
    // A container is told by what is in it. Control characters show as escapes,
    // which a pointer does not have.
    if children.peek().is_none() && !pointer.contains("\\u") {
        let found = root.pointer(&pointer);
        equal(
            value,
            found.unwrap_or_else(|| panic!("no value at {pointer}")),
        );
    }
    for child in children {
        every_pointer_leads_to_its_value(document, child, root);
    }
}
