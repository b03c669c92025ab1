//! The parameters of the list of users, put together.

use std::str::FromStr;

use poem_openapi::param::Query;

use super::schema::Status;
use crate::{
    accounts::{Role, Timestamp, UserCursor, UserFilter, UserQuery},
    http::{code::Code, problem::Problem},
};

/// The order of a list of users.
#[derive(Clone, Copy, Debug, poem_openapi::Enum)]
#[oai(rename = "UserOrder")]
pub(super) enum Sort {
    /// Whoever was made first comes first.
    #[oai(rename = "created_at")]
    OldestFirst,
    /// Whoever was made last comes first.
    #[oai(rename = "-created_at")]
    LatestFirst,
}

/// The parameters as they came.
pub(super) struct Parameters {
    pub(super) sort: Option<Sort>,
    pub(super) limit: u64,
    pub(super) cursor: Option<String>,
    pub(super) email_prefix: Option<String>,
    pub(super) username_prefix: Option<String>,
    pub(super) name_contains: Option<String>,
    pub(super) created_from: Option<String>,
    pub(super) created_before: Option<String>,
    pub(super) status: Option<Status>,
    pub(super) role: Option<String>,
    pub(super) email_verified: Option<bool>,
}

impl Parameters {
    pub(super) fn parse(self) -> Result<UserQuery, Problem> {
        let filter = UserFilter {
            email_prefix: self.email_prefix,
            username_prefix: self.username_prefix,
            created_from: parsed::<Timestamp>("created_from", self.created_from)?,
            created_before: parsed::<Timestamp>("created_before", self.created_before)?,
            name_contains: self.name_contains,
            status: self.status.map(Into::into),
            role: parsed::<Role>("role", self.role)?,
            email_verified: self.email_verified,
        };
        Ok(UserQuery {
            filter,
            latest_first: matches!(self.sort, Some(Sort::LatestFirst)),
            after: parsed::<UserCursor>("cursor", self.cursor)?,
            limit: usize::try_from(self.limit).unwrap_or(UserQuery::MAX_LIMIT),
        })
    }
}

/// Reads the text of a parameter.
fn parsed<T: FromStr>(name: &str, text: Option<String>) -> Result<Option<T>, Problem> {
    text.map(|text| text.parse()).transpose().map_err(|_| {
        let detail = format!("The parameter `{name}` is missing or malformed.");
        Problem::new(Code::InvalidParameter).with_detail(detail)
    })
}

/// The value of a parameter that may be absent.
pub(super) fn given<T>(parameter: Query<Option<T>>) -> Option<T> {
    parameter.0
}
