//! Reading indexes and logs: sorted sets and lists.

use std::ops::{Bound, RangeInclusive};

use super::{Redis, node::Question};
use crate::store::{Key, Order, ReadError, Span};

impl Redis {
    pub(in crate::store) async fn ranges(
        &self,
        indexes: &[Key],
        scores: RangeInclusive<i64>,
        order: Order,
        limit: usize,
    ) -> Result<Vec<Vec<(String, i64)>>, ReadError> {
        let (low, high) = (scores.start().to_string(), scores.end().to_string());
        let (command, first, last) = match order {
            Order::Ascending => ("ZRANGEBYSCORE", low, high),
            Order::Descending => ("ZREVRANGEBYSCORE", high, low),
        };
        let limit = i64::try_from(limit).unwrap_or(i64::MAX).to_string();
        let ask = |index| {
            let words = [&first, &last, "WITHSCORES", "LIMIT", "0", &limit].map(str::to_owned);
            Question { command, arguments: [self.prefixed(index)].into_iter().chain(words).collect() }
        };
        let found = self.ask_all::<Vec<(String, f64)>>(indexes.iter().map(ask).collect()).await?;
        #[expect(clippy::cast_possible_truncation, reason = "the contract bounds scores to whole numbers that fit")]
        let whole = |(member, score): (String, f64)| (member, score as i64);
        Ok(found.into_iter().map(|members| members.into_iter().map(whole).collect()).collect())
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

    pub(in crate::store) async fn count(&self, indexes: &[Key], least: &[i64]) -> Result<Vec<Vec<u64>>, ReadError> {
        let ask = |index| {
            let ask = move |least: &i64| {
                let arguments = vec![self.prefixed(index), least.to_string(), "+inf".to_owned()];
                Question { command: "ZCOUNT", arguments }
            };
            least.iter().map(ask)
        };
        let counts = self.ask_all(indexes.iter().flat_map(ask).collect()).await?;
        Ok(counts.chunks(least.len().max(1)).map(<[u64]>::to_vec).collect())
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
