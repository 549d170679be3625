//! What an issue or a pull request speaks of is believed in one order, and never guessed.

use super::*;

fn suggested(labels: &[&str], branch: Option<&str>, title: &str) -> Option<(String, Because)> {
    let mut pipeline = pipeline();
    pipeline.stages[1].suggested_by = vec!["feature".to_owned(), "build".to_owned()];
    pipeline.stages[2].suggested_by = vec!["release".to_owned()];
    let spoken = Spoken { labels: labels.iter().copied().collect(), branch, title };
    suggest(&pipeline, &spoken).map(|found| (found.stage.to_string(), found.because))
}

#[test]
fn a_label_is_believed_before_a_branch_and_a_branch_before_a_title() {
    let found = |stage: &str, because| Some((stage.to_owned(), because));
    assert_eq!(suggested(&["stage/ship", "bug"], Some("feature/a"), "seed it"), found("ship", Because::Label));
    assert_eq!(
        suggested(&["stage/feature"], Some("feature/a"), "seed it"),
        found("scaffold", Because::Branch),
        "a label is exact"
    );
    assert_eq!(suggested(&[], Some("Build-index"), ""), found("scaffold", Because::Branch));
    assert_eq!(suggested(&["ship"], Some("ada/scaffold"), "Release: 2.0"), found("ship", Because::Title));
    assert_eq!(suggested(&[], None, "shipping and featured"), None, "whole words only");
    assert_eq!(suggested(&["stage/gone"], None, ""), None);
}

#[test]
fn two_stages_in_one_way_suggest_none_by_it() {
    assert_eq!(suggested(&["stage/ship", "stage/seed"], None, ""), None);
    assert_eq!(suggested(&[], None, "build and ship"), None);
    let found = Some(("seed".to_owned(), Because::Branch));
    assert_eq!(suggested(&["stage/ship", "stage/seed"], Some("seed/a"), ""), found);
}
