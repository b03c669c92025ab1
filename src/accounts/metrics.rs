//! What is counted of accounts, and how it is shown. Nothing of it says whose they are.

use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::{sync::Mutex, time::Instant};

use super::{Accounts, error::Error, outbox::Pending, throttle::Policy};
use crate::{
    mail::LetterKind,
    metrics::{By, Counter, Label, Page, Source, label},
    store::in_one_request,
};

/// For how long what had to be asked of the store is shown again: so whoever looks at the page all the time asks no more
/// than others.
const ASKED_EVERY: Duration = Duration::from_secs(2);

/// What is counted.
pub(super) struct Metrics {
    pub(super) sign_ins: By<Outcome, Counter>,
    pub(super) registrations: By<Outcome, Counter>,
    pub(super) refreshes: By<Outcome, Counter>,
    pub(super) sessions_ended: By<Ending, Counter>,
    pub(super) tokens_issued: Counter,
    pub(super) tokens_checked: By<Outcome, Counter>,
    pub(super) throttled: By<Policy, Counter>,
    pub(super) mails: By<LetterKind, By<Sending, Counter>>,
    pub(super) mails_given_up: By<LetterKind, Counter>,
    /// A lock of tokio, since it is held while the store is asked: of those who want to know at once, one asks.
    asked: Mutex<Option<(Instant, Asked)>>,
}

/// What has to be asked of the store.
#[derive(Clone, Copy)]
struct Asked {
    is_ready: bool,
    pending: Option<Pending>,
}

label! {
    /// What came of a use case.
    pub(super) enum Outcome {
        Ok = "ok",
        /// A wrong password, an unknown login, a token that is not good.
        Invalid = "invalid",
        Expired = "expired",
        Reused = "reused",
        NotVerified = "not_verified",
        Taken = "taken",
        Unfit = "unfit_password",
        Throttled = "throttled",
        Overloaded = "overloaded",
        /// The store did not do it.
        Failed = "failed",
    }
}

label! {
    /// Which sessions a person ended.
    pub(super) enum Ending {
        Current = "current",
        One = "one",
        Others = "others",
        All = "all",
    }
}

label! {
    /// What came of sending a letter.
    pub(super) enum Sending {
        Sent = "sent",
        Failed = "failed",
        NotNeeded = "not_needed",
    }
}

impl Label for LetterKind {
    const ALL: &'static [Self] = &Self::ALL;

    fn name(self) -> &'static str {
        self.name()
    }
}

impl Outcome {
    pub(super) fn of<T>(outcome: &Result<T, Error>) -> Self {
        match outcome {
            Ok(_) => Self::Ok,
            Err(Error::InvalidCredentials | Error::TokenInvalid | Error::RefreshTokenInvalid) => Self::Invalid,
            Err(Error::TokenExpired) => Self::Expired,
            Err(Error::RefreshTokenReused) => Self::Reused,
            Err(Error::EmailNotVerified) => Self::NotVerified,
            Err(Error::EmailTaken | Error::UsernameTaken) => Self::Taken,
            Err(Error::UnfitPassword(_)) => Self::Unfit,
            Err(Error::Throttled(_)) => Self::Throttled,
            Err(Error::Overloaded { .. }) => Self::Overloaded,
            Err(_) => Self::Failed,
        }
    }
}

impl By<Outcome, Counter> {
    /// Counts what came of a use case.
    pub(super) fn note<T>(&self, outcome: &Result<T, Error>) {
        let outcome = Outcome::of(outcome);
        self.of(if self.has(outcome) { outcome } else { Outcome::Failed }).add_one();
    }
}

impl Default for Metrics {
    fn default() -> Self {
        use Outcome::{Expired, Failed, Invalid, NotVerified, Ok, Overloaded, Reused, Taken, Throttled, Unfit};
        Self {
            sign_ins: By::over(&[Ok, Invalid, NotVerified, Throttled, Overloaded, Failed]),
            registrations: By::over(&[Ok, Taken, Unfit, Throttled, Overloaded, Failed]),
            refreshes: By::over(&[Ok, Invalid, Reused, Failed]),
            sessions_ended: By::default(),
            tokens_issued: Counter::default(),
            tokens_checked: By::over(&[Ok, Invalid, Expired, Failed]),
            throttled: By::default(),
            mails: By::default(),
            mails_given_up: By::default(),
            asked: Mutex::default(),
        }
    }
}

impl Source for Accounts {
    fn write<'a>(&'a self, page: &'a mut Page) -> BoxFuture<'a, ()> {
        Box::pin(async {
            let asked = self.ask().await;
            self.metrics.write(page);
            self.write_outbox(page, asked.pending);
            page.gauge("latchkey_ready", "Whether requests can be served: 1 or 0.").is(&[], u8::from(asked.is_ready));
            self.hasher.write(page);
            self.store.write_numbers(page);
        })
    }
}

impl Accounts {
    /// What the store says, or said some seconds ago.
    async fn ask(&self) -> Asked {
        let mut last = self.metrics.asked.lock().await;
        if let Some((_, asked)) = last.filter(|(at, _)| at.elapsed() < ASKED_EVERY) {
            return asked;
        }
        let asked = in_one_request(async {
            let is_ready = self.check_ready().await.is_ok();
            let pending = if is_ready { Pending::count(&self.store, self.clock.now()).await.ok() } else { None };
            Asked { is_ready, pending }
        });
        let asked = asked.await;
        *last = Some((Instant::now(), asked));
        asked
    }

    /// The outbox of all instances together. It is not told while it is not known.
    fn write_outbox(&self, page: &mut Page, pending: Option<Pending>) {
        let overdue = |pending: Pending| {
            pending.due_since.map_or(Duration::ZERO, |since| since.until(self.clock.now())).as_secs()
        };
        let mut queued = page.gauge("latchkey_mail_queued", "Letters that are to be sent, by any instance.");
        pending.inspect(|pending| queued.is(&[], pending.queued));
        let about = "For how long the letter that is due the longest has been due.";
        let mut overdue_seconds = page.gauge("latchkey_mail_overdue_seconds", about);
        pending.inspect(|pending| overdue_seconds.is(&[], overdue(*pending)));
        let mut dead = page.gauge("latchkey_mail_dead", "Letters that were given up in the last 30 days.");
        pending.inspect(|pending| dead.is(&[], pending.dead));
    }
}

impl Metrics {
    fn write(&self, page: &mut Page) {
        page.counter("latchkey_sign_ins_total", "Sign-ins; each `ok` began a session.").by("outcome", &self.sign_ins);
        let about = "Registrations, also by administrators over HTTP, as they went, whatever clients were told.";
        page.counter("latchkey_registrations_total", about).by("outcome", &self.registrations);
        page.counter("latchkey_refreshes_total", "Refresh tokens that came; each `reused` ended its session.")
            .by("outcome", &self.refreshes);
        page.counter("latchkey_sign_outs_total", "How often somebody ended sessions.")
            .by("scope", &self.sessions_ended);
        page.counter("latchkey_access_tokens_issued_total", "Access tokens that were given.")
            .is(&[], self.tokens_issued.get());
        page.counter(
            "latchkey_access_tokens_checked_total",
            "Access tokens that came: `ok` was signed here and has not expired.",
        )
        .by("outcome", &self.tokens_checked);
        page.counter("latchkey_throttled_total", "Attempts that were refused, since there were too many.")
            .by("policy", &self.throttled);
        let mut mails = page.counter("latchkey_mails_total", "Letters that this instance tried to send.");
        for (kind, outcomes) in self.mails.iter() {
            mails.by_both(&[("kind", kind)], "outcome", outcomes);
        }
        page.counter("latchkey_mails_given_up_total", "Letters that this instance gave up.")
            .by("kind", &self.mails_given_up);
    }
}
