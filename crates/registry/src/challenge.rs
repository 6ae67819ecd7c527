// SPDX-License-Identifier: Apache-2.0
//! Authentication challenges: the header `WWW-Authenticate` (RFC 9110 section 11.6.1).

/// Authentication that a registry requires.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Challenge {
    /// Name and password.
    Basic,
    /// Token of another server.
    Bearer {
        /// Address that issues the token.
        realm: String,
        /// Name of the registry for the token's issuer.
        service: Option<String>,
        /// Actions that the token must allow.
        scope: Option<String>,
    },
}

impl Challenge {
    /// Parses the first challenge of a header that can be answered.
    pub fn parse(header: &str) -> Option<Self> {
        let mut rest = header;
        loop {
            let (scheme, after) = word(rest.trim_start_matches([' ', ',', '\t']))?;
            let (found, after) = parameters(after);
            let get = |wanted: &str| {
                let mut all = found.iter();
                all.find(|(name, _)| name.eq_ignore_ascii_case(wanted))
                    .map(|(_, value)| value.clone())
            };
            if scheme.eq_ignore_ascii_case("basic") {
                return Some(Self::Basic);
            }
            if scheme.eq_ignore_ascii_case("bearer")
                && let Some(realm) = get("realm")
            {
                return Some(Self::Bearer {
                    realm,
                    service: get("service"),
                    scope: get("scope"),
                });
            }
            rest = after;
        }
    }
}

/// A token of RFC 9110, and the text after it; `None` if there is none.
fn word(text: &str) -> Option<(&str, &str)> {
    let is_end = |character: char| {
        !(character.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(character))
    };
    let end = text.find(is_end).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

/// Parameters after a scheme's name, up to the next scheme.
fn parameters(mut rest: &str) -> (Vec<(String, String)>, &str) {
    let mut found = Vec::new();
    loop {
        let candidate = rest.trim_start_matches([' ', ',', '\t']);
        let Some((name, after)) = word(candidate) else {
            return (found, after_junk(candidate));
        };
        let Some(after) = after.trim_start().strip_prefix('=') else {
            // The next scheme, unless there was nothing at all.
            return (found, candidate);
        };
        let after = after.trim_start();
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => unquote(quoted),
            None => {
                let end = after.find([' ', ',', '\t']).unwrap_or(after.len());
                (after[..end].to_owned(), &after[end..])
            }
        };
        found.push((name.to_owned(), value));
        rest = after;
    }
}

/// Skips a character that no grammar has, so that the search ends.
fn after_junk(text: &str) -> &str {
    let mut characters = text.chars();
    characters.next();
    characters.as_str()
}

/// A quoted string without its first quote, and the text after the last one.
fn unquote(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => break,
            '\\' => value.extend(characters.next()),
            other => value.push(other),
        }
    }
    (value, characters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_had_from_a_realm() {
        let header =
            r#"Bearer realm="https://auth/token",service="a b",scope="repository:x:pull,push""#;
        let expected = Challenge::Bearer {
            realm: "https://auth/token".into(),
            service: Some("a b".into()),
            scope: Some("repository:x:pull,push".into()),
        };
        assert_eq!(Challenge::parse(header), Some(expected));
        let bare = Challenge::Bearer {
            realm: "r\"s".into(),
            service: None,
            scope: None,
        };
        assert_eq!(Challenge::parse(r#"bearer REALM = "r\"s""#), Some(bare));
    }

    #[test]
    fn the_first_that_can_be_answered_is_taken() {
        for header in [
            "Basic",
            r#"Basic realm="x""#,
            r#"Negotiate, Basic realm="x", charset="UTF-8""#,
            r#"Digest a=b, c="d,e", basic realm=x"#,
        ] {
            assert_eq!(Challenge::parse(header), Some(Challenge::Basic), "{header}");
        }
    }

    #[test]
    fn whatever_else_is_said_has_an_end() {
        for header in [
            "",
            ",",
            "Bearer",
            "Negotiate",
            "=",
            "\"",
            "a=\"",
            "Bearer realm",
            "ä",
            "Digest a=b, =, ;;",
        ] {
            assert_eq!(Challenge::parse(header), None, "{header}");
        }
    }
}
