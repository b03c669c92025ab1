//! The two ways to a page: through the index by creation, or from the few that a prefix leads to.

use std::ops::{Bound, RangeInclusive};

use super::{
    LOOKED_AT, Page, UserCursor, UserQuery,
    filter::{UserFilter, read_member},
};
use crate::{
    accounts::{
        Accounts,
        error::Error,
        keys::{self, Bucket, Home},
        records, roles,
        user::{User, UserRecord},
    },
    store::{Key, Name, Order},
};

/// How many members of a bucket's index by text are taken, where a prefix leads to so few.
const FEW: usize = 200;

/// How many users are read at once.
const CHUNK: usize = 250;

/// How many members of a bucket's index are read at once, at the most.
const WIDEST: usize = 1000;

/// A page under way.
struct Draft<'q> {
    query: &'q UserQuery,
    filter: UserFilter,
    items: Vec<User>,
    looked_at: usize,
}

/// Whether a page is done.
enum Progress {
    /// It is, and ends there.
    Done(UserCursor),
    Open,
}

impl Accounts {
    /// The places of the users that the prefix of a filter leads to, if it has one and they are few.
    pub(super) async fn find_by_prefix(&self, filter: &UserFilter) -> Result<Option<Vec<UserCursor>>, Error> {
        let filter = filter.canonical();
        let (prefix, name) = match (&filter.email_prefix, &filter.username_prefix) {
            (Some(prefix), _) => (prefix, keys::by_email()),
            (None, Some(prefix)) => (prefix, keys::by_username()),
            (None, None) => return Ok(None),
        };
        let indexes = Bucket::keys(&name);
        // No text is behind it that begins with the prefix.
        let behind = format!("{prefix}{}", char::MAX);
        let span = (Bound::Included(prefix.clone()), Bound::Excluded(behind));
        let found = self.store.list(&indexes, &span, Order::Ascending, FEW).await?;
        if found.iter().any(|members| members.len() >= FEW) {
            return Ok(None);
        }
        let place = |member: &String| {
            let (created_at, user) =
                read_member(member).ok_or_else(|| Error::Corrupt("a member of an index".to_owned()))?;
            Ok(UserCursor { score: keys::created_score(user, created_at), user })
        };
        found.iter().flatten().map(place).collect::<Result<_, _>>().map(Some)
    }

    /// The page of these users.
    pub(super) async fn page_of(
        &self,
        mut found: Vec<UserCursor>,
        query: &UserQuery,
        order: Order,
    ) -> Result<Page<User, UserCursor>, Error> {
        let scores = query.scores();
        found.retain(|place| scores.contains(&place.score) && query.is_ahead(*place, order));
        sort(&mut found, order);
        let mut draft = Draft::new(query);
        for chunk in found.chunks(CHUNK) {
            if let Progress::Done(end) = self.look_at(chunk, &mut draft).await? {
                return Ok(draft.ends_at(Some(end).filter(|end| found.last() != Some(end))));
            }
        }
        Ok(draft.ends_at(None))
    }

    /// The page that the index by creation leads to.
    pub(super) async fn page_of_all(&self, query: &UserQuery, order: Order) -> Result<Page<User, UserCursor>, Error> {
        let indexes = Bucket::keys(&keys::created());
        let mut draft = Draft::new(query);
        let mut after = query.after;
        // Enough for most pages at the first try.
        let mut width = query.limit / 32 + 4;
        loop {
            let (places, is_last) = self.next_places(&indexes, query, after, order, width).await?;
            for chunk in places.chunks(CHUNK) {
                if let Progress::Done(end) = self.look_at(chunk, &mut draft).await? {
                    // Where it ends with what was read, what is behind that is not known. The range begins with the end itself.
                    let goes_on = places.last() != Some(&end)
                        || !is_last && !self.next_places(&indexes, query, Some(end), order, 2).await?.0.is_empty();
                    return Ok(draft.ends_at(goes_on.then_some(end)));
                }
            }
            if is_last {
                return Ok(draft.ends_at(None));
            }
            after = places.last().copied().or(after);
            width = (width * 2).min(WIDEST);
        }
    }

    /// The places that come after one, of all buckets in order, and whether these are all. Where a bucket has more than
    /// were read, what is behind the last of them is left for the next time.
    async fn next_places(
        &self,
        indexes: &[Key],
        query: &UserQuery,
        after: Option<UserCursor>,
        order: Order,
        width: usize,
    ) -> Result<(Vec<UserCursor>, bool), Error> {
        let mut width = width;
        loop {
            let scores = query.scores_after(after, order);
            let found = self.store.ranges(indexes, scores, order, width).await?;
            let mut horizon = None;
            let mut places = Vec::new();
            for members in &found {
                let read = |(member, score): &(String, i64)| {
                    let user = member.parse().map_err(|_| Error::Corrupt("a user id in an index".to_owned()))?;
                    Ok::<_, Error>(UserCursor { score: *score, user })
                };
                let members = members.iter().map(read).collect::<Result<Vec<_>, _>>()?;
                if let Some(last) = members.last().filter(|_| members.len() >= width) {
                    horizon = Some(horizon.map_or(*last, |known| first(known, *last, order)));
                }
                places.extend(members);
            }
            places.retain(|place| after.is_none_or(|after| is_behind(*place, after, order)));
            if let Some(horizon) = horizon {
                places.retain(|place| !is_behind(*place, horizon, order));
            }
            sort(&mut places, order);
            if horizon.is_none() || !places.is_empty() {
                return Ok((places, horizon.is_none()));
            }
            // More users than were read stand at the very place where the page before has ended.
            width *= 2;
        }
    }

    /// Reads the users at these places, and puts those who are let through on the page.
    async fn look_at(&self, places: &[UserCursor], draft: &mut Draft<'_>) -> Result<Progress, Error> {
        let homes = places.iter().map(|place| Home::of(place.user));
        let book = keys::roles().key(&Name::ROOT);
        let keys = homes.map(|home| home.key(&home.user())).chain([book]).collect::<Vec<_>>();
        let mut records = self.store.get_many(&keys).await?;
        let book = records.pop().flatten();
        let now = self.clock.now();
        for (place, record) in places.iter().zip(records) {
            draft.looked_at += 1;
            // Somebody who is not there was deleted since the index was read.
            if let Some(record) = record
                && let UserRecord::Active(mut user) = records::read_user(place.user, &record)?
                && draft.filter.lets_through(&user, now)
            {
                user.from_roles = roles::permissions(book.as_ref(), user.grants.roles())?;
                draft.items.push(user);
            }
            if draft.items.len() >= draft.query.limit || draft.looked_at >= LOOKED_AT {
                return Ok(Progress::Done(*place));
            }
        }
        Ok(Progress::Open)
    }
}

impl<'q> Draft<'q> {
    fn new(query: &'q UserQuery) -> Self {
        Self { query, filter: query.filter.canonical(), items: Vec::new(), looked_at: 0 }
    }

    fn ends_at(self, next: Option<UserCursor>) -> Page<User, UserCursor> {
        Page { items: self.items, next }
    }
}

impl UserQuery {
    /// The scores of whoever was made in the time that is asked for.
    fn scores(&self) -> RangeInclusive<i64> {
        let UserFilter { created_from, created_before, .. } = &self.filter;
        let from = created_from.map_or(i64::MIN, keys::created_from);
        let to = created_before.map_or(i64::MAX, |at| keys::created_from(at) - 1);
        from..=to
    }

    /// The scores that are still ahead, that of the place itself among them, since several users may have it.
    fn scores_after(&self, after: Option<UserCursor>, order: Order) -> RangeInclusive<i64> {
        let (from, to) = self.scores().into_inner();
        match (after, order) {
            (None, _) => from..=to,
            (Some(after), Order::Ascending) => from.max(after.score)..=to,
            (Some(after), Order::Descending) => from..=to.min(after.score),
        }
    }

    fn is_ahead(&self, place: UserCursor, order: Order) -> bool {
        self.after.is_none_or(|after| is_behind(place, after, order))
    }
}

/// Whether one place comes after another one.
fn is_behind(place: UserCursor, other: UserCursor, order: Order) -> bool {
    match order {
        Order::Ascending => place > other,
        Order::Descending => place < other,
    }
}

/// Which of two places comes first.
fn first(one: UserCursor, other: UserCursor, order: Order) -> UserCursor {
    if is_behind(one, other, order) { other } else { one }
}

fn sort(places: &mut [UserCursor], order: Order) {
    places.sort_unstable();
    if order == Order::Descending {
        places.reverse();
    }
}

#[cfg(test)]
mod tests;
