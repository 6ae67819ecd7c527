// SPDX-License-Identifier: Apache-2.0
//! Reader of the C that our headers are written in: object-like macros of one number or text,
//! structures, enumerations without a name, type definitions, and functions. Anything else is an
//! error.

use std::collections::BTreeMap;

use super::{Side, array, function, pointer};

/// Reads a header.
pub fn read(text: &str) -> Result<Side, String> {
    let (tokens, macros) = preprocess(&without_comments(text)?)?;
    let mut parser = CParser {
        tokens: tokens.iter().map(String::as_str).collect(),
        at: 0,
        types: BTreeMap::new(),
        side: Side::default(),
    };
    for (name, value) in macros {
        let value = constant(&value).ok_or_else(|| format!("{name}: a macro that is no value"))?;
        parser.side.constants.insert(name, value);
    }
    while parser.at < parser.tokens.len() {
        parser.declaration().map_err(|error| {
            let from = parser.at.saturating_sub(8);
            let to = (parser.at + 4).min(parser.tokens.len());
            format!("{error}, about here: {}", parser.tokens[from..to].join(" "))
        })?;
    }
    Ok(parser.side)
}

fn without_comments(text: &str) -> Result<String, String> {
    let mut kept = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("/*") {
        kept += before;
        let (_, after) = after.split_once("*/").ok_or("a comment without an end")?;
        kept.push(' ');
        rest = after;
    }
    kept += rest;
    Ok(kept)
}

type Macros = Vec<(String, Vec<String>)>;

/// Tokens outside of directives, and the macros that have a value. Code for C++ alone is skipped.
fn preprocess(text: &str) -> Result<(Vec<String>, Macros), String> {
    let mut tokens = Vec::new();
    let mut macros = Vec::new();
    let mut for_cplusplus = false;
    for line in text.lines() {
        if line.ends_with('\\') {
            return Err(format!("a continued line: {line}"));
        }
        let Some(directive) = line.trim().strip_prefix('#') else {
            if !for_cplusplus {
                tokens.extend(tokenise(line)?);
            }
            continue;
        };
        let words = tokenise(directive)?;
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words[..] {
            ["include", ..] | ["ifndef", _] => {}
            ["ifdef", "__cplusplus"] => for_cplusplus = true,
            // Any other `endif` is that of the include guard, at the end of the file.
            ["endif"] => for_cplusplus = false,
            ["define", _] => {}
            ["define", name, ..] if directive.contains(&format!("{name}(")) => {
                return Err(format!("{name}: a macro with parameters"));
            }
            ["define", name, ref value @ ..] => {
                let value = value.iter().map(|&word| word.to_owned()).collect();
                macros.push((name.to_owned(), value));
            }
            _ => return Err(format!("a directive: #{directive}")),
        }
    }
    Ok((tokens, macros))
}

/// Words and numbers, texts with their quotes, and single marks.
fn tokenise(line: &str) -> Result<Vec<String>, String> {
    let mut tokens = Vec::new();
    let mut rest = line.trim_start();
    while let Some(first) = rest.chars().next() {
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let length = if first == '"' {
            let end = rest[1..].find('"').ok_or("a text without an end")?;
            end + 2
        } else if word(first) {
            rest.find(|c| !word(c)).unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        let (token, after) = rest.split_at(length);
        tokens.push(token.to_owned());
        rest = after.trim_start();
    }
    Ok(tokens)
}

/// The value of a macro: a number in decimal, or a text in quotes.
fn constant(tokens: &[String]) -> Option<String> {
    let tokens: Vec<&str> = tokens.iter().map(String::as_str).collect();
    let inner = match tokens[..] {
        ["(", ref inner @ .., ")"] => inner,
        ref all => all,
    };
    match *inner {
        ["UINT32_MAX"] => Some(u32::MAX.to_string()),
        ["UINT64_MAX"] => Some(u64::MAX.to_string()),
        [text] if text.starts_with('"') => Some(text.to_owned()),
        [number] => Some(integer(number)?.to_string()),
        ["-", number] => Some(format!("-{}", integer(number)?)),
        _ => None,
    }
}

fn integer(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(['u', 'U', 'l', 'L']);
    match digits.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None if digits.starts_with('0') && digits.len() > 1 => None,
        None => digits.parse().ok(),
    }
}

struct CParser<'t> {
    tokens: Vec<&'t str>,
    at: usize,
    /// Names declared by `typedef`, and their types.
    types: BTreeMap<String, String>,
    side: Side,
}

impl<'t> CParser<'t> {
    fn peek(&self, ahead: usize) -> &'t str {
        self.tokens.get(self.at + ahead).copied().unwrap_or("")
    }

    fn takes(&mut self, token: &str) -> bool {
        let found = self.peek(0) == token;
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, token: &str) -> Result<(), String> {
        if self.takes(token) {
            Ok(())
        } else {
            Err(format!("{:?} instead of {token:?}", self.peek(0)))
        }
    }

    fn name(&mut self) -> Result<&'t str, String> {
        let name = self.peek(0);
        if name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
            self.at += 1;
            Ok(name)
        } else {
            Err(format!("{name:?} is no name"))
        }
    }

    fn declaration(&mut self) -> Result<(), String> {
        if self.takes("typedef") {
            let (name, what) = self.named()?;
            self.types.insert(name, what);
        } else if self.peek(0) == "struct" && self.peek(2) == ";" {
            self.at += 2;
        } else if self.peek(0) == "struct" && self.peek(2) == "{" {
            self.structure()?;
        } else if self.takes("enum") {
            self.enumeration()?;
        } else {
            let result = self.base()?;
            let name = self.name()?.to_owned();
            let what = function(&self.parameters()?, &result);
            if self.side.functions.insert(name.clone(), what).is_some() {
                return Err(format!("{name}: declared twice"));
            }
        }
        self.expect(";")
    }

    fn structure(&mut self) -> Result<(), String> {
        self.expect("struct")?;
        let name = self.name()?.to_owned();
        self.expect("{")?;
        let mut fields = Vec::new();
        while !self.takes("}") {
            fields.push(self.named()?);
            self.expect(";")?;
        }
        self.side.structures.insert(name, fields);
        Ok(())
    }

    fn enumeration(&mut self) -> Result<(), String> {
        self.expect("{")?;
        while !self.takes("}") {
            let name = self.name()?.to_owned();
            self.expect("=")?;
            let value = integer(self.peek(0)).ok_or("an enumerator that is no number")?;
            self.at += 1;
            self.side.constants.insert(name, value.to_string());
            if !self.takes(",") {
                self.expect("}")?;
                break;
            }
        }
        Ok(())
    }

    /// A type with the stars after it.
    fn base(&mut self) -> Result<String, String> {
        let mut constant = self.takes("const");
        let mut what = if self.takes("struct") {
            format!("struct {}", self.name()?)
        } else {
            let name = self.name()?;
            match name {
                "void" | "char" | "int" => name.to_owned(),
                "size_t" | "uintptr_t" => "usize".to_owned(),
                "int8_t" | "int16_t" | "int32_t" | "int64_t" => {
                    name.replace("int", "i").replace("_t", "")
                }
                "uint8_t" | "uint16_t" | "uint32_t" | "uint64_t" => {
                    name.replace("uint", "u").replace("_t", "")
                }
                _ => {
                    let known = self.types.get(name);
                    known.ok_or(format!("{name}: no type"))?.clone()
                }
            }
        };
        loop {
            if self.takes("*") {
                what = pointer(constant, &what);
                constant = false;
            } else if self.takes("const") {
                constant = true;
            } else {
                return Ok(what);
            }
        }
    }

    /// A field, a parameter or a name of a `typedef`.
    fn named(&mut self) -> Result<(String, String), String> {
        let base = self.base()?;
        if self.takes("(") {
            self.expect("*")?;
            let name = self.name()?.to_owned();
            self.expect(")")?;
            return Ok((name, function(&self.parameters()?, &base)));
        }
        let name = self.name()?.to_owned();
        if !self.takes("[") {
            return Ok((name, base));
        }
        let length = self.peek(0);
        let length = match self.side.constants.get(length) {
            Some(value) => value.clone(),
            None => integer(length)
                .ok_or("a length that is no number")?
                .to_string(),
        };
        self.at += 1;
        self.expect("]")?;
        Ok((name, array(&base, &length)))
    }

    fn parameters(&mut self) -> Result<Vec<String>, String> {
        self.expect("(")?;
        let mut all = Vec::new();
        if self.peek(0) == "void" && self.peek(1) == ")" {
            self.at += 2;
            return Ok(all);
        }
        loop {
            let (name, what) = self.named()?;
            if what.starts_with('[') {
                return Err(format!("{name}: an array as a parameter"));
            }
            all.push(what);
            if !self.takes(",") {
                self.expect(")")?;
                return Ok(all);
            }
        }
    }
}
