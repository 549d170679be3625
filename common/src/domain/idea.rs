//! The idea ledger: what might become work, with four grades that a person gives it, in the order of what it is worth.
//!
//! score = impact × strategic fit ÷ effort. Beside it stands what the grades suggest, by the charter's weights: 40 impact, 30 strategic fit,
//! 20 feasibility, 10 for little effort. Neither decides anything: a person promotes an idea to a work item, or archives it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    id::{ItemId, PersonName},
    stage::Number,
};

/// One idea.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Idea {
    /// Which: the item that it becomes has the same id.
    pub id: ItemId,
    /// What it is called. Foreign text, as the next two.
    pub title: String,
    /// What is wrong today.
    pub problem: String,
    /// What would be better with it, and how one would see that.
    pub hypothesis: String,
    /// The grades.
    pub grades: Grades,
    /// Who had it.
    pub by: PersonName,
    /// When it came into the ledger.
    pub at: Timestamp,
    /// Where it stands.
    pub state: IdeaState,
    /// How often it was written.
    pub version: u64,
}

/// Where an idea stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum IdeaState {
    /// It is in the ledger.
    Open,
    /// It is a work item.
    Promoted {
        /// Who made it one.
        by: PersonName,
        /// When.
        at: Timestamp,
    },
    /// Nobody will do it.
    Archived {
        /// Who said so.
        by: PersonName,
        /// When.
        at: Timestamp,
        /// Why.
        reason: String,
    },
}

/// What a person thinks of an idea.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grades {
    /// How much would change: 5 is most.
    pub impact: Grade,
    /// How well it fits what the portfolio is for: 5 is best.
    pub strategic_fit: Grade,
    /// How sure it is that it can be done: 5 is surest.
    pub feasibility: Grade,
    /// How much work it is: 5 is most.
    pub effort: Grade,
}

/// From 1 to 5.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "i64")]
pub struct Grade(u8);

/// A grade that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("found {0}, expected a whole number from 1 to 5")]
pub struct NoGrade(i64);

/// What the grades suggest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Triage {
    /// To make it a work item.
    Promote,
    /// To keep it and to look into it.
    Incubate,
    /// To let it go.
    Archive,
}

impl Grades {
    /// What it is worth: from 0.2 to 25, cut after three places.
    pub fn score(self) -> Number {
        let [impact, fit, effort] = [self.impact, self.strategic_fit, self.effort].map(|grade| i64::from(grade.0));
        Number::of_thousandths(impact * fit * 1_000 / effort)
    }

    /// What the grades suggest.
    pub fn triage(self) -> Triage {
        let [impact, fit, feasible, effort] =
            [self.impact, self.strategic_fit, self.feasibility, self.effort].map(|grade| u32::from(grade.0));
        // Hundredths of a grade.
        let total = 40 * impact + 30 * fit + 20 * feasible + 10 * (6 - effort);
        match () {
            () if impact >= 3 && fit >= 3 && total >= 300 => Triage::Promote,
            () if total >= 200 && feasible >= 3 => Triage::Incubate,
            () => Triage::Archive,
        }
    }
}

impl Idea {
    /// What comes first in the ledger: what is open, then the higher score, then the older one.
    pub fn rank(&self) -> impl Ord + use<> {
        let open = matches!(self.state, IdeaState::Open);
        (std::cmp::Reverse((open, self.grades.score())), self.at, self.id.clone())
    }
}

impl TryFrom<i64> for Grade {
    type Error = NoGrade;
    fn try_from(number: i64) -> Result<Self, NoGrade> {
        u8::try_from(number).ok().filter(|grade| (1..=5).contains(grade)).map(Self).ok_or(NoGrade(number))
    }
}

impl From<Grade> for i64 {
    fn from(grade: Grade) -> Self {
        grade.0.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grades([impact, fit, feasible, effort]: [i64; 4]) -> Grades {
        let grade = |number: i64| Grade::try_from(number).unwrap();
        Grades { impact: grade(impact), strategic_fit: grade(fit), feasibility: grade(feasible), effort: grade(effort) }
    }

    #[test]
    fn the_score_is_impact_by_fit_over_effort() {
        for (given, score) in
            [([5, 5, 1, 1], "25"), ([1, 1, 5, 5], "0.2"), ([4, 4, 3, 3], "5.333"), ([3, 2, 1, 4], "1.5")]
        {
            assert_eq!(grades(given).score().to_string(), score, "{given:?}");
        }
    }

    #[test]
    fn the_charter_s_weights_suggest() {
        let table = [
            ([3, 3, 3, 3], Triage::Promote),
            ([3, 3, 2, 1], Triage::Promote), // 120 + 90 + 40 + 50: just enough
            ([3, 3, 1, 1], Triage::Archive),
            ([5, 2, 5, 1], Triage::Incubate),
            ([2, 2, 3, 3], Triage::Incubate),
            ([3, 3, 2, 5], Triage::Archive),
            ([5, 2, 2, 1], Triage::Archive),
            ([1, 1, 1, 5], Triage::Archive),
        ];
        for (given, suggested) in table {
            assert_eq!(grades(given).triage(), suggested, "{given:?}");
        }
    }

    #[test]
    fn a_grade_is_from_1_to_5() {
        for number in [0, 6, -1, i64::MAX] {
            assert_eq!(Grade::try_from(number), Err(NoGrade(number)));
        }
    }

    #[test]
    fn the_ledger_begins_with_what_is_open_and_worth_most() {
        let idea = |id: &str, given, state: IdeaState| Idea {
            id: id.parse().unwrap(),
            title: String::new(),
            problem: String::new(),
            hypothesis: String::new(),
            grades: grades(given),
            by: "ada".parse().unwrap(),
            at: Timestamp::UNIX_EPOCH,
            state,
            version: 1,
        };
        let archived =
            IdeaState::Archived { by: "ada".parse().unwrap(), at: Timestamp::UNIX_EPOCH, reason: String::new() };
        let mut all = [
            idea("gone", [5, 5, 5, 1], archived),
            idea("second", [2, 2, 2, 2], IdeaState::Open),
            idea("first", [5, 5, 5, 5], IdeaState::Open),
            idea("also-second", [4, 1, 1, 2], IdeaState::Open),
        ];
        all.sort_by_key(Idea::rank);
        assert_eq!(all.map(|idea| idea.id.to_string()), ["first", "also-second", "second", "gone"]);
    }
}
