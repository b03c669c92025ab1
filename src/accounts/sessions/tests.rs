//! Signing in and out, step by step.

use std::sync::Arc;

use super::{Scope, SignIn};
use crate::{
    accounts::{
        Accounts, EmailAddress, MailRequest, NewPassword, Password, Registered, Registration, metrics::Ending,
        profile::Metadata, testing, token::SignedIn, user::Device,
    },
    metrics::Page,
};

const EMAIL: &str = "ada@example.com";
const PASSWORD: &str = "correct horse battery staple";

/// Accounts, and somebody who has one.
async fn accounts() -> Arc<Accounts> {
    let accounts = testing::accounts().await;
    let registration = Registration {
        email: EmailAddress::parse(EMAIL).unwrap(),
        password: NewPassword::parse(PASSWORD).unwrap(),
        username: None,
        name: None,
        locale: None,
        metadata: Metadata::default(),
    };
    let registered = accounts.register(registration, None, MailRequest::default()).await.unwrap();
    assert!(matches!(registered, Registered::Made(_)));
    accounts
}

impl Accounts {
    async fn signed_in(self: &Arc<Self>) -> SignedIn {
        let device = Device { user_agent: None, address: None };
        let request = SignIn { login: EMAIL.to_owned(), password: Password::new(PASSWORD), device, device_token: None };
        let issued = self.sign_in(request).await.unwrap();
        self.authenticate(&issued.tokens.access, None).await.unwrap()
    }
}

#[tokio::test]
async fn a_sign_in_takes_one_hash() {
    let accounts = accounts().await;
    let hashes = || {
        let mut page = Page::default();
        accounts.hasher().write(&mut page);
        let page = format!("{page:?}");
        let count = page.split("latchkey_hash_wait_seconds_count ").nth(1).unwrap();
        count.chars().take_while(char::is_ascii_digit).collect::<String>().parse::<u32>().unwrap()
    };
    let before = hashes();
    accounts.signed_in().await;
    assert_eq!(hashes() - before, 1);
}

#[tokio::test]
async fn whoever_signs_out_of_a_session_that_has_ended_meanwhile_is_signed_out() {
    let accounts = accounts().await;
    let who = accounts.signed_in().await;
    accounts.end_session(&who, who.session().id).await.unwrap();
    accounts.sign_out(&who).await.unwrap();
    let counted = [Ending::One, Ending::Current].map(|ending| accounts.metrics.sessions_ended.of(ending).get());
    assert_eq!(counted, [1, 0], "it is counted once");
}

#[tokio::test]
async fn ending_all_sessions_and_ending_all_others_are_counted_apart() {
    let accounts = accounts().await;
    let counted = || [Ending::All, Ending::Others].map(|ending| accounts.metrics.sessions_ended.of(ending).get());
    accounts.end_sessions(accounts.signed_in().await, Scope::Others).await.unwrap();
    assert_eq!(counted(), [0, 1]);
    accounts.end_sessions(accounts.signed_in().await, Scope::All).await.unwrap();
    assert_eq!(counted(), [1, 1]);
}
