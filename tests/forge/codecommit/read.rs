//! The repository: branches, directories, contents, comparisons.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use common::domain::id::BranchName;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answered, ApiError, Call, error};
use crate::forge::{clock, git::Changed};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Named {
    repository_name: String,
}

/// <https://docs.aws.amazon.com/codecommit/latest/APIReference/API_GetRepository.html>
pub(super) fn repository(call: &Call<'_>) -> Answered {
    let Named { repository_name } = call.asked()?;
    call.named(&repository_name)?;
    let arn = &call.identity.arn;
    Ok(json!({"repositoryMetadata": {
        "accountId": arn.account(), "repositoryId": call.identity.id.to_string(), "repositoryName": arn.name(),
        "Arn": arn.to_string(), "defaultBranch": call.world.settings.default_branch,
        "creationDate": super::time(clock::now()), "lastModifiedDate": super::time(clock::now()),
    }}))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Branch {
    repository_name: String,
    branch_name: String,
}

/// <https://docs.aws.amazon.com/codecommit/latest/APIReference/API_GetBranch.html>
pub(super) async fn branch(call: &Call<'_>) -> Answered {
    let Branch { repository_name, branch_name } = call.asked()?;
    call.named(&repository_name)?;
    match tip(call, &branch_name).await? {
        Some(commit) => Ok(json!({"branch": {"branchName": branch_name, "commitId": commit}})),
        None => Err(error("BranchDoesNotExistException", &format!("{branch_name} does not exist"))),
    }
}

/// Where a branch is.
pub(super) async fn tip(call: &Call<'_>, name: &str) -> Result<Option<String>, ApiError> {
    let name: BranchName = name.parse().map_err(|_| error("InvalidBranchNameException", "invalid"))?;
    Ok(call.world.git.resolve(&format!("refs/heads/{name}"), "commit").await?)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NewBranch {
    repository_name: String,
    branch_name: String,
    commit_id: String,
}

/// <https://docs.aws.amazon.com/codecommit/latest/APIReference/API_CreateBranch.html>
pub(super) async fn create_branch(call: &Call<'_>) -> Answered {
    let NewBranch { repository_name, branch_name, commit_id } = call.asked()?;
    call.named(&repository_name)?;
    let refs = call.world.refs.lock().await;
    if tip(call, &branch_name).await?.is_some() {
        return Err(error("BranchNameExistsException", &format!("{branch_name} exists")));
    }
    let commit = commit_of(call, &commit_id).await?;
    let before = call.world.git.refs().await?;
    call.world.git.update_ref(&format!("refs/heads/{branch_name}"), &commit, None).await?;
    super::changes::changed(call, &before).await?;
    drop(refs);
    Ok(json!({}))
}

/// A commit by its id.
pub(super) async fn commit_of(call: &Call<'_>, id: &str) -> Result<String, ApiError> {
    let gone = || error("CommitDoesNotExistException", &format!("{id} does not exist"));
    if id.len() != 40 || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(gone());
    }
    call.world.git.resolve(id, "commit").await?.ok_or_else(gone)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Commit {
    repository_name: String,
    commit_id: String,
}

/// <https://docs.aws.amazon.com/codecommit/latest/APIReference/API_GetCommit.html>
pub(super) async fn commit(call: &Call<'_>) -> Answered {
    let Commit { repository_name, commit_id } = call.asked()?;
    call.named(&repository_name)?;
    let Ok(sha) = commit_of(call, &commit_id).await else {
        return Err(error("CommitIdDoesNotExistException", &format!("{commit_id} does not exist")));
    };
    let found = call.world.git.commit(&sha).await?;
    let person =
        |person: &crate::forge::git::Person| json!({"name": person.name, "email": person.email, "date": person.date});
    Ok(json!({"commit": {
        "commitId": found.sha, "treeId": found.tree, "parents": found.parents, "message": found.message,
        "author": person(&found.author), "committer": person(&found.committer), "additionalData": "",
    }}))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Folder {
    repository_name: String,
    commit_specifier: String,
    folder_path: String,
}

/// <https://docs.aws.amazon.com/codecommit/latest/APIReference/API_GetFolder.html>
pub(super) async fn folder(call: &Call<'_>) -> Answered {
    let Folder { repository_name, commit_specifier, folder_path } = call.asked()?;
    call.named(&repository_name)?;
    let commit = commit_of(call, &commit_specifier).await?;
    let path = folder_path.trim_matches('/');
    let mut tree = call.world.git.commit(&commit).await?.tree;
    for name in path.split('/').filter(|name| !name.is_empty()) {
        let level = call.world.git.tree(&tree, false).await?;
        let below = level.into_iter().find(|entry| entry.path == name && entry.kind == "tree");
        let gone = || error("FolderDoesNotExistException", &format!("{path} does not exist"));
        tree = below.ok_or_else(gone)?.sha;
    }
    let (mut files, mut folders, mut links, mut modules) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for entry in call.world.git.tree(&tree, false).await? {
        let absolute = if path.is_empty() { entry.path.clone() } else { format!("{path}/{}", entry.path) };
        let file = |mode: &str| json!({"blobId": entry.sha, "absolutePath": absolute, "relativePath": entry.path, "fileMode": mode});
        match (entry.kind.as_str(), entry.mode.as_str()) {
            ("tree", _) => {
                folders.push(json!({"treeId": entry.sha, "absolutePath": absolute, "relativePath": entry.path}));
            }
            ("commit", _) => {
                modules.push(json!({"commitId": entry.sha, "absolutePath": absolute, "relativePath": entry.path}));
            }
            (_, "120000") => links.push(file("SYMLINK")),
            (_, "100755") => files.push(file("EXECUTABLE")),
            _ => files.push(file("NORMAL")),
        }
    }
    Ok(json!({
        "commitId": commit, "folderPath": path, "treeId": tree, "files": files, "subFolders": folders,
        "symbolicLinks": links, "subModules": modules,
    }))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Blob {
    repository_name: String,
    blob_id: String,
}

/// <https://docs.aws.amazon.com/codecommit/latest/APIReference/API_GetBlob.html>
pub(super) async fn blob(call: &Call<'_>) -> Answered {
    let Blob { repository_name, blob_id } = call.asked()?;
    call.named(&repository_name)?;
    let gone = || error("BlobIdDoesNotExistException", &format!("{blob_id} does not exist"));
    if blob_id.len() != 40 || !blob_id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(gone());
    }
    let sha = call.world.git.resolve(&blob_id, "blob").await?.ok_or_else(gone)?;
    let content = call.world.git.blob(&sha).await?;
    if content.len() > call.world.memory().codecommit.largest_file {
        return Err(error("FileTooLargeException", "the file is too large"));
    }
    Ok(json!({"content": STANDARD.encode(content)}))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Differences {
    repository_name: String,
    before_commit_specifier: String,
    after_commit_specifier: String,
}

/// <https://docs.aws.amazon.com/codecommit/latest/APIReference/API_GetDifferences.html>
pub(super) async fn differences(call: &Call<'_>) -> Answered {
    let Differences { repository_name, before_commit_specifier, after_commit_specifier } = call.asked()?;
    call.named(&repository_name)?;
    let before = commit_of(call, &before_commit_specifier).await?;
    let after = commit_of(call, &after_commit_specifier).await?;
    let all = call.world.git.changed(&before, &after, false).await?.iter().map(difference).collect();
    let mut page = call.page("differences", all)?;
    if let Some(next) = page.as_object_mut().and_then(|page| page.remove("nextToken")) {
        page["NextToken"] = next;
    }
    Ok(page)
}

fn difference(changed: &Changed) -> Value {
    let blob = json!({"path": changed.path, "mode": "100644"});
    match changed.letter {
        'A' => json!({"afterBlob": blob, "changeType": "A"}),
        'D' => json!({"beforeBlob": blob, "changeType": "D"}),
        _ => json!({"beforeBlob": blob, "afterBlob": blob, "changeType": "M"}),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MergeOptions {
    repository_name: String,
    source_commit_specifier: String,
    destination_commit_specifier: String,
}

/// <https://docs.aws.amazon.com/codecommit/latest/APIReference/API_GetMergeOptions.html>
pub(super) async fn merge_options(call: &Call<'_>) -> Answered {
    let MergeOptions { repository_name, source_commit_specifier, destination_commit_specifier } = call.asked()?;
    call.named(&repository_name)?;
    let source = commit_of(call, &source_commit_specifier).await?;
    let destination = commit_of(call, &destination_commit_specifier).await?;
    let Some(base) = call.world.git.merge_base(&source, &destination).await? else {
        return Err(error("TipsDivergenceExceededException", "the commits have nothing in common"));
    };
    Ok(json!({
        "sourceCommitId": source, "destinationCommitId": destination, "baseCommitId": base,
        "mergeOptions": ["SQUASH_MERGE", "THREE_WAY_MERGE"],
    }))
}
