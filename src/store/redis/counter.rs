//! Counters in Redis: a STRING each, which all instances count up.

use fred::{error::Error, types::Value};
use futures_util::future::join_all;
use tokio::time::Instant;

use super::{Redis, SYSTEM, node::Question};
use crate::store::{
    Counter, Unavailable,
    deadline::Call,
    metrics::{Kind, Outcome},
    traced::Operation,
};

impl Redis {
    pub(in crate::store) async fn hit(&self, hits: &[(Counter, i64)]) -> Vec<i64> {
        let (call, begun) = (Call::begin(), Instant::now());
        let asked = Box::pin(self.add_hits(hits, call.deadline));
        let operation = Operation::begin(SYSTEM, "INCRBY", hits.len());
        let counted = call.wait_for(asked).await.and_then(|counts| counts.map_err(|e| Unavailable(e.to_string())));
        let why = match operation.end(counted) {
            Ok(counts) => {
                self.metrics().note(Kind::Counters, Outcome::Ok, begun.into_std());
                return counts;
            }
            Err(Unavailable(why)) => why,
        };
        self.metrics().note(Kind::Counters, Outcome::Unavailable, begun.into_std());
        tracing::debug!(why, "Redis does not count, so this instance does for itself");
        self.tally.add(hits)
    }

    /// One round trip to each node, if all is well.
    async fn add_hits(&self, hits: &[(Counter, i64)], deadline: Instant) -> Result<Vec<i64>, Error> {
        let asked = hits.iter().map(|(counter, by)| self.questions(counter, *by)).collect::<Vec<_>>();
        let mut answers = self.servers.ask_all_once(&asked.concat()).await.unwrap_or_default().into_iter();
        let counted = asked.iter().map(|questions| {
            let answers = questions.iter().map(|_| answers.next().flatten()).collect::<Option<Vec<_>>>();
            async move {
                let mut count = answers.and_then(|mut answers| answers.pop());
                if count.is_none() {
                    // One after the other: a key that is counted up before it is made would never be gone.
                    for question in questions {
                        count = Some(self.servers.ask::<Value>(question, deadline).await?);
                    }
                }
                // Where nothing was counted, there is nothing.
                Ok(count.unwrap_or(Value::Null).convert::<Option<i64>>()?.unwrap_or_default())
            }
        });
        join_all(counted.collect::<Vec<_>>()).await.into_iter().collect()
    }

    /// What makes the key with its expiry, unless it is there, and counts it up; or only looks at it.
    fn questions(&self, counter: &Counter, by: i64) -> Vec<Question> {
        let key = format!("{}{}", self.prefix, counter.key());
        if by == 0 {
            return vec![Question { command: "GET", arguments: vec![key] }];
        }
        let life = counter.life.as_millis().to_string();
        let make = ["0", "PX", &life, "NX"].map(str::to_owned);
        vec![
            Question { command: "SET", arguments: [vec![key.clone()], make.into()].concat() },
            Question { command: "INCRBY", arguments: vec![key, by.to_string()] },
        ]
    }
}
