//! Pages of users, wherever they end.

use std::time::Duration;

use super::*;
use crate::accounts::{
    EmailAddress, NewAccount,
    authority::Authority,
    clock::Timestamp,
    testing::{self, put, user_of},
    user::UserId,
};

/// Users who were made one after the other, in a bucket.
async fn users_of_one_bucket(accounts: &Accounts, many: usize) -> Vec<UserId> {
    let ada = user_of(&NewAccount::of(EmailAddress::parse("ada@example.com").unwrap()));
    let (mut ids, mut created_at) = (Vec::new(), accounts.now());
    while ids.len() < many {
        let id = UserId::new(created_at, accounts.random);
        if Home::of(id).bucket() != Home::of(*ids.first().unwrap_or(&id)).bucket() {
            continue;
        }
        put(accounts, &User { id, created_at, ..ada.clone() }).await;
        ids.push(id);
        created_at = created_at.plus(Duration::from_millis(1));
    }
    ids
}

/// All of them, in pages of so many.
async fn listed(accounts: &Accounts, latest_first: bool, limit: usize) -> Vec<UserId> {
    let mut query = UserQuery { filter: UserFilter::default(), latest_first, after: None, limit };
    let mut found = Vec::new();
    loop {
        let page = accounts.users(&Authority::operator(), &query).await.unwrap();
        found.extend(page.items.iter().map(|user| user.id));
        if page.next.is_none() {
            return found;
        }
        assert_eq!(page.items.len(), limit, "there is nothing behind a page that is not full");
        query.after = page.next;
    }
}

/// A bucket is first asked for four users, or some more for a long page: so pages end with what was read, and before it.
#[tokio::test]
async fn pages_hold_each_user_once_in_order_and_the_last_one_says_that_it_is_the_last() {
    for (many, limits) in [(0, 1..3), (3, 1..5), (4, 1..6), (5, 1..7), (8, 1..10), (9, 1..10), (60, 30..62)] {
        let accounts = testing::accounts().await;
        let users = users_of_one_bucket(&accounts, many).await;
        let reversed = users.iter().rev().copied().collect::<Vec<_>>();
        for limit in limits {
            assert_eq!(listed(&accounts, false, limit).await, users, "{many} users, {limit} on a page");
            assert_eq!(listed(&accounts, true, limit).await, reversed, "{many} users, {limit} on a page");
        }
        for limit in 1..=many {
            let query = UserQuery { filter: UserFilter::default(), latest_first: false, after: None, limit };
            let page = accounts.users(&Authority::operator(), &query).await.unwrap();
            assert_eq!((page.items.len(), page.next.is_some()), (limit, limit < many), "of {many} users");
        }
    }
}

#[test]
fn a_time_that_is_asked_for_ends_before_whoever_was_made_at_its_end() {
    let [from, to] = [1_000, 2_000].map(Timestamp::from_millis);
    let filter = UserFilter { created_from: Some(from), created_before: Some(to), ..UserFilter::default() };
    let query = UserQuery { filter, latest_first: false, after: None, limit: 1 };
    let scores = query.scores();
    assert_eq!(scores, keys::created_from(from)..=keys::created_from(Timestamp::from_millis(1_999)) + 2_047);
    assert_eq!(*scores.end() + 1, keys::created_from(to));
}
