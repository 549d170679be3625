//! Which push starts which pipeline (user guide, "Filter triggers on code push or pull requests" and "Working with glob patterns in
//! syntax"): `**` crosses directories, `*` and `?` do not. A CodeCommit source has no trigger; it polls, and then any push starts it, unless
//! it says `PollForSourceChanges: false` ("CodeCommit source action reference"; the default is true).

use super::{
    definition::{Includes, Pipeline, Push},
    machine::Machine,
};

impl Machine {
    /// Every branch that a source action reads, as repository and branch: `owner/name`, and on CodeCommit the name alone.
    pub fn branches(&self) -> Vec<(String, String)> {
        let mut branches: Vec<_> = self
            .pipelines
            .values()
            .flat_map(|running| sources(&running.pipeline))
            .map(|source| (source.repository, source.branch))
            .collect();
        branches.sort();
        branches.dedup();
        branches
    }

    /// Where a branch stands, as far as it was said.
    pub fn head(&self, repository: &str, branch: &str) -> Option<&str> {
        self.heads.get(&(repository.to_owned(), branch.to_owned())).map(String::as_str)
    }

    /// A push moved a branch and touched these files: every pipeline whose trigger says so begins an execution. Gives back which.
    pub fn pushed(&mut self, repository: &str, branch: &str, commit: &str, touched: &[String]) -> Vec<String> {
        self.set_head(repository, branch, commit);
        let starts = |pipeline: &Pipeline| {
            sources(pipeline).into_iter().any(|Source { action, repository: name, branch: of, polls }| {
                let here = name == repository && of == branch;
                let git = pipeline.triggers.iter().map(|trigger| &trigger.git_configuration);
                let pushes = git.filter(|git| git.source_action_name == action).flat_map(|git| &git.push);
                here && (polls || pushes.into_iter().any(|push| matches(push, branch, touched)))
            })
        };
        let due: Vec<String> = self
            .pipelines
            .iter()
            .filter(|(_, running)| starts(&running.pipeline))
            .map(|(name, _)| name.clone())
            .collect();
        for name in &due {
            self.trigger(name, "WebhookV2");
        }
        due
    }
}

/// A source action.
pub(super) struct Source {
    action: String,
    repository: String,
    branch: String,
    polls: bool,
}

/// The source actions of a pipeline.
fn sources(pipeline: &Pipeline) -> Vec<Source> {
    let actions = pipeline.stages.iter().flat_map(|stage| &stage.actions);
    actions
        .filter_map(|action| {
            let field = |name: &str| action.configuration.get(name).cloned();
            let codecommit = field("RepositoryName");
            let polls = codecommit.is_some() && field("PollForSourceChanges").as_deref() != Some("false");
            let repository = codecommit.or_else(|| field("FullRepositoryId"))?;
            Some(Source { action: action.name.clone(), repository, branch: field("BranchName")?, polls })
        })
        .collect()
}

fn matches(push: &Push, branch: &str, touched: &[String]) -> bool {
    let any = |filter: &Option<Includes>, texts: &[String]| {
        filter.as_ref().is_none_or(|filter| {
            filter.includes.iter().any(|pattern| texts.iter().any(|text| glob(pattern.as_bytes(), text.as_bytes())))
        })
    };
    any(&push.branches, &[branch.to_owned()]) && any(&push.file_paths, touched)
}

fn glob(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern, text) {
        ([], []) => true,
        ([b'*', b'*', rest @ ..], _) => (0..=text.len()).any(|at| glob(rest, &text[at..])),
        ([b'*', rest @ ..], _) => {
            let most = text.iter().position(|byte| *byte == b'/').unwrap_or(text.len());
            (0..=most).any(|at| glob(rest, &text[at..]))
        }
        ([b'?', rest @ ..], [byte, after @ ..]) if *byte != b'/' => glob(rest, after),
        ([one, rest @ ..], [byte, after @ ..]) if one == byte => glob(rest, after),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn two_stars_cross_directories_and_one_does_not() {
        let table = [
            ("deploy/a.yaml", "deploy/a.yaml", true),
            ("deploy/a.yaml", "deploy/a.yaml.bak", false),
            ("terraform/modules/**", "terraform/modules/vpc/main.tf", true),
            ("terraform/modules/*", "terraform/modules/vpc/main.tf", false),
            ("terraform/*/main.tf", "terraform/vpc/main.tf", true),
            ("terraform/?.tf", "terraform/a.tf", true),
            ("terraform/?.tf", "terraform//.tf", false),
            ("**", "anything/at/all", true),
            ("", "a", false),
        ];
        for (pattern, path, wanted) in table {
            assert_eq!(glob(pattern.as_bytes(), path.as_bytes()), wanted, "{pattern} {path}");
        }
    }

    #[test]
    fn a_push_starts_the_pipelines_whose_files_it_touched() {
        let mut machine = Machine::new("1", "r", "2026-05-04T10:00:00Z".parse().unwrap());
        let kind = |category: &str, provider: &str| json!({"category": category, "owner": "AWS", "provider": provider, "version": "1"});
        for (name, path) in [("one", "deploy/one.yaml"), ("two", "deploy/two.yaml")] {
            let source = json!({"name": "Source", "actionTypeId": kind("Source", "CodeStarSourceConnection"), "configuration": {"FullRepositoryId": "o/r", "BranchName": "main"}});
            let gate = json!({"name": "Gate", "actionTypeId": kind("Approval", "Manual")});
            let push = json!([{"branches": {"includes": ["main"]}, "filePaths": {"includes": [path]}}]);
            let definition = json!({
                "name": name, "stages": [{"name": "S", "actions": [source]}, {"name": "D", "actions": [gate]}],
                "triggers": [{"providerType": "CodeStarSourceConnection", "gitConfiguration": {"sourceActionName": "Source", "push": push}}],
            });
            machine.define(&definition).unwrap();
        }
        let touched = ["deploy/one.yaml".to_owned(), "README.md".to_owned()];
        assert_eq!(machine.pushed("o/r", "main", &"a".repeat(40), &touched), ["one"]);
        assert_eq!(machine.pushed("o/r", "other", &"b".repeat(40), &touched), Vec::<String>::new());
        assert_eq!(machine.pushed("x/y", "main", &"b".repeat(40), &touched), Vec::<String>::new());
        assert_eq!(machine.head("o/r", "main"), Some("a".repeat(40).as_str()));
        assert_eq!(machine.branches(), [("o/r".to_owned(), "main".to_owned())]);
    }

    #[test]
    fn a_codecommit_source_starts_with_every_push_unless_it_does_not_poll() {
        let mut machine = Machine::new("1", "r", "2026-05-04T10:00:00Z".parse().unwrap());
        let kind = |category: &str, provider: &str| json!({"category": category, "owner": "AWS", "provider": provider, "version": "1"});
        for (name, polls) in [("as-it-is", None), ("quiet", Some("false")), ("told-to", Some("true"))] {
            let mut configuration = json!({"RepositoryName": "fleet", "BranchName": "main"});
            if let Some(polls) = polls {
                configuration["PollForSourceChanges"] = polls.into();
            }
            let source =
                json!({"name": "Source", "actionTypeId": kind("Source", "CodeCommit"), "configuration": configuration});
            let gate = json!({"name": "Gate", "actionTypeId": kind("Approval", "Manual")});
            machine.define(&json!({"name": name, "stages": [{"name": "S", "actions": [source]}, {"name": "D", "actions": [gate]}]})).unwrap();
        }
        assert_eq!(machine.branches(), [("fleet".to_owned(), "main".to_owned())]);
        assert_eq!(
            machine.pushed("fleet", "main", &"a".repeat(40), &["README.md".to_owned()]),
            ["as-it-is", "told-to"]
        );
        assert_eq!(machine.pushed("fleet", "other", &"b".repeat(40), &["README.md".to_owned()]), Vec::<String>::new());
    }
}
