//! What people say to a gate in a comment: `/penstock approve <run>`, `/penstock reject <run> <reason>`.

use super::approval::Answer;
use crate::domain::{id::ExecutionId, reason::Reason};

/// An answer to a run, as a comment gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// What.
    pub answer: Answer,
    /// To which run.
    pub execution: ExecutionId,
    /// Why.
    pub reason: Option<Reason>,
}

/// Reads a comment. Its first line is the command and nothing else; what follows is for people. Nothing: it says nothing to a gate, as a
/// quotation does, or a word that nobody knows.
///
/// # Errors
/// Why a command cannot be taken, for whoever wrote it.
pub fn read(comment: &str) -> Option<Result<Command, String>> {
    let line = comment.lines().next()?.trim_end();
    let rest = line.strip_prefix("/penstock ")?;
    let (word, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    let answer = [Answer::Approve, Answer::Reject].into_iter().find(|answer| answer.as_str() == word)?;
    Some(command(answer, rest))
}

fn command(answer: Answer, rest: &str) -> Result<Command, String> {
    let word = answer.as_str();
    let (run, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    let form = match answer {
        Answer::Approve => "/penstock approve <run>",
        Answer::Reject => "/penstock reject <run> <reason>",
    };
    let execution = run.parse().map_err(|wrong| format!("the first line is not {form}: {wrong}"))?;
    let reason = match (answer, rest.trim()) {
        (Answer::Approve, "") => None,
        // Whatever stands behind it may take it back: "approve <run> once ben agrees".
        (Answer::Approve, _) => {
            return Err(format!("something stands behind the run: write {form}, and the rest below it"));
        }
        (Answer::Reject, "") => return Err(format!("to {word} needs a reason: {form}")),
        (Answer::Reject, text) => {
            Some(Reason::try_from(text.to_owned()).map_err(|wrong| format!("the reason: {wrong}"))?)
        }
    };
    Ok(Command { answer, execution, reason })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RUN: &str = "00000000-0000-4000-8000-000000000001";

    #[test]
    fn a_command_is_the_first_line_and_nothing_else_is_one() {
        let approve = Command { answer: Answer::Approve, execution: RUN.parse().unwrap(), reason: None };
        for text in [format!("/penstock approve {RUN}"), format!("/penstock approve {RUN}  \r\n\r\nI have read it.")] {
            assert_eq!(read(&text), Some(Ok(approve.clone())), "{text:?}");
        }
        let reason = "the subnet is taken already".to_owned();
        let reject = Command { answer: Answer::Reject, reason: Some(reason.clone().try_into().unwrap()), ..approve };
        assert_eq!(read(&format!("/penstock reject {RUN} {reason}\nmore")), Some(Ok(reject)));
        for text in [
            String::new(),
            "lgtm".to_owned(),
            format!(" /penstock approve {RUN}"),
            format!("> /penstock approve {RUN}"),
            format!("please /penstock approve {RUN}"),
            format!("see below\n/penstock approve {RUN}"),
            format!("/Penstock approve {RUN}"),
            format!("/penstock  approve {RUN}"),
            format!("/penstock approved {RUN}"),
            format!("/penstock merge {RUN}"),
            "/penstock".to_owned(),
        ] {
            assert_eq!(read(&text), None, "{text:?}");
        }
    }

    #[test]
    fn a_command_that_cannot_be_taken_says_why() {
        let why = |text: &str| read(text).unwrap().unwrap_err();
        insta::assert_snapshot!(why("/penstock approve"), @r#"the first line is not /penstock approve <run>: "" is not a valid pipeline execution: expected a UUID in lower case"#);
        insta::assert_snapshot!(why("/penstock approve latest"), @r#"the first line is not /penstock approve <run>: "latest" is not a valid pipeline execution: expected a UUID in lower case"#);
        insta::assert_snapshot!(why(&format!("/penstock approve {RUN} once ben agrees")), @"something stands behind the run: write /penstock approve <run>, and the rest below it");
        insta::assert_snapshot!(why(&format!("/penstock reject {RUN}")), @"to reject needs a reason: /penstock reject <run> <reason>");
        insta::assert_snapshot!(why(&format!("/penstock reject {RUN} no")), @"the reason: found 2 characters, expected a reason of 15 to 500");
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_comment_is_read_without_a_panic(tail in any::<String>(), word in "(approve|reject|[a-z]{0,8})") {
            let _ = read(&tail);
            let _ = read(&format!("/penstock {word} {tail}"));
        }

        /// Whatever is taken names its run in full: nothing is approved by a prefix or a word.
        #[test]
        fn what_is_taken_names_its_run(text in "/penstock (approve|reject) [0-9a-f-]{30,40}( [a-z ]{0,30})?") {
            if let Some(Ok(command)) = read(&text) {
                prop_assert!(text.contains(command.execution.as_str()));
            }
        }
    }
}
