//! Which push starts which pipeline (user guide, "Filter triggers on code push or pull requests" and "Working with glob patterns in
//! syntax"): `**` crosses directories, `*` and `?` do not.

use super::{
    definition::{Includes, Pipeline, Push},
    machine::Machine,
};

impl Machine {
    /// Every branch that a source action reads, as `owner/name` and branch.
    pub fn branches(&self) -> Vec<(String, String)> {
        let mut branches: Vec<_> =
            self.pipelines.values().flat_map(|running| sources(&running.pipeline)).map(|(_, at)| at).collect();
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
            sources(pipeline).into_iter().any(|(action, (name, of))| {
                let git = pipeline.triggers.iter().map(|trigger| &trigger.git_configuration);
                let pushes = git.filter(|git| git.source_action_name == action).flat_map(|git| &git.push);
                name == repository && of == branch && pushes.into_iter().any(|push| matches(push, branch, touched))
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

/// The source actions of a pipeline: each with its repository and branch.
pub(super) fn sources(pipeline: &Pipeline) -> Vec<(String, (String, String))> {
    let actions = pipeline.stages.iter().flat_map(|stage| &stage.actions);
    actions
        .filter_map(|action| {
            let field = |name: &str| action.configuration.get(name).cloned();
            Some((action.name.clone(), (field("FullRepositoryId")?, field("BranchName")?)))
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
}
