//! `/v1/users/me/export`: everything that is kept of oneself.

use std::sync::Arc;

use poem::web::Data;
use poem_openapi::{ApiResponse, Object, OpenApi, payload::Json};

use super::{
    Tags,
    auth::Authenticated,
    events::EventList,
    problem::Problem,
    scalar::{DateTime, Email, OrNull},
    sessions::Session,
    users::User,
};
use crate::accounts::{Accounts, Confirmable, PersonalData, SessionId, Timestamp};

/// A letter that lets its reader do something.
#[derive(Debug, Object)]
struct ExportedConfirmation {
    /// What for: `verification`, `reset` or `undo`.
    purpose: String,
    /// Where it was mailed to.
    email: Email,
    /// Until when it is good.
    expires_at: DateTime,
}

/// Everything that is kept of a person, but for digests and hashes.
#[derive(Debug, Object)]
struct Export {
    /// When this was read.
    exported_at: DateTime,
    /// The account.
    user: User,
    /// When the person last signed in.
    last_sign_in_at: OrNull<DateTime>,
    /// The address that the account had before, if it is still kept.
    former_email: OrNull<Email>,
    /// Until when the reader of that one can have it back.
    former_email_until: OrNull<DateTime>,
    /// Since when the account is suspended, or was the last time, if that is still kept.
    suspended_at: OrNull<DateTime>,
    /// Until when that is, if it ends by itself.
    suspended_until: OrNull<DateTime>,
    /// Why, as those said who run the service.
    suspension_reason: OrNull<String>,
    /// The sessions, with those that have expired and are still kept.
    sessions: Vec<Session>,
    /// What was mailed and can be confirmed.
    confirmations: Vec<ExportedConfirmation>,
    /// The latest 5,000 events. Its `next_cursor` is one of `list_events`.
    events: EventList,
}

impl Export {
    fn new(data: PersonalData, current: SessionId) -> Self {
        let PersonalData { at, user, former_email, sessions, confirmations, events } = data;
        let moment = |at: Timestamp| DateTime(at.to_string());
        let suspension = user.suspension.as_ref();
        let (former_email, former_until) = former_email.unzip();
        let confirmation = |Confirmable { purpose, email, expires_at }: Confirmable| ExportedConfirmation {
            purpose,
            email: Email(email.as_str().to_owned()),
            expires_at: moment(expires_at),
        };
        Self {
            exported_at: moment(at),
            last_sign_in_at: OrNull(user.last_sign_in_at.map(moment)),
            former_email: OrNull(former_email.map(|email| Email(email.as_str().to_owned()))),
            former_email_until: OrNull(former_until.map(moment)),
            suspended_at: OrNull(suspension.map(|suspension| moment(suspension.since))),
            suspended_until: OrNull(suspension.and_then(|suspension| suspension.until).map(moment)),
            suspension_reason: OrNull(suspension.and_then(|found| found.reason.as_ref()).map(ToString::to_string)),
            sessions: sessions.iter().map(|session| Session::new(session, Some(current))).collect(),
            confirmations: confirmations.into_iter().map(confirmation).collect(),
            events: EventList::from(events),
            user: User::from(&user),
        }
    }
}

#[derive(ApiResponse)]
enum Exported {
    /// Everything.
    #[oai(status = 200)]
    Done(Json<Export>),
}

/// The operations on all that is kept of a person.
pub(super) struct Exports;

#[OpenApi(prefix_path = "/v1/users/me", tag = "Tags::Users")]
impl Exports {
    /// Export your data
    ///
    /// Everything that is kept of you (GDPR, article 15): the account, sessions, what was mailed and can be confirmed, and
    /// the events. What is not in it: digests and hashes of secrets, and letters that are still to be sent.
    #[oai(path = "/export", method = "get", operation_id = "export_me")]
    async fn export(&self, accounts: Data<&Arc<Accounts>>, who: Authenticated) -> Result<Exported, Problem> {
        let data = accounts.export(&who.signed_in).await?;
        Ok(Exported::Done(Json(Export::new(data, who.signed_in.session().id))))
    }
}
