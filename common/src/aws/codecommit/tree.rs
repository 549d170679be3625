//! Listings. CodeCommit lists one directory a call, whole, without sizes and without pages, so a tree is walked level by level.

use aws_sdk_codecommit::{operation::get_folder::GetFolderOutput, types::FileModeTypeEnum};
use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::{CodeCommit, failed, is, lacks, parse};
use crate::{
    domain::id::{BlobSha, CommitSha, RepositoryId, quoted},
    fault::Fault,
    ports::{EntryKind, TreeEntry},
};

/// How many directories or files are read side by side.
const READS: usize = 8;
/// The most directories of one listing. More would take longer than a function has.
const DIRECTORIES: usize = 2_000;
/// CodeCommit's limit of a file that its API reads: 6 MB.
const LARGEST: u64 = 6 * 1024 * 1024;

/// Where and what for.
pub(super) struct Listing<'a> {
    pub(super) what: &'a str,
    pub(super) name: &'a str,
    pub(super) commit: &'a CommitSha,
}

/// A file's content, as far as the API gives it.
pub(super) enum Content {
    Bytes(Vec<u8>),
    TooLarge,
}

impl CodeCommit {
    /// Everything below a directory that is no directory, by its whole path; none when there is no such directory. Sizes are 0.
    pub(super) async fn walk(&self, listing: &Listing<'_>, directory: &str) -> Result<Vec<TreeEntry>, Fault> {
        let (mut entries, mut level, mut seen) = (Vec::new(), vec![directory.to_owned()], 0);
        while !level.is_empty() {
            seen += level.len();
            if seen > DIRECTORIES {
                return Err(Fault::reject(format!(
                    "{}: there are more than {DIRECTORIES} directories, and part of a listing is never the whole: take some out of it or split the repository",
                    listing.what
                )));
            }
            // Collected first: the compiler does not see through a stream of borrowing futures.
            let folders: Vec<_> = level.iter().map(|path| self.folder(listing, path)).collect();
            let folders: Vec<_> = stream::iter(folders).buffered(READS).try_collect().await?;
            let mut next = Vec::new();
            for (path, folder) in level.iter().zip(folders) {
                if let Some(folder) = folder {
                    sort(listing.what, path, folder, &mut entries, &mut next)?;
                }
            }
            level = next;
        }
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(entries)
    }

    /// A directory; nothing when there is none.
    pub(super) async fn folder(&self, listing: &Listing<'_>, path: &str) -> Result<Option<GetFolderOutput>, Fault> {
        let request = self.client.get_folder().repository_name(listing.name).folder_path(path);
        match request.commit_specifier(listing.commit.as_str()).send().await {
            Ok(found) => Ok(Some(found)),
            // A file, a link or a submodule of that name is no directory: there is nothing below it.
            Err(error) if is(&error, &["FolderDoesNotExistException"]) => Ok(None),
            Err(error) => Err(failed(listing.what, error)),
        }
    }

    /// Finds out the sizes of some entries. No call tells a size without the content, so the content is read, and kept: whoever asks
    /// for it afterwards costs no call. One that the API does not give has a size that is more than any limit of ours.
    pub(super) async fn measure(
        &self,
        listing: &Listing<'_>,
        repository: RepositoryId,
        entries: Vec<TreeEntry>,
        wanted: impl Fn(&TreeEntry) -> bool,
    ) -> Result<Vec<TreeEntry>, Fault> {
        let sized = entries.into_iter().map(|entry| {
            let wanted = entry.kind == EntryKind::File && wanted(&entry);
            async move {
                let size = match wanted {
                    false => 0,
                    true => match self.content(listing.what, repository, listing.name, &entry.blob).await? {
                        Content::Bytes(bytes) => bytes.len() as u64,
                        Content::TooLarge => LARGEST + 1,
                    },
                };
                Ok(TreeEntry { size, ..entry })
            }
        });
        stream::iter(sized).buffered(READS).try_collect().await
    }

    /// A file's content, from memory when it is there. A blob's id names its content, so nothing can be mixed up.
    pub(super) async fn content(
        &self,
        what: &str,
        repository: RepositoryId,
        name: &str,
        blob: &BlobSha,
    ) -> Result<Content, Fault> {
        let key = (repository, blob.clone());
        // A poisoned lock only means that another reader stopped half-way; what is in the cache is whole.
        let kept = self.blobs.lock().unwrap_or_else(std::sync::PoisonError::into_inner).get(&key);
        if let Some(content) = kept {
            return Ok(Content::Bytes(content));
        }
        let bytes = match self.client.get_blob().repository_name(name).blob_id(blob.as_str()).send().await {
            Ok(found) => found.content.into_inner(),
            Err(error) if is(&error, &["FileTooLargeException"]) => return Ok(Content::TooLarge),
            Err(error) => return Err(failed(what, error)),
        };
        self.blobs.lock().unwrap_or_else(std::sync::PoisonError::into_inner).put(key, bytes.clone());
        Ok(Content::Bytes(bytes))
    }
}

/// Adds a directory's entries, and its directories to those that come next.
fn sort(
    what: &str,
    directory: &str,
    found: GetFolderOutput,
    entries: &mut Vec<TreeEntry>,
    next: &mut Vec<String>,
) -> Result<(), Fault> {
    let path = |name: Option<String>| {
        let name = name.ok_or_else(|| lacks(what, "a path"))?;
        // What follows the directory is one name, or the next listing would be of another place.
        let plain = !name.is_empty() && !name.contains('/') && name != "." && name != "..";
        let wrong = || Fault::bug(format!("{what}: {} is no name in a directory", quoted(&name, 80)));
        plain.then(|| format!("{directory}/{name}")).ok_or_else(wrong)
    };
    let entry = |name, kind, blob: Option<String>| {
        Ok::<_, Fault>(TreeEntry { path: path(name)?, kind, blob: parse(what, blob.as_deref())?, size: 0 })
    };
    for file in found.files.unwrap_or_default() {
        let regular = matches!(file.file_mode, Some(FileModeTypeEnum::Normal | FileModeTypeEnum::Executable));
        let kind = if regular { EntryKind::File } else { EntryKind::Other };
        entries.push(entry(file.relative_path, kind, file.blob_id)?);
    }
    for link in found.symbolic_links.unwrap_or_default() {
        entries.push(entry(link.relative_path, EntryKind::Other, link.blob_id)?);
    }
    for module in found.sub_modules.unwrap_or_default() {
        entries.push(entry(module.relative_path, EntryKind::Other, module.commit_id)?);
    }
    for folder in found.sub_folders.unwrap_or_default() {
        next.push(path(folder.relative_path)?);
    }
    Ok(())
}
