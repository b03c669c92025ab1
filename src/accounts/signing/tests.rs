//! Several instances over one store, along time.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;

use super::{Keyring, MasterSecret, SigningSettings, Stage, inspect::inspect, keyring::Look, record};
use crate::{
    accounts::{
        clock::{Clock, Timestamp},
        error::Error,
        keys,
        random::Random,
    },
    store::{Batch, Embedded, Finding, Name, Record, Severity, Store},
};

/// A clock that stands until it is moved, in milliseconds.
struct Standing(AtomicI64);

impl Clock for Standing {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

struct Place {
    store: Arc<Store>,
    clock: Arc<Standing>,
}

impl Place {
    fn new() -> Self {
        let store = Store::Embedded(Embedded::in_memory().unwrap());
        Self { store: Arc::new(store), clock: Arc::new(Standing(AtomicI64::new(1_700_000_000_000))) }
    }

    fn keyring(&self, secrets: &[&str]) -> Keyring {
        let master_secrets = secrets.iter().map(|letter| MasterSecret::parse(&letter.repeat(32)).unwrap()).collect();
        let settings = SigningSettings { master_secrets, ..SigningSettings::default() };
        Keyring::new(Arc::clone(&self.store), self.clock.clone(), Random, settings)
    }

    async fn started(&self, secrets: &[&str]) -> Keyring {
        let keyring = self.keyring(secrets);
        keyring.start().await.unwrap();
        keyring
    }

    async fn record(&self) -> Record {
        self.store.get(&keys::signing().key(&Name::ROOT)).await.unwrap().unwrap()
    }

    /// What an operator is told about the sealing with these secrets.
    async fn told(&self, secrets: &[&str]) -> Finding {
        inspect(&self.store, &self.keyring(secrets).settings.master_secrets).await.pop().unwrap()
    }

    fn pass(&self, minutes: u64) {
        let millis = i64::try_from(Duration::from_secs(minutes * 60).as_millis()).unwrap();
        self.clock.0.fetch_add(millis, Ordering::SeqCst);
    }
}

async fn stages(keyring: &Keyring) -> Vec<Stage> {
    keyring.list().await.unwrap().iter().map(|key| key.stage).collect()
}

#[tokio::test]
async fn instances_that_start_at_once_agree_on_one_key() {
    let place = Place::new();
    let keyrings = [(); 8].map(|()| place.keyring(&[]));
    for started in futures_util::future::join_all(keyrings.iter().map(Keyring::start)).await {
        started.unwrap();
    }
    let token = keyrings[0].sign(b"{}").unwrap();
    for keyring in &keyrings {
        let verified = keyring.verify(&token).await.unwrap().unwrap();
        assert_eq!((verified.payload.as_slice(), keyring.holds(&verified.kid)), (b"{}".as_slice(), true));
        assert_eq!(stages(keyring).await, [Stage::Signing]);
    }
}

#[tokio::test]
async fn a_rotation_is_followed_and_the_old_key_stays_for_its_tokens() {
    let place = Place::new();
    let (operator, running) = (place.keyring(&[]), place.started(&[]).await);
    let old = running.sign(b"old").unwrap();
    let new = operator.rotate(false).await.unwrap();
    assert_eq!(new.stage, Stage::Waiting);
    running.keep().await.unwrap();
    assert!(running.holds(&new.kid), "it is published before it signs");
    place.pass(10);
    let token = running.sign(b"new").unwrap();
    assert_eq!(running.verify(&token).await.unwrap().unwrap().kid, new.kid);
    assert_eq!(running.verify(&old).await.unwrap().unwrap().payload, b"old");
    assert!(matches!(stages(&operator).await[..], [Stage::Retired(_), Stage::Signing]));
    place.pass(15);
    assert_eq!(running.verify(&old).await.unwrap(), None);
    running.keep().await.unwrap();
    assert_eq!(stages(&operator).await, [Stage::Signing]);
}

#[tokio::test]
async fn a_key_is_followed_by_a_new_one_when_it_is_old() {
    let place = Place::new();
    let keyring = place.started(&[]).await;
    place.pass(90 * 24 * 60 - 1);
    keyring.keep().await.unwrap();
    assert_eq!(stages(&keyring).await, [Stage::Signing]);
    place.pass(1);
    keyring.keep().await.unwrap();
    assert_eq!(stages(&keyring).await, [Stage::Signing, Stage::Waiting]);
}

#[tokio::test]
async fn a_stolen_key_is_dropped_at_once_and_a_token_of_the_new_one_makes_others_look() {
    let place = Place::new();
    let (first, second) = (place.started(&[]).await, place.started(&[]).await);
    let stolen = first.sign(b"{}").unwrap();
    first.rotate(true).await.unwrap();
    first.keep().await.unwrap();
    assert_eq!((stages(&first).await, first.verify(&stolen).await.unwrap()), (vec![Stage::Signing], None));
    let token = first.sign(b"{}").unwrap();
    assert!(second.verify(&stolen).await.unwrap().is_some(), "it has not looked yet");
    *second.last_look.lock().await = None; // a second has passed
    assert!(second.verify(&token).await.unwrap().is_some());
    assert_eq!(second.verify(&stolen).await.unwrap(), None);
}

#[tokio::test]
async fn a_flood_of_unknown_keys_reads_the_ring_once_a_second() {
    let place = Place::new();
    let (first, second) = (place.started(&[]).await, place.started(&[]).await);
    first.rotate(true).await.unwrap();
    first.keep().await.unwrap();
    let token = first.sign(b"{}").unwrap();
    let just_now = |succeeded| Some(Look { ended: Instant::now() + Duration::from_secs(60), succeeded });
    *second.last_look.lock().await = just_now(true);
    assert_eq!(second.verify(&token).await.unwrap(), None);
    *second.last_look.lock().await = just_now(false);
    assert!(matches!(second.verify(&token).await, Err(Error::StoreUnavailable(_))), "nobody knows");
    *second.last_look.lock().await = None;
    assert!(second.verify(&token).await.unwrap().is_some());
}

#[tokio::test]
async fn private_keys_are_sealed_anew_with_the_first_secret_when_an_instance_starts() {
    let place = Place::new();
    let plain = place.started(&[]).await;
    let token = plain.sign(b"{}").unwrap();
    assert!(!plain.list().await.unwrap()[0].sealed);
    for secrets in [&["a"] as &[_], &["b", "a"], &["b"]] {
        let keyring = place.started(secrets).await;
        assert!(keyring.list().await.unwrap()[0].sealed);
        assert!(keyring.verify(&token).await.unwrap().is_some(), "{secrets:?}");
    }
    for (secrets, why) in [(&[] as &[_], "there is no master secret"), (&["a"], "no master secret opens it")] {
        let refused = place.keyring(secrets).start().await.unwrap_err().to_string();
        assert!(refused.contains(why) && refused.contains("LATCHKEY_MASTER_SECRET_FILE"), "{refused}");
    }
    plain.keep().await.unwrap();
    assert!(plain.verify(&token).await.unwrap().is_some(), "what an instance has opened, it keeps");
}

#[tokio::test]
async fn a_lost_secret_costs_all_tokens_and_never_a_key_in_plain_text() {
    let place = Place::new();
    place.started(&["a"]).await;
    for (secrets, at_once) in [(&[] as &[_], false), (&[], true), (&["b"], false)] {
        assert!(place.keyring(secrets).rotate(at_once).await.is_err(), "{secrets:?} {at_once}");
    }
    assert!(place.keyring(&["b"]).rotate(true).await.unwrap().sealed);
    place.started(&["b"]).await;
}

#[tokio::test]
async fn who_cannot_open_a_key_goes_on_with_the_others_and_leaves_the_ring_alone() {
    let place = Place::new();
    let running = place.started(&["a"]).await;
    let token = running.sign(b"{}").unwrap();
    let new = place.keyring(&["b", "a"]).rotate(false).await.unwrap();
    place.pass(90 * 24 * 60);
    running.keep().await.unwrap();
    assert!(running.verify(&token).await.unwrap().is_some() && !running.holds(&new.kid));
    assert_eq!(running.published().await.len(), 1);
    assert_eq!(stages(&running).await.len(), 2, "it neither drops nor makes a key");
    place.started(&["b", "a"]).await;
    running.keep().await.unwrap();
    assert!(running.check_ready().is_err() && running.sign(b"{}").is_err());
    assert_eq!(running.verify(&token).await.unwrap(), None);
}

#[tokio::test]
async fn of_two_that_wait_neither_has_retired() {
    let place = Place::new();
    let keyring = place.started(&[]).await;
    for waiting in 1..=2 {
        keyring.rotate(false).await.unwrap();
        assert_eq!(stages(&keyring).await[1..], vec![Stage::Waiting; waiting]);
    }
}

#[tokio::test]
async fn what_lies_sealed_with_the_first_secret_is_not_written_again() {
    let place = Place::new();
    place.started(&["a"]).await;
    let before = place.record().await.revision;
    place.started(&["a"]).await.keep().await.unwrap();
    assert_eq!(place.record().await.revision, before);
    place.started(&["b", "a"]).await;
    assert_ne!(place.record().await.revision, before);
}

#[tokio::test]
async fn an_instance_that_runs_takes_sealed_keys_and_none_in_plain_text() {
    let place = Place::new();
    let running = place.started(&["a"]).await;
    let sealed = place.keyring(&["a"]).rotate(false).await.unwrap();
    running.keep().await.unwrap();
    assert!(running.holds(&sealed.kid));
    let elsewhere = Place::new();
    let token = elsewhere.started(&[]).await.sign(b"{}").unwrap();
    let fields = place.record().await.fields.into_iter().chain(elsewhere.record().await.fields);
    let mut batch = Batch::new(keys::signing());
    batch.put(Name::ROOT, fields.collect());
    place.store.commit(batch).await.unwrap();
    running.keep().await.unwrap();
    assert!(running.holds(&sealed.kid));
    assert_eq!(running.verify(&token).await.unwrap(), None);
    assert_eq!(place.told(&["a"]).await.found, "private keys lie in plain text beside sealed ones");
}

#[tokio::test]
async fn what_a_start_could_not_do_is_done_as_soon_as_it_can_be() {
    let place = Place::new();
    place.started(&[]).await;
    let running = place.keyring(&["a"]); // its start has failed
    running.keep().await.unwrap();
    assert!(running.list().await.unwrap()[0].sealed && running.sign(b"{}").is_ok());
}

#[tokio::test]
async fn what_is_told_of_the_sealing_says_what_to_do() {
    let place = Place::new();
    place.started(&[]).await;
    for (secrets, what) in
        [(&[] as &[_], "set LATCHKEY_MASTER_SECRET_FILE"), (&["a"], "start the service, which seals them")]
    {
        let told = place.told(secrets).await;
        assert_eq!(told.severity, Severity::Warning);
        assert!(told.mend.as_deref().unwrap().starts_with(what), "{told:?}");
    }
    place.started(&["a"]).await;
    assert_eq!(place.told(&["a"]).await.severity, Severity::Ok);
}

#[tokio::test]
async fn a_ring_that_cannot_be_read_is_found() {
    let place = Place::new();
    place.started(&[]).await;
    let whole = place.record().await;
    assert!(record::check(&whole).is_ok());
    for field in whole.fields.keys() {
        let mut fields = whole.fields.clone();
        fields.remove(field);
        assert!(record::check(&Record { fields, ..whole.clone() }).is_err(), "without {field}");
    }
}
