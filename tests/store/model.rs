//! Random commands against each store and against a plain model in memory: they agree on every answer.

use std::collections::{BTreeMap, BTreeSet};

use latchkey::store::{Batch, CommitError, Expectation, Revision, Store};
use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config, TestRunner},
};
use tokio::runtime::Runtime;

use super::{fields, key, name, slot};

/// One command. Records, members and scores come from a few, so that commands meet.
#[derive(Clone, Debug)]
enum Command {
    Commit { expectations: BTreeMap<u8, Expect>, writes: Vec<Write> },
    Discard(u8),
}

/// An expectation in terms of the model: a revision is the one that was read last, or an older one.
#[derive(Clone, Copy, Debug)]
enum Expect {
    Absent,
    Exists,
    Current,
    Stale,
}

#[derive(Clone, Debug)]
enum Write {
    Put(u8, u8),
    Delete(u8),
    Add(u8, u8, i8),
    Remove(u8, u8),
    DeleteIndex(u8),
}

/// What a store should hold.
#[derive(Default)]
struct Model {
    records: BTreeMap<u8, (u8, Revision)>,
    stale: BTreeMap<u8, Revision>,
    indexes: BTreeMap<u8, BTreeMap<u8, i8>>,
}

fn commands() -> impl Strategy<Value = Vec<Command>> {
    let expect = prop_oneof![Just(Expect::Absent), Just(Expect::Exists), Just(Expect::Current), Just(Expect::Stale)];
    let write = prop_oneof![
        4 => (0..4u8, any::<u8>()).prop_map(|(record, value)| Write::Put(record, value)),
        2 => (0..4u8).prop_map(Write::Delete),
        4 => (0..2u8, 0..4u8, -3..3i8).prop_map(|(index, member, score)| Write::Add(index, member, score)),
        2 => (0..2u8, 0..4u8).prop_map(|(index, member)| Write::Remove(index, member)),
        1 => (0..2u8).prop_map(Write::DeleteIndex),
    ];
    let commit = (proptest::collection::btree_map(0..4u8, expect, 0..3), vec(write, 0..5))
        .prop_map(|(expectations, writes)| Command::Commit { expectations, writes });
    vec(prop_oneof![9 => commit, 1 => (0..4u8).prop_map(Command::Discard)], 1..20)
}

impl Model {
    /// The expectation for the store, and whether it holds; none when there is no such revision.
    fn expectation(&self, record: u8, expect: Expect) -> Option<(Expectation, bool)> {
        let current = self.records.get(&record).map(|(_, revision)| *revision);
        Some(match expect {
            Expect::Absent => (Expectation::Absent, current.is_none()),
            Expect::Exists => (Expectation::Exists, current.is_some()),
            Expect::Current => (Expectation::Revision(current?), true),
            Expect::Stale => (Expectation::Revision(*self.stale.get(&record)?), false),
        })
    }

    fn forget(&mut self, record: u8) {
        if let Some((_, revision)) = self.records.remove(&record) {
            self.stale.insert(record, revision);
        }
    }

    fn apply(&mut self, write: &Write, revision: Revision) {
        match *write {
            Write::Put(record, value) => {
                // Written twice in one batch, a record has one revision, and no stale one of that batch.
                if self.records.get(&record).is_some_and(|(_, old)| *old != revision) {
                    self.forget(record);
                }
                self.records.insert(record, (value, revision));
            }
            Write::Delete(record) if self.records.get(&record).is_some_and(|(_, old)| *old == revision) => {
                self.records.remove(&record);
            }
            Write::Delete(record) => self.forget(record),
            Write::Add(index, member, score) => {
                self.indexes.entry(index).or_default().insert(member, score);
            }
            Write::Remove(index, member) => {
                self.indexes.entry(index).or_default().remove(&member);
            }
            Write::DeleteIndex(index) => drop(self.indexes.remove(&index)),
        }
    }

    async fn run(&mut self, store: &Store, command: &Command) {
        match command {
            Command::Discard(record) => {
                store.discard(&slot(), &[name(&format!("r{record}"))]).await.unwrap();
                self.forget(*record);
            }
            Command::Commit { expectations, writes } => {
                let mut batch = Batch::new(slot());
                let mut holds = true;
                for (record, expect) in expectations {
                    let Some((expectation, held)) = self.expectation(*record, *expect) else { continue };
                    batch.expect(name(&format!("r{record}")), expectation);
                    holds &= held;
                }
                for write in writes {
                    add(&mut batch, write);
                }
                match store.commit(batch).await {
                    Ok(revision) => {
                        assert!(holds, "{command:?} should be a conflict");
                        for write in writes {
                            self.apply(write, revision);
                        }
                    }
                    Err(CommitError::Conflict) => assert!(!holds, "{command:?} should be applied"),
                    Err(e) => panic!("{e}"),
                }
            }
        }
    }

    /// Compares everything that can be read.
    async fn check(&self, store: &Store) {
        let keys = (0..4).map(|record| key(&format!("r{record}"))).collect::<Vec<_>>();
        for (record, read) in (0..4u8).zip(store.get_many(&keys).await.unwrap()) {
            let read = read.map(|read| (read.fields["value"].parse::<u8>().unwrap(), read.revision));
            assert_eq!(read, self.records.get(&record).copied(), "record {record}");
        }
        for index in 0..2u8 {
            let expected = self.indexes.get(&index).into_iter().flatten();
            let expected = expected.map(|(member, score)| (*score, format!("m{member}"))).collect::<BTreeSet<_>>();
            let expected = expected.into_iter().map(|(_, member)| member).collect::<Vec<_>>();
            let read = store.range(&key(&format!("i{index}")), -9..=9, 99).await.unwrap();
            assert_eq!(read, expected, "index {index}");
            let one = store.range(&key(&format!("i{index}")), 0..=9, 1).await.unwrap();
            assert!(one.len() <= 1 && one.iter().all(|member| expected.contains(member)));
        }
    }
}

fn add(batch: &mut Batch, write: &Write) {
    let (record, index) = (|n: u8| name(&format!("r{n}")), |n: u8| name(&format!("i{n}")));
    match *write {
        Write::Put(n, value) => batch.put(record(n), fields([("value", &value.to_string())])),
        Write::Delete(n) => batch.delete(record(n)),
        Write::Add(n, member, score) => batch.add(index(n), format!("m{member}"), score.into()),
        Write::Remove(n, member) => batch.remove(index(n), format!("m{member}")),
        Write::DeleteIndex(n) => batch.delete(index(n)),
    };
}

/// Runs `cases` sequences of commands, each after everything that the one before left was deleted.
fn agree(store: &Store, runtime: &Runtime, cases: u32) {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&commands(), |commands| {
        runtime.block_on(async {
            let mut clear = Batch::new(slot());
            for n in 0..4 {
                clear.delete(name(&format!("r{n}"))).delete(name(&format!("i{n}")));
            }
            store.commit(clear).await.unwrap();
            let mut model = Model::default();
            for command in &commands {
                model.run(store, command).await;
                model.check(store).await;
            }
        });
        Ok(())
    });
    outcome.unwrap_or_else(|e| panic!("{e}"));
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

#[test]
fn embedded_in_memory_agrees_with_a_plain_model() {
    let runtime = runtime();
    let fixture = crate::embedded_in_memory();
    agree(&fixture.store, &runtime, 128);
}

#[test]
fn embedded_on_disk_agrees_with_a_plain_model() {
    let runtime = runtime();
    let fixture = crate::embedded_on_disk();
    agree(&fixture.store, &runtime, 64);
}

#[test]
fn redis_agrees_with_a_plain_model() {
    let runtime = runtime();
    let fixture = runtime.block_on(crate::redis());
    agree(&fixture.store, &runtime, 128);
}

#[test]
fn valkey_agrees_with_a_plain_model() {
    let runtime = runtime();
    let fixture = runtime.block_on(crate::valkey());
    agree(&fixture.store, &runtime, 64);
}

#[test]
fn cluster_agrees_with_a_plain_model() {
    let runtime = runtime();
    let fixture = runtime.block_on(crate::cluster());
    agree(&fixture.store, &runtime, 64);
}
