//! Walking through everything: SCAN on every master, ZSCAN for one index.

use std::sync::Arc;

use fred::types::{FromValue, Value};
use futures_util::stream::{self, Stream, TryStreamExt};

use super::{
    Redis,
    node::{Node, Question},
    unanswered,
};
use crate::store::{Key, PAGE, ReadError, deadline::Call};

/// The cursor at which a walk begins, and the one that says that it is at its end.
const START: &str = "0";

impl Redis {
    pub(in crate::store) fn keys(&self) -> impl Stream<Item = Result<Vec<Key>, ReadError>> + Send + '_ {
        stream::once(self.masters())
            .map_ok(|masters| stream::iter(masters.into_iter().map(Ok::<_, ReadError>)))
            .try_flatten()
            .map_ok(|master| self.keys_of(master))
            .try_flatten()
    }

    fn keys_of(&self, master: Arc<Node>) -> impl Stream<Item = Result<Vec<Key>, ReadError>> + Send + '_ {
        // Markers begin with `op:`, so they do not match.
        let (pattern, page) = (format!("{}{{*", escaped(&self.prefix)), PAGE.to_string());
        let pages = pages(move |cursor| {
            let words = [cursor, "MATCH".to_owned(), pattern.clone(), "COUNT".to_owned(), page.clone()];
            let master = Arc::clone(&master);
            async move { ask_node(&master, "SCAN", words.into()).await.map(page_of) }
        });
        pages.map_ok(|keys| keys.iter().filter_map(|key| self.read_key(key)).collect())
    }

    pub(in crate::store) fn members(
        &self,
        index: Key,
    ) -> impl Stream<Item = Result<Vec<String>, ReadError>> + Send + '_ {
        let pages = pages(move |cursor| {
            let arguments = vec![self.prefixed(&index), cursor, "COUNT".to_owned(), PAGE.to_string()];
            async move { self.ask_one(Question { command: "ZSCAN", arguments }).await.map(page_of) }
        });
        pages.map_ok(|pairs| pairs.into_iter().step_by(2).collect()) // each is followed by its score
    }

    pub(in crate::store) async fn scores(&self, entries: &[(Key, String)]) -> Result<Vec<Option<i64>>, ReadError> {
        let zscore = |(index, member): &(Key, String)| Question {
            command: "ZSCORE",
            arguments: vec![self.prefixed(index), member.clone()],
        };
        let scores = self.ask::<Option<f64>>(entries.iter().map(zscore).collect()).await?;
        #[expect(clippy::cast_possible_truncation, reason = "the contract bounds scores to whole numbers that fit")]
        Ok(scores.into_iter().map(|score| score.map(|score| score as i64)).collect())
    }

    pub(in crate::store) async fn size(&self) -> Result<u64, ReadError> {
        let mut size = 0;
        for master in self.masters().await? {
            size += ask_node::<u64>(&master, "DBSIZE", Vec::new()).await?;
        }
        Ok(size)
    }

    /// Every server that holds keys of ours.
    async fn masters(&self) -> Result<Vec<Arc<Node>>, ReadError> {
        Call::begin().wait_for(self.servers.masters()).await?.map_err(|e| unanswered(&e))
    }

    fn read_key(&self, found: &str) -> Option<Key> {
        found.strip_prefix(&self.prefix).and_then(Key::parse)
    }
}

/// Asks one server what concerns no single key.
async fn ask_node<T: FromValue>(node: &Node, command: &'static str, arguments: Vec<String>) -> Result<T, ReadError> {
    let question = Question { command, arguments };
    let answer = Call::begin().wait_for(node.ask(&question)).await?;
    answer.and_then(Value::convert).map_err(|e| unanswered(&e))
}

/// One page of a walk, and the cursor of the next. What is no text is not ours.
fn page_of((cursor, found): (String, Vec<Value>)) -> (Vec<String>, String) {
    (found.into_iter().filter_map(Value::into_string).collect(), cursor)
}

/// Asks for page after page until the cursor is back at its start.
fn pages<F: Future<Output = Result<(Vec<String>, String), ReadError>>>(
    ask: impl Fn(String) -> F,
) -> impl Stream<Item = Result<Vec<String>, ReadError>> {
    stream::try_unfold((Some(START.to_owned()), ask), async |(cursor, ask)| {
        let Some(cursor) = cursor else { return Ok(None) };
        let (found, next) = ask(cursor).await?;
        Ok(Some((found, ((next != START).then_some(next), ask))))
    })
}

/// The text as a pattern that matches nothing else.
fn escaped(text: &str) -> String {
    text.chars()
        .flat_map(|c| matches!(c, '*' | '?' | '[' | ']' | '^' | '\\').then_some('\\').into_iter().chain([c]))
        .collect()
}
