//! The fortnight as it must be: what ended, who was told, what stood in the chat, and at which local time.

use std::collections::BTreeSet;

use common::ports::ChatTarget;
use tests::fortnight::fortnight;

#[tokio::test]
async fn a_fortnight_has_its_days_its_ends_its_exception_and_its_escalation() {
    let told = fortnight().await.unwrap();
    assert_eq!(told.items, 12);
    assert_eq!(told.killed, BTreeSet::from(["p-06".to_owned(), "p-07".to_owned()]), "p-08 has its exception");
    assert_eq!(told.events["Item Killed"], 2);
    assert_eq!(told.events["Item Escalated"], 1, "resolved before the second day was over");
    let posts = |channel: &str, time: &str| {
        let of = |(at, post): &&(String, common::ports::ChatPost)| {
            at.ends_with(time) && matches!(&post.target, ChatTarget::Channel(name) if name.as_str() == channel)
        };
        told.chat.iter().filter(of).count()
    };
    // Ten working days, five before the clocks change and five after.
    for time in ["10:00", "10:10", "10:30"] {
        assert_eq!(posts("unblock-and-commit", time), 10, "{time}");
    }
    assert_eq!((posts("demos", "10:00"), posts("demos", "13:00"), posts("portfolio-council", "11:00")), (2, 2, 1));
    let to_persons = |kind: &str| {
        let posts = told.chat.iter().filter(|(_, post)| matches!(post.target, ChatTarget::Person(_)));
        posts.filter(|(_, post)| post.key.starts_with(kind)).map(|(at, _)| at.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(to_persons("escalation/"), ["Wed 04 11:00"], "the integrator, once");
    // The owner and the pod's lead: three reviews begin, one is excepted, two items end.
    let reviews = [("Sat 07 09:00", 6), ("Mon 09 09:00", 2), ("Tue 10 10:00", 4)];
    let reviews: Vec<&str> = reviews.iter().flat_map(|(at, number)| vec![*at; *number]).collect();
    assert_eq!(to_persons("kill-review/"), reviews);
    assert_eq!(told.chat.len(), 30 + 5 + 1 + 12);
    insta::assert_snapshot!(told.journal.join("\n"), @"
    Mon 02 09:00  cy begins: p-01
    Mon 02 09:00  cy begins: p-02
    Mon 02 09:00  dan begins: p-03
    Mon 02 09:00  dan begins: p-04
    Mon 02 09:00  cy begins: p-05
    Mon 02 09:00  cy begins: p-06
    Mon 02 09:00  cy begins: p-07
    Mon 02 09:00  dan begins: p-08
    Mon 02 09:00  finn begins: p-09
    Mon 02 09:00  finn begins: p-10
    Mon 02 09:00  finn begins: p-11
    Mon 02 09:00  finn begins: p-12
    Mon 02 09:30  cy says what is so: p-01
    Mon 02 09:35  cy moves it on: p-01
    Mon 02 09:40  cy says what is so: p-02
    Mon 02 09:45  cy moves it on: p-02
    Mon 02 09:50  dan says what is so: p-03
    Mon 02 09:55  dan moves it on: p-03
    Mon 02 11:00  dan says what is so: p-04
    Mon 02 11:05  dan asks to move it on: no room, a place in line: p-04
    Tue 03 11:00  cy is blocked: p-02
    Wed 04 11:00  p-02: integrator is told
    Wed 04 14:00  cy says what is so: p-01
    Wed 04 14:10  bob approves: p-01
    Wed 04 14:20  cy moves it on: p-01
    Wed 04 14:30  dan moves it on: p-04
    Thu 05 09:00  cy is free again: p-02
    Thu 05 15:00  cy says what is so: p-02
    Thu 05 15:00  dan says what is so: p-03
    Thu 05 15:00  dan says what is so: p-04
    Thu 05 15:00  cy says what is so: p-05
    Thu 05 15:00  finn says what is so: p-09
    Thu 05 15:00  finn says what is so: p-10
    Thu 05 15:00  finn says what is so: p-11
    Thu 05 15:00  finn says what is so: p-12
    Mon 09 09:00  ada gives an exception: p-08
    Mon 09 15:00  cy says what is so: p-02
    Mon 09 15:00  dan says what is so: p-03
    Mon 09 15:00  dan says what is so: p-04
    Mon 09 15:00  cy says what is so: p-05
    Mon 09 15:00  finn says what is so: p-09
    Mon 09 15:00  finn says what is so: p-10
    Mon 09 15:00  finn says what is so: p-11
    Mon 09 15:00  finn says what is so: p-12
    Tue 10 10:00  p-06 has ended
    Tue 10 10:00  p-07 has ended
    Thu 12 15:00  cy says what is so: p-02
    Thu 12 15:00  dan says what is so: p-03
    Thu 12 15:00  dan says what is so: p-04
    Thu 12 15:00  cy says what is so: p-05
    Thu 12 15:00  finn says what is so: p-09
    Thu 12 15:00  finn says what is so: p-10
    Thu 12 15:00  finn says what is so: p-11
    Thu 12 15:00  finn says what is so: p-12
    ");
    let second_wednesday = told.chat.iter().filter(|(at, _)| at.starts_with("Wed 11"));
    let text: Vec<String> = second_wednesday
        .flat_map(|(at, post)| {
            std::iter::once(at.clone()).chain(post.blocks.iter().map(|block| format!("  {}", block.text())))
        })
        .collect();
    insta::assert_snapshot!(text.join("\n"), @"
    Wed 11 10:00
      Daily unblock 2026-03-11: 2 things, urgency low
      Product 8 (ratio), for *7 working days*: nobody has touched it in spark
    → dan: move it, say what keeps it, or park it
      Product 1 (ratio), for *4 working days*: nobody has touched it in ship
    → cy: move it, say what keeps it, or park it
    Wed 11 10:10
      <@U0000ADA>, <@U0000DAN>, <@U000FINN>: what you completed, what blocks you, and one to three things that you commit to.
    Wed 11 10:30
      Summary: 2 things stand still.
      The oldest: Product 8
    → dan: move it, say what keeps it, or park it
      Not heard from: <@U0000ADA>, <@U0000DAN>, <@U000FINN>
    ");
}
