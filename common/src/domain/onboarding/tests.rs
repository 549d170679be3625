//! Every check in the words that people read, and a file that stays what it was.

use proptest::prelude::*;

use super::{registry::append, *};
use crate::domain::{governance::Governance, yaml};

const UUID: &str = "f7579e13-b83e-4027-aaef-650c0a1b2c3d";
const ARN: &str = "arn:aws:codecommit:us-east-1:111122223333:live";

fn ask(kind: RepositoryKind, path: Option<&str>) -> Ask {
    let path = path.map(|path| path.parse().unwrap());
    Ask::new("acme/shop".parse().unwrap(), kind, "ratio".parse().unwrap(), path, None).unwrap()
}

fn described() -> Described {
    Described {
        id: RepositoryId::GitHub(4242),
        address: "acme/shop".parse().unwrap(),
        default_branch: Some("main".parse().unwrap()),
        lacks: Vec::new(),
    }
}

fn seen(names: Option<&[&str]>) -> Seen {
    Seen {
        branch: "main".parse().unwrap(),
        head: Some("0a".repeat(20).parse().unwrap()),
        names: names.map(|names| names.iter().map(|name| (*name).to_owned()).collect()),
    }
}

fn facts(described: Described, seen: Seen) -> Facts {
    Facts { described: Ok(described), seen: Some(Ok(seen)) }
}

fn said(judged: &Judged) -> String {
    let lines = judged.lines.iter().map(ToString::to_string);
    let entry = judged.entry.iter().flat_map(|entry| entry.lines("  "));
    lines.chain(entry).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_repository_that_is_as_it_must_be_gets_its_entry() {
    let names = Some(&["main.tf", "variables.yml"][..]);
    let judged = judge(&ask(RepositoryKind::ManagerMonorepo, Some("infra")), &facts(described(), seen(names)));
    insta::assert_snapshot!(said(&judged), @r"
    ok    acme/shop can be read; its id is 4242
    ok    branch main is at 0a0a0a0
    ok    directory infra is there
      - id: 4242
        name: acme/shop
        pod: ratio
        kind: manager-monorepo
        path: infra
        default_branch: main
    ");
    let described = Described { id: UUID.parse().unwrap(), address: ARN.parse().unwrap(), ..described() };
    let cluster = Ask::new(ARN.parse().unwrap(), RepositoryKind::Cluster, "ratio".parse().unwrap(), None, None);
    insta::assert_snapshot!(said(&judge(&cluster.unwrap(), &facts(described, seen(Some(&[]))))), @r"
    ok    arn:aws:codecommit:us-east-1:111122223333:live can be read; its id is f7579e13-b83e-4027-aaef-650c0a1b2c3d
    ok    branch main is at 0a0a0a0
    ok    directory deploy is there
      - id: f7579e13-b83e-4027-aaef-650c0a1b2c3d
        arn: arn:aws:codecommit:us-east-1:111122223333:live
        pod: ratio
        kind: cluster
        default_branch: main
    ");
}

#[test]
fn whatever_is_missing_is_said_with_what_to_do() {
    let monorepo = ask(RepositoryKind::ManagerMonorepo, Some("infra"));
    let mut all = Vec::new();
    let mut check = |ask: &Ask, facts: Facts| {
        let judged = judge(ask, &facts);
        let failed = judged.lines.iter().any(|line| line.mark == Mark::Fail);
        assert_eq!(judged.entry.is_none(), failed, "an entry exactly when no check failed: {judged:?}");
        all.push(said(&judged));
    };
    check(&monorepo, Facts { described: Err("the host did not answer".into()), seen: None });
    check(&monorepo, facts(described(), seen(None)));
    check(&monorepo, facts(described(), seen(Some(&["variables.yaml\u{202e}"]))));
    check(&monorepo, facts(described(), Seen { head: None, ..seen(None) }));
    check(&monorepo, Facts { described: Ok(Described { default_branch: None, ..described() }), seen: None });
    check(&monorepo, Facts { described: Ok(described()), seen: Some(Err("listing infra: not whole".into())) });
    let lack = |permission: &str, without, fatal| Lack { permission: permission.to_owned(), without, fatal };
    let lacks = vec![lack("checks: write", "no check runs", false), lack("contents: read", "nothing is read", true)];
    check(&ask(RepositoryKind::Application, None), facts(Described { lacks, ..described() }, seen(None)));
    insta::assert_snapshot!(all.join("\n\n"), @r#"
    FAIL  the host did not answer

    ok    acme/shop can be read; its id is 4242
    ok    branch main is at 0a0a0a0
    FAIL  there is no directory infra on main: push it first, or name another with --path

    ok    acme/shop can be read; its id is 4242
    ok    branch main is at 0a0a0a0
    warn  infra has no variables.yml (it has "variables.yaml\u{202e}"): it says nothing about infrastructure yet
      - id: 4242
        name: acme/shop
        pod: ratio
        kind: manager-monorepo
        path: infra
        default_branch: main

    ok    acme/shop can be read; its id is 4242
    FAIL  there is no branch main: push it, or name another with --default-branch

    ok    acme/shop can be read; its id is 4242
    FAIL  it has no default branch: push a first commit, or name one with --default-branch

    ok    acme/shop can be read; its id is 4242
    FAIL  listing infra: not whole

    ok    acme/shop can be read; its id is 4242
    warn  permission checks: write is missing: no check runs. Grant it in the App's settings, and accept it in the installation
    FAIL  permission contents: read is missing: nothing is read. Grant it in the App's settings, and accept it in the installation
    ok    branch main is at 0a0a0a0
    "#);
}

#[test]
fn a_path_fits_its_kind_or_is_refused() {
    for (kind, none, deploy, other) in [
        (RepositoryKind::Cluster, Some("deploy"), Some("deploy"), None),
        (RepositoryKind::Application, Some("-"), None, None),
        (RepositoryKind::Services, None, Some("deploy"), Some("infra")),
        (RepositoryKind::ManagerMonorepo, None, Some("deploy"), Some("infra")),
        (RepositoryKind::ManagerSeparate, None, Some("deploy"), Some("infra")),
    ] {
        for (path, wanted) in [(None, none), (Some("deploy"), deploy), (Some("infra"), other)] {
            let path = path.map(|path| path.parse().unwrap());
            let asked = Ask::new("o/r".parse().unwrap(), kind, "ratio".parse().unwrap(), path, None);
            let asked = asked.ok().map(|ask| ask.path().map_or("-".to_owned(), ToString::to_string));
            assert_eq!(asked.as_deref(), wanted, "{kind:?}");
        }
    }
}

fn entry() -> NewEntry {
    judge(&ask(RepositoryKind::Services, Some("live")), &facts(described(), seen(Some(&[])))).entry.unwrap()
}

#[test]
fn a_repository_is_listed_once_whatever_it_is_called_now() {
    let listed = |file: &str| registry::listed(file, &entry()).unwrap().unwrap_or_default();
    let of = |id: &str, name: &str| listed(&format!("repositories:\n  - id: {id}\n    name: {name}\n"));
    assert_eq!(of("1", "acme/other"), "");
    insta::assert_snapshot!([of("4242", "acme/renamed"), of("7", "Acme/Shop")].join("\n"), @r"
    repositories.yaml:2:5: repository 4242 is listed already; whatever its name is now, it is the same one. Change that entry
    repositories.yaml:3:5: name Acme/Shop is listed with another id than 4242: that was another repository, or another has that place now. Mend or remove that entry first
    ");
}

#[test]
fn the_entry_is_put_where_the_others_are() {
    let appended = |file: &str| append(file, &entry()).unwrap_or_else(|why| why);
    insta::assert_snapshot!(appended("# ours\nrepositories:\n- id: 1 # first\n  name: o/r\n# last"), @r"
    # ours
    repositories:
    - id: 1 # first
      name: o/r
    # last
    - id: 4242
      name: acme/shop
      pod: ratio
      kind: services
      path: live
      default_branch: main
    ");
    insta::assert_snapshot!(appended("repositories: [] # none yet\n"), @r"
    repositories:  # none yet
      - id: 4242
        name: acme/shop
        pod: ratio
        kind: services
        path: live
        default_branch: main
    ");
    let refused = [
        "",
        "repositories: {}\n",
        "repositories: [{id: 1}]\n",
        "repositories:\n  - id: 1\n...\n",
        "a: [\n",
        "repositories:\n  - id: 1\nother: 2\n",
    ];
    insta::assert_snapshot!(refused.map(appended).join("\n"), @r"
    repositories.yaml cannot be read: write the entry into it by hand
    repositories.yaml has no list of repositories: write the entry into it by hand
    repositories.yaml does not have its list as one entry below the other: write the entry into it by hand
    repositories.yaml ends in something that nothing can be added to: write the entry into it by hand
    repositories.yaml cannot be read: write the entry into it by hand
    repositories.yaml ends in something that nothing can be added to: write the entry into it by hand
    ");
}

/// Files as people write them.
fn file() -> impl Strategy<Value = (String, usize)> {
    let comment = prop_oneof![3 => Just(String::new()), 1 => "[ ]{0,6}# [ -~éß東]{0,20}"];
    let item = (comment.clone(), any::<bool>(), prop_oneof![Just(""), Just(" # why"), Just("  ")]);
    let items = prop::collection::vec(item, 0..5);
    (comment.clone(), items, comment, 0_usize..5, any::<bool>(), any::<bool>()).prop_map(
        |(first, items, last, indent, crlf, ended)| {
            let (count, indent) = (items.len(), " ".repeat(indent));
            let mut lines = vec![first];
            lines.push(if count == 0 { "repositories: []".to_owned() } else { "repositories:".to_owned() });
            for (at, (comment, flow, tail)) in items.into_iter().enumerate() {
                lines.push(comment);
                if flow {
                    lines.push(format!(
                        "{indent}- {{id: {}, name: o/r{at}, kind: cluster, default_branch: main}}{tail}",
                        at + 1
                    ));
                } else {
                    lines.push(format!("{indent}- id: {}{tail}", at + 1));
                    lines.push(format!("{indent}  name: \"o/r{at}\""));
                    lines.push(format!("{indent}  kind: cluster{tail}"));
                    lines.push(format!("{indent}  default_branch: main"));
                }
            }
            lines.push(last);
            let end = if crlf { "\r\n" } else { "\n" };
            (lines.join(end) + if ended { end } else { "" }, count)
        },
    )
}

fn repositories(file: &str) -> Governance {
    let files = [
        ("environments.yaml", "environments: {}\nunlisted: refuse\n"),
        ("accounts.yaml", "accounts: {}\nunlisted: refuse\n"),
        ("people.yaml", "people: {}\n"),
        ("pods.yaml", "pods: {ratio: {}}\n"),
        (
            "limits.yaml",
            "{default_ttl_seconds: 60, max_ttl_seconds: 60, ticket_ttl_seconds: 600, warn_at_percent: 80, limits: {portfolio: {limit: 0}}}\n",
        ),
        (
            "schedules.yaml",
            "{time_zone: UTC, working_days: [monday], stale_after_days: 1, daily: {channel: nobody, thread: \"10:00\", reminder: \"10:10\", summary: \"10:30\"}}\n",
        ),
        ("repositories.yaml", file),
    ];
    let files: std::collections::BTreeMap<&str, &str> = files.into();
    Governance::parse(&serde_json::to_vec(&files).unwrap()).unwrap_or_else(|findings| panic!("{findings:#?}\n{file}"))
}

proptest! {
    #[test]
    fn what_was_there_stays_and_one_entry_is_more(
        (file, count) in file(), branch in "[!-~]{1,20}", uuid: Option<[u8; 16]>, number in 1_000_000_u64..=i64::MAX as u64,
    ) {
        let Ok(default_branch) = branch.parse() else { return Ok(()) };
        let (id, address) = match uuid {
            Some(bytes) => {
                let hex = hex::encode(bytes);
                let id = format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]);
                (id.parse().unwrap(), ARN.parse().unwrap())
            }
            None => (RepositoryId::GitHub(number), "acme/shop".parse().unwrap()),
        };
        let new = NewEntry { id, address, default_branch, ..entry() };
        prop_assert_eq!(registry::listed(&file, &new), Ok(None));
        let result = append(&file, &new).unwrap();
        if count > 0 {
            prop_assert!(result.starts_with(&file));
        } else {
            let (head, tail) = file.split_once("[]").unwrap();
            let rest = result.strip_prefix(head).and_then(|rest| rest.strip_prefix(tail));
            prop_assert!(rest.is_some());
        }
        let read = repositories(&result).repositories.listed;
        prop_assert_eq!(read.len(), count + 1);
        let entry = &read[&new.id];
        prop_assert_eq!(&entry.name, &new.address.name());
        prop_assert_eq!(&entry.default_branch, &new.default_branch);
        prop_assert_eq!(&entry.path, &new.path);
        prop_assert_eq!(entry.pod.as_ref(), Some(&new.pod));
        prop_assert!(registry::listed(&result, &new).unwrap().is_some());
        prop_assert!(!count.eq(&0) || repositories(&file).repositories.listed.is_empty());
    }

    #[test]
    fn any_text_is_kept_or_refused(file in "([ -~\\n]|repositories:|- id: 1|\\[\\]|\\.\\.\\.|---){0,60}") {
        if let Ok(result) = append(&file, &entry()) {
            let items = |text: &str| {
                let entries = yaml::parse("f", text.as_bytes(), &yaml::Limits::GOVERNANCE).unwrap();
                entries.iter().find(|entry| entry.key == "repositories").unwrap().value.sequence().unwrap().len()
            };
            prop_assert_eq!(items(&result), items(&file) + 1);
            prop_assert!(items(&file) == 0 || result.starts_with(&file));
        }
    }
}
