//! The steps of the protocol one by one, where what is held against them is what others left on the list.

use super::*;
use crate::{
    accounts::{
        admins::Turn,
        grants::Grants,
        random::Random,
        suspension::Suspension,
        testing::{self, person},
    },
    store::Unavailable,
};

fn op(number: u8) -> OperationId {
    OperationId::from_bytes([number; 16])
}

fn id(number: u8) -> UserId {
    UserId::from_bytes([number; 16])
}

async fn listed(accounts: &Accounts, user: UserId) -> Vec<OperationId> {
    accounts.listed_admins().await.unwrap().0.0.get(&user).cloned().unwrap_or_default()
}

async fn revision(accounts: &Accounts) -> Option<Revision> {
    accounts.listed_admins().await.unwrap().1
}

#[tokio::test]
async fn an_operation_is_taken_off_the_list_and_no_other() {
    let accounts = testing::accounts().await;
    for number in [1, 2] {
        accounts.list_admin(id(1), op(number)).await.unwrap();
    }
    let before = revision(&accounts).await;
    for (user, number) in [(1, 3), (2, 1)] {
        accounts.unlist(id(user), op(number)).await;
        accounts.list_admin(id(1), op(1)).await.unwrap();
    }
    assert_eq!((listed(&accounts, id(1)).await, revision(&accounts).await), (vec![op(1), op(2)], before));
    accounts.unlist(id(1), op(1)).await;
    assert_eq!(listed(&accounts, id(1)).await, [op(2)]);
    accounts.unlist(id(1), op(1)).await;
    assert_eq!(listed(&accounts, id(1)).await, [op(2)]);
    accounts.unlist(id(1), op(2)).await;
    assert_eq!(accounts.listed_admins().await.unwrap().0, Listed::default());
}

#[tokio::test]
async fn whoever_became_an_administrator_is_listed_with_that_operation_only() {
    let accounts = testing::accounts().await;
    for number in [1, 2] {
        accounts.list_admin(id(1), op(number)).await.unwrap();
    }
    accounts.tidy_admin(id(1), op(2)).await;
    assert_eq!(listed(&accounts, id(1)).await, [op(2)]);
    let before = revision(&accounts).await;
    accounts.tidy_admin(id(1), op(2)).await;
    assert_eq!(revision(&accounts).await, before, "there is nothing to write");
}

#[tokio::test]
async fn a_full_list_takes_nobody_while_none_of_them_can_sign_in() {
    let accounts = testing::accounts().await;
    for number in 0..MAX_ADMINS {
        accounts.list_admin(id(u8::try_from(number).unwrap()), op(1)).await.unwrap();
    }
    assert!(matches!(accounts.list_admin(id(255), op(1)).await, Err(Error::TooManyAdmins)));
    assert_eq!(accounts.listed_admins().await.unwrap().0.0.len(), MAX_ADMINS);
}

#[tokio::test]
async fn nobody_is_listed_again_who_has_not_the_role() {
    let accounts = testing::accounts().await;
    let ada = person(&accounts, "ada", Grants::default()).await;
    accounts.list_again(ada.id).await;
    accounts.list_again(id(1)).await;
    assert_eq!(accounts.listed_admins().await.unwrap().0, Listed::default());
}

#[tokio::test]
async fn a_promotion_is_taken_back_once_it_has_failed_for_sure() {
    let accounts = testing::accounts().await;
    let root = person(&accounts, "root", Grants::admin()).await;
    accounts.unlist(root.id, root.admin_op.unwrap()).await;
    let (mut turn, mut next) = (Turn::new(Random, true), root.clone());
    accounts.take_turn(&root, Some(&mut next), &mut turn).await.unwrap();
    let mine = vec![next.admin_op.unwrap()];
    assert!(turn.is_promotion() && next.admin_op != root.admin_op);
    accounts.settle_turn::<()>(root.id, &turn, &Err(Error::StoreUnavailable(Unavailable("late".into())))).await;
    assert_eq!(listed(&accounts, root.id).await, mine, "it may have been committed");
    accounts.settle_turn::<()>(root.id, &turn, &Err(Error::Contended)).await;
    assert_eq!(listed(&accounts, root.id).await, Vec::new());
    // A change that had nothing to do with the list does not mend it.
    accounts.settle_turn::<()>(root.id, &Turn::new(Random, false), &Err(Error::Contended)).await;
    let root = accounts.find_user(root.id).await.unwrap().and_then(Stored::active).unwrap().value;
    assert!(!accounts.is_admin(&root).await.unwrap());
}

#[tokio::test]
async fn whoever_is_listed_is_no_administrator_without_the_role_the_operation_or_the_right_to_sign_in() {
    let accounts = testing::accounts().await;
    let root = person(&accounts, "root", Grants::admin()).await;
    let (listed, now) = (accounts.listed_admins().await.unwrap().0, accounts.now());
    let suspension = Some(Suspension { since: now, until: None, reason: None });
    assert!(listed.has(&root, now));
    assert!(!listed.has(&User { suspension, ..root.clone() }, now));
    assert!(!listed.has(&User { grants: Grants::default(), ..root.clone() }, now));
    assert!(!listed.has(&User { admin_op: Some(op(1)), ..root }, now));
}
