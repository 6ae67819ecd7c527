// SPDX-License-Identifier: Apache-2.0
//! Topics of messages, and what subscribers want of them.
//!
//! A topic has levels, separated by `/`. A filter is compared level by level: `+` stands for any
//! one level, and `#`, as the last, for all that follow, also none. A filter that ends with `/`
//! stands for everything below: `a/` for `a/b` and `a/b/c`, and not for `a`.

use ocre::limits::MAX_TOPIC;

fn levels(topic: &[u8]) -> impl Iterator<Item = &[u8]> {
    topic.split(|byte| *byte == b'/')
}

/// Whether something can be published under it: it has no level with a wildcard.
pub(crate) fn is_topic(text: &[u8]) -> bool {
    (1..=MAX_TOPIC).contains(&text.len()) && !text.iter().any(|byte| b"+#".contains(byte))
}

/// Whether it can be subscribed to: wildcards are whole levels, and `#` is the last.
pub(crate) fn is_filter(text: &[u8]) -> bool {
    let mut ended = false;
    (1..=MAX_TOPIC).contains(&text.len())
        && levels(text).all(|level| {
            let after_all = ended;
            ended = level == b"#";
            let wild = level.iter().any(|byte| b"+#".contains(byte));
            !after_all && (!wild || level.len() == 1)
        })
}

/// Whether a topic is one that the filter stands for.
pub(crate) fn matches(filter: &[u8], topic: &[u8]) -> bool {
    let mut wanted = levels(filter).peekable();
    let mut levels = levels(topic);
    loop {
        match (wanted.next(), levels.next()) {
            (Some(b"#"), _) | (None, None) => return true,
            (Some(b""), Some(_)) if wanted.peek().is_none() => return true,
            (Some(b"+"), Some(_)) => {}
            (Some(one), Some(other)) if one == other => {}
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
