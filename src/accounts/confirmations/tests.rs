//! What a letter is about, as the person is now.

use super::*;
use crate::accounts::{
    testing::user_of,
    user::{OperationId, PreviousEmail},
    users::NewAccount,
};

fn address(name: &str) -> EmailAddress {
    EmailAddress::parse(&format!("{name}@example.com")).unwrap()
}

#[test]
fn a_letter_is_about_an_address_that_the_person_has_to_do_with_in_that_way() {
    let (op, now) = (OperationId::from_bytes([1; 16]), Timestamp::UNIX_EPOCH);
    let until = now.plus(Duration::from_secs(1));
    let user = User {
        pending_email: Some(address("next")),
        previous_email: Some(PreviousEmail { address: address("former"), op, until }),
        ..user_of(&NewAccount::of(address("ada")))
    };
    let about = |purpose: Purpose, now| {
        let names = ["ada", "next", "former", "eve"].into_iter();
        names.filter(|name| purpose.is_about(&address(name), &user, now)).collect::<Vec<_>>()
    };
    assert_eq!(about(Purpose::Verification, now), ["ada", "next"]);
    assert_eq!(about(Purpose::Reset, now), ["ada"]);
    assert_eq!(about(Purpose::Undo, now), ["former"]);
    assert_eq!(about(Purpose::Undo, until), Vec::<&str>::new());
}
