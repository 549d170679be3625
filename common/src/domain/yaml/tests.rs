//! What is read, what is not, and what is said about it.

use super::*;

fn refused(text: &str) -> String {
    let findings = parse("f", text.as_bytes(), &Limits::CLUSTER).expect_err(text);
    findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn scalars_keep_how_they_were_written() {
    let kind =
        |text: &str| match &parse("f", format!("a: {text}\n").as_bytes(), &Limits::CLUSTER).unwrap()[0].value.value {
            Value::Scalar(scalar) => scalar.kind,
            other => panic!("{other:?}"),
        };
    for (texts, expected) in [
        (
            &["abc", "\"012\"", "'true'", "us-east-1", "ssm:///a/b", "1a", "\"\"", "a1", "12.example.org"][..],
            ScalarKind::Text,
        ),
        (&["0", "12", "-7", "123456789012"], ScalarKind::Int),
        (&["1.5", "1e3", "-0.1"], ScalarKind::Float),
        (&["true", "False"], ScalarKind::Bool),
        (&["", "~", "null"], ScalarKind::Null),
        (
            &[
                "012",
                "000",
                "no",
                "YES",
                "on",
                "y",
                "0x1f",
                "0o17",
                "1_000",
                "1:30",
                "2024-01-01",
                "+1",
                ".inf",
                "1.2.3",
            ],
            ScalarKind::Ambiguous,
        ),
    ] {
        for text in texts {
            assert_eq!(kind(text), expected, "{text}");
        }
    }
}

#[test]
fn places_are_lines_and_columns_from_one() {
    let entries = parse("f", "# ä\na: 1\nb:\n  - é: x\n".as_bytes(), &Limits::CLUSTER).unwrap();
    assert_eq!(
        (entries[0].place, entries[0].value.place),
        (Place { line: 2, column: 1 }, Place { line: 2, column: 4 })
    );
    let item = &entries[1].value.sequence().unwrap()[0];
    assert_eq!(item.mapping().unwrap()[0].value.place, Place { line: 4, column: 8 });
}

#[test]
fn what_is_not_read_is_named_with_its_place() {
    insta::assert_snapshot!(refused("a: &x 1\nb: *x\nc: !!str 2\n<<: {d: 1}\na: 3\n4: 5\n[1]: 2\n"), @r#"
    f:1:7: error: found an anchor (&name), expected the value alone: anchors are not read
    f:2:4: error: found an alias (*name), expected the value itself: aliases are not read
    f:3:10: error: found a tag (!type), expected the value alone: tags are not read
    f:4:1: error: found a merge key (<<), expected the keys themselves: merges are not read
    f:5:1: error: found "a" a second time, expected each key once
    f:6:1: error: found 4 (a number, not in quotes), expected a key that is text
    f:7:1: error: found a list, expected a key that is text
    "#);
    insta::assert_snapshot!(refused("a: [1\nb: 2\n"), @r#"f:2:2: error: found "illegal placement of ':' indicator", expected YAML that can be read"#);
    insta::assert_snapshot!(refused("%YAML 1.2\n---\na: 1\n"), @r#"f:1:1: error: found "YAML directives are disallowed", expected YAML that can be read"#);
    insta::assert_snapshot!(refused("a: 1\n---\nb: 1\n"), @r#"f:2:1: error: found a second document, expected one document in a file"#);
    insta::assert_snapshot!(refused("- a\n"), @r#"f:1:1: error: found a list, expected a mapping of keys to values"#);
    insta::assert_snapshot!(refused("# nothing\n"), @r#"f:1:1: error: found an empty file, expected a mapping of keys to values"#);
}

#[test]
fn bounds_hold() {
    assert!(refused(&format!("a: \"{}\"", "x".repeat(65_536))).contains("at most 65536 bytes"));
    assert!(refused(&format!("a: {}{}", "[".repeat(17), "]".repeat(17))).contains("at most 16 levels"));
    assert!(refused(&format!("a: [{}]", "1,".repeat(6_000))).contains("at most 5000 values"));
    assert!(parse("f", format!("a: {}1{}", "[".repeat(15), "]".repeat(15)).as_bytes(), &Limits::CLUSTER).is_ok());
    let bomb = "a: &a [x,x,x]\nb: &b [*a,*a,*a]\nc: &c [*b,*b,*b]\n";
    assert!(refused(bomb).contains("anchors are not read"));
    assert!(refused(&"[".repeat(60_000)).contains("found"));
}

#[test]
fn bytes_that_are_not_text_are_placed() {
    let findings = parse("f", b"a: 1\nb: \xc3\xa4\xff\n", &Limits::CLUSTER).unwrap_err();
    assert_eq!((findings[0].line, findings[0].column), (2, 5));
}
