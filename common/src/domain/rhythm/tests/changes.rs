//! A change stands still after five working days, and whose turn it is follows from it.

use super::*;
use crate::domain::{
    governance::{People, Person},
    id::{GitHubUserId, HostAccount, PodName, RepositoryId, RepositoryName},
};

#[test]
fn a_stale_change_names_whose_turn_it_is() {
    let mut people = People { listed: BTreeMap::new(), groups: BTreeSet::new(), roles_from_token: false };
    for (name, account) in [("ada", 1), ("bob", 2)] {
        let person = Person { github_id: Some(GitHubUserId(account)), ..Person::default() };
        people.listed.insert(name.parse().unwrap(), person);
    }
    let schedules = super::schedules::schedules();
    let told = |change: &OpenChange, now: Timestamp| -> Vec<String> {
        let name: RepositoryName = "acme/app".parse().unwrap();
        let pod: PodName = "ratio".parse().unwrap();
        let all =
            changes((RepositoryId::GitHub(42), &name, &pod), std::slice::from_ref(change), &schedules, &people, now);
        all.into_iter()
            .map(|entry| format!("{} {}: {:?}", entry.title, entry.action, entry.owner.map(|owner| owner.to_string())))
            .collect()
    };
    // A Tuesday in Los Angeles; five working days later it is Tuesday again.
    let touched: Timestamp = "2026-01-13T18:00:00Z".parse().unwrap();
    let change = OpenChange {
        number: 7,
        draft: false,
        author: Some(HostAccount::github(1)),
        reviewers: vec![],
        updated_at: touched,
    };
    let on =
        |day: i8| jiff::civil::date(2026, 1, day).at(10, 0, 0, 0).in_tz("America/Los_Angeles").unwrap().timestamp();
    assert_eq!(told(&change, on(19)), [] as [String; 0], "the weekend ages nothing");
    let late = on(20);
    let asks = "acme/app#7 ask somebody to review it, merge it, or close it: Some(\"ada\")";
    assert_eq!(told(&change, late), [asks]);
    let review = OpenChange { reviewers: [9, 2].map(HostAccount::github).into(), ..change.clone() };
    assert_eq!(told(&review, late), ["acme/app#7 review it, or say who will: Some(\"bob\")"]);
    let draft = OpenChange { draft: true, ..review };
    assert_eq!(told(&draft, late), ["acme/app#7 go on with it, or close it: Some(\"ada\")"]);
    let strangers =
        OpenChange { reviewers: vec![HostAccount::github(9)], author: Some(HostAccount::github(8)), ..change };
    assert_eq!(
        told(&strangers, late),
        ["acme/app#7 ask somebody of people.yaml to review it: nobody who was asked is in it: None"]
    );
}
