// SPDX-License-Identifier: Apache-2.0
//! Topics of messages, and filters of subscriptions.
//!
//! A topic has levels, separated by `/`. A filter is compared level by level: `+` stands for any
//! one level, and `#`, as the last, for all that follow, also none. A filter that ends with `/`
//! stands for everything below: `a/` for `a/b` and `a/b/c`, and not for `a`.

use ocre::limits::MAX_TOPIC;

/// First level of a topic or filter, and the rest; `None` after the last one.
#[inline(never)]
fn split_level(text: &[u8]) -> (&[u8], Option<&[u8]>) {
    match text.iter().position(|byte| *byte == b'/') {
        Some(end) => {
            let level = text.get(..end).unwrap_or_default();
            (level, text.get(end.saturating_add(1)..))
        }
        None => (text, None),
    }
}

fn has_wildcard(text: &[u8]) -> bool {
    text.iter().any(|byte| matches!(byte, b'+' | b'#'))
}

/// True for a topic: its length is in bounds, and no level has a wildcard.
pub(crate) fn is_topic(text: &[u8]) -> bool {
    (1..=MAX_TOPIC).contains(&text.len()) && !has_wildcard(text)
}

/// True for a filter: its length is in bounds, wildcards are whole levels, and `#` is the last.
pub(crate) fn is_filter(text: &[u8]) -> bool {
    if !(1..=MAX_TOPIC).contains(&text.len()) {
        return false;
    }
    let mut left = Some(text);
    while let Some(text) = left {
        let (level, rest) = split_level(text);
        if has_wildcard(level) && (level.len() != 1 || level == b"#" && rest.is_some()) {
            return false;
        }
        left = rest;
    }
    true
}

/// True where a topic matches a filter.
pub(crate) fn matches(mut filter: &[u8], mut topic: &[u8]) -> bool {
    loop {
        let (wanted, other_wanted) = split_level(filter);
        let (level, others) = split_level(topic);
        match wanted {
            b"#" => return true,
            b"" if other_wanted.is_none() => return true,
            b"+" => {}
            _ if wanted == level => {}
            _ => return false,
        }
        match (other_wanted, others) {
            (Some(wanted), Some(levels)) => (filter, topic) = (wanted, levels),
            (None, None) | (Some(b"#"), None) => return true,
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_match_by_level() {
        for (filter, topic, expected) in [
            ("a", "a", true),
            ("a", "a/b", false),
            ("a", "ab", false),
            ("a/b", "a", false),
            ("a/b", "a/b", true),
            ("a/b", "a/bc", false),
            ("a/", "a/b", true),
            ("a/", "a/b/c", true),
            ("a/", "a", false),
            ("a/", "ab", false),
            ("a//", "a/b", false),
            ("a//", "a//b", true),
            ("+", "a", true),
            ("+", "a/b", false),
            ("+/b", "a/b", true),
            ("a/+/c", "a/b/c", true),
            ("a/+/c", "a/c", false),
            ("a/+", "a/", true),
            ("a/+", "a", false),
            ("#", "a", true),
            ("#", "a/b/c", true),
            ("a/#", "a", true),
            ("a/#", "a/b/c", true),
            ("a/#", "ab", false),
            ("+/#", "a", true),
        ] {
            assert_eq!(
                matches(filter.as_bytes(), topic.as_bytes()),
                expected,
                "{filter} {topic}"
            );
        }
    }

    #[test]
    fn a_wildcard_is_a_whole_level_and_nothing_follows_the_last() {
        for good in ["a", "a/b", "+", "#", "a/+/b", "a/#", "/", "a/", "+/+/#"] {
            assert!(is_filter(good.as_bytes()), "{good}");
        }
        for bad in ["", "a#", "a+", "a/#/b", "#/", "a/b+/c", "++", "##"] {
            assert!(!is_filter(bad.as_bytes()), "{bad}");
        }
    }

    #[test]
    fn a_topic_has_no_wildcard_and_is_not_too_long() {
        assert!(is_topic(b"a/b"));
        for bad in [&b""[..], b"a/+", b"#", b"a+b"] {
            assert!(!is_topic(bad));
        }
        let long = [b'a'; MAX_TOPIC + 1];
        assert!(is_topic(&long[1..]) && is_filter(&long[1..]));
        assert!(!is_topic(&long) && !is_filter(&long));
    }
}
