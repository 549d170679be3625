//! A repository of which only the ARN is known: who it is, and whether these credentials may read it.

use std::collections::BTreeSet;

use aws_sdk_codecommit::operation::get_folder::GetFolderOutput;
use aws_smithy_types::error::metadata::ProvideErrorMetadata as _;

use super::{CodeCommit, failed, lacks, tree::Listing};
use crate::{
    domain::{
        id::{BranchName, DirectoryPath, quoted},
        onboarding::{Address, Described, Seen},
    },
    event::Repository,
    fault::Fault,
    ports::{Forge as _, Onboarding},
};

impl Onboarding for CodeCommit {
    /// `GetRepository` with whoever's credentials these are: <https://docs.aws.amazon.com/codecommit/latest/APIReference/API_GetRepository.html>.
    /// It asks by name, in the credentials' account, so the answer's ARN is compared.
    async fn describe(&self, address: &Address) -> Result<Described, Fault> {
        let Address::CodeCommit(arn) = address else {
            return Err(Fault::bug(format!("{address} is not on CodeCommit")));
        };
        let what = format!("reading {arn}");
        let found = self.client.get_repository().repository_name(arn.name()).send().await;
        let found = found.map_err(|error| match error.code() {
            Some("RepositoryDoesNotExistException") => Fault::reject(format!(
                "there is no repository {} in the account of these credentials, in {}: mend the ARN, or take credentials of the account {}",
                arn.name(),
                arn.region(),
                arn.account()
            )),
            Some("AccessDeniedException") => Fault::reject(format!(
                "these credentials may not read {arn}: they need codecommit:GetRepository, codecommit:GetBranch and codecommit:GetFolder"
            )),
            _ => failed(&what, error),
        })?;
        let found = found.repository_metadata.ok_or_else(|| lacks(&what, "the repository"))?;
        let there = found.arn.ok_or_else(|| lacks(&what, "its ARN"))?;
        if there != arn.to_string() {
            return Err(Fault::reject(format!(
                "these credentials see {}, not {arn}: take credentials of the account {}",
                quoted(&there, 120),
                arn.account()
            )));
        }
        let id = found.repository_id.ok_or_else(|| lacks(&what, "its id"))?;
        Ok(Described {
            id: id.parse().map_err(|error| Fault::bug(format!("{what}: {error}")))?,
            address: address.clone(),
            default_branch: found.default_branch.and_then(|branch| branch.parse().ok()),
            lacks: Vec::new(),
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
                let listing = Listing { what: &what, name: repository.name.without_owner(), commit };
                self.folder(&listing, path.as_str()).await?.map(names)
            }
            _ => None,
        };
        Ok(Seen { branch: branch.clone(), head, names })
    }
}

/// What is directly in a directory.
fn names(found: GetFolderOutput) -> BTreeSet<String> {
    let files = found.files.unwrap_or_default().into_iter().map(|file| file.relative_path);
    let folders = found.sub_folders.unwrap_or_default().into_iter().map(|folder| folder.relative_path);
    let links = found.symbolic_links.unwrap_or_default().into_iter().map(|link| link.relative_path);
    let modules = found.sub_modules.unwrap_or_default().into_iter().map(|module| module.relative_path);
    files.chain(folders).chain(links).chain(modules).flatten().collect()
}
