//! Path patterns, as CodePipeline reads them in triggers ("Working with glob patterns in syntax", CodePipeline user guide): `**` stands
//! for anything, `*` for anything within a directory, `?` for one character of a name; every other character stands for itself.
//!
//! Where a pipeline has a trigger, CodePipeline does this. Where it cannot have one, we do, and must not do it otherwise.

/// Whether a pattern takes a path. Linear in both for a pattern of one star, and no worse than their product for any.
pub fn takes(pattern: &str, path: &str) -> bool {
    let (pattern, path) = (tokens(pattern), path.as_bytes());
    // One row of the table "the first i tokens take the first j bytes", for each token anew.
    let mut row = vec![false; path.len() + 1];
    if let Some(first) = row.first_mut() {
        *first = true;
    }
    for token in pattern {
        let mut next = vec![false; path.len() + 1];
        for at in 0..=path.len() {
            let here = row.get(at).copied().unwrap_or(false);
            let before = at.checked_sub(1);
            let byte = before.and_then(|before| path.get(before));
            let from_before = |row: &[bool]| before.and_then(|before| row.get(before)).copied().unwrap_or(false);
            let takes = match token {
                Token::Anything => here || from_before(&next),
                Token::InName => here || (byte.is_some_and(|byte| *byte != b'/') && from_before(&next)),
                Token::OneOfName => byte.is_some_and(|byte| *byte != b'/') && from_before(&row),
                Token::Byte(wanted) => byte == Some(&wanted) && from_before(&row),
            };
            if let Some(cell) = next.get_mut(at) {
                *cell = takes;
            }
        }
        row = next;
    }
    row.last().copied().unwrap_or(false)
}

enum Token {
    Anything,
    InName,
    OneOfName,
    Byte(u8),
}

fn tokens(pattern: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut bytes = pattern.bytes().peekable();
    while let Some(byte) = bytes.next() {
        tokens.push(match byte {
            b'*' if bytes.next_if_eq(&b'*').is_some() => Token::Anything,
            b'*' => Token::InName,
            b'?' => Token::OneOfName,
            byte => Token::Byte(byte),
        });
    }
    tokens
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::takes;

    #[test]
    fn two_stars_cross_directories_and_one_does_not() {
        let table = [
            ("deploy/a.yaml", "deploy/a.yaml", true),
            ("deploy/a.yaml", "deploy/a.yaml.bak", false),
            ("terraform/modules/**", "terraform/modules/vpc/main.tf", true),
            ("terraform/modules/**", "terraform/modulesx/main.tf", false),
            ("terraform/modules/*", "terraform/modules/vpc/main.tf", false),
            ("terraform/*/main.tf", "terraform/vpc/main.tf", true),
            ("terraform/?.tf", "terraform/a.tf", true),
            ("terraform/?.tf", "terraform//.tf", false),
            ("**", "anything/at/all", true),
            ("*", "", true),
            ("", "a", false),
            ("", "", true),
        ];
        for (pattern, path, wanted) in table {
            assert_eq!(takes(pattern, path), wanted, "{pattern} {path}");
        }
    }

    proptest! {
        /// The plain reading of the rules, which takes exponential time.
        #[test]
        fn it_is_what_the_rules_say(pattern in "[a/*?]{0,8}", path in "[ab/]{0,8}") {
            fn plainly(pattern: &[u8], path: &[u8]) -> bool {
                match (pattern, path) {
                    ([], []) => true,
                    ([b'*', b'*', rest @ ..], _) => (0..=path.len()).any(|at| plainly(rest, &path[at..])),
                    ([b'*', rest @ ..], _) => {
                        let most = path.iter().position(|byte| *byte == b'/').unwrap_or(path.len());
                        (0..=most).any(|at| plainly(rest, &path[at..]))
                    }
                    ([b'?', rest @ ..], [byte, after @ ..]) if *byte != b'/' => plainly(rest, after),
                    ([one, rest @ ..], [byte, after @ ..]) if one == byte && !b"*?".contains(one) => plainly(rest, after),
                    _ => false,
                }
            }
            prop_assert_eq!(takes(&pattern, &path), plainly(pattern.as_bytes(), path.as_bytes()));
        }

        #[test]
        fn a_hostile_pattern_takes_no_time(stars in 1_usize..60) {
            prop_assert!(!takes(&("*a".repeat(stars) + "!"), &"a".repeat(4_000)));
        }
    }
}
