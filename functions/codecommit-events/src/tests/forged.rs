//! What contradicts itself or the registry has no effect, whatever else it says.

use common::event::AwsEvent;
use insta::assert_snapshot;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::support::*;
use crate::judge::{self, Untold};

const STRANGE: &str = "arn:aws:codecommit:us-east-2:999999999999:MyDemoRepo";

/// Each way to contradict, by name.
fn forgeries(good: &Value) -> Vec<(&'static str, Value)> {
    let placed = |account: &str, region: &str, resources: Value| {
        let mut forged = good.clone();
        (forged["account"], forged["region"], forged["resources"]) = (json!(account), json!(region), resources);
        forged
    };
    let (account, region, arn) = ("123456789012", "us-east-2", json!([ARN]));
    let away = json!(["arn:aws:codecommit:eu-west-1:123456789012:MyDemoRepo"]);
    let mut all = vec![
        ("another account", placed("999999999999", region, arn.clone())),
        ("no account", placed("", region, arn.clone())),
        ("another region", placed(account, "eu-west-1", arn.clone())),
        ("another account, with its ARN", placed("999999999999", region, json!([STRANGE]))),
        ("another account's ARN", placed(account, region, json!([STRANGE]))),
        ("another region, with its ARN", placed(account, "eu-west-1", away)),
        ("another listed ARN", placed(account, region, json!([OTHER_ARN]))),
        ("no ARN", placed(account, region, json!([]))),
        ("no ARN of CodeCommit", placed(account, region, json!(["arn:aws:s3:::MyDemoRepo"]))),
    ];
    if good["detail"]["repositoryId"].is_string() {
        let unlisted = json!("00000000-0000-0000-0000-000000000001");
        all.push(("another listed id", with(good.clone(), "repositoryId", json!(OTHER_ID))));
        all.push(("an unlisted id", with(good.clone(), "repositoryId", unlisted)));
        all.push(("another name", with(good.clone(), "repositoryName", json!("MyTestRepo"))));
    } else {
        let two = json!(["MyDemoRepo", "MyTestRepo"]);
        all.push(("two names", with(good.clone(), "repositoryNames", two)));
        all.push(("another name", with(good.clone(), "repositoryNames", json!(["MyTestRepo"]))));
    }
    all
}

#[tokio::test]
async fn a_forged_event_has_no_effect_and_says_what_is_wrong() {
    for good in all_told() {
        for (how, forged) in forgeries(&good) {
            let case = Case::new();
            let said = case.say(&forged).await;
            assert!(said.starts_with("refused: "), "{how}: {said}");
            assert_eq!(case.told(), [], "{how}");
        }
    }
    let mut sentences = Vec::new();
    for (how, forged) in forgeries(&reference("referenceUpdated", Some("7f01"), Some("3e59"))) {
        sentences.push(format!("{how}: {}", Case::new().say(&forged).await));
    }
    assert_snapshot!(sentences.join("\n"), @r#"
    another account: refused: it is from the account "999999999999", and about arn:aws:codecommit:us-east-2:123456789012:MyDemoRepo
    no account: refused: it is from the account "", and about arn:aws:codecommit:us-east-2:123456789012:MyDemoRepo
    another region: refused: it is from the region "eu-west-1", and about arn:aws:codecommit:us-east-2:123456789012:MyDemoRepo
    another account, with its ARN: refused: it is about arn:aws:codecommit:us-east-2:999999999999:MyDemoRepo with the id 12345678-1234-5678-abcd-12345678abcd, and repositories.yaml lists that id as arn:aws:codecommit:us-east-2:123456789012:MyDemoRepo
    another account's ARN: refused: it is from the account "123456789012", and about arn:aws:codecommit:us-east-2:999999999999:MyDemoRepo
    another region, with its ARN: refused: it is about arn:aws:codecommit:eu-west-1:123456789012:MyDemoRepo with the id 12345678-1234-5678-abcd-12345678abcd, and repositories.yaml lists that id as arn:aws:codecommit:us-east-2:123456789012:MyDemoRepo
    another listed ARN: refused: it calls the repository "MyDemoRepo", and is about arn:aws:codecommit:us-east-2:123456789012:MyTestRepo
    no ARN: refused: it names no CodeCommit repository: ""
    no ARN of CodeCommit: refused: it names no CodeCommit repository: "arn:aws:s3:::MyDemoRepo"
    another listed id: refused: it is about arn:aws:codecommit:us-east-2:123456789012:MyDemoRepo with the id 92ca7bf2-d878-49ed-a994-336a6cc7c574, and repositories.yaml lists that ARN with the id 12345678-1234-5678-abcd-12345678abcd
    an unlisted id: refused: it is about arn:aws:codecommit:us-east-2:123456789012:MyDemoRepo with the id 00000000-0000-0000-0000-000000000001, and repositories.yaml lists that ARN with the id 12345678-1234-5678-abcd-12345678abcd
    another name: refused: it calls the repository "MyTestRepo", and is about arn:aws:codecommit:us-east-2:123456789012:MyDemoRepo
    "#);
}

#[tokio::test]
async fn foreign_text_cannot_speak_in_a_reason() {
    for field in ["account", "region", "detail-type", "resources"] {
        let text = json!("\u{1b}[31m\r\n\u{202e}🦀");
        let mut forged = reference("referenceUpdated", Some("7f01"), Some("3e59"));
        forged[field] = if field == "resources" { json!([text]) } else { text };
        let said = Case::new().say(&forged).await;
        assert!(said.contains("u{202e}"), "{said}");
        assert!(said.is_ascii() && !said.chars().any(char::is_control), "{said:?}");
    }
}

#[tokio::test]
async fn an_id_of_eventbridge_that_comes_with_something_else_is_refused() {
    let case = Case::new();
    assert_eq!(case.say(&reference("referenceCreated", Some("7f01"), None)).await, "accepted: Branch Pushed");
    let said = case.say(&reference("referenceUpdated", Some("9a9a"), Some("7f01"))).await;
    assert_eq!(said, "refused: its id came before with something else in it");
    assert_eq!(case.told().len(), 1);
}

#[tokio::test]
async fn another_service_s_event_is_a_wrong_rule() {
    let mut other = reference("referenceCreated", Some("7f01"), None);
    other["source"] = json!("aws.codepipeline");
    assert!(Case::new().say(&other).await.contains("its rules are wrong"));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Both directions: what agrees in everything is told, and whatever differs in one of account, region and ARN is not.
    #[test]
    fn what_is_told_agrees_with_the_registry_in_everything(
        at in 0..all_told().len(),
        account in prop_oneof![3 => Just("123456789012".to_owned()), 1 => "[0-9]{12}", 1 => ".{0,20}"],
        region in prop_oneof![3 => Just("us-east-2".to_owned()), 1 => "[a-z]{2}-[a-z]{4}-[1-9]", 1 => ".{0,20}"],
        arn in prop_oneof![
            3 => Just(ARN.to_owned()), 1 => Just(OTHER_ARN.to_owned()), 1 => Just(STRANGE.to_owned()),
            1 => Just(format!("{ARN}x")), 1 => ".{0,60}",
        ],
    ) {
        let case = Case::new();
        let mut event = all_told().swap_remove(at);
        let agrees = account == "123456789012" && region == "us-east-2" && arn == ARN;
        (event["account"], event["region"], event["resources"]) = (json!(account), json!(region), json!([arn]));
        let event: AwsEvent = serde_json::from_value(event).unwrap();
        match judge::event(&event, &case.events.repositories) {
            Ok(told) => prop_assert!(agrees, "{told:?}"),
            Err(untold) => prop_assert!(!agrees, "{untold}"),
        }
    }

    /// Any id but the repository's own: nothing is told.
    #[test]
    fn an_id_is_exact(bits: u128) {
        let hex = format!("{bits:032x}");
        let id = format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]);
        prop_assume!(id != ID);
        let event = with(reference("referenceUpdated", Some("7f01"), Some("3e59")), "repositoryId", json!(id));
        let event: AwsEvent = serde_json::from_value(event).unwrap();
        let judged = judge::event(&event, &Case::new().events.repositories);
        prop_assert!(matches!(judged, Err(Untold::Foreign(_))), "{judged:?}");
    }
}
