//! `/v1/admin/users/{id}/events`, `/v1/admin/events` and `/v1/admin/deletions`: what has happened to accounts, to roles
//! and API keys, and which accounts were deleted.

use std::sync::Arc;

use poem::web::Data;
use poem_openapi::{
    ApiResponse, Object, OpenApi,
    param::{Path, Query},
    payload::Json,
};

use super::{auth::Administrator, users::parse_user};
use crate::{
    accounts::{Accounts, DeletionCursor},
    http::{
        Tags,
        code::Code,
        events::{Actor, EventCursor, EventList, usual_limit},
        problem::Problem,
        scalar::{DateTime, Id, OrNull},
    },
};

/// An account that was deleted.
#[derive(Debug, Object)]
struct Deletion {
    /// The id that the user had.
    user_id: Id,
    /// When it was.
    at: DateTime,
    /// Who did it.
    actor: Actor,
}

/// Accounts that were deleted.
#[derive(Debug, Object)]
struct DeletionList {
    /// The deleted accounts, the latest first.
    items: Vec<Deletion>,
    /// Where the list goes on, or null at its end.
    next_cursor: OrNull<String>,
}

#[derive(ApiResponse)]
enum Events {
    /// Some of the events.
    #[oai(status = 200)]
    Found(Json<EventList>),
}

#[derive(ApiResponse)]
enum Deletions {
    /// Some of the deleted accounts.
    #[oai(status = 200)]
    Found(Json<DeletionList>),
}

/// The operations on the events of others.
pub(in crate::http) struct AuditTrail;

#[OpenApi(prefix_path = "/v1/admin", tag = "Tags::Administration")]
impl AuditTrail {
    /// See what happened to a user's account
    ///
    /// Who did what, when, from where, and in which session: the latest first. It needs `users:read`.
    #[oai(path = "/users/:id/events", method = "get", operation_id = "list_user_events")]
    async fn events(
        &self,
        accounts: Data<&Arc<Accounts>>,
        by: Administrator,
        /// The user's id.
        id: Path<Id>,
        /// How many events to answer at the most.
        #[oai(default = "usual_limit", validator(minimum(value = "1"), maximum(value = "100")))]
        limit: Query<u8>,
        /// The `next_cursor` of the page before.
        cursor: Query<Option<EventCursor>>,
    ) -> Result<Events, Problem> {
        let before = cursor.0.map(|cursor| cursor.0);
        let page = accounts.events_of(&by.0, parse_user(&id)?, before, usize::from(limit.0)).await?;
        Ok(Events::Found(Json(EventList::from(page))))
    }

    /// See what happened to roles and API keys
    ///
    /// Who defined and deleted roles, and made and revoked API keys, when, from where, and in which session: the latest first.
    /// Of each month (UTC) the latest 1,000 events of roles are kept, and as many of API keys, for as long as events of users
    /// are. It needs `users:read` and `roles:read`, for it tells of users too.
    #[oai(path = "/events", method = "get", operation_id = "list_service_events")]
    async fn service_events(
        &self,
        accounts: Data<&Arc<Accounts>>,
        by: Administrator,
        /// How many events to answer at the most.
        #[oai(default = "usual_limit", validator(minimum(value = "1"), maximum(value = "100")))]
        limit: Query<u8>,
        /// The `next_cursor` of the page before.
        cursor: Query<Option<EventCursor>>,
    ) -> Result<Events, Problem> {
        let before = cursor.0.map(|cursor| cursor.0);
        let page = accounts.service_events(&by.0, before, usize::from(limit.0)).await?;
        Ok(Events::Found(Json(EventList::from(page))))
    }

    /// See which accounts were deleted
    ///
    /// Their ids, when, and who did it: the latest first. This is kept for good. What they did to others is in the trails of
    /// those for as long as events are kept. It needs `users:read`.
    #[oai(path = "/deletions", method = "get", operation_id = "list_deletions")]
    async fn deletions(
        &self,
        accounts: Data<&Arc<Accounts>>,
        by: Administrator,
        /// How many to answer at the most.
        #[oai(default = "usual_limit", validator(minimum(value = "1"), maximum(value = "100")))]
        limit: Query<u8>,
        /// The `next_cursor` of the page before.
        #[oai(validator(max_length = 100))]
        cursor: Query<Option<String>>,
    ) -> Result<Deletions, Problem> {
        let before = cursor.0.map(|text| text.parse::<DeletionCursor>()).transpose().map_err(|_| {
            Problem::new(Code::InvalidParameter)
                .with_detail("The parameter `cursor` is missing or malformed.".to_owned())
        })?;
        let page = accounts.deletions(&by.0, before, usize::from(limit.0)).await?;
        let items = page.items.into_iter().map(|deletion| Deletion {
            user_id: Id(deletion.user.to_string()),
            at: DateTime(deletion.at.to_string()),
            actor: Actor::from(deletion.by),
        });
        let next_cursor = OrNull(page.next.map(|next| next.to_string()));
        Ok(Deletions::Found(Json(DeletionList { items: items.collect(), next_cursor })))
    }
}
