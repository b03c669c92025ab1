//! What a patch changes of a user beside what a client sees.

use super::{Change, NewAccount, UserPatch};
use crate::accounts::{
    claims::Claim,
    clock::Timestamp,
    email::EmailAddress,
    user::{OperationId, User, UserId},
    username::Username,
};

const HASH: &str = "$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

fn op(number: u8) -> OperationId {
    OperationId::from_bytes([number; 16])
}

fn ada() -> User {
    let claim = Claim { user: UserId::NIL, fence: 0, op: op(1), at: Timestamp::UNIX_EPOCH };
    let account = NewAccount::of(EmailAddress::parse("ada@example.com").unwrap());
    let account = NewAccount { username: Some(Username::parse("ada").unwrap()), ..account };
    account.to_user(&claim, HASH.parse().unwrap())
}

#[test]
fn another_username_has_its_own_operation_and_raises_the_fence() {
    let ada = ada();
    let renamed = |username| {
        let patch = UserPatch { username, ..UserPatch::default() };
        let next = patch.apply(&ada, None, false, op(2), Timestamp::UNIX_EPOCH).unwrap();
        (next.username_op, next.fence - ada.fence)
    };
    let to = |name: &str| Change::Set(Username::parse(name).unwrap());
    assert_eq!(renamed(to("eve")), (Some(op(2)), 1));
    assert_eq!(renamed(Change::Clear), (None, 1));
    assert_eq!(renamed(to("ADA")), (Some(op(1)), 0), "it is claimed as before");
}
