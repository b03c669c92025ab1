//! Accounts in a store of their own, for tests of what no request does by itself.

use std::{sync::Arc, time::Duration};

use super::{
    Accounts, Authority, Clock, ConfirmationSettings, EmailAddress, EventSettings, Grants, HashCost, HashSettings,
    Hasher, NewAccount, PasswordSettings, SessionSettings, Settings, SigningSettings, SystemClock, ThrottleSettings,
    Timestamp, TokenSettings, User,
    claims::Claim,
    keys::Home,
    random::Random,
    user::{OperationId, UserId},
    users,
};
use crate::{
    breaches::Breaches,
    store::{Batch, Embedded, Store},
};

const HOUR: Duration = Duration::from_secs(3600);

const HASH: &str = "$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// On an embedded store in memory, with hashes that cost nothing and without throttles.
pub(super) async fn accounts() -> Arc<Accounts> {
    accounts_with(Arc::new(SystemClock), ThrottleSettings::default()).await
}

/// As [`accounts`], with this clock and these throttles.
pub(super) async fn accounts_with(clock: Arc<dyn Clock>, throttle: ThrottleSettings) -> Arc<Accounts> {
    let cost = HashCost { memory_kib: 8, iterations: 1, parallelism: 1 };
    let hasher = Hasher::start(HashSettings { cost, threads: 1, queue: None, peppers: Vec::new() }, Random).unwrap();
    let settings = Settings {
        passwords: PasswordSettings { min_length: 8, min_score: 0 },
        sessions: SessionSettings { lifetime: HOUR, idle_timeout: HOUR, most: 100 },
        tokens: TokenSettings { issuer: "https://test".into(), audience: "https://test".into(), lifetime: HOUR },
        signing: SigningSettings::default(),
        confirmations: ConfirmationSettings {
            required: false,
            verification_lifetime: HOUR,
            reset_lifetime: HOUR,
            invitation_lifetime: HOUR,
        },
        events: EventSettings { retention: HOUR },
        throttle,
        conceal_accounts: false,
    };
    let store = Store::Embedded(Embedded::in_memory().unwrap());
    Arc::new(Accounts::open(store, hasher, Breaches::default(), clock, settings).await.unwrap())
}

/// Makes an account for somebody by the first part of their address.
pub(super) async fn person(accounts: &Arc<Accounts>, name: &str, grants: Grants) -> User {
    let email = EmailAddress::parse(&format!("{name}@example.com")).unwrap();
    let account = NewAccount { grants, ..NewAccount::of(email) };
    accounts.create_user(Authority::operator(), account).await.unwrap()
}

/// The user whom an operation of only ones would make of this at the beginning of the epoch.
pub(super) fn user_of(account: &NewAccount) -> User {
    let op = OperationId::from_bytes([1; 16]);
    let claim = Claim { user: UserId::NIL, fence: 0, op, at: Timestamp::UNIX_EPOCH };
    account.to_user(&claim, HASH.parse().unwrap())
}

/// Writes a user as they are, and claims nothing.
pub(super) async fn put(accounts: &Accounts, user: &User) {
    let mut batch = Batch::new(Home::of(user.id).slot());
    users::write(&mut batch, None, user);
    accounts.store.commit(batch).await.unwrap();
}
