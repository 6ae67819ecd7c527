// SPDX-License-Identifier: Apache-2.0
//! The devicetree of a build, as Zephyr writes it to `zephyr.dts`: nodes, labels and properties,
//! with everything included and merged (Devicetree Specification, "DTS Format").
//!
//! Expressions, `/bits/` and references to other nodes are no numbers here. Nodes are in a list,
//! so that no depth is too deep.

use std::fmt;

/// All nodes.
#[derive(Debug, Default)]
pub struct Devicetree {
    nodes: Vec<DevicetreeNode>,
}

/// A node. Its parent comes before it in the list.
#[derive(Debug, Default)]
struct DevicetreeNode {
    name: String,
    labels: Vec<String>,
    parent: Option<usize>,
    properties: Vec<Property>,
}

#[derive(Debug, Default)]
struct Property {
    name: String,
    strings: Vec<String>,
    /// Values of all cells; `None` for a cell that is no number.
    cells: Vec<Option<u32>>,
}

/// Syntax error in a devicetree.
#[derive(Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// Line of the error, from 1.
    pub line: usize,
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {} is no devicetree", self.line)
    }
}

/// A node of a tree.
#[derive(Clone, Copy)]
pub struct At<'t> {
    tree: &'t Devicetree,
    node: &'t DevicetreeNode,
}

impl Devicetree {
    /// Reads a file.
    pub fn parse(text: &str) -> Result<Self, SyntaxError> {
        let mut tokens = Tokens { text, line: 1 };
        let mut tree = Self::default();
        let mut open: Vec<usize> = Vec::new();
        let mut labels = Vec::new();
        loop {
            let token = tokens.next()?;
            let line = tokens.line;
            let wrong = || SyntaxError { line };
            match token {
                None if open.is_empty() => return Ok(tree),
                None => return Err(wrong()),
                Some(Token::Mark(';')) => {}
                Some(Token::Mark('}')) => {
                    open.pop().ok_or_else(wrong)?;
                }
                Some(Token::Word(label)) if label.len() > 1 && label.ends_with(':') => {
                    labels.push(label[..label.len() - 1].to_owned());
                }
                Some(Token::Word(name)) => match tokens.next()? {
                    Some(Token::Mark('{')) => {
                        open.push(tree.nodes.len());
                        tree.nodes.push(DevicetreeNode {
                            name: name.to_owned(),
                            labels: std::mem::take(&mut labels),
                            parent: open.iter().rev().nth(1).copied(),
                            properties: Vec::new(),
                        });
                    }
                    Some(Token::Mark(mark @ (';' | '='))) => {
                        let property = match mark {
                            '=' => tokens.property(name)?,
                            _ => Property::named(name),
                        };
                        // Outside of nodes are versions and reservations.
                        if let Some(node) = open.last() {
                            tree.nodes[*node].properties.push(property);
                        }
                    }
                    // `/delete-node/ NAME;` and the like.
                    Some(Token::Word(_)) if name.starts_with('/') => {
                        tokens.property(name)?;
                    }
                    _ => return Err(wrong()),
                },
                Some(_) => return Err(wrong()),
            }
        }
    }

    /// Finds the node with a label.
    pub fn labelled(&self, label: &str) -> Option<At<'_>> {
        let node = self
            .nodes
            .iter()
            .find(|node| node.labels.iter().any(|own| own == label))?;
        Some(At { tree: self, node })
    }
}

impl<'t> At<'t> {
    /// Parent node.
    pub fn parent(self) -> Option<Self> {
        let tree = self.tree;
        let node = &tree.nodes[self.node.parent?];
        Some(Self { tree, node })
    }

    /// Name of the node, with its address.
    pub fn name(self) -> &'t str {
        &self.node.name
    }

    fn property(self, name: &str) -> Option<&'t Property> {
        let mut properties = self.node.properties.iter();
        properties.find(|property| property.name == name)
    }

    /// First cell of a property, as a number.
    pub fn number(self, name: &str) -> Option<u32> {
        *self.property(name)?.cells.first()?
    }

    /// True where the node's property `compatible` lists `with`.
    pub fn is_compatible(self, with: &str) -> bool {
        self.property("compatible")
            .is_some_and(|compatible| compatible.strings.iter().any(|own| own == with))
    }

    /// Address and size of its first register.
    pub fn reg(self) -> Option<(u64, u64)> {
        self.register(0)
    }

    /// Address and size of a register, by its place in the list.
    pub fn register(self, index: usize) -> Option<(u64, u64)> {
        let parent = self.parent()?;
        // Defaults of the specification.
        let address = parent.number("#address-cells").unwrap_or(2) as usize;
        let size = parent.number("#size-cells").unwrap_or(1) as usize;
        let cells = &self.property("reg")?.cells;
        let cells = cells.get(index.checked_mul(address.checked_add(size)?)?..)?;
        let number = |cells: &[Option<u32>]| {
            cells.iter().try_fold(0_u64, |number, cell| {
                Some(number.checked_mul(1 << 32)? | u64::from((*cell)?))
            })
        };
        Some((
            number(cells.get(..address)?)?,
            number(cells.get(address..)?.get(..size)?)?,
        ))
    }
}

impl Property {
    fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ..Self::default()
        }
    }
}

enum Token<'t> {
    Mark(char),
    Word(&'t str),
    Text(String),
}

/// Rest of the text, and the present line.
struct Tokens<'t> {
    text: &'t str,
    line: usize,
}

impl<'t> Tokens<'t> {
    fn take(&mut self, bytes: usize) -> &'t str {
        let (taken, rest) = self.text.split_at(bytes);
        self.line += taken.matches('\n').count();
        self.text = rest;
        taken
    }

    fn next(&mut self) -> Result<Option<Token<'t>>, SyntaxError> {
        loop {
            let blank = self.text.len() - self.text.trim_start().len();
            self.take(blank);
            let comment = [("/*", "*/"), ("//", "\n")];
            let comment = comment
                .iter()
                .find(|(begin, _)| self.text.starts_with(begin));
            let Some((_, end)) = comment else { break };
            let end = self.text[2..].find(end).map(|at| 2 + at + end.len());
            self.take(end.ok_or(SyntaxError { line: self.line })?);
        }
        let Some(first) = self.text.chars().next() else {
            return Ok(None);
        };
        if is_mark(first) {
            self.take(1);
            return Ok(Some(Token::Mark(first)));
        }
        if first == '"' {
            return self.quoted().map(Some);
        }
        let end = self
            .text
            .find(|c: char| c.is_whitespace() || c == '"' || is_mark(c));
        let end = end.unwrap_or(self.text.len());
        Ok(Some(Token::Word(self.take(end))))
    }

    fn quoted(&mut self) -> Result<Token<'t>, SyntaxError> {
        let line = self.line;
        let mut text = String::new();
        let mut escaped = false;
        for (at, character) in self.text.char_indices().skip(1) {
            match character {
                _ if escaped => {
                    text.push(character);
                    escaped = false;
                }
                '\\' => escaped = true,
                '"' => {
                    self.take(at + 1);
                    return Ok(Token::Text(text));
                }
                _ => text.push(character),
            }
        }
        Err(SyntaxError { line })
    }

    /// Reads the values of a property, up to the semicolon.
    fn property(&mut self, name: &str) -> Result<Property, SyntaxError> {
        let mut property = Property::named(name);
        let mut in_cells = false;
        loop {
            match self.next()? {
                Some(Token::Mark(';')) => return Ok(property),
                Some(Token::Mark('<')) => in_cells = true,
                Some(Token::Mark('>')) => in_cells = false,
                Some(Token::Text(text)) => property.strings.push(text),
                Some(Token::Word(word)) if in_cells => property.cells.push(number(word)),
                Some(Token::Word(_) | Token::Mark('[' | ']' | '(' | ')')) => {}
                Some(Token::Mark(_)) | None => return Err(SyntaxError { line: self.line }),
            }
        }
    }
}

const fn is_mark(character: char) -> bool {
    matches!(
        character,
        '{' | '}' | ';' | '=' | '<' | '>' | '[' | ']' | '(' | ')'
    )
}

fn number(word: &str) -> Option<u32> {
    match word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")) {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => word.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"/dts-v1/;
/* made by a build */
/ {
	#address-cells = < 0x2 >;
	#size-cells = < 0x1 >;
	compatible = "vendor,board", "a \"b\"";
	chosen { zephyr,console = &uart0; };
	soc: bus: soc {
		ranges;
		flash0: flash@1000 { /* on page 7 */
			reg = < 0x1 0x1000 0x2000 >, < &x 0x3 >;
			erase-block-size = < 512 >;
			bytes = [ 00 ff ];
		};
	};
};
"#;

    #[test]
    fn nodes_are_found_by_label_with_their_properties() {
        let tree = Devicetree::parse(TEXT).unwrap();
        let flash = tree.labelled("flash0").unwrap();
        assert_eq!(flash.name(), "flash@1000");
        assert_eq!(flash.number("erase-block-size"), Some(512));
        assert_eq!(flash.number("bytes"), None);
        assert_eq!(flash.number("missing"), None);
        // The parent states no numbers of cells: 2 and 1.
        assert_eq!(flash.reg(), Some((0x1_0000_1000, 0x2000)));
        // The second register is no number, and there is no third one.
        assert_eq!(flash.register(1), None);
        assert_eq!(flash.register(2), None);
        let soc = tree.labelled("bus").unwrap();
        assert_eq!(soc.name(), flash.parent().unwrap().name());
        assert!(soc.parent().unwrap().is_compatible("a \"b\""));
        assert!(soc.parent().unwrap().parent().is_none());
        assert!(tree.labelled("uart0").is_none());
    }

    #[test]
    fn what_is_no_devicetree_is_refused_with_its_line() {
        let body = TEXT.find("/ {").unwrap() + 1;
        for end in body..TEXT.trim_end().len() - 1 {
            assert!(Devicetree::parse(&TEXT[..end]).is_err(), "{end}");
        }
        assert_eq!(Devicetree::parse("/ {\n\n}\n}").unwrap_err().line, 4);
        for wrong in ["}", "a b;", "/ { a = < 1 };", "/ { \"a\"; };", "/* a"] {
            assert_eq!(Devicetree::parse(wrong).unwrap_err().line, 1, "{wrong}");
        }
    }

    #[test]
    fn a_deep_tree_is_read() {
        let deep = format!(
            "/ {{ {} x {{ {}",
            "a { ".repeat(100_000),
            "}; ".repeat(100_002)
        );
        assert_eq!(Devicetree::parse(&deep).unwrap().nodes.len(), 100_002);
    }
}
