//! A JSON body read into a type: what is wrong is said with field, line and column.

use serde::de::DeserializeOwned;
use serde_json::error::Category;

use crate::domain::id::inert;

/// Why a body could not be read. The words hold what the sender wrote, made inert and cut.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{what}, at line {line}, column {column} of the body", .field.as_ref().map(|field| format!("{field}: ")).unwrap_or_default())]
pub struct Unread {
    /// Whether it is no JSON at all; otherwise it is JSON of another shape.
    pub malformed: bool,
    /// The field, when it is about one: `involved[2]`.
    pub field: Option<String>,
    /// What is wrong.
    pub what: String,
    /// From 1.
    pub line: usize,
    /// From 1, where the parser noticed: the end of a value, mostly.
    pub column: usize,
}

/// Reads a body.
///
/// # Errors
/// What the parser found first.
pub fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Unread> {
    // A list would pass for an object, its items for the fields in their order.
    if bytes.trim_ascii_start().first() == Some(&b'[') {
        let what = "found a list, expected an object".to_owned();
        return Err(Unread { malformed: false, field: None, what, line: 1, column: 1 });
    }
    let mut parser = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut parser).map_err(|error| {
        let path = error.path().to_string();
        unread(error.inner(), (path != ".").then_some(path))
    })?;
    parser.end().map_err(|error| unread(&error, None))?;
    Ok(value)
}

fn unread(error: &serde_json::Error, field: Option<String>) -> Unread {
    let malformed = !matches!(error.classify(), Category::Data);
    let (line, column) = (error.line(), error.column());
    let text = error.to_string();
    let what = text.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&text);
    let field = field.filter(|_| !malformed).map(|field| inert(&field, 80));
    Unread { malformed, field, what: inert(what, 300), line, column }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde::Deserialize;

    use super::*;
    use crate::domain::id::PersonName;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its errors are looked at")]
    struct Body {
        owner: PersonName,
        #[serde(default)]
        involved: BTreeSet<PersonName>,
        #[serde(default)]
        seconds: u32,
    }

    fn error(text: &str) -> String {
        let error = read::<Body>(text.as_bytes()).unwrap_err();
        format!("{} {error}", if error.malformed { "400" } else { "422" })
    }

    #[test]
    fn an_error_names_field_line_and_column() {
        read::<Body>(br#"{"owner": "ada", "involved": ["bob"], "seconds": 5} "#).unwrap();
        let page = [
            "",
            "{",
            "{\"owner\": \"ada\"} x",
            "{'owner': 1}",
            "[]",
            "{}",
            "{\"owner\": 5}",
            "{\"owner\": \"A b\\n\"}",
            "{\"owner\": \"ada\",\n \"involved\": [\"bob\", \"Ä\"]}",
            "{\"owner\": \"ada\", \"seconds\": -1}",
            "{\"owner\": \"ada\", \"owner\": \"bob\"}",
            "{\"owner\": \"ada\", \"sco\u{202e}pes\": []}",
        ]
        .map(error);
        insta::assert_snapshot!(page.join("\n"), @r#"
        400 EOF while parsing a value, at line 1, column 0 of the body
        400 EOF while parsing an object, at line 1, column 1 of the body
        400 trailing characters, at line 1, column 18 of the body
        400 key must be a string, at line 1, column 2 of the body
        422 found a list, expected an object, at line 1, column 1 of the body
        422 missing field `owner`, at line 1, column 2 of the body
        422 owner: invalid type: integer `5`, expected a string, at line 1, column 11 of the body
        422 owner: "A b\n" is not a valid person: expected 1 to 64 of a-z, 0-9, '.', '_' and '-', starting with a letter or digit, at line 1, column 18 of the body
        422 involved[1]: "\u{c4}" is not a valid person: expected 1 to 64 of a-z, 0-9, '.', '_' and '-', starting with a letter or digit, at line 2, column 26 of the body
        422 seconds: invalid value: integer `-1`, expected u32, at line 1, column 30 of the body
        422 duplicate field `owner`, at line 1, column 24 of the body
        422 sco\u{202e}pes: unknown field `sco\u{202e}pes`, expected one of `owner`, `involved`, `seconds`, at line 1, column 28 of the body
        "#);
    }
}
