//! What a certificate may do at the broker: the documents, exactly.
//!
//! In a policy `*` also crosses `/`, and `+` and `#` are plain characters; so no resource that names a consumer ends in a wildcard, or `mc1`
//! would reach what is `mc10`'s. `iot:Connection.Thing.IsAttached` wants that the certificate belongs to a thing; the thing has the
//! certificate for itself (an exclusive attachment), so that this holds although a client's name is not the thing's.
//! <https://docs.aws.amazon.com/iot/latest/developerguide/pub-sub-policy.html>,
//! <https://docs.aws.amazon.com/iot/latest/developerguide/exclusive-thing.html>

use serde_json::{Value, json};

use super::{Identity, Kind, TopicPrefix};

/// The most characters that a document may have, blanks not counted (AWS IoT quota).
pub const MAX_DOCUMENT: usize = 2_048;

/// The document of an identity.
pub fn document(identity: &Identity, topics: &TopicPrefix) -> Value {
    let arn = identity.broker.broker_arn();
    let topic = |consumer: &str, events: &str| format!("{arn}topic/{topics}/{consumer}/{events}");
    let filter = |filter: &str| format!("{arn}topicfilter/{filter}");
    let name = identity.name.as_str();
    let clients: Vec<String> = identity.clients().into_iter().map(|client| format!("{arn}client/{client}")).collect();
    let connect = json!({
        "Effect": "Allow",
        "Action": ["iot:Connect"],
        "Resource": clients,
        "Condition": {"Bool": {"iot:Connection.Thing.IsAttached": ["true"]}},
    });
    let allow =
        |action: &str, resources: Vec<String>| json!({"Effect": "Allow", "Action": [action], "Resource": resources});
    let rest = match identity.kind {
        Kind::Agent => [
            allow("iot:Subscribe", vec![filter(&format!("{topics}/{name}/sourceevents"))]),
            allow("iot:Receive", vec![topic(name, "sourceevents")]),
            allow("iot:Publish", vec![topic(name, "agentevents")]),
        ],
        // The servers speak with every consumer. They share the load of what agents say, by MQTT's shared subscriptions.
        Kind::Server => {
            let all = format!("{topics}/+/agentevents");
            [
                allow("iot:Subscribe", vec![filter(&all), filter(&format!("$share/statussubscribers/{all}"))]),
                allow("iot:Receive", vec![topic("*", "agentevents")]),
                allow("iot:Publish", vec![topic("*", "sourceevents")]),
            ]
        }
    };
    let [subscribe, receive, publish] = rest;
    json!({"Version": "2012-10-17", "Statement": [connect, subscribe, receive, publish]})
}

/// Whether a document that was read means the same: as JSON, whatever its blanks and the order of its fields.
pub fn same(wanted: &Value, found: &str) -> bool {
    serde_json::from_str::<Value>(found).is_ok_and(|found| found == *wanted)
}
