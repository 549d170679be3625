//! What the certificates' policies let pass, pair by pair, and that the account's role and Terraform agree with the code.
//!
//! [`allows`] evaluates the documents as AWS IoT does: a resource is matched as text, `*` stands for any characters, `/` among them, `?` for
//! one, and `+` and `#` for themselves; an explicit deny would win, and what nothing allows is denied.
//! <https://docs.aws.amazon.com/iot/latest/developerguide/iot-policies.html>

use std::{collections::BTreeSet, fs};

use common::domain::certificate::{Identity, Kind, MAX_DOCUMENT, Target, TopicPrefix, document};
use proptest::prelude::*;
use serde_json::Value;

use common::testing::id;

use crate::repository_root;

fn identity(kind: Kind, name: &str) -> Identity {
    let cluster = match kind {
        Kind::Agent => format!("integration/us-east-1/management/{name}"),
        Kind::Server => "integration/us-east-1/regional".to_owned(),
    };
    let broker = Target { account: id("111111111111"), region: id("us-east-1") };
    Identity {
        cluster: id(&cluster),
        kind,
        name: id(name),
        broker,
        home: Target { account: id("222222222222"), region: id("us-east-1") },
    }
}

fn matches(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), _) => {
            matches(rest, text) || text.split_first().is_some_and(|(_, text)| matches(pattern, text))
        }
        (Some((b'?', rest)), Some((_, text))) => matches(rest, text),
        (Some((one, rest)), Some((other, text))) => one == other && matches(rest, text),
        (Some(_) | None, _) => false,
    }
}

/// Whether a certificate with this document may do this; `attached` says whether it belongs to a thing.
fn allows(document: &Value, action: &str, resource: &str, attached: bool) -> bool {
    let arn = format!("arn:aws:iot:us-east-1:111111111111:{resource}");
    let listed = |statement: &Value, field: &str, wanted: &str| {
        let all = statement[field].as_array().unwrap();
        all.iter().any(|one| matches(one.as_str().unwrap().as_bytes(), wanted.as_bytes()))
    };
    let holds = |statement: &Value| match &statement["Condition"] {
        Value::Null => true,
        condition => {
            assert_eq!(condition.to_string(), r#"{"Bool":{"iot:Connection.Thing.IsAttached":["true"]}}"#);
            attached
        }
    };
    let mut statements = document["Statement"].as_array().unwrap().iter();
    statements.any(|statement| {
        assert_eq!(statement["Effect"], "Allow");
        listed(statement, "Action", action) && listed(statement, "Resource", &arn) && holds(statement)
    })
}

/// What an agent may do, said again and by itself: its own two topics in their direction, its own name.
fn agent_may(name: &str, action: &str, resource: &str) -> bool {
    let prefix = "sources/maestro/consumers";
    let own = match action {
        "iot:Connect" => format!("client/{name}-work-agent-client"),
        "iot:Publish" => format!("topic/{prefix}/{name}/agentevents"),
        "iot:Subscribe" => format!("topicfilter/{prefix}/{name}/sourceevents"),
        _ => format!("topic/{prefix}/{name}/sourceevents"),
    };
    resource == own
}

/// Names that begin, end or are contained in one another.
const NAMES: [&str; 20] = [
    "mc0",
    "mc01",
    "mc010",
    "mc1",
    "mc10",
    "mc100",
    "mc11",
    "mc-1",
    "mc-10",
    "1mc",
    "mc02",
    "mc2",
    "mc20",
    "c1",
    "m",
    "mc01-a",
    "a-mc01",
    "mc01-us-east-1",
    "mc01-us-east-10",
    "work-agent",
];

#[test]
fn an_agent_may_use_its_own_topics_and_no_others_in_ten_thousand_pairs() {
    let mut pairs = 0;
    for name in NAMES {
        let document = document(&identity(Kind::Agent, name), &TopicPrefix::standard());
        for other in NAMES.into_iter().chain(["+", "#", "*", "+/x", ""]) {
            for (action, resources) in [
                (
                    "iot:Connect",
                    vec![
                        format!("client/{other}-work-agent-client"),
                        format!("client/{other}-work-agent"),
                        format!("client/{other}"),
                        format!("client/{other}-work-agent-client-2"),
                        format!("client/x{other}-work-agent-client"),
                    ],
                ),
                ("iot:Publish", topics("topic", other)),
                ("iot:Subscribe", topics("topicfilter", other)),
                ("iot:Receive", topics("topic", other)),
                ("iot:RetainPublish", topics("topic", other)),
            ] {
                for resource in resources {
                    let wanted = agent_may(name, action, &resource) && action != "iot:RetainPublish";
                    assert_eq!(allows(&document, action, &resource, true), wanted, "{name}: {action} {resource}");
                    pairs += 1;
                }
            }
            let client = format!("client/{other}-work-agent-client");
            assert!(!allows(&document, "iot:Connect", &client, false), "without its thing nobody connects");
        }
    }
    assert!(pairs >= 10_000, "{pairs}");
}

fn topics(kind: &str, consumer: &str) -> Vec<String> {
    let ends = ["sourceevents", "agentevents", "sourceevents/x", "agentevents2", "#", "+"];
    let own = ends.map(|end| format!("{kind}/sources/maestro/consumers/{consumer}/{end}"));
    let more = [
        format!("{kind}/maestro/consumers/{consumer}/agentevents"),
        format!("{kind}/$share/g/sources/maestro/consumers/{consumer}/sourceevents"),
    ];
    own.into_iter().chain(more).collect()
}

proptest! {
    #[test]
    fn of_any_two_agents_neither_reaches_the_other(one in "[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?", other in "[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?") {
        prop_assume!(one != other);
        let document = document(&identity(Kind::Agent, &one), &TopicPrefix::standard());
        for events in ["sourceevents", "agentevents"] {
            for (action, kind) in [("iot:Publish", "topic"), ("iot:Receive", "topic"), ("iot:Subscribe", "topicfilter")] {
                let foreign = format!("{kind}/sources/maestro/consumers/{other}/{events}");
                let reached = allows(&document, action, &foreign, true);
                prop_assert!(!reached);
            }
        }
        let client = format!("client/{other}-work-agent-client");
        let reached = allows(&document, "iot:Connect", &client, true);
        prop_assert!(!reached);
    }
}

#[test]
fn a_server_speaks_to_every_agent_and_as_none() {
    let document = document(&identity(Kind::Server, "int-use1"), &TopicPrefix::standard());
    let allowed = |action: &str, resource: &str| allows(&document, action, resource, true);
    let topic =
        |kind: &str, consumer: &str, events: &str| format!("{kind}/sources/maestro/consumers/{consumer}/{events}");
    assert!(allowed("iot:Publish", &topic("topic", "mc01", "sourceevents")));
    assert!(!allowed("iot:Publish", &topic("topic", "mc01", "agentevents")));
    assert!(allowed("iot:Receive", &topic("topic", "mc01", "agentevents")));
    assert!(allowed("iot:Subscribe", &topic("topicfilter", "+", "agentevents")));
    assert!(!allowed("iot:Subscribe", &topic("topicfilter", "+", "sourceevents")));
    for (client, may) in [
        ("int-use1-maestro-server-0", true),
        ("int-use1-maestro-server-1", true),
        ("int-use1-maestro-server-2", false),
        ("mc01-work-agent-client", false),
    ] {
        assert_eq!(allowed("iot:Connect", &format!("client/{client}")), may, "{client}");
    }
}

#[test]
fn documents_fit_and_the_agents_is_the_one_that_was_agreed_on() {
    let agent = document(&identity(Kind::Agent, "mc01"), &TopicPrefix::standard());
    insta::assert_snapshot!(serde_json::to_string_pretty(&agent).unwrap(), @r#"
    {
      "Statement": [
        {
          "Action": [
            "iot:Connect"
          ],
          "Condition": {
            "Bool": {
              "iot:Connection.Thing.IsAttached": [
                "true"
              ]
            }
          },
          "Effect": "Allow",
          "Resource": [
            "arn:aws:iot:us-east-1:111111111111:client/mc01-work-agent-client"
          ]
        },
        {
          "Action": [
            "iot:Subscribe"
          ],
          "Effect": "Allow",
          "Resource": [
            "arn:aws:iot:us-east-1:111111111111:topicfilter/sources/maestro/consumers/mc01/sourceevents"
          ]
        },
        {
          "Action": [
            "iot:Receive"
          ],
          "Effect": "Allow",
          "Resource": [
            "arn:aws:iot:us-east-1:111111111111:topic/sources/maestro/consumers/mc01/sourceevents"
          ]
        },
        {
          "Action": [
            "iot:Publish"
          ],
          "Effect": "Allow",
          "Resource": [
            "arn:aws:iot:us-east-1:111111111111:topic/sources/maestro/consumers/mc01/agentevents"
          ]
        }
      ],
      "Version": "2012-10-17"
    }
    "#);
    let longest = "m".repeat(40);
    for kind in [Kind::Agent, Kind::Server] {
        let prefix = format!("sources/{}/consumers", "m".repeat(80)).parse().unwrap();
        assert!(document(&identity(kind, &longest), &prefix).to_string().len() <= MAX_DOCUMENT);
    }
}

#[test]
fn the_older_topics_have_to_be_asked_for_by_name() {
    assert!("maestro/consumers".parse::<TopicPrefix>().is_err());
    assert_eq!("older".parse::<TopicPrefix>().unwrap().as_str(), "maestro/consumers");
    for wrong in [
        "",
        "a/b",
        "a/b/c/d",
        "sources/+/consumers",
        "Sources/maestro/consumers",
        "sources//consumers",
        "sources/maestro/consumers/",
    ] {
        assert!(wrong.parse::<TopicPrefix>().is_err(), "{wrong}");
    }
    let older = document(&identity(Kind::Agent, "mc01"), &TopicPrefix::older());
    assert!(allows(&older, "iot:Publish", "topic/maestro/consumers/mc01/agentevents", true));
    assert!(!allows(&older, "iot:Publish", "topic/sources/maestro/consumers/mc01/agentevents", true));
}

/// The role in the accounts may do what the adapters call, and nothing that no adapter calls but what lists more of the same.
#[test]
fn the_role_in_the_accounts_may_do_exactly_what_is_called_there() {
    let path = repository_root().join("terraform/modules/certificate-target-role/main.tf");
    let text = fs::read_to_string(path).unwrap();
    let rights = text.split("Sid       = \"NeverHaveAKeyMadeByAws\"").collect::<Vec<_>>();
    let named = |text: &str| {
        let words = text.split('"').filter(|word| word.starts_with("iot:") || word.starts_with("secretsmanager:"));
        words
            .filter(|word| word.split_once(':').unwrap().1.starts_with(char::is_uppercase))
            .map(str::to_owned)
            .collect::<BTreeSet<_>>()
    };
    let granted: BTreeSet<String> =
        rights.iter().flat_map(|part| named(part)).filter(|action| action != "iot:CreateKeysAndCertificate").collect();
    let called = [common::aws::iot::ACTIONS, common::aws::vault::ACTIONS].concat();
    let called: BTreeSet<String> = called.into_iter().map(str::to_owned).collect();
    assert_eq!(granted.difference(&called).collect::<Vec<_>>(), Vec::<&String>::new(), "granted, and not called");
    assert_eq!(called.difference(&granted).collect::<Vec<_>>(), Vec::<&String>::new(), "called, and not granted");
    assert!(text.contains("iot:CreateKeysAndCertificate") && text.contains("Effect    = \"Deny\""));
}

#[test]
fn the_servers_document_is_terraforms() {
    let path = repository_root().join("terraform/modules/maestro-infrastructure/tests/server-policy.json");
    let terraforms: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let mut server = identity(Kind::Server, "regional-us-east-1");
    server.broker.account = id("123456789012");
    assert_eq!(terraforms.to_string(), document(&server, &TopicPrefix::standard()).to_string());
}
