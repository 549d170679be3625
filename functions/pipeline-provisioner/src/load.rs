//! From a commit to a fleet: list the deploy tree, read the files that are this run's business, parse them all.

use std::collections::{BTreeMap, BTreeSet};

use common::{
    domain::{
        cluster::{Fleet, FleetContext, TreeEntry, fleet, survey},
        id::BlobSha,
    },
    event::Repository,
    fault::Fault,
    ports::Forge,
};
use futures::{StreamExt, TryStreamExt, stream};

/// How many files are read side by side.
const READERS: usize = 16;

/// Builds the fleet of a tree. Only files that could be accepted are read; the same content is read once.
///
/// # Errors
/// Any failed read: part of a tree is never the whole.
pub async fn load<F: Forge>(
    forge: &F,
    repository: &Repository,
    entries: &[TreeEntry],
    context: &FleetContext<'_>,
) -> Result<Fleet, Fault> {
    let survey = survey(entries, &context.scope);
    let blobs: BTreeSet<&BlobSha> = survey.files.values().map(|entry| &entry.blob).collect();
    let reads = blobs
        .into_iter()
        .map(|blob| async move { Ok::<_, Fault>((blob.clone(), forge.blob(repository, blob).await?)) });
    let contents: BTreeMap<BlobSha, Vec<u8>> = stream::iter(reads).buffer_unordered(READERS).try_collect().await?;
    Ok(fleet::build(&survey, &contents, context))
}
