//! Walking through everything: SCAN on every master, ZSCAN for one index.

use std::sync::Arc;

use fred::{
    error::ErrorKind,
    interfaces::ClientLike,
    types::{FromValue, Value},
};
use futures_util::stream::{self, Stream, TryStreamExt};

use super::{
    Redis,
    node::{self, Node},
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
        let pattern = format!("{}{{*", escaped(&self.prefix));
        let walk = async move { Ok(Walk::begin(master, "SCAN", None, vec!["MATCH".to_owned(), pattern])) };
        pages(walk).map_ok(|keys| keys.iter().filter_map(|key| self.read_key(key)).collect())
    }

    pub(in crate::store) fn members(
        &self,
        index: Key,
    ) -> impl Stream<Item = Result<Vec<String>, ReadError>> + Send + '_ {
        let walk = async move {
            let index = self.prefixed(&index);
            let node = Call::begin().wait_for(self.servers.node_of(&index)).await?;
            Ok(Walk::begin(node.map_err(|e| unanswered(&e))?, "ZSCAN", Some(index), Vec::new()))
        };
        pages(walk).map_ok(|pairs| pairs.into_iter().step_by(2).collect()) // each is followed by its score
    }

    pub(in crate::store) async fn size(&self) -> Result<u64, ReadError> {
        let mut size = 0;
        for master in self.masters().await? {
            size += Walk::begin(master, "DBSIZE", None, Vec::new()).ask::<u64>(Vec::new()).await?;
        }
        Ok(size)
    }

    /// Every server that holds keys of ours.
    async fn masters(&self) -> Result<Vec<Arc<Node>>, ReadError> {
        let masters = Call::begin().wait_for(self.servers.masters()).await?;
        masters.into_iter().map(|(_, master)| master.map_err(|e| unanswered(&e))).collect()
    }

    fn read_key(&self, found: &str) -> Option<Key> {
        found.strip_prefix(&self.prefix).and_then(Key::parse)
    }
}

/// A walk, all on one connection: a cursor means nothing to another server, nor after a restart.
struct Walk {
    node: Arc<Node>,
    /// The number of the connection.
    reader: usize,
    command: &'static str,
    /// What stands before the cursor, and after it.
    key: Option<String>,
    rest: Vec<String>,
}

impl Walk {
    fn begin(node: Arc<Node>, command: &'static str, key: Option<String>, rest: Vec<String>) -> Self {
        Self { reader: node.turn(), node, command, key, rest }
    }

    /// The page at the cursor, and the cursor of the next. What is no text is not ours.
    async fn next_page(
        (walk, cursor): (Self, Option<String>),
    ) -> Result<Option<(Vec<String>, (Self, Option<String>))>, ReadError> {
        let Some(cursor) = cursor else { return Ok(None) };
        let words = walk.key.iter().chain([&cursor]).chain(&walk.rest).cloned();
        let words = words.chain(["COUNT".to_owned(), PAGE.to_string()]).collect();
        let (next, found) = walk.ask::<(String, Vec<Value>)>(words).await?;
        let found = found.into_iter().filter_map(Value::into_string).collect();
        Ok(Some((found, (walk, (next != START).then_some(next)))))
    }

    async fn ask<T: FromValue>(&self, words: Vec<String>) -> Result<T, ReadError> {
        let (call, reader) = (Call::begin(), self.node.reader_at(self.reader));
        loop {
            let asked = Box::pin(reader.client.custom::<Value, _>(node::command(self.command), words.clone()));
            match call.wait_for(reader.answer(asked)).await? {
                // It is the same server still, so the cursor is good.
                Err(e) if *e.kind() == ErrorKind::Timeout => {}
                answer => return answer.and_then(Value::convert).map_err(|e| unanswered(&e)),
            }
        }
    }
}

/// Page after page, until the cursor is back at its start.
fn pages(
    walk: impl Future<Output = Result<Walk, ReadError>> + Send,
) -> impl Stream<Item = Result<Vec<String>, ReadError>> + Send {
    let begin = |walk| stream::try_unfold((walk, Some(START.to_owned())), Walk::next_page);
    stream::once(walk).map_ok(begin).try_flatten()
}

/// The text as a pattern that matches nothing else.
fn escaped(text: &str) -> String {
    text.chars()
        .flat_map(|c| matches!(c, '*' | '?' | '[' | ']' | '^' | '\\').then_some('\\').into_iter().chain([c]))
        .collect()
}
