//! Counters: how often something was tried lately. They are not records: no commit sees them, and losing one loses nobody's
//! data.

use std::time::Duration;

use super::Store;

/// A number under a name of its own, which is gone some time after it was first counted up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counter {
    group: String,
    name: String,
    /// How long it is kept, at least.
    pub(crate) life: Duration,
}

impl Counter {
    /// A counter of this group, which must be neither empty nor contain a brace, with this name in it. One server has all
    /// counters of a group.
    #[must_use]
    pub fn new(group: impl Into<String>, name: impl Into<String>, life: Duration) -> Self {
        let (group, name) = (group.into(), name.into());
        debug_assert!(!group.is_empty() && !group.contains(['{', '}']), "{group:?} cannot be a hash tag");
        Self { group, name, life }
    }

    /// The key, without the prefix of a Redis store. It begins as no record does, so a walk does not meet it.
    pub(super) fn key(&self) -> String {
        format!("count:{{{}}}:{}", self.group, self.name)
    }
}

impl Store {
    /// Adds to each counter so much, or only looks at it with 0, and answers what each is then: what all instances have
    /// counted in Redis, and what this one has when Redis does not count, because it is full or away. It is no commit: each
    /// counter is counted up by itself, those of a group in the order given, and may be wrong after a failure.
    pub async fn hit(&self, hits: &[(Counter, i64)]) -> Vec<i64> {
        match self {
            Self::Embedded(store) => store.tally.add(hits),
            Self::Redis(store) => store.hit(hits).await,
        }
    }
}
