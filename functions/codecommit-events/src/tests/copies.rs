//! What comes twice, and what only looks like it.

use common::testing::When;
use serde_json::{Value, json};

use super::support::*;

fn with_id(mut event: Value, id: usize) -> Value {
    event["id"] = json!(format!("98377d67-0123-4567-89ab-{id:012}"));
    event
}

#[tokio::test]
async fn a_hundred_copies_are_one_event() {
    for good in all_told() {
        let case = Case::new();
        let mut accepted = 0;
        // Half under EventBridge's own id, half under another: nothing says that a copy keeps it.
        for copy in 0..100 {
            let said = case.say(&with_id(good.clone(), if copy % 2 == 0 { 0 } else { copy })).await;
            assert!(said == "duplicate" || said.starts_with("accepted: "), "{said}");
            accepted += usize::from(said != "duplicate");
        }
        assert_eq!((accepted, case.told().len()), (1, 1));
    }
}

#[tokio::test]
async fn a_branch_that_goes_back_and_forth_or_comes_again_is_told_each_time() {
    let case = Case::new();
    let steps = [
        reference("referenceCreated", Some("aaaa"), None),
        reference("referenceUpdated", Some("bbbb"), Some("aaaa")),
        reference("referenceUpdated", Some("aaaa"), Some("bbbb")),
        reference("referenceUpdated", Some("bbbb"), Some("aaaa")),
        reference("referenceDeleted", None, Some("bbbb")),
        reference("referenceCreated", Some("aaaa"), None),
    ];
    for (at, mut step) in steps.into_iter().enumerate() {
        step["time"] = json!(format!("2019-06-12T10:23:{:02}Z", 10 + at));
        let said = case.say(&with_id(step, at)).await;
        assert!(said.starts_with("accepted: "), "step {at}: {said}");
    }
    assert_eq!(case.told().len(), 6);
}

#[tokio::test]
async fn what_could_not_be_committed_is_not_marked_as_seen() {
    for when in [When::Before, When::After] {
        let case = Case::new();
        case.world.fail_call(0, when);
        let event = reference("referenceCreated", Some("7f01"), None);
        let said = case.say(&event).await;
        assert!(said.starts_with("fault: ") && said.contains("try again later"), "{said}");
        case.world.heal();
        case.say(&event).await;
        assert_eq!(case.told().len(), 1);
    }
}
