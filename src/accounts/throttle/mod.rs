//! Throttles: how often a password may be tried, and how many accounts one address may make.
//!
//! An attempt is noted as running before anything is spent on it, and as made when it turns out to count: a wrong password
//! does, a right one does not. What is running and what was made must not exceed the limit together, so many attempts at
//! once are no way around. One that is refused is not counted, so nobody is kept out for longer by going on.
//!
//! Time is cut into windows, which begin at another moment for everybody, and each window has a counter of its own.
//! Nothing needs to be reset: a counter is left behind when its window ends.

mod limits;
mod subject;

use std::time::Duration;

pub use self::limits::{InvalidLimits, Limit, Limits};
pub use self::subject::Policy;
pub(super) use self::subject::Subject;
use super::{Accounts, digest::Digest, error::Error};
use crate::store::Counter;

/// What an operator allows.
#[derive(Clone, Debug, Default)]
pub struct ThrottleSettings {
    /// Wrong passwords for one login, for one device that signed in before, and for one person who is signed in.
    pub per_account: Limits,
    /// Wrong passwords from one address.
    pub per_address: Limits,
    /// Registrations from one address.
    pub registrations: Limits,
    /// Mails to one address that somebody asked for.
    pub mails_per_address: Limits,
    /// Mails that are asked for from one address, or by one person who is signed in.
    pub mails_per_sender: Limits,
}

/// There were too many attempts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Throttled {
    /// What is counted.
    pub policy: Policy,
    /// The limit that is reached.
    pub limit: Limit,
    /// After how long it is worth another try: at least a second.
    pub retry_after: Duration,
}

/// How long an attempt may be noted as running, at least: longer than any takes.
const RUNNING: Duration = Duration::from_secs(30);

/// How much longer a counter is kept than anybody should count: clocks differ.
const SPARE: Duration = Duration::from_secs(60);

/// An attempt that was let through.
#[derive(Debug)]
#[must_use = "it runs until it ends"]
pub(super) struct Attempt {
    /// How many are running for each subject.
    running: Vec<Counter>,
    /// How many were made in each window.
    made: Vec<Counter>,
}

impl Accounts {
    /// Lets an attempt through, unless there were too many for one of the subjects. For as long as others are running that
    /// may not count, it waits.
    ///
    /// # Errors
    /// [`Error::Throttled`].
    pub(super) async fn attempt(&self, subjects: &[Subject]) -> Result<Attempt, Error> {
        let mut retry = self.retry();
        loop {
            match self.attempt_once(subjects).await {
                Err(refused) if refused.waits_for_others && retry.pause().await.is_ok() => {}
                outcome => {
                    let refused = outcome.as_ref().err().map(|refused| refused.throttled.policy);
                    refused.inspect(|policy| self.metrics.throttled.of(*policy).add_one());
                    return outcome.map_err(|refused| Error::Throttled(refused.throttled));
                }
            }
        }
    }

    async fn attempt_once(&self, subjects: &[Subject]) -> Result<Attempt, Refused> {
        let now = self.clock.now().as_millis();
        let limited = subjects.iter().filter_map(|subject| {
            let limits = subject.limits(&self.settings.throttle).iter();
            let windows = limits.map(|limit| Window::of(subject, limit, now)).collect::<Vec<_>>();
            (!windows.is_empty()).then(|| (running(subject, now), windows))
        });
        let (running, windows): (Vec<_>, Vec<_>) = limited.unzip();
        let (running, before): (Vec<_>, Vec<_>) = running.into_iter().unzip();
        let made = windows.iter().flatten().map(|window| window.made.clone()).collect::<Vec<_>>();
        let attempt = Attempt { running, made };
        if attempt.running.is_empty() {
            return Ok(attempt);
        }
        let begun = attempt.running.iter().map(|counter| (counter.clone(), 1));
        let looked_at = before.iter().chain(&attempt.made).map(|counter| (counter.clone(), 0));
        let mut counts = self.store.hit(&begun.chain(looked_at).collect::<Vec<_>>()).await.into_iter();
        let running = counts.by_ref().take(windows.len()).collect::<Vec<_>>();
        let before = counts.by_ref().take(windows.len()).collect::<Vec<_>>();
        // An attempt that begins when Redis counts and ends when it does not, or the other way round, leaves less than none.
        let running = running.into_iter().zip(before).map(|(now, before)| now.max(0).saturating_add(before.max(0)));
        let windows = windows
            .into_iter()
            .zip(running)
            .flat_map(|(windows, running)| windows.into_iter().map(move |w| (w, running)));
        // The count is known to have as many members as there are counters.
        let refusals = windows.zip(counts).filter_map(|((window, running), made)| window.refuse(made, running));
        match refusals.max_by_key(|refused| refused.throttled.retry_after) {
            None => Ok(attempt),
            Some(refused) => {
                self.end(attempt, false).await;
                Err(refused)
            }
        }
    }

    /// Ends an attempt, which counts or not.
    pub(super) async fn end(&self, Attempt { running, made }: Attempt, counts: bool) {
        // What was made is noted first, so that it is missing at no moment.
        let made = made.into_iter().filter(|_| counts).map(|counter| (counter, 1));
        let hits = made.chain(running.into_iter().map(|counter| (counter, -1))).collect::<Vec<_>>();
        if !hits.is_empty() {
            self.store.hit(&hits).await;
        }
    }

    /// Does what tries a password or a code, which counts if it was wrong.
    pub(super) async fn trying<T>(
        &self,
        subjects: &[Subject],
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let attempt = self.attempt(subjects).await?;
        let outcome = work.await;
        let was_wrong = |error: &Error| {
            matches!(error, Error::InvalidCredentials | Error::CurrentPasswordIncorrect | Error::ConfirmationInvalid)
        };
        self.end(attempt, outcome.as_ref().is_err_and(was_wrong)).await;
        outcome
    }
}

/// Why an attempt was not let through.
struct Refused {
    throttled: Throttled,
    /// Whether it would be if those that are running do not count.
    waits_for_others: bool,
}

/// The present window of a limit, for one subject.
struct Window {
    policy: Policy,
    limit: Limit,
    /// Milliseconds until its end.
    remaining: u64,
    made: Counter,
}

impl Window {
    fn of(subject: &Subject, limit: Limit, now: i64) -> Self {
        let length = u64::try_from(limit.window.as_millis()).unwrap_or(u64::MAX).max(1);
        let phase = u64::from(Digest::of(subject.name().as_bytes()).first_byte()) * length / 256;
        let now = u64::try_from(now).unwrap_or(0).saturating_add(phase);
        let number = now / length;
        let made = counter(subject, &format!("{length}:{number}"), limit.window + SPARE);
        Self { policy: subject.policy(), limit, remaining: length - now % length, made }
    }

    /// Refuses an attempt with which there are so many running, after so many made.
    fn refuse(self, made: i64, running: i64) -> Option<Refused> {
        let Self { policy, limit, remaining, .. } = self;
        let most = i64::from(limit.attempts);
        let waits_for_others = made < most;
        let seconds = if waits_for_others { 1 } else { remaining.div_ceil(1000).max(1) };
        let throttled = Throttled { policy, limit, retry_after: Duration::from_secs(seconds) };
        (made.saturating_add(running) > most).then_some(Refused { throttled, waits_for_others })
    }
}

/// How many attempts are running that began in the present piece of time, and how many of those that began in the one
/// before. An attempt ends in the counter in which it began, and before that is gone.
fn running(subject: &Subject, now: i64) -> (Counter, Counter) {
    let piece = u128::try_from(now).unwrap_or(0) / RUNNING.as_millis();
    let [present, before] = [piece, piece.saturating_sub(1)]
        .map(|piece| counter(subject, &format!("running:{piece}"), RUNNING * 2 + SPARE));
    (present, before)
}

/// A counter of a subject. One server counts all of them, in order: so whoever does not see an attempt run any more sees that
/// it was made. The digest keeps the name short, and email addresses out of it.
fn counter(subject: &Subject, name: &str, life: Duration) -> Counter {
    Counter::new(Digest::of(subject.name().as_bytes()).to_string(), name, life)
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, sync::Arc};

    use super::*;
    use crate::accounts::{clock::SystemClock, login::Login, testing};

    const NOW: i64 = 1_700_000_000_000;
    const LIMIT: Limit = Limit { attempts: 5, window: Duration::from_secs(60) };

    fn window(login: &str, now: i64) -> Window {
        Window::of(&Subject::Login(Login::read(login)), LIMIT, now)
    }

    #[test]
    fn a_window_ends_when_it_says() {
        let first = window("ada@example.com", NOW);
        assert!((1..=60_000).contains(&first.remaining));
        let remaining = i64::try_from(first.remaining).unwrap();
        let last = window("ada@example.com", NOW + remaining - 1);
        assert_eq!((last.remaining, last.made), (1, first.made.clone()));
        let next = window("ada@example.com", NOW + remaining);
        assert_eq!(next.remaining, 60_000);
        assert_ne!(next.made, first.made);
        assert_eq!(next.made.life, LIMIT.window + SPARE);
    }

    #[test]
    fn the_windows_of_many_begin_all_over_the_time() {
        let quarter = |n| window(&format!("ada{n}@example.com"), NOW).remaining.div_ceil(15_000);
        assert_eq!((0..100).map(quarter).collect::<BTreeSet<_>>(), (1..=4).collect());
    }

    #[test]
    fn two_limits_and_two_subjects_share_no_counter() {
        let minute = window("ada@example.com", NOW);
        let hour = Limit { window: Duration::from_secs(3600), ..LIMIT };
        assert_ne!(Window::of(&Subject::Login(Login::read("ada@example.com")), hour, NOW).made, minute.made);
        assert_ne!(window("bob@example.com", NOW).made, minute.made);
    }

    #[test]
    fn what_runs_is_counted_for_as_long_as_it_may_run() {
        let (subject, step) =
            (Subject::Login(Login::read("ada@example.com")), i64::try_from(RUNNING.as_millis()).unwrap());
        let (begun, _) = running(&subject, NOW);
        assert_eq!(begun.life, RUNNING * 2 + SPARE);
        for later in [1, step / 2, step] {
            let (present, before) = running(&subject, NOW + later);
            assert!(present == begun || before == begun, "{later} ms later");
        }
        let (present, before) = running(&subject, NOW + 2 * step);
        assert!(present != begun && before != begun);
    }

    #[tokio::test]
    async fn whoever_comes_while_others_are_running_waits_whether_these_count() {
        let per_account = "1/1h".parse().unwrap();
        let settings = ThrottleSettings { per_account, ..ThrottleSettings::default() };
        let accounts = testing::accounts_with(Arc::new(SystemClock), settings).await;
        let subjects = [Subject::Login(Login::read("ada@example.com"))];
        for counts in [false, true] {
            let first = accounts.attempt(&subjects).await.unwrap();
            let (second, ()) = tokio::join!(accounts.attempt(&subjects), accounts.end(first, counts));
            assert_eq!(second.is_err(), counts, "{second:?}");
            if let Ok(second) = second {
                accounts.end(second, false).await;
            }
        }
    }

    #[test]
    fn what_runs_and_what_was_made_stay_within_the_limit() {
        let refuse = |made, running| window("ada@example.com", NOW).refuse(made, running);
        for (made, running) in [(0, 1), (0, 5), (4, 1), (2, 3)] {
            assert!(refuse(made, running).is_none(), "{made} {running}");
        }
        for (made, running, waits) in [(0, 6, true), (4, 2, true), (5, 1, false), (9, 1, false)] {
            let refused = refuse(made, running).unwrap();
            assert_eq!(refused.waits_for_others, waits, "{made} {running}");
            assert_eq!(refused.throttled.retry_after == Duration::from_secs(1), waits, "{made} {running}");
        }
    }
}
