//! What people read each morning.

use super::*;

fn entry(kind: Kind, subject: &str, title: &str, pod: Option<&str>, since: &str) -> Entry {
    Entry {
        kind,
        subject: subject.into(),
        title: title.into(),
        pod: pod.map(|pod| pod.parse().unwrap()),
        since: at(since),
        reason: "it waits for somebody of security".into(),
        action: "ask for the review".into(),
        owner: Some("ada".parse().unwrap()),
    }
}

/// A Wednesday at ten in Berlin.
const NOW: &str = "2026-05-06T08:00:00Z";

fn made(sources: Vec<(Source, Result<Vec<Entry>, String>)>, pod: Option<&str>) -> Report {
    let all = ["a", "b", "c"].map(|item| blocker(item, outside(), "2026-05-04T10:00:00Z"));
    let patterns = if sources.len() > 1 { patterns(&all, at(NOW)) } else { Vec::new() };
    let audience = match pod {
        Some(pod) => Audience::Only(BTreeSet::from([pod.parse().unwrap()])),
        None => Audience::Except(BTreeSet::new()),
    };
    let sources = sources.into_iter().map(|(source, read)| (source, read.into())).collect();
    report(&sources, patterns, &audience, &calendar("Europe/Berlin"), at(NOW))
}

fn items() -> Vec<Entry> {
    vec![
        entry(Kind::BlockedItem, "item:idea-7", "Invoices <!channel> & *more*", Some("ratio"), "2026-05-04T08:00:00Z"),
        entry(Kind::BlockedItem, "item:idea-8", "Of others", Some("nanda"), "2026-05-01T08:00:00Z"),
        Entry {
            owner: None,
            ..entry(Kind::BlockedItem, "item:idea-9", "Two\nlines\u{202e}", Some("ratio"), "2026-05-06T07:15:00Z")
        },
    ]
}

#[test]
fn a_report_names_what_stands_still_the_oldest_first_and_what_could_not_be_read() {
    let gate = entry(Kind::WaitingRun, "run:1", "production/us-east-1/regional", None, "2026-05-05T05:00:00Z");
    let sources = vec![
        (Source::Items, Ok(items())),
        (Source::Pipelines, Ok(vec![gate])),
        (Source::Limits, Err("the table did not answer <in time>".to_owned())),
    ];
    let report = made(sources, Some("ratio"));
    insta::assert_snapshot!(report.text(), @r"
    Daily unblock 2026-05-06: 3 things, urgency medium, incomplete

    ⚠️ *Incomplete:* the limits on work in progress could not be read (the table did not answer &lt;in time&gt;). What stands still there is not below.

    Invoices &lt;!channel&gt; &amp; *more* (ratio), for *2 working days*: it waits for somebody of security
    → ada: ask for the review

    production/us-east-1/regional, for *1 working day*: it waits for somebody of security
    → ada: ask for the review

    Two lines (ratio), for *45 min*: it waits for somebody of security
    → whoever takes it: ask for the review

    🔁 3 items wait for vendor-api, outside: a, b, c. Settle the cause once.
    ");
    assert!(!report.is_all_clear());
    assert_eq!(report.urgency, Urgency::Medium);
    assert_eq!(report.counts, BTreeMap::from([(Kind::BlockedItem, 2), (Kind::WaitingRun, 1)]));
}

#[test]
fn a_source_that_cannot_be_read_is_never_all_clear() {
    let clear = made(vec![(Source::Items, Ok(Vec::new()))], None);
    insta::assert_snapshot!(clear.text(), @r"
    Daily unblock 2026-05-06: nothing

    Nothing stands still.
    ");
    assert!(clear.is_all_clear());
    let blind = made(vec![(Source::Items, Err("no permission".to_owned()))], None);
    insta::assert_snapshot!(blind.text(), @r"
    Daily unblock 2026-05-06: nothing, incomplete

    ⚠️ *Incomplete:* the items could not be read (no permission). What stands still there is not below.

    Nothing that could be read stands still.
    ");
    assert!(!blind.is_all_clear());
}

#[test]
fn without_a_pod_it_is_everybody_s_and_urgency_follows_from_how_much_there_is() {
    let many = |count: usize| {
        let one =
            |number| entry(Kind::StaleChange, &format!("change:{number}"), "x", Some("nanda"), "2026-05-04T08:00:00Z");
        made(vec![(Source::Changes, Ok((0..count).map(one).collect()))], None)
    };
    for (count, urgency) in
        [(0, Urgency::Low), (2, Urgency::Low), (3, Urgency::Medium), (5, Urgency::Medium), (6, Urgency::High)]
    {
        let report = many(count);
        assert_eq!((report.entries.len(), report.urgency), (count, urgency));
    }
    let long = many(40).blocks();
    assert_eq!(long.len(), 17);
    assert_eq!(long[16].text(), "and 25 more: the board has all of them");
    let mut patterned = many(40);
    let pattern = |number: usize| Pattern {
        cause: Cause::Outside(format!("vendor-{number}").parse().unwrap()),
        items: BTreeSet::from(["a".parse().unwrap()]),
    };
    patterned.patterns = (0..60).map(pattern).collect();
    assert_eq!(patterned.blocks().len(), 17 + 5, "Slack takes 50 blocks");
}

#[test]
fn slack_gets_blocks_of_the_size_that_it_takes() {
    let report = made(vec![(Source::Items, Ok(items()))], None);
    let blocks = report.blocks();
    assert_eq!(blocks[0].to_slack()["text"]["type"], "plain_text");
    assert_eq!(blocks[1].to_slack()["text"]["type"], "mrkdwn");
    assert_eq!(Block::Context("x".into()).to_slack()["elements"][0]["text"], "x");
}

proptest! {
    /// Whatever somebody wrote: no mention, no link, no second line, and no block that Slack would refuse.
    #[test]
    fn foreign_text_stays_text(text in "\\PC{0,400}|(<!channel>|&lt;|<https://x\\|y>|\n|\u{202e}|a){0,60}", count in 1..60_usize) {
        let safe = escaped(&text);
        let words = safe.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "");
        prop_assert!(!words.contains(['&', '<', '>', '\n', '\u{202e}']), "{}", safe);
        let one = |number: usize| Entry {
            reason: text.clone(),
            action: text.clone(),
            ..entry(Kind::BlockedItem, &number.to_string(), &text, None, "2026-05-04T08:00:00Z")
        };
        let entries = (0..count).map(one).collect();
        let report = made(vec![(Source::Items, Ok(entries)), (Source::Limits, Err(text.clone()))], None);
        let blocks = report.blocks();
        prop_assert!(blocks.len() <= 50);
        for block in &blocks {
            let most = if matches!(block, Block::Header(_)) { 150 } else { 3_000 };
            prop_assert!((1..=most).contains(&block.text().chars().count()));
            prop_assert!(block.text().lines().count() <= 2);
        }
    }
}
