//! A repository of which only the name is known: who it is, and what the App may do there.

use std::collections::BTreeMap;

use crate::{
    domain::{
        id::{BranchName, DirectoryPath, RepositoryId, RepositoryName},
        onboarding::{Address, Described, Lack, Seen},
    },
    event::Repository,
    fault::Fault,
    ports::{Forge as _, Onboarding},
};

use super::{GitHub, Scope, error::Failure, session::Call, wire};

/// What cannot be done without the permissions of a scope. The first is needed for all the others.
const USES: [(Scope, &str); 7] = [
    (Scope::Read, "nothing of it can be read"),
    (Scope::Marks, "no commit status and no check run says what was decided"),
    (Scope::Talk, "no label and no comment says why a pull request waits"),
    (Scope::Merge, "a pull request that must wait does not become a draft, and none is merged"),
    (Scope::Evidence, "gates of work items find no evidence there"),
    (Scope::Deployments, "deployments are not shown"),
    (Scope::Archive, "what remains of a work item that ended is not kept"),
];

impl Onboarding for GitHub {
    /// The installation by the App's signature, then the repository with a token that may read nothing but its description:
    /// <https://docs.github.com/en/rest/apps/apps#get-a-repository-installation-for-the-authenticated-app>,
    /// <https://docs.github.com/en/rest/apps/apps#create-an-installation-access-token-for-an-app>.
    async fn describe(&self, address: &Address) -> Result<Described, Fault> {
        let Address::GitHub(name) = address else {
            return Err(Fault::bug(format!("{address} is not on GitHub")));
        };
        let installation = self.installation(name).await.map_err(|failure| match failure {
            Failure::NotFound(_) => Fault::reject(format!(
                "the App {} is not installed for {name}, or there is no such repository: install it there (the App's settings, Install App), with this repository among those selected",
                self.app_id
            )),
            Failure::Moved(_) => {
                Fault::reject(format!("{name} was renamed or transferred: onboard it by the name that it has now"))
            }
            other => other.into(),
        })?;
        if installation.suspended_at.is_some() {
            return Err(Fault::reject(format!(
                "the App {} is suspended for {name}: whoever owns that installation lifts it, in its settings",
                self.app_id
            )));
        }
        let what = format!("asking for a token to describe {name}");
        let permissions = serde_json::json!({"metadata": "read"});
        let asked = wire::NamedTokenRequest { repositories: [name.without_owner()], permissions };
        let token = self.token(installation.id, &what, &asked).await?;
        let what = format!("reading {name}");
        let found: wire::Candidate = self.request_with(&token, &what, &format!("/repos/{name}")).await?;
        let full_name = named(name, &found.full_name)?;
        Ok(Described {
            id: RepositoryId::GitHub(found.id),
            address: Address::GitHub(full_name),
            default_branch: found.default_branch.parse().ok(),
            lacks: lacks(&installation.permissions),
        })
    }

    async fn look(
        &self,
        repository: &Repository,
        branch: &BranchName,
        directory: Option<&DirectoryPath>,
    ) -> Result<Seen, Fault> {
        let head = self.branch_head(repository, branch).await?;
        let names = match (&head, directory) {
            (Some(commit), Some(path)) => {
                let what = format!("listing {path} of {} in {}", commit.short(), repository.name);
                let call = Call { repository, scope: Scope::Read, what: &what };
                match self.directory(&call, commit, path.as_str()).await? {
                    Some(sha) => Some(self.tree(&call, &sha, "").await?.into_iter().map(|entry| entry.path).collect()),
                    None => None,
                }
            }
            _ => None,
        };
        Ok(Seen { branch: branch.clone(), head, names })
    }
}

/// The name that GitHub answered with, when it is the one that was asked for: names that differ in the case of their letters alone are one.
/// Any other is another repository's, or a new one of this; the entry would say what nobody typed.
fn named(asked: &RepositoryName, answered: &str) -> Result<RepositoryName, Fault> {
    let name: RepositoryName =
        answered.parse().map_err(|error| Fault::bug(format!("reading {asked}, its name: {error}")))?;
    if name.as_str().eq_ignore_ascii_case(asked.as_str()) {
        return Ok(name);
    }
    Err(Fault::reject(format!(
        "GitHub answered {name} when it was asked for {asked}: if that is the repository's name now, onboard it by that name"
    )))
}

/// What an installation was not granted of what the calls of this adapter ask for, each once, with the first use that lacks it.
fn lacks(granted: &BTreeMap<String, String>) -> Vec<Lack> {
    let mut lacks: Vec<Lack> = Vec::new();
    for (scope, without) in USES {
        let permissions = scope.permissions();
        for (name, access) in permissions.as_object().into_iter().flatten() {
            let access = access.as_str().unwrap_or_default();
            let has = match granted.get(name).map(String::as_str) {
                Some("write" | "admin") => true,
                Some("read") => access == "read",
                _ => false,
            };
            let permission = format!("{name}: {access}");
            let above = format!("{name}: write");
            // Whoever grants writing grants reading with it.
            if !has && !lacks.iter().any(|lack| lack.permission == permission || lack.permission == above) {
                lacks.push(Lack { permission, without, fatal: matches!(scope, Scope::Read) });
            }
        }
    }
    lacks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lacking(granted: &[(&str, &str)]) -> String {
        let granted = granted.iter().map(|(name, access)| ((*name).to_owned(), (*access).to_owned())).collect();
        let line = |lack: &Lack| {
            format!("{} ({}): {}", lack.permission, if lack.fatal { "needed" } else { "useful" }, lack.without)
        };
        lacks(&granted).iter().map(line).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_repository_has_the_name_that_was_asked_for() {
        let asked: RepositoryName = "ACME/Fleet".parse().unwrap();
        assert_eq!(named(&asked, "acme/fleet").unwrap().as_str(), "acme/fleet");
        let fault = named(&asked, "acme/navy").unwrap_err();
        assert!(matches!(fault, Fault::Reject { .. }));
        insta::assert_snapshot!(fault, @"GitHub answered acme/navy when it was asked for ACME/Fleet: if that is the repository's name now, onboard it by that name");
        assert!(matches!(named(&asked, "fleet").unwrap_err(), Fault::Bug { .. }));
    }

    #[test]
    fn each_permission_that_some_call_asks_for_is_missed_by_name() {
        let all = [
            ("checks", "write"),
            ("contents", "write"),
            ("deployments", "read"),
            ("issues", "write"),
            ("metadata", "read"),
            ("pull_requests", "admin"),
            ("statuses", "write"),
        ];
        assert_eq!(lacking(&all), "");
        insta::assert_snapshot!(lacking(&[("contents", "read"), ("metadata", "read"), ("pull_requests", "read")]), @r"
        checks: write (useful): no commit status and no check run says what was decided
        statuses: write (useful): no commit status and no check run says what was decided
        issues: write (useful): no label and no comment says why a pull request waits
        pull_requests: write (useful): no label and no comment says why a pull request waits
        contents: write (useful): a pull request that must wait does not become a draft, and none is merged
        deployments: read (useful): deployments are not shown
        ");
        insta::assert_snapshot!(lacking(&[("metadata", "read"), ("checks", "none")]), @r"
        contents: read (needed): nothing of it can be read
        pull_requests: read (needed): nothing of it can be read
        checks: write (useful): no commit status and no check run says what was decided
        statuses: write (useful): no commit status and no check run says what was decided
        issues: write (useful): no label and no comment says why a pull request waits
        pull_requests: write (useful): no label and no comment says why a pull request waits
        contents: write (useful): a pull request that must wait does not become a draft, and none is merged
        deployments: read (useful): deployments are not shown
        ");
        for left_out in 0..all.len() {
            let rest: Vec<_> = all.iter().enumerate().filter(|(at, _)| *at != left_out).map(|(_, one)| *one).collect();
            assert!(lacking(&rest).contains(all[left_out].0), "{left_out}");
        }
    }
}
