//! What became of a commit in the environment before, by the histories of the pipelines there.
//!
//! A commit concerns the pipelines that it started. One of them has it when the last of its runs with it succeeded; the commit has
//! succeeded when all of them have it. Whatever begins behind that with another commit takes its place, even if it ends badly: how far
//! it came, the history does not say.
//!
//! A cluster may take the commit again after it had it. Then it soaks anew, and what was before is forgotten: from the moment at which every
//! one has it.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::alarm::{Unwatched, Watched};
use crate::domain::id::{AlarmName, CommitSha, ExecutionId};

/// What became of the same commit in the environment before.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Precedent {
    /// From when its alarms count: when the first cluster there began to take the commit; of one that was taken again, when every one had it.
    pub began_at: Option<Timestamp>,
    /// When every cluster there that the commit concerns had it: the last of them. It soaks from then on.
    pub succeeded_at: Option<Timestamp>,
    /// When another commit began to take its place there: it soaks no more from then on.
    pub replaced_at: Option<Timestamp>,
    /// What each alarm that watches it said from then to the end of the soak. One that is not there was not read.
    pub alarms: BTreeMap<AlarmName, Watched>,
    /// When they were read; nothing where none watches. A soak has not ended before its alarms were looked at behind its end.
    pub watched_at: Option<Timestamp>,
}

/// One execution of a pipeline, as its history lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastRun {
    /// Which.
    pub execution: ExecutionId,
    /// What it deployed; nothing when the service does not say.
    pub commit: Option<CommitSha>,
    /// When it began.
    pub began: Timestamp,
    /// When it changed last: of one that is over, its end.
    pub changed: Timestamp,
    /// What became of it.
    pub state: RunState,
}

/// What became of an execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunState {
    /// It is under way.
    Running,
    /// It came to its end.
    Succeeded,
    /// It ended before.
    Ended,
}

impl Precedent {
    /// Of a commit, by one history a pipeline.
    pub fn of<'h>(commit: &CommitSha, histories: impl IntoIterator<Item = &'h [PastRun]>) -> Self {
        let mut precedent = Self::default();
        let (mut all_have_it, mut again) = (true, false);
        for history in histories {
            let with_it = || history.iter().filter(|run| run.commit.as_ref() == Some(commit));
            let Some(last) = with_it().max_by_key(|run| run.began) else { continue };
            let first = with_it().map(|run| run.began).min();
            precedent.began_at = precedent.began_at.into_iter().chain(first).min();
            again |= with_it().any(|run| run.state == RunState::Succeeded && run.began < last.began);
            all_have_it &= last.state == RunState::Succeeded;
            precedent.succeeded_at = precedent.succeeded_at.max(Some(last.changed));
            let others = history.iter().filter(|run| run.commit.as_ref() != Some(commit));
            let replaced = others.map(|run| run.began).filter(|began| *began > last.began).min();
            precedent.replaced_at = precedent.replaced_at.into_iter().chain(replaced).min();
        }
        if !all_have_it {
            precedent.succeeded_at = None;
        }
        if again {
            precedent.began_at = precedent.succeeded_at;
        }
        precedent
    }

    /// From when to when its alarms count, for a soak of this length; nothing while not every cluster there has it.
    pub fn soaks(&self, soak: SignedDuration) -> Option<(Timestamp, Timestamp)> {
        let since = self.succeeded_at?;
        let until = since.saturating_add(soak).unwrap_or(Timestamp::MAX);
        Some((self.began_at.unwrap_or(since).min(since), until))
    }

    /// What an alarm said.
    pub fn said(&self, alarm: &AlarmName) -> Watched {
        self.alarms.get(alarm).copied().unwrap_or(Watched::Unknown(Unwatched::Unread))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(minute * 60).unwrap()
    }

    fn commit(digit: char) -> CommitSha {
        digit.to_string().repeat(40).parse().unwrap()
    }

    fn run(digit: char, began: i64, changed: i64, state: RunState) -> PastRun {
        let execution = format!("00000000-0000-4000-8000-{began:012}").parse().unwrap();
        PastRun { execution, commit: Some(commit(digit)), began: at(began), changed: at(changed), state }
    }

    #[test]
    fn every_pipeline_that_the_commit_started_must_have_it() {
        use RunState::{Ended, Running, Succeeded};
        let of = |histories: &[&[PastRun]]| Precedent::of(&commit('a'), histories.iter().copied());
        assert_eq!(of(&[]), Precedent::default());
        assert_eq!(of(&[&[run('b', 1, 2, Succeeded)]]), Precedent::default(), "another commit says nothing of it");
        let one = [run('a', 1, 5, Succeeded)];
        assert_eq!((of(&[&one]).began_at, of(&[&one]).succeeded_at), (Some(at(1)), Some(at(5))));
        let later = [run('b', 1, 2, Succeeded), run('a', 3, 9, Succeeded)];
        assert_eq!(of(&[&one, &later]).succeeded_at, Some(at(9)), "the last of them counts");
        for state in [Running, Ended] {
            assert_eq!(of(&[&one, &[run('a', 3, 9, state)]]).succeeded_at, None, "{state:?}");
        }
        let again = [run('a', 3, 4, Ended), run('a', 6, 8, Succeeded)];
        assert_eq!((of(&[&again]).began_at, of(&[&again]).succeeded_at), (Some(at(3)), Some(at(8))));
    }

    #[test]
    fn a_cluster_that_takes_it_again_soaks_it_anew() {
        use RunState::{Ended, Running, Succeeded};
        let of = |histories: &[&[PastRun]]| {
            let precedent = Precedent::of(&commit('a'), histories.iter().copied());
            (precedent.began_at, precedent.succeeded_at)
        };
        let (one, another) = ([run('a', 1, 5, Succeeded)], run('a', 2, 6, Succeeded));
        assert_eq!(of(&[&one, std::slice::from_ref(&another)]), (Some(at(1)), Some(at(6))), "its first way there");
        let again = [another.clone(), run('a', 20, 25, Succeeded)];
        assert_eq!(of(&[&one, &again]), (Some(at(25)), Some(at(25))), "what was before is forgotten");
        for state in [Running, Ended] {
            let again = [another.clone(), run('a', 20, 25, state)];
            assert_eq!(of(&[&one, &again]), (None, None), "{state:?}: it has not got it again");
        }
        let mended = [run('a', 2, 3, Ended), run('a', 4, 6, Succeeded)];
        assert_eq!(of(&[&one, &mended]), (Some(at(1)), Some(at(6))), "one that failed before is the same way there");
        let hour = SignedDuration::from_mins(60);
        let precedent = Precedent::of(&commit('a'), [&again[..]]);
        assert_eq!(precedent.soaks(hour), Some((at(25), at(85))));
        assert_eq!(Precedent::default().soaks(hour), None);
    }

    #[test]
    fn what_begins_behind_it_with_another_commit_takes_its_place() {
        let history = [run('b', 0, 1, RunState::Succeeded), run('a', 1, 5, RunState::Succeeded)];
        assert_eq!(Precedent::of(&commit('a'), [&history[..]]).replaced_at, None);
        let mut history = history.to_vec();
        history.extend([run('c', 9, 10, RunState::Succeeded), run('d', 7, 8, RunState::Ended)]);
        assert_eq!(Precedent::of(&commit('a'), [&history[..]]).replaced_at, Some(at(7)));
        let unknown = PastRun { commit: None, ..run('e', 6, 6, RunState::Running) };
        history.push(unknown);
        assert_eq!(Precedent::of(&commit('a'), [&history[..]]).replaced_at, Some(at(6)));
    }
}
