//! Reading indexes and logs: sorted sets and lists.

use std::ops::{Bound, RangeInclusive};

use super::{Redis, node::Question};
use crate::store::{Key, Order, ReadError, Span};

impl Redis {
    pub(in crate::store) async fn range(
        &self,
        index: &Key,
        scores: RangeInclusive<i64>,
        limit: usize,
    ) -> Result<Vec<String>, ReadError> {
        let (low, high) = (scores.start().to_string(), scores.end().to_string());
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let arguments = vec![self.prefixed(index), low, high, "LIMIT".to_owned(), "0".to_owned(), limit.to_string()];
        let members = self.ask_all(vec![Question { command: "ZRANGEBYSCORE", arguments }]).await?;
        Ok(members.into_iter().next().unwrap_or_default())
    }

    pub(in crate::store) async fn list(
        &self,
        indexes: &[Key],
        span: &Span,
        order: Order,
        limit: usize,
    ) -> Result<Vec<Vec<String>>, ReadError> {
        let (after, before) = (bound(&span.0, "-"), bound(&span.1, "+"));
        let (command, first, last) = match order {
            Order::Ascending => ("ZRANGEBYLEX", after, before),
            Order::Descending => ("ZREVRANGEBYLEX", before, after),
        };
        let limit = i64::try_from(limit).unwrap_or(i64::MAX).to_string();
        let ask = |index| {
            let (limited, offset) = ("LIMIT".to_owned(), "0".to_owned());
            let arguments = vec![self.prefixed(index), first.clone(), last.clone(), limited, offset, limit.clone()];
            Question { command, arguments }
        };
        self.ask_all(indexes.iter().map(ask).collect()).await
    }

    pub(in crate::store) async fn count(
        &self,
        indexes: &[Key],
        scores: RangeInclusive<i64>,
    ) -> Result<Vec<u64>, ReadError> {
        let ask = |index| {
            let arguments = vec![self.prefixed(index), scores.start().to_string(), scores.end().to_string()];
            Question { command: "ZCOUNT", arguments }
        };
        self.ask_all(indexes.iter().map(ask).collect()).await
    }

    pub(in crate::store) async fn logs(&self, logs: &[Key]) -> Result<Vec<Vec<String>>, ReadError> {
        let ask = |log| {
            let arguments = vec![self.prefixed(log), "0".to_owned(), "-1".to_owned()];
            Question { command: "LRANGE", arguments }
        };
        self.ask_all(logs.iter().map(ask).collect()).await
    }

    pub(in crate::store) async fn scores(&self, entries: &[(Key, String)]) -> Result<Vec<Option<i64>>, ReadError> {
        let zscore = |(index, member): &(Key, String)| Question {
            command: "ZSCORE",
            arguments: vec![self.prefixed(index), member.clone()],
        };
        let scores = self.ask_all::<Option<f64>>(entries.iter().map(zscore).collect()).await?;
        #[expect(clippy::cast_possible_truncation, reason = "the contract bounds scores to whole numbers that fit")]
        Ok(scores.into_iter().map(|score| score.map(|score| score as i64)).collect())
    }
}

/// A bound in the words of Redis.
fn bound(bound: &Bound<String>, unbounded: &str) -> String {
    match bound {
        Bound::Included(member) => format!("[{member}"),
        Bound::Excluded(member) => format!("({member}"),
        Bound::Unbounded => unbounded.to_owned(),
    }
}
