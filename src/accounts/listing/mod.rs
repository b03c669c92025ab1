//! Lists of users: by when they were made, page after page, and filtered.
//!
//! Where a page ends is a place in that order, and no number of users: so nobody who is there from the first page to the
//! last is missed or met twice, whoever comes and goes meanwhile.
//!
//! One request looks at no more than [`LOOKED_AT`] users. A page of a list that is filtered may therefore hold less than
//! was asked for, and even nothing, and not be the last.

mod filter;
mod walk;

use std::{fmt, str::FromStr};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

pub use self::filter::{Status, UserFilter};
use super::{
    Accounts,
    authority::Authority,
    capability::Capability,
    error::Error,
    user::{User, UserId},
};
use crate::store::Order;

/// How many users one request looks at, at the most.
const LOOKED_AT: usize = 5000;

/// Which users, and in which order.
#[derive(Clone, Debug)]
pub struct UserQuery {
    /// Which of them.
    pub filter: UserFilter,
    /// Whether the last one who was made comes first.
    pub latest_first: bool,
    /// Where the page before has ended.
    pub after: Option<UserCursor>,
    /// How many a page holds at the most: 1 to [`UserQuery::MAX_LIMIT`].
    pub limit: usize,
}

impl UserQuery {
    /// The bound on the limit.
    pub const MAX_LIMIT: usize = 200;
}

/// A page of a list.
#[derive(Clone, Debug)]
pub struct Page<T, C> {
    /// What is on it.
    pub items: Vec<T>,
    /// Where it ends, unless it is the last one.
    pub next: Option<C>,
}

/// A place in the list of users: behind somebody who was made at some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UserCursor {
    score: i64,
    user: UserId,
}

/// The text is no place in a list of users.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be the `next_cursor` of an answer")]
pub struct InvalidUserCursor;

/// As text it is base64url, so that nobody reads anything into it.
impl fmt::Display for UserCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [self.score.to_be_bytes().as_slice(), self.user.as_bytes()].concat();
        f.write_str(&URL_SAFE_NO_PAD.encode(bytes))
    }
}

impl FromStr for UserCursor {
    type Err = InvalidUserCursor;

    fn from_str(text: &str) -> Result<Self, InvalidUserCursor> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidUserCursor)?;
        let (score, user) = bytes.split_first_chunk().ok_or(InvalidUserCursor)?;
        let user = UserId::from_bytes(user.try_into().map_err(|_| InvalidUserCursor)?);
        Ok(Self { score: i64::from_be_bytes(*score), user })
    }
}

impl Accounts {
    /// A page of the users that a query finds.
    ///
    /// # Errors
    /// [`Error::PermissionDenied`] or [`Error::InsufficientScope`], and the errors of the store.
    pub async fn users(&self, by: &Authority, query: &UserQuery) -> Result<Page<User, UserCursor>, Error> {
        by.needs(Capability::ReadUsers)?;
        let order = if query.latest_first { Order::Descending } else { Order::Ascending };
        match self.find_by_prefix(&query.filter).await? {
            Some(found) => self.page_of(found, query, order).await,
            None => self.page_of_all(query, order).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_cursor_is_read_back_as_it_was_written(score: i64, user: [u8; 16]) {
            let cursor = UserCursor { score, user: UserId::from_bytes(user) };
            prop_assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }

        #[test]
        fn whatever_is_no_cursor_is_refused(text in "\\PC{0,60}") {
            if let Ok(cursor) = text.parse::<UserCursor>() {
                prop_assert_eq!(cursor.to_string(), text);
            }
        }
    }
}
