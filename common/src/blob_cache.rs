//! File contents by their git id, so that a warm function reads an unchanged file once. An id names its content, so an
//! entry never goes stale; the oldest make room when the limit is reached.

use std::collections::{HashMap, VecDeque};

use crate::domain::id::{BlobSha, RepositoryId};

/// How much file content is kept between runs of a warm function.
const CACHE_BYTES: usize = 64 * 1024 * 1024;

/// The repository is part of the key: who may read one repository learns nothing about another.
type Key = (RepositoryId, BlobSha);

pub(crate) struct BlobCache {
    limit: usize,
    used: usize,
    entries: HashMap<Key, Vec<u8>>,
    order: VecDeque<Key>,
}

impl Default for BlobCache {
    fn default() -> Self {
        Self::new(CACHE_BYTES)
    }
}

impl BlobCache {
    fn new(limit: usize) -> Self {
        Self { limit, used: 0, entries: HashMap::new(), order: VecDeque::new() }
    }

    pub(crate) fn get(&self, key: &Key) -> Option<Vec<u8>> {
        self.entries.get(key).cloned()
    }

    pub(crate) fn put(&mut self, key: Key, content: Vec<u8>) {
        if content.len() > self.limit || self.entries.contains_key(&key) {
            return;
        }
        self.used += content.len();
        self.order.push_back(key.clone());
        self.entries.insert(key, content);
        while self.used > self.limit {
            let Some(oldest) = self.order.pop_front() else { break };
            self.used -= self.entries.remove(&oldest).map_or(0, |content| content.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_make_room_and_repositories_do_not_share() {
        let key = |repository: u64, digit: &str| {
            (RepositoryId::GitHub(repository), digit.repeat(40).parse::<BlobSha>().unwrap())
        };
        let mut cache = BlobCache::new(10);
        cache.put(key(1, "a"), vec![1; 4]);
        cache.put(key(1, "b"), vec![2; 4]);
        cache.put(key(1, "a"), vec![9; 4]);
        assert_eq!(cache.get(&key(1, "a")), Some(vec![1; 4]));
        assert_eq!(cache.get(&key(2, "a")), None);
        cache.put(key(1, "c"), vec![3; 4]);
        assert_eq!((cache.get(&key(1, "a")), cache.used), (None, 8));
        cache.put(key(1, "d"), vec![4; 11]);
        assert_eq!((cache.get(&key(1, "d")), cache.get(&key(1, "c")).is_some()), (None, true));
    }
}
