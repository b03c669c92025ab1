//! Accounts in a store of their own, for tests of what no request does by itself.

use std::{sync::Arc, time::Duration};

use super::{
    Accounts, Authority, ConfirmationSettings, EmailAddress, EventSettings, Grants, HashCost, HashSettings, Hasher,
    NewAccount, PasswordSettings, SessionSettings, Settings, SigningSettings, SystemClock, ThrottleSettings,
    TokenSettings, User, random::Random,
};
use crate::{
    breaches::Breaches,
    store::{Embedded, Store},
};

const HOUR: Duration = Duration::from_secs(3600);

/// On an embedded store in memory, with hashes that cost nothing and without throttles.
pub(super) async fn accounts() -> Arc<Accounts> {
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
        throttle: ThrottleSettings::default(),
        conceal_accounts: false,
    };
    let store = Store::Embedded(Embedded::in_memory().unwrap());
    Arc::new(Accounts::open(store, hasher, Breaches::default(), Arc::new(SystemClock), settings).await.unwrap())
}

/// Makes an account for somebody by the first part of their address.
pub(super) async fn person(accounts: &Arc<Accounts>, name: &str, grants: Grants) -> User {
    let email = EmailAddress::parse(&format!("{name}@example.com")).unwrap();
    let account = NewAccount { grants, ..NewAccount::of(email) };
    accounts.create_user(Authority::operator(), account).await.unwrap()
}
