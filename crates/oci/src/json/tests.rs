// SPDX-License-Identifier: Apache-2.0
use super::*;
use crate::{Error, ErrorKind, Text};
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

fn parse_default(text: &str) -> Result<Value<'_>, Error> {
    parse(text.as_bytes(), &Caps::default())
}

#[track_caller]
fn refused(bytes: &[u8], kind: ErrorKind, offset: u32) {
    let found = parse(bytes, &Caps::default()).map(Value::source);
    assert_eq!(
        found,
        Err(Error { kind, offset }),
        "{}",
        bytes.escape_ascii()
    );
}

#[test]
fn accepts_every_kind_of_value() {
    for (text, kind) in [
        ("{}", Kind::Object),
        ("[]", Kind::Array),
        ("\"\"", Kind::String),
        ("0", Kind::Number),
        ("-0.5e+7", Kind::Number),
        ("true", Kind::Bool),
        ("false", Kind::Bool),
        ("null", Kind::Null),
        (
            " \t\r\n[ { \"a\" : [ 1 , 2 ] , \"b\" : null } ] ",
            Kind::Array,
        ),
    ] {
        assert_eq!(parse_default(text).map(Value::kind), Ok(kind), "{text}");
    }
}

#[test]
fn syntax_is_that_of_rfc_8259() {
    for (text, offset) in [
        ("", 0),
        (" ", 1),
        ("{", 1),
        ("[", 1),
        ("[1,]", 3),
        ("[,1]", 1),
        ("[1 2]", 3),
        ("[1}", 2),
        ("{\"a\":1]", 6),
        ("{\"a\":1,}", 7),
        ("{\"a\" 1}", 5),
        ("{\"a\":}", 5),
        ("{\"a\"}", 4),
        ("{a:1}", 1),
        ("{1:1}", 1),
        ("'a'", 0),
        ("\"a", 2),
        ("\"\\\"", 3),
        ("\"a\nb\"", 2),
        ("\"\\x\"", 1),
        ("\"\\u12g4\"", 1),
        ("\"\\u+123\"", 1),
        ("\"\\u12\"", 1),
        ("\"\\ud83d\\u12\"", 1),
        ("01", 1),
        ("-", 1),
        ("+1", 0),
        (".5", 0),
        ("1.", 2),
        ("1e", 2),
        ("1x", 1),
        ("0x1", 1),
        ("NaN", 0),
        ("tru", 0),
        ("trues", 4),
        ("True", 0),
        ("// c\n1", 0),
        ("\u{feff}1", 0),
        ("]", 0),
        (",", 0),
        (":", 0),
    ] {
        refused(text.as_bytes(), ErrorKind::JsonSyntax, offset);
    }
}

#[test]
fn text_is_utf8() {
    refused(b"\"\xff\"", ErrorKind::JsonUtf8, 1);
    refused(b"\"\xc0\xaf\"", ErrorKind::JsonUtf8, 1); // overlong
    refused(b"\"\xed\xa0\x80\"", ErrorKind::JsonUtf8, 1); // a surrogate
    refused(b"1 \xe2\x82", ErrorKind::JsonUtf8, 2);
}

#[test]
fn escapes_spell_whole_characters() {
    refused(br#""a\ud83d""#, ErrorKind::JsonUtf8, 2);
    refused(br#""\ude00""#, ErrorKind::JsonUtf8, 1);
    refused(br#""\ud83dx""#, ErrorKind::JsonUtf8, 1);
    refused(br#""\ud83d\u0041""#, ErrorKind::JsonUtf8, 1);
    let smile = parse_default(r#""\ud83d\ude00""#).and_then(Value::text);
    assert_eq!(smile, Ok(Text::from("😀")));
}

#[test]
fn names_are_unique_in_an_object() {
    refused(br#"{"a":1,"a":2}"#, ErrorKind::JsonDuplicateKey, 7);
    refused(
        br#"[{"b":{"a":1,"c":2,"a":2}}]"#,
        ErrorKind::JsonDuplicateKey,
        19,
    );
    refused(br#"{"":1,"":1}"#, ErrorKind::JsonDuplicateKey, 6);
    assert!(parse_default(r#"{"a":{"a":1},"b":{"a":1},"c":[{"a":1},{"a":1}]}"#).is_ok());
    assert!(parse_default(r#"{"a":1,"A":1,"aa":1}"#).is_ok());
}

#[test]
fn names_are_unique_wherever_they_sort() {
    let names = ["m", "c", "x", "\\u0061", "é", "", "ab", "😀", "z"];
    for again in names {
        let members: Vec<String> = names
            .iter()
            .map(|name| format!("\"{name}\":{{}}"))
            .collect();
        let document = format!("{{{},\"{again}\":0}}", members.join(","));
        let offset = document.rfind(',').unwrap() + 1;
        refused(
            document.as_bytes(),
            ErrorKind::JsonDuplicateKey,
            u32::try_from(offset).unwrap(),
        );
    }
}

#[test]
fn names_are_unique_also_when_spelt_with_escapes() {
    refused(br#"{"a":1,"\u0061":2}"#, ErrorKind::JsonDuplicateKey, 7);
    refused(br#"{"\u0061":1,"a":2}"#, ErrorKind::JsonDuplicateKey, 12);
    refused(br#"{"\/":1,"\u002f":2}"#, ErrorKind::JsonDuplicateKey, 8);
    refused(
        "{\"\\ud83d\\ude00\":1,\"😀\":2}".as_bytes(),
        ErrorKind::JsonDuplicateKey,
        18,
    );
}

#[test]
fn nothing_follows_the_document() {
    refused(b"{} {}", ErrorKind::JsonTrailingData, 3);
    refused(b"1,", ErrorKind::JsonTrailingData, 1);
    refused(b"[]]", ErrorKind::JsonTrailingData, 2);
    refused(b"{}\0", ErrorKind::JsonTrailingData, 2);
    assert!(parse_default("{}\n \t\r").is_ok());
}

#[test]
fn size_is_capped() {
    let caps = Caps {
        bytes: 4,
        ..Caps::default()
    };
    assert!(parse(b"1234", &caps).is_ok());
    let error = Error {
        kind: ErrorKind::DocumentTooLarge,
        offset: 4,
    };
    assert_eq!(parse(b"1234 ", &caps).map(Value::source), Err(error));
}

#[test]
fn depth_is_capped() {
    let caps = Caps {
        depth: 2,
        ..Caps::default()
    };
    assert!(parse(b"[{},[]]", &caps).is_ok());
    let error = Error {
        kind: ErrorKind::DocumentTooDeep,
        offset: 7,
    };
    assert_eq!(
        parse(b"[{\"a\": {}}]", &caps).map(Value::source),
        Err(error)
    );

    // Whatever is configured, the parser's own bound holds.
    let caps = Caps {
        depth: u8::MAX,
        ..Caps::default()
    };
    let deepest = usize::from(Caps::MAX_DEPTH);
    assert!(
        parse("[".repeat(deepest).as_bytes(), &caps)
            .is_err_and(|e| e.kind == ErrorKind::JsonSyntax)
    );
    let error = Error {
        kind: ErrorKind::DocumentTooDeep,
        offset: u32::from(Caps::MAX_DEPTH),
    };
    assert_eq!(
        parse("[".repeat(99).as_bytes(), &caps).map(Value::source),
        Err(error)
    );
}

#[test]
fn entries_are_capped() {
    let caps = Caps {
        entries: 2,
        ..Caps::default()
    };
    assert!(parse(br#"{"a":[1,2],"b":[3,4]}"#, &caps).is_ok());
    let error = |offset| Error {
        kind: ErrorKind::TooManyEntries,
        offset,
    };
    assert_eq!(parse(b"[1,2,3]", &caps).map(Value::source), Err(error(5)));
    assert_eq!(
        parse(br#"{"a":1,"b":2,"c":3}"#, &caps).map(Value::source),
        Err(error(13))
    );
}

#[test]
fn names_of_all_open_objects_are_capped() {
    let caps = Caps {
        entries: u16::MAX,
        ..Caps::default()
    };
    let object = |members: usize| {
        let members: Vec<String> = (0..members).map(|i| format!("\"{i}\":0")).collect();
        format!("{{{}}}", members.join(","))
    };
    assert!(parse(object(Caps::MAX_OPEN_NAMES).as_bytes(), &caps).is_ok());
    let larger = object(Caps::MAX_OPEN_NAMES + 1);
    let error = parse(larger.as_bytes(), &caps).map(Value::source);
    assert_eq!(
        error.map_err(|error| error.kind),
        Err(ErrorKind::TooManyEntries)
    );
    // A closed object gives its names back.
    let many = format!("[{},{}]", object(200), object(200));
    assert!(parse(many.as_bytes(), &caps).is_ok());
}

#[test]
fn integers_are_exact() {
    let unsigned = |text| parse_default(text).and_then(Value::unsigned);
    assert_eq!(unsigned("0"), Ok(0));
    assert_eq!(
        unsigned("9223372036854775807"),
        Ok(i64::MAX.cast_unsigned())
    );
    let error = |kind| Err(Error { kind, offset: 0 });
    for wrong in [
        "\"1\"", "1.0", "1e3", "1E0", "0.0", "true", "null", "[1]", "{}",
    ] {
        assert_eq!(unsigned(wrong), error(ErrorKind::FieldType), "{wrong}");
    }
    for outside in ["-1", "-0", "9223372036854775808", "99999999999999999999999"] {
        assert_eq!(unsigned(outside), error(ErrorKind::SizeRange), "{outside}");
    }
}

#[test]
fn members_and_elements_come_in_order() {
    let value =
        parse_default(r#" {"a" : "x" , "\u0062":[ 1, {"c":"}]"} ,"," ] , "d":{}}"#).unwrap();
    let members: Vec<_> = value
        .members()
        .map(|(name, value)| format!("{name}={}", value.source()))
        .collect();
    assert_eq!(members, [r#"a="x""#, r#"b=[ 1, {"c":"}]"} ,"," ]"#, "d={}"]);
    let elements: Vec<_> = value
        .get("b")
        .unwrap()
        .elements()
        .map(Value::source)
        .collect();
    assert_eq!(elements, ["1", r#"{"c":"}]"}"#, r#"",""#]);
    assert_eq!(value.get("b").unwrap().offset(), 23);
    assert_eq!(value.get("e").map(Value::source), None);
    // The wrong kind has none of either.
    assert_eq!(value.elements().count(), 0);
    assert_eq!(value.get("b").unwrap().members().count(), 0);
    assert_eq!(value.get("a").unwrap().elements().count(), 0);
}

#[test]
fn fields_are_found_in_any_order() {
    let value = parse_default(r#"{"b":1,"c":2,"\u0061":3}"#).unwrap();
    let fields = value
        .fields(["a", "b", "x"])
        .map(|field| field.map(Value::source));
    assert_eq!(fields, [Some("3"), Some("1"), None]);
}

#[test]
fn missing_members_are_reported_at_their_object() {
    let value = parse_default(r#"[ {"a":1} ]"#)
        .unwrap()
        .elements()
        .next()
        .unwrap();
    let error = Error {
        kind: ErrorKind::FieldMissing,
        offset: 2,
    };
    assert_eq!(value.require("b").map(Value::source), Err(error));
}

#[test]
fn text_resolves_escapes() {
    let spelt = r#""\"\\\/\b\f\n\r\t\u00e9\u0000é""#;
    let text = parse_default(spelt).unwrap().text().unwrap();
    let meant = "\"\\/\u{8}\u{c}\n\r\té\0é";
    assert_eq!(text, meant);
    assert_eq!(text.len(), meant.len());
    assert_eq!(text.to_string(), meant);
    assert_eq!(text.as_plain(), None);
    assert_eq!(text.to_heapless::<13, usize>().as_deref(), Some(meant));
    assert_eq!(text.to_heapless::<12, usize>(), None);
    let mut buffer = [0xff; 14];
    assert_eq!(text.copy_to(&mut buffer), Some(meant));
    assert_eq!(text.copy_to(&mut buffer[..12]), None);
}

#[test]
fn text_without_escapes_is_borrowed() {
    let text = parse_default("\"é/\"").unwrap().text().unwrap();
    assert_eq!(text.as_plain(), Some("é/"));
    assert_eq!(text.len(), 3);
    assert_ne!(text, "é");
    // A backslash in a plain string is no escape.
    assert_eq!(Text::from("\\n").chars().collect::<String>(), "\\n");
}

#[test]
fn pointer_finds_the_innermost_value() {
    let document = br#" {"a":[10,{"b/c~":true}],"":{"\u0064":"x"}}"#;
    for (needle, expected) in [
        ("{\"a\"", ""),
        ("\"a\"", "/a"),
        ("[10", "/a"),
        ("10", "/a/0"),
        ("0,", "/a/0"),
        (",{", "/a"),
        ("{\"b", "/a/1"),
        ("\"b/c~", "/a/1/b~1c~0"),
        ("true", "/a/1/b~1c~0"),
        ("\"\":", "/"),
        ("\"x\"", "//d"),
    ] {
        let offset = std::str::from_utf8(document).unwrap().find(needle).unwrap();
        let found = pointer(document, u32::try_from(offset).unwrap()).to_string();
        assert_eq!(found, expected, "{needle}");
    }
    assert_eq!(pointer(document, 0).to_string(), "");
    assert_eq!(pointer(document, u32::MAX).to_string(), "");
}

#[test]
fn pointer_finds_the_open_container_of_a_broken_document() {
    for (document, expected) in [
        (&br#"{"a":[1,{"b":"#[..], "/a/1/b"),
        (br#"{"a":[1,{"b":"x"#, "/a/1/b"),
        (br#"{"a":[1,{"b":1},"#, "/a"),
        (br#"{"a":[1,2"#, "/a/1"),
        (b"{\"a\":{\"\xff\":", "/a/\u{fffd}"),
        (b"{\"\x1b[31m\":", "/\\u001b[31m"),
        (b"", ""),
        (b"]", ""),
        (b"{{{", ""),
    ] {
        let end = u32::try_from(document.len()).unwrap();
        assert_eq!(
            pointer(document, end).to_string(),
            expected,
            "{}",
            document.escape_ascii()
        );
    }
}
