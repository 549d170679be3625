//! What merging a pull request would make of the deploy tree: its own changes laid over the present head of its base branch.
//!
//! A branch that is behind its base does not know the newest files. Planning its tree as it is would call them orphans. So the
//! three trees are merged path by path, as git would: where the branch differs from the merge base, the branch wins; everywhere
//! else the base branch does. A path that both sides changed counts as the branch's: git would call it a conflict, and the plan
//! says what the author meant.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::cluster::TreeEntry;

/// A merged tree.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overlay {
    /// The tree after the merge, by path.
    pub entries: Vec<TreeEntry>,
    /// The paths that the branch added, changed or removed.
    pub touched: BTreeSet<String>,
}

/// Lays a branch's changes over its base branch.
pub fn overlay(merge_base: &[TreeEntry], head: &[TreeEntry], base_head: &[TreeEntry]) -> Overlay {
    let by_path = |entries: &[TreeEntry]| -> BTreeMap<String, TreeEntry> {
        entries.iter().map(|entry| (entry.path.clone(), entry.clone())).collect()
    };
    let (merge_base, head, mut merged) = (by_path(merge_base), by_path(head), by_path(base_head));
    let touched: BTreeSet<String> =
        merge_base.keys().chain(head.keys()).filter(|path| merge_base.get(*path) != head.get(*path)).cloned().collect();
    for path in &touched {
        match head.get(path) {
            Some(entry) => drop(merged.insert(path.clone(), entry.clone())),
            None => drop(merged.remove(path)),
        }
    }
    Overlay { entries: merged.into_values().collect(), touched }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::cluster::fixture::Files;

    const A: &str = "integration/a/regional";
    const B: &str = "integration/b/regional";
    const C: &str = "integration/c/regional";

    fn paths(keys: &[&str]) -> Vec<String> {
        Files::of(keys).0.into_keys().collect()
    }

    #[test]
    fn a_branch_behind_its_base_loses_nothing_of_it() {
        let (old, newer) = (Files::of(&[A]), Files::of(&[A, B]));
        let branch = Files::of(&[A, C]);
        let merged = overlay(&old.entries(), &branch.entries(), &newer.entries());
        assert_eq!(merged.entries, Files::of(&[A, B, C]).entries());
        assert_eq!(merged.touched.into_iter().collect::<Vec<_>>(), paths(&[C]));
    }

    #[test]
    fn what_the_branch_removed_or_changed_is_so_after_the_merge() {
        let (old, base) = (Files::of(&[A, B]), Files::of(&[A, B, C]));
        let branch = old.clone().without(A).plus(B, "delete: true");
        let merged = overlay(&old.entries(), &branch.entries(), &base.entries());
        assert_eq!(merged.entries, base.without(A).plus(B, "delete: true").entries());
        assert_eq!(merged.touched.len(), 2);
    }

    #[test]
    fn a_branch_without_a_change_touches_nothing() {
        let files = Files::of(&[A]);
        let merged = overlay(&files.entries(), &files.entries(), &Files::of(&[B]).entries());
        assert_eq!((merged.touched.len(), merged.entries), (0, Files::of(&[B]).entries()));
    }
}
