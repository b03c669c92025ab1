//! Threads that are busy, and what waits for them.

use std::sync::{
    atomic::{AtomicBool, Ordering},
    mpsc,
};

use super::*;

const SECOND: Duration = Duration::from_secs(1);

/// A pool of one thread, which is busy until the answer is dropped.
async fn busy(queue: u32) -> (Arc<Pool>, mpsc::Sender<()>) {
    let pool = Arc::new(Pool::start(1, Some(queue), SECOND).unwrap());
    let (end, until) = mpsc::channel::<()>();
    let (started, has_started) = oneshot::channel();
    let at_work = Arc::clone(&pool);
    tokio::spawn(async move {
        let job = move |_: &mut Engine| {
            started.send(()).unwrap();
            until.recv().unwrap_err();
        };
        at_work.run(job).await
    });
    has_started.await.unwrap();
    (pool, end)
}

/// Puts a job into the queue, and leaves the answer with whoever asked.
fn ask(pool: &Pool) -> Result<oneshot::Receiver<u32>, Error> {
    let (asker, answer) = oneshot::channel();
    pool.0.put(Box::new(Asked { asker, compute: |_: &mut Engine| 1 }))?;
    Ok(answer)
}

#[tokio::test]
async fn a_full_queue_is_an_answer_at_once_that_says_when_to_come_again() {
    let (pool, _end) = busy(2).await;
    let _waiting = [ask(&pool).unwrap(), ask(&pool).unwrap()];
    let mut page = Page::default();
    pool.write(&mut page);
    assert!(format!("{page:?}").contains(r"latchkey_hash_threads_busy 1\n"), "{page:?}");
    for _ in 0..3 {
        let refused = ask(&pool).unwrap_err();
        assert!(
            matches!(refused, Error::Overloaded { retry_after } if retry_after == 3 * SECOND),
            "one is at work and two wait, a second each: {refused:?}"
        );
    }
}

#[tokio::test]
async fn whoever_hung_up_takes_no_room_and_no_time() {
    let (pool, end) = busy(2).await;
    let (first, gone) = (ask(&pool).unwrap(), ask(&pool).unwrap());
    drop(gone);
    let third = ask(&pool).unwrap();
    assert!(ask(&pool).is_err());
    drop(end);
    assert_eq!((first.await.unwrap(), third.await.unwrap()), (1, 1));
}

#[tokio::test]
async fn what_nobody_waits_for_is_not_computed() {
    let (pool, end) = busy(9).await;
    let computed = Arc::new(AtomicBool::new(false));
    let (asker, gone) = oneshot::channel();
    let compute = {
        let computed = Arc::clone(&computed);
        move |_: &mut Engine| computed.store(true, Ordering::SeqCst)
    };
    pool.0.put(Box::new(Asked { asker, compute })).unwrap();
    drop(gone);
    drop(end);
    assert_eq!(ask(&pool).unwrap().await.unwrap(), 1, "it was in the queue behind");
    assert!(!computed.load(Ordering::SeqCst));
}

#[test]
fn a_thread_without_a_job_is_not_busy() {
    let mut page = Page::default();
    Pool::start(2, None, SECOND).unwrap().write(&mut page);
    assert!(format!("{page:?}").contains(r"latchkey_hash_threads_busy 0\n"), "{page:?}");
}

#[test]
fn the_threads_end_with_the_pool() {
    let pool = Pool::start(2, None, SECOND).unwrap();
    let shared = Arc::downgrade(&pool.0);
    assert_eq!(shared.strong_count(), 3);
    drop(pool);
    let begun = Instant::now();
    while shared.strong_count() > 0 {
        assert!(begun.elapsed() < 20 * SECOND, "a thread is left");
        std::thread::yield_now();
    }
}

#[tokio::test]
async fn a_job_that_panics_ends_alone() {
    let pool = Pool::start(1, None, SECOND).unwrap();
    let failed = pool.run(|_| panic!("on purpose")).await.map(|()| 0);
    assert!(matches!(failed, Err(Error::Corrupt(_))), "{failed:?}");
    assert_eq!(pool.run(|_| 1).await.unwrap(), 1);
}
