//! How the records are laid out, which is fixed when a store is first used: in another layout they are not found.

use super::{
    Accounts,
    clock::Clock,
    error::Error,
    keys, outbox, records,
    signing::{self, MasterSecret},
};
use crate::store::{Batch, Check, CommitError, Expectation, Finding, Name, OpenError, Store};

/// The form of the records.
const SCHEMA: u32 = 5;

/// What the store was made with.
enum Layout {
    /// It is new.
    None,
    Ours,
    Other {
        buckets: u8,
        schema: u32,
    },
}

/// Looks whether a store is fit for accounts, and its keys are opened by these secrets, and writes nothing.
pub async fn inspect(store: &Store, clock: &dyn Clock, secrets: &[MasterSecret]) -> Vec<Finding> {
    let signing = signing::inspect(store, secrets);
    let now = clock.now();
    let outbox = outbox::inspect(store, now);
    let (mut findings, layout, signing, mail) =
        tokio::join!(store.inspect(now.as_millis()), read(store), signing, outbox);
    findings.push(match layout {
        Ok(Layout::None) => Finding::ok(Check::Layout, "the store is new"),
        Ok(Layout::Ours) => Finding::ok(Check::Layout, "the store was made with this layout"),
        Ok(Layout::Other { buckets, schema }) => Finding::error(Check::Layout, other(buckets, schema))
            .mend("run the version of Latchkey that made the store, or use another store"),
        Err(e @ Error::Corrupt(_)) => Finding::error(Check::Layout, e.to_string())
            .mend("restore what the store was made with from a copy, or use another store"),
        Err(e) => Finding::unknown(Check::Layout, e.to_string()),
    });
    findings.extend(signing);
    findings.push(mail);
    findings
}

/// Reads what the store was made with, and writes it when the store is new.
pub(super) async fn establish(store: &Store) -> Result<(), OpenError> {
    loop {
        match read(store).await.map_err(|e| OpenError(e.to_string()))? {
            Layout::Ours => return Ok(()),
            Layout::Other { buckets, schema } => return Err(OpenError(other(buckets, schema))),
            Layout::None => {}
        }
        let mut batch = Batch::new(keys::meta());
        batch.expect(Name::ROOT, Expectation::Absent);
        batch.put(Name::ROOT, records::write_meta(keys::BUCKETS, SCHEMA));
        match store.commit(batch).await {
            Ok(_) | Err(CommitError::Conflict) => {} // another instance may have been first
            Err(e) => return Err(OpenError(e.to_string())),
        }
    }
}

/// Reads what the store was made with, which must be there.
pub(super) async fn expect_ours(store: &Store) -> Result<(), OpenError> {
    match read(store).await.map_err(|e| OpenError(e.to_string()))? {
        Layout::Ours => Ok(()),
        Layout::Other { buckets, schema } => Err(OpenError(other(buckets, schema))),
        Layout::None => {
            let meta = keys::meta().key(&Name::ROOT);
            Err(OpenError(format!("no Latchkey has used it: the record `{meta}` is missing")))
        }
    }
}

impl Accounts {
    /// Whether the store has not what it was made with any more: it was emptied, or another one is in its place.
    ///
    /// # Errors
    /// [`Error::StoreUnavailable`] when the store does not answer.
    pub async fn has_lost_its_store(&self) -> Result<bool, Error> {
        match read(&self.store).await {
            Ok(Layout::Ours) => Ok(false),
            Ok(Layout::None | Layout::Other { .. }) | Err(Error::Corrupt(_)) => Ok(true),
            Err(e) => Err(e),
        }
    }
}

async fn read(store: &Store) -> Result<Layout, Error> {
    let Some(record) = store.get(&keys::meta().key(&Name::ROOT)).await? else { return Ok(Layout::None) };
    let (buckets, schema) = records::read_meta(&record)?;
    Ok(if (buckets, schema) == (keys::BUCKETS, SCHEMA) { Layout::Ours } else { Layout::Other { buckets, schema } })
}

fn other(buckets: u8, schema: u32) -> String {
    let ours = keys::BUCKETS;
    format!("the store was made with {buckets} buckets and schema {schema}, and this version needs {ours} and {SCHEMA}")
}
