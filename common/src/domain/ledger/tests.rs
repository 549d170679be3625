//! Notes in any order come to the same; what stands is what happened last; a parked message is sent again exactly where that can help.

use proptest::prelude::*;

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_767_603_600 + second).unwrap()
}

fn happenings() -> impl Strategy<Value = Happening> {
    (0..Happening::ALL.len()).prop_map(|at| Happening::ALL[at])
}

/// Notes that a message really leaves behind: each at a moment of its own.
fn stories() -> impl Strategy<Value = Vec<Note>> {
    prop::collection::vec((happenings(), prop::option::of("[a-z ]{1,9}"), any::<bool>()), 0..12).prop_map(|story| {
        let note = |(second, (what, why, replayed)): (usize, (Happening, Option<String>, bool))| {
            let replay = replayed.then(|| format!("replay-{second}").parse().unwrap());
            Note::new(what, at(second as i64)).because(why.unwrap_or_default()).by(replay)
        };
        story.into_iter().enumerate().map(note).collect()
    })
}

fn all(notes: &[Note]) -> Notes {
    let mut all = Notes::default();
    notes.iter().for_each(|note| all.add(note.clone()));
    all
}

proptest! {
    #[test]
    fn notes_come_to_the_same_in_any_order(story in stories(), seed in any::<u64>()) {
        let mut shuffled: Vec<(u64, Note)> = story.iter().cloned().enumerate().map(|(at, note)| ((at as u64 ^ seed).wrapping_mul(0x9e37_79b9_7f4a_7c15), note)).collect();
        shuffled.sort_by_key(|(key, _)| *key);
        let shuffled: Vec<Note> = shuffled.into_iter().map(|(_, note)| note).collect();
        prop_assert_eq!(all(&shuffled), all(&story));
    }

    #[test]
    fn what_stands_is_what_happened_last(story in stories()) {
        let last = story.iter().rev().find_map(|note| note.what.ends());
        prop_assert_eq!(all(&story).state(), last.unwrap_or(State::Waiting));
    }

    #[test]
    fn every_note_counts_and_the_latest_of_a_kind_speaks(story in stories()) {
        let notes = all(&story);
        for what in Happening::ALL {
            let of_it: Vec<&Note> = story.iter().filter(|note| note.what == what).collect();
            let noted = notes.get(what);
            prop_assert_eq!(noted.map_or(0, |noted| noted.count), of_it.len() as u64);
            if let (Some(noted), Some(last)) = (noted, of_it.last()) {
                prop_assert_eq!((noted.at, &noted.reason, &noted.replay), (last.at, &last.reason, &last.replay));
            }
        }
        let order = notes.in_order();
        prop_assert!(order.windows(2).all(|two| two[0].noted.at <= two[1].noted.at));
        prop_assert_eq!(order.len(), notes.0.len());
    }

    #[test]
    fn a_delivery_stands_where_the_last_of_its_functions_stands(states in prop::collection::vec(0..4_usize, 0..5)) {
        let all = [State::Processed, State::Rejected, State::Waiting, State::Parked];
        let states: Vec<State> = states.into_iter().map(|at| all[at]).collect();
        let found = standing(states.clone());
        prop_assert_eq!(found == State::Parked, states.contains(&State::Parked));
        prop_assert_eq!(found == State::Processed, !states.is_empty() && states.iter().all(|state| *state == State::Processed));
        if states.is_empty() {
            prop_assert_eq!(found, State::Waiting);
        }
    }

    #[test]
    fn a_message_is_sent_again_exactly_when_it_can_be_read_and_was_not_done_since(
        readable in any::<bool>(), story in stories(), sent in prop::option::of(0..12_i64),
    ) {
        let notes = all(&story);
        let read = if readable { Ok(()) } else { Err("it is not JSON".to_owned()) };
        let sent_at = sent.map(at);
        let processed = story.iter().rev().find(|note| note.what == Happening::Processed).map(|note| note.at);
        let since = processed.zip(sent_at).is_some_and(|(processed, sent)| processed >= sent);
        match fate(read, &notes, sent_at) {
            Fate::Leave { .. } => prop_assert!(!readable),
            Fate::Remove { processed_at } => prop_assert!(readable && since && Some(processed_at) == processed),
            Fate::Send => prop_assert!(readable && !since),
        }
    }
}

#[test]
fn reasons_are_inert_and_cut() {
    let note = Note::new(Happening::Failed, at(0)).because(format!("a\n\u{202e}{}", "x".repeat(900)));
    assert!(note.reason.starts_with(r"a\n\u{202e}xxx") && note.reason.ends_with('…') && note.reason.len() < 520);
}

#[test]
fn fates_are_sentences() {
    let foreign = fate(Err("no field `\u{202e}`".into()), &Notes::default(), None);
    assert_eq!(foreign.to_string(), r"left: no field `\u{202e}`");
    let fates = [Fate::Send, Fate::Remove { processed_at: at(0) }, Fate::Leave { reason: "it is not JSON".into() }];
    insta::assert_snapshot!(fates.map(|fate| fate.to_string()).join("\n"), @r"
    sent again
    removed: processed at 2026-01-05T09:00:00Z, after it was sent
    left: it is not JSON
    ");
}

#[test]
fn each_happening_has_a_word_of_its_own_which_is_that_of_its_json() {
    for what in Happening::ALL {
        assert_eq!(serde_json::to_value(what).unwrap(), what.as_str());
    }
    let words: std::collections::BTreeSet<&str> = Happening::ALL.iter().map(|what| what.as_str()).collect();
    assert_eq!(words.len(), Happening::ALL.len());
}
