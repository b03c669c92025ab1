//! `/v1/users/me/events`: what has happened to one's own account.

use std::{borrow::Cow, sync::Arc};

use poem::web::Data;
use poem_openapi::{
    ApiResponse, Enum, Object, OpenApi,
    param::Query,
    payload::Json,
    registry::{MetaSchema, MetaSchemaRef},
    types::{ParseError, ParseFromParameter, ParseResult, ToJSON, Type},
};
use serde_json::Value;

use super::{
    Tags,
    auth::Authenticated,
    problem::Problem,
    scalar::{DateTime, Id, JsonObject, OrNull, only_written, plain_type},
};
use crate::accounts::{self, Accounts, EventId, EventKind, EventPage, Who};

/// Who did something.
#[derive(Clone, Copy, Debug, Enum)]
#[oai(rename_all = "snake_case")]
enum ActorType {
    /// A user, in a session.
    User,
    /// A service, by its API key.
    ApiKey,
    /// Whoever runs the command line beside the store.
    Operator,
    /// Somebody who is not signed in, such as with a link that was mailed.
    Anonymous,
}

/// Who did something.
#[derive(Debug, Object)]
pub(super) struct Actor {
    /// What they are: a user in a session, a service with an API key, whoever runs the command line beside the store, or
    /// somebody who is not signed in, such as with a link that was mailed.
    #[oai(rename = "type")]
    kind: ActorType,
    /// The id of the user or of the API key.
    id: OrNull<Id>,
}

impl From<Who> for Actor {
    fn from(who: Who) -> Self {
        let (kind, id) = match who {
            Who::User(id) => (ActorType::User, Some(id.to_string())),
            Who::ApiKey(id) => (ActorType::ApiKey, Some(id.to_string())),
            Who::Operator => (ActorType::Operator, None),
            Who::Anonymous => (ActorType::Anonymous, None),
        };
        Self { kind, id: OrNull(id.map(Id)) }
    }
}

/// Something that has happened to an account, or to roles and API keys.
#[derive(Debug, Object)]
pub(super) struct Event {
    /// The event's id.
    id: Id,
    /// When it was.
    at: DateTime,
    /// What it was, in a word: the kinds that there are stand at the head of this document. A later version may have more, so take
    /// one that you do not know for something that has happened.
    kind: Kind,
    /// Who did it.
    actor: Actor,
    /// The session in which they did it. It is null in your own list where somebody else did it.
    session_id: OrNull<Id>,
    /// The address from which they did it. It is null in your own list where somebody else who is signed in, or has an API
    /// key, did it.
    ip_address: OrNull<String>,
    /// What more there is to say of this kind.
    details: JsonObject,
}

impl From<accounts::Event> for Event {
    fn from(event: accounts::Event) -> Self {
        Self {
            id: Id(event.id.to_string()),
            at: DateTime(event.at.to_string()),
            kind: Kind(event.kind),
            actor: Actor::from(event.by),
            session_id: OrNull(event.session.map(|id| Id(id.to_string()))),
            ip_address: OrNull(event.address.map(|address| address.to_string())),
            details: JsonObject(event.details),
        }
    }
}

/// Events.
#[derive(Debug, Object)]
pub(super) struct EventList {
    /// The events, the latest first.
    items: Vec<Event>,
    /// Where the list goes on, or null at its end.
    next_cursor: OrNull<String>,
}

impl From<EventPage> for EventList {
    fn from(EventPage { items, next }: EventPage) -> Self {
        let next_cursor = OrNull(next.map(|id| id.to_string()));
        Self { items: items.into_iter().map(Event::from).collect(), next_cursor }
    }
}

/// The name of a kind.
#[derive(Debug)]
struct Kind(EventKind);

impl Type for Kind {
    const IS_REQUIRED: bool = true;

    plain_type!();

    fn name() -> Cow<'static, str> {
        "EventKind".into()
    }

    fn schema_ref() -> MetaSchemaRef {
        // No enumeration: whoever reads one as closed would refuse each new kind.
        MetaSchemaRef::Inline(Box::new(MetaSchema::new("string")))
    }
}

impl ToJSON for Kind {
    fn to_json(&self) -> Option<Value> {
        Some(self.0.as_str().into())
    }
}

only_written!([] Kind);

/// A `next_cursor`.
pub(super) struct EventCursor(pub(super) EventId);

impl Type for EventCursor {
    const IS_REQUIRED: bool = true;

    plain_type!();

    fn name() -> Cow<'static, str> {
        "EventCursor".into()
    }

    fn schema_ref() -> MetaSchemaRef {
        MetaSchemaRef::Inline(Box::new(MetaSchema::new("string")))
    }
}

impl ParseFromParameter for EventCursor {
    fn parse_from_parameter(text: &str) -> ParseResult<Self> {
        text.parse().map(Self).map_err(|_| ParseError::custom("is no cursor"))
    }
}

#[derive(ApiResponse)]
enum Listed {
    /// Some of the events.
    #[oai(status = 200)]
    Found(Json<EventList>),
}

/// As many events are on a page that says nothing of that.
pub(super) fn usual_limit() -> u8 {
    50
}

/// The operations on events.
pub(super) struct Events;

#[OpenApi(prefix_path = "/v1/users/me", tag = "Tags::Users")]
impl Events {
    /// See what happened to your account
    ///
    /// Who did what, when, from where and in which session: the latest first. Of each month (UTC) the latest of each sort are
    /// kept: 1,000 beginnings and ends of sessions, 1,000 changes that take no password, 100 failed sign-ins and 1,000 of all
    /// others, for as long as `LATCHKEY_EVENTS_RETENTION` says, which is a year unless the operator decided otherwise.
    #[oai(path = "/events", method = "get", operation_id = "list_events")]
    async fn list(
        &self,
        accounts: Data<&Arc<Accounts>>,
        who: Authenticated,
        /// How many events to answer at the most.
        #[oai(default = "usual_limit", validator(minimum(value = "1"), maximum(value = "100")))]
        limit: Query<u8>,
        /// The `next_cursor` of the page before.
        cursor: Query<Option<EventCursor>>,
    ) -> Result<Listed, Problem> {
        let before = cursor.0.map(|cursor| cursor.0);
        let page = accounts.events(&who.signed_in, before, usize::from(limit.0)).await?;
        Ok(Listed::Found(Json(EventList::from(page))))
    }
}
