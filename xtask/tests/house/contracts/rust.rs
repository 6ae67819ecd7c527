// SPDX-License-Identifier: Apache-2.0
//! Declarations that a Rust file shares with C: `extern "C"` blocks, functions with `no_mangle`,
//! structures with `repr(C)`, and constants. One of these that the reader does not understand is an
//! error; all else in the file is skipped.

use std::collections::BTreeMap;
use std::str::FromStr;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

use super::{Side, array, function, pointer};

/// Reads a source file; `names` are pairs of Rust's and C's names for the structures of the file.
pub fn read(text: &str, names: &[(&str, &str)]) -> Result<Side, String> {
    let tokens = TokenStream::from_str(text).map_err(|error| error.to_string())?;
    let mut file = RustFile {
        names,
        ..RustFile::default()
    };
    let mut items = Vec::new();
    file.collect(tokens, &mut items);
    let mut side = Side::default();
    for (name, what, value) in &file.constants {
        if let Some(value) = file.value(what, value)? {
            side.constants.insert(name.clone(), value);
        }
    }
    for item in items {
        match item {
            RustItem::Function(rest) => {
                let mut rest = TokenCursor(&rest);
                let name = rest.word()?;
                let error = |error| format!("{name}: {error}");
                let what = file.signature(&mut rest).map_err(error)?;
                side.functions.insert(name, what);
            }
            RustItem::Structure(name, body) => {
                let error = |error| format!("{name}: {error}");
                let fields = file.fields(&body).map_err(error)?;
                side.structures
                    .insert(file.c_name(&name)?.to_owned(), fields);
            }
        }
    }
    Ok(side)
}

/// True where a file declares functions of C or for C.
pub fn faces_c(text: &str) -> bool {
    let Ok(tokens) = TokenStream::from_str(text) else {
        return false;
    };
    let mut items = Vec::new();
    RustFile::default().collect(tokens, &mut items);
    items
        .iter()
        .any(|item| matches!(item, RustItem::Function(_)))
}

enum RustItem {
    /// From its name on.
    Function(Vec<TokenTree>),
    Structure(String, Group),
}

#[derive(Default)]
struct RustFile<'n> {
    names: &'n [(&'n str, &'n str)],
    aliases: BTreeMap<String, Vec<TokenTree>>,
    /// Name, type and value.
    constants: Vec<(String, Vec<TokenTree>, Vec<TokenTree>)>,
}

fn is_word(token: &TokenTree, word: &str) -> bool {
    matches!(token, TokenTree::Ident(found) if found == word)
}

fn is_mark(token: &TokenTree, mark: char) -> bool {
    matches!(token, TokenTree::Punct(found) if found.as_char() == mark)
}

impl RustFile<'_> {
    /// Gathers the items of a module and of those in it.
    fn collect(&mut self, tokens: TokenStream, items: &mut Vec<RustItem>) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let (mut repr_c, mut no_mangle) = (false, false);
        let mut rest = &tokens[..];
        while let [first, after @ ..] = rest {
            rest = after;
            let until = |mark| after.iter().position(|token| is_mark(token, mark));
            match (first, after) {
                (mark, [TokenTree::Group(attribute), ..]) if is_mark(mark, '#') => {
                    let attribute = attribute.stream().to_string().replace(' ', "");
                    repr_c |= attribute == "repr(C)";
                    no_mangle |= attribute.contains("no_mangle");
                    rest = &after[1..];
                }
                (word, [TokenTree::Ident(_), TokenTree::Group(body), ..])
                    if is_word(word, "mod") =>
                {
                    self.collect(body.stream(), items);
                }
                (word, [TokenTree::Ident(name), equals, ..])
                    if is_word(word, "type") && is_mark(equals, '=') =>
                {
                    let end = until(';').unwrap_or(after.len());
                    self.aliases
                        .insert(name.to_string(), after[2..end].to_vec());
                }
                (word, [TokenTree::Ident(name), colon, ..])
                    if is_word(word, "const") && is_mark(colon, ':') =>
                {
                    let end = until(';').unwrap_or(after.len());
                    if let Some(equals) = until('=').filter(|equals| *equals < end) {
                        let (what, value) = (&after[2..equals], &after[equals + 1..end]);
                        self.constants
                            .push((name.to_string(), what.to_vec(), value.to_vec()));
                    }
                }
                (word, [TokenTree::Ident(name), TokenTree::Group(body), ..])
                    if is_word(word, "struct") && repr_c =>
                {
                    items.push(RustItem::Structure(name.to_string(), body.clone()));
                }
                (word, [TokenTree::Literal(_), TokenTree::Group(body), ..])
                    if is_word(word, "extern") =>
                {
                    let body: Vec<TokenTree> = body.stream().into_iter().collect();
                    for declared in body.split(|token| is_mark(token, ';')) {
                        let start = declared.iter().position(|token| is_word(token, "fn"));
                        // Anything else in the block is left, and then refused as no name.
                        let start = start.map_or(0, |start| start + 1);
                        if !declared.is_empty() {
                            items.push(RustItem::Function(declared[start..].to_vec()));
                        }
                    }
                }
                (word, [TokenTree::Ident(_), ..]) if is_word(word, "fn") && no_mangle => {
                    let body = after.iter().position(|token| {
                        matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace)
                    });
                    items.push(RustItem::Function(
                        after[..body.unwrap_or(after.len())].to_vec(),
                    ));
                }
                _ => {}
            }
            let ends = match first {
                TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
                mark => is_mark(mark, ';'),
            };
            if ends {
                (repr_c, no_mangle) = (false, false);
            }
        }
    }

    fn c_name(&self, name: &str) -> Result<&str, String> {
        let found = self.names.iter().find(|(rust, _)| *rust == name);
        found
            .map(|(_, c)| *c)
            .ok_or(format!("{name}: which structure of C's is it?"))
    }

    /// Value of a number in decimal or of a text in quotes; `None` for another type.
    fn value(&self, what: &[TokenTree], value: &[TokenTree]) -> Result<Option<String>, String> {
        let text =
            |tokens: &[TokenTree]| -> String { tokens.iter().map(ToString::to_string).collect() };
        let (what, value) = (text(what), text(value));
        if what == "&CStr" {
            return Ok(Some(value.trim_start_matches('c').to_owned()));
        }
        if !["u8", "u16", "u32", "u64", "usize", "i32", "i64"].contains(&what.as_str()) {
            return Ok(None);
        }
        let number = match value.as_str() {
            "u32::MAX" => Some(i128::from(u32::MAX)),
            "u64::MAX" => Some(i128::from(u64::MAX)),
            digits => digits.replace('_', "").parse().ok(),
        };
        Ok(Some(
            number
                .ok_or(format!("{value}: no plain number"))?
                .to_string(),
        ))
    }

    fn length(&self, tokens: &[TokenTree]) -> Result<String, String> {
        match tokens {
            [TokenTree::Ident(name)] => {
                let found = self.constants.iter().find(|(known, ..)| name == known);
                let (_, what, value) = found.ok_or(format!("{name}: no constant"))?;
                self.value(what, value)?.ok_or(format!("{name}: no number"))
            }
            [TokenTree::Literal(number)] => Ok(number.to_string()),
            _ => Err("a length that is no number".to_owned()),
        }
    }

    fn fields(&self, body: &Group) -> Result<Vec<(String, String)>, String> {
        let tokens: Vec<TokenTree> = body.stream().into_iter().collect();
        let mut rest = TokenCursor(&tokens);
        let mut fields = Vec::new();
        while !rest.0.is_empty() {
            rest.takes_word("pub");
            let name = rest.word()?;
            rest.expect(':')?;
            fields.push((name, self.what(&mut rest)?));
            if !rest.0.is_empty() {
                rest.expect(',')?;
            }
        }
        Ok(fields)
    }

    /// Parameters and result.
    fn signature(&self, rest: &mut TokenCursor<'_>) -> Result<String, String> {
        let [TokenTree::Group(parameters), after @ ..] = rest.0 else {
            return Err("no parameters".to_owned());
        };
        rest.0 = after;
        let tokens: Vec<TokenTree> = parameters.stream().into_iter().collect();
        let mut inside = TokenCursor(&tokens);
        let mut all = Vec::new();
        while !inside.0.is_empty() {
            if let [TokenTree::Ident(_), colon, next, ..] = inside.0
                && is_mark(colon, ':')
                && !is_mark(next, ':')
            {
                inside.0 = &inside.0[2..];
            }
            all.push(self.what(&mut inside)?);
            if !inside.0.is_empty() {
                inside.expect(',')?;
            }
        }
        let result = if rest.takes('-') {
            rest.expect('>')?;
            self.what(rest)?
        } else {
            "void".to_owned()
        };
        Ok(function(&all, &result))
    }

    fn what(&self, rest: &mut TokenCursor<'_>) -> Result<String, String> {
        if rest.takes('*') {
            let constant = match rest.word()?.as_str() {
                "const" => true,
                "mut" => false,
                other => return Err(format!("*{other}")),
            };
            let to = self.what(rest)?;
            // A pointer to an array is one to its first element.
            let first = to.strip_prefix('[').and_then(|to| to.split(';').next());
            return Ok(pointer(constant, first.unwrap_or(&to)));
        }
        if let [TokenTree::Group(group), after @ ..] = rest.0
            && group.delimiter() == Delimiter::Bracket
        {
            rest.0 = after;
            let tokens: Vec<TokenTree> = group.stream().into_iter().collect();
            let mut inside = TokenCursor(&tokens);
            let element = self.what(&mut inside)?;
            inside.expect(';')?;
            return Ok(array(&element, &self.length(inside.0)?));
        }
        rest.takes_word("unsafe");
        let mut name = rest.word()?;
        if name == "extern" {
            rest.0 = match rest.0 {
                [TokenTree::Literal(_), word, after @ ..] if is_word(word, "fn") => after,
                _ => return Err("extern without fn".to_owned()),
            };
            return self.signature(rest);
        }
        while rest.takes(':') {
            rest.expect(':')?;
            name = rest.word()?;
        }
        if name == "Option" {
            rest.expect('<')?;
            let inner = self.what(rest)?;
            rest.expect('>')?;
            return if inner.starts_with("fn(") {
                Ok(inner)
            } else {
                Err(format!("Option<{inner}>"))
            };
        }
        if let Some(alias) = self.aliases.get(&name) {
            return self.what(&mut TokenCursor(alias));
        }
        Ok(match name.as_str() {
            "c_char" => "char".to_owned(),
            "c_int" => "int".to_owned(),
            "c_void" => "void".to_owned(),
            "u8" | "u16" | "u32" | "u64" | "usize" | "i8" | "i16" | "i32" | "i64" => name,
            _ => format!("struct {}", self.c_name(&name)?),
        })
    }
}

struct TokenCursor<'t>(&'t [TokenTree]);

impl TokenCursor<'_> {
    fn takes_if(&mut self, takes: impl Fn(&TokenTree) -> bool) -> bool {
        let found = self.0.first().is_some_and(takes);
        self.0 = &self.0[usize::from(found)..];
        found
    }

    fn takes(&mut self, mark: char) -> bool {
        self.takes_if(|token| is_mark(token, mark))
    }

    fn takes_word(&mut self, word: &str) -> bool {
        self.takes_if(|token| is_word(token, word))
    }

    fn expect(&mut self, mark: char) -> Result<(), String> {
        if self.takes(mark) {
            Ok(())
        } else {
            Err(format!("no {mark:?}"))
        }
    }

    fn word(&mut self) -> Result<String, String> {
        match self.0 {
            [TokenTree::Ident(word), after @ ..] => {
                self.0 = after;
                Ok(word.to_string())
            }
            [other, ..] => Err(format!("{other} is no name")),
            [] => Err("it ends too early".to_owned()),
        }
    }
}
