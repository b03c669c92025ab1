//! What accounts are and what can be done with them. Each use case is a method on [`Accounts`] in a file of its own.
//!
//! Nothing here knows of HTTP. Every change of an account is one [`Batch`](crate::store::Batch) in the person's slot,
//! with what it expects to find there; unique addresses and names across slots are the business of `claims`.

mod admins;
mod api_keys;
mod audit;
mod authority;
mod capability;
mod claims;
mod clock;
mod confirmations;
mod detached;
mod device_token;
mod digest;
mod email;
mod error;
mod events;
mod export;
mod grants;
mod hashing;
mod introspect;
mod json;
mod keys;
mod layout;
mod listing;
mod locale;
mod login;
mod metrics;
mod outbox;
mod password;
mod profile;
mod random;
mod records;
mod retry;
mod roles;
mod secret_text;
mod sessions;
mod signing;
mod statistics;
mod suspension;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod throttle;
mod token;
mod transfer;
mod user;
mod user_agent;
mod username;
mod users;

use std::sync::Arc;

use tokio::sync::Notify;

pub use self::{
    admins::FirstAdmin,
    api_keys::{ApiKey, ApiKeyId, ApiKeyName, ApiKeyText, InvalidApiKeyName, NewApiKey},
    audit::{AuditEvent, AuditSummary, Fault, Outcome},
    authority::{Actor, Authority, Origin},
    capability::{Capability, UnknownCapability},
    claims::HandleKind,
    clock::{Clock, SystemClock, Timestamp},
    confirmations::{ConfirmationCode, ConfirmationSettings, MailRequest, MailToken, Proof},
    device_token::DeviceToken,
    email::{EmailAddress, InvalidEmailAddress},
    error::Error,
    events::{Deletion, DeletionCursor, DeletionPage, Event, EventId, EventKind, EventPage, EventSettings, Who},
    export::{Confirmable, PersonalData},
    grants::{Grants, InvalidGrant, Permission, Role, TooManyGrants},
    hashing::{
        HashCost, HashRate, HashSettings, Hasher, InvalidCost, InvalidPepper, Pepper, measure as measure_hashes,
    },
    introspect::{Introspection, TokenClaims},
    json::{InvalidJson, read_json},
    layout::inspect,
    listing::{InvalidUserCursor, Page, Status, UserCursor, UserFilter, UserQuery},
    locale::{InvalidLocale, Locale},
    outbox::{MailId, Pending, UnsentMail},
    password::{Advice, InvalidPassword, NewPassword, Password, PasswordSettings, UnfitPassword},
    profile::{DisplayName, InvalidDisplayName, Metadata, MetadataTooLarge},
    random::Random,
    roles::{DefinedRole, InvalidRoleDescription, RoleBookFull, RoleDefinition, RoleDescription},
    sessions::{Scope, SessionSettings, SignIn},
    signing::{
        Algorithm, InvalidMasterSecret, KeyError, Keyring, MasterSecret, PublicKey, SigningKey, SigningSettings, Stage,
        Verified,
    },
    statistics::{DayFigures, Statistics},
    suspension::{InvalidSuspensionReason, Suspension, SuspensionReason},
    throttle::{InvalidLimits, Limit, Limits, Policy, ThrottleSettings, Throttled},
    token::{AccessToken, Issued, Reauthenticated, RefreshToken, Rotation, SignedIn, TokenSettings, Tokens},
    transfer::{
        ExportError, Exported, FaultKind, Import, ImportConflict, ImportError, ImportOutcome, ImportSummary, Imported,
        LineFault, LineProblem, Lines, MAX_LINE, RawLine,
    },
    user::{Device, Session, SessionId, User, UserId},
    username::{InvalidUsername, Username},
    users::{
        Change, GuardedPatch, IdempotencyKey, InvalidIdempotencyKey, ManagedPatch, NewAccount, PatchRequest,
        Registered, Registration, UserPatch, VersionMatch,
    },
};
use self::{
    detached::detached,
    device_token::DeviceKey,
    events::Failures,
    metrics::Metrics,
    retry::Retry,
    sessions::BeingNoted,
    statistics::LastCount,
    token::{InDoubt, VerifiedTokens},
    transfer::UnderWay,
};
pub use crate::store::in_one_request;
use crate::{
    breaches::Breaches,
    store::{Name, OpenError, REQUEST_DEADLINE, Store},
};

/// The accounts in a store, and everything that can be done with them.
pub struct Accounts {
    store: Arc<Store>,
    hasher: Hasher,
    breaches: Breaches,
    clock: Arc<dyn Clock>,
    random: Random,
    keyring: Keyring,
    settings: Settings,
    verified: VerifiedTokens,
    being_noted: BeingNoted,
    in_doubt: InDoubt,
    devices: DeviceKey,
    /// Told when a mail is put into the outbox.
    mail_queued: Notify,
    failures: Failures,
    imports: UnderWay,
    last_count: LastCount,
    metrics: Metrics,
}

/// What an operator decides about accounts.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Which passwords may be chosen.
    pub passwords: PasswordSettings,
    /// Sessions.
    pub sessions: SessionSettings,
    /// What access tokens say.
    pub tokens: TokenSettings,
    /// How access tokens are signed.
    pub signing: SigningSettings,
    /// What is mailed to be confirmed.
    pub confirmations: ConfirmationSettings,
    /// The audit trail.
    pub events: EventSettings,
    /// How often what may be tried.
    pub throttle: ThrottleSettings,
    /// Whether registering tells nobody that an address has an account.
    pub conceal_accounts: bool,
}

impl Settings {
    /// Whether registering tells nobody that an address has an account: whoever has to confirm it finds out there.
    fn conceals(&self) -> bool {
        self.conceal_accounts || self.confirmations.required
    }
}

impl std::fmt::Debug for Accounts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Accounts").field("store", &self.store).finish_non_exhaustive()
    }
}

impl Accounts {
    /// Takes a store into use.
    ///
    /// # Errors
    /// [`OpenError`] when the store was made with another layout, or does not answer.
    pub async fn open(
        store: Store,
        hasher: Hasher,
        breaches: Breaches,
        clock: Arc<dyn Clock>,
        settings: Settings,
    ) -> Result<Self, OpenError> {
        layout::establish(&store).await?;
        let devices = DeviceKey::establish(&store, Random).await?;
        let accounts = Self::over(store, hasher, breaches, clock, settings, devices);
        accounts.keyring.start().await.map_err(|e| OpenError(e.to_string()))?;
        Ok(accounts)
    }

    /// Takes a store that is in use already, and writes nothing into one that is not.
    ///
    /// # Errors
    /// [`OpenError`] when the store holds no accounts and never has, was made with another layout, or does not answer.
    pub async fn open_existing(
        store: Store,
        hasher: Hasher,
        clock: Arc<dyn Clock>,
        settings: Settings,
    ) -> Result<Self, OpenError> {
        layout::expect_ours(&store).await?;
        Ok(Self::over(store, hasher, Breaches::default(), clock, settings, DeviceKey::unused(Random)))
    }

    fn over(
        store: Store,
        hasher: Hasher,
        breaches: Breaches,
        clock: Arc<dyn Clock>,
        settings: Settings,
        devices: DeviceKey,
    ) -> Self {
        let store = Arc::new(store);
        let keyring = Keyring::new(Arc::clone(&store), Arc::clone(&clock), Random, settings.signing.clone());
        let (verified, being_noted) = (VerifiedTokens::default(), BeingNoted::default());
        let in_doubt = InDoubt::default();
        Self {
            store,
            hasher,
            breaches,
            clock,
            random: Random,
            keyring,
            settings,
            verified,
            being_noted,
            in_doubt,
            devices,
            mail_queued: Notify::new(),
            failures: Failures::default(),
            imports: UnderWay::default(),
            last_count: LastCount::default(),
            metrics: Metrics::default(),
        }
    }

    /// Whether the store answers, and has a key to sign tokens with.
    ///
    /// # Errors
    /// [`Error::StoreUnavailable`] and [`Error::NoSigningKey`].
    pub async fn check_ready(&self) -> Result<(), Error> {
        self.store.get(&keys::meta().key(&Name::ROOT)).await?;
        self.keyring.check_ready()
    }

    /// The present, by the clock that everything here goes by.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// What the operator decided.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Collects expired records, where the store does not do it by itself.
    ///
    /// # Errors
    /// [`Error::StoreUnavailable`] when the store does not answer.
    pub async fn collect_expired(&self) -> Result<(), Error> {
        while self.store.collect_expired(self.clock.now().as_millis()).await? > 0 {}
        Ok(())
    }

    /// What signs access tokens.
    #[must_use]
    pub fn keyring(&self) -> &Keyring {
        &self.keyring
    }

    /// What hashes passwords.
    #[must_use]
    pub fn hasher(&self) -> &Hasher {
        &self.hasher
    }

    /// Has imports end soon, so that their clients can be told how far they got.
    pub fn stop(&self) {
        self.imports.ask_to_end();
    }

    /// Lets the store go, after the last request.
    pub async fn close(&self) {
        tokio::join!(self.failures.settle(REQUEST_DEADLINE), self.imports.end());
        self.store.close().await;
    }

    fn retry(&self) -> Retry {
        Retry::new(self.random)
    }
}
