//! `/v1/admin/imports`: users from another service, as lines of JSON.

use std::{
    io::BufReader,
    sync::{Arc, Mutex, PoisonError},
};

use poem::web::Data;
use poem_openapi::{ApiResponse, Enum, Object, OpenApi, param::Query, payload::Json};

use super::auth::Administrator;
use crate::{
    accounts::{
        Accounts, Capability, Error, FaultKind, Import, ImportError, ImportOutcome, ImportSummary, Imported, LineFault,
        LineProblem, Lines,
    },
    http::{
        Tags,
        code::{Code, FieldCode},
        problem::{FieldProblem, Problem},
        scalar::Id,
        upload::Upload,
    },
};

/// The most lines of one import.
const LINES: usize = 10_000;

/// What became of an import.
#[derive(Debug, Object)]
struct ImportResult {
    /// How many users were made, or would be.
    created: u64,
    /// How many users were there already, and were not changed.
    unchanged: u64,
    /// How many lines are no user.
    invalid: u64,
    /// How many lines say what somebody else has.
    conflicts: u64,
    /// How many lines this service failed at; they can be sent again.
    failed: u64,
    /// What became of each line that is not empty, in their order.
    items: Vec<ImportItem>,
}

/// What became of a line.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
struct ImportItem {
    /// The number of the line, the first of which is 1.
    line: u64,
    /// What became of it.
    outcome: ImportItemOutcome,
    /// The user's id. In a dry run it is there if the line says it.
    id: Option<Id>,
    /// What is wrong, if something is.
    problem: Option<ImportProblem>,
}

/// What can become of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
enum ImportItemOutcome {
    /// It made a user, or would make one.
    Created,
    /// The user was there already.
    Unchanged,
    /// It is no user.
    Invalid,
    /// Somebody else has something that it says.
    Conflict,
    /// This service failed.
    Failed,
}

/// What is wrong with a line.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
struct ImportProblem {
    /// What is wrong, for programs: `malformed_json`, `line_too_long`, `validation_failed`, `email_taken`, `username_taken`,
    /// `id_taken` or `failed`.
    code: String,
    /// What is wrong, for people.
    detail: String,
    /// With `validation_failed`: everything that is wrong with the fields of the line.
    errors: Option<Vec<FieldProblem>>,
}

#[derive(ApiResponse)]
enum ImportAnswer {
    /// What became of each line.
    #[oai(status = 200)]
    Done(Json<ImportResult>),
}

/// The operations of `/v1/admin/imports`.
pub(in crate::http) struct Imports;

#[OpenApi(prefix_path = "/v1/admin/imports", tag = "Tags::Administration")]
impl Imports {
    /// Import users
    ///
    /// One user on each line, as a JSON object: at most 10,000 lines, of 64 KiB each, and 16 MiB. `docs/import.md` says what
    /// a line can hold, and how other services' exports become such lines. A user whose id or email address is there
    /// already is never changed, so an import whose answer was lost is sent again. A line that is wrong keeps no other one
    /// out. Roles and permissions can be given by whoever may give them, and the role `admin` by an administrator; imported, it
    /// makes nobody one.
    #[oai(path = "/", method = "post", operation_id = "import_users")]
    async fn import_users(
        &self,
        accounts: Data<&Arc<Accounts>>,
        administrator: Administrator,
        /// Look at everything, and write nothing.
        dry_run: Query<Option<bool>>,
        upload: Upload,
    ) -> Result<ImportAnswer, Problem> {
        let import = Import { dry_run: dry_run.0.unwrap_or_default(), by: administrator.0 };
        // Nobody else's body is read.
        import.by.needs(Capability::ImportUsers)?;
        let (bytes, room) = upload.read().await?;
        if Lines::new(bytes.as_ref()).count() > LINES {
            return Err(Problem::new(Code::TooManyLines));
        }
        let told = Arc::new(Mutex::new((ImportSummary::default(), Vec::new())));
        let accounts = Arc::clone(&accounts);
        let seen = Arc::clone(&told);
        // On a task of its own, it has more time than a request has for the store, and ends when its client goes away.
        let run = tokio::spawn(async move {
            let _room = room;
            let lines = Lines::new(BufReader::new(bytes.as_ref()));
            accounts
                .import(lines, &import, &mut |imported| {
                    let mut told = seen.lock().unwrap_or_else(PoisonError::into_inner);
                    told.0.count(&imported.outcome);
                    told.1.push(ImportItem::from(imported));
                })
                .await
        });
        match run.await {
            Ok(Ok(())) => {}
            Ok(Err(ImportError::Refused(error))) => return Err(error.into()),
            Ok(Err(ImportError::Store(error))) => {
                let code = if matches!(*error, Error::StoreFull) { Code::StoreFull } else { Code::StoreUnavailable };
                let detail = "The store failed. Users may have been imported until then; send the same lines again.";
                return Err(Problem::new(code).with_detail(detail));
            }
            Ok(Err(ImportError::Stopped(line))) => {
                let detail =
                    format!("The service stops. It looked at the lines up to {line}; send the same lines again.");
                return Err(Problem::new(Code::Draining).with_detail(detail));
            }
            Ok(Err(ImportError::Unreadable(_))) | Err(_) => return Err(Problem::new(Code::InternalError)),
        }
        let (summary, mut items) = std::mem::take(&mut *told.lock().unwrap_or_else(PoisonError::into_inner));
        items.sort_unstable_by_key(|item| item.line);
        let ImportSummary { created, unchanged, invalid, conflicts, failed } = summary;
        Ok(ImportAnswer::Done(Json(ImportResult { created, unchanged, invalid, conflicts, failed, items })))
    }
}

impl From<Imported> for ImportItem {
    fn from(Imported { line, outcome }: Imported) -> Self {
        let text = |id: crate::accounts::UserId| Id(id.to_string());
        let problem = |code: &str, detail: String| ImportProblem { code: code.to_owned(), detail, errors: None };
        let (outcome, id, problem) = match outcome {
            ImportOutcome::Created(id) => (ImportItemOutcome::Created, id.map(text), None),
            ImportOutcome::Unchanged(id) => (ImportItemOutcome::Unchanged, Some(text(id)), None),
            ImportOutcome::Invalid(wrong) => {
                let mut problem = problem(wrong.code(), format!("The line {wrong}."));
                if let LineProblem::Fields(faults) = wrong {
                    "Some fields of the line are not acceptable.".clone_into(&mut problem.detail);
                    problem.errors = Some(faults.into_iter().map(FieldProblem::from).collect());
                }
                (ImportItemOutcome::Invalid, None, Some(problem))
            }
            ImportOutcome::Conflict(conflict) => {
                (ImportItemOutcome::Conflict, None, Some(problem(conflict.as_str(), conflict.to_string())))
            }
            ImportOutcome::Failed(error) => {
                tracing::warn!(%error, "a user could not be imported");
                let detail = "The user may or may not be there now. Send the line again.".to_owned();
                (ImportItemOutcome::Failed, None, Some(problem("failed", detail)))
            }
        };
        Self { line, outcome, id, problem }
    }
}

impl From<LineFault> for FieldProblem {
    fn from(LineFault { field, kind, message }: LineFault) -> Self {
        let code = match kind {
            FaultKind::Required => FieldCode::Required,
            FaultKind::Unknown => FieldCode::Unknown,
            FaultKind::WrongType => FieldCode::WrongType,
            FaultKind::Invalid => FieldCode::Invalid,
            FaultKind::TooLong => FieldCode::TooLong,
            FaultKind::Forbidden => FieldCode::Forbidden,
        };
        Self { field, code, message }
    }
}
