//! What a source host says is read by its type, for the present commit, and nobody betters it by saying it twice.

use super::*;
use crate::domain::{
    id::ItemId,
    stage::kill::{KillAction, KillRule},
};

fn seen(name: &str, success: Option<bool>, title: &str) -> CheckSeen {
    CheckSeen { name: name.to_owned(), success, title: Some(title.to_owned()), at: success.map(|_| now()) }
}

fn number_wanted(measure: Option<Measure>) -> Wanted {
    let requirement = Requirement::Number(Comparison::MoreThan, id("60"));
    Wanted { key: id("coverage_percent"), requirement, measure, sources: [Source::CheckRun].into() }
}

fn truth() -> Wanted {
    Wanted { requirement: Requirement::Is(true), key: id("builds"), ..number_wanted(None) }
}

fn value(wanted: &Wanted, checks: &[CheckSeen]) -> Option<Value> {
    from_checks(wanted, checks, &head()).map(|evidence| {
        assert_eq!((evidence.head, evidence.at), (Some(head()), now()));
        evidence.value
    })
}

#[test]
fn a_check_run_says_whether_it_succeeded_or_the_number_that_its_title_begins_with() {
    assert_eq!(value(&truth(), &[seen("builds", Some(true), "")]), Some(Value::Bool(true)));
    assert_eq!(value(&truth(), &[seen("builds", Some(false), "")]), Some(Value::Bool(false)));
    assert_eq!(value(&truth(), &[seen("builds", None, "")]), None, "it runs still");
    assert_eq!(value(&truth(), &[seen("Builds", Some(true), "")]), None, "another name");
    let coverage = |title: &str| value(&number_wanted(None), &[seen("coverage_percent", Some(true), title)]);
    assert_eq!(coverage("61.4 % of lines"), Some(number("61.4")));
    assert_eq!(coverage("61.4%"), Some(number("61.4")));
    assert_eq!(coverage("about 61"), Some(Value::Text("about".to_owned())), "the gate says that it is no number");
    assert_eq!(coverage(""), Some(Value::Text(String::new())));
}

#[test]
fn several_of_a_name_must_agree() {
    let one = seen("builds", Some(true), "");
    assert_eq!(value(&truth(), &[one.clone(), one.clone()]), Some(Value::Bool(true)));
    assert_eq!(value(&truth(), &[one.clone(), seen("builds", Some(false), "")]), None);
    assert_eq!(value(&truth(), &[seen("builds", None, ""), one]), None);
}

#[test]
fn a_file_says_that_it_is_there_how_long_it_is_or_what_is_left_to_do() {
    let said = |wanted: &Wanted, text: &str| from_file(wanted, text.as_bytes(), &head(), now()).value;
    assert_eq!(said(&truth(), "# A memo\n"), Value::Bool(true));
    assert_eq!(said(&truth(), " \n\t\n"), Value::Bool(false), "an empty file is none");
    assert_eq!(said(&number_wanted(Some(Measure::Characters)), "  a\u{e9}b \n"), number("3"));
    let list = "## Speed\n- [x] fast\n- [ ] small\n  * [ ] quiet\nnot - [ ] this\n";
    assert_eq!(said(&number_wanted(Some(Measure::Unchecked)), list), number("2"));
    assert_eq!(said(&number_wanted(None), "\n61.4\nand more"), number("61.4"));
}

#[test]
fn a_file_is_evidence_for_the_criterion_that_it_is_named_for_in_its_item_s_directory() {
    let item: ItemId = id("p-1");
    assert_eq!(directory(&item), ".penstock/p-1");
    assert_eq!(criterion_of(".penstock/p-1/decision_memo.md", &item), Some(id("decision_memo")));
    assert_eq!(criterion_of(".penstock/p-1/decision_memo", &item), Some(id("decision_memo")));
    let others = [".penstock/p-10/memo.md", ".penstock/p-1/a/memo.md", "memo.md", ".penstock/p-1/A.md"];
    for other in others {
        assert_eq!(criterion_of(other, &item), None, "{other}");
    }
}

#[test]
fn of_two_sources_the_one_that_keeps_the_item_counts() {
    let good = from_file(&truth(), b"x", &head(), now());
    let bad = from_change(crate::domain::id::RepositoryId::GitHub(42), 7, false, &head(), now());
    for (one, other) in [(&good, &bad), (&bad, &good)] {
        assert_eq!(worse(&truth(), one.clone(), other.clone()), bad);
    }
}

#[test]
fn what_is_looked_for_is_what_the_stage_asks_for_and_its_rules_measure() {
    let mut pipeline = pipeline();
    let when = (id("cost_overrun_percent"), Requirement::Number(Comparison::MoreThan, id("50")));
    let (name, action, grace) = (id("cost"), KillAction::Review, SignedDuration::ZERO);
    pipeline.stages[1].kill_rules = vec![KillRule { name, when, action, grace, notify: vec![id("owner")] }];
    let keys = |stage: &str| -> Vec<String> {
        wanted(&pipeline, &id(stage)).into_iter().map(|wanted| wanted.key.to_string()).collect()
    };
    assert_eq!(keys("scaffold"), ["all_tests_pass", "cost_overrun_percent", "coverage_percent", "maturity"]);
    assert_eq!(keys("nowhere"), Vec::<String>::new());
}

#[test]
fn what_a_host_said_before_counts_for_nothing_and_a_word_stands() {
    let case = Case::good();
    let dossier = Dossier { evidence: case.evidence.clone(), ..Dossier::new(case.item) };
    let words = dossier.evidence.values().filter(|one| one.provenance.source() == Source::Attestation).count();
    let other: CommitSha = id(&"0b".repeat(20));
    let fresh =
        dossier.with_sourced(Some(other.clone()), BTreeMap::from([(id("builds"), check(Value::Bool(true)))]), now());
    assert_eq!(fresh.item.updated_at, now(), "another commit");
    assert_eq!((fresh.item.head, fresh.evidence.len()), (Some(other), words + 1));
}
