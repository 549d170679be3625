//! Foreign text in Markdown: inert. It mentions nobody, links nowhere, shows no image and cannot end the element it stands in.
//!
//! GitHub resolves mentions, issue references and bare links after it has rendered the Markdown, so a backslash does not
//! stop them: a zero-width space inside does.

use super::id::is_hidden;

/// Zero-width space.
const GAP: char = '\u{200b}';

/// A sentence as plain text inside a Markdown line.
pub fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '@' | '#' => out.extend(['\\', character, GAP]),
            // `www.` and `://` are what bare links are recognised by.
            ':' | '.' => out.extend([character, GAP]),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '(' | ')' | '+' | '-' | '!' | '|' | '~' | '=' | '$' => {
                out.extend(['\\', character]);
            }
            _ if is_hidden(character) => out.push(' '),
            _ => out.push(character),
        }
    }
    out
}

/// A value as a code span: GitHub resolves nothing inside one.
pub fn code(text: &str) -> String {
    let inner: String = text
        .chars()
        .map(|character| match character {
            '`' => '\'',
            '|' => '¦',
            _ if is_hidden(character) => ' ',
            _ => character,
        })
        .collect();
    let inner = inner.trim();
    if inner.is_empty() { "(empty)".to_owned() } else { format!("`{inner}`") }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hostile_text_is_inert() {
        let shown = |text: &str| plain(text).replace(GAP, "~");
        insta::assert_snapshot!(shown("@org/all and <!channel>"), @r"\@~org/all and &lt;\!channel&gt;");
        insta::assert_snapshot!(shown("![x](https://evil.example/p.png)"), @r"\!\[x\]\(https:~//evil.~example/p.~png\)");
        insta::assert_snapshot!(shown("fixes #12 | a\r\n# b"), @r"fixes \#~12 \| a  \#~ b");
        insta::assert_snapshot!(code("a`b|c\nd"), @"`a'b¦c d`");
        insta::assert_snapshot!(code("\u{202e}"), @"(empty)");
        insta::assert_snapshot!(plain("a\u{61c}b\u{3164}c\u{e0041}d"), @"a b c d");
    }

    proptest! {
        #[test]
        fn no_text_breaks_out(text in any::<String>()) {
            let plain = plain(&text);
            prop_assert!(!plain.contains(['<', '>', '\n', '\r']), "{plain:?}");
            prop_assert!(!plain.contains("://") && !plain.contains("www."), "{plain:?}");
            let before = |at: usize| plain[..at].chars().next_back();
            for (at, character) in plain.char_indices() {
                if matches!(character, '`' | '[' | '!' | '|' | '*') {
                    prop_assert_eq!(before(at), Some('\\'));
                }
                if character == '@' {
                    prop_assert_eq!(plain[at + 1..].chars().next(), Some(GAP));
                }
            }
            let code = code(&text);
            prop_assert!(code.matches('`').count() <= 2 && !code.contains(['\n', '\r', '|']));
        }
    }
}
