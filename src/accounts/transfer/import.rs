//! Importing: lines become users, some hundred at a time, and each line has its outcome.

use std::{
    collections::{BTreeSet, HashSet},
    io,
    sync::Arc,
};

use super::{
    fault::{FaultKind, LineFault, LineProblem},
    form::Form,
    lines::{Lines, RawLine},
    look::{Candidate, Found},
    outcome::{ImportOutcome, Imported},
    settle::Outage,
};
use crate::accounts::{
    Accounts,
    authority::{Actor, Authority},
    capability::{Capability, capabilities},
    clock::Timestamp,
    digest::Digest,
    error::Error,
    roles,
};
use crate::store::Record;

/// How many lines are looked at together, at the most.
const WINDOW: usize = 1000;

/// How many bytes these have, at the most, but for the last of them.
const WINDOW_BYTES: usize = 2 * 1024 * 1024;

/// How users are imported.
#[derive(Clone, Debug)]
pub struct Import {
    /// Whether everything is looked at and nothing is written.
    pub dry_run: bool,
    /// Whoever imports: they give nobody what they may not do themselves.
    pub by: Authority,
}

/// Why an import ended before its last line.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// Whoever wants to import may not.
    #[error(transparent)]
    Refused(Error),
    /// The lines cannot be read any further.
    #[error("cannot read on: {0}")]
    Unreadable(#[from] io::Error),
    /// The store has no room, or does not answer.
    #[error("{0}")]
    Store(Arc<Error>),
    /// The service stops. All lines up to this one were looked at, and what became of them was told.
    #[error("the service stops, after line {0}")]
    Stopped(u64),
}

impl Accounts {
    /// Imports users, each from one of `lines`, and tells what became of each line, not always in their order. What a user
    /// has whose id or address is there already is never changed. In a dry run nothing is written, and 8 bytes are kept of
    /// each id, address and username.
    ///
    /// # Errors
    /// [`ImportError`]. What was told until then is so, and the lines can be imported again, from the first one.
    pub async fn import<R: io::BufRead + Send>(
        &self,
        lines: Lines<R>,
        import: &Import,
        tell: &mut (dyn FnMut(Imported) + Send),
    ) -> Result<(), ImportError> {
        import.by.needs(Capability::ImportUsers).map_err(ImportError::Refused)?;
        let mut run =
            Run { import, begun: self.clock.now(), has_waited: false, seen: HashSet::new(), outage: Outage::default() };
        let mut lines = lines.into_iter().peekable();
        let _under_way = self.imports.begin().await;
        let mut done = 0;
        loop {
            if lines.peek().is_none() {
                return Ok(());
            }
            if self.imports.must_end() {
                tracing::warn!(lines = done, "an import ends, since the service stops; send the same lines again");
                return Err(ImportError::Stopped(done));
            }
            let book = match run.outage.patiently(|| self.read_roles()).await.map_err(Arc::new) {
                Err(error) if matches!(*error, Error::StoreUnavailable(_)) => return Err(ImportError::Store(error)),
                book => book,
            };
            let (mut window, mut count, mut bytes) = (Vec::new(), 0, 0);
            while count < WINDOW && bytes < WINDOW_BYTES {
                let Some(line) = lines.next() else { break };
                let (line, raw) = line?;
                (done, count) = (line, count + 1);
                bytes += if let RawLine::Text(text) = &raw { text.len() } else { 0 };
                match self.candidate(line, &raw, import, &book) {
                    Ok(candidate) => window.push(candidate),
                    Err(outcome) => tell(Imported { line, outcome }),
                }
            }
            let mut failure = None;
            for (line, outcome) in self.import_window(&mut run, window).await {
                if let ImportOutcome::Failed(error) = &outcome
                    && matches!(**error, Error::StoreUnavailable(_) | Error::StoreFull)
                {
                    failure = Some(Arc::clone(error));
                }
                tell(Imported { line, outcome });
            }
            if let Some(error) = failure {
                return Err(ImportError::Store(error));
            }
        }
    }

    /// The user that a line says, where roles give what the book says.
    fn candidate(
        &self,
        line: u64,
        raw: &RawLine,
        import: &Import,
        book: &RolesRead,
    ) -> Result<Candidate, ImportOutcome> {
        let RawLine::Text(text) = raw else { return Err(ImportOutcome::Invalid(LineProblem::TooLong)) };
        let now = self.clock.now();
        let failed = |error| ImportOutcome::Failed(Arc::new(error));
        let form = Form::read(text, now).map_err(ImportOutcome::Invalid)?;
        let wrong = match Self::over_reach(&import.by, &form, book).map_err(ImportOutcome::Failed)? {
            Some((field, message)) => Some((field, FaultKind::Forbidden, message)),
            None => self.over_cost(&import.by, &form),
        };
        if let Some((field, kind, message)) = wrong {
            let fault = LineFault { field: field.to_owned(), kind, message: message.to_owned() };
            return Err(ImportOutcome::Invalid(LineProblem::Fields(vec![fault])));
        }
        let unusable = self.hasher.unusable().map_err(failed)?;
        let user = form.to_user(now, self.random, || unusable);
        Ok(Candidate { line, form, user })
    }

    /// That the hash would cost too much to check: each of these sign-ins could take as much memory and time.
    fn over_cost(&self, by: &Authority, form: &Form) -> Option<(&'static str, FaultKind, &'static str)> {
        let hash = form.password_hash.as_ref().filter(|_| by.origin().actor != Actor::Operator)?;
        let message = "costs more to check than a hash may that comes over HTTP, which is 128 MiB and about two seconds; \
                       `latchkey import` takes it";
        (!self.hasher.takes_from_afar(hash)).then_some(("password_hash", FaultKind::Invalid, message))
    }

    /// Which field would give this user what whoever imports may not give, and what is wrong with it.
    fn over_reach(
        by: &Authority,
        form: &Form,
        book: &RolesRead,
    ) -> Result<Option<(&'static str, &'static str)>, Arc<Error>> {
        let Form { grants, .. } = form;
        if grants.is_empty() {
            return Ok(None);
        }
        if grants.names_admin() && by.needs_admin().is_err() {
            return Ok(Some(("roles", "must not hold `admin`, which only an administrator gives")));
        }
        let own = capabilities(grants.permissions());
        let mut from_roles = BTreeSet::new();
        if !grants.roles().is_empty() {
            let book = book.as_ref().map_err(Arc::clone)?;
            from_roles = capabilities(&roles::permissions(book.as_ref(), grants.roles()).map_err(Arc::new)?);
        }
        let may_any = by.needs(Capability::WriteRoles).is_ok();
        let lacks = |has: bool, given| has && !(may_any && by.may_give(given).is_ok());
        let message = "must not give what you may not do yourself";
        Ok(match () {
            () if lacks(!grants.permissions().is_empty(), &own) => Some(("permissions", message)),
            () if lacks(!grants.roles().is_empty(), &from_roles) => Some(("roles", message)),
            () => None,
        })
    }

    /// Imports some users, among whom there may be several with the same address.
    async fn import_window(&self, run: &mut Run<'_>, mut window: Vec<Candidate>) -> Vec<(u64, ImportOutcome)> {
        let mut outcomes = Vec::new();
        while !window.is_empty() {
            let found = match self.look_at_rest(run, &window).await {
                Ok(found) => found,
                Err(outcome) => {
                    outcomes.extend(window.iter().map(|candidate| (candidate.line, outcome.clone())));
                    break;
                }
            };
            let mut to_make = Vec::new();
            for (candidate, found) in window.into_iter().zip(found) {
                let line = candidate.line;
                match found {
                    Found::Settled(outcome) => outcomes.push((line, outcome)),
                    Found::Contested(Some(kind), _) if run.import.dry_run => {
                        outcomes.push((line, ImportOutcome::Conflict(kind.into())));
                    }
                    Found::Free | Found::Contested(..) if run.import.dry_run => {
                        outcomes.push((line, run.would_make(&candidate)));
                    }
                    Found::Free | Found::Contested(..) => to_make.push(candidate),
                }
            }
            // Those that come later find what those before them have made.
            let (first, later) = apart(to_make);
            outcomes.extend(self.settle(first, run.import.by.origin(), &run.outage).await);
            window = later;
        }
        outcomes
    }

    /// Looks, and if somebody was about to have something when the import began, once more when they must have it, or have
    /// died: a former run of the same import, most of all. That is waited for once.
    async fn look_at_rest(&self, run: &mut Run<'_>, candidates: &[Candidate]) -> Result<Vec<Found>, ImportOutcome> {
        run.outage.expect_none()?;
        let is_unsettled = |found: &Found| matches!(found, Found::Contested(Some(_), at) if *at < run.begun);
        loop {
            let found = run.outage.patiently(|| self.look(candidates)).await;
            let found = found.map_err(|error| ImportOutcome::Failed(Arc::new(error)))?;
            if run.has_waited || run.import.dry_run || !found.iter().any(is_unsettled) {
                return Ok(found);
            }
            run.has_waited = true;
            self.wait_for_pending_claims().await;
        }
    }
}

/// An import under way.
struct Run<'a> {
    import: &'a Import,
    begun: Timestamp,
    has_waited: bool,
    /// In a dry run: what the lines before have, by the beginning of a digest.
    seen: HashSet<u64>,
    outage: Outage,
}

/// The record of what roles give, or why it cannot be read: then no line is imported that gives any.
type RolesRead = Result<Option<Record>, Arc<Error>>;

impl Run<'_> {
    /// What a line would come to of which nothing is in the store.
    fn would_make(&mut self, candidate: &Candidate) -> ImportOutcome {
        let id = candidate.form.id;
        let names = candidate.names();
        for (conflict, name) in &names {
            if self.seen.contains(&fingerprint(name)) {
                return ImportOutcome::Conflict(*conflict);
            }
        }
        self.seen.extend(names.iter().map(|(_, name)| fingerprint(name)));
        ImportOutcome::Created(id)
    }
}

/// Takes those out of `window` that have nothing in common with one before them. The others come later.
fn apart(window: Vec<Candidate>) -> (Vec<Candidate>, Vec<Candidate>) {
    let mut taken = HashSet::new();
    window.into_iter().partition(|candidate| {
        let names = candidate.names();
        // All of them count, also of one that comes later, so that those behind it come later still.
        names.into_iter().fold(true, |is_apart, (_, name)| taken.insert(name) && is_apart)
    })
}

fn fingerprint(name: &str) -> u64 {
    u64::from_ne_bytes(Digest::of(name.as_bytes()).as_bytes().first_chunk().copied().unwrap_or_default())
}

#[cfg(test)]
mod tests;
