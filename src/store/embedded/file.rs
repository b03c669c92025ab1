//! The open file: everybody's way to the database, and how it is opened again after the disk has failed.

use std::{
    fs::OpenOptions,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{PoisonError, RwLock, TryLockError},
};

use redb::{Builder, Database, DatabaseError, Error, backends::InMemoryBackend};

use crate::store::OpenError;

/// The page cache, in bytes: small, since the operating system caches the file too.
const CACHE: usize = 16 * 1024 * 1024;

/// A database, unless it is closed. `path` is where it is opened again; in memory there is none.
pub(super) struct File {
    pub(super) path: Option<PathBuf>,
    // A std lock, since no await happens while it is held. Whoever may not wait for it, as a thread of the runtime, tries.
    database: RwLock<Option<Database>>,
}

impl File {
    pub(super) fn open(path: &Path) -> Result<Self, OpenError> {
        make_private(path).map_err(|e| OpenError(format!("{}: {e}", path.display())))?;
        Self::at(path, |builder| builder.create(path))
    }

    pub(super) fn open_existing(path: &Path) -> Result<Self, OpenError> {
        Self::at(path, |builder| builder.open(path))
    }

    fn at(path: &Path, open: impl FnOnce(&Builder) -> Result<Database, DatabaseError>) -> Result<Self, OpenError> {
        let open = || Ok(open(Database::builder().set_cache_size(CACHE))?);
        let database = caught(open).map_err(|e| match e {
            Error::DatabaseAlreadyOpen => OpenError(format!("{} is in use by another process", path.display())),
            e => OpenError(format!("{}: {e}", path.display())),
        })?;
        Ok(Self { path: Some(path.to_owned()), database: RwLock::new(Some(database)) })
    }

    pub(super) fn in_memory() -> Result<Self, OpenError> {
        let database = Database::builder().set_cache_size(CACHE).create_with_backend(InMemoryBackend::new());
        let database = database.map_err(|e| OpenError(e.to_string()))?;
        Ok(Self { path: None, database: RwLock::new(Some(database)) })
    }

    /// Does something with the database.
    pub(super) fn with<T>(&self, act: impl FnOnce(&Database) -> Result<T, Error>) -> Result<T, Error> {
        act(opened(self.database.read().unwrap_or_else(PoisonError::into_inner).as_ref())?)
    }

    /// The same, unless the file is just being opened, which takes time.
    pub(super) fn try_with<T>(&self, act: impl FnOnce(&Database) -> Result<T, Error>) -> Option<Result<T, Error>> {
        let database = match self.database.try_read() {
            Ok(database) => database,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        Some(opened(database.as_ref()).and_then(act))
    }

    /// Opens the file anew, and never makes one: a folder that is not there just now must not become an empty store.
    /// After one read or write that the disk refused, redb refuses all others until that is done.
    pub(super) fn reopen(&self) -> Result<(), Error> {
        let Some(path) = &self.path else { return Ok(()) };
        let mut database = self.database.write().unwrap_or_else(PoisonError::into_inner);
        caught(|| {
            drop(database.take()); // it holds the lock on the file
            *database = Some(Database::builder().set_cache_size(CACHE).open(path)?);
            Ok(())
        })
    }

    pub(super) fn close(&self) {
        let mut database = self.database.write().unwrap_or_else(PoisonError::into_inner);
        let _ = caught(|| {
            drop(database.take());
            Ok(())
        });
    }
}

fn opened(database: Option<&Database>) -> Result<&Database, Error> {
    database.ok_or_else(|| Error::Io(io::Error::other("the file of the store is not open")))
}

/// What redb panics over, such as a file that becomes another while it is opened, is an error as any other.
pub(super) fn caught<T>(act: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    let panicked = |_| Err(Error::Io(io::Error::other("the store has panicked over its file")));
    catch_unwind(AssertUnwindSafe(act)).unwrap_or_else(panicked)
}

/// Makes the file, if it is not there, so that only its owner can read it: there will be password hashes in it.
fn make_private(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_panic_the_file_is_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let file = File::open(&folder.path().join("store.redb")).unwrap();
        let act = |panics: bool| {
            caught(|| {
                file.with(|database| {
                    let transaction = database.begin_write()?;
                    assert!(!panics, "on purpose");
                    Ok(transaction.commit()?)
                })
            })
        };
        act(false).unwrap();
        assert!(matches!(act(true), Err(Error::Io(_))));
        file.reopen().unwrap();
        act(false).unwrap();
        file.close();
        assert!(matches!(act(false), Err(Error::Io(_))));
    }
}
